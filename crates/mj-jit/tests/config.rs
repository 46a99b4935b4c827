//! What an engine can be configured to, and what it says about the rest.

mod common;

use common::{binary, instance_in, run};
use mj_jit::*;

#[test]
fn what_is_not_there_is_refused_by_the_setters_name() {
    type Set = fn(&mut Config) -> &mut Config;
    let cases: [(&str, Set); 11] = [
        ("wasm_simd", |config| config.wasm_simd(true)),
        ("wasm_tail_call", |config| config.wasm_tail_call(true)),
        ("wasm_gc", |config| config.wasm_gc(true)),
        ("wasm_exceptions", |config| config.wasm_exceptions(true)),
        ("wasm_memory64", |config| config.wasm_memory64(true)),
        ("wasm_threads", |config| config.wasm_threads(true)),
        ("debug_info", |config| config.debug_info(true)),
        ("coredump_on_trap", |config| config.coredump_on_trap(true)),
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
        .cache(None)
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

#[test]
fn computed_nans_are_canonical_if_asked_for_and_moved_ones_are_kept() {
    let mut body = String::new();
    let mut export = |name: &str, params: &str, result: &str, code: String| {
        body += &format!("(func (export \"{name}\") {params} (result {result}) {code})\n");
    };
    let unary = ["sqrt", "ceil", "floor", "trunc", "nearest", "abs", "neg"];
    for (float, int) in [("f32", "i32"), ("f64", "i64")] {
        let local = |index: usize| format!("({float}.reinterpret_{int} (local.get {index}))");
        let bits = |code: &str| format!("({int}.reinterpret_{float} {code})");
        for op in ["add", "sub", "mul", "div", "min", "max", "copysign"] {
            let code = bits(&format!("({float}.{op} {} {})", local(0), local(1)));
            export(&format!("{float}.{op}"), &format!("(param {int} {int})"), int, code);
        }
        for op in unary {
            let code = bits(&format!("({float}.{op} {})", local(0)));
            export(&format!("{float}.{op}"), &format!("(param {int} {int})"), int, code);
        }
    }
    let promote = "(i64.reinterpret_f64 (f64.promote_f32 (f32.reinterpret_i32 (local.get 0))))";
    export("promote", "(param i32)", "i64", promote.to_string());
    let demote = "(i32.reinterpret_f32 (f32.demote_f64 (f64.reinterpret_i64 (local.get 0))))";
    export("demote", "(param i64)", "i32", demote.to_string());
    for few in [false, true] {
        let engine = Engine::new(Config::new().cranelift_nan_canonicalization(true).codegen_few_registers(few)).unwrap();
        assert_eq!(engine.get_cranelift_nan_canonicalization(), Some(true));
        let (mut store, instance) = instance_in(&engine, &format!("(module {body})"));
        // A signalling NaN with a sign and a payload, on either side.
        let (nan32, nan64) = (0xffa1_2345_u32, 0xfff4_5678_9abc_def0_u64);
        for (a, b) in [(nan32, 1.5f32.to_bits()), (1.5f32.to_bits(), nan32)] {
            for op in ["add", "sub", "mul", "div", "min", "max"] {
                let call = instance.get_typed_func::<(u32, u32), u32>(&mut store, &format!("f32.{op}")).unwrap();
                assert_eq!(call.call(&mut store, (a, b)).unwrap(), 0x7fc0_0000, "f32.{op} {few}");
            }
        }
        for (a, b) in [(nan64, 1.5f64.to_bits()), (1.5f64.to_bits(), nan64)] {
            for op in ["add", "sub", "mul", "div", "min", "max"] {
                let call = instance.get_typed_func::<(u64, u64), u64>(&mut store, &format!("f64.{op}")).unwrap();
                assert_eq!(call.call(&mut store, (a, b)).unwrap(), 0x7ff8_0000_0000_0000, "f64.{op} {few}");
            }
        }
        let mut f32 = |name: &str, a: u32, b: u32| {
            instance.get_typed_func::<(u32, u32), u32>(&mut store, name).unwrap().call(&mut store, (a, b)).unwrap()
        };
        for op in &unary[..5] {
            assert_eq!(f32(&format!("f32.{op}"), nan32, 0), 0x7fc0_0000, "f32.{op} {few}");
        }
        // What makes a NaN of numbers, what does not make one, and what only moves bits.
        assert_eq!(f32("f32.sub", f32::INFINITY.to_bits(), f32::INFINITY.to_bits()), 0x7fc0_0000);
        assert_eq!(f32("f32.sqrt", (-1f32).to_bits(), 0), 0x7fc0_0000);
        assert_eq!(f32("f32.add", 1f32.to_bits(), 2f32.to_bits()), 3f32.to_bits());
        assert_eq!(f32("f32.abs", nan32, 0), nan32 & 0x7fff_ffff);
        assert_eq!(f32("f32.neg", nan32, 0), nan32 ^ 0x8000_0000);
        assert_eq!(f32("f32.copysign", nan32, 0), nan32 & 0x7fff_ffff);
        let mut f64 = |name: &str, a: u64, b: u64| {
            instance.get_typed_func::<(u64, u64), u64>(&mut store, name).unwrap().call(&mut store, (a, b)).unwrap()
        };
        for op in &unary[..5] {
            assert_eq!(f64(&format!("f64.{op}"), nan64, 0), 0x7ff8_0000_0000_0000, "f64.{op} {few}");
        }
        assert_eq!(f64("f64.div", 0f64.to_bits(), 0f64.to_bits()), 0x7ff8_0000_0000_0000);
        assert_eq!(f64("f64.mul", 3f64.to_bits(), 2f64.to_bits()), 6f64.to_bits());
        assert_eq!(f64("f64.neg", nan64, 0), nan64 ^ 1 << 63);
        let promote = instance.get_typed_func::<u32, u64>(&mut store, "promote").unwrap();
        assert_eq!(promote.call(&mut store, nan32).unwrap(), 0x7ff8_0000_0000_0000);
        let demote = instance.get_typed_func::<u64, u32>(&mut store, "demote").unwrap();
        assert_eq!(demote.call(&mut store, nan64).unwrap(), 0x7fc0_0000);
    }
}
