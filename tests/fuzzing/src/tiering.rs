//! Replacement of running code at places that bytes choose.

use mj_jit::{Config, Strategy};

use crate::differing::{Divergence, compare_with};
use crate::{Random, generate, programs};

/// Generates a module and runs it with tiers whose budget, period and threads are random; returns whether the bytes were enough for a module.
///
/// # Panics
///
/// If it does something else than an interpreter.
pub fn tiering(bytes: &[u8]) -> bool {
    let Some((mut random, wasm)) = made(bytes) else { return false };
    let modes = (0..3).map(|_| mode(&mut random)).collect::<Vec<_>>();
    let run = compare_with(&wasm, modes.iter().map(|(name, config)| (name.as_str(), config.clone())));
    run.unwrap_or_else(|divergence: Divergence| panic!("{divergence}"));
    true
}

/// The module that [`tiering`] makes of bytes, and what chooses the rest: mostly a program with loops.
pub fn made(bytes: &[u8]) -> Option<(Random, Vec<u8>)> {
    let (choices, rest) = bytes.split_first_chunk()?;
    let mut random = Random::new(u64::from_le_bytes(*choices));
    let wasm = if random.below(4) == 0 { generate::module(rest)? } else { programs::module(rest) };
    Some((random, wasm))
}

/// Tiers of some kind, and what they are like.
fn mode(random: &mut Random) -> (String, Config) {
    let budget = [0, 1, 2, 10, 100, 1000][random.below(6)] + random.below(20) as u32;
    let waits = random.below(3) > 0;
    let words = ["", "-few-registers", "-spill-everything", "-explicit-bounds", "-dirty-upper-bits", "-no-signals", "-fuel"];
    let word = &format!("tiered{}", random.pick(&words));
    let mut config = mj_wast::config(word).expect("a mode");
    config.strategy(Strategy::TIERED).tier_up_budget(budget).tier_up_waits(waits);
    (format!("{word}, budget {budget}, {}", if waits { "waiting" } else { "in the background" }), config)
}
