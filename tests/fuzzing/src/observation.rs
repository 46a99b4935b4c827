//! What can be seen of a run from outside, in terms that belong to no engine.

use std::fmt;

use mj_generating::{Random, mix, word};

use crate::host::Trace;

/// A value; floats by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    /// Whether it is a function, that is, not null.
    Func(bool),
    /// The number that stands behind an external reference.
    Extern(Option<u32>),
}

/// The types of [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    I32,
    I64,
    F32,
    F64,
    Func,
    Extern,
}

/// Why a call or an instantiation came to no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Unreachable,
    Memory,
    Table,
    NullElement,
    Signature,
    Division,
    Overflow,
    Conversion,
    Stack,
    Host,
    /// No steps were left, where they are counted.
    Steps,
}

/// An exported item after a call: a memory's size and hash, a table's null elements, a global's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Memory { length: usize, hash: u64 },
    Table(Vec<bool>),
    Global(Value),
}

/// One call and what it left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub outcome: Result<Vec<Value>, Stop>,
    pub trace: Trace,
    pub items: Vec<(String, Item)>,
}

/// An exported function, called in an instance of its own; `Err` if there could be none.
pub type Run = Result<Vec<Call>, Stop>;

/// How often a function is called, each time with other arguments.
pub const CALLS: u64 = 3;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::I32(value) => write!(f, "i32:{value:#x}"),
            Value::I64(value) => write!(f, "i64:{value:#x}"),
            Value::F32(bits) => write!(f, "f32:{bits:#x}={}", f32::from_bits(*bits)),
            Value::F64(bits) => write!(f, "f64:{bits:#x}={}", f64::from_bits(*bits)),
            Value::Func(is_some) => write!(f, "funcref:{is_some}"),
            Value::Extern(number) => write!(f, "externref:{number:?}"),
        }
    }
}

/// The arguments of call number `call`: few small numbers, limits, and anything.
pub fn arguments(types: &[Type], call: u64) -> Vec<Value> {
    let mut random = Random::new(call);
    types.iter().map(|&ty| argument(ty, &mut random)).collect()
}

/// An argument of this type.
pub fn argument(ty: Type, random: &mut Random) -> Value {
    let word = word(random);
    match ty {
        Type::I32 => Value::I32(word as i32),
        Type::I64 => Value::I64(word.cast_signed()),
        Type::F32 if random.below(2) == 0 => Value::F32((word as i32 as f32).to_bits()),
        Type::F32 => Value::F32(word as u32),
        Type::F64 if random.below(2) == 0 => Value::F64((word.cast_signed() as f64).to_bits()),
        Type::F64 => Value::F64(word),
        Type::Func => Value::Func(false),
        Type::Extern => Value::Extern((word & 1 == 1).then_some(word as u32)),
    }
}

/// A hash of a memory.
pub fn memory(bytes: &[u8]) -> Item {
    let (words, rest) = bytes.as_chunks::<8>();
    // Most of a memory is zero and stays so; its position makes each other word count.
    let nonzero = words.iter().enumerate().map(|(index, word)| (index as u64, u64::from_le_bytes(*word))).filter(|(_, word)| *word != 0);
    let hash = nonzero.fold(0, |hash, (index, word)| mix(hash ^ mix(index) ^ word));
    Item::Memory { length: bytes.len(), hash: rest.iter().fold(hash, |hash, byte| mix(hash ^ u64::from(*byte))) }
}
