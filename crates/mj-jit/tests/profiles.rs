//! What profilers get. In a process of its own, for the files are the process's.

mod common;

use common::module;
use mj_jit::*;

#[test]
fn profilers_get_a_map() {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    let engine = Engine::new(Config::new().profiler(ProfilingStrategy::PerfMap)).unwrap();
    let _module = module(&engine, "(module (func $in_the_map))");
    let map = std::fs::read_to_string(&path).unwrap();
    assert!(map.lines().any(|line| line.ends_with("wasm[function 0 (in_the_map)]")), "{map}");
    sees_tiers(&path);
    std::fs::remove_file(path).unwrap();
}

/// The map is the process's, so this is not a test of its own.
fn sees_tiers(path: &str) {
    let mut config = Config::new();
    config.profiler(ProfilingStrategy::PerfMap).tier_up_budget(1).tier_up_waits(true);
    let engine = Engine::new(&config).unwrap();
    let text = r#"(module (func $spins (export "spins") (param i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    instance.get_typed_func::<i32, ()>(&mut store, "spins").unwrap().call(&mut store, 9).unwrap();
    let map = std::fs::read_to_string(path).unwrap();
    let names: Vec<&str> = map.lines().filter_map(|line| line.splitn(3, ' ').nth(2)).filter(|name| name.contains("spins")).collect();
    assert_eq!(names[..2], ["wasm[function 0 (spins)]", "wasm[function 0 (spins)] optimized"]);
    assert!(names[2].starts_with("wasm[function 0 (spins)] optimized loop 0x"), "{names:?}");
    assert_eq!(names.len(), 3);
}

#[test]
fn profilers_get_a_dump_with_code() {
    let folder = std::env::temp_dir().join(format!("mj-dump-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::env::set_current_dir(&folder).unwrap();
    let engine = Engine::new(Config::new().profiler(ProfilingStrategy::JitDump).compilation_mode(CompilationMode::Lazy)).unwrap();
    let module = module(&engine, "(module (func $first) (func $second (result i32) (i32.const 7)))");
    module.compile_function(1).unwrap();
    module.compile_function(0).unwrap();
    let dump = std::fs::read(folder.join(format!("jit-{}.dump", std::process::id()))).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let word = |at: usize| u32::from_ne_bytes(dump[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(4)), (0x4a69_5444, 1), "magic and version");
    let mut at = word(8) as usize;
    for (name, function) in [("wasm[function 1 (second)]", 1), ("wasm[function 0 (first)]", 0)] {
        let (kind, size) = (word(at), word(at + 4) as usize);
        assert_eq!(kind, 0, "a record of loaded code");
        let end_of_name = at + 56 + name.len();
        assert_eq!(&dump[at + 56..end_of_name + 1], [name.as_bytes(), &[0]].concat());
        assert_eq!(&dump[end_of_name + 1..at + size], module.function_code(function).unwrap());
        at += size;
    }
    assert_eq!(at, dump.len());
}
