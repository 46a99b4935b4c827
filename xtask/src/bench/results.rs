//! What was measured: samples, and the figures made from them.

use super::json::{self, Value};

/// One run of one program in one engine. Times are microseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub bytes: f64,
    /// The whole module, from bytes, on one thread.
    pub compile: f64,
    pub instantiate: f64,
    /// Between the program's calls of `bench.start` and `bench.end`, else all of `_start`.
    pub run: f64,
    /// All of `_start`.
    pub start: f64,
    /// The beginning of standard output's SHA-256.
    pub stdout: String,
    pub exit: i64,
    /// Whether the output is the expected one, if that is known.
    pub ok: Option<bool>,
}

impl Sample {
    /// Reads what `mj bench --json` prints.
    ///
    /// # Errors
    ///
    /// Which member is missing, or what else is wrong with the line.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let object = json::parse(line)?;
        let number = |name: &str| match object.get(name) {
            Some(Value::Number(number)) => Ok(*number),
            other => Err(format!("`{name}` should be a number and is {other:?}")),
        };
        let stdout = match object.get("stdout") {
            Some(Value::Text(text)) => text.clone(),
            other => return Err(format!("`stdout` should be a string and is {other:?}")),
        };
        Ok(Self {
            bytes: number("bytes")?,
            compile: number("compile_us")?,
            instantiate: number("instantiate_us")?,
            run: number("run_us")?,
            start: number("start_us")?,
            stdout,
            exit: if object.contains_key("exit") { number("exit")? as i64 } else { 0 },
            ok: match object.get("ok") {
                Some(Value::Bool(ok)) => Some(*ok),
                _ => None,
            },
        })
    }
}

/// A part of a program's way from bytes to result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Span {
    Compile,
    Run,
    /// Compiling, instantiating and all of `_start`: lazy and background work counts here.
    Total,
}

impl Span {
    pub(super) const ALL: [Span; 3] = [Span::Compile, Span::Run, Span::Total];

    pub(super) fn title(self) -> &'static str {
        match self {
            Span::Compile => "Compile time",
            Span::Run => "Run time of the code",
            Span::Total => "From bytes to result",
        }
    }

    /// The name of its member in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Span::Compile => "compile_us",
            Span::Run => "run_us",
            Span::Total => "total_us",
        }
    }

    pub(super) fn of(self, sample: &Sample) -> f64 {
        match self {
            Span::Compile => sample.compile,
            Span::Run => sample.run,
            Span::Total => sample.compile + sample.instantiate + sample.start,
        }
    }
}

/// How several samples become one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    Best,
    Median,
}

impl Statistic {
    /// `None` if there are no values.
    fn of(self, mut values: Vec<f64>) -> Option<f64> {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match self {
            Statistic::Best => values.first().copied(),
            Statistic::Median if values.len().is_multiple_of(2) => Some((values.get(middle.checked_sub(1)?)? + values[middle]) / 2.0),
            Statistic::Median => values.get(middle).copied(),
        }
    }
}

/// One program in one engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub samples: Vec<Sample>,
    /// Why there are no further samples.
    pub failure: Option<String>,
}

/// One program in every engine.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub name: String,
    /// In the order of [`Results::engines`].
    pub outcomes: Vec<Outcome>,
}

impl Program {
    /// Microseconds; `None` if the program failed in this engine.
    pub(super) fn figure(&self, engine: usize, span: Span, statistic: Statistic) -> Option<f64> {
        let outcome = &self.outcomes[engine];
        if outcome.failure.is_some() {
            return None;
        }
        statistic.of(outcome.samples.iter().map(|sample| span.of(sample)).collect())
    }
}

/// Everything that was measured.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub engines: Vec<String>,
    /// The engine that the others are compared with.
    pub base: usize,
    /// Samples of each program in each engine.
    pub rounds: usize,
    pub programs: Vec<Program>,
}

impl Results {
    /// An engine's time for a program by the base's: below one is faster. `None` if either failed.
    pub(super) fn ratio(&self, program: &Program, engine: usize, span: Span, statistic: Statistic) -> Option<f64> {
        Some(program.figure(engine, span, statistic)? / program.figure(self.base, span, statistic)?)
    }

    /// The geometric mean of an engine's ratios over the programs that have one.
    pub(super) fn mean(&self, engine: usize, span: Span, statistic: Statistic) -> Option<f64> {
        let ratios = self.programs.iter().filter_map(|program| self.ratio(program, engine, span, statistic));
        geometric_mean(ratios)
    }

    /// How far medians lie above the best times from bytes to result, as a geometric mean: a busy machine shows here. 0.1 is ten per cent.
    pub(super) fn spread(&self) -> f64 {
        let total = |program: &Program, engine, statistic| program.figure(engine, Span::Total, statistic);
        let of_program = |program| {
            let spread = move |engine| Some(total(program, engine, Statistic::Median)? / total(program, engine, Statistic::Best)?);
            (0..self.engines.len()).filter_map(spread)
        };
        geometric_mean(self.programs.iter().flat_map(of_program)).map_or(0.0, |mean| mean - 1.0)
    }

    /// Whether a program failed in this engine, so that its mean is not over all programs.
    pub(super) fn is_partial(&self, engine: usize) -> bool {
        self.programs.iter().any(|program| program.outcomes[engine].failure.is_some())
    }

    /// What must not be: engines that differ in a program's output or exit code, and output that is not the expected one.
    ///
    /// The base's output is what the others' is compared with. Where the base's own changes from run to run, nothing is compared.
    pub(super) fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for program in &self.programs {
            let reference = self.reference(program);
            for (engine, outcome) in self.engines.iter().zip(&program.outcomes) {
                let name = &program.name;
                if outcome.samples.iter().any(|sample| sample.ok == Some(false)) {
                    found.push(format!("{name}: the output in {engine} is not the expected one"));
                } else if let Some((of, (stdout, exit))) = reference {
                    let other = outcome.samples.iter().find(|sample| (sample.stdout.as_str(), sample.exit) != (stdout, exit));
                    found.extend(other.map(|sample| {
                        let (is, code) = (&sample.stdout, sample.exit);
                        format!("{name}: {engine} prints {is} and exits with {code}, {of} prints {stdout} and exits with {exit}")
                    }));
                }
            }
        }
        found
    }

    /// The programs whose output was not compared.
    pub(super) fn uncompared(&self) -> Vec<&str> {
        self.programs.iter().filter(|program| self.reference(program).is_none()).map(|program| program.name.as_str()).collect()
    }

    /// What a program should print and exit with, and who says so: the base, or if it failed the first engine that did not.
    fn reference<'a>(&'a self, program: &'a Program) -> Option<(&'a str, (&'a str, i64))> {
        let of_base = (self.base, &program.outcomes[self.base]);
        let (engine, outcome) =
            [of_base].into_iter().chain(program.outcomes.iter().enumerate()).find(|(_, outcome)| !outcome.samples.is_empty())?;
        let seen = |sample: &'a Sample| (sample.stdout.as_str(), sample.exit);
        let first = seen(outcome.samples.first()?);
        outcome.samples.iter().all(|sample| seen(sample) == first).then_some((self.engines[engine].as_str(), first))
    }
}

/// `None` if there are no values.
pub(super) fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, logarithms) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value.ln()));
    (count > 0).then(|| (logarithms / f64::from(count)).exp())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::bench) fn sample(compile: f64, run: f64) -> Sample {
        Sample { bytes: 100.0, compile, instantiate: 1.0, run, start: run + 2.0, stdout: "aa".to_owned(), exit: 0, ok: None }
    }

    /// Two programs in `old` (the base), `new` and `lame`, which fails on the second.
    pub(in crate::bench) fn results() -> Results {
        let outcome = |samples: &[(f64, f64)]| Outcome {
            samples: samples.iter().map(|&(compile, run)| sample(compile, run)).collect(),
            failure: None,
        };
        let failed = Outcome { samples: Vec::new(), failure: Some("out of memory".to_owned()) };
        let first = [outcome(&[(100.0, 8.0), (120.0, 10.0)]), outcome(&[(50.0, 16.0), (40.0, 18.0)]), outcome(&[(100.0, 800.0)])];
        let second = [outcome(&[(200.0, 10.0)]), outcome(&[(20.0, 5.0)]), failed];
        Results {
            engines: ["old", "new", "lame"].map(str::to_owned).to_vec(),
            base: 0,
            rounds: 2,
            programs: vec![
                Program { name: "first".to_owned(), outcomes: first.to_vec() },
                Program { name: "a<b".to_owned(), outcomes: second.to_vec() },
            ],
        }
    }

    fn close(left: Option<f64>, right: f64) -> bool {
        left.is_some_and(|left| (left - right).abs() < 1e-9)
    }

    #[test]
    fn geometric_means_are_roots_of_products() {
        assert!(close(geometric_mean([2.0, 8.0].into_iter()), 4.0));
        assert!(close(geometric_mean([0.5, 2.0, 1.0].into_iter()), 1.0));
        assert_eq!(geometric_mean([].into_iter()), None);
    }

    #[test]
    fn medians_lie_between_the_middle_two() {
        assert_eq!(Statistic::Median.of(vec![9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(Statistic::Median.of(vec![9.0, 1.0, 5.0, 6.0]), Some(5.5));
        assert_eq!(Statistic::Median.of(Vec::new()), None);
        assert_eq!(Statistic::Best.of(vec![9.0, 1.0, 5.0]), Some(1.0));
        assert_eq!(Statistic::Best.of(Vec::new()), None);
    }

    #[test]
    fn figures_are_compared_with_the_base() {
        let results = results();
        let [first, second] = results.programs.as_slice() else { panic!("there are two") };
        assert!(close(results.ratio(first, 1, Span::Compile, Statistic::Best), 0.4));
        assert!(close(results.ratio(first, 1, Span::Compile, Statistic::Median), 45.0 / 110.0));
        assert!(close(results.ratio(first, 1, Span::Run, Statistic::Best), 2.0));
        // 40 + 1 + 20 against 100 + 1 + 10.
        assert!(close(results.ratio(first, 1, Span::Total, Statistic::Best), 61.0 / 111.0));
        assert!(close(results.ratio(first, 0, Span::Run, Statistic::Median), 1.0));
        assert_eq!(results.ratio(second, 2, Span::Run, Statistic::Best), None);
    }

    #[test]
    fn means_leave_out_what_failed() {
        let results = results();
        assert!(close(results.mean(1, Span::Run, Statistic::Best), 1.0));
        assert!(close(results.mean(1, Span::Compile, Statistic::Best), 0.2));
        assert!(close(results.mean(2, Span::Run, Statistic::Best), 100.0));
    }

    #[test]
    fn the_spread_is_that_of_medians_over_the_best() {
        let mut results = results();
        // Three of the five have one sample, the others 111 and 133, 69 and 61.
        let expected = (122.0_f64 / 111.0 * 65.0 / 61.0).powf(0.2) - 1.0;
        assert!(close(Some(results.spread()), expected), "{}", results.spread());
        results.programs.clear();
        assert!(close(Some(results.spread()), 0.0));
    }

    #[test]
    fn other_output_or_exit_is_a_difference() {
        let mut results = results();
        assert_eq!(results.differences(), [""; 0]);
        results.programs[0].outcomes[1].samples[1].stdout = "bb".to_owned();
        results.programs[1].outcomes[1].samples[0].exit = 3;
        let found = results.differences();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "first: new prints bb and exits with 0, old prints aa and exits with 0");
        assert!(found[1].starts_with("a<b: new prints aa and exits with 3"), "{found:?}");
    }

    #[test]
    fn output_that_changes_by_itself_is_not_compared() {
        let mut results = results();
        results.programs[0].outcomes[0].samples[0].stdout = "bb".to_owned();
        assert_eq!(results.differences(), [""; 0]);
        assert_eq!(results.uncompared(), ["first"]);
        results.programs[0].outcomes[2].samples[0].ok = Some(false);
        assert_eq!(results.differences(), ["first: the output in lame is not the expected one"]);
    }

    #[test]
    fn if_the_base_failed_the_next_engine_is_compared_with() {
        let mut results = results();
        results.programs[0].outcomes[0] = Outcome { samples: Vec::new(), failure: Some("no".to_owned()) };
        results.programs[0].outcomes[2].samples[0].stdout = "bb".to_owned();
        assert_eq!(results.differences(), ["first: lame prints bb and exits with 0, new prints aa and exits with 0"]);
    }

    #[test]
    fn a_line_is_a_sample() {
        let line = r#"{"engine": "mj", "file": "x", "bytes": 100, "compile_us": 1.5, "instantiate_us": 2, "run_us": 3,
            "start_us": 4, "stdout": "00ff", "ok": false, "exit": 7}"#;
        let sample = Sample::parse(line).unwrap();
        assert_eq!((sample.stdout.as_str(), sample.exit, sample.ok), ("00ff", 7, Some(false)));
        assert_eq!(Span::ALL.map(|span| span.of(&sample)), [1.5, 3.0, 7.5]);
        let error = Sample::parse(r#"{"bytes": 1, "stdout": ""}"#).unwrap_err();
        assert!(error.contains("compile_us"), "{error}");
    }
}
