//! To be written.

/// What is built.
pub struct Source;
