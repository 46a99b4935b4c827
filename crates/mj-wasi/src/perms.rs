//! What a guest may do below a preopened folder, whatever the host itself would allow.

use bitflags::bitflags;

bitflags! {
    /// Permissions for the folder itself and everything below: names.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct DirPerms: usize {
        /// Folders may be listed, files opened, and names looked up.
        const READ = 0b1;
        /// Names may be created, renamed and removed, and their times set.
        const MUTATE = 0b10;
    }

    /// Permissions for the files below: contents.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FilePerms: usize {
        /// Files may be opened for reading.
        const READ = 0b1;
        /// Files may be opened for writing.
        const WRITE = 0b10;
    }
}
