//! Modules that others made, of any size, against the interpreter.
//!
//! Nothing is known of such a module: whatever it imports has a stand-in that answers something, and all its functions are called, with arguments that may
//! be addresses. They do not end on their own, so they are compared twice: with a counter in the code, which stops all engines at the same place, and as they
//! are, as far as the interpreter came without running out of it.
//!
//! Calls come in sequences, each in an instance of its own, so that what one call left in memory shows in the next ones.

mod compiled;
mod interpreted;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mj_generating::Random;
use mj_jit::{CompilationMode, Config};

use crate::host::Trace;
use crate::observation::{Item, Stop, Type, Value};
use crate::rewriting::{Additions, Rewritten, name, rewrite};

/// How far to look.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Sequences of calls.
    pub sequences: u64,
    /// The first sequence's number: others call other functions, with other arguments.
    pub first: u64,
    /// No sequence but the first begins after this time.
    pub time: Duration,
    /// The modes of mj.
    pub modes: Vec<String>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Sequences that were compared.
    pub sequences: u64,
    /// Calls in the interpreter that returned.
    pub returned: u64,
    /// Calls that trapped.
    pub trapped: u64,
    /// Calls that used up their steps.
    pub exhausted: u64,
    /// Sequences that are not compared, because the interpreter panicked.
    pub unknown: u64,
    /// Where engines chose other bits for a NaN, and did the same where they had no choice.
    pub nans: u64,
    /// What differed.
    pub divergences: Vec<Stranger>,
}

/// Where a sequence of calls went different ways.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// The mode of mj.
    pub mode: String,
    /// Whether steps were counted.
    pub counted: bool,
    /// The sequence's number.
    pub sequence: u64,
    /// The functions called until then.
    pub calls: Vec<u32>,
    /// What differs: interpreter first.
    pub difference: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stranger { mode, counted, sequence, calls, difference } = self;
        let counted = if *counted { ", steps counted" } else { "" };
        write!(f, "sequence {sequence} under `{mode}`{counted}: functions {calls:?}: {difference}")
    }
}

/// Calls of a sequence, besides those that initialise.
const CALLS: usize = 24;
/// Steps of a call that initialises, and of any other.
const STEPS: [u32; 2] = [200_000, 20_000];
/// Room for the recursion of any call that does not run out of steps.
const WASM_STACK: usize = 16 << 20;
/// Divergences after which a module is given up.
const ENOUGH: usize = 4;

/// An engine that has compiled a module.
trait Engine {
    fn instantiate(&self) -> Result<Box<dyn Guest>, Stop>;
}

/// An instance.
trait Guest {
    fn parameters(&mut self, function: &str) -> Vec<Type>;
    fn call(&mut self, function: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop>;
    /// Steps that are left, where they are counted.
    fn steps(&mut self) -> Option<u32>;
    fn set_steps(&mut self, steps: u32);
    fn trace(&self) -> Trace;
    fn items(&mut self) -> Vec<(String, Item)>;
}

/// The value of a global that is imported: where a stack that grows down begins, or where something is to be put.
fn imported_global(name: &str) -> u64 {
    if name.contains("stack") { 60_000 } else { 32 }
}

/// How many elements a table that is imported has more than it must.
const TABLE_ROOM: u64 = 64;

/// A call of a sequence.
#[derive(Clone, Copy, Debug)]
struct Planned {
    function: u32,
    /// What its arguments are made from.
    seed: u64,
    steps: u32,
}

/// What was seen of a sequence.
#[derive(Clone, Debug, Default)]
struct Seen {
    calls: Vec<(Result<Vec<Value>, Stop>, Trace)>,
    /// The first call that ran out of steps, or of stack.
    cut: Option<usize>,
    /// Calls that ran out of steps.
    exhausted: u64,
    /// What was there in the end, unless a stack ended.
    items: Option<Vec<(String, Item)>>,
}

/// Compares a module in the interpreter with mj in some modes.
///
/// # Errors
///
/// If mj refuses the module as it is.
///
/// # Panics
///
/// If there is no such mode, or the interpreter refuses what mj accepts. What the interpreter panics at when it translates is not compared.
pub fn compare_stranger(wasm: &[u8], effort: &Effort) -> mj_jit::Result<Report> {
    let mut module = Subjects::new(wasm, &effort.modes)?;
    let began = Instant::now();
    let mut report = Report::default();
    for number in effort.first..effort.first + effort.sequences {
        if report.sequences > 0 && began.elapsed() >= effort.time || report.divergences.len() >= ENOUGH {
            break;
        }
        module.compare(wasm, number, &mut report)?;
        report.sequences += 1;
    }
    Ok(report)
}

/// A module in all engines.
struct Subjects {
    facts: Rewritten,
    /// With steps counted.
    counted: Rewritten,
    reference: Box<dyn Engine>,
    modes: Vec<Subject>,
}

/// A module in a mode of mj.
struct Subject {
    mode: String,
    /// With steps counted.
    counted: Box<dyn Engine>,
    plain: Box<dyn Engine>,
}

impl Subjects {
    fn new(wasm: &[u8], modes: &[String]) -> mj_jit::Result<Self> {
        mj_jit::Module::validate(&mj_jit::Engine::default(), wasm)?;
        let counted = rewritten(wasm, Additions { steps: true, ..Additions::default() });
        let facts = rewritten(wasm, Additions::default());
        let subject = |mode: &String| {
            let compile = |module: &Rewritten| compiled::compile(&config(mode), &module.wasm);
            Ok(Subject { mode: mode.clone(), counted: compile(&counted)?, plain: compile(&facts)? })
        };
        let modes = modes.iter().map(subject).collect::<mj_jit::Result<_>>()?;
        Ok(Subjects { reference: interpreted::compile(&counted.wasm), facts, counted, modes })
    }

    /// Runs one sequence everywhere.
    fn compare(&mut self, wasm: &[u8], number: u64, report: &mut Report) -> mj_jit::Result<()> {
        let plan = self.plan(number);
        let data_end = self.facts.data_end;
        let Some(expected) = survived(|| run(&*self.reference, &plan, data_end)) else {
            // Whatever the interpreter was at when it panicked may be locked.
            self.reference = interpreted::compile(&self.counted.wasm);
            report.unknown += 1;
            return Ok(());
        };
        let cut = expected.as_ref().ok().and_then(|seen| seen.cut);
        report.count(&expected);
        // Without a counter some call might never end, and memory is to be looked at in front of it.
        let uncut = &plan[..cut.unwrap_or(plan.len())];
        let expected_uncut = if cut.is_some() { run(&*self.reference, uncut, data_end) } else { expected.clone() };
        for subject in &self.modes {
            let runs = [(true, &subject.counted, &plan[..], &expected), (false, &subject.plain, uncut, &expected_uncut)];
            for (counted, engine, plan, expected) in runs {
                let Some(difference) = difference(expected, &run(&**engine, plan, data_end)) else { continue };
                let reference = interpreted::compile(&rewritten(wasm, Additions { canonical_nans: true, steps: true }).wasm);
                let additions = Additions { canonical_nans: true, steps: counted };
                let canonical = compiled::compile(&config(&subject.mode), &rewritten(wasm, additions).wasm)?;
                let differs = |length: &usize| {
                    let plan = &plan[..*length];
                    self::difference(&run(&*reference, plan, data_end), &run(&*canonical, plan, data_end)).is_some()
                };
                match (0..=plan.len()).find(differs) {
                    None => report.nans += 1,
                    Some(length) => report.divergences.push(Stranger {
                        mode: subject.mode.clone(),
                        counted,
                        sequence: number,
                        calls: plan[..length].iter().map(|call| call.function).collect(),
                        difference,
                    }),
                }
            }
        }
        Ok(())
    }

    /// The calls of a sequence.
    fn plan(&self, number: u64) -> Vec<Planned> {
        let facts = &self.facts;
        let mut random = Random::new(number);
        let exported: Vec<u32> = facts.exported.iter().copied().filter(|function| facts.functions.contains(function)).collect();
        let mut plan: Vec<Planned> = facts.starts.iter().map(|&function| Planned { function, seed: 0, steps: STEPS[0] }).collect();
        let length = if facts.functions.is_empty() { 0 } else { plan.len() + CALLS };
        while plan.len() < length {
            let function = match random.below(2) {
                0 if !exported.is_empty() => random.pick(&exported),
                _ => facts.functions.start + random.below(facts.functions.len()) as u32,
            };
            plan.push(Planned { function, seed: random.next(), steps: STEPS[1] });
        }
        plan
    }
}

impl Report {
    fn count(&mut self, seen: &Result<Seen, Stop>) {
        let Ok(seen) = seen else { return };
        self.exhausted += seen.exhausted;
        for (outcome, _) in &seen.calls {
            *(if outcome.is_ok() { &mut self.returned } else { &mut self.trapped }) += 1;
        }
        self.trapped -= seen.exhausted;
    }
}

/// What a function gives, unless it panics.
fn survived<T>(function: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(function)).ok()
}

fn rewritten(wasm: &[u8], additions: Additions) -> Rewritten {
    rewrite(wasm, additions).expect("the module is valid")
}

/// A mode's configuration, for modules of which only some functions are called.
fn config(mode: &str) -> Config {
    let mut config = mj_wast::config(mode).unwrap_or_else(|| panic!("no mode is called {mode}"));
    config.compilation_mode(CompilationMode::Lazy).max_wasm_stack(WASM_STACK);
    config
}

/// Calls functions one after the other in a new instance.
fn run(engine: &dyn Engine, plan: &[Planned], data_end: u32) -> Result<Seen, Stop> {
    let mut guest = engine.instantiate()?;
    let mut seen = Seen::default();
    for (index, call) in plan.iter().enumerate() {
        let function = name(call.function);
        let mut random = Random::new(call.seed);
        let arguments: Vec<Value> = guest.parameters(&function).into_iter().map(|ty| argument(ty, data_end, &mut random)).collect();
        guest.set_steps(call.steps);
        let mut outcome = guest.call(&function, &arguments);
        if outcome == Err(Stop::Unreachable) && guest.steps() == Some(0) {
            outcome = Err(Stop::Steps);
        }
        let (is_exhausted, has_overflowed) = (outcome == Err(Stop::Steps), outcome == Err(Stop::Stack));
        seen.calls.push((outcome, guest.trace()));
        seen.exhausted += u64::from(is_exhausted);
        if is_exhausted || has_overflowed {
            seen.cut.get_or_insert(index);
        }
        if has_overflowed {
            return Ok(seen);
        }
    }
    seen.items = Some(guest.items());
    Ok(seen)
}

/// What differs first, if anything does before a stack ends.
fn difference(expected: &Result<Seen, Stop>, found: &Result<Seen, Stop>) -> Option<String> {
    let (expected, found) = match (expected, found) {
        (Ok(expected), Ok(found)) => (expected, found),
        (Err(expected), Err(found)) if expected == found => return None,
        _ => return Some(format!("instantiation: expected {:?}, found {:?}", expected.as_ref().err(), found.as_ref().err())),
    };
    for (index, (expected, found)) in expected.calls.iter().zip(&found.calls).enumerate() {
        if expected.0 == Err(Stop::Stack) || found.0 == Err(Stop::Stack) {
            return None;
        }
        if expected != found {
            return Some(format!("call {index}: expected {}, found {}", shown(expected), shown(found)));
        }
    }
    let (Some(expected), Some(found)) = (&expected.items, &found.items) else { return None };
    found.iter().find_map(|(name, found)| {
        let expected = expected.iter().find(|(expected, _)| expected == name).map(|(_, item)| item);
        (Some(found) != expected).then(|| format!("{name} in the end: expected {expected:?}, found {found:?}"))
    })
}

fn shown((outcome, trace): &(Result<Vec<Value>, Stop>, Trace)) -> String {
    let outcome = match outcome {
        Ok(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Err(stop) => format!("{stop:?}"),
    };
    format!("[{outcome}], trace {trace:x}")
}

/// An argument: an address where data is, or shortly behind it, or what [`crate::observation::arguments`] gives.
fn argument(ty: Type, data_end: u32, random: &mut Random) -> Value {
    match ty {
        Type::I32 if random.below(2) == 0 => Value::I32((random.below(data_end as usize + 4096) & !3) as i32),
        ty => crate::observation::argument(ty, random),
    }
}

/// The words that a host's function sees of its arguments.
fn words(values: impl Iterator<Item = Value>) -> Vec<u64> {
    let word = |value| match value {
        Value::I32(value) => u64::from(value.cast_unsigned()),
        Value::I64(value) => value.cast_unsigned(),
        Value::F32(bits) => u64::from(bits),
        Value::F64(bits) => bits,
        Value::Func(is_some) => u64::from(is_some),
        Value::Extern(number) => number.map_or(u64::MAX, u64::from),
    };
    values.map(word).collect()
}

/// A value of a type, made from a word.
fn value(ty: Type, word: u64) -> Value {
    match ty {
        Type::I32 => Value::I32(word as i32),
        Type::I64 => Value::I64(word.cast_signed()),
        Type::F32 => Value::F32((word as i32 as f32).to_bits()),
        Type::F64 => Value::F64((word.cast_signed() as f64).to_bits()),
        Type::Func => Value::Func(false),
        Type::Extern => Value::Extern((word & 1 == 1).then_some(word as u32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The difference between a module in the interpreter and another one in mj.
    fn between(one: &str, other: &str) -> Option<String> {
        let additions = Additions { steps: true, ..Additions::default() };
        let [one, other] = [one, other].map(|text| rewritten(&wat::parse_str(text).unwrap(), additions));
        let call = |function| Planned { function, seed: 7, steps: 100 };
        let plan: Vec<Planned> = one.functions.clone().map(call).collect();
        let engine = compiled::compile(&config("optimizing"), &other.wasm).unwrap();
        difference(&run(&*interpreted::compile(&one.wasm), &plan, 0), &run(&*engine, &plan, 0))
    }

    #[test]
    fn everything_that_can_be_seen_is_compared() {
        let guest = |code: &str| {
            format!(
                r#"(module (import "any" "host" (func $host (param i64) (result i32))) (import "any" "global" (global (mut i32)))
                    (import "any" "table" (table 3 externref)) (import "any" "memory" (memory 1))
                    (func $f (param f32) (result i32) {code}) (func (result i32) (i32.const 3)))"#
            )
        };
        let all = [
            "unreachable",
            "i32.const 0 i32.const 0 i32.div_u",
            "i32.const 1",
            "i32.const 2",
            "i32.const 1 i32.const 9 i32.const 1 i32.store8",
            "i32.const 1 memory.grow",
            "i32.const 4 global.set 0 i32.const 1",
            "global.get 0",
            "i64.const 3 call $host drop i32.const 1",
            "i64.const 4 call $host drop i32.const 1",
            "loop (br 0) end i32.const 1",
            "table.size",
        ];
        for one in all {
            for other in all {
                let found = between(&guest(one), &guest(other));
                assert_eq!(found.is_some(), one != other, "{one} beside {other}: {found:?}");
            }
        }
    }

    #[test]
    fn a_call_that_runs_out_of_steps_is_the_last_one_where_they_are_not_counted() {
        let wasm = wat::parse_str("(module (memory 1) (func (export \"f\") (loop (br 0))) (func (param i32)))").unwrap();
        let effort = Effort { sequences: 3, first: 0, time: Duration::MAX, modes: vec!["baseline".to_owned(), "tiered".to_owned()] };
        let report = compare_stranger(&wasm, &effort).unwrap();
        assert!(report.divergences.is_empty(), "{:?}", report.divergences);
        assert!(report.exhausted > 0 && report.returned > 0, "{report:?}");
    }

    #[test]
    fn bits_of_a_nan_are_no_divergence() {
        // Which of two NaNs a sum is, is the engine's choice.
        let code = "(f32.reinterpret_i32 (i32.const 0x7fc00001)) (f32.reinterpret_i32 (i32.const 0x7fc00002))";
        let sum = |sum: &str| format!("(module (func (result i32) (i32.reinterpret_f32 ({sum} {code}))))");
        let wasm = wat::parse_str(sum("f32.add")).unwrap();
        let effort = Effort { sequences: 1, first: 0, time: Duration::MAX, modes: vec!["optimizing".to_owned()] };
        assert!(compare_stranger(&wasm, &effort).unwrap().divergences.is_empty());
    }
}
