//! Modules of others in the interpreter.

use wasmi::{
    Config, Engine as Interpreter, Extern, ExternType, Func, Global, Instance, Memory, MemoryType, Module, Ref as Nullable, Store, Table,
    TableType, Val, ValType,
};

use super::{Engine, Guest, TABLE_ROOM, imported_global, value, words};
use crate::host::{self, Trace};
use crate::interpreter;
use crate::observation::{Item, Stop, Type, Value};
use crate::rewriting::{GROWTH, STEPS};

/// A module that the interpreter has taken.
struct Interpreted(Module);

/// Gives a module to the interpreter.
pub fn compile(wasm: &[u8]) -> Box<dyn Engine> {
    let mut config = Config::default();
    config.set_max_recursion_depth(100_000).set_max_stack_height(64 << 20);
    let module = Module::new(&Interpreter::new(&config), wasm);
    Box::new(Interpreted(module.unwrap_or_else(|error| panic!("the interpreter refuses the module: {error}"))))
}

impl Engine for Interpreted {
    fn instantiate(&self) -> Result<Box<dyn Guest>, Stop> {
        let mut store = Store::new(self.0.engine(), 0);
        let mut functions = 0;
        let imports = self.0.imports().map(|import| stand_in(&mut store, &mut functions, import.name(), import.ty()));
        let imports: Vec<Extern> = imports.collect();
        let instance = Instance::new(&mut store, &self.0, &imports).map_err(|error| interpreter::stop(&error))?;
        Ok(Box::new(Running { store, instance }))
    }
}

/// What is given for an import; the host's functions are told apart by their number, for imports of other kinds are not in their places here.
fn stand_in(store: &mut Store<Trace>, functions: &mut u64, name: &str, ty: &ExternType) -> Extern {
    match ty {
        ExternType::Func(ty) => {
            let types: Vec<Type> = ty.results().iter().map(|ty| interpreter::type_of(*ty)).collect();
            let index = *functions;
            *functions += 1;
            Func::new(&mut *store, ty.clone(), move |mut caller, arguments, results| {
                let seen = words(arguments.iter().map(|value| interpreter::lift(&caller, value)));
                for (result, ty) in results.iter_mut().zip(&types) {
                    let word = host::answer(caller.data_mut(), index, &seen);
                    *result = interpreter::lower(&mut caller, value(*ty, word));
                }
                if types.is_empty() {
                    host::answer(caller.data_mut(), index, &seen);
                }
                Ok(())
            })
            .into()
        }
        ExternType::Global(ty) => {
            let initial = interpreter::lower(&mut *store, value(interpreter::type_of(ty.content()), imported_global(name)));
            Global::new(&mut *store, initial, ty.mutability()).into()
        }
        ExternType::Table(ty) => {
            let size = (ty.minimum() + TABLE_ROOM).min(ty.maximum().unwrap_or(u64::MAX)) as u32;
            let null = if ty.element() == ValType::ExternRef { Val::ExternRef(Nullable::Null) } else { Val::FuncRef(Nullable::Null) };
            let ty = TableType::new(ty.element(), size, ty.maximum().map(|most| most as u32));
            Table::new(&mut *store, ty, null).expect("a table that is not large").into()
        }
        ExternType::Memory(ty) => {
            let most = (ty.minimum() + GROWTH).min(ty.maximum().unwrap_or(u64::MAX));
            Memory::new(&mut *store, MemoryType::new(ty.minimum() as u32, Some(most as u32))).expect("there is memory").into()
        }
    }
}

/// An instance.
struct Running {
    store: Store<Trace>,
    instance: Instance,
}

impl Running {
    fn function(&self, name: &str) -> Func {
        self.instance.get_func(&self.store, name).expect("all functions are exported")
    }
}

impl Guest for Running {
    fn parameters(&mut self, function: &str) -> Vec<Type> {
        interpreter::parameters(&self.store, self.function(function))
    }

    fn call(&mut self, function: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        let function = self.function(function);
        interpreter::call_with(&mut self.store, function, arguments)
    }

    fn steps(&mut self) -> Option<u32> {
        let steps = self.instance.get_global(&self.store, STEPS)?;
        steps.get(&self.store).i32().map(i32::cast_unsigned)
    }

    fn set_steps(&mut self, steps: u32) {
        let global = self.instance.get_global(&self.store, STEPS).expect("steps are always counted here");
        global.set(&mut self.store, Val::I32(steps.cast_signed())).expect("an i32 that can be assigned");
    }

    fn trace(&self) -> Trace {
        *self.store.data()
    }

    fn items(&mut self) -> Vec<(String, Item)> {
        interpreter::items(&mut self.store, self.instance)
    }
}
