//! Generated modules in wasmi, an interpreter that shares nothing with mj but the parser's authors.

use wasmi::errors::{ErrorKind, InstantiationError, TableError};
use wasmi::{
    AsContext, AsContextMut, Caller, Config, Engine, Error, Extern, ExternRef, F32, F64, Func, Instance, Linker, Module, Ref as Nullable,
    Store, TrapCode, Val, ValType,
};

use crate::host::{self, Trace};
use crate::observation::{CALLS, Call, Item, Run, Stop, Type, Value, arguments, memory};

/// Compiles a module.
pub fn compile(wasm: &[u8]) -> Module {
    let mut config = Config::default();
    config.set_max_recursion_depth(10_000).consume_fuel(true);
    Module::new(&Engine::new(&config), wasm).unwrap_or_else(|error| panic!("the interpreter refuses the module: {error}"))
}

/// What a store may execute. Programs need less, as long as their tables hold what they put there.
const FUEL: u64 = 1 << 27;

/// A store with fuel.
pub fn store(engine: &Engine, trace: Trace) -> Store<Trace> {
    let mut store = Store::new(engine, trace);
    store.set_fuel(FUEL).expect("fuel is counted");
    store
}

/// Runs the exported function `name`.
pub fn run(module: &Module, name: &str) -> Run {
    let engine = module.engine();
    let mut store = store(engine, 0);
    let instance = linker(engine).instantiate_and_start(&mut store, module).map_err(|error| stop(&error))?;
    Ok((0..CALLS).map(|call| one_call(&mut store, instance, name, call)).collect())
}

/// One call of an exported function, and what it left behind.
pub fn one_call(store: &mut Store<Trace>, instance: Instance, name: &str, call: u64) -> Call {
    let function = instance.get_func(&*store, name).expect("exported");
    let outcome = call_with(store, function, &arguments(&parameters(store, function), call));
    Call { outcome, trace: *store.data(), items: items(store, instance) }
}

/// The types of a function's parameters.
pub fn parameters(store: &Store<Trace>, function: Func) -> Vec<Type> {
    function.ty(store).params().iter().map(|ty| type_of(*ty)).collect()
}

/// Calls any function.
pub fn call_with(store: &mut Store<Trace>, function: Func, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
    let values: Vec<Val> = arguments.iter().map(|value| lower(&mut *store, *value)).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    let outcome = function.call(&mut *store, &values, &mut results);
    outcome.map(|()| results.iter().map(|value| lift(&*store, value)).collect()).map_err(|error| stop(&error))
}

/// What is exported besides functions.
pub fn items(store: &mut Store<Trace>, instance: Instance) -> Vec<(String, Item)> {
    let exports: Vec<(String, Extern)> = instance.exports(&*store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    exports.into_iter().filter_map(|(name, export)| Some((name, item(store, &export)?))).collect()
}

fn item(store: &mut Store<Trace>, export: &Extern) -> Option<Item> {
    Some(match export {
        Extern::Memory(exported) => memory(exported.data(&*store)),
        Extern::Table(table) => {
            let is_null = |index| matches!(table.get(&*store, index), Some(Val::FuncRef(Nullable::Null) | Val::ExternRef(Nullable::Null)));
            Item::Table((0..table.size(&*store)).map(is_null).collect())
        }
        Extern::Global(global) => Item::Global(lift(&*store, &global.get(&*store))),
        Extern::Func(_) => return None,
    })
}

/// The host's functions.
pub fn linker(engine: &Engine) -> Linker<Trace> {
    type C<'a> = Caller<'a, Trace>;
    type External = Nullable<ExternRef>;
    let define =
        || {
            let mut linker = Linker::new(engine);
            linker
                .func_wrap("host", "mix", |mut caller: C<'_>, a: i32, b: i64, c: f32, d: f64| host::mix(caller.data_mut(), a, b, c, d))?
                .func_wrap("host", "pair", |mut caller: C<'_>, a: i32| host::pair(caller.data_mut(), a))?
                .func_wrap(
                    "host",
                    "many",
                    |mut caller: C<'_>,
                     a: i64,
                     b: f64,
                     c: i32,
                     d: f32,
                     e: i64,
                     f: f64,
                     g: i64,
                     h: i64,
                     i: i64,
                     j: i32,
                     k: f64,
                     l: i64,
                     m: i64| { host::many(caller.data_mut(), (a, b, c, d, e, f, g, h, i, j, k, l, m)) },
                )?
                .func_wrap("host", "fail", |mut caller: C<'_>, a: i64| host::fail(caller.data_mut(), a).map_err(Error::new))?
                .func_wrap("host", "pass", |mut caller: C<'_>, reference: External, a: i32| {
                    if host::drops(caller.data_mut(), reference.is_null(), a) { Nullable::Null } else { reference }
                })?;
            Ok::<_, Error>(linker)
        };
    define().expect("each name once")
}

pub fn type_of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::FuncRef => Type::Func,
        ValType::ExternRef => Type::Extern,
        other => panic!("no module with {other:?} is generated"),
    }
}

pub fn lower(store: impl AsContextMut, value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
        Value::Func(_) => Val::FuncRef(Nullable::Null),
        Value::Extern(None) => Val::ExternRef(Nullable::Null),
        Value::Extern(Some(number)) => Val::ExternRef(Nullable::Val(ExternRef::new(store, number))),
    }
}

pub fn lift(store: impl AsContext, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::FuncRef(function) => Value::Func(!function.is_null()),
        Val::ExternRef(reference) => {
            Value::Extern(reference.val().map(|reference| *reference.data(&store).downcast_ref::<u32>().expect("only numbers are made")))
        }
        other => panic!("no module with {other:?} is generated"),
    }
}

pub fn stop(error: &Error) -> Stop {
    match (error.as_trap_code(), error.kind()) {
        (Some(TrapCode::UnreachableCodeReached), _) => Stop::Unreachable,
        (Some(TrapCode::MemoryOutOfBounds), _) => Stop::Memory,
        (Some(TrapCode::TableOutOfBounds), _) => Stop::Table,
        (Some(TrapCode::IndirectCallToNull), _) => Stop::NullElement,
        (Some(TrapCode::BadSignature), _) => Stop::Signature,
        (Some(TrapCode::IntegerDivisionByZero), _) => Stop::Division,
        (Some(TrapCode::IntegerOverflow), _) => Stop::Overflow,
        (Some(TrapCode::BadConversionToInteger), _) => Stop::Conversion,
        (Some(TrapCode::StackOverflow), _) => Stop::Stack,
        (Some(TrapCode::OutOfFuel), _) => Stop::Steps,
        (_, ErrorKind::Message(message)) if **message == *host::FAILURE => Stop::Host,
        // Of tables that differ, wasmi says so in its own way.
        (_, ErrorKind::Table(TableError::CopyOutOfBounds)) => Stop::Table,
        (_, ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. })) => Stop::Table,
        _ => panic!("neither a trap that can be nor the host's error: {error:?}"),
    }
}
