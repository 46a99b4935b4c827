//! `cargo xtask bench`: programs in every tier of mj, and on demand in other engines, in turn on one core.
//!
//! Prints compile time, run time and the time from bytes to result as ratios to a base, and writes the samples as JSON and the
//! ratios as a chart. Succeeds only if every engine printed the same and mj failed nowhere.

mod affinity;
mod chart;
mod document;
mod engines;
mod json;
mod results;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mj_tests::programs;

use engines::{Engine, PEERS, TIERS};
use results::{Outcome, Program, Results, Span, Statistic};

/// The repository's programs that run for long enough to be measured.
const PROGRAMS: [&str; 9] = ["cipher", "hashtable", "integers", "interpreter", "linear", "planets", "search", "sorting", "trees"];

/// A spread of this much and more says that the machine was busy with something else.
const DOUBTFUL: f64 = 0.05;

/// What to measure, and where the figures go.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also measure wasmtime (Cranelift and Winch) and wasmi: builds them in `peers/`, or takes the program built there
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, require_equals = true)]
    peers: Option<Option<PathBuf>>,
    /// Tiers of mj (default: those there are)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    tiers: Vec<String>,
    /// Measure this program instead of building mj
    #[arg(long, value_name = "PROGRAM")]
    mj: Option<PathBuf>,
    /// Runs of each program in each engine
    #[arg(short, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Where the samples go (default: target/bench/bench.json)
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Where the chart goes (default: target/bench/bench.svg)
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Write the tables and the chart into docs/performance.md
    #[arg(long)]
    doc: bool,
    /// Only programs whose name contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// WASI programs to measure beside the repository's; a module may import `bench.start` and `bench.end`
    files: Vec<PathBuf>,
}

/// A program to measure.
struct Subject {
    name: String,
    file: PathBuf,
}

/// Measures and prints. `Ok(false)`: engines differ, or a tier of mj failed.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let target = target_folder()?;
    let subjects = subjects(arguments)?;
    let engines = engines(arguments, root, &target)?;
    let core = affinity::pin();
    println!("{}", conditions(arguments.n, core));

    let results = measure(&engines, &subjects, arguments.n);
    let tables: Vec<table::Table> = Span::ALL.iter().map(|&span| table::of(&results, span)).collect();
    for table in &tables {
        println!("\n{}", table.text());
    }
    println!("{}", steadiness(&results));
    let complaints = complaints(&results);
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    for name in results.uncompared() {
        println!("{name}: what it prints changes from run to run, so it was not compared");
    }

    let chart = chart::svg(&results);
    let json_path = arguments.json.clone().unwrap_or_else(|| target.join("bench/bench.json"));
    let svg_path = arguments.svg.clone().unwrap_or_else(|| target.join("bench/bench.svg"));
    write(&json_path, document_json(&results, core).as_bytes())?;
    write(&svg_path, chart.as_bytes())?;
    println!("{} and {} written", json_path.display(), svg_path.display());
    let is_good = complaints.is_empty();
    if arguments.doc && is_good {
        write_document(root, &content(root, arguments, &results, &tables, core), &chart)?;
    } else if arguments.doc {
        println!("docs/performance.md is left as it was");
    }
    Ok(is_good)
}

/// The folder of this very build's artefacts.
fn target_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("where xtask lies: {error}"))?;
    program.ancestors().nth(2).map(Path::to_owned).ok_or_else(|| format!("{} lies in no target folder", program.display()))
}

fn subjects(arguments: &Arguments) -> Result<Vec<Subject>, String> {
    let own = PROGRAMS.iter().map(|name| Subject { name: (*name).to_owned(), file: programs::folder().join(name).with_extension("wasm") });
    let others = arguments.files.iter().map(|file| Subject { name: name_of(file), file: file.clone() });
    let mut subjects: Vec<Subject> = own.chain(others).collect();
    if !arguments.filter.is_empty() {
        subjects.retain(|subject| arguments.filter.iter().any(|text| subject.name.contains(text.as_str())));
    }
    match subjects.iter().find(|subject| !subject.file.is_file()) {
        Some(subject) => Err(format!("there is no file {}", subject.file.display())),
        None if subjects.is_empty() => Err("no program matches the filter".to_owned()),
        None => Ok(subjects),
    }
}

/// A file's folder and stem: `polybench/2mm`.
pub(crate) fn name_of(file: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(file.file_stem()).unwrap_or_default();
    match part(file.parent().and_then(Path::file_name)) {
        Some(folder) => format!("{folder}/{stem}"),
        None => stem,
    }
}

/// The engines in the order of the tables: peers, then mj's tiers. Each must be able to compile the empty module.
fn engines(arguments: &Arguments, root: &Path, target: &Path) -> Result<Vec<Engine>, String> {
    let probe = &target.join("bench/empty.wasm");
    write(probe, b"\0asm\x01\0\0\0")?;
    let mj = match &arguments.mj {
        Some(program) => program.clone(),
        None => engines::build_mj(root, target)?,
    };
    let mut all = Vec::new();
    if let Some(program) = &arguments.peers {
        let programs = match program {
            Some(program) => program.clone(),
            None => engines::build_peers(root)?,
        };
        for name in PEERS {
            let engine = Engine::peer(&programs, name);
            engine.probe(probe).map_err(|error| format!("{name}: {error}"))?;
            all.push(engine);
        }
    }
    let peers = all.len();
    let named: Vec<&str> = arguments.tiers.iter().map(String::as_str).collect();
    for name in if named.is_empty() { &TIERS } else { named.as_slice() } {
        let engine = Engine::tier(&mj, name);
        match engine.probe(probe) {
            Ok(()) => all.push(engine),
            Err(error) if named.is_empty() => println!("tier {name} skipped, this build of mj refuses it: {error}"),
            Err(error) => return Err(format!("tier {name}: {error}")),
        }
    }
    if all.len() == peers { Err("this build of mj has none of the tiers".to_owned()) } else { Ok(all) }
}

/// Runs every program in every engine, engine after engine, round after round.
fn measure(engines: &[Engine], subjects: &[Subject], rounds: u32) -> Results {
    let mut measured = Vec::new();
    for (number, subject) in subjects.iter().enumerate() {
        eprintln!("{} of {}: {}", number + 1, subjects.len(), subject.name);
        let mut outcomes = vec![Outcome::default(); engines.len()];
        for _ in 0..rounds {
            for (engine, outcome) in engines.iter().zip(&mut outcomes).filter(|(_, outcome)| outcome.failure.is_none()) {
                match engine.measure(&subject.file) {
                    Ok(sample) => outcome.samples.push(sample),
                    Err(error) => outcome.failure = Some(error),
                }
            }
        }
        measured.push(Program { name: subject.name.clone(), outcomes });
    }
    let names: Vec<String> = engines.iter().map(|engine| engine.name.clone()).collect();
    let base = base(&names);
    Results { engines: names, base, rounds: rounds as usize, programs: measured }
}

/// Cranelift, else the optimizing tier, else the last one.
fn base(names: &[String]) -> usize {
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    find("cranelift").or_else(|| find("mj optimizing")).unwrap_or(names.len() - 1)
}

/// What makes the command fail. Failures of peers are printed only.
fn complaints(results: &Results) -> Vec<String> {
    let mut complaints = results.differences();
    for program in &results.programs {
        for (engine, outcome) in results.engines.iter().zip(&program.outcomes) {
            let Some(failure) = &outcome.failure else { continue };
            let line = format!("{}: {engine} failed: {failure}", program.name);
            if PEERS.contains(&engine.as_str()) {
                println!("{line}");
            } else {
                complaints.push(line);
            }
        }
    }
    complaints
}

/// The processor's name.
fn machine() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn conditions(rounds: u32, core: Option<usize>) -> String {
    let on = core.map_or_else(|| "not kept on one core".to_owned(), |number| format!("all on core {number}"));
    format!("{}, {on}, best of {rounds} in turn", machine())
}

/// How steady the machine was.
fn steadiness(results: &Results) -> String {
    let spread = results.spread();
    let advice = if spread > DOUBTFUL { ": other work disturbed the measurement, so repeat it or raise -n" } else { "" };
    format!("medians lie {:.1} % above the best times{advice}", spread * 100.0)
}

/// The commit that is checked out, with a `+` if files differ from it.
fn commit(root: &Path) -> Option<String> {
    let output = Command::new("git").current_dir(root).args(["describe", "--always", "--dirty=+", "--exclude=*"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// All samples, and the figures made from them.
fn document_json(results: &Results, core: Option<usize>) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let member = |name: &str, value: String| format!("{}: {value}", json::quoted(name));
    let number = |value: Option<f64>| value.filter(|value| value.is_finite()).map_or("null".to_owned(), |value| format!("{value:.3}"));
    let ratio = |value: Option<f64>| value.filter(|value| value.is_finite()).map_or("null".to_owned(), |value| format!("{value:.5}"));
    let programs = results.programs.iter().map(|program| {
        let engines = results.engines.iter().zip(&program.outcomes).enumerate().map(|(engine, (name, outcome))| {
            let spans = Span::ALL.map(|span| {
                let samples = list(outcome.samples.iter().map(|sample| number(Some(span.of(sample)))).collect());
                let [best, median] = [Statistic::Best, Statistic::Median].map(|statistic| number(program.figure(engine, span, statistic)));
                member(span.name(), format!(r#"{{"best": {best}, "median": {median}, "samples": [{samples}]}}"#))
            });
            let failure = outcome.failure.as_deref().map_or("null".to_owned(), json::quoted);
            let output = outcome.samples.first().map_or("null".to_owned(), |sample| json::quoted(&sample.stdout));
            member(name, format!(r#"{{{}, "stdout": {output}, "failure": {failure}}}"#, list(spans.to_vec())))
        });
        let engines: Vec<String> = engines.collect();
        let bytes = program.outcomes.iter().find_map(|outcome| outcome.samples.first()).map(|sample| sample.bytes);
        let (name, bytes) = (json::quoted(&program.name), bytes.map_or("null".to_owned(), |bytes| format!("{bytes:.0}")));
        format!("    {{\"name\": {name}, \"bytes\": {bytes}, \"engines\": {{\n      {}}}}}", engines.join(",\n      "))
    });
    let programs: Vec<String> = programs.collect();
    let means = results.engines.iter().enumerate().map(|(engine, name)| {
        let spans = Span::ALL.map(|span| member(span.name(), ratio(results.mean(engine, span, Statistic::Best))));
        member(name, format!("{{{}}}", list(spans.to_vec())))
    });
    let means: Vec<String> = means.collect();
    format!(
        "{{\n  \"machine\": {}, \"core\": {}, \"rounds\": {}, \"base\": {},\n  \"geometric_means\": {{{}}},\n  \"programs\": [\n{}\n  ]\n}}\n",
        json::quoted(&machine()),
        core.map_or("null".to_owned(), |number| number.to_string()),
        results.rounds,
        json::quoted(&results.engines[results.base]),
        list(means),
        programs.join(",\n")
    )
}

/// What stands between the markers of docs/performance.md.
fn content(root: &Path, arguments: &Arguments, results: &Results, tables: &[table::Table], core: Option<usize>) -> String {
    let mut about = format!("{}.", conditions(arguments.n, core));
    let mut versions = vec![commit(root).map_or_else(|| "mj".to_owned(), |commit| format!("mj at {commit}"))];
    let lock = fs::read_to_string(root.join("peers/Cargo.lock")).unwrap_or_default();
    for (engine, package) in [("cranelift", "wasmtime"), ("wasmi", "wasmi")] {
        let is_measured = results.engines.iter().any(|name| name == engine);
        let version = document::locked_version(&lock, package).filter(|_| is_measured);
        versions.extend(version.map(|version| format!("{package} {version}")));
    }
    about += &format!(" {}; {}.\n\n![The ratios as bars](performance.svg)\n\n", versions.join(", "), steadiness(results));
    about + &tables.iter().map(table::Table::markdown).collect::<Vec<_>>().join("\n")
}

fn write_document(root: &Path, content: &str, chart: &str) -> Result<(), String> {
    let path = root.join("docs/performance.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let page = document::replaced(&page, content).map_err(|error| format!("{}: {error}", path.display()))?;
    write(&path, page.as_bytes())?;
    write(&root.join("docs/performance.svg"), chart.as_bytes())?;
    println!("docs/performance.md and docs/performance.svg written");
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).and_then(|()| fs::write(path, content)).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn cranelift_is_the_base_before_the_optimizing_tier_before_the_last() {
        assert_eq!(base(&names(&["cranelift", "winch", "wasmi", "mj baseline", "mj optimizing"])), 0);
        assert_eq!(base(&names(&["mj baseline", "mj optimizing", "mj tiered"])), 1);
        assert_eq!(base(&names(&["mj baseline", "mj tiered"])), 1);
    }

    #[test]
    fn every_program_of_the_list_is_in_the_repository() {
        let known: Vec<String> = programs::all().into_iter().filter(plain).map(|program| program.name).collect();
        for name in PROGRAMS {
            assert!(known.iter().any(|known| known == name), "{name} is missing, or wants arguments");
        }
    }

    /// Whether a program runs without anything: `mj bench` gives it nothing.
    fn plain(program: &programs::Program) -> bool {
        program.arguments.is_empty() && program.environment.is_empty() && program.input.is_empty() && program.exit_code == 0
    }

    #[test]
    fn files_are_named_with_their_folder() {
        assert_eq!(name_of(Path::new("/corpus/polybench/2mm.wasm")), "polybench/2mm");
        assert_eq!(name_of(Path::new("x.wasm")), "x");
    }

    #[test]
    fn failures_of_peers_are_no_complaints() {
        let mut results = results::tests::results();
        assert_eq!(complaints(&results), ["a<b: lame failed: out of memory"]);
        results.engines[2] = "wasmi".to_owned();
        assert_eq!(complaints(&results), [""; 0]);
    }

    #[test]
    fn the_page_has_a_table_a_span() {
        let results = results::tests::results();
        let tables: Vec<table::Table> = Span::ALL.iter().map(|&span| table::of(&results, span)).collect();
        let arguments = Arguments {
            peers: None,
            tiers: Vec::new(),
            mj: None,
            n: 2,
            json: None,
            svg: None,
            doc: true,
            filter: Vec::new(),
            files: Vec::new(),
        };
        let content = content(Path::new("/nowhere"), &arguments, &results, &tables, Some(1));
        assert_eq!(content.matches("\n### ").count(), 3);
        assert!(content.contains("on core 1, best of 2"), "{content}");
        assert!(!content.contains("wasmtime"), "{content}");
    }

    #[test]
    fn samples_are_written_as_json() {
        let text = document_json(&results::tests::results(), Some(1));
        // The reader here knows no lists and no objects in objects, so only the shape is checked.
        let count = |c: char| text.matches(c).count();
        assert_eq!((count('{'), count('[')), (count('}'), count(']')));
        assert!(text.contains(r#""compile_us": {"best": 40.000, "median": 45.000, "samples": [50.000, 40.000]}"#), "{text}");
        assert!(text.contains(r#""failure": "out of memory""#) && text.contains(r#""core": 1"#), "{text}");
        assert!(text.contains(r#""lame": {"compile_us": 1.00000"#), "{text}");
    }
}
