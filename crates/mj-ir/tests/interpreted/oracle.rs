//! The same modules in wasmi.

use mj_abi::TrapCode;
use wasmi::{Engine, Extern, Instance, Linker, Module, Ref as Nullable, Store, Val, ValType};

use super::machine::Stop;

/// A module without imports, running.
pub struct Oracle {
    store: Store<()>,
    instance: Instance,
}

/// What memory, globals and tables are: exported ones, in the order of their names.
pub type Exports = Vec<(String, Item)>;

#[derive(PartialEq, Eq, Debug)]
pub enum Item {
    Memory(Vec<u8>),
    Global(i64),
    /// Which elements are null.
    Table(Vec<bool>),
}

impl Oracle {
    pub fn new(wasm: &[u8]) -> Result<Self, Stop> {
        let mut config = wasmi::Config::default();
        config.set_max_recursion_depth(10_000);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).expect("wasmi takes it");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).map_err(|error| stop(&error))?;
        Ok(Self { store, instance })
    }

    /// Calls an exported function; references must be null.
    pub fn call(&mut self, name: &str, arguments: &[i64]) -> Result<Vec<i64>, Stop> {
        let function = self.instance.get_func(&self.store, name).expect("exported");
        let ty = function.ty(&self.store);
        let arguments: Vec<Val> = ty
            .params()
            .iter()
            .zip(arguments)
            .map(|(ty, &bits)| match ty {
                ValType::I32 => Val::I32(bits as i32),
                ValType::I64 => Val::I64(bits),
                ValType::F32 => Val::F32(wasmi::F32::from_bits(bits as u32)),
                ValType::F64 => Val::F64(wasmi::F64::from_bits(bits as u64)),
                ValType::FuncRef => Val::FuncRef(Nullable::Null),
                _ => Val::ExternRef(Nullable::Null),
            })
            .collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        function.call(&mut self.store, &arguments, &mut results).map_err(|error| stop(&error))?;
        Ok(results.iter().map(bits).collect())
    }

    pub fn exports(&mut self) -> Exports {
        let exports: Vec<_> = self.instance.exports(&self.store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
        let store = &self.store;
        let item = |export: Extern| {
            Some(match export {
                Extern::Memory(memory) => Item::Memory(memory.data(store).to_vec()),
                Extern::Global(global) => Item::Global(bits(&global.get(store))),
                Extern::Table(table) => {
                    Item::Table((0..table.size(store)).map(|index| bits(&table.get(store, index).expect("inside")) == 0).collect())
                }
                Extern::Func(_) => return None,
            })
        };
        let mut exports: Exports = exports.into_iter().filter_map(|(name, export)| Some((name, item(export)?))).collect();
        exports.sort_by(|a, b| a.0.cmp(&b.0));
        exports
    }
}

/// As in a constant; of references only whether they are null.
fn bits(value: &Val) -> i64 {
    match value {
        Val::I32(value) => i64::from(*value),
        Val::I64(value) => *value,
        Val::F32(value) => i64::from(value.to_bits()),
        Val::F64(value) => value.to_bits() as i64,
        Val::FuncRef(function) => i64::from(!function.is_null()),
        Val::ExternRef(reference) => i64::from(!reference.is_null()),
        other => panic!("no {other:?} is generated"),
    }
}

fn stop(error: &wasmi::Error) -> Stop {
    use wasmi::TrapCode as Theirs;
    use wasmi::errors::{ErrorKind, TableError};
    Stop::Trap(match error.as_trap_code() {
        Some(Theirs::UnreachableCodeReached) => TrapCode::UnreachableCodeReached,
        Some(Theirs::MemoryOutOfBounds) => TrapCode::MemoryOutOfBounds,
        Some(Theirs::TableOutOfBounds) => TrapCode::TableOutOfBounds,
        Some(Theirs::IndirectCallToNull) => TrapCode::IndirectCallToNull,
        Some(Theirs::BadSignature) => TrapCode::BadSignature,
        Some(Theirs::IntegerDivisionByZero) => TrapCode::IntegerDivisionByZero,
        Some(Theirs::IntegerOverflow) => TrapCode::IntegerOverflow,
        Some(Theirs::BadConversionToInteger) => TrapCode::BadConversionToInteger,
        // Of tables that differ, and of segments, it says so in its own way.
        None if error.to_string().contains("element") => TrapCode::TableOutOfBounds,
        None if matches!(error.kind(), ErrorKind::Table(TableError::CopyOutOfBounds)) => TrapCode::TableOutOfBounds,
        _ => panic!("no trap that can be: {error:?}"),
    })
}
