//! Generated modules in mj.

use mj_jit::{
    AsContext, AsContextMut, Caller, Config, Engine, Error, Extern, ExternRef, ExternType, Func, Instance, Linker, Module, Ref, Rooted,
    Store, Trap, Val, ValType,
};

use crate::host::{self, Trace};
use crate::observation::{CALLS, Call, Item, Run, Stop, Type, Value, arguments, memory};

/// Runs the exported function `name`.
pub fn run(module: &Module, name: &str) -> Run {
    let engine = module.engine();
    let mut store = store(engine, 0);
    let instance = linker(engine).instantiate(&mut store, module).map_err(|error| stop(&error))?;
    Ok((0..CALLS).map(|call| one_call(&mut store, instance, name, call)).collect())
}

/// A store that nothing interrupts. Engines without fuel or epochs ignore that they are set.
pub fn store(engine: &Engine, trace: Trace) -> Store<Trace> {
    let mut store = Store::new(engine, trace);
    let _ = store.set_fuel(u64::MAX);
    store.set_epoch_deadline(1 << 40);
    store
}

/// An engine of this configuration.
pub fn engine(config: &Config) -> Engine {
    Engine::new(config).unwrap_or_else(|error| panic!("the configuration is refused: {error:#}"))
}

/// The exported functions, in order.
pub fn functions(module: &Module) -> Vec<String> {
    let functions = module.exports().filter(|export| matches!(export.ty(), ExternType::Func(_)));
    functions.map(|export| export.name().to_owned()).collect()
}

/// One call of an exported function, and what it left behind.
pub fn one_call(store: &mut Store<Trace>, instance: Instance, name: &str, call: u64) -> Call {
    let function = instance.get_func(&mut *store, name).expect("exported");
    let outcome = call_function(store, function, call);
    Call { outcome, trace: *store.data(), items: items(store, instance) }
}

/// Calls any function with arguments that it has for this number.
pub fn call_function(store: &mut Store<Trace>, function: Func, call: u64) -> Result<Vec<Value>, Stop> {
    let types: Vec<Type> = function.ty(&*store).params().map(|ty| type_of(&ty)).collect();
    call_with(store, function, &arguments(&types, call))
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
    let exports: Vec<(String, Extern)> =
        instance.exports(&mut *store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    exports.into_iter().filter_map(|(name, export)| Some((name, item(store, &export)?))).collect()
}

fn item(store: &mut Store<Trace>, export: &Extern) -> Option<Item> {
    Some(match export {
        Extern::Memory(exported) => memory(exported.data(&*store)),
        Extern::Table(table) => {
            let size = table.size(&*store);
            let is_null = |index| match table.get(&mut *store, index).expect("within the size") {
                Ref::Func(function) => function.is_none(),
                Ref::Extern(reference) => reference.is_none(),
                _ => true,
            };
            Item::Table((0..size).map(is_null).collect())
        }
        Extern::Global(global) => {
            let value = global.get(&mut *store);
            Item::Global(lift(&*store, &value))
        }
        _ => return None,
    })
}

/// The host's functions.
pub fn linker(engine: &Engine) -> Linker<Trace> {
    type C<'a> = Caller<'a, Trace>;
    type External = Option<Rooted<ExternRef>>;
    let define = || {
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
            .func_wrap("host", "fail", |mut caller: C<'_>, a: i64| host::fail(caller.data_mut(), a).map_err(Error::msg))?
            .func_wrap(
                "host",
                "pass",
                |mut caller: C<'_>, reference: External, a: i32| {
                    if host::drops(caller.data_mut(), reference.is_none(), a) { None } else { reference }
                },
            )?;
        Ok::<_, Error>(linker)
    };
    define().expect("each name once")
}

pub fn type_of(ty: &ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ty if ty.is_funcref() => Type::Func,
        ty if ty.is_externref() => Type::Extern,
        other => panic!("no module with {other} is generated"),
    }
}

pub fn lower(store: impl AsContextMut, value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::Func(_) => Val::FuncRef(None),
        Value::Extern(number) => Val::ExternRef(number.map(|number| ExternRef::new(store, number).expect("room for a reference"))),
    }
}

pub fn lift(store: impl AsContext, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::FuncRef(function) => Value::Func(function.is_some()),
        Val::ExternRef(reference) => Value::Extern(reference.map(|reference| {
            let data = reference.data(&store).expect("of this store").expect("made by the host");
            *data.downcast_ref::<u32>().expect("only numbers are made")
        })),
        other => panic!("no module with {other:?} is generated"),
    }
}

pub fn stop(error: &Error) -> Stop {
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => Stop::Unreachable,
        Some(Trap::MemoryOutOfBounds) => Stop::Memory,
        Some(Trap::TableOutOfBounds) => Stop::Table,
        Some(Trap::IndirectCallToNull) => Stop::NullElement,
        Some(Trap::BadSignature) => Stop::Signature,
        Some(Trap::IntegerDivisionByZero) => Stop::Division,
        Some(Trap::IntegerOverflow) => Stop::Overflow,
        Some(Trap::BadConversionToInteger) => Stop::Conversion,
        Some(Trap::StackOverflow) => Stop::Stack,
        None if error.root_cause().to_string() == host::FAILURE => Stop::Host,
        _ => panic!("neither a trap that can be nor the host's error: {error:?}"),
    }
}
