//! What each stage of the optimizing compiler takes, over the functions of a module.

use std::time::Duration;

use mj_jit::Module;

use crate::failure::Failure;

/// How often everything is compiled; the least time of each stage counts.
const ROUNDS: usize = 5;

/// A table: a line a stage, with its time and share.
pub(crate) fn table(module: &Module, functions: &[u32]) -> Result<String, Failure> {
    let stages: Vec<_> = Module::optimizer_stages().collect();
    let mut least = vec![Duration::MAX; stages.len()];
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let mut took = vec![Duration::ZERO; stages.len()];
        refused = 0;
        for &function in functions {
            let mut next = 0;
            let done = module.watch_optimizer(function, |done| {
                took[next] += done.took;
                next += 1;
            });
            refused += usize::from(done.is_err());
        }
        least.iter_mut().zip(&took).for_each(|(least, &took)| *least = took.min(*least));
    }
    let bytes: usize = functions.iter().filter_map(|&function| module.function_body(function)).map(|(_, body)| body.len()).sum();
    let all: Duration = least.iter().sum();
    let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
    let mut text = format!("{} functions, {bytes} bytes, least of {ROUNDS}\n", functions.len());
    for (stage, &took) in stages.iter().zip(&least) {
        let share = 100.0 * microseconds(took) / microseconds(all).max(1e-3);
        text += &format!("  {:10} {:12.1} us {share:5.1} %  {}\n", stage.name, microseconds(took), stage.does);
    }
    let speed = bytes as f64 / microseconds(all).max(1e-3);
    text += &format!("  {:10} {:12.1} us {:>9} {speed:.1} MB/s\n", "all", microseconds(all), "");
    if refused > 0 {
        text += &format!("  {refused} functions are too large to be optimized\n");
    }
    Ok(text)
}
