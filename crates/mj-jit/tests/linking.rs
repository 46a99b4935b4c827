//! Imports by name: found, missing, and of the wrong type.

mod common;

use common::{engines, instance, module};
use mj_jit::*;

fn link_error(text: &str, define: impl FnOnce(&mut Linker<()>, &mut Store<()>)) -> String {
    let engine = Engine::default();
    let (mut linker, mut store) = (Linker::new(&engine), Store::new(&engine, ()));
    define(&mut linker, &mut store);
    let module = module(&engine, text);
    format!("{:#}", linker.instantiate(&mut store, &module).expect_err(text))
}

#[test]
fn an_import_that_nobody_defined_is_named_with_what_it_should_be() {
    let cases = [
        (r#"(import "m" "f" (func (param i32) (result f64)))"#, "a function `(func (param i32) (result f64))`"),
        (r#"(import "m" "f" (global (mut i64)))"#, "a global `(mut i64)`"),
        (r#"(import "m" "f" (global funcref))"#, "a global `(ref null func)`"),
        (r#"(import "m" "f" (memory 1 2))"#, "a memory of at least 1 pages and at most 2"),
        (r#"(import "m" "f" (table 3 externref))"#, "a table of `(ref null extern)` with at least 3 elements"),
    ];
    for (import, expected) in cases {
        let error = link_error(&format!("(module {import})"), |_, _| ());
        assert!(error.contains("unknown import: `m::f` has not been defined"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_import_of_the_wrong_type_is_named_with_both_types() {
    let host = |linker: &mut Linker<()>, store: &mut Store<()>| {
        linker.func_wrap("m", "func", |_: i32| 1i64).unwrap();
        let global = Global::new(&mut *store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1)).unwrap();
        linker.define(&mut *store, "m", "global", global).unwrap();
        let memory = Memory::new(&mut *store, MemoryType::new(1, Some(3))).unwrap();
        linker.define(&mut *store, "m", "memory", memory).unwrap();
        let table = Table::new(&mut *store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None)).unwrap();
        linker.define(&mut *store, "m", "table", table).unwrap();
    };
    let cases = [
        (r#"(import "m" "func" (func (param i64)))"#, ["(func (param i64))", "(func (param i32) (result i64))"]),
        (r#"(import "m" "global" (global i32))"#, ["expected `i32`", "found `(mut i32)`"]),
        (r#"(import "m" "global" (global (mut f32)))"#, ["expected `(mut f32)`", "found `(mut i32)`"]),
        (r#"(import "m" "memory" (memory 2))"#, ["expected at least 2 pages", "found at least 1 and at most 3 pages"]),
        (r#"(import "m" "memory" (memory 1 2))"#, ["at most 2 pages", "at most 3 pages"]),
        (r#"(import "m" "table" (table 1 2 funcref))"#, ["at most 2 elements", "no maximum"]),
        (r#"(import "m" "table" (table 1 externref))"#, ["a table of `externref`", "a table of `funcref`"]),
        (r#"(import "m" "func" (memory 1))"#, ["expected memory", "found function"]),
        (r#"(import "m" "table" (func))"#, ["expected func", "found table"]),
    ];
    for (import, expected) in cases {
        let error = link_error(&format!("(module {import})"), host);
        assert!(error.contains("incompatible import type for `m::"), "{error}");
        assert!(expected.iter().all(|expected| error.contains(expected)), "{import}: {error}");
    }
}

#[test]
fn memories_and_tables_fit_by_their_current_size() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    linker.define(&store, "m", "memory", memory).unwrap();
    let pre = linker.instantiate_pre(&module(&engine, r#"(module (import "m" "memory" (memory 2)))"#)).unwrap();
    assert!(pre.instantiate(&mut store).is_err());
    memory.grow(&mut store, 1).unwrap();
    pre.instantiate(&mut store).unwrap();
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("m", "f", || 1i32).unwrap();
    let error = linker.func_wrap("m", "f", || 2i32).unwrap_err();
    assert!(error.to_string().contains("`m::f` defined twice"), "{error}");
    linker.allow_shadowing(true).func_wrap("m", "f", || 3i32).unwrap();
    let mut store = Store::new(&engine, ());
    let found = linker.get(&mut store, "m", "f").unwrap().into_func().unwrap();
    assert_eq!(found.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 3);
    assert!(linker.get(&mut store, "m", "g").is_err());
}

#[test]
fn aliases_are_other_names() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("m", "f", || 1i32).unwrap().func_wrap("m", "g", || 2i32).unwrap();
    linker.alias("m", "f", "n", "h").unwrap();
    linker.alias_module("m", "o").unwrap();
    assert!(linker.alias("m", "nothing", "n", "x").is_err());
    let mut store = Store::new(&engine, ());
    let mut names: Vec<_> = linker.iter(&mut store).map(|(module, name, _)| format!("{module}.{name}")).collect();
    names.sort();
    assert_eq!(names, ["m.f", "m.g", "n.h", "o.f", "o.g"]);
}

#[test]
fn instances_link_to_instances() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let first = module(
            &engine,
            r#"(module
                (memory (export "memory") 1) (table (export "table") 2 funcref) (global (export "g") (mut i32) (i32.const 5))
                (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#,
        );
        let first = linker.instantiate(&mut store, &first).unwrap();
        linker.instance(&mut store, "first", first).unwrap();
        let second = module(
            &engine,
            r#"(module
                (import "first" "memory" (memory 1)) (import "first" "table" (table 2 funcref)) (import "first" "g" (global $g (mut i32)))
                (import "first" "load" (func $load (param i32) (result i32)))
                (elem (i32.const 1) $own)
                (func $own (param i32) (result i32) (i32.mul (local.get 0) (i32.const 10)))
                (func (export "run") (result i32)
                    (i32.store (i32.const 64) (global.get $g))
                    (global.set $g (i32.const 6))
                    (call $load (i32.const 64))))"#,
        );
        let second = linker.instantiate(&mut store, &second).unwrap();
        assert_eq!(second.get_typed_func::<(), i32>(&mut store, "run").unwrap().call(&mut store, ()).unwrap(), 5);
        assert_eq!(first.get_global(&store, "g").unwrap().get(&mut store).unwrap_i32(), 6);
        let table = first.get_table(&store, "table").unwrap();
        let own = *table.get(&store, 1).unwrap().unwrap_func().unwrap();
        assert_eq!(own.typed::<i32, i32>(&store).unwrap().call(&mut store, 7).unwrap(), 70);
    }
}

#[test]
fn a_segment_outside_its_table_or_memory_fails_and_what_came_before_stays() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        linker.define(&store, "m", "memory", memory).unwrap();
        let text = r#"(module (import "m" "memory" (memory 1)) (data (i32.const 0) "abc") (data (i32.const 65535) "xy"))"#;
        let error = linker.instantiate(&mut store, &module(&engine, text)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds), "{error:?}");
        assert_eq!(memory.data(&store)[..3], *b"abc");
        assert_eq!(memory.data(&store)[65535], 0);
        let text = "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))";
        let error = linker.instantiate(&mut store, &module(&engine, text)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::TableOutOfBounds), "{error:?}");
    }
}

#[test]
fn start_functions_run_and_may_fail() {
    for engine in engines() {
        let mut linker = Linker::<i32>::new(&engine);
        linker.func_wrap("m", "count", |mut caller: Caller<'_, i32>| *caller.data_mut() += 1).unwrap();
        let mut store = Store::new(&engine, 0);
        linker.instantiate(&mut store, &module(&engine, r#"(module (import "m" "count" (func $f)) (start $f))"#)).unwrap();
        let text = r#"(module (import "m" "count" (func $f)) (start $g) (func $g (call $f) unreachable))"#;
        let error = linker.instantiate(&mut store, &module(&engine, text)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached));
        assert_eq!(*store.data(), 2);
    }
}

#[test]
fn unknown_imports_can_be_traps_or_defaults() {
    let engine = Engine::default();
    let text = r#"(module
        (import "m" "f" (func $f (param i32) (result i64 funcref)))
        (func (export "run") (result i64) (call $f (i32.const 1)) drop))"#;
    let module = module(&engine, text);
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&module).unwrap();
    let mut store = Store::new(&engine, ());
    let run = |linker: &Linker<()>, store: &mut Store<()>| {
        let instance = linker.instantiate(&mut *store, &module)?;
        instance.get_typed_func::<(), i64>(&mut *store, "run")?.call(store, ())
    };
    let error = run(&linker, &mut store).unwrap_err();
    let unknown = error.downcast_ref::<UnknownImportError>().expect("says which");
    assert_eq!((unknown.module(), unknown.name()), ("m", "f"));
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_default_values(&mut store, &module).unwrap();
    assert_eq!(run(&linker, &mut store).unwrap(), 0);
}

#[test]
fn commands_are_instantiated_for_each_call_and_reactors_once() {
    let engine = Engine::default();
    let body = r#"(global $n (mut i32) (i32.const 0))
        (func $next (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))"#;
    let command = module(&engine, &format!(r#"(module {body} (func (export "_start")))"#));
    let reactor = module(&engine, &format!(r#"(module {body} (func (export "_initialize") (drop (call $next))))"#));
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.module(&mut store, "command", &command).unwrap();
    linker.module(&mut store, "reactor", &reactor).unwrap();
    let mut next = |module: &str| {
        let func = linker.get(&mut store, module, "next").unwrap().into_func().unwrap();
        func.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap()
    };
    assert_eq!([next("command"), next("command")], [1, 1]);
    assert_eq!([next("reactor"), next("reactor")], [2, 3]);
    let default = linker.get_default(&mut store, "command").unwrap();
    default.call(&mut store, &[], &mut []).unwrap();
    linker.get_default(&mut store, "nobody").unwrap().call(&mut store, &[], &mut []).unwrap();
}

#[test]
fn a_linkers_functions_serve_many_stores_on_many_threads() {
    let engine = Engine::default();
    let mut linker = Linker::<u64>::new(&engine);
    linker.func_wrap("m", "add", |mut caller: Caller<'_, u64>, n: u64| *caller.data_mut() += n).unwrap();
    let text = r#"(module (import "m" "add" (func $add (param i64)))
        (func (export "run") (param i64)
            (loop $l (call $add (local.get 0)) (br_if $l (i32.eqz (i64.eqz (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))))))))"#;
    let pre = linker.instantiate_pre(&module(&engine, text)).unwrap();
    let threads: Vec<_> = (0..8u64)
        .map(|seed| {
            let (engine, pre) = (engine.clone(), pre.clone());
            std::thread::spawn(move || {
                for round in 1..50 {
                    let mut store = Store::new(&engine, seed);
                    let instance = pre.instantiate(&mut store).unwrap();
                    instance.get_typed_func::<u64, ()>(&mut store, "run").unwrap().call(&mut store, round).unwrap();
                    assert_eq!(store.into_data(), seed + round * (round + 1) / 2);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn modules_describe_themselves() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module $name (import "a" "b" (func (param i32))) (memory (export "m") 1 2) (func (export "f") (result i64) (i64.const 0))
            (global (export "g") f32 (f32.const 0)) (table (export "t") 1 externref) (@custom "extra" "bytes"))"#,
    );
    assert_eq!(module.name(), Some("name"));
    let imports: Vec<_> = module.imports().map(|import| format!("{}.{}: {:?}", import.module(), import.name(), import.ty())).collect();
    assert_eq!(imports, ["a.b: Func(FuncType { params: [i32], results: [] })"]);
    let exports: Vec<_> = module.exports().map(|export| export.name().to_owned()).collect();
    assert_eq!(exports, ["m", "f", "g", "t"]);
    assert_eq!(module.get_export("m").unwrap().unwrap_memory(), &MemoryType::new(1, Some(2)));
    assert_eq!(module.get_export("f").unwrap().unwrap_func().result(0), Some(ValType::I64));
    assert!(module.get_export("nothing").is_none());
    assert_eq!(module.custom_sections("extra").collect::<Vec<_>>(), [b"bytes"]);
    let needed = module.resources_required();
    assert_eq!((needed.num_memories, needed.max_initial_memory_size, needed.num_tables), (1, Some(1), 1));
    let index = module.get_export_index("m").unwrap();
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, |_: i32| ());
    let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    assert!(instance.get_module_export(&store, &index).unwrap().into_memory().is_some());
    assert!(Module::same(&instance.module(&store), &module));
    let names: Vec<_> = instance.exports(&mut store).map(|export| export.name().to_owned()).collect();
    assert_eq!(names, ["m", "f", "g", "t"]);
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert!(error.to_string().contains("expected 1 imports, found 0"), "{error}");
}

#[test]
fn exports_are_found_by_name_in_any_order_and_again() {
    let names: Vec<_> = (0..100).map(|number| format!("export {}", number * 37 % 100)).collect();
    let globals: String =
        names.iter().enumerate().map(|(place, name)| format!("(global (export \"{name}\") i32 (i32.const {place}))")).collect();
    let (mut store, instance) = instance(&format!("(module {globals})"));
    let mut value = |name: &str| Some(instance.get_global(&mut store, name)?.get(&mut store).unwrap_i32());
    for (place, name) in names.iter().enumerate() {
        let missing = ["", "export", "export 100", "export 3 "].map(&mut value);
        assert_eq!((value(name), missing, value(name)), (Some(place as i32), [None; 4], Some(place as i32)));
    }
}

/// Types have numbers, and each engine has its own: a function of one must not get into a store of another.
#[test]
fn a_linker_has_nothing_for_stores_of_other_engines() {
    let (here, elsewhere) = (Engine::default(), Engine::default());
    let mut linker: Linker<()> = Linker::new(&here);
    linker.func_wrap("m", "f", |_: Option<Func>| {}).unwrap();
    let mut store = Store::new(&elsewhere, ());
    let _takes_its_number = Func::wrap(&mut store, |_: i64| {});
    let program = Instance::new(&mut store, &module(&elsewhere, "(module)"), &[]).unwrap();
    let late = wat::parse_str(r#"(module (import "m" "f" (func (param i64))))"#).unwrap();
    type Attempt<'a> = &'a dyn Fn(&mut Store<()>);
    let attempts: [Attempt<'_>; 3] = [&|store| _ = linker.get(store, "m", "f"), &|store| _ = linker.iter(store).count(), &|store| {
        _ = linker.late_link(store, &program, &late, &LateLinking::new())
    }];
    for (number, attempt) in attempts.into_iter().enumerate() {
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attempt(&mut store)));
        let message = *refused.expect_err("it is refused").downcast::<&str>().unwrap_or_else(|_| panic!("attempt {number}: another panic"));
        assert!(message.contains("another engine"), "{message}");
    }
    assert!(linker.instantiate(&mut store, &module(&elsewhere, "(module)")).unwrap_err().to_string().contains("another engine"));
}
