//! A fuzz target without a fuzzer: `fuzz TARGET SECONDS FIRST_SEED FOLDER` gives it random bytes, seed by seed, until the time is up.
//!
//! What it finds is made as short as it gets by leaving out pieces, and written to the folder. The target runs in a process of its own, so that a crash, a run
//! that does not end, and one that takes all memory are finds as well; more arguments are the words that start it, such as an emulator's. `fuzz TARGET FILE` gives a target the bytes of a file, and nothing else.
//! `cargo xtask fuzz` starts this where there is no cargo-fuzz.

use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::time::{Duration, Instant};
use std::{env, thread};

use mj_fuzzing::{Random, module_of, run_target};

/// How long a find is made shorter.
const SHORTENING: Duration = Duration::from_secs(60);

/// Finds after which a target is given up.
const ENOUGH: u64 = 10;

/// What one execution may take.
const LONGEST: Duration = Duration::from_secs(120);
const MOST_MEMORY: u64 = 4 << 30;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |text: &str| text.parse().unwrap_or_else(|_| usage());
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [target, file] => _ = run_target(target, &fs::read(file).expect("a file")),
        ["work", target, seconds, first, folder, progress] => {
            work(target, number(seconds), number(first), Path::new(folder), Path::new(progress));
        }
        [target, seconds, first, folder, worker @ ..] => {
            let this = env::current_exe().expect("this program");
            let worker = if worker.is_empty() { vec![this.to_str().expect("a path that is text")] } else { worker.to_vec() };
            supervise(target, number(seconds), number(first), Path::new(folder), &worker);
        }
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("fuzz TARGET SECONDS FIRST_SEED FOLDER [WORKER...]\nfuzz TARGET FILE");
    process::exit(2)
}

/// How far a worker is, as it writes it to a file with every execution.
#[derive(Clone, Copy, Default, PartialEq)]
struct Progress {
    /// Executions, those made to shorten a find included.
    beats: u64,
    /// Seeds done, and the one at work.
    seeds: u64,
    /// Seeds whose bytes were enough for the target.
    enough: u64,
    finds: u64,
    /// Milliseconds of the longest execution, and its seed.
    longest: (u64, u64),
}

impl Progress {
    fn write(self, file: &File) {
        let (longest, seed) = self.longest;
        let words = [self.beats, self.seeds, self.enough, self.finds, longest, seed].map(u64::to_le_bytes);
        file.write_all_at(words.as_flattened(), 0).expect("written");
    }

    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        let word = |at: usize| bytes.get(8 * at..8 * at + 8).map_or(0, |word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
        Self { beats: word(0), seeds: word(1), enough: word(2), finds: word(3), longest: (word(4), word(5)) }
    }
}

/// Starts workers until the time is up: another one behind each seed that ended one.
fn supervise(target: &str, seconds: u64, first: u64, folder: &Path, worker: &[&str]) {
    fs::create_dir_all(folder).expect("a folder");
    let began = Instant::now();
    // Others may be at work in the same folder.
    let progress = folder.join(format!("progress-{}", process::id()));
    let mut done = Progress::default();
    while done.finds < ENOUGH {
        let left = seconds.saturating_sub(began.elapsed().as_secs());
        if left == 0 {
            break;
        }
        Progress::default().write(&File::create(&progress).expect("a file"));
        let from = first + done.seeds;
        let [to, beats] = [folder, &progress].map(|path| path.display().to_string());
        let ended = watch(start(worker, &["work", target, &left.to_string(), &from.to_string(), &to, &beats]), &progress);
        let of_worker = Progress::read(&progress);
        done.seeds += of_worker.seeds;
        done.enough += of_worker.enough;
        done.finds += of_worker.finds;
        done.longest = done.longest.max(of_worker.longest);
        if let Err(how) = ended {
            done.finds += 1;
            let seed = first + done.seeds - 1;
            let kept = folder.join(format!("{target}-{seed}"));
            shorten_crash(target, &bytes_of(seed), &kept, worker);
            println!("{}: {how}", kept.display());
        }
    }
    let _ = fs::remove_file(&progress);
    let Progress { seeds, enough, finds, longest: (longest, of), .. } = done;
    println!(
        "{target}: {seeds} executions, {enough} of them of modules or the like, {finds} finds, {} s; the longest took {longest} ms (seed {of})",
        began.elapsed().as_secs()
    );
    process::exit(i32::from(finds > 0));
}

/// A worker with these arguments.
fn start(worker: &[&str], arguments: &[&str]) -> Child {
    Command::new(worker[0]).args(&worker[1..]).args(arguments).spawn().expect("started")
}

/// Waits for a process; `Err` if it crashed, or had to be stopped.
fn watch(mut worker: Child, progress: &Path) -> Result<(), String> {
    let (mut last, mut since) = (Progress::default(), Instant::now());
    loop {
        if let Some(status) = worker.try_wait().expect("a child") {
            // The code is there unless a signal ended it.
            return status.code().map(|_| ()).ok_or_else(|| format!("a crash of the process: {status}"));
        }
        let now = Progress::read(progress);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let too_much = resident(&worker).filter(|&bytes| bytes > MOST_MEMORY);
        if since.elapsed() > LONGEST || too_much.is_some() {
            let _ = worker.kill();
            let _ = worker.wait();
            return Err(too_much.map_or_else(|| "it does not end".to_owned(), |bytes| format!("it takes {} MiB", bytes >> 20)));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Bytes of a process that are in memory.
fn resident(process: &Child) -> Option<u64> {
    let pages: u64 = fs::read_to_string(format!("/proc/{}/statm", process.id())).ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Gives a target bytes until the time is up.
fn work(target: &str, seconds: u64, first: u64, folder: &Path, progress: &Path) {
    // Messages are printed once, with what was found.
    set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let file = OpenOptions::new().write(true).open(progress).expect("a file");
    let mut progress = Progress::default();
    while began.elapsed() < Duration::from_secs(seconds) && progress.finds < ENOUGH {
        let seed = first + progress.seeds;
        progress.seeds += 1;
        let bytes = bytes_of(seed);
        let mut run = |bytes: &[u8]| {
            progress.beats += 1;
            progress.write(&file);
            let started = Instant::now();
            let outcome = panic_of(target, bytes);
            progress.longest = progress.longest.max((started.elapsed().as_millis() as u64, seed));
            outcome
        };
        match run(&bytes) {
            Ok(was_enough) => progress.enough += u64::from(was_enough),
            Err(message) => {
                let kind_of_find = kind(&message);
                let short = shortened(bytes, |bytes| run(bytes).is_err_and(|message| kind(&message) == kind_of_find));
                progress.finds += 1;
                let kept = folder.join(format!("{target}-{seed}"));
                keep(target, &short, &kept);
                println!("{}: {message}", kept.display());
            }
        }
    }
    progress.write(&file);
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

/// What two messages of one mistake have in common: their beginning up to the first number, which may be a place.
fn kind(message: &str) -> String {
    message.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().to_owned()
}

/// Writes what was found to a file, and beside it the module that it stands for today.
fn keep(target: &str, bytes: &[u8], kept: &Path) {
    fs::write(kept, bytes).expect("written");
    if let Some(wasm) = module_of(target, bytes) {
        fs::write(kept.with_extension("wasm"), wasm).expect("written");
    }
}

/// Keeps the bytes that ended a process, and then shorter ones that do.
fn shorten_crash(target: &str, bytes: &[u8], kept: &Path, worker: &[&str]) {
    keep(target, bytes, kept);
    let tried: PathBuf = kept.with_extension("tried");
    let crashes = |bytes: &[u8]| {
        fs::write(&tried, bytes).expect("written");
        watch(start(worker, &[target, &tried.display().to_string()]), &tried).is_err()
    };
    // It may depend on what ran before.
    if crashes(bytes) {
        keep(target, &shortened(bytes.to_vec(), crashes), kept);
    }
    let _ = fs::remove_file(&tried);
}

/// Leaves out ever smaller pieces as long as what is found is found.
fn shortened(mut bytes: Vec<u8>, mut is_found: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let began = Instant::now();
    let mut piece = bytes.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < bytes.len() && began.elapsed() < SHORTENING {
            let mut shorter = bytes.clone();
            shorter.drain(at..(at + piece).min(bytes.len()));
            if is_found(&shorter) {
                bytes = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    bytes
}
