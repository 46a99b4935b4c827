//! Memories, tables, globals and external references as hosts use them, and limits on them.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{engines, instance, instance_in, module};
use mj_jit::*;

#[test]
fn memories_are_read_written_and_grown() {
    for engine in engines() {
        let (mut store, instance) = instance_in(
            &engine,
            r#"(module (memory (export "memory") 1 3)
                (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
                (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
                (func (export "size") (result i32) (memory.size)))"#,
        );
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!((memory.size(&store), memory.data_size(&store), memory.page_size(&store)), (1, 65536, 65536));
        memory.write(&mut store, 65535, &[7]).unwrap();
        assert_eq!(memory.write(&mut store, 65535, &[7, 8]).unwrap_err().to_string(), "out of bounds memory access");
        assert!(memory.write(&mut store, usize::MAX, &[7]).is_err());
        let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
        assert_eq!(load.call(&mut store, 65535).unwrap(), 7);
        assert!(load.call(&mut store, 65536).is_err());
        let before = memory.data_ptr(&store);
        assert_eq!(memory.grow(&mut store, 1).unwrap(), 1);
        assert_eq!(load.call(&mut store, 65536).unwrap(), 0);
        let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
        assert_eq!(grow.call(&mut store, 2).unwrap(), -1);
        assert_eq!(grow.call(&mut store, -1).unwrap(), -1);
        assert_eq!(grow.call(&mut store, 1).unwrap(), 2);
        assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "size").unwrap().call(&mut store, ()).unwrap(), 3);
        assert!(memory.grow(&mut store, 1).is_err());
        assert_eq!(memory.grow(&mut store, 0).unwrap(), 3);
        assert_eq!((memory.size(&store), memory.data_ptr(&store)), (3, before));
        let mut buffer = [1; 4];
        memory.read(&store, 65534, &mut buffer).unwrap();
        assert_eq!(buffer, [0, 7, 0, 0]);
        assert!(memory.read(&store, 3 << 16, &mut buffer).is_err());
        memory.data_mut(&mut store)[0] = 9;
        assert_eq!(memory.data(&store)[0], 9);
        assert_eq!(memory.ty(&store), MemoryType::new(1, Some(3)));
    }
}

#[test]
fn a_memory_that_is_used_again_is_zero() {
    let engine = Engine::default();
    let module = module(&engine, r#"(module (memory (export "memory") 2))"#);
    for _ in 0..20 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        memory.grow(&mut store, 2).unwrap();
        assert!(memory.data(&store).iter().all(|&byte| byte == 0));
        memory.data_mut(&mut store).fill(0xff);
    }
}

#[test]
fn types_of_memories_are_checked_when_they_are_made() {
    let build = |set: fn(&mut MemoryTypeBuilder) -> &mut MemoryTypeBuilder| set(&mut MemoryType::builder()).build();
    assert!(build(|builder| builder.min(2).max(Some(1))).unwrap_err().to_string().contains("below"));
    assert!(build(|builder| builder.min(65537)).is_err());
    assert!(build(|builder| builder.memory64(true).min(65537)).is_ok());
    assert!(build(|builder| builder.shared(true)).unwrap_err().to_string().contains("maximum"));
    assert!(build(|builder| builder.page_size_log2(3)).is_err());
    let mut store = Store::<()>::default();
    let error = Memory::new(&mut store, MemoryType::new64(1, None)).unwrap_err().to_string();
    assert!(error.contains("memory64"), "{error}");
}

#[test]
fn tables_are_read_written_copied_filled_and_grown() {
    for engine in engines() {
        let (mut store, instance) = instance_in(
            &engine,
            r#"(module (table (export "t") 3 10 funcref) (elem (i32.const 1) $f) (func $f (export "f") (result i32) (i32.const 1))
                (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
                (func (export "size") (result i32) (table.size)))"#,
        );
        let table = instance.get_table(&mut store, "t").unwrap();
        assert!(table.get(&mut store, 0).unwrap().is_null() && table.get(&mut store, 3).is_none());
        let f = *table.get(&mut store, 1).unwrap().unwrap_func().unwrap();
        table.set(&mut store, 0, f.into()).unwrap();
        assert!(table.set(&mut store, 3, f.into()).is_err());
        assert!(table.set(&mut store, 0, Ref::Extern(None)).is_err());
        let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
        assert_eq!(call.call(&mut store, 0).unwrap(), 1);
        assert_eq!(call.call(&mut store, 2).unwrap_err().downcast_ref(), Some(&Trap::IndirectCallToNull));
        assert_eq!(call.call(&mut store, 3).unwrap_err().downcast_ref(), Some(&Trap::TableOutOfBounds));
        let host = Func::wrap(&mut store, || 5i32);
        assert_eq!(table.grow(&mut store, 2, host.into()).unwrap(), 3);
        assert_eq!(call.call(&mut store, 4).unwrap(), 5);
        assert!(table.grow(&mut store, 6, Ref::Func(None)).is_err());
        assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "size").unwrap().call(&mut store, ()).unwrap(), 5);
        table.fill(&mut store, 0, Ref::Func(None), 2).unwrap();
        assert_eq!(table.fill(&mut store, 4, Ref::Func(None), 2).unwrap_err().downcast_ref(), Some(&Trap::TableOutOfBounds));
        Table::copy(&mut store, &table, 0, &table, 3, 2).unwrap();
        assert_eq!(call.call(&mut store, 1).unwrap(), 5);
        let other = Table::new(&mut store, TableType::new(RefType::FUNCREF, 4, None), f.into()).unwrap();
        Table::copy(&mut store, &table, 0, &other, 0, 3).unwrap();
        assert_eq!(call.call(&mut store, 2).unwrap(), 1);
        assert!(Table::copy(&mut store, &table, 3, &other, 0, 3).is_err());
        let strangers = Table::new(&mut store, TableType::new(RefType::EXTERNREF, 4, None), Ref::Extern(None)).unwrap();
        assert!(Table::copy(&mut store, &table, 0, &strangers, 0, 1).unwrap_err().to_string().contains("element types"));
        assert_eq!((table.size(&store), table.ty(&store)), (5, TableType::new(RefType::FUNCREF, 3, Some(10))));
    }
}

#[test]
fn globals_are_read_and_written_on_both_sides() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let shared = Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(-5)).unwrap();
        let constant = Global::new(&mut store, GlobalType::new(ValType::F32, Mutability::Const), 1.5f32.into()).unwrap();
        let text = r#"(module
            (import "" "g" (global $g (mut i64))) (import "" "c" (global $c f32))
            (global (export "own") f32 (global.get $c))
            (global (export "sum") i32 (i32.add (i32.const 40) (i32.mul (i32.const 2) (i32.const 1))))
            (global $m (export "m") (mut f64) (f64.const 2.5))
            (func (export "next") (result i64) (global.set $g (i64.add (global.get $g) (i64.const 1))) (global.get $g))
            (func (export "m") (result f64) (global.get $m)))"#
            .replace(r#"(func (export "m")"#, r#"(func (export "get_m")"#);
        let instance = Instance::new(&mut store, &module(&engine, &text), &[shared.into(), constant.into()]).unwrap();
        let next = instance.get_typed_func::<(), i64>(&mut store, "next").unwrap();
        assert_eq!(next.call(&mut store, ()).unwrap(), -4);
        assert_eq!(shared.get(&mut store).unwrap_i64(), -4);
        shared.set(&mut store, Val::I64(10)).unwrap();
        assert_eq!(next.call(&mut store, ()).unwrap(), 11);
        assert!(shared.set(&mut store, Val::I32(0)).unwrap_err().to_string().contains("type mismatch"));
        assert_eq!(constant.set(&mut store, 1f32.into()).unwrap_err().to_string(), "immutable global cannot be set");
        let get = |name: &str| instance.get_global(&store, name).unwrap();
        let (own, sum, m) = (get("own"), get("sum"), get("m"));
        assert_eq!(own.get(&mut store).unwrap_f32(), 1.5);
        assert_eq!(sum.get(&mut store).unwrap_i32(), 42);
        m.set(&mut store, 7f64.into()).unwrap();
        assert_eq!(instance.get_typed_func::<(), f64>(&mut store, "get_m").unwrap().call(&mut store, ()).unwrap(), 7.0);
        assert_eq!(m.ty(&store), GlobalType::new(ValType::F64, Mutability::Var));
    }
}

#[test]
fn external_values_pass_through_unharmed() {
    for engine in engines() {
        let (mut store, instance) = instance_in(
            &engine,
            r#"(module (table (export "t") 2 externref) (global $g (mut externref) (ref.null extern))
                (func (export "swap") (param externref) (result externref) (global.get $g) (global.set $g (local.get 0)))
                (func (export "put") (param externref) (table.set (i32.const 1) (local.get 0)))
                (func (export "is_null") (param externref) (result i32) (ref.is_null (local.get 0))))"#,
        );
        let value = ExternRef::new(&mut store, String::from("value")).unwrap();
        let swap = instance.get_typed_func::<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>(&mut store, "swap").unwrap();
        assert!(swap.call(&mut store, Some(value)).unwrap().is_none());
        let back = swap.call(&mut store, None).unwrap().unwrap();
        let data = back.data(&store).unwrap().unwrap().downcast_ref::<String>();
        assert_eq!(data.map(String::as_str), Some("value"));
        assert!(Rooted::ref_eq(&store, &back, &value).unwrap());
        back.data_mut(&mut store).unwrap().unwrap().downcast_mut::<String>().unwrap().push('!');
        let put = instance.get_typed_func::<Rooted<ExternRef>, ()>(&mut store, "put").unwrap();
        put.call(&mut store, value).unwrap();
        let table = instance.get_table(&mut store, "t").unwrap();
        let element = table.get(&mut store, 1).unwrap();
        let text = element.unwrap_extern().unwrap().data(&store).unwrap().unwrap().downcast_ref::<String>().unwrap();
        assert_eq!(text, "value!");
        let is_null = instance.get_func(&mut store, "is_null").unwrap();
        let mut results = [Val::I32(5)];
        is_null.call(&mut store, &[Val::null_extern_ref()], &mut results).unwrap();
        assert_eq!(results[0].unwrap_i32(), 1);
        is_null.call(&mut store, &[value.into()], &mut results).unwrap();
        assert_eq!(results[0].unwrap_i32(), 0);
        let mut other = Store::new(&engine, ());
        let stranger = ExternRef::new(&mut other, 1).unwrap();
        assert!(put.call(&mut store, stranger).unwrap_err().to_string().contains("another store"));
    }
}

#[test]
fn limits_refuse_or_trap() {
    let text = r#"(module (memory (export "m") 1) (table (export "t") 1 funcref)
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        (func (export "grow_table") (result i32) (table.grow (ref.null func) (i32.const 1))))"#;
    for engine in engines() {
        let module = module(&engine, text);
        let make = |limits: StoreLimits| {
            let mut store = Store::new(&engine, limits);
            store.limiter(|limits| limits);
            store
        };
        let mut store = make(StoreLimitsBuilder::new().memory_size(2 << 16).table_elements(2).instances(1).build());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for name in ["grow", "grow_table"] {
            let grow = instance.get_typed_func::<(), i32>(&mut store, name).unwrap();
            assert_eq!(grow.call(&mut store, ()).unwrap(), 1);
            assert_eq!(grow.call(&mut store, ()).unwrap(), -1);
        }
        let error = instance.get_memory(&store, "m").unwrap().grow(&mut store, 1).unwrap_err();
        assert!(error.to_string().contains("failed to grow memory by `1`"), "{error}");
        let error = Instance::new(&mut store, &module, &[]).unwrap_err().to_string();
        assert!(error.contains("instance count too high at 2"), "{error}");

        let mut store = make(StoreLimitsBuilder::new().memory_size(1 << 16).trap_on_grow_failure(true).build());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let error = instance.get_typed_func::<(), i32>(&mut store, "grow").unwrap().call(&mut store, ()).unwrap_err();
        assert!(format!("{error:#}").contains("forcing trap when growing memory to 131072"), "{error:#}");

        let mut store = make(StoreLimitsBuilder::new().memory_size(1).build());
        let error = Instance::new(&mut store, &module, &[]).unwrap_err().to_string();
        assert!(error.contains("memory minimum size of 1 pages exceeds memory limits"), "{error}");
        let mut store = make(StoreLimitsBuilder::new().memories(0).build());
        assert!(Instance::new(&mut store, &module, &[]).unwrap_err().to_string().contains("memory count"));
        let mut store = make(StoreLimitsBuilder::new().table_elements(0).build());
        assert!(Instance::new(&mut store, &module, &[]).unwrap_err().to_string().contains("table minimum size"));
    }
}

#[test]
fn a_limiter_of_ones_own_sees_every_growth() {
    #[derive(Default)]
    struct Log(Vec<(usize, usize, Option<usize>)>, usize);
    impl ResourceLimiter for Log {
        fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
            self.0.push((current, desired, maximum));
            if desired > 5 << 16 { bail!("too greedy") } else { Ok(true) }
        }
        fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
            self.1 += 1;
            Ok(())
        }
        fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
            Ok(true)
        }
    }
    let engine = Engine::default();
    let mut store = Store::new(&engine, Log::default());
    store.limiter(|log| log);
    let module = module(&engine, r#"(module (memory 1 4) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 0).unwrap(), 1);
    assert_eq!(grow.call(&mut store, 2).unwrap(), 1);
    assert_eq!(grow.call(&mut store, 2).unwrap(), -1);
    let error = grow.call(&mut store, 3).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "too greedy");
    let page = 1 << 16;
    let Log(calls, failures) = store.into_data();
    let expected = [(0, 1), (1, 3), (3, 5), (3, 6)].map(|(current, desired)| (current * page, desired * page, Some(4 * page)));
    assert_eq!((calls, failures), (expected.to_vec(), 1));
}

#[test]
fn everything_of_a_store_is_freed_with_it() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = || Counted(Arc::clone(&dropped));
    let engine = Engine::default();
    let module = module(&engine, r#"(module (import "" "f" (func)) (memory 1) (table 5 funcref))"#);
    let mut linker = Linker::new(&engine);
    let in_linker = counted();
    linker.func_wrap("", "f", move || _ = &in_linker).unwrap();
    let mut store = Store::new(&engine, counted());
    let in_store = counted();
    let func = Func::wrap(&mut store, move || _ = &in_store);
    ExternRef::new(&mut store, counted()).unwrap();
    Instance::new(&mut store, &module, &[func.into()]).unwrap();
    linker.instantiate(&mut store, &module).unwrap();
    drop(store);
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
    drop(linker);
    assert_eq!(dropped.load(Ordering::SeqCst), 4);
    // Nothing but the module itself keeps its engine.
    let weak = engine.weak();
    drop(engine);
    assert!(weak.upgrade().is_some());
    drop(module);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_global_of_another_store_panics() {
    let (mut one, instance) = instance(r#"(module (global (export "g") i32 (i32.const 1)))"#);
    let global = instance.get_global(&mut one, "g").unwrap();
    let mut other = Store::<()>::default();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| global.get(&mut other)));
    assert!(caught.unwrap_err().downcast_ref::<String>().unwrap().contains("wrong store"));
}
