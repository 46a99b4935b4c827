//! An engine without signals in a process of its own: nothing is installed, and every trap and interruption is found all the same.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::mpsc;
use std::time::Duration;

use mj_jit::{Config, Engine, Instance, Module, Store, Strategy, Trap, UpdateDeadline};

const TEXT: &str = r#"(module
    (memory 1) (table 2 funcref) (type $v (func)) (elem (i32.const 1) func $other)
    (func $other (param i32))
    (func $zero (result i32) (i32.const 0))
    (func (export "unreachable") unreachable)
    (func (export "load") (drop (i64.load (i32.const 65529))))
    (func (export "store") (i32.store offset=0xffffffff (i32.const -1) (i32.const 0)))
    (func (export "quotient") (drop (i32.div_s (i32.const 1) (call $zero))))
    (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.extend_i32_u (call $zero)))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.sub (call $zero) (i32.const 1)))))
    (func (export "conversion") (drop (i32.trunc_f64_s (f64.div (f64.const 0) (f64.convert_i32_s (call $zero))))))
    (func (export "null") (call_indirect (type $v) (i32.const 0)))
    (func (export "signature") (call_indirect (type $v) (i32.const 1)))
    (func $deep (export "stack") (call $deep))
    (func (export "loop") (loop $l (br $l)))
    (func $f (export "recursion") (call $g) (call $g))
    (func $g (block (br_if 0 (i32.const 1)) (call $f)) (loop $l (br $l))))"#;

const TRAPS: [(&str, Trap); 10] = [
    ("unreachable", Trap::UnreachableCodeReached),
    ("load", Trap::MemoryOutOfBounds),
    ("store", Trap::MemoryOutOfBounds),
    ("quotient", Trap::IntegerDivisionByZero),
    ("remainder", Trap::IntegerDivisionByZero),
    ("overflow", Trap::IntegerOverflow),
    ("conversion", Trap::BadConversionToInteger),
    ("null", Trap::IndirectCallToNull),
    ("signature", Trap::BadSignature),
    ("stack", Trap::StackOverflow),
];

/// The handlers of all signals, and the stack for signals of this thread.
fn installed() -> (Vec<usize>, usize) {
    let handler = |signal| {
        let mut present = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks only, and writes to a structure of ours, for which all-zero is valid.
        unsafe {
            libc::sigaction(signal, ptr::null(), present.as_mut_ptr());
            present.assume_init().sa_sigaction
        }
    };
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: as above.
    let stack = unsafe {
        libc::sigaltstack(ptr::null(), stack.as_mut_ptr());
        stack.assume_init().ss_sp as usize
    };
    ((1..=64).map(handler).collect(), stack)
}

fn call(store: &mut Store<()>, instance: Instance, name: &str) -> Trap {
    let function = instance.get_typed_func::<(), ()>(&mut *store, name).unwrap();
    let error = function.call(store, ()).expect_err(name);
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("{name}: {error:?}"))
}

fn run(strategy: Strategy) {
    let mut config = Config::new();
    config.strategy(strategy).signals_based_traps(false).epoch_interruption(true).tier_up_budget(1);
    let engine = Engine::new(&config).unwrap();
    assert!(!engine.get_signals_based_traps());
    let module = Module::new(&engine, TEXT).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1 << 40);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for _ in 0..20 {
        for (name, trap) in TRAPS {
            assert_eq!(call(&mut store, instance, name), trap, "{name}");
        }
    }
    for name in ["loop", "recursion"] {
        let handle = store.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            handle.interrupt();
        });
        assert_eq!(call(&mut store, instance, name), Trap::Interrupt, "{name}");
        thread.join().unwrap();
    }
    // Code goes on after an interruption if the callback says so.
    let mut times = 0;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        times += 1;
        Ok(if times < 5 { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
    });
    let (done, until_done) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        while until_done.recv_timeout(Duration::from_millis(2)) == Err(mpsc::RecvTimeoutError::Timeout) {
            engine.increment_epoch();
        }
    });
    assert_eq!(call(&mut store, instance, "loop"), Trap::Interrupt);
    drop(done);
    thread.join().unwrap();
}

#[test]
fn without_signals_nothing_is_installed_and_everything_is_found() {
    for strategy in [Strategy::BASELINE, Strategy::OPTIMIZING, Strategy::TIERED] {
        let check = move || {
            let before = installed();
            run(strategy);
            assert_eq!(installed(), before);
        };
        std::thread::spawn(check).join().unwrap();
    }
}
