//! Compares WebAssembly files of any origin in mj and in an interpreter, as long as `-s` or as often as `-n` says; `-f` begins with another sequence of
//! calls than the first. Each of several files has a process, so that a crash costs one file.

use std::time::Duration;
use std::{env, fs, process};

use mj_fuzzing::{Effort, compare_stranger};

/// Both compilers, with all registers and with few, and tiers.
const MODES: [&str; 5] = ["baseline", "optimizing", "tiered", "baseline-few-registers", "optimizing-few-registers-dirty-upper-bits"];

fn main() {
    let mut effort = Effort { sequences: 1000, first: 0, time: Duration::from_secs(10), modes: Vec::new() };
    let mut files = Vec::new();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok()).unwrap_or_else(|| usage());
        match &*argument {
            "-n" => effort.sequences = number(),
            "-s" => effort.time = Duration::from_secs(number()),
            "-f" => effort.first = number(),
            "-m" => effort.modes.push(arguments.next().unwrap_or_else(|| usage())),
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        usage();
    }
    if let [_, _, ..] = files[..] {
        process::exit(i32::from(!each_alone(&files)));
    }
    if effort.modes.is_empty() {
        effort.modes = MODES.map(String::from).to_vec();
    }
    let mut good = true;
    for file in files {
        let wasm = fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        match compare_stranger(&wasm, &effort) {
            Err(error) => println!("{file}: refused: {error:#}"),
            Ok(report) => {
                good &= report.divergences.is_empty();
                println!(
                    "{file}: {} sequences: {} calls returned, {} trapped, {} were stopped; {} other NaNs; {} sequences not compared; {} divergences",
                    report.sequences,
                    report.returned,
                    report.trapped,
                    report.exhausted,
                    report.nans,
                    report.unknown,
                    report.divergences.len()
                );
                report.divergences.iter().for_each(|divergence| println!("    {divergence}"));
            }
        }
    }
    process::exit(i32::from(!good));
}

/// Starts this program for each file, with the same options.
fn each_alone(files: &[String]) -> bool {
    let options: Vec<String> = env::args().skip(1).filter(|argument| !files.contains(argument)).collect();
    let mut good = true;
    for file in files {
        let status = process::Command::new(env::current_exe().expect("this program")).args(&options).arg(file).status();
        let status = status.unwrap_or_else(|error| panic!("this program does not start: {error}"));
        if status.code().is_none_or(|code| code > 1) {
            println!("{file}: {status}");
        }
        good &= status.success();
    }
    good
}

fn usage() -> ! {
    eprintln!("strangers [-n SEQUENCES] [-s SECONDS] [-f FIRST] [-m MODE]... FILE...");
    process::exit(2);
}
