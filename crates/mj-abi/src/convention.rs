//! The calling convention inside WebAssembly, without register names: which *position* each value takes.
//!
//! Integer and reference values take the first eight integer argument positions in order, float and vector values the
//! first eight float positions; the others lie on the stack in 8-byte slots, the first such argument lowest, in an area whose size is a multiple of
//! 16, for there are stack pointers that must be aligned. The callee pops them. Results are assigned to the same positions by the same rule. Results that find no position are stored
//! by the callee through a pointer that the caller passes as one more integer argument behind the last one.

use smallvec::SmallVec;

use crate::SLOT;

/// Integer arguments (and results) in registers.
pub const INT_ARGUMENTS: u8 = 8;
/// Float or vector arguments (and results) in registers.
pub const FLOAT_ARGUMENTS: u8 = 8;

/// Which register file a value lives in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueClass {
    /// Integers and references: 8 bytes at most.
    Int,
    /// Scalar floats.
    Float,
    /// 128-bit vectors: float registers, two slots.
    Vector,
}

/// Where one argument or result is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgLocation {
    /// The n-th integer position.
    Int(u8),
    /// The n-th float position.
    Float(u8),
    /// Arguments: bytes above the lowest stack argument. Results: bytes from the hidden pointer.
    Memory(u32),
}

/// A function type laid out for calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLayout {
    /// One location a parameter.
    pub params: SmallVec<[ArgLocation; 8]>,
    /// One location a result.
    pub results: SmallVec<[ArgLocation; 2]>,
    /// Location of the hidden result pointer, if some result lies in memory.
    pub result_pointer: Option<ArgLocation>,
    /// Bytes of stack arguments, a multiple of 16, which the callee pops.
    pub argument_bytes: u32,
    /// Bytes behind the hidden pointer, a multiple of 16.
    pub result_bytes: u32,
}

impl CallLayout {
    /// Assigns locations to a function type.
    pub fn new(params: impl IntoIterator<Item = ValueClass>, results: impl IntoIterator<Item = ValueClass>) -> Self {
        let mut next = Positions::default();
        let mut params: SmallVec<[ArgLocation; 8]> = params.into_iter().map(|class| next.take(class)).collect();
        let mut out = Positions::default();
        let results = results.into_iter().map(|class| out.take(class)).collect();
        let result_pointer = (out.bytes > 0).then(|| next.take(ValueClass::Int));
        params.shrink_to_fit();
        Self { params, results, result_pointer, argument_bytes: next.area(), result_bytes: out.area() }
    }
}

#[derive(Default)]
struct Positions {
    ints: u8,
    floats: u8,
    bytes: u32,
}

impl Positions {
    /// Bytes of the area in memory.
    fn area(&self) -> u32 {
        self.bytes.next_multiple_of(16)
    }

    fn take(&mut self, class: ValueClass) -> ArgLocation {
        match class {
            ValueClass::Int if self.ints < INT_ARGUMENTS => {
                self.ints += 1;
                ArgLocation::Int(self.ints - 1)
            }
            ValueClass::Float | ValueClass::Vector if self.floats < FLOAT_ARGUMENTS => {
                self.floats += 1;
                ArgLocation::Float(self.floats - 1)
            }
            _ => {
                let at = self.bytes;
                self.bytes += if class == ValueClass::Vector { 2 * SLOT } else { SLOT };
                ArgLocation::Memory(at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninth_integer_and_the_ninth_float_go_to_the_stack() {
        let mut params = vec![ValueClass::Int; 9];
        params.extend([ValueClass::Float; 9]);
        let layout = CallLayout::new(params, [ValueClass::Int]);
        assert_eq!(layout.params[8], ArgLocation::Memory(0));
        assert_eq!(layout.params[17], ArgLocation::Memory(8));
        assert_eq!(layout.argument_bytes, 16);
        assert_eq!(layout.result_pointer, None);
    }

    #[test]
    fn results_without_register_are_stored_through_a_hidden_pointer() {
        let layout = CallLayout::new([ValueClass::Int], vec![ValueClass::Int; 10]);
        assert_eq!(layout.results[9], ArgLocation::Memory(8));
        assert_eq!(layout.result_pointer, Some(ArgLocation::Int(1)));
        assert_eq!(layout.result_bytes, 16);
    }
}
