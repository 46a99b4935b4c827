//! What made code, and what must be the same where it runs.
//!
//! A fingerprint is a list of rows `name: value`. Code fits an engine if its rows and the engine's are the same, but for these: an engine's
//! processor and proposals may be more than the code's, and code that stays as it is fits whatever an engine does to code that does not.

use mj_codegen::{Options, Target};
use mj_decode::WasmFeatures;

use crate::config::{Config, ModuleVersionStrategy};
use crate::error::{Result, bail};

/// Version and sources of this crate and of those below.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("MJ_BUILD"));

/// Rows that are compared in their own way.
const MACHINE: &str = "machine";
const PROPOSALS: &str = "proposals";
const TIERING: &str = "tiering";

/// Who makes code, and how.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    rows: Vec<(String, String)>,
    /// Of the cache, whose contents are the engine's own: nothing may differ.
    strict: String,
}

impl Fingerprint {
    pub fn new(config: &Config, target: Target, options: &Options) -> Self {
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        row("version", version(&config.module_version));
        row(MACHINE, format!("{}-{}", target.arch().name(), std::env::consts::OS));
        fields(&target.features(), &mut row);
        fields(&format!("{:?}", Options { tiering: None, ..*options }), &mut |name, value| {
            if name != TIERING {
                row(name, value);
            }
        });
        row(TIERING, options.tiering.map_or(0, |period| period.get()).to_string());
        row(PROPOSALS, format!("{:x}", config.features.flags().bits()));
        let strict = format!("build: {BUILD}\nstrategy: {:?}\nmode: {:?}\n{}", config.strategy, config.mode, text(&rows));
        Self { rows, strict }
    }

    /// As text, for an artefact.
    pub fn text(&self) -> String {
        text(&self.rows)
    }

    /// As text, for the cache.
    pub fn strict(&self) -> &str {
        &self.strict
    }

    /// Checks that code with the fingerprint `text` may run.
    ///
    /// # Errors
    ///
    /// If it may not; the error says what differs.
    pub fn check(&self, text: &str) -> Result<()> {
        let theirs: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(": ")).collect();
        // What rows there are depends on the machine.
        let ours = self.rows.iter().find(|(name, _)| name == MACHINE).map(|(_, value)| &**value);
        if let Some(&(_, made_for)) = theirs.iter().find(|(name, _)| *name == MACHINE)
            && let Some(ours) = ours.filter(|ours| *ours != made_for)
        {
            bail!("the compiled module is for another machine, `{made_for}`, and this engine for `{ours}`");
        }
        if theirs.len() != self.rows.len() {
            bail!("the compiled module is of another version of the engine: compile it again");
        }
        for ((name, value), &(their_name, their_value)) in self.rows.iter().zip(&theirs) {
            let fits = match name.as_str() {
                PROPOSALS => bits(their_value).is_some_and(|theirs| bits(value).is_some_and(|ours| ours.contains(theirs))),
                TIERING => their_value == "0" || their_value == value,
                name if name.starts_with("Features.") => their_value == "false" || their_value == value,
                _ => their_value == value,
            };
            if name != their_name || !fits {
                bail!("the compiled module has `{their_name}: {their_value}`, and this engine `{name}: {value}`: compile it again");
            }
        }
        Ok(())
    }
}

fn version(strategy: &ModuleVersionStrategy) -> String {
    match strategy {
        ModuleVersionStrategy::WasmtimeVersion => BUILD.to_owned(),
        // One line, whatever it is.
        other => format!("{:?}", other.as_str()),
    }
}

/// Hands on the fields of a structure of simple values, from its debug text: whatever fields are added are there.
fn fields(debug: &str, row: &mut impl FnMut(&str, String)) {
    // One without fields has no braces.
    let Some((structure, fields)) = debug.strip_suffix(" }").and_then(|debug| debug.split_once(" { ")) else { return };
    for (name, value) in fields.split(", ").filter_map(|field| field.split_once(": ")) {
        let name = if structure == "Features" { format!("{structure}.{name}") } else { name.to_owned() };
        row(&name, value.to_owned());
    }
}

fn text(rows: &[(String, String)]) -> String {
    rows.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn bits(value: &str) -> Option<WasmFeatures> {
    Some(WasmFeatures::from_bits_truncate(u64::from_str_radix(value, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use mj_codegen::Arch;

    use super::*;

    fn fingerprint(config: &Config, change: impl FnOnce(&mut Options)) -> Fingerprint {
        let mut options = Options::default();
        change(&mut options);
        Fingerprint::new(config, Target::any(Arch::HOST).unwrap(), &options)
    }

    #[test]
    fn every_option_of_code_is_a_row() {
        let options = format!("{:?}", Options::default());
        let text = fingerprint(&Config::new(), |_| ()).text();
        for field in options.split(['{', ',']).skip(1).map(|field| field.split(':').next().unwrap().trim()) {
            assert_eq!(text.matches(&format!("{field}: ")).count(), 1, "{field} in {text}");
        }
    }

    #[test]
    fn code_fits_where_it_was_made_and_what_differs_is_said() {
        let config = Config::new();
        let plain = fingerprint(&config, |_| ());
        plain.check(&plain.text()).unwrap();
        let fuel = fingerprint(&config, |options| options.fuel = true);
        let error = plain.check(&fuel.text()).unwrap_err().to_string();
        assert!(error.contains("`fuel: true`") && error.contains("`fuel: false`"), "{error}");
        assert!(plain.check("").is_err());
        assert!(plain.check(&plain.text().replace(BUILD, "0.0.1-0")).is_err());
    }

    #[test]
    fn code_that_stays_fits_engines_that_tier_but_not_the_other_way_round() {
        let config = Config::new();
        let staying = fingerprint(&config, |_| ());
        let counting = fingerprint(&config, |options| options.tiering = std::num::NonZeroU32::new(100));
        counting.check(&staying.text()).unwrap();
        counting.check(&counting.text()).unwrap();
        staying.check(&counting.text()).unwrap_err();
    }

    #[test]
    fn a_processor_may_have_more_than_code_needs_and_not_less() {
        let processor = |value: &str| {
            let mut fingerprint = fingerprint(&Config::new(), |_| ());
            fingerprint.rows.push(("Features.thought".to_owned(), value.to_owned()));
            fingerprint
        };
        let (modern, old) = (processor("true"), processor("false"));
        modern.check(&old.text()).unwrap();
        old.check(&modern.text()).unwrap_err();
    }

    #[test]
    fn proposals_must_be_on_where_code_runs() {
        let all = fingerprint(&Config::new(), |_| ());
        let fewer = fingerprint(Config::new().wasm_bulk_memory(false), |_| ());
        all.check(&fewer.text()).unwrap();
        fewer.check(&all.text()).unwrap_err();
    }
}
