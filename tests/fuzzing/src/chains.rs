//! Integer operators with constants, one on the other, as algebra simplifies them.
//!
//! Amounts of shifts that add up to a width, masks beside extensions, comparisons of comparisons: what has a rule of its own in a compiler stands together seldom in
//! random code, and always here.

use std::fmt::Write;

use mj_decode::{Op, Shape, ValType};

use crate::Random;

/// Functions of a module, and results of each.
const FUNCTIONS: usize = 16;
const RESULTS: usize = 6;

const I32: [i32; 23] = [1, 2, 3, 5, 7, 8, 15, 16, 24, 31, 32, 33, 48, 56, 63, 0x80, 0xff, 0xffff, i32::MAX, i32::MIN, -1, -256, -65536];
const I64: [i64; 6] = [0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 40, i64::MIN, -1 << 32];

const LOADS: [[&str; 5]; 2] = [
    ["i32.load", "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"],
    ["i64.load8_s", "i64.load8_u", "i64.load16_u", "i64.load32_s", "i64.load32_u"],
];

/// The module that these numbers choose: functions of several chains each, over parameters and memory at the limits of their types.
pub fn module(random: &mut Random) -> Vec<u8> {
    let mut text = String::from("(module (memory (export \"memory\") 1 1) (data (i32.const 0) \"");
    for _ in 0..64 {
        let word = if random.below(2) == 0 { random.next() } else { random.pick(&I64) as u64 };
        word.to_le_bytes().iter().for_each(|byte| _ = write!(text, "\\{byte:02x}"));
    }
    text += "\")\n";
    for number in 0..FUNCTIONS {
        let types = [(); RESULTS].map(|()| random.pick(&[ValType::I32, ValType::I64]));
        let _ = write!(text, "(func (export \"{number}\") (param i32 i64 i32 i64)");
        types.iter().for_each(|ty| _ = write!(text, " (result {ty})"));
        for ty in types {
            let chain = chain(random, ty, leaf);
            let _ = write!(text, "\n{chain}");
        }
        text += ")\n";
    }
    text.push(')');
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A parameter, or what is somewhere in memory.
fn leaf(random: &mut Random, ty: ValType) -> String {
    let number = usize::from(ty == ValType::I64);
    match random.below(3) {
        0 => format!("({} (i32.const {}))", random.pick(&LOADS[number]), random.below(500)),
        _ => format!("(local.get {})", number + 2 * random.below(2)),
    }
}

/// A chain of this type, which is i32 or i64, over what `leaf` gives; it seldom traps.
pub fn chain(random: &mut Random, ty: ValType, mut leaf: impl FnMut(&mut Random, ValType) -> String) -> String {
    let mut at = random.pick(&[ValType::I32, ValType::I64]);
    let mut text = leaf(random, at);
    let mut before: Option<Op> = None;
    for _ in 0..2 + random.below(3) {
        let op = before.filter(|op| op.row().a == at && random.below(3) == 0).unwrap_or_else(|| operator(random, at));
        let (row, name) = (op.row(), op.row().name);
        text = match row.shape {
            Shape::Unary | Shape::Test => format!("({name} {text})"),
            _ if random.below(4) > 0 => format!("({name} {text} {})", part(random, at)),
            _ if name.contains(".div_") || name.contains(".rem_") => {
                format!("({name} {text} ({at}.or {} ({at}.const 16)))", leaf(random, at))
            }
            _ => format!("({name} {text} {})", leaf(random, at)),
        };
        (at, before) = (row.result, Some(op));
    }
    match (at, ty) {
        (ValType::I64, ValType::I32) => format!("(i32.wrap_i64 {text})"),
        (ValType::I32, ValType::I64) => format!("({} {text})", random.pick(&["i64.extend_i32_s", "i64.extend_i32_u"])),
        _ => text,
    }
}

/// An operator that takes integers of this type and gives one.
fn operator(random: &mut Random, ty: ValType) -> Op {
    let shape = random.pick(&[Shape::Unary, Shape::Test, Shape::Compare, Shape::Binary, Shape::Binary, Shape::Binary]);
    let fits = |op: &Op| op.row().shape == shape && op.row().a == ty && matches!(op.row().result, ValType::I32 | ValType::I64);
    let fitting: Vec<Op> = Op::ALL.iter().copied().filter(fits).collect();
    random.pick(&fitting)
}

/// A number by which integers are taken apart, not zero.
fn part(random: &mut Random, ty: ValType) -> String {
    if ty == ValType::I64 && random.below(3) == 0 {
        return format!("(i64.const {})", random.pick(&I64));
    }
    format!("({ty}.const {})", random.pick(&I32))
}
