//! What a module cannot express is named.

mod common;

use common::run;
use mj_jit::*;
use mj_snapshot::{Reason, Snapshot, SnapshotError};

fn assert_refused(error: &SnapshotError, reason: Reason, parts: &[&str]) {
    assert_eq!(error.reason(), reason, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` is missing: {error}");
    }
}

/// A program with a table and globals of references, and who can fill them.
const HOLDER: &str = r#"(module
    (table (export "functions") 4 funcref) (table (export "externals") 4 externref)
    (global (export "function") (mut funcref) (ref.null func)) (global (export "external") (mut externref) (ref.null extern)))"#;

#[test]
fn references_to_things_of_the_host_are_named_by_their_place() {
    let mut program = run(HOLDER);
    let (store, instance) = (&mut program.store, program.program);
    let function = Func::wrap(&mut *store, || ());
    let external = ExternRef::new(&mut *store, 5u32).unwrap();
    let functions = instance.get_table(&mut *store, "functions").unwrap();
    functions.set(&mut *store, 3, Ref::Func(Some(function))).unwrap();
    assert_refused(
        &program.refused(),
        Reason::Reference,
        &[
            "element 3 of table 0 (`functions`) of the program holds a function of the host that no module of the snapshot imports",
            "clear it before",
        ],
    );
    let store = &mut program.store;
    functions.set(&mut *store, 3, Ref::Func(None)).unwrap();
    let externals = instance.get_table(&mut *store, "externals").unwrap();
    externals.set(&mut *store, 0, Ref::Extern(Some(external))).unwrap();
    assert_refused(&program.refused(), Reason::Reference, &["element 0 of table 1 (`externals`)", "a reference to something of the host"]);
    let store = &mut program.store;
    externals.set(&mut *store, 0, Ref::Extern(None)).unwrap();
    let global = instance.get_global(&mut *store, "function").unwrap();
    global.set(&mut *store, Val::FuncRef(Some(function))).unwrap();
    assert_refused(&program.refused(), Reason::Reference, &["global 0 (`function`) of the program holds a function of the host"]);
    let store = &mut program.store;
    global.set(&mut *store, Val::FuncRef(None)).unwrap();
    let global = instance.get_global(&mut *store, "external").unwrap();
    global.set(&mut *store, Val::ExternRef(Some(external))).unwrap();
    assert_refused(&program.refused(), Reason::Reference, &["global 1 (`external`) of the program"]);
    global.set(&mut program.store, Val::ExternRef(None)).unwrap();
    program.write();
}

#[test]
fn functions_of_instances_that_are_not_part_are_refused() {
    let mut program = run(HOLDER);
    program.link(r#"(module (import "env" "functions" (table 1 funcref)) (elem (i32.const 1) $f) (func $f))"#);
    program.write();
    let left = std::mem::take(&mut program.late);
    assert_refused(&program.refused(), Reason::Reference, &["element 1 of table 0", "of an instance that is not part of the snapshot"]);
    program.late = left;
    program.write();
}

#[test]
fn a_constant_of_the_host_that_holds_a_function_of_others_is_refused() {
    let mut program = run("(module)");
    let store = &mut program.store;
    let module = Module::new(store.engine(), "(module (func (export \"f\")))").unwrap();
    let other = Instance::new(&mut *store, &module, &[]).unwrap();
    let function = other.get_func(&mut *store, "f").unwrap();
    let constant = Global::new(&mut *store, GlobalType::new(ValType::FUNCREF, Mutability::Const), function.into()).unwrap();
    let module = r#"(module (import "m" "f" (global $f funcref)) (table 1 funcref)
        (elem $items funcref (global.get $f)) (func (table.init $items (i32.const 0) (i32.const 0) (i32.const 1))))"#;
    let module = Module::new(store.engine(), module).unwrap();
    program.late.push(Instance::new(&mut *store, &module, &[constant.into()]).unwrap());
    assert_refused(&program.refused(), Reason::Reference, &["global 0 of generated module 1 holds a function of an instance"]);
    program.late.push(other);
    program.write();
}

#[test]
fn what_belongs_to_the_host_is_refused_by_the_name_of_its_import() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None)).unwrap();
    let variable = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1)).unwrap();
    let constant = Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Const), Val::I64(1 << 40)).unwrap();
    let cases: [(&str, Extern, Option<&str>); 4] = [
        ("(memory 1)", memory.into(), Some("the program imports the memory `env.x` from the host")),
        ("(table 1 funcref)", table.into(), Some("the program imports the table `env.x` from the host")),
        ("(global (mut i32))", variable.into(), Some("the program imports the mutable global `env.x` from the host")),
        ("(global $g i64)", constant.into(), None),
    ];
    for (import, thing, expected) in cases {
        let module = Module::new(&engine, format!(r#"(module (import "env" "x" {import}))"#)).unwrap();
        let instance = Instance::new(&mut store, &module, &[thing]).unwrap();
        match (Snapshot::new(&mut store, instance).write(), expected) {
            (Err(error), Some(expected)) => assert_refused(&error, Reason::Import, &[expected, "let the program define and export it"]),
            (Ok(wasm), None) => assert_eq!(Module::new(&engine, wasm).unwrap().imports().len(), 0),
            (found, _) => panic!("{import}: {found:?}"),
        }
    }
}

#[test]
fn constants_of_the_host_keep_their_values() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let constant = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(41)).unwrap();
    let text = r#"(module (import "env" "x" (global $x i32)) (global $own (mut i32) (i32.const 1)) (func (export "f") (result i32) (i32.add (global.get $x) (global.get $own))))"#;
    let module = Module::new(&engine, text).unwrap();
    let instance = Instance::new(&mut store, &module, &[constant.into()]).unwrap();
    let other = Instance::new(&mut store, &module, &[constant.into()]).unwrap();
    let wasm = Snapshot::new(&mut store, instance).late([other]).write().unwrap();
    common::check(&wasm, &[("f", &[], Some(42))]);
}

#[test]
fn a_generated_module_with_a_memory_of_its_own_is_named_when_the_engine_refuses_two() {
    let mut program = run(r#"(module (memory (export "memory") 1))"#);
    program.link("(module $hoarder (memory 1))");
    let error = program.refused();
    assert_refused(&error, Reason::Unacceptable, &["multi-memory", "the program and generated module 1 (hoarder) each define a memory"]);
}
