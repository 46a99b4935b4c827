//! How a cache is to be.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Limits;
use crate::error::{Context, Result, bail};

/// [`CacheConfig::with_files_total_size_soft_limit`] unless set.
const DEFAULT_BYTES: u64 = 512 << 20;
/// [`CacheConfig::with_file_count_soft_limit`] unless set.
const DEFAULT_FILES: u64 = 0x1_0000;
/// How much remains where something has to be deleted, in percent.
const DEFAULT_KEPT: u8 = 70;

/// How a cache is to be.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    directory: Option<PathBuf>,
    limits: Limits,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { directory: None, limits: Limits { bytes: DEFAULT_BYTES, files: DEFAULT_FILES, kept: DEFAULT_KEPT } }
    }
}

impl CacheConfig {
    /// The default: in the user's folder of caches, up to 512 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where to keep modules: a folder of its own, made if it is not there. By default `$XDG_CACHE_HOME/mj`, or else `~/.cache/mj`.
    pub fn with_directory(&mut self, directory: impl Into<PathBuf>) -> &mut Self {
        self.directory = Some(directory.into());
        self
    }

    /// Bytes of files above which the oldest are deleted; 512 MiB by default.
    pub fn with_files_total_size_soft_limit(&mut self, limit: u64) -> &mut Self {
        self.limits.bytes = limit;
        self
    }

    /// Number of files above which the oldest are deleted; 65,536 by default.
    pub fn with_file_count_soft_limit(&mut self, limit: u64) -> &mut Self {
        self.limits.files = limit;
        self
    }

    /// How much of the limits remains where something has to be deleted, in percent; 70 by default.
    pub fn with_files_total_size_limit_percent_if_deleting(&mut self, percent: u8) -> &mut Self {
        self.limits.kept = percent.min(100);
        self
    }

    /// As [`with_files_total_size_limit_percent_if_deleting`](Self::with_files_total_size_limit_percent_if_deleting): there is one figure
    /// for both.
    pub fn with_file_count_limit_percent_if_deleting(&mut self, percent: u8) -> &mut Self {
        self.with_files_total_size_limit_percent_if_deleting(percent)
    }

    /// How hard files are compressed at first: they are not.
    pub fn with_baseline_compression_level(&mut self, _level: i32) -> &mut Self {
        self
    }

    /// How hard files are compressed later: they are not.
    pub fn with_optimized_compression_level(&mut self, _level: i32) -> &mut Self {
        self
    }

    /// How often a file is used before it is compressed harder: it is not.
    pub fn with_optimized_compression_usage_counter_threshold(&mut self, _threshold: u64) -> &mut Self {
        self
    }

    /// How long compressing may take: there is none.
    pub fn with_optimizing_compression_task_timeout(&mut self, _timeout: Duration) -> &mut Self {
        self
    }

    /// How often old files are looked for: whenever something is written.
    pub fn with_cleanup_interval(&mut self, _interval: Duration) -> &mut Self {
        self
    }

    /// How far in the future files may be: they may be anywhere.
    pub fn with_allowed_clock_drift_for_files_from_future(&mut self, _drift: Duration) -> &mut Self {
        self
    }

    /// How much work may wait for a background thread: there is none.
    pub fn with_worker_event_queue_size(&mut self, _size: u64) -> &mut Self {
        self
    }

    /// As a file says; see [`Cache::from_file`](super::Cache::from_file).
    pub(super) fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("there is no cache configuration at `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("failed to understand the cache configuration `{}`", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut config = Self::default();
        let mut table = "";
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') {
                table = line;
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { bail!("line {}: `KEY = VALUE` is expected", index + 1) };
            if table == "[cache]" {
                config.set(key.trim(), unquoted(value)).with_context(|| format!("line {}", index + 1))?;
            }
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "directory" => {
                let path = Path::new(value);
                if !path.is_absolute() {
                    bail!("the folder `{value}` is not absolute");
                }
                self.directory = Some(path.to_owned());
            }
            "files-total-size-soft-limit" => self.limits.bytes = amount(value)?,
            "file-count-soft-limit" => self.limits.files = amount(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Where it is to be.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        match &self.directory {
            Some(directory) => Ok(std::path::absolute(directory)?),
            None => default_folder(|name| env::var_os(name).map(PathBuf::from)),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }
}

/// The user's folder of caches, as the XDG base directory specification says, and in it this one.
fn default_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Ok(caches.context("there is no place for a cache: neither XDG_CACHE_HOME nor HOME is set")?.join("mj"))
}

/// The text in quotes, if there are any, without the comment behind.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        _ => value.split('#').next().unwrap_or_default().trim(),
    }
}

/// A number with a unit: `100`, `512Mi`, `64K`.
fn amount(value: &str) -> Result<u64> {
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let unit = match unit.trim() {
        "" => 1,
        "K" => 1000,
        "Ki" => 1 << 10,
        "M" => 1_000_000,
        "Mi" => 1 << 20,
        "G" => 1_000_000_000,
        "Gi" => 1 << 30,
        _ => bail!("`{value}` has an unknown unit: K, Ki, M, Mi, G and Gi are known"),
    };
    let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number.with_context(|| format!("`{value}` is no amount"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_environment() {
        let with = |variables: &'static [(&str, &str)]| {
            default_folder(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))).ok()
        };
        assert_eq!(with(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/caches")]), Some("/caches/mj".into()));
        assert_eq!(with(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "")]), Some("/home/a/.cache/mj".into()));
        assert_eq!(with(&[("HOME", "a"), ("XDG_CACHE_HOME", "b")]), None);
    }

    #[test]
    fn a_file_configures() {
        let config = CacheConfig::parse(
            "# caches\n[cache]\ndirectory = \"/tmp/a # b\" # there\nfiles-total-size-soft-limit = '2Ki'\nfile-count-soft-limit = 7 # few\n\
             baseline-compression-level = 3\n[other]\ndirectory = 5\n",
        )
        .unwrap();
        assert_eq!(config.directory, Some("/tmp/a # b".into()));
        assert_eq!((config.limits.bytes, config.limits.files), (2048, 7));
        for wrong in ["[cache]\ndirectory", "[cache]\ndirectory = \"here\"", "[cache]\nfile-count-soft-limit = \"3 Ti\""] {
            CacheConfig::parse(wrong).unwrap_err();
        }
    }
}
