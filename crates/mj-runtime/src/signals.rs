//! Hardware faults in compiled code become traps; all other signals stay what they were.
//!
//! Compiled code does not check what the hardware checks anyway: memory bounds (guard pages), division (the divide fault of x86-64), `unreachable` and
//! rare checks (an undefined instruction), stack overflow (a guard region), interruption (a protected page). The handler decides by the
//! faulting instruction's *site* and the fault address what has happened, and then does not unwind itself: it points the interrupted thread at a
//! generated stub and returns.
//!
//! Anything that does not fit exactly is somebody else's: the handler that was installed before ours is called, or the default action taken.
//!
//! Invariants: the handler allocates nothing; it takes locks only for lookups, with a limit (see `ranges.rs`); it acts only on a thread that
//! has an activation, and only if the program counter is in registered code.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use mj_abi::{Site, TrapCode};

use crate::ResourceError;
use crate::memory;
use crate::registry;
use crate::store::StoreBlock;
use crate::sys::{Cpu, has_address, is_fault};
use crate::thread;

/// Who finds out that compiled code must stop: that it traps, or is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Checks {
    /// The hardware where it can, by faults that become signals.
    #[default]
    Hardware,
    /// Compiled code alone: it needs no signal handlers, and no stacks for them.
    Compiled,
}

impl Checks {
    /// Bytes of stack above the guard region that code leaves alone when it compares.
    pub(crate) fn stack_reserve(self) -> usize {
        match self {
            Checks::Hardware => 0,
            Checks::Compiled => mj_abi::STACK_GUARD,
        }
    }
}

/// The signals that compiled code can raise.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// Calls and loads through a null reference fault below this address.
const LOW_PAGE: usize = 64 << 10;

/// What was installed before, by index in [`SIGNALS`].
struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNALS.len()]>);

// SAFETY: each entry is written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([MaybeUninit::uninit(); SIGNALS.len()]));

/// Installs the signal handlers, once per process. The first entry of a store that needs them does it, too; an engine does it early to report an error early.
pub fn install() -> Result<(), ResourceError> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| (0..SIGNALS.len()).try_for_each(install_one));
    installed.map_err(|error| ResourceError::new("handlers for the signals of traps", 0, std::io::Error::from_raw_os_error(error)))
}

fn install_one(index: usize) -> Result<(), i32> {
    let error = || std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    // SAFETY: the array is static; `install` runs this once, and the handler does not read the entry before it is installed below.
    let previous = unsafe { (*PREVIOUS.0.get())[index].as_mut_ptr() };
    // SAFETY: asks only, and writes to our entry.
    if unsafe { libc::sigaction(SIGNALS[index], ptr::null(), previous) } != 0 {
        return Err(error());
    }
    // SAFETY: all-zero is a valid `sigaction`; its mask is emptied properly next.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the mask is ours; the handler has the signature that SA_SIGINFO demands.
    let status = unsafe {
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(SIGNALS[index], &raw const action, ptr::null_mut())
    };
    if status == 0 { Ok(()) } else { Err(error()) }
}

unsafe extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record and the interrupted thread's registers.
    let is_ours = unsafe { claim(signal, &*info, &mut Cpu::new(context)) };
    if !is_ours {
        // SAFETY: these are what our handler was called with.
        unsafe { pass_on(signal, info, context) };
    }
}

/// Handles the signal if compiled code raised it, and says whether.
///
/// # Safety
/// `cpu` must be the registers of this thread as the signal interrupted it.
unsafe fn claim(signal: libc::c_int, info: &libc::siginfo_t, cpu: &mut Cpu) -> bool {
    // SAFETY: the innermost activation is in a frame of this thread that has not returned.
    let Some(activation) = (unsafe { (*thread::current()).innermost.get().as_ref() }) else { return false };
    let pc = cpu.pc();
    let Some(site) = registry::fault_site(pc) else { return false };
    // SAFETY: compiled code is running (the pc is in it), and so its store is alive and nobody else uses the block.
    let block = unsafe { &mut *activation.store };
    let trap = site.map(Site::trap);
    let code = match signal {
        libc::SIGSEGV | libc::SIGBUS if has_address(signal, info.si_code) => {
            // SAFETY: such signals have an address.
            let address = unsafe { info.si_addr() } as usize;
            if is_in_page(address, block.interrupt_page) {
                divert_to_interrupt(block, cpu);
                return true;
            }
            block.context.trap_address = address;
            access_trap(block, trap, address)
        }
        libc::SIGILL if is_fault(info.si_code) => trap.filter(|code| !matches!(code, TrapCode::Call | TrapCode::Division)),
        libc::SIGFPE if is_fault(info.si_code) && trap == Some(TrapCode::Division) => site.map(|site| division_trap(site, cpu)),
        _ => None,
    };
    let Some(code) = code else {
        if is_fault(info.si_code) {
            report(signal, pc);
        }
        return false;
    };
    let context = &mut block.context;
    if !matches!(signal, libc::SIGSEGV | libc::SIGBUS) {
        context.trap_address = 0;
    }
    context.trap_pc = pc;
    context.trap_fp = cpu.fp();
    context.trap_code = code as usize + 1;
    cpu.set_first_argument(&raw mut *context as usize);
    cpu.set_pc(block.stubs.unwind);
    true
}

fn is_in_page(address: usize, page: usize) -> bool {
    (page..page + crate::page_size()).contains(&address)
}

/// The trap of an access to `address` which the hardware refused; `None` if it is none.
fn access_trap(block: &StoreBlock, trap: Option<TrapCode>, address: usize) -> Option<TrapCode> {
    if block.guard.contains(&address) {
        return Some(TrapCode::StackOverflow);
    }
    match trap? {
        code @ (TrapCode::IndirectCallToNull | TrapCode::NullReference) => (address < LOW_PAGE).then_some(code),
        code @ TrapCode::MemoryOutOfBounds => memory::is_reserved(address).then_some(code),
        _ => None,
    }
}

/// What a division fault was: the hardware that has one has it for both.
fn division_trap(site: Site, cpu: &Cpu) -> TrapCode {
    let (register, is_64) = site.register();
    let divisor = cpu.register(register);
    let is_zero = if is_64 { divisor == 0 } else { divisor as u32 == 0 };
    if is_zero { TrapCode::IntegerDivisionByZero } else { TrapCode::IntegerOverflow }
}

/// Continues in the interrupt stub, which comes back to where we are. No register is touched.
fn divert_to_interrupt(block: &mut StoreBlock, cpu: &mut Cpu) {
    let context = &mut block.context;
    context.resume_pc = cpu.pc();
    cpu.set_pc(block.stubs.interrupt);
}

/// Says on standard error that compiled code has faulted where it must not, before the process dies of it.
fn report(signal: libc::c_int, pc: usize) {
    let mut line = *b"mj: compiled code faulted at 0x0000000000000000, where no trap is expected (signal 00)\n";
    let hex = line.iter().position(|&byte| byte == b'x').map_or(0, |x| x + 1);
    for (digit, byte) in line[hex..hex + 16].iter_mut().enumerate() {
        *byte = b"0123456789abcdef"[pc >> (60 - 4 * digit) & 15];
    }
    let end = line.len();
    line[end - 4] += (signal / 10 % 10) as u8;
    line[end - 3] += (signal % 10) as u8;
    // SAFETY: the bytes are ours. That the message may not get out changes nothing.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

/// Does what would have been done without us.
///
/// # Safety
/// To be called by a signal handler with its own arguments.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(index) = SIGNALS.iter().position(|&ours| ours == signal) else { return };
    // SAFETY: the entry was written before this handler was installed, and never since.
    let previous = unsafe { (*PREVIOUS.0.get())[index].assume_init_ref() };
    // SAFETY: the kernel passes a valid record.
    let was_sent = !is_fault(unsafe { (*info).si_code });
    match previous.sa_sigaction {
        libc::SIG_IGN if was_sent => {}
        // The kernel does not let a fault be ignored, either.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: all-zero means the default action without flags. A fault happens again as soon as we return; a signal that
            // was sent has to be sent again, and arrives when we return.
            unsafe {
                let action: libc::sigaction = MaybeUninit::zeroed().assume_init();
                libc::sigaction(signal, &raw const action, ptr::null_mut());
                if was_sent {
                    libc::raise(signal);
                }
            }
        }
        address if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            type Handler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);
            // SAFETY: whoever installed the handler with SA_SIGINFO says that it has this type.
            unsafe { std::mem::transmute::<usize, Handler>(address)(signal, info, context) };
        }
        address => {
            type Handler = unsafe extern "C" fn(libc::c_int);
            // SAFETY: whoever installed the handler without SA_SIGINFO says that it has this type.
            unsafe { std::mem::transmute::<usize, Handler>(address)(signal) };
        }
    }
}
