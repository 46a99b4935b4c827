//! Modules made up at random from twelve kinds of operators: the same seed gives the same text.
//!
//! Nothing in them traps or runs long: addresses are 16 bits wide, divisors are neither 0 nor -1, loops count down from 3. Floats
//! and integers are kept apart in memory, so that no float is ever NaN. With `all_integer_operators`, everything else that takes and gives integers
//! without trapping comes in too, and conversions between integers and f64.

use mj_decode::{Op, Shape, ValType};

/// A reproducible source of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Parameters of every function; the result is one of the last three.
pub const PARAMETERS: [ValType; 5] = [ValType::I32, ValType::I32, ValType::I64, ValType::I64, ValType::F64];

/// Bytes of memory that a module's functions touch.
pub const MEMORY: usize = 4 << 16;

const TYPES: [ValType; 3] = [ValType::I32, ValType::I64, ValType::F64];

/// The result type of function `index`.
pub fn result_of(index: usize) -> ValType {
    TYPES[index % 3]
}

struct Function<'r> {
    random: &'r mut Random,
    all_integer_operators: bool,
    callees: usize,
    text: String,
    loops: usize,
    labels: usize,
}

/// Locals 0 to 4 are the parameters, then two of each type, then loop counters.
const LOCALS: [(ValType, [usize; 4]); 3] = [(ValType::I32, [0, 1, 5, 6]), (ValType::I64, [2, 3, 7, 8]), (ValType::F64, [4, 4, 9, 10])];
const FIRST_COUNTER: usize = 11;
const MOST_LOOPS: usize = 4;

/// A module of `functions` functions with about `statements` statements each. Each may call those before it, but only the first four.
pub fn module(seed: u64, functions: usize, statements: usize, all_integer_operators: bool) -> String {
    let mut random = Random(seed);
    let mut text = String::from("(module (memory 4)\n");
    for index in 0..functions {
        let result = result_of(index);
        let mut function =
            Function { random: &mut random, all_integer_operators, callees: index.min(4), text: String::new(), loops: 0, labels: 0 };
        let size = if index < 4 { 2 } else { statements };
        for _ in 0..size {
            function.statement(0);
        }
        let value = function.expression(result, 3);
        text += &format!(
            "(func $f{index} (param i32 i32 i64 i64 f64) (result {result}) (local i32 i32 i64 i64 f64 f64 i32 i32 i32 i32)\n{}{value})\n",
            function.text
        );
    }
    text + ")"
}

/// A module whose one function exchanges `count` values of each type among locals in a loop, which calls if `calls`.
pub fn rotation(count: usize, calls: bool) -> String {
    let locals = |ty: usize| (5 + ty * count..5 + (ty + 1) * count).collect::<Vec<_>>();
    let mut text = String::from("(module (memory 4)\n(func $f0 (param i32 i32 i64 i64 f64) (result i32) (local.get 0))\n");
    text += "(func (param i32 i32 i64 i64 f64) (result i64) (local";
    for ty in TYPES {
        text += &format!(" {ty}").repeat(count);
    }
    let counter = 5 + 3 * count;
    text += " i32)\n";
    for (index, ty) in TYPES.into_iter().enumerate() {
        for (place, local) in locals(index).into_iter().enumerate() {
            let parameter = [0, 2, 4][index];
            text += &format!("(local.set {local} ({ty}.add (local.get {parameter}) ({ty}.const {place})))\n");
        }
    }
    text += &format!("(local.set {counter} (i32.const 5)) (loop\n");
    for index in 0..3 {
        // The order in which they are set is that of a permutation with a long cycle and an exchange.
        let locals = locals(index);
        locals.iter().for_each(|local| text += &format!("local.get {local} "));
        let rest = locals[2..].iter().skip(1).chain(locals.get(2));
        let order: Vec<usize> = [locals[1], locals[0]].into_iter().chain(rest.copied()).collect();
        order.iter().rev().for_each(|local| text += &format!("local.set {local} "));
        text += "\n";
    }
    if calls {
        text += "(local.set 0 (call $f0 (local.get 0) (local.get 5) (local.get 2) (local.get 3) (local.get 4)))\n";
    }
    text += &format!("(br_if 0 (local.tee {counter} (i32.add (local.get {counter}) (i32.const -1)))))\n");
    for (index, ty) in TYPES.into_iter().enumerate() {
        for (place, local) in locals(index).into_iter().enumerate() {
            let offset = (index * count + place) * 8;
            text += &format!("({ty}.store offset={offset} (i32.const 70000) (local.get {local}))\n");
        }
    }
    text + "(local.get 2)))"
}

/// A module of `functions` functions that walk through structures: two pointers, fields at small offsets, and everything that may change a pointer
/// in between: assignments, loads, branches, loops, calls.
pub fn structures(seed: u64, functions: usize) -> String {
    let mut random = Random(seed);
    let mut text =
        String::from("(module (memory 4)\n(func $f0 (param i32 i32 i64 i64 f64) (result i64) (i64.extend_i32_u (local.get 0)))\n");
    for _ in 1..functions {
        // Locals 0 and 1 are the pointers, 5 and 6 sums, 7 and 8 counters.
        text += "(func (param i32 i32 i64 i64 f64) (result i64) (local i32 i64 i32 i32)\n";
        for pointer in 0..2 {
            text += &format!("(local.set {pointer} (i32.and (local.get {pointer}) (i32.const 0xfff8)))\n");
        }
        for _ in 0..10 {
            field(&mut random, &mut text, 0);
        }
        text += "(i64.add (local.get 6) (i64.extend_i32_u (i32.add (local.get 5) (i32.xor (local.get 0) (local.get 1))))))\n";
    }
    text + ")"
}

/// A module with a function for each integer operator with each other one as each of its operands, and constants or parameters beside them. What comes out is
/// extended, so that dirty halves show.
pub fn pairs(seed: u64) -> String {
    let mut random = Random(seed);
    let is_integer = |ty: ValType| matches!(ty, ValType::I32 | ValType::I64);
    let fits = |op: &&Op| {
        let row = op.row();
        let is_value = !matches!(row.shape, Shape::Load | Shape::Store);
        is_value && is_integer(row.a) && is_integer(row.result) && !row.name.contains("div") && !row.name.contains("rem")
    };
    let operators: Vec<Op> = Op::ALL.iter().filter(fits).copied().collect();
    let mut text = String::from("(module (memory 4)\n");
    for outer in &operators {
        for operand in 0..arity(*outer) {
            for inner in operators.iter().filter(|inner| inner.row().result == outer.row().a) {
                for _ in 0..3 {
                    let mut operands: Vec<String> = (0..arity(*outer)).map(|place| plain(&mut random, outer.row().a, place)).collect();
                    let of_inner: Vec<String> = (0..arity(*inner)).map(|place| plain(&mut random, inner.row().a, place)).collect();
                    operands[operand] = format!("({} {})", inner.row().name, of_inner.join(" "));
                    let extend = if outer.row().result == ValType::I32 { "i64.extend_i32_u" } else { "i64.add (i64.const 0)" };
                    let value = format!("({extend} ({} {}))", outer.row().name, operands.join(" "));
                    text += &format!("(func (param i32 i32 i64 i64 f64) (result i64) {value})\n");
                }
            }
        }
    }
    text + ")"
}

/// Bits of doubles where conversions and comparisons turn; their neighbours are tried as well.
const TURNING: [f64; 14] = [
    0.0,
    0.5,
    1.0,
    1.5,
    2.5,
    2_147_483_648.0,
    4_294_967_296.0,
    9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_616.0,
    4_503_599_627_370_496.5,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// A module with a function for each operator on floats that does not trap, over many operands. Results depend on NaNs being canonical.
pub fn floats() -> String {
    let around = |bits: u64| [bits, bits.wrapping_add(1), bits.saturating_sub(1)];
    let signs = |bits: u64| [bits, bits ^ 1 << 63];
    let doubles: Vec<u64> = TURNING.iter().flat_map(|value| around(value.to_bits())).flat_map(signs).collect();
    let singles: Vec<u64> = TURNING
        .iter()
        .flat_map(|&value| around(u64::from((value as f32).to_bits())))
        .flat_map(|bits| [bits & 0xffff_ffff, (bits ^ 1 << 31) & 0xffff_ffff])
        .collect();
    let count = doubles.len();
    let mut text = String::from("(module (memory 4)\n(func (param i32 i32 i64 i64 f64) (result i64)\n");
    for (index, (double, single)) in doubles.iter().zip(&singles).enumerate() {
        text += &format!("(i64.store (i32.const {}) (i64.const {double})) ", 16 * index);
        text += &format!("(i64.store (i32.const {}) (i64.const {single}))\n", 16 * index + 8);
    }
    text += "(local.get 2))\n";
    let is_float = |ty: ValType| matches!(ty, ValType::F32 | ValType::F64);
    let is_wanted = |op: &&Op| {
        let row = op.row();
        let is_value = !matches!(row.shape, Shape::Load | Shape::Store);
        is_value && is_float(row.a) && (!row.name.contains("trunc_") || row.name.contains("_sat_"))
    };
    let at = |ty: ValType, index: usize| format!("({ty}.load (i32.const {}))", 16 * index + if ty == ValType::F32 { 8 } else { 0 });
    for op in Op::ALL.iter().filter(is_wanted) {
        let row = op.row();
        text += "(func (param i32 i32 i64 i64 f64) (result i64) (local i64)\n";
        for first in 0..count {
            // With all neighbours, and some that are far away.
            let seconds = if arity(*op) == 2 { (0..count).step_by(19).map(|step| (first + step) % count).collect() } else { vec![0] };
            for second in seconds {
                let operands = [at(row.a, first), at(row.b, second)];
                let value = format!("({} {})", row.name, operands[..arity(*op)].join(" "));
                let bits = match row.result {
                    ValType::I32 => format!("(i64.extend_i32_u {value})"),
                    ValType::F32 => format!("(i64.extend_i32_u (i32.reinterpret_f32 {value}))"),
                    ValType::F64 => format!("(i64.reinterpret_f64 {value})"),
                    _ => value,
                };
                text += &format!("(local.set 5 (i64.xor (i64.rotl (local.get 5) (i64.const 7)) {bits}))\n");
            }
        }
        text += "(local.get 5))\n";
    }
    text + ")"
}

fn arity(op: Op) -> usize {
    if matches!(op.row().shape, Shape::Binary | Shape::Compare) { 2 } else { 1 }
}

/// An operand without operators: a parameter; or, if it is not the first, half the time a constant.
fn plain(random: &mut Random, ty: ValType, place: usize) -> String {
    const CONSTANTS: [i64; 12] = [0, 1, 2, 3, 7, 16, 31, 255, -1, -4096, 0x7fff_fffe, 0x5_0000_0000];
    let first = if ty == ValType::I32 { 0 } else { 2 };
    match random.below(2) {
        0 if place > 0 || random.below(4) == 0 => {
            let constant = random.of(&CONSTANTS);
            format!("({ty}.const {})", if ty == ValType::I32 { i64::from(constant as i32) } else { constant })
        }
        _ => format!("(local.get {})", first + random.below(2)),
    }
}

/// A statement of [`structures`].
fn field(random: &mut Random, text: &mut String, depth: usize) {
    let (pointer, other) = random.of(&[(0, 1), (1, 0)]);
    let offset = random.of(&[0, 4, 8, 12, 16, 24, 250, 1000, 40_000, 100_000]);
    let base = format!("offset={offset} (local.get {pointer})");
    let line = match random.below(if depth < 2 { 12 } else { 9 }) {
        0 | 1 => format!("(local.set 5 (i32.add (local.get 5) (i32.load {base})))\n"),
        2 => format!("(local.set 6 (i64.xor (local.get 6) (i64.load {base})))\n"),
        3 => format!("(i32.store {base} (local.get 5))\n"),
        4 => format!("(i64.store {base} (i64.const 0)) (i32.store8 {base} (local.get {other}))\n"),
        5 => format!("(local.set {pointer} (i32.and (i32.load {base}) (i32.const 0xfff8)))\n"),
        6 => format!("(local.set {pointer} (i32.and (i32.add (local.get {pointer}) (i32.const 16)) (i32.const 0xffff)))\n"),
        7 => format!("local.get {pointer} local.get {other} local.set {pointer} local.set {other}\n"),
        8 => format!(
            "(local.set 6 (i64.add (i64.load16_s {base}) (call $f0 (i32.load {base}) (i32.const 1) (local.get 6) (local.get 2) (f64.const 0))))\n"
        ),
        kind => {
            let counter = 7 + depth;
            let (begin, end) = match kind {
                9 => (format!("(if (i32.and (i32.load8_u {base}) (i32.const 1)) (then"), "))".to_owned()),
                10 => (format!("(block (br_if 0 (i32.lt_s (local.get 5) (i32.load {base})))"), ")".to_owned()),
                _ => {
                    let next = format!("(local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))");
                    (format!("(local.set {counter} (i32.const 3)) (loop"), format!("(br_if 0 {next}))"))
                }
            };
            *text += &(begin + "\n");
            (0..3).for_each(|_| field(random, text, depth + 1));
            end + "\n"
        }
    };
    *text += &line;
}

impl Function<'_> {
    fn local(&mut self, ty: ValType) -> usize {
        let (_, locals) = LOCALS[TYPES.iter().position(|&other| other == ty).expect("a type in use")];
        self.random.of(&locals)
    }

    fn statement(&mut self, depth: usize) {
        let ty = self.random.of(&TYPES);
        match self.random.below(12) {
            0 | 1 => {
                let (address, value) = (self.address(), self.expression(ty, 2));
                let line = match ty {
                    ValType::F64 => format!("(f64.store offset=131072 {address} {value})\n"),
                    _ => format!("({} offset={} {address} {value})\n", self.store_of(ty), self.random.below(1000)),
                };
                self.text += &line;
            }
            2 if depth < 2 && self.loops < MOST_LOOPS => self.a_loop(depth),
            3 if depth < 3 => self.a_block(depth),
            4 if self.random.below(4) == 0 => {
                let delta = self.expression(ValType::I32, 1);
                let local = self.local(ValType::I32);
                self.text += &format!("(local.set {local} (memory.grow {delta}))\n");
            }
            _ => {
                let value = self.expression(ty, 3);
                let local = self.local(ty);
                self.text += &format!("(local.set {local} {value})\n");
            }
        }
    }

    fn a_loop(&mut self, depth: usize) {
        let counter = FIRST_COUNTER + self.loops;
        self.loops += 1;
        let label = self.label();
        self.text += &format!("(local.set {counter} (i32.const 3)) (loop $l{label}\n");
        for _ in 0..=self.random.below(3) {
            self.statement(depth + 1);
        }
        self.text += &format!("(local.set {counter} (i32.add (local.get {counter}) (i32.const -1)))\n");
        self.text += &format!("(br_if $l{label} (local.get {counter})))\n");
    }

    fn a_block(&mut self, depth: usize) {
        let label = self.label();
        if self.random.below(3) == 0 {
            // With a value.
            let ty = self.random.of(&TYPES);
            let local = self.local(ty);
            let (early, condition, late) = (self.expression(ty, 2), self.condition(), self.expression(ty, 2));
            self.text += &format!("(block $l{label} (result {ty}) {early} {condition} br_if $l{label}\ndrop {late}) local.set {local}\n");
            return;
        }
        self.text += &format!("(block $l{label}\n");
        for _ in 0..=self.random.below(2) {
            self.statement(depth + 1);
            let condition = self.condition();
            self.text += &format!("(br_if $l{label} {condition})\n");
        }
        self.statement(depth + 1);
        self.text += ")\n";
    }

    fn label(&mut self) -> usize {
        self.labels += 1;
        self.labels
    }

    fn store_of(&mut self, ty: ValType) -> &'static str {
        match ty {
            ValType::I32 => self.random.of(&["i32.store", "i32.store8"]),
            _ => self.random.of(&["i64.store", "i64.store32"]),
        }
    }

    /// An i32 below 65536.
    fn address(&mut self) -> String {
        if self.random.below(3) == 0 {
            return format!("(i32.const {})", self.random.below(60000));
        }
        format!("(i32.load16_u offset={} (i32.const {}))", self.random.below(8), self.random.below(5000))
    }

    fn condition(&mut self) -> String {
        match self.random.below(4) {
            0 => self.expression(ValType::I32, 1),
            1 => format!("(i32.eqz {})", self.comparison(1)),
            _ => self.comparison(1),
        }
    }

    fn comparison(&mut self, depth: usize) -> String {
        let ty = self.random.of(&TYPES);
        let name = match ty {
            ValType::F64 => self.random.of(&["eq", "ne", "lt", "gt", "le", "ge"]),
            _ => self.random.of(&["eq", "ne", "lt_s", "lt_u", "gt_s", "ge_u"]),
        };
        let (a, b) = (self.expression(ty, depth), self.expression(ty, depth));
        format!("({ty}.{name} {a} {b})")
    }

    fn expression(&mut self, ty: ValType, depth: usize) -> String {
        if depth == 0 || self.random.below(8) == 0 {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        match (ty, self.random.below(10)) {
            (_, 0) => {
                let (a, b, condition) = (self.expression(ty, depth), self.expression(ty, depth), self.condition());
                format!("(select {a} {b} {condition})")
            }
            (_, 1) => self.load(ty),
            (_, 2) if self.callees > 0 && self.random.below(3) == 0 => self.a_call(ty, depth),
            (ValType::I32, 3) => self.comparison(depth),
            (ValType::I64, 3) => {
                let sign = self.random.of(&["s", "u"]);
                format!("(i64.extend_i32_{sign} {})", self.expression(ValType::I32, depth))
            }
            (ValType::F64, 4..7) if self.all_integer_operators => self.any_operator(ty, depth),
            (ValType::F64, _) => format!("(f64.add {} {})", self.expression(ty, depth), self.expression(ty, depth)),
            (_, 4) => {
                // 2 modulo 4: neither 0 nor -1.
                let divisor = format!("({ty}.add ({ty}.shl {} ({ty}.const 2)) ({ty}.const 2))", self.leaf(ty));
                format!("({ty}.div_s {} {divisor})", self.expression(ty, depth))
            }
            (_, 5 | 6) => {
                let amount = if self.random.below(2) == 0 { format!("({ty}.const {})", self.random.below(5)) } else { self.leaf(ty) };
                format!("({ty}.shl {} {amount})", self.expression(ty, depth))
            }
            (_, 7) if self.all_integer_operators => self.any_operator(ty, depth),
            _ => format!("({ty}.add {} {})", self.expression(ty, depth), self.expression(ty, depth)),
        }
    }

    fn any_operator(&mut self, ty: ValType, depth: usize) -> String {
        let fits = |op: &&Op| {
            let (row, name) = (op.row(), op.row().name);
            let is_float = row.a == ValType::F64 || row.result == ValType::F64;
            let is_wanted =
                if is_float { name.contains("_sat_") || name.contains("convert") } else { matches!(row.a, ValType::I32 | ValType::I64) };
            let is_value = !matches!(row.shape, Shape::Load | Shape::Store);
            is_value && is_wanted && row.result == ty && row.a != ValType::F32 && !name.contains("div") && !name.contains("rem")
        };
        let changes_width = |op: &&Op| op.row().shape == Shape::Unary && op.row().a != op.row().result;
        let choices: Vec<Op> = Op::ALL.iter().filter(fits).copied().collect();
        // Every third one changes the width, or is a shift: where they meet, compilers go wrong.
        let risky: Vec<Op> = Op::ALL.iter().filter(fits).filter(|op| changes_width(op) || op.row().name.contains(".sh")).copied().collect();
        let row = match self.random.below(3) {
            0 if !risky.is_empty() => self.random.of(&risky).row(),
            _ => self.random.of(&choices).row(),
        };
        let first = self.expression(row.a, depth);
        match row.shape {
            Shape::Binary | Shape::Compare => format!("({} {first} {})", row.name, self.expression(row.b, depth)),
            _ => format!("({} {first})", row.name),
        }
    }

    fn load(&mut self, ty: ValType) -> String {
        let (address, offset) = (self.address(), self.random.below(1000));
        match ty {
            ValType::I32 => format!("({} offset={offset} {address})", self.random.of(&["i32.load", "i32.load", "i32.load8_s"])),
            ValType::I64 => format!("({} offset={offset} {address})", self.random.of(&["i64.load", "i64.load", "i64.load32_u"])),
            _ => format!("(f64.load offset=131072 {address})"),
        }
    }

    fn a_call(&mut self, ty: ValType, depth: usize) -> String {
        let Some(callee) = (0..self.callees).find(|&index| result_of(index) == ty) else { return self.leaf(ty) };
        let arguments: Vec<String> = PARAMETERS.iter().map(|&ty| self.expression(ty, depth.min(1))).collect();
        format!("(call $f{callee} {})", arguments.join(" "))
    }

    fn leaf(&mut self, ty: ValType) -> String {
        match (self.random.below(3), ty) {
            (0, ValType::F64) => format!("(f64.const {})", self.random.below(100) as f64 / 8.0),
            (0, _) => {
                let wide = if ty == ValType::I64 { self.random.next() as i64 >> 20 } else { 77_777_777 };
                format!("({ty}.const {})", self.random.of(&[0, 1, -1, 3, 100, -128, wide]))
            }
            _ => format!("(local.get {})", self.local(ty)),
        }
    }
}
