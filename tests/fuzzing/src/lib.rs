//! What the fuzz targets do, one function each: they get bytes and return or panic.
//!
//! - [`decode`]: any bytes are refused with an offset or compiled, the same by every way in.
//! - [`differential`]: a generated module does the same under every configuration as in an interpreter written by others.

#![forbid(unsafe_code)]

mod decoding;
mod differing;
mod generate;
mod host;
mod interpreter;
mod observation;
mod random;
mod subject;

pub use decoding::decode;
pub use differing::{Divergence, compare, differential};
pub use generate::module;
pub use random::Random;
