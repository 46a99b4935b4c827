//! Whether something can stand where a module imports something (spec 4.5.3, "external typing").
//!
//! Sizes of memories and tables are those they have now, as the specification asks.

use std::sync::Arc;

use mj_decode::{GlobalType, ImportType, MemoryType, Module, TableType};

use super::TypeEntry;
use crate::error::{Error, Result, ensure, format_err};

/// What was found for an import. Memories and tables carry their current size as minimum.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Func(Arc<TypeEntry>),
    Global(GlobalType),
    Table(TableType),
    Memory(MemoryType),
}

impl Found {
    fn kind(&self) -> &'static str {
        match self {
            Found::Func(_) => "function",
            Found::Global(_) => "global",
            Found::Table(_) => "table",
            Found::Memory(_) => "memory",
        }
    }
}

/// Checks what was found for import `index` of a module whose types are `types`.
pub(crate) fn check_import(module: &Module, types: &[Arc<TypeEntry>], index: usize, found: &Found) -> Result<()> {
    let import = &module.imports[index];
    let checked = match (&import.ty, found) {
        (ImportType::Function(ty), Found::Func(found)) => check_func(&types[*ty as usize], found),
        (ImportType::Global(ty), Found::Global(found)) => check_global(*ty, *found),
        (ImportType::Table(ty), Found::Table(found)) => check_table(*ty, *found),
        (ImportType::Memory(ty), Found::Memory(found)) => check_memory(*ty, *found),
        (ty, found) => {
            let expected = match ty {
                ImportType::Function(_) => "func",
                ImportType::Global(_) => "global",
                ImportType::Table(_) => "table",
                ImportType::Memory(_) => "memory",
            };
            Err(format_err!("expected {expected}, but found {}", found.kind()))
        }
    };
    checked.map_err(|error| incompatible(import, error))
}

fn incompatible(import: &mj_decode::Import, error: Error) -> Error {
    error.context(format!("incompatible import type for `{}::{}`", import.module, import.name))
}

fn check_func(expected: &TypeEntry, found: &TypeEntry) -> Result<()> {
    ensure!(expected.id == found.id, "types incompatible: expected type `{}`, found type `{}`", expected.ty, found.ty);
    Ok(())
}

fn check_global(expected: GlobalType, found: GlobalType) -> Result<()> {
    let show = |ty: GlobalType| if ty.mutable { format!("(mut {})", ty.content) } else { ty.content.to_string() };
    ensure!(expected == found, "global types incompatible: expected `{}`, found `{}`", show(expected), show(found));
    Ok(())
}

fn check_table(expected: TableType, found: TableType) -> Result<()> {
    ensure!(
        expected.element == found.element,
        "table types incompatible: expected a table of `{}`, found a table of `{}`",
        expected.element,
        found.element
    );
    check_limits("table", "elements", (expected.minimum, expected.maximum), (found.minimum, found.maximum))
}

fn check_memory(expected: MemoryType, found: MemoryType) -> Result<()> {
    ensure!(expected.shared == found.shared, "memory types incompatible: one is shared, the other is not");
    ensure!(expected.memory64 == found.memory64, "memory types incompatible: addresses are of different width");
    ensure!(expected.page_size_log2 == found.page_size_log2, "memory types incompatible: pages are of different sizes");
    check_limits("memory", "pages", (expected.minimum, expected.maximum), (found.minimum, found.maximum))
}

fn check_limits(what: &str, unit: &str, expected: (u64, Option<u64>), found: (u64, Option<u64>)) -> Result<()> {
    let fits = found.0 >= expected.0 && expected.1.is_none_or(|expected| found.1.is_some_and(|found| found <= expected));
    let show = |(minimum, maximum): (u64, Option<u64>)| match maximum {
        Some(maximum) => format!("at least {minimum} and at most {maximum} {unit}"),
        None => format!("at least {minimum} {unit} and no maximum"),
    };
    ensure!(fits, "{what} types incompatible: expected {}, found {}", show(expected), show(found));
    Ok(())
}
