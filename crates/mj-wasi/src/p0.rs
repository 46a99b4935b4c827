//! Preview 0: `wasi_unstable`, which programs built before 2020 import.
//!
//! A program imports one version or the other; a host that does not know which defines both.

use crate::abi::Preview0;
use crate::link::add_to_linker;
use crate::p1::WasiP1Ctx;
use mj_jit::{Linker, Result};

/// Defines the functions of `wasi_unstable` in `linker`.
///
/// See [`p1::add_to_linker_sync`](crate::p1::add_to_linker_sync). The context is the same.
///
/// # Errors
///
/// Fails if one of the names is already defined and may not be shadowed.
pub fn add_to_linker_sync<T: Send + 'static>(
    linker: &mut Linker<T>,
    f: impl Fn(&mut T) -> &mut WasiP1Ctx + Copy + Send + Sync + 'static,
) -> Result<()> {
    add_to_linker::<T, Preview0>(linker, f)
}
