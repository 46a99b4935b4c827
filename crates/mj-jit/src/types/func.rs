//! Function types.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{TypeEntry, ValType};
use crate::Engine;
use crate::error::Result;

/// Type of a function: parameters and results (spec 2.3.5).
///
/// Belongs to an engine. References that are never null (`(ref func)`) are treated as the nullable ones.
#[derive(Clone)]
pub struct FuncType {
    engine: Engine,
    entry: Arc<TypeEntry>,
}

impl FuncType {
    /// A type from its parts.
    ///
    /// # Panics
    ///
    /// If a type is a reference of a kind that the engine does not have; [`FuncType::try_new`] gives an error instead.
    pub fn new(engine: &Engine, params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> FuncType {
        FuncType::try_new(engine, params, results).expect("cannot create the function type")
    }

    /// A type from its parts.
    ///
    /// # Errors
    ///
    /// If a type is a reference of a kind that the engine does not have.
    pub fn try_new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Result<FuncType> {
        let params = params.into_iter().map(|ty| ty.lower()).collect::<Result<Vec<_>>>()?;
        let results = results.into_iter().map(|ty| ty.lower()).collect::<Result<Vec<_>>>()?;
        let entry = engine.types().intern(mj_decode::FuncType::new(params, results));
        Ok(FuncType { engine: engine.clone(), entry })
    }

    pub(crate) fn from_entry(engine: &Engine, entry: Arc<TypeEntry>) -> FuncType {
        FuncType { engine: engine.clone(), entry }
    }

    pub(crate) fn entry(&self) -> &Arc<TypeEntry> {
        &self.entry
    }

    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Type of a parameter.
    #[must_use]
    pub fn param(&self, index: usize) -> Option<ValType> {
        self.entry.ty.params().get(index).map(|&kind| ValType::lift(kind))
    }

    /// Types of the parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.entry.ty.params().iter().map(|&kind| ValType::lift(kind))
    }

    /// Type of a result.
    #[must_use]
    pub fn result(&self, index: usize) -> Option<ValType> {
        self.entry.ty.results().get(index).map(|&kind| ValType::lift(kind))
    }

    /// Types of the results.
    pub fn results(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.entry.ty.results().iter().map(|&kind| ValType::lift(kind))
    }

    /// Whether a function of this type can stand where one of type `other` is expected.
    ///
    /// # Panics
    ///
    /// If the types belong to different engines.
    #[must_use]
    pub fn matches(&self, other: &FuncType) -> bool {
        assert!(Engine::same(&self.engine, &other.engine), "FuncType::matches with a type of another engine");
        self.entry.id == other.entry.id
    }
}

impl PartialEq for FuncType {
    fn eq(&self, other: &FuncType) -> bool {
        Engine::same(&self.engine, &other.engine) && self.entry.id == other.entry.id
    }
}

impl Eq for FuncType {}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = self.params().collect::<Vec<_>>();
        let results = self.results().collect::<Vec<_>>();
        f.debug_struct("FuncType").field("params", &params).field("results", &results).finish()
    }
}

impl fmt::Display for FuncType {
    /// As the text format writes it: `(func (param i32) (result i64))`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.ty.fmt(f)
    }
}

impl Hash for FuncType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entry.id.hash(state);
    }
}
