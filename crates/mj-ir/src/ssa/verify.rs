//! The invariants of a [`Function`](super::Function), checked.
