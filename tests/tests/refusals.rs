//! The operating system refuses memory at every place where it can: each call of the API is an error then, and nothing is lost.
//!
//! This program has functions of its own where others have the C library's: they do the same until a thread's countdown is at zero. What the C
//! library allocates for itself does not come by here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::{c_int, c_long, c_void, off_t, size_t};
use mj_jit::{
    Config, Engine, Func, Global, GlobalType, Instance, Memory, MemoryType, Module, Mutability, Ref, RefType, Result, Store, Strategy,
    Table, TableType, Val, ValType,
};

thread_local! {
    /// Calls that still succeed; none: all do.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    /// Whether every call behind the refused one is refused, too.
    static STAYS: Cell<bool> = const { Cell::new(false) };
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this call is refused; then the error is "out of memory".
fn refuses() -> bool {
    let refuses = match LEFT.get() {
        None => return false,
        Some(0) => true,
        Some(left) => {
            LEFT.set(Some(left - 1));
            false
        }
    };
    if refuses {
        REFUSED.set(true);
        if !STAYS.get() {
            LEFT.set(None);
        }
        // SAFETY: the error of this thread.
        unsafe { *libc::__errno_location() = libc::ENOMEM };
    }
    refuses
}

/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    address: *mut c_void,
    length: size_t,
    access: c_int,
    flags: c_int,
    file: c_int,
    offset: off_t,
) -> *mut c_void {
    if refuses() {
        return libc::MAP_FAILED;
    }
    // SAFETY: by the caller's promise.
    unsafe {
        libc::syscall(libc::SYS_mmap, address, length, c_long::from(access), c_long::from(flags), c_long::from(file), offset) as *mut c_void
    }
}

/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    address: *mut c_void,
    length: size_t,
    access: c_int,
    flags: c_int,
    file: c_int,
    offset: off_t,
) -> *mut c_void {
    // SAFETY: by the caller's promise.
    unsafe { mmap(address, length, access, flags, file, offset) }
}

/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mprotect(address: *mut c_void, length: size_t, access: c_int) -> c_int {
    if refuses() {
        return -1;
    }
    // SAFETY: by the caller's promise.
    unsafe { libc::syscall(libc::SYS_mprotect, address, length, c_long::from(access)) as c_int }
}

/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn madvise(address: *mut c_void, length: size_t, advice: c_int) -> c_int {
    if refuses() {
        return -1;
    }
    // SAFETY: by the caller's promise.
    unsafe { libc::syscall(libc::SYS_madvise, address, length, c_long::from(advice)) as c_int }
}

/// # Safety
/// As for the C library's function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memfd_create(name: *const libc::c_char, flags: libc::c_uint) -> c_int {
    if refuses() {
        return -1;
    }
    // SAFETY: by the caller's promise.
    unsafe { libc::syscall(libc::SYS_memfd_create, name, c_long::from(flags)) as c_int }
}

const TEXT: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (memory (export "m") 1) (table (export "t") 4 funcref) (elem (i32.const 0) $f $host)
    (data (i32.const 0) "data") (global (export "g") (mut i32) (i32.const 7))
    (func $f (export "f") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.load (i32.const 0))))
    (func (export "grow") (param i32) (result i32 i32)
        (memory.grow (local.get 0)) (table.grow (ref.null func) (local.get 0)))
    (func (export "trap") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0))))"#;

/// A program of an embedder's that uses all that allocates. Errors are returned, results checked.
fn program(config: &Config) -> Result<()> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, TEXT)?;
    let mut store = Store::try_new(&engine, ())?;
    let host = Func::try_wrap(&mut store, |value: i32| value + 1)?;
    let memory = Memory::new(&mut store, MemoryType::new(2, Some(9)))?;
    memory.grow(&mut store, 3)?;
    memory.data_mut(&mut store).fill(3);
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 10, None), Ref::Func(None))?;
    table.grow(&mut store, 100_000, Ref::Func(None))?;
    Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1))?;
    let instance = Instance::new(&mut store, &module, &[host.into()])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    assert_eq!(f.call(&mut store, 5)?, 6 + i32::from_le_bytes(*b"data"));
    // Growing fails without an error: -1.
    let grown = instance.get_typed_func::<i32, (i32, i32)>(&mut store, "grow")?.call(&mut store, 2)?;
    assert!([1, -1].contains(&grown.0) && [4, -1].contains(&grown.1), "{grown:?}");
    assert!(instance.get_typed_func::<i32, i32>(&mut store, "trap")?.call(&mut store, 0).is_err());
    let compiled = engine.precompile_module(module.bytes())?;
    // SAFETY: it was just made by this engine.
    let again = unsafe { Module::deserialize(&engine, compiled) }?;
    Instance::new(&mut store, &again, &[host.into()])?;
    Ok(())
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

fn configurations() -> Vec<Config> {
    let mut all = Vec::new();
    for strategy in [Strategy::BASELINE, Strategy::OPTIMIZING] {
        for signals in [true, false] {
            let mut config = Config::new();
            config.strategy(strategy).signals_based_traps(signals).parallel_compilation(false);
            all.push(config);
        }
    }
    all
}

#[test]
fn whatever_allocation_is_refused_the_api_says_so_and_loses_nothing() {
    for stays in [false, true] {
        for config in configurations() {
            program(&config).unwrap();
            let before = mappings();
            let (mut errors, mut calls) = (0, 0);
            loop {
                REFUSED.set(false);
                STAYS.set(stays);
                LEFT.set(Some(calls));
                let result = catch_unwind(AssertUnwindSafe(|| program(&config)));
                LEFT.set(None);
                if !REFUSED.get() {
                    result.expect("no panic").expect("nothing was refused");
                    break;
                }
                match result {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        errors += 1;
                        assert!(!error.to_string().is_empty());
                    }
                    Err(_) => panic!("a panic where call {calls} is refused, later ones too: {stays}"),
                }
                calls += 1;
            }
            assert!(errors >= 5, "only {errors} errors of {calls} refusals");
            program(&config).unwrap();
            let after = mappings();
            assert!(after <= before + 20, "{before} mappings before, {after} after {calls} refusals");
        }
    }
}
