//! Known failures of the specification suite: one line each, and a line that no longer fails is an error too.
//!
//! A line is `SUITE/FILE.wast:LINE`, or `SUITE/FILE.wast:LINE in CONFIG` for a failure under one configuration only.
//! What follows a `#` is a comment: the reason.

use std::collections::BTreeSet;

/// The list that is checked in.
pub const CHECKED_IN: &str = include_str!("../spec-expectations.txt");

/// A parsed list, which remembers which of its lines came true.
#[derive(Debug, Default)]
pub struct Expectations {
    lines: Vec<Expectation>,
}

#[derive(Debug)]
struct Expectation {
    file: String,
    line: usize,
    config: Option<String>,
    failed: bool,
}

impl Expectations {
    /// Parses a list; the error names the line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            let parsed = parse_entry(entry).ok_or_else(|| {
                format!("expectations, line {}: `{entry}` is not of the form SUITE/FILE.wast:LINE [in CONFIG]", number + 1)
            })?;
            lines.push(parsed);
        }
        Ok(Self { lines })
    }

    /// Whether a failure at that place is a known one. Marks the line as failing, as it should.
    pub fn expects(&mut self, config: &str, file: &str, line: usize) -> bool {
        let mut known = false;
        for entry in &mut self.lines {
            if entry.file == file && entry.line == line && entry.concerns(config) {
                entry.failed = true;
                known = true;
            }
        }
        known
    }

    /// The lines that should have failed in the runs made (pairs of configuration and file) and did not.
    #[must_use]
    pub fn stale(&self, runs: &BTreeSet<(String, String)>) -> Vec<String> {
        let ran = |entry: &Expectation| runs.iter().any(|(config, file)| *file == entry.file && entry.concerns(config));
        self.lines.iter().filter(|entry| !entry.failed && ran(entry)).map(Expectation::text).collect()
    }
}

impl Expectation {
    fn concerns(&self, config: &str) -> bool {
        self.config.as_deref().is_none_or(|only| only == config)
    }

    fn text(&self) -> String {
        let place = format!("{}:{}", self.file, self.line);
        self.config.as_ref().map_or(place.clone(), |config| format!("{place} in {config}"))
    }
}

fn parse_entry(entry: &str) -> Option<Expectation> {
    let (place, config) = match entry.split_once(" in ") {
        Some((place, config)) => (place, Some(config.trim().to_owned())),
        None => (entry, None),
    };
    let (file, line) = place.trim().rsplit_once(':')?;
    Some(Expectation { file: file.to_owned(), line: line.parse().ok()?, config, failed: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(of: &[(&str, &str)]) -> BTreeSet<(String, String)> {
        of.iter().map(|(config, file)| ((*config).to_owned(), (*file).to_owned())).collect()
    }

    #[test]
    fn a_listed_failure_is_known_under_its_configuration_only() {
        let mut list = Expectations::parse("# reasons\ns/a.wast:3 in lazy # why\ns/b.wast:7\n").unwrap();
        assert!(list.expects("lazy", "s/a.wast", 3));
        assert!(!list.expects("eager", "s/a.wast", 3));
        assert!(list.expects("eager", "s/b.wast", 7));
        assert!(!list.expects("eager", "s/b.wast", 8));
    }

    #[test]
    fn a_line_that_does_not_fail_is_stale_once_its_file_ran() {
        let mut list = Expectations::parse("s/a.wast:3 in lazy\ns/b.wast:7").unwrap();
        assert!(list.stale(&runs(&[("eager", "s/a.wast"), ("eager", "s/c.wast")])).is_empty());
        assert_eq!(list.stale(&runs(&[("lazy", "s/a.wast"), ("eager", "s/b.wast")])), ["s/a.wast:3 in lazy", "s/b.wast:7"]);
        assert!(list.expects("eager", "s/b.wast", 7));
        assert!(list.stale(&runs(&[("eager", "s/b.wast")])).is_empty());
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        assert!(Expectations::parse("\ns/a.wast").unwrap_err().contains("line 2"));
    }

    #[test]
    fn the_checked_in_list_can_be_read() {
        Expectations::parse(CHECKED_IN).unwrap();
    }
}
