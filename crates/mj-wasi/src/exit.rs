//! How a guest ends by itself.

use std::error::Error;
use std::fmt;

/// The error a call into a guest returns when the guest has called `proc_exit`.
///
/// Zero is success by custom. The number is the guest's, whatever it is: how much of it an
/// operating system can pass on is the host's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I32Exit(
    /// The exit status.
    pub i32,
);

impl fmt::Display for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exited with i32 exit status {}", self.0)
    }
}

impl Error for I32Exit {}
