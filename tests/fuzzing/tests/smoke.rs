//! Each fuzz target for a moment, from seeds that are the same every time.

use std::time::{Duration, Instant};

use mj_fuzzing::{Effort, Outcome, Random, TARGETS, compare_stranger, decode, module, run_target, snapshot};

/// Runs a target for about a second, from seed to seed; most of them must be enough for it.
fn smoke(name: &str) {
    let began = Instant::now();
    let (mut enough, mut tried) = (0, 0);
    while tried < 5 || began.elapsed() < Duration::from_secs(1) {
        let mut random = Random::new(tried);
        let length = [64, 512, 2048, 4096][random.below(4)];
        enough += u64::from(run_target(name, &random.bytes(length)));
        tried += 1;
    }
    // Random bytes are no modules.
    assert!(enough * 2 >= tried || ["decode", "snapshot"].contains(&name), "{enough} of {tried}");
}

#[test]
fn every_target_runs() {
    // One after the other: the machine is for the other tests.
    TARGETS.iter().for_each(|(name, _)| smoke(name));
}

#[test]
fn damaged_modules_are_refused_or_compiled_alike_by_all_ways_in() {
    let mut random = Random::new(1);
    let (mut refused, mut accepted) = (0, 0);
    for seed in 0..40 {
        let Some(whole) = module(&Random::new(seed).bytes(1024)) else { continue };
        assert!(decode(&whole), "seed {seed}");
        for _ in 0..10 {
            let mut damaged = whole.clone();
            match random.below(3) {
                0 => damaged.truncate(random.below(whole.len())),
                1 => damaged[random.below(whole.len())] ^= 1 << random.below(8),
                _ => damaged[random.below(whole.len())] = random.next() as u8,
            }
            if decode(&damaged) { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(refused > 100 && accepted > 0, "{refused} refused, {accepted} accepted");
}

/// `ROUNDS=3000` looks longer.
#[test]
fn programs_go_on_as_their_snapshots_do() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let outcomes: Vec<Outcome> = (0..rounds).map(|seed| snapshot(&Random::new(seed).bytes(8192))).collect();
    let count = |is_it: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is_it(outcome)).count();
    let same = count(|outcome| matches!(outcome, Outcome::Same(_)));
    let generated = count(|outcome| matches!(outcome, Outcome::Same(1..)));
    let refused = count(|outcome| *outcome == Outcome::Refused);
    println!("{same} the same, {generated} of them with generated modules, {refused} refused, of {}", outcomes.len());
    assert!(
        same * 3 >= outcomes.len() && generated * 6 >= outcomes.len(),
        "{same} of {} programs were compared, {generated} with generated modules",
        outcomes.len()
    );
}

#[test]
fn a_program_does_the_same_in_all_engines_whatever_is_called() {
    let wasm = include_bytes!("../../programs/files.wasm");
    let modes = ["baseline", "optimizing", "tiered"].map(String::from).to_vec();
    let effort = Effort { sequences: 40, first: 0, time: Duration::from_secs(1), modes };
    let report = compare_stranger(wasm, &effort).unwrap();
    assert!(report.divergences.is_empty(), "{}", report.divergences[0]);
    assert!(report.returned > 10 && report.trapped > 0, "{report:?}");
}
