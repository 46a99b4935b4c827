//! `cargo xtask instructions`: how many AArch64 instructions the functions and loops of programs execute, compiled by mj and by Cranelift.
//!
//! Both engines run under QEMU's emulator of programs, with a plugin that counts. Processors that are emulated have no speed, but what they execute is
//! exact. Neither engine charges fuel or looks at epochs; mj's code looks at interruption, as it does by default.
//!
//! Which instructions belong to which function, each engine tells in its map for `perf`. Loops are found in the instructions: a branch
//! back to where the loop begins. Each of Cranelift's is compared with the one in mj's function that does about as many turns and instructions,
//! and of these with the one whose instructions are most alike.
//!
//! Some programs do as many turns as there is time for. So what a function of mj's executed is scaled to as many calls as Cranelift's had.

mod profile;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use profile::{Loop, Profile};

/// What to count.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The command wasmtime, built for AArch64
    #[arg(long, value_name = "PROGRAM")]
    wasmtime: PathBuf,
    /// The command mj, built for AArch64
    #[arg(long, value_name = "PROGRAM", default_value = "target/aarch64-unknown-linux-gnu/release/mj")]
    mj: PathBuf,
    /// Tier of mj
    #[arg(long, value_name = "TIER", default_value = "optimizing")]
    tier: String,
    /// Options of mj, such as -Cprecise-stores
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    mj_option: Vec<String>,
    /// The emulator, with plugins (Debian 12's package `qemu-user` has them)
    #[arg(long, value_name = "COMMAND", default_value = "qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu")]
    qemu: String,
    /// Number of the emulator's interface to plugins
    #[arg(long, value_name = "N", default_value_t = 1)]
    plugin_version: u32,
    /// Functions with less than this part of a program's instructions are left out
    #[arg(long, value_name = "PART", default_value_t = 0.05)]
    least: f64,
    /// Print the instructions of this function of each program, with their counts, in both engines
    #[arg(long, value_name = "INDEX")]
    show: Vec<u32>,
    /// Write the tables as Markdown
    #[arg(long)]
    markdown: bool,
    /// WASI programs that compute in one thread
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// A line of a table.
struct Row {
    program: String,
    place: String,
    /// How often the loop was begun or the function called, in Cranelift's code.
    times: u64,
    cranelift: u64,
    mj: u64,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.mj as f64 / self.cranelift as f64
    }
}

/// Counts and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    let folder = std::env::temp_dir().join(format!("mj-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let result = count_all(arguments, &folder);
    // What is left there is of no use to anyone, and does no harm.
    let _ = fs::remove_dir_all(&folder);
    result
}

fn count_all(arguments: &Arguments, folder: &Path) -> Result<bool, String> {
    let plugin = build_plugin(folder, arguments.plugin_version)?;
    let (mut programs, mut functions, mut loops) = (Vec::new(), Vec::new(), Vec::new());
    for file in &arguments.files {
        let program = crate::bench::name_of(file);
        let count = |engine: &Path, options: &[&str]| count(arguments, &plugin, folder, engine, options, file);
        let cranelift = count(&arguments.wasmtime, &["run", "--profile=perfmap"])?;
        let mut options = vec!["run", "--profile=perfmap", "--tier", &arguments.tier];
        options.extend(arguments.mj_option.iter().map(String::as_str));
        let mj = count(&arguments.mj, &options)?;
        for &index in &arguments.show {
            println!(
                "{program}, function {index}, Cranelift:\n{}\n{program}, function {index}, mj:\n{}",
                cranelift.text(index),
                mj.text(index)
            );
        }
        let scaled = cranelift.functions.iter().filter_map(|theirs| Some(mj.function(theirs.index)?.instructions_in(theirs.calls())));
        let own = scaled.sum();
        programs.push(Row { program: program.clone(), place: String::new(), times: 1, cranelift: cranelift.total(), mj: own });
        compare(arguments.least, &program, &cranelift, &mj, &mut functions, &mut loops);
    }
    for (title, rows) in [("Programs", &programs), ("Functions", &functions), ("Innermost loops", &loops)] {
        print(title, rows, arguments.markdown);
    }
    Ok(true)
}

/// Rows of the functions of one program that count, and of their innermost loops.
fn compare(least: f64, program: &str, cranelift: &Profile, mj: &Profile, functions: &mut Vec<Row>, loops: &mut Vec<Row>) {
    let least = (cranelift.total() as f64 * least) as u64;
    for theirs in cranelift.functions.iter().filter(|function| function.instructions() > least) {
        let Some(own) = mj.function(theirs.index) else { continue };
        let place = format!("function {}", theirs.index);
        let row = |place: String, times, cranelift, mj| Row { program: program.to_owned(), place, times, cranelift, mj };
        functions.push(row(place.clone(), theirs.calls(), theirs.instructions(), own.instructions_in(theirs.calls())));
        let scaled = |count| own.in_calls(count, theirs.calls());
        let mut candidates: Vec<Loop> = own.innermost_loops();
        for one in &mut candidates {
            (one.turns, one.instructions) = (scaled(one.turns), scaled(one.instructions));
        }
        let wanted = theirs.innermost_loops().into_iter().filter(|one| one.instructions > least / 2);
        for (number, one) in wanted.enumerate() {
            let place = format!("{place}, loop {}", number + 1);
            let alike = (0..candidates.len()).filter(|&index| is_alike(&one, &candidates[index]));
            // Of equals the first.
            match alike.rev().max_by_key(|&index| resemblance(&one, &candidates[index])) {
                Some(index) => loops.push(row(place, one.turns, one.instructions, candidates.remove(index).instructions)),
                None => println!("{program}, {place}: none of the loops that are left in mj's code is like it"),
            }
        }
    }
}

/// Whether a loop of mj's may be the same as one of Cranelift's: it does about as much, in up to four turns at a time.
fn is_alike(theirs: &Loop, own: &Loop) -> bool {
    let turns = theirs.turns as f64 / own.turns.max(1) as f64;
    let instructions = theirs.instructions as f64 / own.instructions.max(1) as f64;
    (0.9..4.5).contains(&turns) && (0.5..2.0).contains(&instructions)
}

/// How much the instructions of two loops are the same, in per mille.
fn resemblance(a: &Loop, b: &Loop) -> usize {
    let both = a.mnemonics.intersection(&b.mnemonics).count();
    1000 * both / (a.mnemonics.len() + b.mnemonics.len() - both).max(1)
}

fn print(title: &str, rows: &[Row], markdown: bool) {
    println!("\n{title}");
    let mean = |rows: &[Row]| (rows.iter().map(|row| row.ratio().ln()).sum::<f64>() / rows.len() as f64).exp();
    let each = |count: u64, row: &Row| count as f64 / row.times.max(1) as f64;
    if markdown {
        println!("| program | place | times | Cranelift, each | mj, each | ratio |\n|---|---|---:|---:|---:|---:|");
    }
    for row in rows {
        let (cranelift, mj, ratio) = (each(row.cranelift, row), each(row.mj, row), row.ratio());
        match markdown {
            true => println!("| {} | {} | {} | {cranelift:.1} | {mj:.1} | {ratio:.2} |", row.program, row.place, row.times),
            false => println!("{:36} {:26} {:>12} {cranelift:>14.1} {mj:>14.1} {ratio:>6.3}", row.program, row.place, row.times),
        }
    }
    println!("geometric mean {:.3}", mean(rows));
}

/// Compiles the plugin.
fn build_plugin(folder: &Path, version: u32) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/instructions/blocks.c");
    let plugin = folder.join("blocks.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", &format!("-DVERSION={version}"), "-o"]).arg(&plugin).arg(source);
    match compiler.status() {
        Ok(status) if status.success() => Ok(plugin),
        Ok(status) => Err(format!("compiling the plugin: {status}")),
        Err(error) => Err(format!("cannot start cc: {error}")),
    }
}

/// Runs a program in an engine and counts.
fn count(arguments: &Arguments, plugin: &Path, folder: &Path, engine: &Path, options: &[&str], file: &Path) -> Result<Profile, String> {
    let blocks = folder.join("blocks.txt");
    let mut words = arguments.qemu.split_whitespace();
    let mut command = Command::new(words.next().ok_or("no emulator")?);
    command.args(words).arg("-plugin").arg(format!("{},out={}", plugin.display(), blocks.display()));
    command.arg(engine).args(options).arg(file).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("cannot start the emulator: {error}"))?;
    let map = PathBuf::from(format!("/tmp/perf-{}.map", child.id()));
    let status = child.wait().map_err(|error| format!("{}: {error}", engine.display()))?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    if !status.success() {
        return Err(format!("{} with {}: {status}", engine.display(), file.display()));
    }
    let profile = Profile::parse(&read(&map)?, &read(&blocks)?)?;
    // Nobody else reads it.
    let _ = fs::remove_file(map);
    Ok(profile)
}
