//! The ways of making and checking code under which scripts, programs and generated modules run: one table of words, and modes made of them.
//!
//! A mode is a choice on each of several axes, and is called by the words of those choices that are not the default, `optimizing-few-registers` for
//! instance. Any combination can be asked for; [`MODES`] are those that run when all are asked for: in these, any two words that go together do meet.

use std::sync::LazyLock;

use mj_jit::{Cache, CacheConfig, CompilationMode, Config, Strategy};

/// What a word chooses about. A mode has at most one word of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Axis {
    /// Which compilers, when.
    Tier,
    /// Who keeps accesses to memory in bounds.
    Bounds,
    /// Who finds traps and interruptions.
    Signals,
    /// How many registers there are.
    Registers,
    /// Where values are between operators.
    Spills,
    /// What is in the upper halves of registers that hold 32 bits.
    UpperBits,
    /// How code is made to stop.
    Interruption,
}

/// A choice on an axis.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// What it is called.
    pub name: &'static str,
    /// What it is about.
    pub axis: Axis,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    apply: fn(&mut Config),
}

const fn word(axis: Axis, name: &'static str, purpose: &'static str, apply: fn(&mut Config)) -> Word {
    Word { name, axis, purpose, apply }
}

/// All words.
pub const WORDS: &[Word] = &[
    word(Axis::Tier, "eager", "the default: all functions compiled before the first runs, hot ones optimized", eager),
    word(Axis::Tier, "lazy", "each function compiled at its first call", lazy),
    word(Axis::Tier, "baseline", "the baseline compiler only", baseline),
    word(Axis::Tier, "optimizing", "the optimizing compiler only", optimizing),
    word(Axis::Tier, "tiered", "every function and loop optimized, and replaced, at the first chance", tiered),
    word(Axis::Tier, "cached", "optimized, written to a folder, and read from there", cached),
    word(Axis::Bounds, "explicit-bounds", "compared addresses instead of guard pages", explicit_bounds),
    word(Axis::Bounds, "precise-stores", "guard pages, and loads in front of stores on AArch64", precise_stores),
    word(Axis::Signals, "no-signals", "every trap and interruption found by code, and compared addresses", no_signals),
    word(Axis::Registers, "few-registers", "hardly any registers, so that most values spill", few_registers),
    word(
        Axis::Spills,
        "spill-everything",
        "values in the frame, stored where they are made and loaded where they are used",
        spill_everything,
    ),
    word(Axis::UpperBits, "dirty-upper-bits", "rubbish in the upper halves of 32-bit values", dirty_upper_bits),
    word(Axis::Interruption, "fuel", "every operator counted", fuel),
    word(Axis::Interruption, "epochs", "interruption by epochs", epochs),
];

/// The modes that run when all are asked for, the default one first.
pub const MODES: &[&str] = &[
    "eager",
    "lazy",
    "epochs",
    "cached",
    "baseline",
    "baseline-explicit-bounds",
    "baseline-few-registers-dirty-upper-bits",
    "baseline-no-signals-fuel",
    "baseline-precise-stores-few-registers-spill-everything",
    "optimizing",
    "optimizing-explicit-bounds-dirty-upper-bits",
    "optimizing-few-registers-fuel",
    "optimizing-no-signals",
    "optimizing-no-signals-few-registers-dirty-upper-bits",
    "optimizing-spill-everything",
    "optimizing-precise-stores-spill-everything-dirty-upper-bits-fuel",
    "optimizing-explicit-bounds-few-registers-spill-everything",
    "tiered",
    "tiered-explicit-bounds-few-registers-fuel",
    "tiered-no-signals-spill-everything",
    "tiered-dirty-upper-bits-fuel",
    "tiered-precise-stores",
];

/// The configuration of the mode of this name, or `None` if there is a word in it that is none, or two of one axis.
#[must_use]
pub fn config(mode: &str) -> Option<Config> {
    let mut config = Config::new();
    words(mode)?.into_iter().for_each(|word| (word.apply)(&mut config));
    Some(config)
}

/// The words of a mode's name.
#[must_use]
pub fn words(mode: &str) -> Option<Vec<&'static Word>> {
    let mut words: Vec<&Word> = Vec::new();
    let mut rest = Some(mode);
    while let Some(name) = rest {
        let starts = |word: &&Word| name.strip_prefix(word.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let word = WORDS.iter().find(starts)?;
        if words.iter().any(|other| other.axis == word.axis) {
            return None;
        }
        words.push(word);
        rest = name[word.name.len()..].strip_prefix('-');
    }
    Some(words)
}

/// A mode by number: all modes that can be had have one below [`COUNT`], and numbers from there on begin again.
#[must_use]
pub fn numbered(number: usize) -> String {
    let mut rest = number;
    let mut names = Vec::new();
    for axis in AXES {
        let choices: Vec<&Word> = WORDS.iter().filter(|word| word.axis == axis).collect();
        // The axis of the tiers has a word for its default, the others none.
        let count = choices.len() + usize::from(axis != Axis::Tier);
        names.extend(choices.get(rest % count).map(|word| word.name));
        rest /= count;
    }
    names.join("-")
}

const AXES: [Axis; 7] = [Axis::Tier, Axis::Bounds, Axis::Signals, Axis::Registers, Axis::Spills, Axis::UpperBits, Axis::Interruption];

/// How many modes there are.
pub const COUNT: usize = 6 * 3 * 2 * 2 * 2 * 2 * 3;

fn eager(config: &mut Config) {
    config.compilation_mode(CompilationMode::Eager);
}

fn lazy(config: &mut Config) {
    config.compilation_mode(CompilationMode::Lazy);
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

/// The folder stays, for the next run.
static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    let mut folder = CacheConfig::new();
    folder.with_directory(std::env::temp_dir().join("mj-wast-cache")).with_files_total_size_soft_limit(64 << 20);
    Cache::new(folder).unwrap_or_else(|error| panic!("the mode `cached` needs a folder: {error:#}"))
});

fn cached(config: &mut Config) {
    optimizing(config);
    config.cache(Some(CACHE.clone()));
}

fn explicit_bounds(config: &mut Config) {
    config.memory_reservation(0).memory_guard_size(0);
}

fn precise_stores(config: &mut Config) {
    config.precise_stores(true);
}

fn no_signals(config: &mut Config) {
    config.signals_based_traps(false);
}

fn few_registers(config: &mut Config) {
    config.codegen_few_registers(true);
}

fn spill_everything(config: &mut Config) {
    config.codegen_spill_everything(true);
}

fn dirty_upper_bits(config: &mut Config) {
    config.codegen_dirty_upper_bits(true);
}

fn fuel(config: &mut Config) {
    config.consume_fuel(true);
}

fn epochs(config: &mut Config) {
    config.epoch_interruption(true);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(mode: &str) -> Vec<&'static str> {
        words(mode).unwrap_or_else(|| panic!("{mode} is a mode")).into_iter().map(|word| word.name).collect()
    }

    #[test]
    fn every_number_is_a_mode_of_its_own_and_begins_again_behind_the_last() {
        let all: BTreeSet<String> = (0..COUNT).map(numbered).collect();
        assert_eq!(all.len(), COUNT);
        assert!(all.iter().all(|mode| words(mode).is_some()));
        assert_eq!(numbered(COUNT), numbered(0));
    }

    #[test]
    fn a_mode_is_made_of_words_of_different_axes() {
        assert_eq!(names("optimizing-few-registers"), ["optimizing", "few-registers"]);
        for wrong in ["", "fast", "optimizing-", "-lazy", "lazy-eager", "optimizingfew-registers", "fuel-epochs"] {
            assert!(config(wrong).is_none(), "{wrong}");
        }
    }

    /// Of the words that change code, any two of different axes meet in a mode that runs.
    #[test]
    fn any_two_words_meet() {
        let met: BTreeSet<(&str, &str)> = MODES
            .iter()
            .flat_map(|mode| {
                let words = names(mode);
                words.clone().into_iter().flat_map(move |one| words.clone().into_iter().map(move |other| (one, other)))
            })
            .collect();
        let apart = |one: &Word, other: &Word| {
            let change = |word: &Word| !matches!(word.name, "eager" | "lazy" | "cached" | "epochs");
            // Without signals, bounds are explicit in any case, and no store needs a load.
            let implied = matches!((one.name, other.name), ("explicit-bounds" | "precise-stores", "no-signals"));
            one.axis < other.axis && change(one) && change(other) && !implied && !met.contains(&(one.name, other.name))
        };
        let missing: Vec<(&str, &str)> =
            WORDS.iter().flat_map(|one| WORDS.iter().filter(|other| apart(one, other)).map(|other| (one.name, other.name))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
