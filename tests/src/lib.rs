//! What the integration tests and `cargo xtask` share: the specification suite with its expectations, and the test programs, written and random ones.

#![forbid(unsafe_code)]

pub mod expectations;
pub mod programs;
pub mod schemes;
pub mod suite;
