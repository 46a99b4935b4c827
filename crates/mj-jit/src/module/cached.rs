//! What a module takes from the cache when it is made, and leaves there.

use super::artefact::Stored;
use super::code::Choice;
use super::{Module, ModuleCode, ModuleInner};
use crate::cache::{Cache, CacheEntry};
use crate::error::Result;
use crate::{CompilationMode, Engine, Strategy};

impl Module {
    /// A module that may be in the cache.
    pub(super) fn compile_cached(engine: &Engine, bytes: Vec<u8>, cache: &Cache) -> Result<Module> {
        let (entry, file) = cache.look_up(engine, &bytes);
        let artefact = entry.accept(engine, file.as_deref());
        let features = &engine.config().features;
        let env = match &artefact {
            // These very bytes were validated when they were written there.
            Some(_) => mj_decode::parse_validated(&bytes, features)?,
            None => mj_decode::validate_on(&bytes, features, engine.config().threads())?,
        };
        let own_functions = env.defined_functions();
        let stored = artefact.and_then(|artefact| artefact.functions(engine.arch(), own_functions).ok()).unwrap_or_default();
        let is_whole_image = is_image(engine) && stored.is_complete(own_functions);
        let mut ready = Vec::new();
        let module = Self::assemble(engine, bytes, env, Some(entry), |env, bytes| {
            if is_whole_image {
                return ModuleCode::from_stored(engine, env, &stored);
            }
            let code = ModuleCode::compile(engine, env, bytes)?;
            if !is_image(engine) && !stored.functions.is_empty() {
                // Without room for them, functions are compiled as ever.
                ready = code.add_stored(&stored).unwrap_or_default();
            }
            Ok(code)
        })?;
        for &(own, entry, address) in &ready {
            module.inner.heat.finish(own, entry, Some(address));
        }
        if let (Some(entry), Some(choice)) = (&module.inner.cached, kept(engine))
            && (is_whole_image || !ready.is_empty())
        {
            entry.knows(module.inner.code.count_stored(choice));
        }
        if is_image(engine) && !is_whole_image {
            module.save_to_cache();
        }
        Ok(module)
    }

    /// Writes what the engine's cache is to keep of this module, if there is a cache and something is new. Happens in any case when the
    /// module's last handle is dropped, and from time to time while much is optimized; this is for who is about to end the process.
    pub fn save_to_cache(&self) {
        self.inner.save_to_cache();
    }

    /// Whether it was in the engine's cache when it was made, be it without code.
    #[must_use]
    pub fn was_cached(&self) -> bool {
        self.inner.cached.as_ref().is_some_and(CacheEntry::is_hit)
    }
}

impl ModuleInner {
    pub(super) fn save_to_cache(&self) {
        let Some(entry) = &self.cached else { return };
        let choice = kept(&self.engine);
        let count = || choice.map_or(0, |choice| self.code.count_stored(choice));
        let stored = || choice.map_or_else(Stored::default, |choice| self.code.stored(choice));
        entry.save(&self.engine, &self.bytes, self.env.defined_functions(), count, stored);
    }

    /// A function was optimized.
    pub(super) fn count_for_cache(&self) {
        if self.cached.as_ref().is_some_and(CacheEntry::add_one) {
            self.save_to_cache();
        }
    }
}

impl Drop for ModuleInner {
    fn drop(&mut self) {
        // An image was written when it was made.
        if !is_image(&self.engine) {
            self.save_to_cache();
        }
    }
}

/// What the cache keeps of an engine's modules. `None` if it is only that they are valid.
fn kept(engine: &Engine) -> Option<Choice> {
    if engine.tier_up_period().is_some() {
        return Some(Choice::Optimized);
    }
    let is_worth_it = engine.config().mode == CompilationMode::Eager || engine.config().strategy == Strategy::OPTIMIZING;
    is_worth_it.then_some(Choice::All)
}

/// Whether modules of the engine are complete when they are made, and stay as they are.
fn is_image(engine: &Engine) -> bool {
    engine.config().mode == CompilationMode::Eager && engine.tier_up_period().is_none()
}
