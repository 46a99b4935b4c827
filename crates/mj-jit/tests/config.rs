//! What an engine can be configured to, and what it says about the rest.

mod common;

use common::{binary, instance_in, run};
use mj_jit::*;

#[test]
fn what_is_not_there_is_refused_by_the_setters_name() {
    type Set = fn(&mut Config) -> &mut Config;
    let cases: [(&str, Set); 14] = [
        ("wasm_simd", |config| config.wasm_simd(true)),
        ("wasm_tail_call", |config| config.wasm_tail_call(true)),
        ("wasm_gc", |config| config.wasm_gc(true)),
        ("wasm_exceptions", |config| config.wasm_exceptions(true)),
        ("wasm_memory64", |config| config.wasm_memory64(true)),
        ("wasm_threads", |config| config.wasm_threads(true)),
        ("debug_info", |config| config.debug_info(true)),
        ("coredump_on_trap", |config| config.coredump_on_trap(true)),
        ("strategy", |config| config.strategy(mj_jit::Strategy::Cranelift)),
        ("cranelift_nan_canonicalization", |config| config.cranelift_nan_canonicalization(true)),
        ("signals_based_traps", |config| config.signals_based_traps(false)),
        ("profiler", |config| config.profiler(ProfilingStrategy::VTune)),
        ("target", |config| config.target("s390x-unknown-linux-gnu").unwrap()),
        ("wasm_features", |config| config.wasm_features(WasmFeatures::CM_ASYNC, true)),
    ];
    for (setter, set) in cases {
        let mut config = Config::new();
        set(&mut config);
        let error = Engine::new(&config).expect_err(setter).to_string();
        assert!(error.contains(setter), "{setter}: {error}");
        assert!(error.contains("not supported"), "{error}");
    }
}

#[test]
fn what_was_turned_on_and_off_again_is_forgotten() {
    let mut config = Config::new();
    config.wasm_simd(true).wasm_simd(false).debug_info(true).debug_info(false);
    config.wasm_features(WasmFeatures::TAIL_CALL, true).wasm_features(WasmFeatures::TAIL_CALL, false);
    Engine::new(&config).unwrap();
}

#[test]
fn proposals_can_be_turned_off() {
    let engine = Engine::new(Config::new().wasm_bulk_memory(false).wasm_reference_types(false)).unwrap();
    let error = Module::new(&engine, binary("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("bulk-memory") && error.contains("turned off"), "{error}");
    let engine = Engine::new(Config::new().wasm_features(WasmFeatures::MULTI_VALUE, false)).unwrap();
    assert!(Module::new(&engine, binary("(module (func (result i32 i32) unreachable))")).is_err());
}

#[test]
fn a_missing_proposal_is_named_with_the_offset() {
    let error = Module::new(&Engine::default(), binary("(module (func (result v128) unreachable))")).unwrap_err().to_string();
    assert!(error.contains("SIMD") && error.contains("offset 0x"), "{error}");
}

#[test]
fn engines_say_how_they_are() {
    let engine = Engine::new(Config::new().consume_fuel(true).epoch_interruption(true).max_wasm_stack(1 << 20)).unwrap();
    assert!(engine.get_consume_fuel() && engine.get_epoch_interruption() && !engine.is_pulley());
    assert_eq!(engine.get_max_wasm_stack(), 1 << 20);
    let weak = engine.weak();
    assert!(Engine::same(&weak.upgrade().unwrap(), &engine));
    drop(engine);
    assert!(weak.upgrade().is_none());
}

#[test]
fn every_harmless_setter_is_accepted() {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::SpeedAndSize)
        .strategy(Strategy::Winch)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .memory_init_cow(false)
        .memory_may_move(false)
        .cache(Some(Cache::new(CacheConfig::new()).unwrap()))
        .collector(Collector::Auto)
        .allocation_strategy(InstanceAllocationStrategy::pooling())
        .parallel_compilation(false)
        .module_version(ModuleVersionStrategy::None)
        .unwrap();
    let (mut store, instance) = instance_in(&Engine::new(&config).unwrap(), r#"(module (func (export "run")))"#);
    run(&mut store, instance, "run").unwrap();
}

#[test]
fn a_pools_limits_hold() {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(2 << 16).table_elements(10);
    let engine = Engine::new(Config::new().allocation_strategy(pool)).unwrap();
    let error = Module::new(&engine, binary("(module (memory 3))")).unwrap_err().to_string();
    assert!(error.contains("memory index 0") && error.contains("131072"), "{error}");
    assert!(Module::new(&engine, binary("(module (table 11 funcref))")).is_err());
    let (mut store, instance) = instance_in(&engine, r#"(module (memory (export "m") 1) (table (export "t") 1 funcref))"#);
    let memory = instance.get_memory(&store, "m").unwrap();
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 1);
    assert!(memory.grow(&mut store, 1).is_err());
    assert!(instance.get_table(&store, "t").unwrap().grow(&mut store, 10, Ref::Func(None)).is_err());
}

#[test]
fn text_is_accepted() {
    Module::new(&Engine::default(), "(module)").unwrap();
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Module::from_file(&Engine::default(), "/no/such/file.wasm").unwrap_err();
    assert!(format!("{error:#}").contains("/no/such/file.wasm"), "{error:#}");
}
