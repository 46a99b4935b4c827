//! What compilers share that no machine knows: registers as sets, the state of the baseline's register cache, functions in SSA form, and
//! register allocation over them.

#![forbid(unsafe_code)]

mod allocate;
mod cache;
mod checker;
mod constraints;
mod moves;
mod register;
mod selected;
pub mod ssa;

pub use allocate::{Action, Allocation, Allocator, FOREIGN_SLOT, Location, TooLarge};
pub use cache::{Cache, Local, Snapshot};
pub use checker::{Checker, Holder, Value};
pub use constraints::{Constraints, Definition, Use};
pub use moves::{Move, MoveSink, ParallelMoves};
pub use register::{Class, PReg, RegSet, RegisterFile};
pub use selected::{Arrival, Defined, Operand, Selected, Step};
