//! Modules as compilers of other languages make them: loops over memory, locals that live long, calls, joins. They end, and seldom trap.
//!
//! Random operators, as [`crate::generate`] puts them together, mostly compute what nobody uses, and hardly ever loop with a purpose. Here every function
//! ends, since loops count in locals that nothing else writes and functions only call those before them; its cost is known while it is made. Addresses
//! mostly stay in memory. NaNs are made one wherever their bits could be seen: in memory, globals, results, integers, and at the host.

mod choices;
mod expressions;
mod loops;
mod statements;

use std::fmt::Write;

use mj_decode::ValType;

use choices::Choices;

const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// Statements that a call may execute, about.
const BUDGET: u64 = 20_000;

/// Locals that hold addresses, `$p0` and so on: accesses near one another are made through them.
const POINTERS: usize = 3;

/// Where pointers often point.
const BUSY: [u32; 5] = [8, 0x400, 0x404, 0x4000, 0x8000];

/// Where they seldom point: to here or a little further, at the end of the page.
const LAST: u32 = 0xfff0;

/// Eight words from each of these are not zero at first.
const FILLED: [usize; 5] = [0, 0x400, 0x4000, 0x8000, 0xffc0];

/// Parameters and results of a function.
#[derive(Clone)]
struct Signature {
    params: Vec<ValType>,
    results: Vec<ValType>,
}

impl Signature {
    fn text(&self) -> String {
        let list = |word: &str, types: &[ValType]| types.iter().map(|ty| format!(" ({word} {ty})")).collect::<String>();
        list("param", &self.params) + &list("result", &self.results)
    }
}

/// A function that later ones may call.
struct Callee {
    signature: Signature,
    cost: u64,
}

/// A function under construction.
struct Function<'a> {
    choices: &'a mut Choices,
    /// Whether there are functions of the host to call.
    has_host: bool,
    /// Those before it.
    callees: &'a [Callee],
    /// The locals that statements write, `$l0` and so on; parameters first.
    locals: Vec<ValType>,
    /// Further locals, `$c0` and so on: counters and bounds of loops, which the loops alone write.
    counters: Vec<ValType>,
    /// The counters of the loops around this place.
    around: Vec<usize>,
    /// Operators that were made, by their type: some are made again, where they may be known.
    made: Vec<(ValType, String)>,
    /// What the next loop's rounds begin with.
    opening: String,
    /// Labels that can be jumped to from here, without values: `$b0` and so on.
    labels: Vec<usize>,
    next_label: usize,
    results: Vec<ValType>,
    /// How often this place is executed in a call, at most.
    weight: u64,
    cost: u64,
}

/// The module that these bytes stand for; where they end, the first of them decide.
pub fn module(bytes: &[u8]) -> Vec<u8> {
    encoded(&text(bytes, true))
}

/// As [`module`], without imports.
pub fn module_of_its_own(bytes: &[u8]) -> Vec<u8> {
    encoded(&text(bytes, false))
}

fn encoded(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const HOST: &str = r#"
(import "host" "mix" (func $mix (param i32 i64 f32 f64) (result i64)))
(import "host" "pair" (func $pair (param i32) (result f64 i32)))
(import "host" "fail" (func $fail (param i64) (result i32)))"#;

fn text(bytes: &[u8], has_host: bool) -> String {
    let mut choices = Choices::new(bytes);
    let signatures: Vec<Signature> = (0..3).map(|_| signature(&mut choices)).collect();
    let count = 1 + choices.below(5);
    let mut text = format!(
        r#"(module{}
(memory (export "memory") 1 3)
(table $table (export "table") {count} funcref)
(elem (table $table) (i32.const 0) func{})
(global $gi32 (export "gi32") (mut i32) (i32.const -1))
(global $gi64 (export "gi64") (mut i64) (i64.const 0x8000000080000000))
(global $gf32 (export "gf32") (mut f32) (f32.const 1.5))
(global $gf64 (export "gf64") (mut f64) (f64.const -0))
"#,
        if has_host { HOST } else { "" },
        (0..count).map(|number| format!(" $f{number}")).collect::<String>()
    );
    text += &data(&mut choices);
    let mut callees: Vec<Callee> = Vec::new();
    for number in 0..count {
        let signature = signatures[choices.below(3)].clone();
        let (function, cost) = function(&mut choices, has_host, &callees, number, &signature);
        text += &function;
        callees.push(Callee { signature, cost });
    }
    text + ")\n"
}

/// Some have more parameters or results than there are registers for.
fn signature(choices: &mut Choices) -> Signature {
    let mut types = |few: usize| {
        let most = if choices.chance(6) { 20 } else { few };
        (0..choices.below(most + 1)).map(|_| choices.pick(&TYPES)).collect::<Vec<_>>()
    };
    let params = types(7);
    let mut results = types(3);
    if results.is_empty() {
        results.push(choices.pick(&TYPES));
    }
    Signature { params, results }
}

/// Words at the limits of their types, where pointers often point, and here and there in the page.
fn data(choices: &mut Choices) -> String {
    let mut text = String::new();
    let elsewhere: Vec<_> = (0..1 + choices.below(4)).map(|_| (choices.below(0xff00), 1 + choices.below(8))).collect();
    for (place, words) in FILLED.map(|place| (place, 8)).into_iter().chain(elsewhere) {
        let _ = write!(text, "(data (i32.const {place}) \"");
        for _ in 0..words {
            expressions::limit(choices).to_le_bytes().iter().for_each(|byte| _ = write!(text, "\\{byte:02x}"));
        }
        text += "\")\n";
    }
    text
}

fn function(choices: &mut Choices, has_host: bool, callees: &[Callee], number: usize, signature: &Signature) -> (String, u64) {
    let mut locals = signature.params.clone();
    for _ in 0..1 + choices.below(6) * choices.below(5) {
        locals.push(choices.pick(&TYPES));
    }
    let mut function = Function {
        choices,
        has_host,
        callees,
        locals,
        counters: Vec::new(),
        around: Vec::new(),
        made: Vec::new(),
        opening: String::new(),
        labels: Vec::new(),
        next_label: 0,
        results: signature.results.clone(),
        weight: 1,
        cost: 0,
    };
    let mut body = (0..POINTERS).map(|pointer| function.set_pointer(pointer) + "\n").collect::<String>();
    let length = 1 + function.choices.below(12);
    body += &function.statements(length, 0);
    body += &function.returned();
    let declared = |letter: char, types: &[ValType], first: usize| {
        types.iter().enumerate().skip(first).map(|(index, ty)| format!(" (local ${letter}{index} {ty})")).collect::<String>()
    };
    let params = signature.params.iter().enumerate().map(|(index, ty)| format!(" (param $l{index} {ty})")).collect::<String>();
    let results = signature.results.iter().map(|ty| format!(" (result {ty})")).collect::<String>();
    let text = format!(
        "(func $f{number} (export \"f{number}\"){params}{results}{}{} (local $nf32 f32) (local $nf64 f64)\n{body})\n",
        declared('l', &function.locals, signature.params.len()),
        declared('c', &function.counters, 0) + &declared('p', &[ValType::I32; POINTERS], 0),
    );
    (text, function.cost + 1)
}

impl Function<'_> {
    /// A local of this type, if there is one.
    fn local(&mut self, ty: ValType) -> Option<String> {
        let fitting: Vec<usize> = (0..self.locals.len()).filter(|&local| self.locals[local] == ty).collect();
        (!fitting.is_empty()).then(|| format!("$l{}", self.choices.pick(&fitting)))
    }

    /// A new counter of this type.
    fn counter(&mut self, ty: ValType) -> usize {
        self.counters.push(ty);
        self.counters.len() - 1
    }

    fn label(&mut self) -> usize {
        self.next_label += 1;
        self.next_label - 1
    }

    /// Whether something of this cost can be done here, and if so, that it is.
    fn affords(&mut self, cost: u64) -> bool {
        let cost = self.cost + self.weight * cost;
        let affordable = cost <= BUDGET;
        if affordable {
            self.cost = cost;
        }
        affordable
    }

    /// The results, each of an expression; half of the time all locals take part in one.
    fn returned(&mut self) -> String {
        let results = self.results.clone();
        let mut text = String::new();
        for ty in results {
            let value = if ty == ValType::I64 && self.choices.chance(2) { self.all_locals() } else { self.expression(ty, 2) };
            text += &expressions::seen(value, ty);
            text.push('\n');
        }
        text
    }

    /// All locals in one number.
    fn all_locals(&mut self) -> String {
        let mut text = String::from("(i64.const 0)");
        for (index, ty) in self.locals.iter().enumerate() {
            let local = format!("(local.get $l{index})");
            let bits = match ty {
                ValType::I32 => format!("(i64.extend_i32_u {local})"),
                ValType::F32 => format!("(i64.extend_i32_s (i32.reinterpret_f32 {}))", expressions::seen(local, *ty)),
                ValType::F64 => format!("(i64.reinterpret_f64 {})", expressions::seen(local, *ty)),
                _ => local,
            };
            text = format!("(i64.add (i64.rotl {text} (i64.const 7)) {bits})");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use crate::observation::{Run, Stop};

    #[test]
    fn programs_are_of_many_kinds_and_most_calls_return() {
        let (mut calls, mut returned, mut text) = (0, 0, String::new());
        for seed in 0..60 {
            let bytes = Random::new(seed).bytes(1024);
            text += &super::text(&bytes, true);
            assert_eq!(crate::interpreter::compile(&module_of_its_own(&bytes)).imports().len(), 0);
            let module = crate::interpreter::compile(&module(&bytes));
            let runs: Vec<Run> = module
                .exports()
                .filter(|export| matches!(export.ty(), wasmi::ExternType::Func(_)))
                .map(|export| crate::interpreter::run(&module, export.name()))
                .collect();
            for call in runs.into_iter().flat_map(|run| run.expect("nothing starts")) {
                assert_ne!(call.outcome, Err(Stop::Stack));
                calls += 1;
                returned += usize::from(call.outcome.is_ok());
            }
        }
        assert!(returned * 3 > calls * 2 && returned < calls, "{returned} of {calls} calls return");
        let all =
            ["loop", "br_table", "call_indirect", "memory.copy", "memory.fill", "memory.grow", "(param", "select", "return", "br_if $b"];
        all.iter().for_each(|word| assert!(text.contains(word), "no program has `{word}`"));
    }
}
