//! Short copies and fills of memory as loads and stores.
//!
//! Of a known length, a few accesses take less than the call of a helper. Nothing may be written if any of it is out of bounds: so all is loaded first,
//! and the last piece is stored first. If that is in memory, so are the others.

use mj_decode::{Bulk, Op, ValType};
use smallvec::SmallVec;

use super::Builder;
use crate::ssa::Node;

/// The longest copy or fill, in bytes.
const LONGEST: u64 = 32;

/// A piece: its offset, and how it is loaded and stored.
type Piece = (u64, Op, Op);

/// The pieces of so many bytes, the last one first.
fn pieces(length: u64) -> SmallVec<[Piece; 8]> {
    let mut pieces = SmallVec::new();
    let mut at = 0;
    while at < length {
        let (size, load, store) = match length - at {
            8.. => (8, Op::I64Load, Op::I64Store),
            4.. => (4, Op::I32Load, Op::I32Store),
            2.. => (2, Op::I32Load16U, Op::I32Store16),
            _ => (1, Op::I32Load8U, Op::I32Store8),
        };
        pieces.insert(0, (at, load, store));
        at += size;
    }
    pieces
}

impl Builder<'_> {
    /// Does a short copy or fill, whose operands are on the stack.
    pub(super) fn short_bulk(&mut self, bulk: Bulk, at: u32) -> bool {
        let length = self.scratch.stack.last().and_then(|&length| self.function.constant(length));
        let Some(length @ 1..=LONGEST) = length.map(|length| u64::from(length as u32)).filter(|_| self.options.bulk) else { return false };
        if !matches!(bulk, Bulk::MemoryCopy(0, 0) | Bulk::MemoryFill(0)) {
            return false;
        }
        // As in front of a call: what traps has been charged.
        self.charge();
        self.pop();
        let value = self.pop();
        let values = match bulk {
            Bulk::MemoryCopy(..) => pieces(length).iter().map(|&(offset, load, _)| self.load_value(load, value, offset, at)).collect(),
            _ => self.filled(value, length),
        };
        let to = self.pop();
        for (&(offset, _, store), value) in pieces(length).iter().zip(values) {
            self.store_value(store, to, value, offset, at);
        }
        true
    }

    /// What a fill stores in each piece.
    fn filled(&mut self, byte: Node, length: u64) -> SmallVec<[Node; 8]> {
        let constant = |builder: &mut Self, ty, bits| builder.constant_node(ty, bits);
        let mask = constant(self, ValType::I32, 0xff);
        let byte = self.operator(Op::I32And, &[byte, mask], 0);
        let mut repeated = [None; 2];
        let mut values = SmallVec::new();
        for (_, _, store) in pieces(length) {
            let is_long = store == Op::I64Store;
            let value = match repeated[usize::from(is_long)] {
                Some(value) => value,
                None if is_long => {
                    let wide = self.operator(Op::I64ExtendI32U, &[byte], 0);
                    let ones = constant(self, ValType::I64, 0x0101_0101_0101_0101);
                    self.operator(Op::I64Mul, &[wide, ones], 0)
                }
                None => {
                    let ones = constant(self, ValType::I32, 0x0101_0101);
                    self.operator(Op::I32Mul, &[byte, ones], 0)
                }
            };
            repeated[usize::from(is_long)] = Some(value);
            values.push(value);
        }
        values
    }
}
