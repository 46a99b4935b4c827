//! Machine code as a compiler would make it, for the tests: ways in and out, and functions that do one thing each.
//!
//! What the code is like is said per processor. Words that tests hand to the code are the context's own globals.

use std::mem::size_of;

use mj_abi::{ContextHeader, TrapCode};

#[cfg_attr(target_arch = "x86_64", path = "code/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "code/aarch64.rs")]
mod instructions;

pub use instructions::DIVISIONS;

/// Offset of own global 0 in a context, of which each takes 16 bytes.
const GLOBALS: usize = size_of::<ContextHeader>().next_multiple_of(16);

macro_rules! labels {
    ($($name:ident = $symbol:ident),* $(,)?) => {
        unsafe extern "C" { static mj_test_start: u8; $(static $symbol: u8;)* }
        /// Places in the code, as offsets from its start.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types)]
        pub enum Label { $($name),* }

        impl Label {
            pub fn offset(self) -> usize {
                let address = match self { $(Label::$name => &raw const $symbol),* };
                address as usize - (&raw const mj_test_start as usize)
            }
        }
    };
}

labels! {
    end = mj_test_end, trampoline = mj_test_trampoline, entry_end = mj_test_entry_end,
    unwind = mj_test_unwind, interrupt = mj_test_interrupt, shim = mj_test_shim,
    subtract = mj_test_subtract, divide = mj_test_divide, divide_32 = mj_test_divide_32, unreachable = mj_test_unreachable,
    load = mj_test_load, null = mj_test_null, wild = mj_test_wild, recurse = mj_test_recurse, spin = mj_test_spin,
    call_host_often = mj_test_call_host_often, call_out = mj_test_call_out, call_twice = mj_test_call_twice, call_helper = mj_test_call_helper, call_lazy = mj_test_call_lazy,
    site_divide = mj_test_site_divide, site_divide_32 = mj_test_site_divide_32,
    site_overflow = mj_test_site_overflow, site_overflow_32 = mj_test_site_overflow_32, site_unreachable = mj_test_site_unreachable,
    site_load = mj_test_site_load, site_null = mj_test_site_null, site_recurse = mj_test_site_recurse, site_spin = mj_test_site_spin,
    site_call_out = mj_test_site_call_out, site_call_twice = mj_test_site_call_twice, site_call_helper = mj_test_site_call_helper,
    site_call_lazy = mj_test_site_call_lazy, call_and_trap = mj_test_call_and_trap, site_call_and_trap = mj_test_site_call_and_trap,
}

/// The sites, but for divisions that fault.
pub fn sites() -> impl Iterator<Item = (Label, TrapCode)> {
    SITES.into_iter().chain(instructions::SITES)
}

/// The sites that every processor has.
const SITES: [(Label, TrapCode); 11] = [
    (Label::site_unreachable, TrapCode::UnreachableCodeReached),
    (Label::site_load, TrapCode::MemoryOutOfBounds),
    (Label::site_null, TrapCode::IndirectCallToNull),
    (Label::site_spin, TrapCode::Interrupt),
    (Label::site_recurse, TrapCode::Call),
    (Label::site_call_out, TrapCode::Call),
    (Label::site_call_twice, TrapCode::Call),
    (Label::site_call_helper, TrapCode::Call),
    (Label::site_call_lazy, TrapCode::Call),
    (Label::site_call_and_trap, TrapCode::Call),
    (Label::site_call_and_trap, TrapCode::UnreachableCodeReached),
];

/// All of the code, position independent.
pub fn bytes() -> &'static [u8] {
    // SAFETY: the code lies between its first and its last label, and is never written.
    unsafe { std::slice::from_raw_parts(&raw const mj_test_start, Label::end.offset()) }
}
