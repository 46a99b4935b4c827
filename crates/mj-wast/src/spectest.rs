//! The host module `spectest`, which scripts of the test suite import from.

use std::fmt::Debug;

use mj_jit::{Error, Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, RefType, Store, Table, TableType, Val, ValType};

/// Defines `spectest`'s functions, globals, table and memory.
pub(crate) fn define(linker: &mut Linker<()>, store: &mut Store<()>, print: bool) -> Result<(), Error> {
    define_functions(linker, print)?;
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, value_type, value) in globals {
        let global = Global::new(&mut *store, GlobalType::new(value_type, Mutability::Const), value)?;
        linker.define(&mut *store, "spectest", name, global)?;
    }
    let table = Table::new(&mut *store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, "spectest", "table", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, "spectest", "memory", memory)?;
    Ok(())
}

fn define_functions(linker: &mut Linker<()>, print: bool) -> Result<(), Error> {
    let show = move |values: &[&dyn Debug]| {
        if print {
            println!("{values:?}");
        }
    };
    linker.func_wrap("spectest", "print", move || show(&[]))?;
    linker.func_wrap("spectest", "print_i32", move |a: i32| show(&[&a]))?;
    linker.func_wrap("spectest", "print_i64", move |a: i64| show(&[&a]))?;
    linker.func_wrap("spectest", "print_f32", move |a: f32| show(&[&a]))?;
    linker.func_wrap("spectest", "print_f64", move |a: f64| show(&[&a]))?;
    linker.func_wrap("spectest", "print_i32_f32", move |a: i32, b: f32| show(&[&a, &b]))?;
    linker.func_wrap("spectest", "print_f64_f64", move |a: f64, b: f64| show(&[&a, &b]))?;
    Ok(())
}
