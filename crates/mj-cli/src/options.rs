//! Options that several commands share, and the settings that they and the option groups amount to.
//!
//! A short flag stands for an option of a group (`--timeout 2s` is `-W timeout=2s`); if both are given, the last group
//! option wins over the flag.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, io};

use mj_jit::{Cache, Config, Engine, StoreLimits, StoreLimitsBuilder};

use crate::failure::Failure;
use crate::groups::{CODEGEN, DEBUG, Group, OPTIMIZE, WASI, WASM};
use crate::output;

/// The engine's options, for every command that compiles.
#[derive(clap::Args, Default)]
pub(crate) struct EngineOptions {
    /// Compiler: tiered, baseline or optimizing (short for -C compiler=)
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    /// Show on standard error what is optimized while the program runs: when, what it cost, and what it is
    #[arg(long)]
    tier_log: bool,
    /// Tell profilers about compiled code: perfmap or jitdump
    #[arg(long, value_name = "HOW")]
    profile: Option<String>,
    /// WebAssembly features and limits; `-W help` lists them
    #[arg(short = 'W', long = "wasm", value_name = "KEY[=VALUE],...")]
    wasm: Vec<String>,
    /// Code generation; `-C help` lists it
    #[arg(short = 'C', long = "codegen", value_name = "KEY[=VALUE],...")]
    codegen: Vec<String>,
    /// Optimization and memory layout; `-O help` lists it
    #[arg(short = 'O', long = "optimize", value_name = "KEY[=VALUE],...")]
    optimize: Vec<String>,
    /// Debugging; `-D help` lists it
    #[arg(short = 'D', long = "debug", value_name = "KEY[=VALUE],...")]
    debug: Vec<String>,
}

/// What all options amount to.
#[derive(Debug)]
pub(crate) struct Settings {
    pub config: Config,
    /// Whether to keep compiled code between runs, if that was said.
    pub cache: Option<bool>,
    /// How, if a file says it.
    pub cache_config: Option<PathBuf>,
    /// Whether to say what was found there.
    pub cache_log: bool,
    pub timeout: Option<Duration>,
    pub fuel: Option<u64>,
    pub max_memory: Option<usize>,
    pub max_table_elements: Option<usize>,
    pub max_instances: Option<usize>,
    pub max_tables: Option<usize>,
    pub max_memories: Option<usize>,
    pub trap_on_grow_failure: bool,
    pub unknown_imports_trap: bool,
    pub unknown_imports_default: bool,
    pub wasi: bool,
    pub preview0: bool,
    pub inherit_env: bool,
    pub inherit_stdin: bool,
    pub inherit_stdout: bool,
    pub inherit_stderr: bool,
    pub listen: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Config::new(),
            cache: None,
            cache_config: None,
            cache_log: false,
            timeout: None,
            fuel: None,
            max_memory: None,
            max_table_elements: None,
            max_instances: None,
            max_tables: None,
            max_memories: None,
            trap_on_grow_failure: false,
            unknown_imports_trap: false,
            unknown_imports_default: false,
            wasi: true,
            preview0: true,
            inherit_env: false,
            inherit_stdin: true,
            inherit_stdout: true,
            inherit_stderr: true,
            listen: Vec::new(),
        }
    }
}

impl Settings {
    pub(crate) fn set_fuel(&mut self, fuel: u64) {
        self.fuel = Some(fuel);
        self.config.consume_fuel(true);
    }

    /// Lets compiled code be kept in the user's cache folder, unless that was refused. Without such a folder it is not kept; that is worth
    /// a word if the folder is not safe, or was asked for.
    pub(crate) fn use_cache(&mut self) -> Result<(), Failure> {
        if self.cache == Some(false) {
            return Ok(());
        }
        match Cache::from_file(self.cache_config.as_deref()) {
            Ok(cache) => _ = self.config.cache(Some(cache)),
            Err(error) if self.cache_config.is_some() => return Err(Failure::other(format!("-C cache-config: {error:#}"))),
            Err(error) if self.cache == Some(true) => return Err(Failure::other(format!("-C cache=y: {error:#}"))),
            Err(error) if error.is::<io::Error>() || env::var_os("HOME").is_none() => {}
            Err(error) => output::note(&format!("nothing is cached: {error:#}")),
        }
        Ok(())
    }

    /// Compiles for this machine.
    pub(crate) fn target(&mut self, target: &str) -> Result<(), Failure> {
        self.config.target(target).map(drop).map_err(|error| Failure::other(format!("--target {target}: {error:#}")))
    }

    /// An engine with these settings.
    pub(crate) fn engine(&self) -> Result<Engine, Failure> {
        Engine::new(&self.config).map_err(|error| Failure::other(format!("these options cannot be had: {error:#}")))
    }

    /// The limits of a store.
    pub(crate) fn limits(&self) -> StoreLimits {
        let mut limits = StoreLimitsBuilder::new().trap_on_grow_failure(self.trap_on_grow_failure);
        if let Some(bytes) = self.max_memory {
            limits = limits.memory_size(bytes);
        }
        if let Some(elements) = self.max_table_elements {
            limits = limits.table_elements(elements);
        }
        if let Some(count) = self.max_instances {
            limits = limits.instances(count);
        }
        if let Some(count) = self.max_tables {
            limits = limits.tables(count);
        }
        if let Some(count) = self.max_memories {
            limits = limits.memories(count);
        }
        limits.build()
    }
}

impl EngineOptions {
    /// Adds these options to the settings.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        if let Some(tier) = &self.tier {
            CODEGEN.set(settings, &format!("compiler={tier}")).map_err(|problem| renamed(&problem, "-C compiler", "--tier"))?;
        }
        if self.tier_log {
            settings.config.tier_up_observer(|event| output::note(&format!("tier: {event}")));
        }
        if let Some(how) = &self.profile {
            DEBUG.set(settings, &format!("profile={how}")).map_err(|problem| renamed(&problem, "-D profile", "--profile"))?;
        }
        apply_group(&WASM, &self.wasm, settings)?;
        apply_group(&CODEGEN, &self.codegen, settings)?;
        apply_group(&OPTIMIZE, &self.optimize, settings)?;
        apply_group(&DEBUG, &self.debug, settings)
    }
}

/// Adds `-S` options to the settings.
pub(crate) fn apply_wasi(options: &[String], settings: &mut Settings) -> Result<(), Failure> {
    apply_group(&WASI, options, settings)
}

/// Sets the option of a group that a flag is short for.
pub(crate) fn apply_short(settings: &mut Settings, flag: &str, option: &str, value: &str) -> Result<(), Failure> {
    let set = WASM.set(settings, &format!("{option}={value}"));
    set.map_err(|problem| renamed(&problem, &format!("-W {option}"), flag))
}

fn renamed(problem: &str, option: &str, flag: &str) -> Failure {
    Failure::Other(problem.replacen(option, flag, 1))
}

fn apply_group(group: &Group, lists: &[String], settings: &mut Settings) -> Result<(), Failure> {
    for option in lists.iter().flat_map(|list| list.split(',')) {
        if matches!(option, "help" | "help-long") {
            output::bytes(group.help().as_bytes());
            return Err(Failure::Exit(0));
        }
        group.set(settings, option)?;
    }
    Ok(())
}
