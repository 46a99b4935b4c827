//! What a store may use: the trait that is asked, and limits that are numbers.

use crate::Error;
use crate::error::{Result, bail};

/// Instances a store may hold if nobody says otherwise.
pub const DEFAULT_INSTANCE_LIMIT: usize = 10_000;
/// Tables a store may hold if nobody says otherwise.
pub const DEFAULT_TABLE_LIMIT: usize = 10_000;
/// Memories a store may hold if nobody says otherwise.
pub const DEFAULT_MEMORY_LIMIT: usize = 10_000;

/// Decides about the resources that a store wants to use; see [`Store::limiter`](crate::Store::limiter).
///
/// `Ok(false)` makes growing fail as the specification allows (`memory.grow` gives -1); an error traps. Creating a memory or table
/// asks as well, with a current size of 0, and fails if the answer is no.
pub trait ResourceLimiter: Send {
    /// A memory wants to grow from `current` to `desired` bytes; its type allows `maximum`.
    ///
    /// # Errors
    ///
    /// To trap instead of refusing.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// A memory that was allowed to grow could not, because of `error`.
    ///
    /// # Errors
    ///
    /// To trap instead of reporting the failure to the code.
    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        drop(error);
        Ok(())
    }

    /// A table wants to grow from `current` to `desired` elements; its type allows `maximum`.
    ///
    /// # Errors
    ///
    /// To trap instead of refusing.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// A table that was allowed to grow could not, because of `error`.
    ///
    /// # Errors
    ///
    /// To trap instead of reporting the failure to the code.
    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        drop(error);
        Ok(())
    }

    /// How many instances the store may hold.
    fn instances(&self) -> usize {
        DEFAULT_INSTANCE_LIMIT
    }

    /// How many tables the store may hold.
    fn tables(&self) -> usize {
        DEFAULT_TABLE_LIMIT
    }

    /// How many memories the store may hold.
    fn memories(&self) -> usize {
        DEFAULT_MEMORY_LIMIT
    }
}

/// Limits that are numbers. Made by [`StoreLimitsBuilder`]; the default limits only how many things there are.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            memory_size: None,
            table_elements: None,
            instances: DEFAULT_INSTANCE_LIMIT,
            tables: DEFAULT_TABLE_LIMIT,
            memories: DEFAULT_MEMORY_LIMIT,
            trap_on_grow_failure: false,
        }
    }
}

impl StoreLimits {
    fn allows(&self, what: &str, desired: usize, limit: Option<usize>, maximum: Option<usize>) -> Result<bool> {
        let allowed = limit.is_none_or(|limit| desired <= limit) && maximum.is_none_or(|maximum| desired <= maximum);
        if !allowed && self.trap_on_grow_failure {
            bail!("forcing trap when growing {what} to {desired}");
        }
        Ok(allowed)
    }

    fn failed(&self, error: Error) -> Result<()> {
        if self.trap_on_grow_failure { Err(error.context("forcing a memory growth failure to be a trap")) } else { Ok(()) }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.allows("memory", desired, self.memory_size, maximum)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.allows("table", desired, self.table_elements, maximum)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

/// Makes [`StoreLimits`].
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// Starts from the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Most bytes that any one linear memory may have.
    #[must_use]
    pub fn memory_size(mut self, limit: usize) -> Self {
        self.0.memory_size = Some(limit);
        self
    }

    /// Most elements that any one table may have.
    #[must_use]
    pub fn table_elements(mut self, limit: usize) -> Self {
        self.0.table_elements = Some(limit);
        self
    }

    /// Most instances in the store.
    #[must_use]
    pub fn instances(mut self, limit: usize) -> Self {
        self.0.instances = limit;
        self
    }

    /// Most tables in the store.
    #[must_use]
    pub fn tables(mut self, tables: usize) -> Self {
        self.0.tables = tables;
        self
    }

    /// Most memories in the store.
    #[must_use]
    pub fn memories(mut self, memories: usize) -> Self {
        self.0.memories = memories;
        self
    }

    /// Growing beyond a limit traps, instead of giving -1.
    #[must_use]
    pub fn trap_on_grow_failure(mut self, trap: bool) -> Self {
        self.0.trap_on_grow_failure = trap;
        self
    }

    /// The limits.
    #[must_use]
    pub fn build(self) -> StoreLimits {
        self.0
    }
}
