//! Each fuzz target for a moment, from seeds that are the same every time.

use mj_fuzzing::{Outcome, Random, decode, differential, module, snapshot};

#[test]
fn generated_modules_do_the_same_everywhere() {
    let made = (0..40).filter(|&seed| differential(&Random::new(seed).bytes(4096))).count();
    assert!(made >= 30, "only {made} of 40 seeds made a module");
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
