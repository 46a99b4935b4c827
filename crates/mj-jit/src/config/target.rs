//! The machine that code is for.

use mj_codegen::{Arch, Target};

use super::Config;
use crate::error::Result;

/// The system whose machines are targets, as in their names.
const SYSTEM: &str = std::env::consts::OS;

impl Config {
    /// The machine to compile for, as in `aarch64-unknown-linux-gnu`: by default this one with all that its processor has. For another one,
    /// code is made that every processor of its kind runs; an engine that is configured so compiles and [serializes](crate::Module::serialize)
    /// modules, and cannot instantiate them.
    ///
    /// # Errors
    ///
    /// None; [`Engine::new`](crate::Engine::new) fails if there are no compilers for it (they need the cargo feature `all-arch`).
    pub fn target(&mut self, target: &str) -> Result<&mut Self> {
        let mut parts = target.split('-');
        let arch = parts.next().and_then(|name| if name == "native" { Some(Arch::HOST) } else { Arch::by_name(name) });
        let mut rest = parts.peekable();
        let is_known = rest.peek().is_none() || rest.any(|part| part == SYSTEM);
        self.foreign = arch.filter(|&arch| arch != Arch::HOST);
        Ok(self.refuse("target", arch.is_none() || !is_known, &format!("code for `{target}`")))
    }

    /// What to compile for.
    pub(crate) fn machine(&self) -> Result<Target> {
        Ok(self.foreign.map_or_else(Target::host, Target::any)?)
    }
}
