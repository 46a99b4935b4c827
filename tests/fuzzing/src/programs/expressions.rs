//! Expressions: what gives a value.

use mj_decode::{Op, Shape, ValType};

use super::choices::Choices;
use super::{BUSY, Function, LAST, POINTERS, TYPES};
use crate::{Random, chains};

const LIMITS: [u64; 20] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    63,
    64,
    255,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
const FLOATS: [&str; 14] =
    ["0", "-0", "1", "-1", "0.5", "1.5", "-2.5", "inf", "-inf", "nan", "0x1p-140", "2147483648", "-9223372036854775808", "16777217"];
const OFFSETS: [&str; 12] =
    ["", "", "", "", "", "offset=1 ", "offset=4 ", "offset=8 ", "offset=16 ", "offset=24 ", "offset=255 ", "offset=4096 "];

const FAR: [&str; 4] = ["offset=0x7fffffff ", "offset=0x80000000 ", "offset=0xfffffff0 ", "offset=0xffffffff "];

/// Offsets by which accesses meet in part.
const NEAR: [&str; 10] = ["", "", "", "offset=1 ", "offset=2 ", "offset=3 ", "offset=4 ", "offset=6 ", "offset=7 ", "offset=8 "];

/// A number at which something changes, or any.
pub(super) fn limit(choices: &mut Choices) -> u64 {
    if choices.chance(5) { choices.word() } else { choices.pick(&LIMITS) }
}

/// A value whose bits can be seen: NaNs, of which engines may choose the bits, become one.
pub(super) fn seen(text: String, ty: ValType) -> String {
    match ty {
        ValType::F32 | ValType::F64 => {
            format!("(select (local.tee $n{ty} {text}) ({ty}.const nan) ({ty}.eq (local.get $n{ty}) (local.get $n{ty})))")
        }
        _ => text,
    }
}

/// A constant.
pub(super) fn constant(choices: &mut Choices, ty: ValType) -> String {
    match ty {
        ValType::I32 => format!("(i32.const {})", limit(choices) as u32),
        ValType::I64 => format!("(i64.const {})", limit(choices)),
        _ => format!("({ty}.const {})", choices.pick(&FLOATS)),
    }
}

impl Function<'_> {
    /// An expression of this type, of at most so many operators in each other.
    pub(super) fn expression(&mut self, ty: ValType, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.choices.below(16) {
            0 | 1 => self.leaf(ty),
            2 => self.selected(ty, depth - 1),
            3 => self.conditional(ty, depth - 1),
            4 => self.left_with_value(ty, depth - 1),
            5 => match self.local(ty) {
                Some(local) => format!("(local.tee {local} {})", self.expression(ty, depth - 1)),
                None => self.operator(ty, depth - 1),
            },
            6 => self.called(ty, depth - 1).unwrap_or_else(|| self.leaf(ty)),
            7 => self.made_before(ty).unwrap_or_else(|| self.operator(ty, depth - 1)),
            8 | 9 if matches!(ty, ValType::I32 | ValType::I64) => self.chain(ty),
            10 => self.overtaken(ty),
            11 if ty == ValType::I64 => self.narrowed(depth - 1),
            _ => {
                let text = self.operator(ty, depth - 1);
                // Labels stand once.
                if !text.contains("(block") && !text.contains("(call") {
                    self.made.push((ty, text.clone()));
                }
                text
            }
        }
    }

    /// A chain of operators, now and then with a load at its beginning.
    fn chain(&mut self, ty: ValType) -> String {
        let mut random = Random::new(self.choices.word());
        let pointer = self.choices.below(POINTERS);
        chains::chain(&mut random, ty, |_, ty| {
            if !self.choices.chance(3) {
                return self.leaf(ty);
            }
            let place = self.place(pointer);
            self.load_from(ty, &place)
        })
    }

    /// Low halves that come together, and are made whole again.
    fn narrowed(&mut self, depth: usize) -> String {
        let one = format!("(i32.wrap_i64 {})", self.expression(ValType::I64, depth));
        let other = if self.choices.chance(2) { self.leaf(ValType::I32) } else { format!("(i32.wrap_i64 {})", self.leaf(ValType::I64)) };
        format!("({} {})", self.choices.pick(&["i64.extend_i32_u", "i64.extend_i32_u", "i64.extend_i32_s"]), self.joined(&other, &one))
    }

    /// One of two values, each an i32.
    fn joined(&mut self, one: &str, other: &str) -> String {
        let condition = self.condition();
        match self.choices.below(3) {
            0 => format!("(select {one} {other} {condition})"),
            1 => format!("(if (result i32) {condition} (then {one}) (else {other}))"),
            _ => {
                let label = self.label();
                format!("(block $b{label} (result i32) (drop (br_if $b{label} {one} {condition})) {other})")
            }
        }
    }

    /// A load and a store to a place near it, before what was loaded is used.
    fn overtaken(&mut self, ty: ValType) -> String {
        let pointer = self.choices.below(POINTERS);
        let (place, other) = (self.place(pointer), self.place(pointer));
        let load = self.load_from(ty, &place);
        let row = self.one_of(|op| op.row().shape == Shape::Store).row();
        let store = format!("({} {} {})", row.name, if self.choices.chance(2) { place } else { other }, seen(self.leaf(row.b), row.b));
        let operator = self.choices.pick(&["add", "sub", "mul", "eq", "lt_s"][..if ty == ValType::I32 { 5 } else { 3 }]);
        format!("({ty}.{operator} {load} (block (result {ty}) {store} {}))", self.leaf(ty))
    }

    /// An operator of this type that was made not long ago.
    fn made_before(&mut self, ty: ValType) -> Option<String> {
        let recent: Vec<usize> = (0..self.made.len()).rev().filter(|&index| self.made[index].0 == ty).take(6).collect();
        (!recent.is_empty()).then(|| self.made[self.choices.pick(&recent)].1.clone())
    }

    fn leaf(&mut self, ty: ValType) -> String {
        let counters: Vec<usize> = self.around.iter().copied().filter(|&counter| self.counters[counter] == ty).collect();
        match self.choices.below(8) {
            0 => constant(self.choices, ty),
            1 if ty == ValType::I32 && self.choices.chance(4) => "(memory.size)".to_owned(),
            1 => format!("(global.get $g{ty})"),
            2..=4 if !counters.is_empty() => format!("(local.get $c{})", self.choices.pick(&counters)),
            _ => self.local(ty).map_or_else(|| constant(self.choices, ty), |local| format!("(local.get {local})")),
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self) -> String {
        let depth = 1 + self.choices.below(2);
        match self.choices.below(4) {
            0 => self.expression(ValType::I32, depth),
            1 => format!("(i32.and {} (i32.const 1))", self.expression(ValType::I32, depth)),
            _ => {
                let compares = |op: &Op| matches!(op.row().shape, Shape::Compare | Shape::Test);
                let op = self.one_of(compares);
                self.applied(op, depth)
            }
        }
    }

    fn selected(&mut self, ty: ValType, depth: usize) -> String {
        let (one, other) = match ty {
            ValType::I32 | ValType::I64 if self.choices.chance(4) => {
                let (one, other) = self.choices.pick(&[(1, 0), (0, 1), (-1, 0), (0, -1), (3, 2), (8, 0)]);
                (format!("({ty}.const {one})"), format!("({ty}.const {other})"))
            }
            _ => (self.expression(ty, depth), self.expression(ty, depth)),
        };
        format!("(select {one} {other} {})", self.condition())
    }

    fn conditional(&mut self, ty: ValType, depth: usize) -> String {
        let condition = self.condition();
        let (one, other) = (self.expression(ty, depth), self.expression(ty, depth));
        format!("(if (result {ty}) {condition} (then {one}) (else {other}))")
    }

    fn left_with_value(&mut self, ty: ValType, depth: usize) -> String {
        let label = self.label();
        let (one, other) = (self.expression(ty, depth), self.expression(ty, depth));
        format!("(block $b{label} (result {ty}) (drop (br_if $b{label} {one} {})) {other})", self.condition())
    }

    /// The call of a function with one result, of this type.
    fn called(&mut self, ty: ValType, depth: usize) -> Option<String> {
        let fitting: Vec<usize> = (0..self.callees.len()).filter(|&callee| self.callees[callee].signature.results == [ty]).collect();
        if fitting.is_empty() {
            return None;
        }
        let callee = self.choices.pick(&fitting);
        self.call(callee, depth)
    }

    /// The call of a function, by its name or through the table, if it can be afforded.
    pub(super) fn call(&mut self, callee: usize, depth: usize) -> Option<String> {
        // What is called through the table may be the one behind.
        let indirect = callee + 1 < self.callees.len() && self.choices.chance(3);
        let most = self.callees[callee..].iter().take(1 + usize::from(indirect)).map(|callee| callee.cost).max().expect("itself");
        if !self.affords(most) {
            return None;
        }
        let signature = self.callees[callee].signature.clone();
        let arguments = signature.params.iter().map(|&ty| self.expression(ty, depth.min(1)) + " ").collect::<String>();
        Some(if indirect {
            let condition = self.condition();
            let second = if self.callees[callee + 1].signature.params == signature.params || self.choices.chance(8) { 1 } else { 0 };
            format!(
                "(call_indirect $table{} {arguments} (i32.add (i32.and {condition} (i32.const {second})) (i32.const {callee})))",
                signature.text()
            )
        } else {
            format!("(call $f{callee} {arguments})")
        })
    }

    fn operator(&mut self, ty: ValType, depth: usize) -> String {
        let loads = self.choices.chance(5);
        let fits = |op: &Op| op.row().result == ty && if loads { op.row().shape == Shape::Load } else { op.row().shape != Shape::Store };
        let op = self.one_of(fits);
        self.applied(op, depth)
    }

    /// An operator that takes numbers and that `fits`; seldom one that traps for many of them.
    pub(super) fn one_of(&mut self, fits: impl Fn(&Op) -> bool) -> Op {
        let takes_numbers = |op: &Op| TYPES.contains(&op.row().a) && TYPES.contains(&op.row().b);
        let careful = !self.choices.chance(40);
        let traps = |op: &Op| op.row().name.contains(".trunc_f");
        let all: Vec<Op> = Op::ALL.iter().copied().filter(|op| takes_numbers(op) && fits(op) && !(careful && traps(op))).collect();
        self.choices.pick(&all)
    }

    fn applied(&mut self, op: Op, depth: usize) -> String {
        let row = op.row();
        let name = row.name;
        if let Shape::Load = row.shape {
            return format!("({name} {}{})", offset(self.choices), self.address(depth));
        }
        let mut first = self.expression(row.a, depth);
        if name.contains("reinterpret") {
            first = seen(first, row.a);
        }
        if let Shape::Unary | Shape::Test = row.shape {
            return format!("({name} {first})");
        }
        let mut second = if self.choices.chance(3) { constant(self.choices, row.b) } else { self.expression(row.b, depth) };
        if name.contains("copysign") {
            second = seen(second, row.b);
        }
        let divides = name.contains(".div_") || name.contains(".rem_");
        if divides && !self.choices.chance(40) {
            second = format!("({}.or {second} ({}.const {}))", row.b, row.b, self.choices.pick(&[1, 2, 0x10]));
        }
        format!("({name} {first} {second})")
    }

    /// An address, mostly of the first page.
    pub(super) fn address(&mut self, depth: usize) -> String {
        let counters: Vec<usize> = self.around.iter().copied().filter(|&counter| self.counters[counter] == ValType::I32).collect();
        match self.choices.below(16) {
            6..=13 => self.near_pointer(),
            // Counters are small, or addresses.
            0..=3 if !counters.is_empty() => {
                let counter = self.choices.pick(&counters);
                let (shift, base) = (self.choices.below(4), self.choices.pick(&[0, 8, 1000, 0x1000, 0xe000]));
                match self.choices.below(3) {
                    0 => format!("(local.get $c{counter})"),
                    1 => format!("(i32.add (i32.shl (local.get $c{counter}) (i32.const {shift})) (i32.const {base}))"),
                    _ => format!("(i32.add (i32.const {base}) (i32.mul (local.get $c{counter}) (i32.const {})))", 1 + shift),
                }
            }
            4 => {
                let mask = self.choices.pick(&["0xefff", "0xffff_ffff_0000_efff"]);
                let (one, other) = [(); 2]
                    .map(|()| format!("(i32.wrap_i64 (i64.and {} (i64.const {mask})))", self.expression(ValType::I64, depth)))
                    .into();
                if self.choices.chance(2) { one } else { self.joined(&one, &other) }
            }
            5 => format!("(i32.const {})", self.choices.below(0xf000)),
            14 => format!("(i32.shr_u {} (i32.const 17))", self.expression(ValType::I32, depth)),
            15 if self.choices.chance(16) => self.expression(ValType::I32, depth),
            _ => {
                let mask = self.choices.pick(&[0xe000, 0xeff8, 0xefff, 0xff, 0x7c]);
                format!("(i32.and {} (i32.const {mask}))", self.expression(ValType::I32, depth))
            }
        }
    }
}

impl Function<'_> {
    /// An address that a pointer holds, or one behind it.
    fn near_pointer(&mut self) -> String {
        let pointer = self.choices.below(POINTERS);
        if self.choices.chance(4) {
            let more = self.choices.pick(&[1, 2, 4, 8, -4]);
            return format!("(i32.add (local.get $p{pointer}) (i32.const {more}))");
        }
        format!("(local.get $p{pointer})")
    }

    /// A place near where a pointer points, as accesses take it.
    pub(super) fn place(&mut self, pointer: usize) -> String {
        format!("{}(local.get $p{pointer})", self.choices.pick(&NEAR))
    }

    /// A load of this type from a place.
    pub(super) fn load_from(&mut self, ty: ValType, place: &str) -> String {
        let op = self.one_of(|op| op.row().result == ty && op.row().shape == Shape::Load);
        format!("({} {place})", op.row().name)
    }

    /// Lets a pointer point elsewhere: to few places, so that several meet.
    pub(super) fn set_pointer(&mut self, pointer: usize) -> String {
        let to = match self.choices.below(4) {
            0 if self.choices.chance(8) => {
                format!("(i32.or (i32.and {} (i32.const 7)) (i32.const {LAST}))", self.expression(ValType::I32, 1))
            }
            0 => format!("(i32.const {})", self.choices.pick(&BUSY)),
            1 => format!("(i32.add (local.get $p{}) (i32.const {}))", self.choices.below(POINTERS), self.choices.pick(&[0, 1, 4, 8])),
            _ => {
                let mask = self.choices.pick(&[0x1c, 0x7ffb, 0x4038]);
                // Not zero: there is something before it, too.
                format!("(i32.add (i32.and {} (i32.const {mask})) (i32.const 4))", self.expression(ValType::I32, 1))
            }
        };
        format!("(local.set $p{pointer} {to})")
    }
}

/// Where an access begins: behind its address by so much, seldom by more than there is memory.
pub(super) fn offset(choices: &mut Choices) -> &'static str {
    if choices.chance(700) { choices.pick(&FAR) } else { choices.pick(&OFFSETS) }
}
