//! WASI preview 1 for programs that the mj engine runs.
//!
//! A [`WasiCtxBuilder`] says what one guest may reach, [`WasiCtxBuilder::build_p1`] makes its
//! [`p1::WasiP1Ctx`], and [`p1::add_to_linker_sync`] gives its functions to all guests of a
//! linker. Programs of the older preview 0 (`wasi_unstable`) find theirs in [`p0`].
//!
//! Nothing can be reached that was not given: folders are opened through `cap-std`, which
//! keeps `..`, absolute paths and symbolic links inside them. No number that a guest passes can
//! make the host panic, or allocate more than the guest's memory and its files hold.
//!
//! Names are those of wasmtime-wasi's preview 1.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod abi;
mod clocks;
mod ctx;
mod descriptor;
mod errno;
mod exit;
mod interrupt;
mod link;
mod listing;
mod memory;
mod open;
mod perms;
mod pipe;
mod random;
mod system;
#[cfg(test)]
mod tests;
mod times;

pub mod cli;
pub mod p0;
pub mod p1;

/// Standard streams in memory, under the names they have in wasmtime-wasi.
pub mod p2 {
    /// Input from memory and output to memory.
    pub mod pipe {
        pub use crate::pipe::{MemoryInputPipe, MemoryOutputPipe};
    }
}

pub use clocks::{HostMonotonicClock, HostWallClock};
pub use ctx::WasiCtxBuilder;
pub use exit::I32Exit;
pub use interrupt::Interrupter;
pub use open::OpenFile;
pub use perms::{DirPerms, FilePerms};
pub use random::{Deterministic, Rng};
