//! Modules that were compiled before: what runs, and what is refused.

mod common;

use std::hash::{BuildHasher, RandomState};

use common::{binary, run};
use mj_jit::*;

/// Calls of every kind, memory, tables, a trap with names, a hot loop.
const PROGRAM: &str = r#"(module $program
    (import "host" "double" (func $double (param i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 16) "\2a")
    (global $counter (mut i32) (i32.const 0))
    (table (export "table") 4 funcref) (elem (i32.const 1) $increment $double $fibonacci)
    (func $increment (type $unary)
        (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
        (i32.add (local.get 0) (i32.const 1)))
    (func $fibonacci (export "fibonacci") (type $unary)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
                (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "by_table") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0)))
    (func (export "counter") (result i32) (global.get $counter))
    (func (export "load") (result i32) (i32.load8_u (i32.const 16)))
    (func (export "sum") (param $n i32) (result f64) (local $sum f64)
        (loop $again
            (local.set $sum (f64.add (local.get $sum) (f64.const 0.5)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func $innermost (param i32) (drop (i32.div_s (i32.const 1) (local.get 0))))
    (func $middle (call $innermost (call $double (i32.const 0))))
    (func $outer (export "trap") (call $middle)))"#;

fn configurations() -> Vec<Config> {
    let mut all = Vec::new();
    for strategy in [Strategy::TIERED, Strategy::BASELINE, Strategy::OPTIMIZING] {
        for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
            for reservation in [4 << 30, 0] {
                let mut config = Config::new();
                config.strategy(strategy).compilation_mode(mode).memory_reservation(reservation).tier_up_budget(300).tier_up_waits(true);
                all.push(config);
            }
        }
    }
    all
}

fn instantiate(store: &mut Store<()>, module: &Module) -> Instance {
    let double = Func::wrap(&mut *store, |value: i32| value * 2);
    Instance::new(store, module, &[double.into()]).unwrap()
}

/// Runs all of [`PROGRAM`].
fn check(module: &Module) {
    for _ in 0..2 {
        let mut store = Store::new(module.engine(), ());
        let instance = instantiate(&mut store, module);
        let fibonacci = instance.get_typed_func::<i32, i32>(&mut store, "fibonacci").unwrap();
        assert_eq!(fibonacci.call(&mut store, 15).unwrap(), 610);
        let by_table = instance.get_typed_func::<(i32, i32), i32>(&mut store, "by_table").unwrap();
        assert_eq!((1..=3).map(|place| by_table.call(&mut store, (place, 10)).unwrap()).collect::<Vec<_>>(), [11, 20, 55]);
        assert_eq!(by_table.call(&mut store, (0, 1)).unwrap_err().downcast::<Trap>().unwrap(), Trap::IndirectCallToNull);
        let nullary =
            |name: &str, store: &mut Store<()>| instance.get_typed_func::<(), i32>(&mut *store, name).unwrap().call(store, ()).unwrap();
        assert_eq!(nullary("counter", &mut store), 1);
        assert_eq!(nullary("load", &mut store), 42);
        assert_eq!(instance.get_typed_func::<i32, f64>(&mut store, "sum").unwrap().call(&mut store, 5000).unwrap(), 2500.0);
        let error = run(&mut store, instance, "trap").unwrap_err();
        assert_eq!(*error.downcast_ref::<Trap>().unwrap(), Trap::IntegerDivisionByZero);
        let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
        let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["innermost", "middle", "outer"]);
        // Where `i32.div_s` and the calls are.
        let offsets: Vec<_> = backtrace.frames().iter().map(|frame| frame.module_offset().unwrap()).collect();
        assert_eq!(offsets, offsets_of_trap(module));
    }
}

/// What a module that is compiled here says of the same trap.
fn offsets_of_trap(module: &Module) -> Vec<usize> {
    let fresh = Module::new(&Engine::default(), module.bytes()).unwrap();
    let mut store = Store::new(fresh.engine(), ());
    let instance = instantiate(&mut store, &fresh);
    let error = run(&mut store, instance, "trap").unwrap_err();
    error.downcast_ref::<WasmBacktrace>().unwrap().frames().iter().map(|frame| frame.module_offset().unwrap()).collect()
}

fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: the tests pass what was serialized here, or what is recognized as damaged.
    unsafe { Module::deserialize(engine, bytes) }
}

/// What a refusal says.
fn refusal(engine: &Engine, bytes: &[u8]) -> String {
    match deserialize(engine, bytes) {
        Ok(_) => panic!("it is accepted"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_module_does_the_same_after_a_round_trip_in_every_configuration() {
    let program = binary(PROGRAM);
    for config in configurations() {
        let bytes = Module::new(&Engine::new(&config).unwrap(), &program).unwrap().serialize().unwrap();
        let engine = Engine::new(&config).unwrap();
        let module = deserialize(&engine, &bytes).unwrap();
        assert_eq!(module.name(), Some("program"));
        assert_eq!(module.bytes(), program);
        assert_eq!(module.functions().len(), 9);
        check(&module);
        // And once more, with what was optimized meanwhile.
        let again = module.serialize().unwrap();
        check(&deserialize(&Engine::new(&config).unwrap(), &again).unwrap());
    }
}

#[test]
fn what_a_program_made_hot_is_in_its_serialized_module() {
    let config = &configurations()[0];
    let module = Module::new(&Engine::new(config).unwrap(), binary(PROGRAM)).unwrap();
    let cold = module.serialize().unwrap();
    check(&module);
    let warm = module.serialize().unwrap();
    let code_of = |bytes: &[u8]| {
        let mut config = config.clone();
        config.tier_up_observer(|event| panic!("{event}"));
        let module = deserialize(&Engine::new(&config).unwrap(), bytes).unwrap();
        module.function_code(2).unwrap().to_vec()
    };
    assert_ne!(code_of(&cold), code_of(&warm), "the recursive function was optimized");
    // It starts optimized: nothing is reported, so nothing is optimized again.
    let mut silent = config.clone();
    silent.tier_up_observer(|event| assert_ne!(event.function, 2, "{event}"));
    check(&deserialize(&Engine::new(&silent).unwrap(), &warm).unwrap());
}

#[test]
fn serializing_is_deterministic_and_a_module_in_use_can_be_serialized() {
    for config in configurations() {
        let serialized = || Module::new(&Engine::new(&config).unwrap(), binary(PROGRAM)).unwrap().serialize().unwrap();
        assert_eq!(serialized(), serialized());
    }
}

#[test]
fn precompiled_modules_run_in_the_engine_and_in_others_like_it() {
    for config in configurations() {
        let engine = Engine::new(&config).unwrap();
        let bytes = engine.precompile_module(&binary(PROGRAM)).unwrap();
        assert_eq!(Engine::detect_precompiled(&bytes), Some(Precompiled::Module));
        check(&deserialize(&engine, &bytes).unwrap());
        check(&deserialize(&Engine::new(&config).unwrap(), &bytes).unwrap());
    }
    // What is ready runs whichever compiler the engine has.
    let optimized = Engine::default().precompile_module(&binary(PROGRAM)).unwrap();
    check(&deserialize(&Engine::new(Config::new().strategy(Strategy::BASELINE)).unwrap(), &optimized).unwrap());
    Engine::default().precompile_module(b"\0asm").unwrap_err();
}

#[test]
fn modules_of_every_size_survive() {
    let engine = Engine::default();
    for functions in [0, 1, 1000] {
        let body = "(func (export \"f\") (result i32) (i32.const 7))";
        let text = format!("(module {} {})", if functions > 0 { body } else { "" }, "(func (drop (i32.const 1)))".repeat(functions));
        let module = deserialize(&engine, &engine.precompile_module(&binary(&text)).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        if functions > 0 {
            assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "f").unwrap().call(&mut store, ()).unwrap(), 7);
        }
    }
}

#[test]
fn many_threads_run_one_deserialized_module() {
    let config = &configurations()[0];
    let bytes = Engine::new(config).unwrap().precompile_module(&binary(PROGRAM)).unwrap();
    let module = deserialize(&Engine::new(config).unwrap(), &bytes).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| check(&module));
        }
    });
}

#[test]
fn other_options_are_refused_by_name() {
    let bytes = Engine::default().precompile_module(&binary(PROGRAM)).unwrap();
    let refused = |option: &str, change: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        change(&mut config);
        let said = refusal(&Engine::new(&config).unwrap(), &bytes);
        assert!(said.contains(option) && said.contains("compile it again"), "{option}: {said}");
    };
    refused("fuel", &|config| _ = config.consume_fuel(true));
    refused("bounds", &|config| _ = config.memory_reservation(0));
    refused("nan_canonicalization", &|config| _ = config.cranelift_nan_canonicalization(true));
    refused("precise_stores", &|config| _ = config.precise_stores(true));
    refused("few_registers", &|config| _ = config.codegen_few_registers(true));
    refused("spill_everything", &|config| _ = config.codegen_spill_everything(true));
    refused("proposals", &|config| _ = config.wasm_reference_types(false).wasm_bulk_memory(false));
    refused("version", &|config| _ = config.module_version(ModuleVersionStrategy::Custom("mine".into())).unwrap());
}

#[test]
fn code_that_counts_work_runs_with_the_same_period_only() {
    let tiered = |budget| Engine::new(Config::new().tier_up_budget(budget)).unwrap();
    let bytes = Module::new(&tiered(3000), binary(PROGRAM)).unwrap().serialize().unwrap();
    check(&deserialize(&tiered(3000), &bytes).unwrap());
    assert!(refusal(&tiered(6000), &bytes).contains("tiering"));
    assert!(refusal(&Engine::new(Config::new().strategy(Strategy::BASELINE)).unwrap(), &bytes).contains("tiering"));
}

#[test]
fn engines_that_agree_have_the_same_compatibility_hash() {
    let state = RandomState::new();
    let hash = |config: &Config| state.hash_one(Engine::new(config).unwrap().precompile_compatibility_hash());
    assert_eq!(hash(&Config::new()), hash(Config::new().max_wasm_stack(1 << 20)));
    assert_ne!(hash(&Config::new()), hash(Config::new().consume_fuel(true)));
}

#[test]
fn damaged_bytes_are_refused() {
    let engine = Engine::default();
    let bytes = engine.precompile_module(&binary(PROGRAM)).unwrap();
    for length in (0..bytes.len()).step_by(7) {
        refusal(&engine, &bytes[..length]);
    }
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let said = refusal(&engine, &damaged);
        assert!(said.contains("compiled module"), "{at}: {said}");
    }
    assert!(refusal(&engine, &binary(PROGRAM)).contains("not a compiled module"));
    assert!(refusal(&engine, &[&bytes[..], b"more"].concat()).contains("behind its end"));
}

#[test]
fn a_module_keeps_its_file_and_may_be_a_part_of_one() {
    let path = std::env::temp_dir().join(format!("mj-serialize-part-{}", std::process::id()));
    let engine = Engine::default();
    let bytes = engine.precompile_module(&binary(PROGRAM)).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    // SAFETY: written here, and nobody else knows the files.
    let mapped = unsafe { Module::deserialize_file(&engine, &path) }.unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, [b"something in front ", &bytes[..]].concat()).unwrap();
    let mut file = std::fs::File::open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(19)).unwrap();
    // SAFETY: as above.
    let part = unsafe { Module::deserialize_open_file(&engine, file) }.unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    // SAFETY: a byte is missing, which is noticed.
    let error = unsafe { Module::deserialize_file(&engine, &path) }.unwrap_err();
    assert!(format!("{error:#}").contains("incomplete"), "{error:#}");
    std::fs::write(&path, []).unwrap();
    // SAFETY: there is nothing that could run.
    unsafe { Module::deserialize_file(&engine, &path) }.unwrap_err();
    std::fs::remove_file(&path).unwrap();
    for module in [&mapped, &part] {
        assert_eq!((module.bytes(), module.name()), (&binary(PROGRAM)[..], Some("program")));
        check(module);
        // SAFETY: made here.
        check(&unsafe { Module::deserialize(&engine, module.serialize().unwrap()) }.unwrap());
        let range = module.image_range();
        assert_eq!(range, module.text().as_ptr_range());
        assert!(module.functions().all(|function| function.offset + function.len <= module.text().len()));
    }
}

#[test]
fn files_are_deserialized_and_recognized() {
    let folder = std::env::temp_dir().join(format!("mj-serialize-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let engine = Engine::default();
    let (compiled, source) = (folder.join("program.cwasm"), folder.join("program.wasm"));
    std::fs::write(&compiled, engine.precompile_module(&binary(PROGRAM)).unwrap()).unwrap();
    std::fs::write(&source, binary(PROGRAM)).unwrap();
    assert_eq!(Engine::detect_precompiled_file(&compiled).unwrap(), Some(Precompiled::Module));
    assert_eq!(Engine::detect_precompiled_file(&source).unwrap(), None);
    Engine::detect_precompiled_file(folder.join("missing")).unwrap_err();
    // SAFETY: written above; the other is no compiled module, or not there.
    unsafe {
        check(&Module::deserialize_file(&engine, &compiled).unwrap());
        check(&Module::deserialize_open_file(&engine, std::fs::File::open(&compiled).unwrap()).unwrap());
        let mut bytes = std::fs::read(&compiled).unwrap();
        let module = Module::deserialize_raw(&engine, std::ptr::NonNull::from(&mut bytes[..])).unwrap();
        bytes.fill(0);
        check(&module);
        let error = format!("{:#}", Module::deserialize_file(&engine, &source).unwrap_err());
        assert!(error.contains("program.wasm") && error.contains("not a compiled module"), "{error}");
        let error = format!("{:#}", Module::deserialize_file(&engine, folder.join("missing")).unwrap_err());
        assert!(error.contains("missing"), "{error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_pool_limits_deserialized_modules_too() {
    let bytes = Engine::default().precompile_module(&binary("(module (memory 10))")).unwrap();
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(1 << 16);
    let engine = Engine::new(Config::new().allocation_strategy(pool)).unwrap();
    let said = refusal(&engine, &bytes);
    assert!(said.contains("memory index 0"), "{said}");
}
