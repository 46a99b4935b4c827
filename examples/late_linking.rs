//! A program that generates code while it runs: late linking, by the program itself and by its host.
//!
//! The program below is a tiny compiler: `compile` writes a module into memory that multiplies by a number, and has it linked. Real ones are
//! written in C or Rust; what they generate looks the same.
//!
//!     cargo run --example late_linking

use mj_jit::{Engine, LateLinking, Linker, Module, Result, Store};

/// Multiplies its argument by a number, and puts itself into slot 0 of the program's table.
fn multiplier(number: i32) -> Result<Vec<u8>> {
    let text = format!(
        r#"(module
            (import "env" "__indirect_function_table" (table $table 1 funcref))
            (func $multiply (param i32) (result i32) (i32.mul (local.get 0) (i32.const {number})))
            (elem declare func $multiply)
            (func (export "patch") (table.set $table (i32.const 0) (ref.func $multiply))))"#
    );
    Ok(wat::parse_str(text)?)
}

/// The program, with a module for `number = 7` as a template: the number is one byte of it.
fn program() -> Result<Vec<u8>> {
    let template = multiplier(7)?;
    let number = template.windows(3).position(|bytes| bytes == [0x41, 7, 0x6c]).expect("i32.const 7, i32.mul") + 1;
    let data: String = template.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module
            (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            (table (export "__indirect_function_table") 1 funcref)
            (data (i32.const 0) "{data}")
            (func (export "compile") (param $number i32) (result i32)
                (i32.store8 (i32.const {number}) (local.get $number))
                (call $instantiate (i32.const 0) (i32.const {length})))
            (func (export "run") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))"#,
        length = template.len(),
    );
    Ok(wat::parse_str(text)?)
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_late_link(LateLinking::new())?;
    let mut store = Store::new(&engine, ());
    let program = linker.instantiate(&mut store, &Module::new(&engine, program()?)?)?;
    let compile = program.get_typed_func::<u32, u32>(&mut store, "compile")?;
    let run = program.get_typed_func::<i32, i32>(&mut store, "run")?;

    for number in [3, 5] {
        assert_eq!(compile.call(&mut store, number)?, 0, "linked");
        println!("6 * {number} = {}", run.call(&mut store, 6)?);
    }

    // The host can link for the program, too.
    let late = linker.late_link(&mut store, &program, multiplier(1000)?, &LateLinking::new())?;
    assert_eq!(run.call(&mut store, 6)?, 6000);

    // What no slot of the table refers to any more goes with the next collection; the handle would keep it.
    drop(late);
    store.gc(None)?;
    assert_eq!(store.late_instances().len(), 1);
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
