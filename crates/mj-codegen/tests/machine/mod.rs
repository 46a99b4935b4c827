//! A small host for generated code: executable memory, a store with a stack of its own, and a runtime that writes down what it is asked.
//!
//! The unsafe part of the tests beside it. Code that a test runs must follow the convention; nothing here checks it.

#![allow(dead_code)]

use core::ffi::c_void;
use std::arch::asm;
use std::ptr;

use mj_abi::{ContextHeader, Helper, HostContext, RawValue, StoreContext};
#[cfg(target_arch = "aarch64")]
use mj_asm_aarch64::Asm;
#[cfg(target_arch = "x86_64")]
use mj_asm_x64::Asm;
use mj_codegen::host::stubs;
use mj_codegen::{StubFunctions, Stubs};

/// Code that can be called.
pub struct Code {
    start: *mut c_void,
    length: usize,
}

impl Code {
    pub fn new(bytes: &[u8]) -> Self {
        Self::placed(bytes.len(), |_| bytes.to_vec())
    }

    /// The `length` bytes that `write` gives when it knows their address.
    pub fn placed(length: usize, write: impl FnOnce(usize) -> Vec<u8>) -> Self {
        let size = length.max(1).next_multiple_of(4096);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh mapping that nothing else refers to; it is writable until the copy is done, then executable. The kernel makes
        // caches agree when a new page becomes executable.
        let start = unsafe {
            let start = libc::mmap(ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let bytes = write(start as usize);
            assert_eq!(bytes.len(), length);
            ptr::copy_nonoverlapping(bytes.as_ptr(), start.cast::<u8>(), length);
            assert_eq!(libc::mprotect(start, size, libc::PROT_READ | libc::PROT_EXEC), 0);
            start
        };
        Self { start, length: size }
    }

    /// The code that `write` writes.
    pub fn assemble(write: impl FnOnce(&mut Asm)) -> Self {
        let mut asm = Asm::default();
        asm.reserve(4096);
        write(&mut asm);
        asm.finish_function(0);
        Self::new(asm.code())
    }

    pub fn address(&self) -> usize {
        self.start as usize
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours; a test that still ran the code would hold a borrow of it.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

/// Changes every register that a C function may change.
#[cfg(target_arch = "x86_64")]
fn scribble() {
    // SAFETY: all registers written are declared.
    unsafe {
        asm!(
            "mov rax, -1",
            "mov rcx, rax",
            "mov rdx, rax",
            "mov rsi, rax",
            "mov rdi, rax",
            "mov r8, rax",
            "mov r9, rax",
            "mov r10, rax",
            "mov r11, rax",
            "movq xmm0, rax",
            "punpcklqdq xmm0, xmm0",
            "movaps xmm1, xmm0",
            "movaps xmm2, xmm0",
            "movaps xmm3, xmm0",
            "movaps xmm4, xmm0",
            "movaps xmm5, xmm0",
            "movaps xmm6, xmm0",
            "movaps xmm7, xmm0",
            "movaps xmm8, xmm0",
            "movaps xmm9, xmm0",
            "movaps xmm10, xmm0",
            "movaps xmm11, xmm0",
            "movaps xmm12, xmm0",
            "movaps xmm13, xmm0",
            "movaps xmm14, xmm0",
            "movaps xmm15, xmm0",
            "cmp rax, 0",
            clobber_abi("C"),
        );
    }
}

/// Changes every register that a C function may change.
#[cfg(target_arch = "aarch64")]
fn scribble() {
    // SAFETY: all registers written are declared.
    unsafe {
        asm!(
            "mov x0, -1",
            ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17",
            "mov x\\n, x0",
            ".endr",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            "dup v\\n\\().2d, x0",
            ".endr",
            // The upper halves of these are nobody's.
            ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
            "mov v\\n\\().d[1], x0",
            ".endr",
            "cmp x0, 0",
            clobber_abi("C"),
        );
    }
}

/// What was going on when the host was called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exit {
    pub fp: usize,
    pub pc: usize,
    pub wasm_sp: usize,
}

impl Exit {
    /// Of compiled code that has just called out.
    fn of(store: &StoreContext) -> Self {
        let wasm_sp = store.wasm_sp;
        Self { fp: word_at(wasm_sp), pc: word_at(wasm_sp + 8), wasm_sp }
    }
}

/// One call of the runtime by a stub.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuntimeCall {
    /// Helper number, or one of the names below.
    pub function: usize,
    pub arguments: [u64; 4],
    pub exit: Exit,
}

/// [`RuntimeCall::function`] of an interruption.
pub const INTERRUPTED: usize = 100;
/// [`RuntimeCall::function`] of a lazy compilation.
pub const COMPILE_LAZILY: usize = 101;

/// The runtime: what it was asked, and what it answers.
#[derive(Default)]
pub struct Runtime {
    pub calls: Vec<RuntimeCall>,
    pub answer: u64,
    pub unwinds: bool,
}

extern "C" fn runtime<const FUNCTION: usize>(context: *mut ContextHeader, a: u64, b: u64, c: u64, d: u64) -> u64 {
    assert!(stack_is_aligned());
    // SAFETY: stubs pass the context register, which is a machine's context; its `instance` is the machine's runtime, and the
    // machine is not looked at from elsewhere while compiled code runs.
    let (store, runtime) = unsafe { (&mut *(*context).store, &mut *(*context).instance.cast::<Runtime>()) };
    let exit = Exit::of(store);
    runtime.calls.push(RuntimeCall { function: FUNCTION, arguments: [a, b, c, d], exit });
    store.unwinding = usize::from(runtime.unwinds);
    scribble();
    runtime.answer
}

/// Whether a 16-aligned variable is where one may be: the compiler relies on what the convention promises of `rsp`.
#[inline(never)]
fn stack_is_aligned() -> bool {
    #[repr(align(16))]
    struct Aligned([u8; 16]);
    let frame = std::hint::black_box(Aligned([0; 16]));
    std::hint::black_box(&raw const frame as usize).is_multiple_of(16)
}

fn runtime_address(function: extern "C" fn(*mut ContextHeader, u64, u64, u64, u64) -> u64) -> usize {
    function as usize
}

/// The addresses of the runtime's functions.
pub fn stub_functions() -> StubFunctions {
    let helpers: [extern "C" fn(*mut ContextHeader, u64, u64, u64, u64) -> u64; Helper::ALL.len()] = [
        runtime::<0>,
        runtime::<1>,
        runtime::<2>,
        runtime::<3>,
        runtime::<4>,
        runtime::<5>,
        runtime::<6>,
        runtime::<7>,
        runtime::<8>,
        runtime::<9>,
        runtime::<10>,
        runtime::<11>,
        runtime::<12>,
        runtime::<13>,
    ];
    StubFunctions {
        helpers: helpers.map(runtime_address),
        interrupted: runtime_address(runtime::<INTERRUPTED>),
        compile_lazily: runtime_address(runtime::<COMPILE_LAZILY>),
    }
}

/// The stubs, ready to be called.
pub struct RunningStubs {
    pub code: Code,
    pub stubs: Stubs,
}

impl RunningStubs {
    pub fn new() -> Self {
        let stubs = stubs(&stub_functions());
        Self { code: Code::new(&stubs.code), stubs }
    }

    pub fn at(&self, offset: u32) -> usize {
        self.code.address() + offset as usize
    }
}

/// A store, a stack, and an instance with the runtime above.
pub struct Machine {
    pub store: Box<StoreContext>,
    pub context: Box<ContextHeader>,
    pub runtime: Box<Runtime>,
    stack: Vec<u64>,
}

/// What the context's memory base is.
pub const MEMORY_BASE: usize = 0x1234_5678_9000;

/// Every byte of an unused WebAssembly stack.
const UNUSED: u64 = 0xe7e7_e7e7_e7e7_e7e7;

impl Machine {
    pub fn new() -> Self {
        let mut stack = vec![UNUSED; 32 * 1024];
        // SAFETY: a plain record of numbers.
        let mut store: Box<StoreContext> = Box::new(unsafe { std::mem::zeroed() });
        // Where the processor does not mind, one slot off 16, to show that nobody does.
        let last = stack.len() - 64;
        let start = (&raw mut stack[last]) as usize & !15;
        store.wasm_sp = if cfg!(target_arch = "x86_64") { start | 8 } else { start };
        let mut runtime = Box::new(Runtime::default());
        let context = Box::new(header(&mut *store, (&raw mut *runtime).cast()));
        Self { store, context, runtime, stack }
    }

    /// Enters `code` with this machine's context.
    pub fn enter(&mut self, trampoline: &Code, code: usize, values: &mut [RawValue]) -> usize {
        let context = &raw mut *self.context;
        self.enter_with(trampoline, context, code, values)
    }

    /// Enters a host function.
    pub fn enter_host(&mut self, trampoline: &Code, shim: &Code, host: &mut Host, values: &mut [RawValue]) -> usize {
        self.enter_with(trampoline, host.context(), shim.address(), values)
    }

    fn enter_with(&mut self, trampoline: &Code, context: *mut ContextHeader, code: usize, values: &mut [RawValue]) -> usize {
        type Entry = extern "C" fn(*mut ContextHeader, usize, *mut RawValue, *mut StoreContext) -> usize;
        let before = self.store.wasm_sp;
        // SAFETY: a trampoline has this type.
        let entry: Entry = unsafe { std::mem::transmute(trampoline.address()) };
        let status = entry(context, code, values.as_mut_ptr(), &raw mut *self.store);
        self.store.wasm_sp = before;
        self.store.unwinding = 0;
        assert!(self.stack[self.stack.len() - 63..].iter().all(|&word| word == UNUSED), "the stack above its start was written");
        status
    }

    /// Calls `code` as `extern "C" fn(context, function, values, store) -> usize`, for code that wraps a trampoline.
    pub fn call_wrapper(&mut self, wrapper: &Code, function: usize, values: &mut [RawValue]) -> usize {
        self.enter(wrapper, function, values)
    }
}

fn header(store: *mut StoreContext, instance: *mut c_void) -> ContextHeader {
    ContextHeader {
        store,
        memory0_base: MEMORY_BASE as *mut u8,
        memory0: ptr::null_mut(),
        interrupt_page: ptr::null_mut(),
        type_ids: ptr::null(),
        helpers: ptr::null(),
        instance,
    }
}

/// What a host function saw and does.
#[derive(Default)]
pub struct HostCall {
    pub count: usize,
    pub seen: Vec<RawValue>,
    pub caller: usize,
    pub exit: Exit,
    pub results: Vec<RawValue>,
    pub status: usize,
}

/// A host function.
pub struct Host {
    context: Box<HostContext>,
    pub call: Box<HostCall>,
}

impl Host {
    /// A function that takes `arguments` values and answers with `results`.
    pub fn new(machine: &mut Machine, arguments: usize, results: &[RawValue]) -> Self {
        let mut call = Box::new(HostCall { count: arguments, results: results.to_vec(), ..HostCall::default() });
        let closure = (&raw mut *call).cast();
        let header = header(&mut *machine.store, ptr::null_mut());
        Self { context: Box::new(HostContext { header, function: host_function, closure }), call }
    }

    /// Its context, as any function's.
    pub fn context(&mut self) -> *mut ContextHeader {
        (&raw mut *self.context).cast()
    }
}

unsafe extern "C" fn host_function(callee: *mut HostContext, caller: *mut ContextHeader, values: *mut RawValue) -> usize {
    assert!(stack_is_aligned());
    // SAFETY: shims pass what `Host::new` made, and an array as long as both the parameters and the results.
    unsafe {
        let call = &mut *(*callee).closure.cast::<HostCall>();
        let store = &*(*callee).header.store;
        call.exit = Exit::of(store);
        call.caller = caller as usize;
        call.seen = std::slice::from_raw_parts(values, call.count).to_vec();
        ptr::copy_nonoverlapping(call.results.as_ptr(), values, call.results.len());
        let status = call.status;
        scribble();
        status
    }
}

/// The eight bytes at an address.
pub fn word_at(address: usize) -> usize {
    // SAFETY: tests ask for words of the machine's stack and of frames on it.
    unsafe { *(address as *const usize) }
}
