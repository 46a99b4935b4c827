//! Whole modules as definitions, by WASI's conventions: a *command* exports `_start` and is instantiated anew for each call; a *reactor* is
//! instantiated once, and its `_initialize` is called if there is one.

use super::{Definition, Linker};
use crate::error::{Context, Result, bail};
use crate::{AsContextMut, Extern, ExternType, Func, Module, Val};

/// Exports that a command may have besides its functions.
const COMMAND_EXPORTS: [&str; 4] = ["memory", "__indirect_function_table", "__data_end", "__heap_base"];

impl<T> Linker<T> {
    /// Defines what `module` exports as fields of `module_name`.
    ///
    /// If it exports `_start` it is a command: each function becomes one that instantiates the module and calls the export. Otherwise it is
    /// instantiated now, `_initialize` is called, and all exports are defined.
    ///
    /// # Errors
    ///
    /// If a name is defined already, an import is not, instantiation fails, or a command exports something that lasts longer than a call.
    pub fn module(&mut self, mut store: impl AsContextMut<Data = T>, module_name: &str, module: &Module) -> Result<&mut Self>
    where
        T: 'static,
    {
        if matches!(module.get_export("_start"), Some(ExternType::Func(_))) {
            return self.command(module_name, module);
        }
        let instance = self.instantiate(&mut store, module)?;
        if let Some(Extern::Func(initialize)) = instance.get_export(&store, "_initialize") {
            initialize.typed::<(), ()>(&store)?.call(&mut store, ()).context("calling the reactor initialization function")?;
        }
        self.instance(store, module_name, instance)
    }

    fn command(&mut self, module_name: &str, module: &Module) -> Result<&mut Self>
    where
        T: 'static,
    {
        for export in module.exports() {
            let name = export.name().to_owned();
            let ExternType::Func(ty) = export.ty() else {
                if !self.allow_unknown_exports && !COMMAND_EXPORTS.contains(&export.name()) {
                    bail!("command exports must be functions, but `{name}` is something else that would not outlive a call");
                }
                continue;
            };
            let pre = self.instantiate_pre(module)?;
            let exported = name.clone();
            self.func_new(module_name, &name, ty, move |mut caller, params, results| {
                let instance = pre.instantiate(&mut caller)?;
                let function = instance.get_func(&caller, &exported).context("a command's export is gone")?;
                function.call(&mut caller, params, results)
            })?;
        }
        Ok(self)
    }

    /// What running a module means: its field with the empty name, or else `_start`, or else a function that does nothing.
    ///
    /// # Errors
    ///
    /// If one of these is no function.
    pub fn get_default(&self, mut store: impl AsContextMut<Data = T>, module: &str) -> Result<Func>
    where
        T: 'static,
    {
        for name in ["", "_start"] {
            match self.find(module, name).map(|definition: &Definition| definition.in_store(&mut store)) {
                Some(Extern::Func(function)) => return Ok(function),
                Some(_) => bail!("default export in `{module}` is not a function"),
                None => {}
            }
        }
        let ty = crate::FuncType::try_new(&self.engine, [], [])?;
        Func::try_new(store, ty, |_, _: &[Val], _: &mut [Val]| Ok(()))
    }
}
