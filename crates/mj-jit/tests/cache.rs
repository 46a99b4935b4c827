//! Code that is kept between runs: what is found, what is ignored, and that nobody notices.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::binary;
use mj_jit::*;

const PROGRAM: &str = r#"(module
    (func $fibonacci (export "fibonacci") (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
                (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "sum") (param $n i32) (result i64) (local $sum i64)
        (loop $again
            (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func $trap (export "trap") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (call $trap (i32.sub (local.get 0) (i32.const 1)))) (else (unreachable)))))"#;

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("mj-cache-{}-{number}", std::process::id())))
    }

    fn cache(&self) -> Cache {
        let mut config = CacheConfig::new();
        Cache::new(config.with_directory(&self.0).clone()).unwrap()
    }

    /// Files whose names end so.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What an engine optimized: function, and whether its whole.
type Events = Arc<Mutex<Vec<(u32, bool)>>>;

fn tiered(cache: &Cache, mode: CompilationMode) -> (Engine, Events) {
    let events = Events::default();
    let log = Arc::clone(&events);
    let mut config = Config::new();
    config.cache(Some(cache.clone())).compilation_mode(mode).tier_up_budget(300).tier_up_waits(true);
    config.tier_up_observer(move |event| log.lock().unwrap().push((event.function, event.loop_offset.is_none())));
    (Engine::new(&config).unwrap(), events)
}

fn fibonacci(module: &Module) {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    assert_eq!(instance.get_typed_func::<i32, i32>(&mut store, "fibonacci").unwrap().call(&mut store, 15).unwrap(), 610);
}

fn sum(module: &Module) {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    assert_eq!(instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap().call(&mut store, 10_000).unwrap(), 50_005_000);
}

fn trap(module: &Module) {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let error = instance.get_typed_func::<i32, i32>(&mut store, "trap").unwrap().call(&mut store, 1000).unwrap_err();
    assert_eq!(*error.downcast_ref::<Trap>().unwrap(), Trap::UnreachableCodeReached);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    assert!(frames.len() == 20 && frames.iter().all(|frame| frame.func_index() == 2 && frame.func_name() == Some("trap")));
}

#[test]
fn what_was_hot_starts_optimized_the_next_time() {
    for mode in [CompilationMode::Lazy, CompilationMode::Eager] {
        let folder = Folder::new();
        let cache = folder.cache();
        let mut optimized = Vec::new();
        for run in 0..3 {
            let (engine, events) = tiered(&cache, mode);
            let module = Module::new(&engine, binary(PROGRAM)).unwrap();
            assert_eq!(module.was_cached(), run > 0);
            let ready = if mode == CompilationMode::Eager { 3 } else { optimized.len() };
            assert_eq!(module.functions().len(), ready);
            assert_eq!(module.function_code(0).is_some(), ready > 0);
            fibonacci(&module);
            trap(&module);
            let events = events.lock().unwrap();
            assert!(events.iter().all(|event| event.1 && !optimized.contains(event)), "{run}: {optimized:?}, {events:?}");
            optimized.extend(events.iter());
            assert!(optimized.contains(&(0, true)));
        }
        assert_eq!((cache.cache_hits(), cache.cache_misses()), (2, 1));
        assert_eq!((folder.files(".module").len(), folder.files(".code").len(), folder.files("").len()), (1, 1, 2));
    }
}

#[test]
fn a_loop_that_was_hot_is_entered_at_once() {
    let folder = Folder::new();
    let cache = folder.cache();
    let run = || {
        let (engine, events) = tiered(&cache, CompilationMode::Lazy);
        sum(&Module::new(&engine, binary(PROGRAM)).unwrap());
        events.lock().unwrap().clone()
    };
    assert_eq!(run()[0], (1, false), "the loop is optimized");
    assert!(!run().contains(&(1, false)), "the loop is there");
}

#[test]
fn runs_that_make_different_functions_hot_add_up() {
    let folder = Folder::new();
    let cache = folder.cache();
    // Both begin without anything, and the second to end finds what the first has written.
    let (first, _) = tiered(&cache, CompilationMode::Lazy);
    let (second, _) = tiered(&cache, CompilationMode::Lazy);
    let modules = [Module::new(&first, binary(PROGRAM)).unwrap(), Module::new(&second, binary(PROGRAM)).unwrap()];
    fibonacci(&modules[0]);
    for _ in 0..3 {
        sum(&modules[1]);
    }
    drop(modules);
    let (engine, events) = tiered(&cache, CompilationMode::Lazy);
    let module = Module::new(&engine, binary(PROGRAM)).unwrap();
    fibonacci(&module);
    sum(&module);
    assert!(module.function_code(0).is_some());
    assert_eq!(*events.lock().unwrap(), []);
}

#[test]
fn images_are_kept_whole_where_code_stays() {
    for strategy in [Strategy::BASELINE, Strategy::OPTIMIZING] {
        let folder = Folder::new();
        let cache = folder.cache();
        let engine = || Engine::new(Config::new().strategy(strategy).cache(Some(cache.clone()))).unwrap();
        let texts: Vec<Vec<u8>> = (0..2)
            .map(|run| {
                let module = Module::new(&engine(), binary(PROGRAM)).unwrap();
                assert_eq!(module.was_cached(), run > 0);
                fibonacci(&module);
                sum(&module);
                trap(&module);
                (0..3).flat_map(|function| module.function_code(function).unwrap().len().to_le_bytes()).collect()
            })
            .collect();
        assert_eq!(texts[0], texts[1]);
        assert_eq!((cache.cache_hits(), cache.cache_misses()), (1, 1));
    }
}

#[test]
fn lazily_optimized_functions_are_kept() {
    let folder = Folder::new();
    let cache = folder.cache();
    for run in 0..3 {
        let mut config = Config::new();
        config.strategy(Strategy::OPTIMIZING).compilation_mode(CompilationMode::Lazy).cache(Some(cache.clone()));
        let module = Module::new(&Engine::new(&config).unwrap(), binary(PROGRAM)).unwrap();
        assert_eq!([0, 1, 2].map(|function| module.function_code(function).is_some()), [run > 0, run > 1, false]);
        if run == 0 { fibonacci(&module) } else { sum(&module) }
    }
}

#[test]
fn nothing_is_written_for_small_modules_in_which_nothing_is_hot() {
    let folder = Folder::new();
    let (engine, _) = tiered(&folder.cache(), CompilationMode::Lazy);
    drop(Module::new(&engine, binary(PROGRAM)).unwrap());
    assert_eq!(folder.files(""), [] as [PathBuf; 0]);
}

#[test]
fn large_modules_are_known_to_be_valid() {
    let folder = Folder::new();
    let cache = folder.cache();
    let text = format!("(module (memory 1) (data \"{}\") (func (export \"f\")))", "x".repeat(1 << 20));
    for run in 0..2 {
        let mut config = Config::new();
        config.compilation_mode(CompilationMode::Lazy).cache(Some(cache.clone()));
        let module = Module::new(&Engine::new(&config).unwrap(), binary(&text)).unwrap();
        assert_eq!(module.was_cached(), run > 0);
    }
    // Not where the module would be invalid.
    let mut config = Config::new();
    config.compilation_mode(CompilationMode::Lazy).cache(Some(cache.clone())).wasm_bulk_memory(false);
    assert!(!Module::new(&Engine::new(&config).unwrap(), binary(&text)).is_ok_and(|module| module.was_cached()));
}

#[test]
fn engines_with_other_options_do_not_meet() {
    let folder = Folder::new();
    let cache = folder.cache();
    let options: [&dyn Fn(&mut Config); 6] = [
        &|_| (),
        &|config| _ = config.consume_fuel(true),
        &|config| _ = config.memory_reservation(0),
        &|config| _ = config.cranelift_nan_canonicalization(true),
        &|config| _ = config.codegen_dirty_upper_bits(true),
        &|config| _ = config.wasm_extended_const(false),
    ];
    for run in 0..2 {
        for change in options {
            let mut config = Config::new();
            config.strategy(Strategy::BASELINE).cache(Some(cache.clone()));
            change(&mut config);
            assert_eq!(Module::new(&Engine::new(&config).unwrap(), binary(PROGRAM)).unwrap().was_cached(), run > 0);
        }
    }
    assert_eq!((folder.files(".module").len(), folder.files(".code").len()), (1, 6));
}

fn baseline(cache: &Cache) -> Module {
    Module::new(&Engine::new(Config::new().strategy(Strategy::BASELINE).cache(Some(cache.clone()))).unwrap(), binary(PROGRAM)).unwrap()
}

/// Damages a file, and expects that the module is compiled again, is right, and is found the next time.
#[track_caller]
fn survives(folder: &Folder, ending: &str, damage: impl FnOnce(&Path, Vec<u8>)) {
    let cache = folder.cache();
    baseline(&cache);
    let path = &folder.files(ending)[0];
    damage(path, fs::read(path).unwrap());
    let module = baseline(&cache);
    assert!(!module.was_cached());
    fibonacci(&module);
    let module = baseline(&cache);
    assert!(module.was_cached());
    fibonacci(&module);
}

#[test]
fn damaged_files_are_ignored_and_written_again() {
    let folder = Folder::new();
    for ending in [".code", ".module"] {
        survives(&folder, ending, |path, _| fs::write(path, b"").unwrap());
        survives(&folder, ending, |path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).unwrap());
        survives(&folder, ending, |path, bytes| fs::write(path, &bytes[..20]).unwrap());
        survives(&folder, ending, |path, _| fs::remove_file(path).unwrap());
        survives(&folder, ending, |path, bytes| fs::write(path, [&bytes[..], b"."].concat()).unwrap());
        for place in [0, 9, 13, 30, 40, 60, 200] {
            survives(&folder, ending, |path, mut bytes| {
                bytes[place] ^= 4;
                fs::write(path, bytes).unwrap();
            });
        }
    }
}

#[test]
fn files_that_others_can_write_are_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    for ending in [".code", ".module"] {
        survives(&folder, ending, |path, _| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap());
    }
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let mut config = CacheConfig::new();
    let error = Cache::new(config.with_directory(&folder.0).clone()).unwrap_err().to_string();
    assert!(error.contains("others can write"), "{error}");
}

/// Whoever makes a module with the digest of another must not get its code.
#[test]
fn code_never_meets_another_module_even_if_the_names_are_the_same() {
    let folder = Folder::new();
    let cache = folder.cache();
    baseline(&cache);
    let module_file = folder.files(".module").remove(0);
    let other = binary("(module (func (export \"fibonacci\") (param i32) (result i32) (i32.const 610)))");
    // As if the other module had this name, with a tie of its own.
    let mut contents = fs::read(&module_file).unwrap()[..24].to_vec();
    contents[10] ^= 1;
    fs::write(&module_file, [&contents[..], &binary(PROGRAM)].concat()).unwrap();
    assert!(!baseline(&cache).was_cached());
    fs::write(&module_file, [&contents[..], &other].concat()).unwrap();
    assert!(!baseline(&cache).was_cached());
}

#[test]
fn many_writers_leave_whole_files() {
    let folder = Folder::new();
    let stop = Instant::now() + Duration::from_millis(1500);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                while Instant::now() < stop {
                    let (engine, _) = tiered(&folder.cache(), CompilationMode::Lazy);
                    let module = Module::new(&engine, binary(PROGRAM)).unwrap();
                    if thread % 2 == 0 {
                        fibonacci(&module)
                    } else {
                        sum(&module)
                    }
                    drop(module);
                    if thread == 3 {
                        // Files come and go.
                        for file in folder.files(".code") {
                            let _ = fs::remove_file(file);
                        }
                    }
                }
            });
        }
    });
    let (engine, _) = tiered(&folder.cache(), CompilationMode::Lazy);
    fibonacci(&Module::new(&engine, binary(PROGRAM)).unwrap());
    assert_eq!(folder.files("").len(), 2, "no unfinished files");
}

#[test]
fn the_folder_stays_within_its_limit() {
    let folder = Folder::new();
    let mut config = CacheConfig::new();
    config.with_directory(&folder.0).with_file_count_soft_limit(10).with_file_count_limit_percent_if_deleting(50);
    let cache = Cache::new(config).unwrap();
    for number in 0..30 {
        let text = format!("(module (func (result i32) (i32.const {number})))");
        Module::new(&Engine::new(Config::new().strategy(Strategy::BASELINE).cache(Some(cache.clone()))).unwrap(), binary(&text)).unwrap();
        assert!(folder.files("").len() <= 10);
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_nothing_but_time() {
    let folder = Folder::new();
    let cache = folder.cache();
    fs::remove_dir_all(&folder.0).unwrap();
    fs::write(&folder.0, b"not a folder").unwrap();
    for _ in 0..2 {
        fibonacci(&baseline(&cache));
    }
    fs::remove_file(&folder.0).unwrap();
}

#[test]
fn a_long_run_writes_while_it_goes_on() {
    let folder = Folder::new();
    let cache = folder.cache();
    let functions: String = (0..100)
        .map(|number| {
            format!(
                "(func (export \"f{number}\") (param i32) (result i32)
                    (if (result i32) (local.get 0) (then (call {number} (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const {number}))))"
            )
        })
        .collect();
    let (engine, _) = tiered(&cache, CompilationMode::Lazy);
    let module = Module::new(&engine, binary(&format!("(module {functions})"))).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for number in 0..100 {
        let function = instance.get_typed_func::<i32, i32>(&mut store, &format!("f{number}")).unwrap();
        assert_eq!(function.call(&mut store, 1000).unwrap(), number);
    }
    assert_eq!(folder.files(".code").len(), 1, "the module is still in use");
}

#[test]
fn a_configuration_comes_from_a_file() {
    let folder = Folder::new();
    fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("cache.toml");
    fs::write(&file, format!("[cache]\ndirectory = \"{}\"\n", folder.0.join("here").display())).unwrap();
    let cache = Cache::from_file(Some(&file)).unwrap();
    assert_eq!(*cache.directory(), folder.0.join("here"));
    Cache::from_file(Some(&folder.0.join("missing"))).unwrap_err();
}
