//! Compiled code that is kept between runs, in a folder.
//!
//! Each module has two kinds of files there, named by a digest of its bytes:
//!
//! - `DIGEST.module`: the bytes, and a random number, the *tie*. Equal digests prove nothing, so the bytes are compared; where they are equal, the module was
//!   validated before.
//! - `DIGEST-FINGERPRINT.code`: an artefact with functions, one for each kind of engine that compiled the module. It has the same tie, so that code never
//!   meets a module that it was not made from.
//!
//! What is kept depends on how the engine compiles. Where everything is compiled when a module is made, or everything is optimized: all
//! that has code. Where hot functions are optimized while they run: those, so that they start optimized the next time.
//!
//! Files are code: they are read only if they belong to the user of this process and nobody else can write them. They are written under
//! another name and moved into place; the last writer wins, after taking over what was there. Whatever does not fit or cannot be read
//! counts as missing, and whatever cannot be written is not kept.

mod configuration;
mod folder;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Engine;
use crate::error::Result;
use crate::module::artefact::{self, Artefact, Stored, digest};

pub use configuration::CacheConfig;
use folder::Folder;

/// Newly optimized functions after which a module's are written, unless it has so many that twice as many are waited for.
const FIRST_BATCH: usize = 64;

/// Bytes of a module from which on it is worth knowing that it is valid.
const WORTH_KNOWING: usize = 1 << 20;

/// How module files begin.
const MODULE_MAGIC: [u8; 8] = *b"\x7fmjmod1\n";

/// Length of the magic and the tie.
const MODULE_HEADER: usize = 24;

type Tie = [u8; 16];

/// A folder of compiled modules; see [`Config::cache`](crate::Config::cache).
///
/// Cloning gives another handle to the same cache. Any number of engines and processes may use one folder.
#[derive(Clone, Debug)]
pub struct Cache {
    inner: Arc<CacheInner>,
}

#[derive(Debug)]
struct CacheInner {
    config: CacheConfig,
    folder: Folder,
    hits: AtomicUsize,
    misses: AtomicUsize,
}

impl Cache {
    /// A cache as configured. Its folder is made, for this user only, if it is not there.
    ///
    /// # Errors
    ///
    /// If there is no folder and none can be made, or if it belongs to another user or others can write it: what is in it is code, and
    /// would run with the rights of this process.
    pub fn new(config: CacheConfig) -> Result<Self> {
        let folder = Folder::open(config.folder()?)?;
        Ok(Self { inner: Arc::new(CacheInner { config, folder, hits: AtomicUsize::new(0), misses: AtomicUsize::new(0) }) })
    }

    /// A cache as a file configures it, or the default one: in `$XDG_CACHE_HOME/mj`, or else `~/.cache/mj`.
    ///
    /// The file is TOML with one table `[cache]`. Of the keys that other engines know, `directory`, `files-total-size-soft-limit` and
    /// `file-count-soft-limit` are honoured.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it cannot be understood, and as [`Cache::new`].
    pub fn from_file(path: Option<&Path>) -> Result<Self> {
        Self::new(match path {
            Some(path) => CacheConfig::from_file(path)?,
            None => CacheConfig::new(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &PathBuf {
        self.inner.folder.path()
    }

    /// How many modules were found in it, through this cache and its clones.
    #[must_use]
    pub fn cache_hits(&self) -> usize {
        self.inner.hits.load(Ordering::Relaxed)
    }

    /// How many modules were looked for and not found.
    #[must_use]
    pub fn cache_misses(&self) -> usize {
        self.inner.misses.load(Ordering::Relaxed)
    }

    /// What there is of a module: its place in the cache, and the contents of its code file.
    pub(crate) fn look_up(&self, engine: &Engine, bytes: &[u8]) -> (CacheEntry, Option<Vec<u8>>) {
        let entry = CacheEntry::new(self, engine, bytes);
        let file = entry.find_module(bytes).and_then(|_| self.inner.folder.read(&entry.code));
        (entry, file)
    }
}

/// The place of a module in a cache.
pub(crate) struct CacheEntry {
    cache: Cache,
    /// Names of its files.
    module: String,
    code: String,
    tie: Mutex<Option<Tie>>,
    /// Held while its files are written, so that who is about to end the process waits.
    saving: Mutex<()>,
    /// Functions that are in the code file as far as this knows.
    known: AtomicUsize,
    /// Functions that were optimized since the file was last written.
    fresh: AtomicUsize,
    is_hit: AtomicBool,
}

impl CacheEntry {
    fn new(cache: &Cache, engine: &Engine, bytes: &[u8]) -> Self {
        let key = digest(bytes);
        let maker = digest(engine.fingerprint().strict().as_bytes()) as u64;
        Self {
            cache: cache.clone(),
            module: format!("{key:032x}.module"),
            code: format!("{key:032x}-{maker:016x}.code"),
            tie: Mutex::new(None),
            saving: Mutex::new(()),
            known: AtomicUsize::new(0),
            fresh: AtomicUsize::new(0),
            is_hit: AtomicBool::new(false),
        }
    }

    fn folder(&self) -> &Folder {
        &self.cache.inner.folder
    }

    fn tie(&self) -> Option<Tie> {
        *self.tie.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tie of the module's file, if there is one and it has the same bytes.
    fn find_module(&self, bytes: &[u8]) -> Option<Tie> {
        let header = self.folder().read_if_it_ends_with(&self.module, MODULE_HEADER, bytes)?;
        let tie = header.strip_prefix(&MODULE_MAGIC)?.try_into().ok()?;
        *self.tie.lock().unwrap_or_else(PoisonError::into_inner) = Some(tie);
        Some(tie)
    }

    /// Takes the code file apart that [`Cache::look_up`] gave. `None` if it is of no use.
    pub fn accept<'a>(&self, engine: &Engine, file: Option<&'a [u8]>) -> Option<Artefact<'a>> {
        let artefact = file.and_then(|file| self.fitting(engine, file));
        self.is_hit.store(artefact.is_some(), Ordering::Relaxed);
        let counter = if artefact.is_some() { &self.cache.inner.hits } else { &self.cache.inner.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        artefact
    }

    fn fitting<'a>(&self, engine: &Engine, file: &'a [u8]) -> Option<Artefact<'a>> {
        let artefact = Artefact::parse(file).ok()?;
        (artefact.fingerprint == engine.fingerprint().strict() && Some(artefact.tie) == self.tie()).then_some(artefact)
    }

    /// So many functions are in the code file.
    pub fn knows(&self, functions: usize) {
        self.known.store(functions, Ordering::Relaxed);
    }

    /// Whether there was a code file that fits.
    pub fn is_hit(&self) -> bool {
        self.is_hit.load(Ordering::Relaxed)
    }

    /// One more function was optimized; whether it is time to write them.
    pub fn add_one(&self) -> bool {
        let fresh = self.fresh.fetch_add(1, Ordering::Relaxed) + 1;
        fresh >= FIRST_BATCH.max(self.known.load(Ordering::Relaxed))
    }

    /// Writes functions of a module, and with them what the code file has besides, if something is not in the cache that should be there:
    /// one of its functions, of which there are `count` to keep, or that it is valid. `stored` gives them.
    pub fn save<'a>(
        &self,
        engine: &Engine,
        bytes: &[u8],
        own_functions: u32,
        count: impl Fn() -> usize,
        stored: impl FnOnce() -> Stored<'a>,
    ) {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count();
        let is_news = self.fresh.swap(0, Ordering::Relaxed) > 0 || self.known.swap(count, Ordering::Relaxed) < count;
        if is_news || (self.tie().is_none() && bytes.len() >= WORTH_KNOWING) {
            // Without a file the next run is as this one was.
            let _ = self.try_save(engine, bytes, own_functions, stored());
        }
    }

    fn try_save(&self, engine: &Engine, bytes: &[u8], own_functions: u32, mut stored: Stored<'_>) -> Result<()> {
        let tie = match self.tie().or_else(|| self.find_module(bytes)) {
            Some(tie) => tie,
            None => {
                let tie = random();
                self.folder().write(&self.module, &[&MODULE_MAGIC, &tie, bytes])?;
                *self.tie.lock().unwrap_or_else(PoisonError::into_inner) = Some(tie);
                tie
            }
        };
        let old = self.folder().read(&self.code);
        if let Some(old) =
            old.as_deref().and_then(|old| self.fitting(engine, old)).and_then(|old| old.functions(engine.arch(), own_functions).ok())
        {
            stored = stored.merged(&old);
        }
        let artefact = artefact::write(&stored, engine.fingerprint().strict(), tie, &[])?;
        self.folder().write(&self.code, &[&artefact])?;
        self.folder().clean_if_due(self.cache.inner.config.limits());
        Ok(())
    }
}

impl fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheEntry").field("code", &self.code).finish_non_exhaustive()
    }
}

/// A number that nobody else has or can guess.
fn random() -> Tie {
    // The standard library seeds these from the operating system.
    let half = |_| RandomState::new().hash_one(std::process::id()).to_le_bytes();
    [0, 1].map(half).concat().try_into().expect("two halves")
}
