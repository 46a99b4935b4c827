//! What the API does without running compiled code. Miri can do that, too: it sees all pointers that stores, instances and their parts hand to code.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{binary, module};
use mj_jit::*;

/// Nothing is installed in the process.
fn engine() -> Engine {
    Engine::new(Config::new().signals_based_traps(false).memory_reservation(1 << 20).parallel_compilation(false)).unwrap()
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn memories_are_read_written_and_grown() {
    let mut store = Store::new(&engine(), 7);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap();
    memory.write(&mut store, 65_530, b"abcdef").unwrap();
    memory.write(&mut store, 65_531, b"abcdef").unwrap_err();
    assert_eq!(memory.grow(&mut store, 2).unwrap(), 1);
    memory.grow(&mut store, 1).unwrap_err();
    let mut read = [1; 8];
    memory.read(&store, 65_530, &mut read).unwrap();
    assert_eq!(&read, b"abcdef\0\0");
    let (bytes, data) = memory.data_and_store_mut(&mut store);
    bytes[0] = *data;
    *data = 8;
    // SAFETY: inside the memory, and nobody else uses it.
    assert_eq!(unsafe { memory.data_ptr(&store).read() }, 7);
    assert_eq!((memory.data(&store)[0], *store.data(), memory.size(&store)), (7, 8, 3));
}

#[test]
fn tables_hold_references_and_globals_hold_values() {
    let mut store = Store::new(&engine(), ());
    let functions = [1, 2].map(|number| Func::wrap(&mut store, move || number));
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, Some(6)), Ref::Func(None)).unwrap();
    table.set(&mut store, 1, Ref::Func(Some(functions[0]))).unwrap();
    assert_eq!(table.grow(&mut store, 2, Ref::Func(Some(functions[1]))).unwrap(), 2);
    table.grow(&mut store, 3, Ref::Func(None)).unwrap_err();
    table.fill(&mut store, 0, Ref::Func(Some(functions[1])), 1).unwrap();
    Table::copy(&mut store, &table, 1, &table, 0, 3).unwrap();
    let is_null = |store: &Store<()>, index| matches!(table.get(store, index), Some(Ref::Func(None)));
    assert_eq!([0, 1, 2, 3].map(|index| is_null(&store, index)), [false; 4]);
    assert!(table.get(&store, 4).is_none());

    let mutable = |content| GlobalType::new(content, Mutability::Var);
    let number = Global::new(&mut store, mutable(ValType::I64), Val::I64(5)).unwrap();
    number.set(&mut store, Val::I64(6)).unwrap();
    number.set(&mut store, Val::I32(6)).unwrap_err();
    assert_eq!(number.get(&store).i64(), Some(6));
    let function = Global::new(&mut store, mutable(ValType::FUNCREF), Val::FuncRef(Some(functions[0]))).unwrap();
    function.set(&mut store, Val::FuncRef(None)).unwrap();
    assert!(matches!(function.get(&store), Val::FuncRef(None)));
}

#[test]
fn what_hosts_put_into_stores_is_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = || Counted(Arc::clone(&drops));
    let mut store = Store::new(&engine(), counted());
    let closure = counted();
    Func::wrap(&mut store, move || _ = &closure);
    let reference = ExternRef::new(&mut store, counted()).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::EXTERNREF, 1, None), Ref::Extern(Some(reference))).unwrap();
    let Some(Ref::Extern(Some(found))) = table.get(&store, 0) else { panic!("it was put there") };
    assert!(Rooted::ref_eq(&store, &found, &reference).unwrap());
    let data = found.data_mut(&mut store).unwrap().expect("not converted");
    assert!(data.downcast_mut::<Counted>().is_some());
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(store);
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

const PROGRAM: &str = r#"(module
    (import "host" "f" (func $f (param i32) (result i32))) (import "host" "g" (global $g i32)) (import "host" "m" (memory 1))
    (func $h (export "h") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (table (export "t") 3 funcref) (elem (i32.const 1) $f $h)
    (data (global.get $g) "hello") (data $late "later")
    (global (export "n") (mut i64) (i64.const -1)) (global (export "r") funcref (ref.func $h)))"#;

#[test]
fn instances_are_made_of_what_hosts_have() {
    let engine = engine();
    let module = module(&engine, PROGRAM);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "f", |number: i32| number + 1).unwrap();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let offset = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(100)).unwrap();
    linker.define(&mut store, "host", "m", memory).unwrap();
    linker.define(&mut store, "host", "g", offset).unwrap();
    for _ in 0..2 {
        let instance = linker.instantiate(&mut store, &module).unwrap();
        assert_eq!(&memory.data(&store)[98..106], b"\0\0hello\0");
        let table = instance.get_table(&mut store, "t").unwrap();
        let Some(Ref::Func(Some(function))) = table.get(&store, 2) else { panic!("the segment says so") };
        assert_eq!(function.ty(&store).params().len(), 1);
        assert!(matches!(table.get(&store, 0), Some(Ref::Func(None))));
        let global = instance.get_global(&mut store, "n").unwrap();
        global.set(&mut store, Val::I64(9)).unwrap();
        assert_eq!(global.get(&store).i64(), Some(9));
        instance.get_typed_func::<i32, i32>(&mut store, "h").unwrap();
        instance.get_typed_func::<i64, i32>(&mut store, "h").unwrap_err();
    }
    // What does not fit leaves nothing half done.
    let far = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(65_535)).unwrap();
    linker.allow_shadowing(true).define(&mut store, "host", "g", far).unwrap();
    linker.instantiate(&mut store, &module).unwrap_err();
}

#[test]
fn modules_outlive_engines_and_come_back_from_bytes() {
    let engine = engine();
    let bytes = engine.precompile_module(&binary(PROGRAM)).unwrap();
    // SAFETY: made right here.
    let module = unsafe { Module::deserialize(&engine, &bytes) }.unwrap();
    drop(engine);
    assert_eq!(module.imports().len(), 3);
    assert_eq!(module.exports().map(|export| export.name().to_owned()).collect::<Vec<_>>(), ["h", "t", "n", "r"]);
    // SAFETY: damaged bytes are noticed.
    unsafe { Module::deserialize(module.engine(), &bytes[..bytes.len() - 1]) }.unwrap_err();
}
