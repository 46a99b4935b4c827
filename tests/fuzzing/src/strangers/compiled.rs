//! Modules of others in mj.

use mj_jit::{
    Config, Engine as Compiler, Extern, ExternType, Func, Global, GlobalType, Instance, Memory, MemoryType, Module, Mutability, Ref,
    Result, Store, Table, TableType,
};

use super::{Engine, Guest, TABLE_ROOM, imported_global, value, words};
use crate::host::{self, Trace};
use crate::observation::{Item, Stop, Type, Value};
use crate::rewriting::{GROWTH, STEPS};
use crate::subject;

/// A module compiled in some configuration.
struct Compiled(Module);

/// Compiles a module.
pub fn compile(config: &Config, wasm: &[u8]) -> Result<Box<dyn Engine>> {
    Ok(Box::new(Compiled(Module::new(&Compiler::new(config)?, wasm)?)))
}

impl Engine for Compiled {
    fn instantiate(&self) -> std::result::Result<Box<dyn Guest>, Stop> {
        let mut store = Store::new(self.0.engine(), 0);
        let _ = store.set_fuel(u64::MAX);
        store.set_epoch_deadline(1 << 40);
        let mut functions = 0;
        let imports = self.0.imports().map(|import| stand_in(&mut store, &mut functions, import.name(), &import.ty()));
        let imports = imports.collect::<Result<Vec<_>>>().unwrap_or_else(|error| panic!("nothing stands in for an import: {error:#}"));
        let instance = Instance::new(&mut store, &self.0, &imports).map_err(|error| subject::stop(&error))?;
        Ok(Box::new(Running { store, instance }))
    }
}

/// What is given for an import; the host's functions are told apart by their number.
fn stand_in(store: &mut Store<Trace>, functions: &mut u64, name: &str, ty: &ExternType) -> Result<Extern> {
    Ok(match ty {
        ExternType::Func(ty) => {
            let types: Vec<Type> = ty.results().map(|ty| subject::type_of(&ty)).collect();
            let index = *functions;
            *functions += 1;
            Func::new(&mut *store, ty.clone(), move |mut caller, arguments, results| {
                let seen = words(arguments.iter().map(|value| subject::lift(&caller, value)));
                for (result, ty) in results.iter_mut().zip(&types) {
                    let word = host::answer(caller.data_mut(), index, &seen);
                    *result = subject::lower(&mut caller, value(*ty, word));
                }
                if types.is_empty() {
                    host::answer(caller.data_mut(), index, &seen);
                }
                Ok(())
            })
            .into()
        }
        ExternType::Global(ty) => {
            let ty =
                GlobalType::new(ty.content().clone(), if ty.mutability() == Mutability::Var { Mutability::Var } else { Mutability::Const });
            let initial = subject::lower(&mut *store, value(subject::type_of(ty.content()), imported_global(name)));
            Global::new(&mut *store, ty, initial)?.into()
        }
        ExternType::Table(ty) => {
            let size = (ty.minimum() + TABLE_ROOM).min(ty.maximum().unwrap_or(u64::MAX)) as u32;
            let null = if ty.element().heap_type().is_extern() { Ref::Extern(None) } else { Ref::Func(None) };
            Table::new(&mut *store, TableType::new(ty.element().clone(), size, ty.maximum().map(|most| most as u32)), null)?.into()
        }
        ExternType::Memory(ty) => {
            let most = (ty.minimum() + GROWTH).min(ty.maximum().unwrap_or(u64::MAX));
            Memory::new(&mut *store, MemoryType::new(ty.minimum() as u32, Some(most as u32)))?.into()
        }
        other => panic!("no module that is accepted imports {other:?}"),
    })
}

/// An instance.
struct Running {
    store: Store<Trace>,
    instance: Instance,
}

impl Running {
    fn function(&mut self, name: &str) -> Func {
        self.instance.get_func(&mut self.store, name).expect("all functions are exported")
    }
}

impl Guest for Running {
    fn parameters(&mut self, function: &str) -> Vec<Type> {
        let function = self.function(function);
        function.ty(&self.store).params().map(|ty| subject::type_of(&ty)).collect()
    }

    fn call(&mut self, function: &str, arguments: &[Value]) -> std::result::Result<Vec<Value>, Stop> {
        let function = self.function(function);
        subject::call_with(&mut self.store, function, arguments)
    }

    fn steps(&mut self) -> Option<u32> {
        let steps = self.instance.get_global(&mut self.store, STEPS)?;
        steps.get(&mut self.store).i32().map(i32::cast_unsigned)
    }

    fn set_steps(&mut self, steps: u32) {
        if let Some(global) = self.instance.get_global(&mut self.store, STEPS) {
            global.set(&mut self.store, mj_jit::Val::I32(steps.cast_signed())).expect("an i32 that can be assigned");
        }
    }

    fn trace(&self) -> Trace {
        *self.store.data()
    }

    fn items(&mut self) -> Vec<(String, Item)> {
        subject::items(&mut self.store, self.instance)
    }
}
