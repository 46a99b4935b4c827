//! The line of JSON: the members, names and units of `mj bench --json`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// One run of a program.
pub(crate) struct Run {
    pub instantiate: Duration,
    /// All of `_start`.
    pub start: Duration,
    /// Between `bench.start` and `bench.end`, if the program called them.
    pub span: Option<Duration>,
    pub exit: i32,
    pub output: Vec<u8>,
}

/// What one engine says about one program.
pub(crate) struct Report<'a> {
    pub engine: &'a str,
    pub file: &'a Path,
    pub size: usize,
    pub compile: Duration,
    pub run: Option<Run>,
}

impl Report<'_> {
    pub(crate) fn json(&self) -> String {
        let (engine, file, size) = (self.engine, escaped(&self.file.display().to_string()), self.size);
        let compile = microseconds(self.compile);
        let mut line = format!(r#"{{"engine": "{engine}", "file": "{file}", "bytes": {size}, "compile_us": {compile}"#);
        if let Some(run) = &self.run {
            let (instantiate, start) = (microseconds(run.instantiate), microseconds(run.start));
            let span = microseconds(run.span.unwrap_or(run.start));
            line += &format!(r#", "instantiate_us": {instantiate}, "run_us": {span}, "start_us": {start}"#);
            let hash: String = Sha256::digest(&run.output)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            line += &format!(r#", "stdout": "{hash}", "ok": {}"#, self.is_expected(&run.output));
            if run.exit != 0 {
                line += &format!(r#", "exit": {}"#, run.exit);
            }
        }
        line + "}"
    }

    /// Whether the output is the expected one: `null` if that is not known.
    fn is_expected(&self, output: &[u8]) -> &'static str {
        let files = ["stdout.expected", "expected"].map(|extension| self.file.with_extension(extension));
        match files.iter().find_map(|file| fs::read(file).ok()) {
            Some(expected) if expected == output => "true",
            Some(_) => "false",
            None => "null",
        }
    }
}

fn microseconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_nanos() as f64 / 1e3)
}

/// The inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}
