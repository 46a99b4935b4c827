//! The engine configurations under which scripts run: one row a way of making or checking code.

use mj_jit::{Cache, CacheConfig, CompilationMode, Config, Strategy};

/// A configuration with a name to ask for it by.
#[derive(Clone, Copy, Debug)]
pub struct NamedConfig {
    /// What `--config` calls it.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    /// Turns a default configuration into this one.
    pub apply: fn(&mut Config),
}

/// All configurations, the default one first.
pub const CONFIGS: &[NamedConfig] = &[
    NamedConfig { name: "eager", purpose: "all functions compiled before the first runs", apply: eager },
    NamedConfig { name: "lazy", purpose: "each function compiled at its first call", apply: lazy },
    NamedConfig { name: "explicit-bounds", purpose: "compared addresses instead of guard pages", apply: explicit_bounds },
    NamedConfig { name: "fuel", purpose: "every operator counted", apply: fuel },
    NamedConfig { name: "epochs", purpose: "interruption by epochs", apply: epochs },
    NamedConfig { name: "few-registers", purpose: "hardly any registers, so that everything spills", apply: few_registers },
    NamedConfig { name: "baseline", purpose: "the baseline compiler only", apply: baseline },
    NamedConfig { name: "optimizing", purpose: "the optimizing compiler only", apply: optimizing },
    NamedConfig { name: "tiered", purpose: "every function and loop optimized, and replaced, at the first chance", apply: tiered },
    NamedConfig { name: "dirty-upper-bits", purpose: "rubbish in the upper halves of 32-bit values", apply: dirty_upper_bits },
    NamedConfig { name: "optimizing-explicit-bounds", purpose: "optimized, with compared addresses", apply: optimizing_explicit_bounds },
    NamedConfig { name: "optimizing-few-registers", purpose: "optimized, with hardly any registers", apply: optimizing_few_registers },
    NamedConfig {
        name: "optimizing-dirty-upper-bits",
        purpose: "optimized, with rubbish in upper halves",
        apply: optimizing_dirty_upper_bits,
    },
    NamedConfig {
        name: "tiered-few-registers",
        purpose: "replaced at the first chance, with hardly any registers",
        apply: tiered_few_registers,
    },
    NamedConfig { name: "cached", purpose: "optimized, written to a folder, and read from there", apply: cached },
    NamedConfig { name: "tiered-fuel", purpose: "replaced at the first chance, every operator counted", apply: tiered_fuel },
];

/// The configuration of that name.
#[must_use]
pub fn config(name: &str) -> Option<Config> {
    let row = CONFIGS.iter().find(|row| row.name == name)?;
    let mut config = Config::new();
    (row.apply)(&mut config);
    Some(config)
}

fn eager(config: &mut Config) {
    config.compilation_mode(CompilationMode::Eager);
}

fn baseline(config: &mut Config) {
    config.strategy(Strategy::BASELINE);
}

fn optimizing(config: &mut Config) {
    config.strategy(Strategy::OPTIMIZING);
}

fn tiered(config: &mut Config) {
    config.strategy(Strategy::TIERED).tier_up_budget(1).tier_up_waits(true);
}

fn lazy(config: &mut Config) {
    config.compilation_mode(CompilationMode::Lazy);
}

fn explicit_bounds(config: &mut Config) {
    config.memory_reservation(0).memory_guard_size(0);
}

fn fuel(config: &mut Config) {
    config.consume_fuel(true);
}

fn few_registers(config: &mut Config) {
    config.codegen_few_registers(true);
}

fn dirty_upper_bits(config: &mut Config) {
    config.codegen_dirty_upper_bits(true);
}

fn epochs(config: &mut Config) {
    config.epoch_interruption(true);
}

fn optimizing_explicit_bounds(config: &mut Config) {
    optimizing(config);
    explicit_bounds(config);
}

fn optimizing_few_registers(config: &mut Config) {
    optimizing(config);
    few_registers(config);
}

fn optimizing_dirty_upper_bits(config: &mut Config) {
    optimizing(config);
    dirty_upper_bits(config);
}

fn tiered_few_registers(config: &mut Config) {
    tiered(config);
    few_registers(config);
}

fn tiered_fuel(config: &mut Config) {
    tiered(config);
    fuel(config);
}

/// The folder stays, for the next run.
fn cached(config: &mut Config) {
    let mut folder = CacheConfig::new();
    folder.with_directory(std::env::temp_dir().join("mj-wast-cache")).with_files_total_size_soft_limit(256 << 20);
    let cache = Cache::new(folder).unwrap_or_else(|error| panic!("the configuration `cached` needs a folder: {error:#}"));
    optimizing(config);
    config.cache(Some(cache));
}
