//! Modules of single operators, and of few in a row: operands are parameters, constants and loads, all at the limits of their types.
//!
//! What is random in a generated module seldom hits a limit; here little else happens. Floats that operators compute have their NaNs made one, for their
//! bits are an engine's choice.

use std::fmt::Write;

use mj_decode::{Op, Shape, ValType};

use crate::Random;

const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// Functions of a module.
const FUNCTIONS: usize = 12;

const I32: [u32; 14] = [0, 1, 2, 3, 31, 32, 255, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX];
const I64: [u64; 14] = [
    0,
    1,
    2,
    63,
    64,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_0000_0000,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
const FLOATS: [&str; 22] = [
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "-0.99999",
    "inf",
    "-inf",
    "nan",
    "0x1p-149",
    "0x1p-126",
    "2147483647",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0x1.fffffep127",
];
const OFFSETS: [&str; 6] = ["", "", "offset=1 ", "offset=8 ", "offset=0xfff8 ", "offset=0xffffffff "];

/// The module that these numbers choose.
pub fn module(random: &mut Random) -> Vec<u8> {
    let mut text =
        String::from("(module (memory (export \"memory\") 1 1) (global $g (export \"g\") (mut i64) (i64.const 0)) (data (i32.const 0) \"");
    for _ in 0..64 {
        let word = if random.below(2) == 0 { random.pick(&I64) } else { u64::from(random.pick(&I32)) };
        word.to_le_bytes().iter().for_each(|byte| _ = write!(text, "\\{byte:02x}"));
    }
    text += "\")\n";
    for number in 0..FUNCTIONS {
        let op = random.pick(&operators());
        let _ = write!(text, "(func (export \"{number} {}\") ", op.row().name);
        // Two parameters of each type.
        TYPES.iter().for_each(|ty| _ = write!(text, "(param {ty} {ty}) "));
        let depth = random.below(3);
        let body = applied(random, op, depth);
        match op.row().shape {
            Shape::Store => _ = writeln!(text, "{body})"),
            _ => _ = writeln!(text, "(result {}) {})", op.row().result, used(random, &body, op.row().result)),
        }
    }
    text.push(')');
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// All that take and give numbers.
fn operators() -> Vec<Op> {
    let takes_numbers = |op: &Op| TYPES.contains(&op.row().a) && TYPES.contains(&op.row().b);
    Op::ALL.iter().copied().filter(takes_numbers).collect()
}

/// A result as it is, or through something that folds what makes it.
fn used(random: &mut Random, body: &str, ty: ValType) -> String {
    match (random.below(4), ty) {
        (0, ValType::I32) => format!("(if (result i32) {body} (then (i32.const 77)) (else (i32.const 78)))"),
        (1, ValType::I32) => format!("(select (local.get 0) (local.get 1) {body})"),
        (2, ValType::I32) => {
            format!(
                "(global.set $g (i64.extend_i32_{} {body})) (i32.wrap_i64 (i64.shr_u (global.get $g) (i64.const 32)))",
                random.pick(&["s", "u"])
            )
        }
        (0, ValType::I64) => format!("(global.set $g {body}) (global.get $g)"),
        _ => body.to_owned(),
    }
}

/// An operator with operands.
fn applied(random: &mut Random, op: Op, depth: usize) -> String {
    let row = op.row();
    let name = row.name;
    let first = |random: &mut Random| operand(random, row.a, depth);
    let text = match row.shape {
        Shape::Load => format!("({name} {}{})", random.pick(&OFFSETS), address(random, depth)),
        Shape::Store => return format!("({name} {}{} {})", random.pick(&OFFSETS), address(random, depth), operand(random, row.b, depth)),
        Shape::Unary | Shape::Test => format!("({name} {})", first(random)),
        Shape::Binary | Shape::Compare => format!("({name} {} {})", first(random), operand(random, row.b, depth)),
    };
    // Loads give NaNs as they are in memory, which are the same everywhere.
    match row.result {
        ValType::F32 | ValType::F64 if !matches!(row.shape, Shape::Load) => one_nan(&text, row.result),
        _ => text,
    }
}

fn one_nan(text: &str, ty: ValType) -> String {
    let scratch = if ty == ValType::F32 { 4 } else { 6 };
    format!("(select (local.tee {scratch} {text}) ({ty}.const nan) ({ty}.eq (local.get {scratch}) (local.get {scratch})))")
}

fn address(random: &mut Random, depth: usize) -> String {
    match random.below(3) {
        0 => format!("(i32.const {})", random.pick(&[0, 8, 0xfff8, 0xfffc, 0xffff, 0x1_0000, -1])),
        1 => format!("(i32.and {} (i32.const 0xffff))", operand(random, ValType::I32, depth)),
        _ => operand(random, ValType::I32, depth),
    }
}

fn operand(random: &mut Random, ty: ValType, depth: usize) -> String {
    let first = 2 * TYPES.iter().position(|&other| other == ty).expect("a number");
    match random.below(if depth > 0 { 6 } else { 3 }) {
        0 => format!("(local.get {})", first + random.below(2)),
        1 => constant(random, ty),
        2 => format!("({ty}.load {}(i32.const {}))", random.pick(&OFFSETS[..4]), 8 * random.below(64)),
        _ => {
            let gives: Vec<Op> = operators().into_iter().filter(|op| op.row().result == ty && op.row().shape != Shape::Store).collect();
            let op = random.pick(&gives);
            applied(random, op, depth - 1)
        }
    }
}

fn constant(random: &mut Random, ty: ValType) -> String {
    match ty {
        ValType::I32 => format!("(i32.const {:#x})", random.pick(&I32)),
        ValType::I64 => format!("(i64.const {:#x})", random.pick(&I64)),
        _ => format!("({ty}.const {})", random.pick(&FLOATS)),
    }
}
