//! A fuzz target without a fuzzer: `fuzz TARGET SECONDS FIRST_SEED FOLDER` gives it random bytes, seed by seed, until the time is up.
//!
//! What it finds is made as short as it gets by leaving out pieces, and written to the folder. A crash of the process leaves `current` there. With one more
//! argument, a file, the target is given that alone. `cargo xtask fuzz` starts this where there is no cargo-fuzz.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use mj_fuzzing::{Random, run_target};

/// How long a find is made shorter.
const SHORTENING: Duration = Duration::from_secs(60);

/// Finds after which a target is given up.
const ENOUGH: usize = 10;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [target, seconds, first, folder, file @ ..] = &arguments[..] else {
        eprintln!("fuzz TARGET SECONDS FIRST_SEED FOLDER [FILE]");
        process::exit(2);
    };
    if let [file] = file {
        run_target(target, &fs::read(file).expect("a file"));
        return;
    }
    let (seconds, first): (u64, u64) = (seconds.parse().expect("a number"), first.parse().expect("a number"));
    let folder = Path::new(folder);
    fs::create_dir_all(folder).expect("a folder");
    let began = Instant::now();
    let (mut runs, mut enough, mut finds) = (0u64, 0u64, 0);
    while began.elapsed() < Duration::from_secs(seconds) && finds < ENOUGH {
        let seed = first + runs;
        runs += 1;
        let bytes = bytes_of(seed);
        // A crash of the process leaves them behind.
        fs::write(folder.join("current"), &bytes).expect("written");
        match panic_of(target, &bytes) {
            Ok(was_enough) => enough += u64::from(was_enough),
            Err(message) => {
                finds += 1;
                let short = shortened(target, bytes, &message);
                let kept = folder.join(format!("{target}-{seed}"));
                fs::write(&kept, short).expect("written");
                println!("{}: {message}", kept.display());
            }
        }
    }
    let _ = fs::remove_file(folder.join("current"));
    println!("{target}: {runs} executions, {enough} of them of modules or the like, {finds} finds, {} s", began.elapsed().as_secs());
    process::exit(i32::from(finds > 0));
}

/// The bytes of a seed: of many lengths.
fn bytes_of(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let length = 64 << random.below(9);
    random.bytes(length)
}

fn panic_of(target: &str, bytes: &[u8]) -> Result<bool, String> {
    catch_unwind(AssertUnwindSafe(|| run_target(target, bytes))).map_err(|payload| text(&*payload))
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    text.unwrap_or("a panic").to_owned()
}

/// Leaves out ever smaller pieces as long as the target panics alike: messages are compared up to the first number, which may be a place.
fn shortened(target: &str, mut bytes: Vec<u8>, message: &str) -> Vec<u8> {
    let kind = |message: &str| message.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().to_owned();
    let (began, kind_of_find) = (Instant::now(), kind(message));
    let mut piece = bytes.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < bytes.len() && began.elapsed() < SHORTENING {
            let mut shorter = bytes.clone();
            shorter.drain(at..(at + piece).min(bytes.len()));
            match panic_of(target, &shorter) {
                Err(message) if kind(&message) == kind_of_find => bytes = shorter,
                _ => at += piece,
            }
        }
        piece /= 2;
    }
    bytes
}
