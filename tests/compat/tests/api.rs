//! The API as wasmtime's users write it, item by item.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::error::Context as _;
use wasmtime::*;

fn instance(text: &str) -> Result<(Store<()>, Instance)> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    Ok((store, instance))
}

#[test]
fn signatures_are_the_same() {
    let _: fn(&Config) -> Result<Engine> = Engine::new;
    let _: fn(&Engine, &[u8]) -> Result<()> = Module::validate;
    let _: fn(&Engine, &[u8]) -> Result<Module> = Module::from_binary;
    let _: fn(&Module, &str) -> Option<ExternType> = Module::get_export;
    let _: fn(&Module) -> Result<Vec<u8>> = Module::serialize;
    let _: unsafe fn(&Engine, Vec<u8>) -> Result<Module> = Module::deserialize;
    let _: unsafe fn(&Engine, &'static str) -> Result<Module> = Module::deserialize_file;
    let _: unsafe fn(&Engine, std::fs::File) -> Result<Module> = Module::deserialize_open_file;
    let _: unsafe fn(&Engine, std::ptr::NonNull<[u8]>) -> Result<Module> = Module::deserialize_raw;
    let _: fn(&Module) -> std::ops::Range<*const u8> = Module::image_range;
    let _: fn(&Engine, &[u8]) -> Result<Vec<u8>> = Engine::precompile_module;
    let _: fn(&[u8]) -> Option<Precompiled> = Engine::detect_precompiled;
    let _: fn(&'static str) -> Result<Option<Precompiled>> = Engine::detect_precompiled_file;
    let _: for<'a> fn(&'a mut Config, Option<Cache>) -> &'a mut Config = Config::cache;
    let _: fn(CacheConfig) -> Result<Cache> = Cache::new;
    let _: fn(Option<&std::path::Path>) -> Result<Cache> = Cache::from_file;
    let _: fn(&Engine, u32) -> Store<u32> = Store::new;
    let _: fn(&mut Store<u32>) -> &mut u32 = Store::data_mut;
    let _: fn(Store<u32>) -> u32 = Store::into_data;
    let _: fn(&mut Store<u32>, u64) -> Result<()> = Store::set_fuel;
    let _: fn(&Store<u32>) -> Result<u64> = Store::get_fuel;
    let _: fn(&mut Store<u32>, u64) = Store::set_epoch_deadline;
    let _: fn(&Engine) = Engine::increment_epoch;
    let _: fn(&Linker<u32>, &Module) -> Result<InstancePre<u32>> = Linker::instantiate_pre;
    let _: fn(&mut Linker<u32>, &Module) -> Result<()> = Linker::define_unknown_imports_as_traps;
    let _: fn(u32, Option<u32>) -> MemoryType = MemoryType::new;
    let _: fn(RefType, u32, Option<u32>) -> TableType = TableType::new;
    let _: fn(ValType, Mutability) -> GlobalType = GlobalType::new;
}

#[test]
fn functions_over_any_store_are_generic() -> Result<()> {
    fn sum(mut store: impl AsContextMut, function: &Func, numbers: &[i32]) -> Result<i64> {
        let mut total = 0;
        for &number in numbers {
            let mut results = [Val::I64(0)];
            function.call(&mut store, &[number.into()], &mut results)?;
            total += results[0].unwrap_i64();
        }
        Ok(total)
    }
    fn length<T>(store: StoreContext<'_, T>, memory: Memory) -> usize {
        memory.data(store).len()
    }
    fn twice<T>(mut store: StoreContextMut<'_, T>, function: &Func) -> Result<i64> {
        Ok(sum(&mut store, function, &[1])? + sum(store.as_context_mut(), function, &[2])?)
    }
    let (mut store, instance) =
        instance(r#"(module (memory (export "m") 2) (func (export "f") (param i32) (result i64) (i64.extend_i32_s (local.get 0))))"#)?;
    let function = instance.get_func(&mut store, "f").context("no f")?;
    assert_eq!(sum(&mut store, &function, &[1, 2, 3])?, 6);
    assert_eq!(twice(store.as_context_mut(), &function)?, 3);
    let memory = instance.get_memory(&mut store, "m").context("no m")?;
    assert_eq!(length(store.as_context(), memory), 2 << 16);
    assert_eq!(length((&store).into(), memory), 2 << 16);
    Ok(())
}

#[test]
fn externs_are_matched_and_converted() -> Result<()> {
    let (mut store, instance) = instance(
        r#"(module (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 3)) (func (export "f")))"#,
    )?;
    let exports: Vec<_> = instance.exports(&mut store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    for (name, export) in exports {
        match (name.as_str(), export) {
            ("m", Extern::Memory(memory)) => assert_eq!(memory.ty(&store).minimum(), 1),
            ("t", Extern::Table(table)) => assert!(table.ty(&store).element().matches(&RefType::FUNCREF)),
            ("g", Extern::Global(global)) => assert_eq!(global.get(&mut store).i32(), Some(3)),
            ("f", Extern::Func(func)) => assert_eq!(func.ty(&store).params().len(), 0),
            (_, Extern::SharedMemory(_) | Extern::Tag(_)) => unreachable!(),
            (name, other) => panic!("{name}: {other:?}"),
        }
    }
    Ok(())
}

#[test]
fn host_functions_of_all_shapes() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0u32);
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("h", "nothing", || {})?
        .func_wrap("h", "one", |number: i32| number + 1)?
        .func_wrap("h", "tuple", |a: i32, b: i64| (b, a))?
        .func_wrap("h", "fallible", |number: i32| if number == 0 { Err(Error::msg("zero")) } else { Ok(number) })?
        .func_wrap("h", "fallible_unit", move |_: f32| -> Result<()> {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })?
        .func_wrap("h", "caller", |mut caller: Caller<'_, u32>, by: u32| {
            *caller.data_mut() += by;
            *caller.data()
        })?
        .func_wrap("h", "trap", || -> Result<i32> { Err(Trap::UnreachableCodeReached.into()) })?;
    let ty = FuncType::new(&engine, [ValType::I32, ValType::F64], [ValType::F64]);
    linker.func_new("h", "dynamic", ty, |_caller, params, results| {
        results[0] = Val::F64((f64::from(params[0].unwrap_i32()) * params[1].unwrap_f64()).to_bits());
        Ok(())
    })?;
    fn typed<P: WasmParams, R: WasmResults>(linker: &Linker<u32>, store: &mut Store<u32>, name: &str) -> Result<TypedFunc<P, R>> {
        linker.get(&mut *store, "h", name)?.into_func().context("not a function")?.typed(store)
    }
    typed::<(), ()>(&linker, &mut store, "nothing")?.call(&mut store, ())?;
    assert_eq!(typed::<i32, i32>(&linker, &mut store, "one")?.call(&mut store, 1)?, 2);
    assert_eq!(typed::<(i32, i64), (i64, i32)>(&linker, &mut store, "tuple")?.call(&mut store, (1, 2))?, (2, 1));
    let fallible = typed::<i32, i32>(&linker, &mut store, "fallible")?;
    assert_eq!(fallible.call(&mut store, 5)?, 5);
    assert_eq!(fallible.call(&mut store, 0).unwrap_err().to_string(), "zero");
    typed::<f32, ()>(&linker, &mut store, "fallible_unit")?.call(&mut store, 1.0)?;
    assert_eq!(typed::<u32, u32>(&linker, &mut store, "caller")?.call(&mut store, 9)?, 9);
    let error = typed::<(), i32>(&linker, &mut store, "trap")?.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast::<Trap>()?, Trap::UnreachableCodeReached);
    assert_eq!(typed::<(i32, f64), f64>(&linker, &mut store, "dynamic")?.call(&mut store, (3, 0.5))?, 1.5);
    assert_eq!((count.load(Ordering::SeqCst), *store.data()), (1, 9));
    Ok(())
}

#[test]
fn errors_work_like_anyhows_and_with_it() -> Result<()> {
    fn inner(number: i32) -> Result<i32> {
        ensure!(number != 1, "number is {number}");
        if number == 2 {
            bail!("two");
        }
        if number == 3 {
            return Err(format_err!("{} and {}", "three", number));
        }
        let parsed = "4x".parse::<i32>().with_context(|| format!("parsing for {number}"))?;
        Ok(parsed)
    }
    fn outer(number: i32) -> anyhow::Result<i32> {
        Ok(inner(number).context("outer")?)
    }
    assert_eq!(inner(1).unwrap_err().to_string(), "number is 1");
    assert_eq!(inner(2).unwrap_err().to_string(), "two");
    assert_eq!(inner(3).unwrap_err().to_string(), "three and 3");
    assert_eq!(format!("{:#}", inner(4).unwrap_err()), "parsing for 4: invalid digit found in string");
    assert!(inner(4).unwrap_err().is::<std::num::ParseIntError>());
    let error = outer(4).unwrap_err();
    assert_eq!(format!("{error:#}"), "outer: parsing for 4: invalid digit found in string");
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    let back = Error::from_anyhow(error);
    assert!(back.downcast_ref::<std::num::ParseIntError>().is_some());
    assert_eq!(back.chain().count(), 3);
    let converted: Result<i32> = outer(2).to_wasmtime_result();
    assert_eq!(format!("{:#}", converted.unwrap_err()), "outer: two");
    let boxed: Box<dyn std::error::Error + Send + Sync> = inner(2).unwrap_err().into();
    assert_eq!(boxed.to_string(), "two");
    Ok(())
}

#[test]
fn traps_carry_backtraces() -> Result<()> {
    let (mut store, instance) =
        instance(r#"(module $m (func $f (export "f") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))"#)?;
    let function = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    let error = function.call(&mut store, 0).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
    assert_eq!(error.root_cause().to_string(), "wasm trap: integer divide by zero");
    let frame = &error.downcast_ref::<WasmBacktrace>().context("no backtrace")?.frames()[0];
    assert_eq!((frame.func_index(), frame.func_name(), frame.module().name()), (0, Some("f"), Some("m")));
    assert!(frame.module_offset().is_some() && frame.func_offset().is_some() && frame.symbols().is_empty());
    Ok(())
}

#[test]
fn external_references_hold_anything() -> Result<()> {
    let (mut store, instance) =
        instance(r#"(module (table (export "t") 4 externref) (func (export "f") (param externref) (result externref) (local.get 0)))"#)?;
    let value = ExternRef::new(&mut store, String::from("anything"))?;
    let function = instance.get_func(&mut store, "f").unwrap();
    let mut results = [Val::null_extern_ref()];
    function.call(&mut store, &[Val::ExternRef(Some(value))], &mut results)?;
    let back = results[0].unwrap_externref().context("null")?;
    let data = back.data(&store)?.context("not the host's")?.downcast_ref::<String>();
    assert_eq!(data.map(String::as_str), Some("anything"));
    let table = instance.get_table(&mut store, "t").unwrap();
    table.set(&mut store, 2, Ref::Extern(Some(value)))?;
    assert!(table.get(&mut store, 2).unwrap().is_non_null() && table.get(&mut store, 4).is_none());
    assert!(Rooted::ref_eq(&store, back, &value)?);
    let mut scope = RootScope::new(&mut store);
    let scoped = ExternRef::new(&mut scope, 5u8)?;
    let owned = scoped.to_owned_rooted(&mut scope)?;
    assert!(owned.data(&store)?.unwrap().is::<u8>());
    Ok(())
}

#[test]
fn limiters_are_asked() -> Result<()> {
    struct State {
        limits: StoreLimits,
    }
    struct Stingy;
    impl ResourceLimiter for Stingy {
        fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
            Ok(desired <= 1 << 16)
        }
        fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
            if desired > 10 { bail!("no large tables") } else { Ok(true) }
        }
    }
    let engine = Engine::default();
    let module = Module::new(&engine, r#"(module (memory (export "m") 1) (table (export "t") 10 funcref))"#)?;
    let limits = StoreLimitsBuilder::new().memory_size(1 << 16).table_elements(10).build();
    let mut store = Store::new(&engine, State { limits });
    store.limiter(|state| &mut state.limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    assert!(instance.get_memory(&mut store, "m").unwrap().grow(&mut store, 1).is_err());
    let mut store = Store::new(&engine, Stingy);
    store.limiter(|stingy| stingy);
    let instance = Instance::new(&mut store, &module, &[])?;
    assert!(instance.get_memory(&mut store, "m").unwrap().grow(&mut store, 1).is_err());
    let error = instance.get_table(&mut store, "t").unwrap().grow(&mut store, 1, Ref::Func(None)).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "no large tables");
    Ok(())
}

#[test]
fn epochs_interrupt() -> Result<()> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let module = Module::new(&engine, r#"(module (func (export "loop") (loop $l (br $l))))"#)?;
    let mut store = Store::new(&engine, 0);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        *context.data_mut() += 1;
        if *context.data() < 3 { Ok(UpdateDeadline::Continue(1)) } else { Err(format_err!("three times")) }
    });
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let forever = instance.get_typed_func::<(), ()>(&mut store, "loop")?;
    let done = Arc::new(AtomicUsize::new(0));
    let ticker = std::thread::spawn({
        let (engine, done) = (engine.clone(), Arc::clone(&done));
        move || {
            while done.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(std::time::Duration::from_millis(2));
                engine.increment_epoch();
            }
        }
    });
    let error = forever.call(&mut store, ()).unwrap_err();
    done.store(1, Ordering::SeqCst);
    ticker.join().unwrap();
    assert_eq!((error.root_cause().to_string().as_str(), *store.data()), ("three times", 3));
    Ok(())
}

#[test]
fn types_describe_modules() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module (import "a" "b" (func (param i32 i64) (result f32))) (import "a" "m" (memory 1 2)) (global (export "g") (mut externref) (ref.null extern)))"#,
    )?;
    let described: Vec<String> = module
        .imports()
        .map(|import| match import.ty() {
            ExternType::Func(ty) => format!("{}.{} {} -> {}", import.module(), import.name(), ty.params().len(), ty.results().len()),
            ExternType::Memory(ty) => format!("{}.{} {}..{:?}", import.module(), import.name(), ty.minimum(), ty.maximum()),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(described, ["a.b 2 -> 1", "a.m 1..Some(2)"]);
    let global = module.get_export("g").unwrap().unwrap_global().clone();
    assert!(global.content().is_externref() && global.mutability().is_var() && !global.mutability().is_const());
    let ty = FuncType::new(&engine, [ValType::I32, ValType::I64], [ValType::F32]);
    let import = module.imports().next().unwrap().ty();
    assert!(FuncType::eq(&ty, import.unwrap_func()) && ValType::eq(&ty.param(0).unwrap(), &ValType::I32));
    assert_eq!(ValType::FUNCREF.to_string(), "(ref null func)");
    assert_eq!(Val::default_for_ty(&ValType::I64).and_then(|value| value.i64()), Some(0));
    Ok(())
}
