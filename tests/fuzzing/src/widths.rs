//! The three mistakes about widths that compilers of WebAssembly make again and again, each looked for by modules made for it.
//!
//! - [`spilled`]: a narrow value is spilled, and reloaded with the wrong extension, or only half of it is moved on an edge.
//! - [`addressed`]: 32-bit arithmetic becomes part of a 64-bit address, where it does not wrap any more.
//! - [`folded`]: a load becomes an operand of what uses it, and reads more or less than it did.
//!
//! A module has a few functions of random shape, and exports that call them with values at the limits. They are called through a table, so that
//! no compiler knows the values. Memory is one page that can be seen from outside; a page may end where the last bytes of a load are.

use std::fmt::Write;

use crate::Random;

/// A kind of modules: its name, and the module that a source of numbers chooses.
pub type Widths = (&'static str, fn(&mut Random) -> Vec<u8>);

/// All of them.
pub const WIDTHS: [Widths; 3] = [("spilled", spilled), ("addressed", addressed), ("folded", folded)];

/// The configurations of mj in which they run.
pub const WIDTH_CONFIGS: [&str; 10] = [
    "baseline",
    "explicit-bounds",
    "few-registers",
    "spill-everything",
    "dirty-upper-bits",
    "optimizing",
    "optimizing-explicit-bounds",
    "optimizing-few-registers",
    "optimizing-spill-everything",
    "optimizing-dirty-upper-bits",
];

/// Functions in a module, and calls of each.
const FUNCTIONS: usize = 6;
const CALLS: usize = 12;

/// 32-bit numbers at which something changes: of signs, of widths, of the page.
const WORDS: [u32; 28] = [
    0,
    1,
    2,
    4,
    7,
    8,
    100,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xfff0,
    0xfff8,
    0xfffc,
    0xfffe,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0010,
    0xffff_0000,
    0xffff_fff0,
    0xffff_fff8,
    0xffff_fffc,
    0xffff_fffe,
    0xffff_ffff,
    0xffff_8000,
];

/// Distances between places that one access may reach.
const NEAR: [u32; 8] = [1, 4, 7, 8, 0xffff_fff8, 0xffff_fffc, 0xffff_fffe, 0xffff_ffff];

/// Offsets of accesses, the greatest ones beyond what instructions hold.
const OFFSETS: [u32; 13] = [1, 3, 4, 8, 12, 16, 0xfff0, 0xfff8, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

const I32_LOADS: [&str; 5] = ["i32.load", "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"];
const I64_LOADS: [&str; 7] = ["i64.load", "i64.load8_s", "i64.load8_u", "i64.load16_s", "i64.load16_u", "i64.load32_s", "i64.load32_u"];

fn word(random: &mut Random) -> u32 {
    if random.below(8) == 0 { random.next() as u32 } else { random.pick(&WORDS) }
}

/// A word whose upper half is zero, ones, its sign, or anything.
fn long(random: &mut Random) -> u64 {
    let low = u64::from(word(random));
    match random.below(4) {
        0 => low,
        1 => low | 0xffff_ffff << 32,
        2 => i64::from(low as u32 as i32).cast_unsigned(),
        _ => low | random.next() << 32,
    }
}

/// A module of functions `(param $a i32) (param $b i32) (param $c i64) (result i64)`, whose bodies `body` makes, with locals in front.
fn module(random: &mut Random, arguments: impl Fn(&mut Random) -> (u32, u32, u64), body: impl Fn(&mut Random) -> String) -> Vec<u8> {
    let mut text = String::from(
        "(module (type $f (func (param i32 i32 i64) (result i64))) (memory (export \"memory\") 1 1)\n\
         (func $clobber (param i32) (result i32) (i32.sub (i32.const 17) (local.get 0)))\n\
         (func $narrow (param i64) (result i32) (i32.wrap_i64 (local.get 0)))\n",
    );
    for start in [0, 0x7fc0, 0x8000, 0xff80, 0xffc0] {
        // Most bytes are negative, so that an extension shows.
        let bytes: String = random.bytes(64).iter().map(|byte| format!("\\{:02x}", byte | (0x80 * u8::from(byte % 4 != 0)))).collect();
        let _ = writeln!(text, "(data (i32.const {start}) \"{bytes}\")");
    }
    let _ = writeln!(
        text,
        "(table {FUNCTIONS} funcref) (elem (i32.const 0) {})",
        (0..FUNCTIONS).map(|number| format!("$t{number} ")).collect::<String>()
    );
    for number in 0..FUNCTIONS {
        let _ =
            writeln!(text, "(func $t{number} (param $a i32) (param $b i32) (param $c i64) (result i64) (local $h i64)\n{})", body(random));
        for call in 0..CALLS {
            let (a, b, c) = arguments(random);
            let _ = writeln!(
                text,
                "(func (export \"t{number}-{call}\") (result i64)\n  (call_indirect (type $f) (i32.const {a:#x}) (i32.const {b:#x}) (i64.const {c:#x}) (i32.const {number})))"
            );
        }
    }
    text.push(')');
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A statement that takes `value`, an i64, into what is returned.
fn take(text: &mut String, value: &str) {
    let _ = writeln!(text, "  (local.set $h (i64.xor (i64.rotl (local.get $h) (i64.const 7)) {value}))");
}

/// Many values of all widths are alive at once, over calls, branches and loops; then each is used where its upper half shows.
pub fn spilled(random: &mut Random) -> Vec<u8> {
    module(
        random,
        |random| (word(random), word(random), long(random)),
        |random| {
            let (narrow, wide) = (6 + random.below(20), 2 + random.below(6));
            let mut text = String::new();
            let locals = |prefix: &str, count: usize, ty: &str| {
                (0..count).map(|number| format!("(local ${prefix}{number} {ty})")).collect::<String>()
            };
            let _ = writeln!(text, "  {}{}{}(local $i i32)", locals("n", narrow, "i32"), locals("w", wide, "i64"), locals("x", 2, "f32"));
            for number in 0..narrow {
                let _ = writeln!(text, "  (local.set $n{number} {})", narrow_value(random));
            }
            for number in 0..wide {
                let _ = writeln!(text, "  (local.set $w{number} {})", wide_value(random));
            }
            let _ = writeln!(text, "  (local.set $x0 (f32.reinterpret_i32 (local.get $a))) (local.set $x1 (f32.load (i32.const 0x8003)))");
            let clobber = "(local.set $i (i32.add (local.get $i) (call $clobber (local.get $b))))";
            match random.below(4) {
                0 => text += &format!("  {clobber}\n"),
                1 => text += &format!("  (if (i32.and (local.get $b) (i32.const 1)) (then {clobber}))\n"),
                2 => {
                    // Values change places on the way back.
                    let (one, other, long) = (random.below(narrow), random.below(narrow), random.below(wide));
                    let _ = writeln!(
                        text,
                        "  (loop $again {clobber} (local.set $n{one} (i32.shr_s (local.get $n{other}) (i32.const 1)))\n    \
                     (local.set $n{other} (i32.wrap_i64 (local.get $w{long}))) (local.set $w{long} (i64.rotl (local.get $w{long}) (i64.const 16)))\n    \
                     (br_if $again (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 3))))"
                    );
                }
                _ => {}
            }
            take(&mut text, "(i64.extend_i32_s (local.get $i))");
            for number in 0..narrow {
                let value = format!("(local.get $n{number})");
                let other = format!("(local.get $n{})", random.below(narrow));
                take(&mut text, &shown(random, &value, &other));
            }
            (0..wide).for_each(|number| take(&mut text, &format!("(local.get $w{number})")));
            for number in 0..2 {
                take(&mut text, &format!("(i64.extend_i32_u (i32.reinterpret_f32 (local.get $x{number})))"));
            }
            text + "  (local.get $h)"
        },
    )
}

/// An i32, by way of something that leaves another upper half behind.
fn narrow_value(random: &mut Random) -> String {
    let (amount, at) = (random.below(32), random.pick(&[0, 3, 0x8001, 0xfff8, 0xfffc]));
    let constant = word(random);
    match random.below(14) {
        0 => "(i32.wrap_i64 (local.get $c))".to_owned(),
        1 => format!("(i32.wrap_i64 (i64.add (local.get $c) (i64.const {constant:#x})))"),
        2 => format!("(i32.wrap_i64 (i64.shr_s (local.get $c) (i64.const {amount})))"),
        3 => format!("(i32.add (local.get $a) (i32.const {constant:#x}))"),
        4 => format!("(i32.mul (local.get $a) (i32.const {constant:#x}))"),
        5 => format!("(i32.shl (local.get $a) (i32.const {amount}))"),
        6 => format!("(i32.shr_s (local.get $b) (i32.const {amount}))"),
        7 => format!("({} (i32.const {at:#x}))", random.pick(&I32_LOADS)),
        8 => format!("({} (local.get $b))", random.pick(&["i32.extend8_s", "i32.extend16_s", "i32.clz", "i32.eqz"])),
        9 => format!("(i32.div_s (local.get $a) (i32.const {}))", 1 + random.below(9)),
        10 => "(i32.trunc_sat_f64_s (f64.convert_i32_u (local.get $b)))".to_owned(),
        11 => "(call $narrow (local.get $c))".to_owned(),
        12 => "(select (local.get $a) (i32.wrap_i64 (local.get $c)) (i32.lt_s (local.get $a) (local.get $b)))".to_owned(),
        _ => format!("(i32.wrap_i64 ({} (i32.const {at:#x})))", random.pick(&I64_LOADS[1..])),
    }
}

fn wide_value(random: &mut Random) -> String {
    let at = random.pick(&[0, 3, 0x8001, 0xfff8]);
    match random.below(5) {
        0 => "(local.get $c)".to_owned(),
        1 => "(i64.extend_i32_s (local.get $a))".to_owned(),
        2 => "(i64.extend_i32_u (local.get $b))".to_owned(),
        3 => format!("({} (i32.const {at:#x}))", random.pick(&I64_LOADS)),
        _ => "(i64.sub (i64.extend_i32_u (local.get $a)) (local.get $c))".to_owned(),
    }
}

/// An i64 of an i32 in which all of its bits show, and any that it should not have.
fn shown(random: &mut Random, value: &str, other: &str) -> String {
    match random.below(10) {
        0 | 1 => format!("(i64.extend_i32_u {value})"),
        2 | 3 => format!("(i64.extend_i32_s {value})"),
        4 => format!("(i64.extend_i32_u (i32.shr_u {value} (i32.const 1)))"),
        5 => format!("(i64.extend_i32_s (i32.shr_s {value} (i32.const 31)))"),
        6 => format!("(i64.extend_i32_u (i32.div_u {value} (i32.const 7)))"),
        7 => format!("(i64.extend_i32_u (i32.lt_s {value} {other}))"),
        8 => format!("(i64.reinterpret_f64 (f64.convert_i32_{} {value}))", random.pick(&["s", "u"])),
        _ => format!("(i64.load8_u (i32.and {value} (i32.const 0xffff)))"),
    }
}

/// Addresses are computed from values at the limits, by operators that wrap; some are inside the page, some are not.
pub fn addressed(random: &mut Random) -> Vec<u8> {
    module(
        random,
        |random| (word(random), word(random), long(random)),
        |random| {
            let mut text = String::from("  (local $p i32)\n");
            for _ in 0..1 + random.below(2) {
                let depth = random.below(4);
                let address = address(random, depth);
                if random.below(2) == 0 {
                    take(&mut text, &loaded(random, &address));
                    continue;
                }
                // The same base again: what is known of it must be true.
                let _ = writeln!(text, "  (local.set $p {address})");
                for _ in 0..1 + random.below(4) {
                    let more = if random.below(2) == 0 { random.pick(&NEAR) } else { random.pick(&WORDS) };
                    let base = match random.below(2) {
                        0 => format!("(i32.add (local.get $p) (i32.const {more:#x}))"),
                        _ => "(local.get $p)".to_owned(),
                    };
                    match random.below(3) {
                        0 => text += &stored(random, &base),
                        _ => take(&mut text, &loaded(random, &base)),
                    }
                }
            }
            text + "  (local.get $h)"
        },
    )
}

fn address(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.below(6) == 0 {
        return random.pick(&["(local.get $a)", "(local.get $b)", "(i32.wrap_i64 (local.get $c))"]).to_owned();
    }
    let inner = address(random, depth - 1);
    let constant = word(random);
    match random.below(10) {
        0 | 1 => format!("(i32.add {inner} (i32.const {constant:#x}))"),
        2 => format!("(i32.sub {inner} (i32.const {constant:#x}))"),
        3 => format!("(i32.add {inner} {})", address(random, depth - 1)),
        4 => format!("(i32.add {inner} (i32.shl {} (i32.const {})))", address(random, depth - 1), random.below(4)),
        5 => format!("(i32.shl {inner} (i32.const {}))", random.pick(&[1, 2, 3, 16, 31])),
        6 => format!("(i32.and {inner} (i32.const {:#x}))", random.pick(&[0xffu32, 0xfff8, 0xffff, 0x1_ffff, 0xffff_fff8, 0x8000_ffff])),
        7 => format!("(i32.wrap_i64 (i64.add (i64.extend_i32_{} {inner}) (local.get $c)))", random.pick(&["s", "u"])),
        8 => format!("({} {inner})", random.pick(&["i32.extend8_s", "i32.extend16_s"])),
        _ => format!(
            "({} {inner} (i32.const {}))",
            random.pick(&["i32.shr_u", "i32.shr_s", "i32.mul", "i32.rotl"]),
            random.pick(&[1, 4, 8, 16])
        ),
    }
}

fn offset(random: &mut Random) -> String {
    format!("offset={:#x}", if random.below(2) == 0 { 0 } else { random.pick(&OFFSETS) })
}

/// What is loaded from there, as an i64.
fn loaded(random: &mut Random, address: &str) -> String {
    let offset = offset(random);
    match random.below(4) {
        0 => format!("(i64.extend_i32_u ({} {offset} {address}))", random.pick(&I32_LOADS)),
        1 => format!("(i64.extend_i32_u (i32.reinterpret_f32 (f32.load {offset} {address})))"),
        _ => format!("({} {offset} {address})", random.pick(&I64_LOADS)),
    }
}

fn stored(random: &mut Random, address: &str) -> String {
    let offset = offset(random);
    match random.below(2) {
        0 => format!("  ({} {offset} {address} (local.get $b))\n", random.pick(&["i32.store", "i32.store8", "i32.store16"])),
        _ => {
            let store = random.pick(&["i64.store", "i64.store8", "i64.store16", "i64.store32"]);
            format!("  ({store} {offset} {address} (local.get $c))\n")
        }
    }
}

/// Loads that are used once, at once, by operators of all widths; many reach to the last byte of the page, some beyond.
pub fn folded(random: &mut Random) -> Vec<u8> {
    const LAST: [u32; 14] = [0, 1, 3, 0x8000, 0x8005, 0xfff0, 0xfff7, 0xfff8, 0xfff9, 0xfffb, 0xfffc, 0xfffd, 0xfffe, 0xffff];
    module(
        random,
        |random| (random.pick(&LAST), word(random), long(random)),
        |random| {
            let mut text = String::new();
            for _ in 0..1 + random.below(3) {
                match random.below(6) {
                    0 => {
                        let _ = writeln!(text, "  {}", changed_in_place(random));
                    }
                    1 => {
                        let _ = writeln!(text, "  (if {} (then (local.set $h (i64.add (local.get $h) (i64.const 1)))))", condition(random));
                    }
                    _ => take(&mut text, &used_once(random)),
                }
            }
            text + "  (local.get $h)"
        },
    )
}

fn i32_load(random: &mut Random) -> String {
    format!("({} {}(local.get $a))", random.pick(&I32_LOADS), random.pick(&["", "", "offset=1 ", "offset=4 "]))
}

fn i64_load(random: &mut Random) -> String {
    format!("({} {}(local.get $a))", random.pick(&I64_LOADS), random.pick(&["", "", "offset=1 ", "offset=4 "]))
}

/// Two operands in either order.
fn pair(random: &mut Random, one: &str, other: &str) -> String {
    if random.below(2) == 0 { format!("{one} {other}") } else { format!("{other} {one}") }
}

fn used_once(random: &mut Random) -> String {
    let (narrow, wide) = (i32_load(random), i64_load(random));
    let arithmetic = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s", "rotl", "div_u", "rem_s"];
    let op = random.pick(&arithmetic);
    match random.below(11) {
        0 | 1 => format!("(i64.extend_i32_u (i32.{op} {}))", pair(random, &narrow, "(local.get $b)")),
        2 | 3 => format!("(i64.{op} {})", pair(random, &wide, "(local.get $c)")),
        4 => format!("(i64.extend_i32_s {narrow})"),
        5 => format!("(i64.extend_i32_u (i32.wrap_i64 {wide}))"),
        6 => {
            let extend = random.pick(&["i64.extend8_s", "i64.extend16_s", "i64.extend32_s"]);
            format!("({extend} {wide})")
        }
        7 => format!(
            "(i64.extend_i32_u ({} {narrow}))",
            random.pick(&["i32.extend8_s", "i32.extend16_s", "i32.clz", "i32.ctz", "i32.popcnt"])
        ),
        8 => {
            let (float, bits) =
                random.pick(&[("f32", "i64.extend_i32_u (i32.reinterpret_f32"), ("f64", "i64.reinterpret_f64 (f64.add (f64.const 0)")]);
            let from = random.pick(&["i32_s", "i32_u", "i64_s", "i64_u"]);
            let load = if from.starts_with("i32") { &narrow } else { &wide };
            format!("({bits} ({float}.convert_{from} {load})))")
        }
        9 => {
            let sum = "(f32.add (f32.load (local.get $a)) (f32.convert_i32_s (local.get $b)))";
            format!("(i64.extend_i32_u (i32.trunc_sat_f32_s (f32.mul {sum} (f32.load offset=4 (local.get $a)))))")
        }
        _ => format!("(select {} {})", pair(random, &wide, "(local.get $c)"), narrow),
    }
}

fn condition(random: &mut Random) -> String {
    let test = random.pick(&["eq", "ne", "lt_s", "lt_u", "ge_s", "gt_u"]);
    let (constant, narrow, wide) = (word(random), i32_load(random), i64_load(random));
    match random.below(4) {
        0 => format!("(i32.{test} {})", pair(random, &narrow, "(local.get $b)")),
        1 => format!("(i64.{test} {})", pair(random, &wide, "(local.get $c)")),
        2 => format!("(i32.{test} {narrow} (i32.const {constant:#x}))"),
        _ => format!("(i32.and {narrow} (i32.const {constant:#x}))"),
    }
}

/// A load, an operator and a store at one place, with widths that fit or do not.
fn changed_in_place(random: &mut Random) -> String {
    let op = random.pick(&["add", "sub", "and", "or", "xor", "shl", "shr_s"]);
    match random.below(2) {
        0 => {
            let store = random.pick(&["i32.store", "i32.store8", "i32.store16"]);
            format!("({store} (local.get $a) (i32.{op} {} (local.get $b)))", i32_load(random))
        }
        _ => {
            let store = random.pick(&["i64.store", "i64.store8", "i64.store16", "i64.store32"]);
            format!("({store} (local.get $a) (i64.{op} {} (local.get $c)))", i64_load(random))
        }
    }
}
