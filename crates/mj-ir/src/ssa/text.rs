//! The text form of a [`Function`](super::Function).
