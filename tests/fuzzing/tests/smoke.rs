//! Each fuzz target for a moment, from seeds that are the same every time.

use mj_fuzzing::{Random, decode, differential, module};

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
