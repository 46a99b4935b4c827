//! Registers for random functions and programs: both compilers, both instruction sets, with many registers and with few,
//! with values in registers and in the frame.
//!
//! In builds with debug assertions every stage of the compilers checks what it leaves behind; a checker follows each value through registers and slots.

use mj_codegen::{Arch, Compiler, Entry, ModulePlan, Options, Target};
use mj_decode::{Features, validate};

use crate::{generate, programs};

/// The module that [`regalloc`] makes of bytes: every second is a program as compilers make them.
pub fn made(bytes: &[u8]) -> Option<Vec<u8>> {
    let (choice, rest) = bytes.split_first()?;
    if choice % 2 == 0 { Some(programs::module(rest)) } else { generate::module(rest) }
}

/// Generates a module and compiles all of it in every way; returns whether the bytes were enough for a module.
///
/// # Panics
///
/// If a check of the compilers' own fails, or two compilations of one function differ.
pub fn regalloc(bytes: &[u8]) -> bool {
    let Some(wasm) = made(bytes) else { return false };
    let module = validate(&wasm, &Features::supported()).expect("generated modules are valid");
    let plan = ModulePlan::new(&module);
    for arch in [Arch::X64, Arch::Aarch64] {
        for (few_registers, spill_everything) in [(true, false), (false, false), (false, true), (true, true)] {
            let options = Options { few_registers, spill_everything, ..Options::default() };
            let mut compiler = Compiler::for_target(Target::any(arch).expect("both are built"), &options);
            for function in 0..module.bodies.len() as u32 {
                let mut codes = [false, false].map(|_| {
                    compiler.compile(&module, &plan, function, &wasm).expect("it is not large");
                    compiler.optimize(&module, &plan, function, &wasm, Entry::Function).expect("it is not large");
                    compiler.take_unit().code
                });
                let second = std::mem::take(&mut codes[1]);
                assert!(
                    codes[0] == second,
                    "function {function} is not the same code twice ({arch:?}, few registers: {few_registers}, spilled: {spill_everything}; the baseline at {:?})",
                    codes[0].iter().zip(&second).position(|(one, other)| one != other)
                );
            }
        }
    }
    true
}
