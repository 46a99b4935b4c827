//! Looking into instances: things by index, where functions come from, what is left of segments.

mod common;

use common::{engines, module};
use mj_jit::*;

/// A module whose first thing of each kind is imported from `library`, with things of its own behind it. Nothing of its own is exported.
const LIBRARY: &str = r#"(module
    (memory (export "m") 1) (table (export "t") 3 funcref) (global (export "g") (mut i64) (i64.const 7))
    (func $hidden) (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;
const PROGRAM: &str = r#"(module
    (import "library" "f" (func $f (param i32) (result i32))) (import "library" "t" (table 1 funcref)) (import "library" "g" (global (mut i64)))
    (import "library" "m" (memory 1)) (import "host" "h" (func $h (result i32)))
    (global i32 (i32.const 5)) (table 2 externref) (elem (i32.const 1) $own $h)
    (elem $passive funcref (ref.func $own) (ref.null func) (ref.func $f)) (elem declare func $f)
    (data $passive "abc") (data (i32.const 8) "active")
    (func $own (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
    (func (export "init") (table.init 0 $passive (i32.const 0) (i32.const 0) (i32.const 1)) (memory.init $passive (i32.const 0) (i32.const 1) (i32.const 2)))
    (func (export "drop") (elem.drop $passive) (data.drop $passive)))"#;

struct Linked {
    store: Store<()>,
    library: Instance,
    program: Instance,
    host: Func,
}

fn linked(engine: &Engine) -> Linked {
    let mut store = Store::new(engine, ());
    let host = Func::wrap(&mut store, || 9i32);
    let mut linker = Linker::new(engine);
    linker.define(&mut store, "host", "h", host).unwrap();
    let library = instance(&mut store, LIBRARY);
    linker.instance(&mut store, "library", library).unwrap();
    let program = linker.instantiate(&mut store, &module(engine, PROGRAM)).unwrap();
    Linked { store, library, program, host }
}

/// An instance of what imports nothing.
fn instance(store: &mut Store<()>, text: &str) -> Instance {
    let module = module(store.engine(), text);
    Instance::new(store, &module, &[]).unwrap()
}

fn call(store: &mut Store<()>, function: Func, argument: i32) -> i32 {
    let mut results = [Val::I32(0)];
    function.call(store, &[Val::I32(argument)], &mut results).unwrap();
    results[0].unwrap_i32()
}

#[test]
fn all_things_are_found_by_index_imported_ones_first() {
    for engine in engines() {
        let Linked { mut store, library, program, .. } = linked(&engine);
        let own = program.debug_function(&mut store, 2).unwrap();
        assert_eq!(call(&mut store, own, 5), 15);
        let imported = program.debug_function(&mut store, 0).unwrap();
        assert_eq!(call(&mut store, imported, 5), 6);
        assert_eq!(own.ty(&store).to_string(), "(func (param i32) (result i32))");
        assert!(program.debug_function(&mut store, 4).is_some() && program.debug_function(&mut store, 5).is_none());
        assert_eq!(program.debug_global(&store, 0).unwrap().get(&mut store).unwrap_i64(), 7);
        assert_eq!(program.debug_global(&store, 1).unwrap().get(&mut store).unwrap_i32(), 5);
        assert!(program.debug_global(&store, 2).is_none());
        assert_eq!(program.debug_table(&store, 0).unwrap().size(&store), 3);
        assert!(program.debug_table(&store, 1).unwrap().ty(&store).element().heap_type().is_extern());
        assert!(program.debug_table(&store, 2).is_none());
        assert_eq!(&program.debug_memory(&store, 0).unwrap().data(&store)[8..14], b"active");
        assert!(program.debug_memory(&store, 1).is_none() && library.debug_memory(&store, 0).is_some());
    }
}

#[test]
fn a_function_comes_from_the_instance_that_defines_it() {
    for engine in engines() {
        let Linked { mut store, library, program, host } = linked(&engine);
        let twin = instance(&mut store, LIBRARY);
        let origin =
            |store: &mut Store<()>, instance: Instance, index| instance.debug_function(&mut *store, index).unwrap().origin(&*store);
        assert_eq!(origin(&mut store, program, 0), Some((library, 1)));
        assert_eq!(origin(&mut store, program, 1), None);
        assert_eq!(origin(&mut store, program, 3), Some((program, 3)));
        assert_eq!(origin(&mut store, library, 0), Some((library, 0)));
        assert_eq!(origin(&mut store, twin, 1), Some((twin, 1)));
        assert_eq!(host.origin(&store), None);
        let table = library.get_table(&mut store, "t").unwrap();
        let element = |index| *table.get(&store, index).unwrap().unwrap_func().unwrap();
        assert_eq!(element(1).origin(&store), Some((program, 2)));
        assert_eq!(element(2).origin(&store), None);
    }
}

#[test]
fn handles_of_one_thing_are_identical_and_those_of_two_are_not() {
    for engine in engines() {
        let Linked { mut store, library, program, host } = linked(&engine);
        let twin = instance(&mut store, LIBRARY);
        let of = |store: &mut Store<()>, instance: Instance, function: u32| -> [Identity; 4] {
            let things: [Extern; 4] = [
                instance.debug_function(&mut *store, function).unwrap().into(),
                instance.debug_memory(&*store, 0).unwrap().into(),
                instance.debug_table(&*store, 0).unwrap().into(),
                instance.debug_global(&*store, 0).unwrap().into(),
            ];
            things.map(|thing| thing.identity(&*store))
        };
        let (one, other, third) = (of(&mut store, library, 1), of(&mut store, program, 0), of(&mut store, twin, 1));
        assert_eq!(one, other);
        assert!(one.iter().zip(third).all(|(one, third)| *one != third));
        let exported = library.get_export(&mut store, "f").unwrap();
        assert_eq!(exported.identity(&store), one[0]);
        assert_eq!(Extern::from(host).identity(&store), of(&mut store, program, 1)[0]);
        assert!(one.iter().enumerate().all(|(index, one)| !other[..index].contains(one)));
    }
}

#[test]
fn segments_are_what_instructions_find_in_them() {
    for engine in engines() {
        let Linked { mut store, program, .. } = linked(&engine);
        let data = |store: &Store<()>| [0, 1].map(|index| program.debug_data_segment(store, index).unwrap().to_vec());
        let elements = |store: &Store<()>| [0, 1, 2].map(|index| program.debug_element_segment(store, index).unwrap());
        let run = |store: &mut Store<()>, name| {
            let function = program.get_typed_func::<(), ()>(&mut *store, name).unwrap();
            function.call(&mut *store, ())
        };
        assert_eq!(data(&store), [b"abc".to_vec(), vec![]]);
        let found = elements(&store);
        assert_eq!(found.each_ref().map(Vec::len), [0, 3, 0]);
        let origin = |index: usize| found[1][index].unwrap_func().and_then(|function| function.origin(&store));
        assert_eq!(origin(0), Some((program, 2)));
        assert!(found[1][1].unwrap_func().is_none() && origin(2).is_some());
        run(&mut store, "init").unwrap();
        assert_eq!(data(&store)[0], b"abc");
        run(&mut store, "drop").unwrap();
        assert_eq!(data(&store), [vec![], vec![]]);
        assert_eq!(elements(&store).each_ref().map(Vec::len), [0, 0, 0]);
        assert!(run(&mut store, "init").is_err());
        assert!(program.debug_data_segment(&store, 2).is_none() && program.debug_element_segment(&store, 3).is_none());
    }
}
