//! Imports that nobody has defined: the error, and ways to do without them.

use std::fmt;

use super::{Definition, Linker};
use crate::error::{Result, bail, format_err};
use crate::{AsContextMut, ExternType, Global, ImportType, Memory, Module, Ref, Table};

/// An import that a linker has no definition for.
#[derive(Clone, Debug)]
pub struct UnknownImportError {
    module: String,
    name: String,
    ty: ExternType,
}

impl UnknownImportError {
    pub(super) fn new(import: &ImportType<'_>) -> Self {
        Self { module: import.module().to_owned(), name: import.name().to_owned(), ty: import.ty() }
    }

    /// Name of the module to import from.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Name of the field.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it must be.
    #[must_use]
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

impl fmt::Display for UnknownImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown import: `{}::{}` has not been defined; the module needs ", self.module, self.name)?;
        let limits = |f: &mut fmt::Formatter<'_>, minimum: u64, maximum: Option<u64>, unit: &str| {
            write!(f, "at least {minimum} {unit}")?;
            maximum.map_or(Ok(()), |maximum| write!(f, " and at most {maximum}"))
        };
        match &self.ty {
            ExternType::Func(ty) => write!(f, "a function `{ty}`"),
            ExternType::Global(ty) if ty.mutability().is_var() => write!(f, "a global `(mut {})`", ty.content()),
            ExternType::Global(ty) => write!(f, "a global `{}`", ty.content()),
            ExternType::Table(ty) => {
                write!(f, "a table of `{}` with ", ty.element())?;
                limits(f, ty.minimum(), ty.maximum(), "elements")
            }
            ExternType::Memory(ty) => {
                f.write_str("a memory of ")?;
                limits(f, ty.minimum(), ty.maximum(), "pages")
            }
            ExternType::Tag(ty) => match *ty {},
        }
    }
}

impl std::error::Error for UnknownImportError {}

impl<T> Linker<T> {
    /// Defines each function that `module` imports and that is not defined yet as one that traps with [`UnknownImportError`].
    ///
    /// # Errors
    ///
    /// If the operating system has no executable memory left.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<()>
    where
        T: 'static,
    {
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else { continue };
            if self.find_import(&import).is_none() {
                let error = UnknownImportError::new(&import);
                self.func_new(import.module(), import.name(), ty, move |_, _, _| bail!(error.clone()))?;
            }
        }
        Ok(())
    }

    /// Defines each import of `module` that is not defined yet: functions that return zeros and nulls, and globals, tables and memories of zeros and
    /// nulls.
    ///
    /// # Errors
    ///
    /// If a function would have to return a reference that is never null, or there is not enough memory.
    pub fn define_unknown_imports_as_default_values(&mut self, mut store: impl AsContextMut<Data = T>, module: &Module) -> Result<()>
    where
        T: 'static,
    {
        for import in module.imports() {
            if self.find_import(&import).is_some() {
                continue;
            }
            let item = match import.ty() {
                ExternType::Func(ty) => {
                    let defaults = ty.results().map(|ty| {
                        let value = ty.default_value();
                        value.ok_or_else(|| format_err!("results of type `{ty}` have no default: `{}::{}`", import.module(), import.name()))
                    });
                    let defaults = defaults.collect::<Result<Vec<_>>>()?;
                    self.func_new(import.module(), import.name(), ty, move |_, _, results| {
                        results.copy_from_slice(&defaults);
                        Ok(())
                    })?;
                    continue;
                }
                ExternType::Global(ty) => Global::default_for(&mut store, ty)?.into(),
                ExternType::Table(ty) => {
                    let null = Ref::null(ty.element().heap_type());
                    Table::new(&mut store, ty, null)?.into()
                }
                ExternType::Memory(ty) => Memory::new(&mut store, ty)?.into(),
                ExternType::Tag(ty) => match ty {},
            };
            self.insert(import.module(), import.name(), Definition::Extern(item))?;
        }
        Ok(())
    }
}
