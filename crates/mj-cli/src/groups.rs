//! The option groups `-W`, `-C`, `-O`, `-D` and `-S`: one row an option.
//!
//! Spellings are wasmtime's. Options of proposals and features that mj does not have are not rows: asking for one is an
//! error that lists what there is. `-W help` prints a group.

use mj_jit::{CompilationMode, OptLevel, ProfilingStrategy, Strategy};

use crate::options::Settings;
use crate::values::{duration, number, size, truth};

/// One option of a group.
pub(crate) struct Row {
    name: &'static str,
    /// How the value is written, for the help: `[=y|n]`, `=N`.
    form: &'static str,
    help: &'static str,
    set: fn(&mut Settings, Option<&str>) -> Result<(), String>,
}

/// A group of options.
pub(crate) struct Group {
    /// The flag, with its dash.
    pub flag: &'static str,
    subject: &'static str,
    rows: &'static [Row],
}

const YES_NO: &str = "[=y|n]";

const fn row(
    name: &'static str,
    form: &'static str,
    help: &'static str,
    set: fn(&mut Settings, Option<&str>) -> Result<(), String>,
) -> Row {
    Row { name, form, help, set }
}

macro_rules! switch {
    ($name:literal, $help:literal, |$settings:ident, $on:ident| $set:expr) => {
        row($name, YES_NO, $help, |$settings, value| {
            let $on = truth(value)?;
            let _ = $set;
            Ok(())
        })
    };
}

macro_rules! setting {
    ($name:literal, $form:literal, $help:literal, $parse:path, |$settings:ident, $value:ident| $set:expr) => {
        row($name, $form, $help, |$settings, value| {
            let $value = $parse(value)?;
            let _ = $set;
            Ok(())
        })
    };
}

/// `-W`: what the guest may use, and how much of it.
pub(crate) static WASM: Group = Group {
    flag: "-W",
    subject: "WebAssembly",
    rows: &[
        setting!("timeout", "=T", "Stop the guest after this time: 2s, 100ms", duration, |s, v| s.timeout = Some(v)),
        setting!("max-memory-size", "=BYTES", "How large a linear memory may grow", size, |s, v| s.max_memory = Some(v)),
        setting!("max-table-elements", "=N", "How large a table may grow", size, |s, v| s.max_table_elements = Some(v)),
        setting!("max-instances", "=N", "How many instances there may be", size, |s, v| s.max_instances = Some(v)),
        setting!("max-tables", "=N", "How many tables there may be", size, |s, v| s.max_tables = Some(v)),
        setting!("max-memories", "=N", "How many linear memories there may be", size, |s, v| s.max_memories = Some(v)),
        switch!("trap-on-grow-failure", "Trap where memory or table cannot grow", |s, on| s.trap_on_grow_failure = on),
        setting!("max-wasm-stack", "=BYTES", "Size of the guest's stack (8M)", size, |s, v| s.config.max_wasm_stack(v)),
        setting!("fuel", "=N", "Trap after so many operators", number, |s, v| s.set_fuel(v)),
        switch!("epoch-interruption", "Prepare for interruption by epochs", |s, on| s.config.epoch_interruption(on)),
        switch!("unknown-imports-trap", "Imported functions that are not there trap when called", |s, on| s.unknown_imports_trap = on),
        switch!("unknown-imports-default", "Imported functions that are not there return zeros", |s, on| s.unknown_imports_default = on),
        switch!("nan-canonicalization", "Give every NaN the same bits", |s, on| s.config.cranelift_nan_canonicalization(on)),
        switch!("bulk-memory", "The bulk memory proposal (on)", |s, on| s.config.wasm_bulk_memory(on)),
        switch!("multi-value", "The multi-value proposal (on)", |s, on| s.config.wasm_multi_value(on)),
        switch!("reference-types", "The reference types proposal (on)", |s, on| s.config.wasm_reference_types(on)),
        switch!("extended-const", "The extended constant expressions proposal (on)", |s, on| s.config.wasm_extended_const(on)),
        switch!("simd", "The SIMD proposal", |s, on| s.config.wasm_simd(on)),
        switch!("relaxed-simd", "The relaxed SIMD proposal", |s, on| s.config.wasm_relaxed_simd(on)),
        switch!("tail-call", "The tail call proposal", |s, on| s.config.wasm_tail_call(on)),
        switch!("threads", "The threads proposal", |s, on| s.config.wasm_threads(on)),
        switch!("multi-memory", "The multiple memories proposal", |s, on| s.config.wasm_multi_memory(on)),
        switch!("memory64", "The 64-bit memory proposal", |s, on| s.config.wasm_memory64(on)),
        switch!("exceptions", "The exception handling proposal", |s, on| s.config.wasm_exceptions(on)),
        switch!("function-references", "The typed function references proposal", |s, on| s.config.wasm_function_references(on)),
        switch!("gc", "The garbage collection proposal", |s, on| s.config.wasm_gc(on)),
        switch!("custom-page-sizes", "The custom page sizes proposal", |s, on| s.config.wasm_custom_page_sizes(on)),
        switch!("wide-arithmetic", "The wide arithmetic proposal", |s, on| s.config.wasm_wide_arithmetic(on)),
    ],
};

/// `-C`: how code is made.
pub(crate) static CODEGEN: Group = Group {
    flag: "-C",
    subject: "code generation",
    rows: &[
        row("compiler", "=auto|winch|cranelift", "Which compiler, as wasmtime calls it; or tiered, baseline, optimizing", compiler),
        setting!("tier-up-budget", "=N", "Work after which a function is optimized, in instructions", count, |s, v| s
            .config
            .tier_up_budget(v)),
        setting!("tier-up-threads", "=N", "How many threads optimize functions in the background", size, |s, v| s
            .config
            .tier_up_threads(v)),
        switch!("lazy", "Compile each function at its first call (on for `mj run`)", |s, on| s.config.compilation_mode(mode(on))),
        switch!("cache", "Keep compiled code in the user's cache folder for the next run (on for `mj run`)", |s, on| s.cache = Some(on)),
        row("cache-config", "=FILE", "Where and how much, in TOML: [cache] with directory, files-total-size-soft-limit", |s, value| {
            s.cache_config = Some(value.ok_or("a file is missing: write cache-config=FILE")?.into());
            Ok(())
        }),
        switch!("precise-stores", "AArch64: no store that traps writes the part that lies inside memory", |s, on| s
            .config
            .precise_stores(on)),
        switch!("parallel-compilation", "Compile on all cores", |s, on| s.config.parallel_compilation(on)),
    ],
};

/// `-O`: how fast code is made, and memory laid out.
pub(crate) static OPTIMIZE: Group = Group {
    flag: "-O",
    subject: "optimization",
    rows: &[
        row("opt-level", "=0|1|2|s", "How much an optimizing compiler does", opt_level),
        setting!("memory-reservation", "=BYTES", "Address space of a linear memory", number, |s, v| s.config.memory_reservation(v)),
        setting!("memory-reservation-for-growth", "=BYTES", "Address space beyond it", number, |s, v| {
            s.config.memory_reservation_for_growth(v)
        }),
        setting!("memory-guard-size", "=BYTES", "Guard behind a linear memory; 0: compare addresses", number, |s, v| {
            s.config.memory_guard_size(v)
        }),
        switch!("memory-may-move", "Accepted: a linear memory never moves", |s, on| s.config.memory_may_move(on)),
        switch!("memory-init-cow", "Accepted: a memory's initial contents are copied", |s, on| s.config.memory_init_cow(on)),
        switch!("signals-based-traps", "Use the processor's faults for traps (on)", |s, on| s.config.signals_based_traps(on)),
    ],
};

/// `-D`: debugging and profiling.
pub(crate) static DEBUG: Group = Group {
    flag: "-D",
    subject: "debugging",
    rows: &[
        switch!("debug-info", "Make debug information for native debuggers", |s, on| s.config.debug_info(on)),
        switch!("address-map", "Accepted: offsets of operators are always known", |s, on| s.config.generate_address_map(on)),
        switch!("cache-log", "Say how much code `mj run` found in the cache", |s, on| s.cache_log = on),
        row("max-backtrace", "=N", "How many frames a backtrace shows (20); 0: none", |s, value| {
            let frames = size(value)?;
            s.config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(frames));
            Ok(())
        }),
        row("profile", "=perfmap|jitdump", "Tell profilers about compiled code", profile),
    ],
};

/// `-S`: what WASI offers.
pub(crate) static WASI: Group = Group {
    flag: "-S",
    subject: "WASI",
    rows: &[
        switch!("cli", "Offer WASI preview 1 (on)", |s, on| s.wasi = on),
        switch!("common", "The same", |s, on| s.wasi = on),
        switch!("preview0", "Offer the older `wasi_unstable` (on)", |s, on| s.preview0 = on),
        switch!("inherit-env", "Pass on all environment variables", |s, on| s.inherit_env = on),
        switch!("inherit-stdin", "Pass on standard input (on)", |s, on| s.inherit_stdin = on),
        switch!("inherit-stdout", "Pass on standard output (on)", |s, on| s.inherit_stdout = on),
        switch!("inherit-stderr", "Pass on standard error (on)", |s, on| s.inherit_stderr = on),
        row("tcplisten", "=HOST:PORT", "Listen there and give the guest the socket, from descriptor 3", |s, value| {
            s.listen.push(value.ok_or("an address is missing: write tcplisten=HOST:PORT")?.to_owned());
            Ok(())
        }),
    ],
};

/// A number of 32 bits.
fn count(value: Option<&str>) -> Result<u32, String> {
    let value = number(value)?;
    value.try_into().map_err(|_| format!("`{value}` is too large: the most is {}", u32::MAX))
}

fn mode(lazy: bool) -> CompilationMode {
    if lazy { CompilationMode::Lazy } else { CompilationMode::Eager }
}

fn compiler(settings: &mut Settings, value: Option<&str>) -> Result<(), String> {
    let strategy = match value {
        Some("auto") => Strategy::Auto,
        Some("tiered" | "lazy") => {
            settings.config.compilation_mode(CompilationMode::Lazy);
            Strategy::TIERED
        }
        Some("baseline" | "winch") => Strategy::BASELINE,
        Some("optimizing" | "cranelift") => Strategy::OPTIMIZING,
        other => return Err(format!("no compiler is called `{}`: choose `tiered`, `baseline` or `optimizing`", other.unwrap_or_default())),
    };
    settings.config.strategy(strategy);
    Ok(())
}

fn opt_level(settings: &mut Settings, value: Option<&str>) -> Result<(), String> {
    let level = match value {
        Some("0") => OptLevel::None,
        Some("1" | "2") => OptLevel::Speed,
        Some("s") => OptLevel::SpeedAndSize,
        other => return Err(format!("`{}` is no level: 0, 1, 2 and s are", other.unwrap_or_default())),
    };
    settings.config.cranelift_opt_level(level);
    Ok(())
}

fn profile(settings: &mut Settings, value: Option<&str>) -> Result<(), String> {
    let strategy = match value {
        Some("perfmap") => ProfilingStrategy::PerfMap,
        Some("jitdump") => ProfilingStrategy::JitDump,
        other => return Err(format!("`{}` is not supported: choose `perfmap` or `jitdump`", other.unwrap_or_default())),
    };
    settings.config.profiler(strategy);
    Ok(())
}

impl Group {
    /// Sets one option, written `NAME` or `NAME=VALUE`.
    pub(crate) fn set(&self, settings: &mut Settings, option: &str) -> Result<(), String> {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let row = self.rows.iter().find(|row| row.name == name).ok_or_else(|| self.unknown(name))?;
        (row.set)(settings, value).map_err(|problem| format!("{} {name}: {problem}", self.flag))
    }

    fn unknown(&self, name: &str) -> String {
        let known: Vec<&str> = self.rows.iter().map(|row| row.name).collect();
        format!("{} {name}: there is no such {} option; there are {}", self.flag, self.subject, known.join(", "))
    }

    /// What `-W help` prints.
    pub(crate) fn help(&self) -> String {
        let mut text = format!("Options of {} ({}):\n", self.flag, self.subject);
        for row in self.rows {
            text += &format!("  {} {:40} {}\n", self.flag, format!("{}{}", row.name, row.form), row.help);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_answered_with_the_known_ones() {
        let problem = WASM.set(&mut Settings::default(), "speed=5").unwrap_err();
        assert!(problem.contains("-W speed"), "{problem}");
        assert!(problem.contains("max-memory-size"), "{problem}");
    }

    #[test]
    fn a_bad_value_names_its_option() {
        let problem = WASM.set(&mut Settings::default(), "timeout=soon").unwrap_err();
        assert!(problem.starts_with("-W timeout: "), "{problem}");
    }

    #[test]
    fn names_are_unique_in_their_group() {
        for group in [&WASM, &CODEGEN, &OPTIMIZE, &DEBUG, &WASI] {
            let mut names: Vec<&str> = group.rows.iter().map(|row| row.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), group.rows.len(), "{}", group.flag);
        }
    }
}
