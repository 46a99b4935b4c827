//! Algebra: what an operator is, given what its operands are.
//!
//! Operators on i32 and i64 share their rules: [`Int`] is an operator apart from its width. Integer operators have their constant operand on the
//! right and subtract no constants. Floats are folded only where both operands are constant.

use mj_decode::{Op, ValType};

use super::Builder;
use crate::ssa::fold::evaluate;
use crate::ssa::{Node, NodeKind};

/// An integer operator, by the name of its 32-bit form, and its width.
#[derive(Clone, Copy)]
struct Int {
    op: Op,
    is_wide: bool,
}

const COMPARES: u8 = Op::I64Eqz as u8 - Op::I32Eqz as u8;
const ARITHMETIC: u8 = Op::I64Clz as u8 - Op::I32Clz as u8;

impl Int {
    fn of(op: Op) -> Option<Int> {
        let number = op as u8;
        let within = |first: Op, last: Op| first as u8 <= number && number <= last as u8;
        if within(Op::I32Eqz, Op::I32GeU) || within(Op::I32Clz, Op::I32Rotr) {
            Some(Int { op, is_wide: false })
        } else if within(Op::I64Eqz, Op::I64GeU) {
            Some(Int { op: Op::ALL[usize::from(number - COMPARES)], is_wide: true })
        } else if within(Op::I64Clz, Op::I64Rotr) {
            Some(Int { op: Op::ALL[usize::from(number - ARITHMETIC)], is_wide: true })
        } else {
            None
        }
    }

    /// The operator with this 32-bit name, of the same width.
    fn other(self, op: Op) -> Op {
        let number = op as u8;
        if !self.is_wide {
            op
        } else if number <= Op::I32GeU as u8 {
            Op::ALL[usize::from(number + COMPARES)]
        } else {
            Op::ALL[usize::from(number + ARITHMETIC)]
        }
    }

    fn ty(self) -> ValType {
        if self.is_wide { ValType::I64 } else { ValType::I32 }
    }

    fn bits(self) -> u32 {
        if self.is_wide { 64 } else { 32 }
    }

    /// A constant of this width as an unsigned number.
    fn unsigned(self, bits: i64) -> u64 {
        if self.is_wide { bits as u64 } else { u64::from(bits as u32) }
    }

    /// Bits of an unsigned number of this width as a constant.
    fn signed(self, value: u64) -> i64 {
        if self.is_wide { value as i64 } else { i64::from(value as i32) }
    }
}

/// The comparison that is true where this one is not.
fn inverse(op: Op) -> Option<Op> {
    use Op::*;
    Some(match op {
        I32Eq => I32Ne,
        I32Ne => I32Eq,
        I32LtS => I32GeS,
        I32LtU => I32GeU,
        I32GtS => I32LeS,
        I32GtU => I32LeU,
        I32LeS => I32GtS,
        I32LeU => I32GtU,
        I32GeS => I32LtS,
        I32GeU => I32LtU,
        _ => return None,
    })
}

/// The comparison with its operands exchanged.
fn exchanged(op: Op) -> Op {
    use Op::*;
    match op {
        I32LtS => I32GtS,
        I32LtU => I32GtU,
        I32GtS => I32LtS,
        I32GtU => I32LtU,
        I32LeS => I32GeS,
        I32LeU => I32GeU,
        I32GeS => I32LeS,
        I32GeU => I32LeU,
        other => other,
    }
}

fn is_compare(op: Op) -> bool {
    (Op::I32Eq as u8..=Op::I32GeU as u8).contains(&(op as u8))
}

fn class_is_float(op: Op) -> bool {
    matches!(op.row().b, ValType::F32 | ValType::F64)
}

impl Builder<'_> {
    /// The operator and operands of a node.
    fn producer(&self, node: Node) -> Option<(Op, &[Node])> {
        match self.function.nodes[node].kind {
            NodeKind::Operator(op) => Some((op, self.function.arguments(node))),
            _ => None,
        }
    }

    /// The operands of a node of this operator with two operands.
    fn pair(&self, node: Node, op: Op) -> Option<(Node, Node)> {
        match self.producer(node)? {
            (producer, &[a, b]) if producer == op => Some((a, b)),
            _ => None,
        }
    }

    /// The first operand of a node of this operator, whose second is a constant.
    fn with_constant(&self, node: Node, op: Op) -> Option<(Node, i64)> {
        let (a, b) = self.pair(node, op)?;
        Some((a, self.function.constant(b)?))
    }

    /// How many low bits of an integer may be set.
    fn width_of(&self, node: Node) -> u32 {
        use Op::*;
        let row = &self.function.nodes[node];
        match row.kind {
            NodeKind::Constant(bits) => {
                let bits = if row.ty == Some(ValType::I32) { u64::from(bits as u32) } else { bits as u64 };
                64 - bits.leading_zeros()
            }
            NodeKind::Operator(op) => {
                let constant = || self.function.constant(self.function.arguments(node)[1]);
                match op {
                    I32Load8U | I64Load8U => 8,
                    I32Load16U | I64Load16U => 16,
                    I64Load32U | I64ExtendI32U => 32,
                    I32Clz | I32Ctz | I32Popcnt => 6,
                    I64Clz | I64Ctz | I64Popcnt => 7,
                    I32And => constant().map_or(32, |bits| 32 - (bits as u32).leading_zeros()),
                    I64And => constant().map_or(64, |bits| 64 - bits.leading_zeros()),
                    I32ShrU => constant().map_or(32, |bits| 32 - (bits as u32 & 31)),
                    I64ShrU => constant().map_or(64, |bits| 64 - (bits as u32 & 63)),
                    _ if matches!(op.row().shape, mj_decode::Shape::Compare | mj_decode::Shape::Test) => 1,
                    _ => 64,
                }
            }
            _ => 64,
        }
    }

    /// The result of an operator.
    pub(super) fn simplify(&mut self, op: Op, arguments: &[Node], at: u32) -> Node {
        match *arguments {
            [a] => self.unary(op, a, at),
            [a, b] => self.binary(op, a, b, at),
            _ => unreachable!("an operator has one or two operands"),
        }
    }

    fn plain(&mut self, op: Op, arguments: &[Node], at: u32) -> Node {
        if let &[a, b] = arguments
            && self.scratch.nests.is_in_loop()
        {
            let arguments = [self.held(op, 0, a), self.held(op, 1, b)];
            return self.value(NodeKind::Operator(op), op.row().result, &arguments, at);
        }
        self.value(NodeKind::Operator(op), op.row().result, arguments, at)
    }

    /// An operand of an operator, a constant in a register, in front of the loops around: a load less each time.
    fn held(&mut self, op: Op, operand: usize, value: Node) -> Node {
        match self.function.constant(value) {
            Some(bits) if bits != 0 && (class_is_float(op) || (self.needs_register)(op, operand, bits)) => {
                self.value(NodeKind::Held, self.function.type_of(value), &[value], 0)
            }
            _ => value,
        }
    }

    fn unary(&mut self, op: Op, a: Node, at: u32) -> Node {
        use Op::*;
        if op == RefIsNull {
            return match self.function.nodes[a].kind {
                NodeKind::Constant(_) => self.i32(1),
                NodeKind::FuncRef(_) => self.i32(0),
                _ => self.plain(op, &[a], at),
            };
        }
        if let Some(bits) = self.function.constant(a)
            && let Some(value) = evaluate(op, bits, 0)
        {
            return self.constant_node(op.row().result, value);
        }
        if let I32Eqz | I64Eqz = op {
            return self.equal_zero(op, a, at);
        }
        let Some((inner, arguments)) = self.producer(a) else { return self.plain(op, &[a], at) };
        let first = arguments[0];
        match (op, inner) {
            (I32WrapI64, I64ExtendI32S | I64ExtendI32U)
            | (I32ReinterpretF32, F32ReinterpretI32)
            | (F32ReinterpretI32, I32ReinterpretF32)
            | (I64ReinterpretF64, F64ReinterpretI64)
            | (F64ReinterpretI64, I64ReinterpretF64)
            | (F32Neg, F32Neg)
            | (F64Neg, F64Neg) => first,
            (I32Extend8S, I32Extend8S | I32Load8S)
            | (I32Extend16S, I32Extend8S | I32Extend16S | I32Load8S | I32Load16S)
            | (I64Extend8S, I64Extend8S | I64Load8S)
            | (I64Extend16S, I64Extend8S | I64Extend16S | I64Load8S | I64Load16S)
            | (I64Extend32S, I64Extend8S | I64Extend16S | I64Extend32S | I64Load8S | I64Load16S | I64Load32S | I64ExtendI32S) => a,
            (I64Extend32S, I64ExtendI32U) => self.unary(I64ExtendI32S, first, at),
            (F32Abs, F32Neg | F32Abs) | (F64Abs, F64Neg | F64Abs) => self.plain(op, &[first], at),
            (I64ExtendI32S, _) if self.width_of(a) < 32 => self.plain(I64ExtendI32U, &[a], at),
            _ => self.plain(op, &[a], at),
        }
    }

    /// `eqz`, that of another comparison being its inverse.
    fn equal_zero(&mut self, op: Op, a: Node, at: u32) -> Node {
        if let Some((inner, arguments)) = self.producer(a)
            && let Some(int) = Int::of(inner)
        {
            match *arguments {
                [x] if op == Op::I32Eqz && int.op == Op::I32Eqz => {
                    let zero = self.constant_node(int.ty(), 0);
                    return self.binary(int.other(Op::I32Ne), x, zero, at);
                }
                [x, y] if op == Op::I32Eqz && is_compare(int.op) => {
                    let inverse = inverse(int.op).expect("a comparison of integers has one");
                    return self.binary(int.other(inverse), x, y, at);
                }
                [x, y] if int.op == Op::I32Sub || int.op == Op::I32Xor => return self.binary(int.other(Op::I32Eq), x, y, at),
                _ => {}
            }
        }
        self.plain(op, &[a], at)
    }

    fn binary(&mut self, op: Op, a: Node, b: Node, at: u32) -> Node {
        let (left, right) = (self.function.constant(a), self.function.constant(b));
        if let (Some(left), Some(right)) = (left, right)
            && let Some(value) = evaluate(op, left, right)
        {
            return self.constant_node(op.row().result, value);
        }
        let Some(int) = Int::of(op) else { return self.plain(op, &[a, b], at) };
        if a == b
            && let Some(node) = self.with_itself(int, a)
        {
            return node;
        }
        if left.is_some() && right.is_none() {
            use Op::*;
            if is_compare(int.op) {
                return self.binary(int.other(exchanged(int.op)), b, a, at);
            }
            if let I32Add | I32Mul | I32And | I32Or | I32Xor = int.op {
                return self.binary(op, b, a, at);
            }
        }
        if let Some(right) = right
            && let Some(node) = self.with_right(int, a, right, at)
        {
            return node;
        }
        self.plain(op, &[a, b], at)
    }

    /// An operator on twice the same value.
    fn with_itself(&mut self, int: Int, a: Node) -> Option<Node> {
        use Op::*;
        Some(match int.op {
            I32Sub | I32Xor => self.constant_node(int.ty(), 0),
            I32And | I32Or => a,
            I32Eq | I32LeS | I32LeU | I32GeS | I32GeU => self.i32(1),
            I32Ne | I32LtS | I32LtU | I32GtS | I32GtU => self.i32(0),
            _ => return None,
        })
    }

    /// An operator whose second operand is the constant `c`; none if it is nothing special.
    fn with_right(&mut self, int: Int, a: Node, c: i64, at: u32) -> Option<Node> {
        use Op::*;
        let value = int.unsigned(c);
        let ones = int.unsigned(-1);
        Some(match int.op {
            I32Add => {
                if value == 0 {
                    return Some(a);
                }
                let (x, inner) = self.with_constant(a, int.other(I32Add))?;
                let sum = self.constant_node(int.ty(), int.signed(value.wrapping_add(inner as u64)));
                self.binary(int.other(I32Add), x, sum, at)
            }
            I32Sub => {
                let negated = self.constant_node(int.ty(), int.signed(value.wrapping_neg()));
                self.binary(int.other(I32Add), a, negated, at)
            }
            I32Mul => return self.multiplied(int, a, value, at),
            I32And if value == 0 => self.constant_node(int.ty(), 0),
            I32And if value == ones => a,
            I32And => {
                if let Some((x, inner)) = self.with_constant(a, int.other(I32And)) {
                    let both = self.constant_node(int.ty(), c & inner);
                    return Some(self.binary(int.other(I32And), x, both, at));
                }
                let width = self.width_of(a);
                // All bits that may be set stay.
                (width < 64 && value.trailing_ones() >= width).then_some(a)?
            }
            I32Or if value == ones => self.constant_node(int.ty(), -1),
            I32Or | I32Xor | I32Shl | I32ShrS | I32ShrU | I32Rotl | I32Rotr if value == 0 => a,
            I32Shl | I32ShrS | I32ShrU | I32Rotl | I32Rotr => return self.shifted(int, a, value, at),
            I32DivU | I32RemU | I32DivS | I32RemS => return self.divided(int, a, c, at),
            _ if is_compare(int.op) => return self.compared(int, a, value, at),
            _ => return None,
        })
    }

    fn multiplied(&mut self, int: Int, a: Node, value: u64, at: u32) -> Option<Node> {
        if value == 0 {
            return Some(self.constant_node(int.ty(), 0));
        }
        if value == 1 {
            return Some(a);
        }
        if value == int.unsigned(-1) {
            let zero = self.constant_node(int.ty(), 0);
            return Some(self.plain(int.other(Op::I32Sub), &[zero, a], at));
        }
        if value.is_power_of_two() {
            let amount = self.constant_node(int.ty(), i64::from(value.trailing_zeros()));
            return Some(self.binary(int.other(Op::I32Shl), a, amount, at));
        }
        None
    }

    fn shifted(&mut self, int: Int, a: Node, value: u64, at: u32) -> Option<Node> {
        use Op::*;
        let amount = value as u32 & (int.bits() - 1);
        if u64::from(amount) != value {
            let masked = self.constant_node(int.ty(), i64::from(amount));
            return Some(self.binary(int.other(int.op), a, masked, at));
        }
        let (producer, _) = self.producer(a)?;
        let inner = Int::of(producer).filter(|inner| inner.is_wide == int.is_wide)?.op;
        let (x, first) = self.with_constant(a, producer)?;
        let first = first as u32;
        match (inner, int.op) {
            (I32Shl, I32Shl) | (I32ShrU, I32ShrU) | (I32ShrS, I32ShrS) if first + amount < int.bits() => {
                let sum = self.constant_node(int.ty(), i64::from(first + amount));
                Some(self.binary(int.other(int.op), x, sum, at))
            }
            (I32Shl, I32ShrS) if first == amount => {
                let extension = match (int.is_wide, int.bits() - amount) {
                    (false, 8) => I32Extend8S,
                    (false, 16) => I32Extend16S,
                    (true, 8) => I64Extend8S,
                    (true, 16) => I64Extend16S,
                    (true, 32) => I64Extend32S,
                    _ => return None,
                };
                Some(self.unary(extension, x, at))
            }
            (I32Shl, I32ShrU) if first == amount => {
                let mask = int.unsigned(-1) >> amount;
                // A greater one does not fit an instruction.
                if mask > 0x7fff_ffff {
                    return None;
                }
                let mask = self.constant_node(int.ty(), mask as i64);
                Some(self.binary(int.other(I32And), x, mask, at))
            }
            (I32ShrU, I32Shl) if first == amount && !int.is_wide => {
                let mask = self.i32((u32::MAX << amount) as i32);
                Some(self.binary(I32And, x, mask, at))
            }
            _ => None,
        }
    }

    fn compared(&mut self, int: Int, a: Node, value: u64, at: u32) -> Option<Node> {
        use Op::*;
        let eqz = if int.is_wide { I64Eqz } else { I32Eqz };
        match (int.op, value) {
            (I32LtU, 0) => Some(self.i32(0)),
            (I32GeU, 0) => Some(self.i32(1)),
            (I32Eq | I32LeU, 0) | (I32LtU, 1) => Some(self.unary(eqz, a, at)),
            (I32GtU, 0) | (I32GeU, 1) => {
                let zero = self.constant_node(int.ty(), 0);
                Some(self.binary(int.other(I32Ne), a, zero, at))
            }
            (I32Ne, 0) => {
                if let Some((x, y)) = self.pair(a, int.other(I32Sub)).or_else(|| self.pair(a, int.other(I32Xor))) {
                    return Some(self.binary(int.other(I32Ne), x, y, at));
                }
                (!int.is_wide && self.width_of(a) <= 1).then_some(a)
            }
            (I32Eq, 1) if !int.is_wide && self.width_of(a) <= 1 => Some(a),
            (I32Ne, 1) if !int.is_wide && self.width_of(a) <= 1 => Some(self.unary(I32Eqz, a, at)),
            _ => None,
        }
    }

    fn divided(&mut self, int: Int, a: Node, c: i64, at: u32) -> Option<Node> {
        use Op::*;
        let value = int.unsigned(c);
        let constant = |builder: &mut Self, bits: u64| builder.constant_node(int.ty(), int.signed(bits));
        match int.op {
            I32DivU if value.is_power_of_two() => {
                let amount = constant(self, u64::from(value.trailing_zeros()));
                Some(self.binary(int.other(I32ShrU), a, amount, at))
            }
            I32RemU if value.is_power_of_two() => {
                let mask = constant(self, value - 1);
                Some(self.binary(int.other(I32And), a, mask, at))
            }
            I32DivS if c == 1 => Some(a),
            I32RemS if c == 1 || c == -1 => Some(constant(self, 0)),
            I32DivS if c > 1 && value.is_power_of_two() => Some(self.halved(int, a, value.trailing_zeros(), at)),
            I32DivU | I32DivS if int.is_wide => None,
            I32DivU if value != 0 => Some(self.reciprocal_unsigned(a, value as u32, at)),
            I32DivS if c > 1 => Some(self.reciprocal_signed(a, c as u32, at)),
            I32RemU | I32RemS if (c > 1 || int.op == I32RemU && value != 0) && (!int.is_wide || value.is_power_of_two()) => {
                let divide = if int.op == I32RemU { I32DivU } else { I32DivS };
                let divisor = constant(self, value);
                let quotient = self.binary(int.other(divide), a, divisor, at);
                let product = self.binary(int.other(I32Mul), quotient, divisor, at);
                Some(self.binary(int.other(I32Sub), a, product, at))
            }
            _ => None,
        }
    }

    /// Signed division by two to the power of `power` (at least 1): what is negative is rounded up.
    fn halved(&mut self, int: Int, a: Node, power: u32, at: u32) -> Node {
        use Op::*;
        let constant = |builder: &mut Self, bits: u32| builder.constant_node(int.ty(), i64::from(bits));
        let sign = constant(self, int.bits() - 1);
        let sign = self.binary(int.other(I32ShrS), a, sign, at);
        let rest = constant(self, int.bits() - power);
        let bias = self.binary(int.other(I32ShrU), sign, rest, at);
        let biased = self.binary(int.other(I32Add), a, bias, at);
        let power = constant(self, power);
        self.binary(int.other(I32ShrS), biased, power, at)
    }

    /// Unsigned division of an i32 by `divisor`, not a power of two, by multiplication with its reciprocal (Granlund and Montgomery, "Division by
    /// invariant integers using multiplication", 1994).
    fn reciprocal_unsigned(&mut self, a: Node, divisor: u32, at: u32) -> Node {
        use Op::*;
        let (factor, shift) = reciprocal(divisor, 32);
        let long = |builder: &mut Self, bits: u64| builder.constant_node(ValType::I64, bits as i64);
        let wide = self.unary(I64ExtendI32U, a, at);
        if factor <= u64::from(u32::MAX) {
            let factor = long(self, factor);
            let product = self.binary(I64Mul, wide, factor, at);
            let shift = long(self, u64::from(32 + shift));
            let quotient = self.binary(I64ShrU, product, shift, at);
            return self.unary(I32WrapI64, quotient, at);
        }
        // The factor has 33 bits: its upper one is an addition, whose carry a halving keeps.
        let factor = long(self, factor & u64::from(u32::MAX));
        let product = self.binary(I64Mul, wide, factor, at);
        let half = long(self, 32);
        let high = self.binary(I64ShrU, product, half, at);
        let high = self.unary(I32WrapI64, high, at);
        let rest = self.binary(I32Sub, a, high, at);
        let one = self.i32(1);
        let rest = self.binary(I32ShrU, rest, one, at);
        let sum = self.binary(I32Add, rest, high, at);
        let shift = self.i32(shift as i32 - 1);
        self.binary(I32ShrU, sum, shift, at)
    }

    /// Signed division of an i32 by `divisor`, at least 3 and not a power of two.
    fn reciprocal_signed(&mut self, a: Node, divisor: u32, at: u32) -> Node {
        use Op::*;
        let (factor, shift) = reciprocal(divisor, 31);
        let long = |builder: &mut Self, bits: u64| builder.constant_node(ValType::I64, bits as i64);
        let wide = self.unary(I64ExtendI32S, a, at);
        // Less than 2^32 times at most 2^31: no overflow.
        let factor = long(self, factor);
        let product = self.binary(I64Mul, wide, factor, at);
        let shift = long(self, u64::from(31 + shift));
        let quotient = self.binary(I64ShrS, product, shift, at);
        let quotient = self.unary(I32WrapI64, quotient, at);
        // The shift rounds down, division towards zero.
        let sign = self.i32(31);
        let sign = self.binary(I32ShrU, a, sign, at);
        self.binary(I32Add, quotient, sign, at)
    }

    /// The first value if the condition is not zero, else the second.
    pub(super) fn select_value(&mut self, first: Node, second: Node, condition: Node, at: u32) -> Node {
        let ty = self.function.type_of(first);
        if !self.options.fold {
            return self.value(NodeKind::Select, ty, &[first, second, condition], at);
        }
        let condition = self.truth(condition);
        if let Some(bits) = self.function.constant(condition) {
            return if bits as i32 != 0 { first } else { second };
        }
        if first == second {
            return first;
        }
        if let Some((Op::I32Eqz, &[inner])) = self.producer(condition) {
            return self.select_value(second, first, inner, at);
        }
        if ty == ValType::I32 && self.width_of(condition) <= 1 {
            match (self.function.constant(first), self.function.constant(second)) {
                (Some(1), Some(0)) => return condition,
                (Some(0), Some(1)) => return self.unary(Op::I32Eqz, condition, at),
                _ => {}
            }
        }
        self.value(NodeKind::Select, ty, &[first, second, condition], at)
    }

    /// Something simpler that is zero where `condition` is.
    pub(super) fn truth(&self, condition: Node) -> Node {
        match self.with_constant(condition, Op::I32Ne) {
            Some((x, 0)) if self.options.fold => x,
            _ => condition,
        }
    }

    /// What is zero where `condition` is not.
    pub(super) fn negation(&mut self, condition: Node) -> Node {
        let condition = self.truth(condition);
        if !self.options.fold {
            return self.value(NodeKind::Operator(Op::I32Eqz), ValType::I32, &[condition], 0);
        }
        match self.producer(condition) {
            Some((Op::I32Eqz, &[inner])) => self.truth(inner),
            _ => self.unary(Op::I32Eqz, condition, 0),
        }
    }
}

/// The factor f and shift s for which `x * f >> bits + s` is the quotient of x, less than two to the power of `bits`, and `divisor`, not a power of two.
fn reciprocal(divisor: u32, bits: u32) -> (u64, u32) {
    let divisor = u128::from(divisor);
    // Any shift is enough where the rounding error of the factor stays small; the least one keeps the factor short.
    let log = 128 - divisor.leading_zeros();
    for shift in 0..log {
        let power = 1u128 << (bits + shift);
        let factor = power.div_ceil(divisor);
        if factor * divisor - power <= 1 << shift {
            return (factor as u64, shift);
        }
    }
    ((1u128 << (bits + log)).div_ceil(divisor) as u64, log)
}

#[cfg(test)]
mod tests {
    use super::reciprocal;

    #[test]
    fn reciprocals_divide() {
        for divisor in (3u32..2000).chain([0x7fff_ffff, 0x8000_0001, u32::MAX, u32::MAX - 1, 641, 6_700_417, 1_000_000_007]) {
            if divisor.is_power_of_two() {
                continue;
            }
            let (factor, shift) = reciprocal(divisor, 32);
            assert!(factor < 1 << 33);
            let multiple = u32::MAX / divisor * divisor;
            for x in [0, 1, divisor - 1, divisor, divisor.wrapping_add(1), multiple, multiple - 1, u32::MAX, u32::MAX - 1, 0x8000_0000] {
                let quotient = (u128::from(x) * u128::from(factor)) >> (32 + shift);
                assert_eq!(quotient as u32, x / divisor, "{x} / {divisor}");
            }
            if divisor < 1 << 31 {
                let (factor, shift) = reciprocal(divisor, 31);
                assert!(factor < 1 << 32);
                let multiple = i32::MAX / divisor as i32 * divisor as i32;
                for x in [
                    0,
                    1,
                    -1,
                    divisor as i32,
                    -(divisor as i32),
                    multiple,
                    multiple - 1,
                    -multiple,
                    1 - multiple,
                    i32::MAX,
                    i32::MIN,
                    i32::MIN + 1,
                ] {
                    let quotient = (i64::from(x) * factor as i64) >> (31 + shift);
                    assert_eq!(quotient as i32 + i32::from(x < 0), x / divisor as i32, "{x} / {divisor}");
                }
            }
        }
    }
}
