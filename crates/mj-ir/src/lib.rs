//! What compilers share that no machine knows: registers as sets, and the state of the baseline's register cache.
//!
//! The optimizing compiler's intermediate representation will stand here too.

#![forbid(unsafe_code)]

mod cache;
mod checker;
mod moves;
mod register;

pub use cache::{Cache, Local, Snapshot};
pub use checker::{Checker, Holder, Value};
pub use moves::{Move, MoveSink, ParallelMoves};
pub use register::{Class, PReg, RegSet, RegisterFile};
