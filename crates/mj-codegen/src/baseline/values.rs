//! The operand stack as the baseline sees it: where each value is, and what is still to be done to get it.
//!
//! `local.get` and constants emit nothing. One operator at a time may be *deferred*: it is pushed without code because the
//! operator that consumes it can fold it. Lookahead of one operator decides, so at most a `local.get` stands between.
//!
//! Invariants: every [`Place::Register`] entry (and a deferred operand in a register) owns one reference of that register in the
//! cache; every [`Place::Local`] is counted in the local's `pending`; [`Place::Flags`] is only ever on top, and the operator that follows consumes it.

use mj_decode::{Op, ValType};
use mj_ir::{PReg, Value};

use crate::Cond;
use crate::isa::{Operands, Producer};

/// Where a value of the operand stack is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In a register.
    Register(PReg),
    /// In the slot that belongs to its depth.
    Slot,
    /// A constant: integers sign-extended, floats as bits.
    Constant(i64),
    /// The current value of a local.
    Local(u32),
    /// In the flags: 1 if the condition holds.
    Flags(Cond),
    /// Not computed yet: [`Deferred`].
    Deferred,
}

/// An entry of the operand stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub place: Place,
    pub ty: ValType,
    pub value: Value,
}

/// An operand of a deferred operator, or of the operator at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub place: Place,
    pub ty: ValType,
    pub value: Value,
    /// The frame slot, if the place is a slot.
    pub slot: u32,
    /// The register it was brought into.
    pub register: PReg,
}

/// The number of no value.
pub(super) const NO_VALUE: Value = Value::NONE;

impl Leaf {
    pub const NONE: Leaf = Leaf { place: Place::Slot, ty: ValType::I32, value: NO_VALUE, slot: 0, register: PReg::NONE };
}

/// An operator that waits for its consumer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred {
    pub op: Op,
    pub operands: [Leaf; 2],
    pub count: u8,
    pub constant: Option<i64>,
    pub offset: u64,
    pub at: u32,
    /// Index of its entry on the operand stack.
    pub depth: usize,
}

impl Deferred {
    pub const NONE: Deferred =
        Deferred { op: Op::I32Add, operands: [Leaf::NONE; 2], count: 0, constant: None, offset: 0, at: 0, depth: usize::MAX };
}

/// The top entries of the stack as the selector sees them.
pub(super) struct View<'a> {
    pub operands: &'a [Entry],
    pub deferred: &'a Deferred,
}

impl Operands for View<'_> {
    #[inline]
    fn constant(&self, operand: usize) -> Option<i64> {
        match self.operands[operand].place {
            Place::Constant(bits) => Some(bits),
            _ => None,
        }
    }

    #[inline]
    fn producer(&self, operand: usize) -> Option<Producer> {
        (self.operands[operand].place == Place::Deferred).then_some(Producer { op: self.deferred.op, constant: self.deferred.constant })
    }
}

/// The operands of a deferred operator that has to be done after all.
pub(super) struct ForcedView<'a>(pub &'a Deferred);

impl Operands for ForcedView<'_> {
    fn constant(&self, operand: usize) -> Option<i64> {
        if operand == 1 { self.0.constant } else { None }
    }

    fn producer(&self, _: usize) -> Option<Producer> {
        None
    }
}
