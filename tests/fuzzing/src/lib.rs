//! What the fuzz targets do, one function each: they get bytes and return or panic.
//!
//! | target | what |
//! |---|---|
//! | [`decode`] | any bytes are refused with an offset or compiled, the same by every way in |
//! | [`differential`] | a generated module, or one of single operators, does the same in modes drawn from all there are as in an interpreter written by others |
//! | [`WIDTHS`] | modules made for mistakes about widths, compared in the same way |
//! | [`tiering`] | code is replaced at random places, and does the same |
//! | [`regalloc`] | registers for random functions, checked by the compilers' own checkers |
//! | [`ir_passes`] | SSA functions interpreted with and without each simplification |
//! | [`asm_x64`], [`asm_aarch64`] | encoders against disassemblers |
//! | [`wasi_paths`] | no path leads out of a preopened folder |
//! | [`snapshot`] | a program that has run for a while, with modules that it could have generated, goes on as its snapshot does, in mj and in the interpreter |
//! | [`cache`] | no damaged artefact is loaded |

#![deny(unsafe_code)]

mod allocating;
// Tests of other crates, which are not run again as tests of this one.
#[cfg(not(test))]
mod assembling;
mod caching;
mod chains;
mod decoding;
mod differing;
mod generate;
mod host;
mod interpreter;
mod observation;
mod operators;
#[cfg(not(test))]
mod passing;
mod programs;
mod rewriting;
mod snapshots;
mod strangers;
mod subject;
#[cfg(not(test))]
mod targets;
mod tiering;
mod walking;
mod widths;

pub use allocating::regalloc;
#[cfg(not(test))]
pub use assembling::{asm_aarch64, asm_x64};
pub use caching::cache;
pub use decoding::decode;
pub use differing::{Divergence, compare, compare_under, compare_with, differential};
pub use generate::module;
pub use mj_generating::Random;
#[cfg(not(test))]
pub use passing::ir_passes;
pub use snapshots::{Outcome, snapshot};
pub use strangers::{Effort, Report, Stranger, compare_stranger};
#[cfg(not(test))]
pub use targets::{TARGETS, Target, module_of, run_target};
pub use tiering::tiering;
pub use walking::wasi_paths;
pub use widths::{WIDTH_CONFIGS, WIDTHS, Widths};
