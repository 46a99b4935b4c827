//! What the fuzz targets do, one function each: they get bytes and return or panic.
//!
//! - [`decode`]: any bytes are refused with an offset or compiled, the same by every way in.
//! - [`differential`]: a generated module does the same under every configuration as in an interpreter written by others.
//! - [`snapshot`]: a program that has run for a while, with modules that it could have generated, goes on as its snapshot does, in mj and in the interpreter.
//! - [`WIDTHS`]: modules made for mistakes about widths, to be compared in the same way.

#![forbid(unsafe_code)]

mod decoding;
mod differing;
mod generate;
mod host;
mod interpreter;
mod observation;
mod snapshots;
mod subject;
mod widths;

pub use decoding::decode;
pub use differing::{Divergence, compare, compare_under, differential};
pub use generate::module;
pub use mj_generating::Random;
pub use snapshots::{Outcome, snapshot};
pub use widths::{WIDTH_CONFIGS, WIDTHS, Widths};
