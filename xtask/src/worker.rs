//! A process that runs files of the specification suite, so that a crash or a hang costs one file and not the run.
//!
//! It reports in lines of tab-separated fields: `start PATH`, then `fail LINE MESSAGE` for each failure, then
//! `done PASSED SKIPPED`. The parent ([`run_files`]) turns them into outcomes again; if the worker dies or says nothing for
//! too long, the file it had started failed at line 0, and another worker goes on with the rest.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use mj_tests::suite;
use mj_wast::{Failure, Outcome};

use crate::target::Machine;

/// What a worker is to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    config: String,
    files: Vec<String>,
}

/// The worker's side.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let engine = suite::engine(&arguments.config)?;
    let mut suites = std::collections::HashMap::new();
    for path in &arguments.files {
        let (name, _) = path.split_once('/').ok_or_else(|| format!("`{path}` is not of the form SUITE/FILE"))?;
        if !suites.contains_key(name) {
            suites.insert(name.to_owned(), suite::files(name)?);
        }
        let file = suites[name].iter().find(|file| file.path == *path).ok_or_else(|| format!("no file is called `{path}`"))?;
        report(&format!("start\t{path}"));
        let outcome = suite::run_file(&engine, file);
        for failure in &outcome.failures {
            report(&format!("fail\t{}\t{}", failure.line, failure.message.replace(['\n', '\t'], " ")));
        }
        report(&format!("done\t{}\t{}", outcome.passed, outcome.skipped));
    }
    Ok(())
}

fn report(line: &str) {
    let mut out = stdout().lock();
    // The parent is gone if this fails, and with it the reader.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Runs `files` under a configuration in worker processes and tells `finished` about each as it ends.
pub(crate) fn run_files(machine: &Machine, config: &str, files: &[String], mut finished: impl FnMut(&str, Outcome)) -> Result<(), String> {
    let mut done = 0;
    while done < files.len() {
        let (mut child, lines) = start(machine, config, &files[done..])?;
        let before = done;
        let end = follow(&lines, machine.patience, |outcome| {
            finished(&files[done], outcome);
            done += 1;
        });
        let (mut outcome, reason) = match end {
            End::Exited(outcome, started) => {
                let status = child.wait().map_err(|error| error.to_string())?;
                if done == files.len() {
                    break;
                }
                if !started && done == before {
                    return Err(format!("the worker for configuration `{config}` ended with {status} before its first file"));
                }
                (outcome, format!("the process ended with {status}"))
            }
            End::Silent(outcome) => {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                (outcome, format!("no answer for {} seconds", machine.patience.as_secs()))
            }
        };
        outcome.failures.push(Failure { line: 0, message: reason });
        finished(&files[done], outcome);
        done += 1;
    }
    Ok(())
}

enum End {
    /// The worker's output ended; the outcome so far of the file under way, and whether there was one.
    Exited(Outcome, bool),
    Silent(Outcome),
}

fn follow(lines: &Receiver<String>, patience: Duration, mut finished: impl FnMut(Outcome)) -> End {
    let mut outcome = Outcome::default();
    let mut started = false;
    loop {
        let line = match lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return End::Silent(outcome),
            Err(RecvTimeoutError::Disconnected) => return End::Exited(outcome, started),
        };
        let mut fields = line.splitn(3, '\t');
        let number = |field: Option<&str>| field.and_then(|text| text.parse().ok()).unwrap_or(0);
        match fields.next() {
            Some("start") => started = true,
            Some("fail") => {
                let line = number(fields.next());
                outcome.failures.push(Failure { line, message: fields.next().unwrap_or_default().to_owned() });
            }
            Some("done") => {
                outcome.passed = number(fields.next());
                outcome.skipped = number(fields.next());
                started = false;
                finished(std::mem::take(&mut outcome));
            }
            // Output of the engine itself, such as a debugging print.
            _ => eprintln!("{line}"),
        }
    }
}

fn start(machine: &Machine, config: &str, files: &[String]) -> Result<(Child, Receiver<String>), String> {
    let mut child = machine
        .command()
        .args(["spec-worker", "--config", config])
        .args(files)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start a worker: {error}"))?;
    let output = child.stdout.take().expect("it was asked for");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok((child, receiver))
}
