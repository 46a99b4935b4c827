//! Linear memory: passing strings in and out, growing, and touching memory and the store's data at the same time.
//!
//!     cargo run --example memory

use mj_jit::{Engine, Instance, Memory, MemoryType, Module, Result, Store};

const GUEST: &str = r#"
    (module
        (memory (export "memory") 1 4)
        ;; Turns small letters into capitals, in place.
        (func (export "shout") (param $at i32) (param $length i32)
            (local $end i32)
            (local.set $end (i32.add (local.get $at) (local.get $length)))
            (loop $next
                (if (i32.lt_u (local.get $at) (local.get $end))
                    (then
                        (if (i32.lt_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 97)) (i32.const 26))
                            (then (i32.store8 (local.get $at) (i32.sub (i32.load8_u (local.get $at)) (i32.const 32)))))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))
                        (br $next))))))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(GUEST)?)?;
    let mut store = Store::new(&engine, String::new());
    let instance = Instance::new(&mut store, &module, &[])?;
    let memory = instance.get_memory(&mut store, "memory").expect("it is exported");

    // `write` and `read` copy and check their bounds.
    let text = b"hello, memory";
    memory.write(&mut store, 1000, text)?;
    let shout = instance.get_typed_func::<(u32, u32), ()>(&mut store, "shout")?;
    shout.call(&mut store, (1000, text.len() as u32))?;
    let mut loud = vec![0; text.len()];
    memory.read(&store, 1000, &mut loud)?;
    assert_eq!(loud, b"HELLO, MEMORY");

    // `data` borrows without a copy; `data_and_store_mut` gives the bytes and the store's data at once.
    assert_eq!(&memory.data(&store)[1000..1005], b"HELLO");
    let (bytes, log) = memory.data_and_store_mut(&mut store);
    log.push_str(&String::from_utf8_lossy(&bytes[1007..1013]));
    assert_eq!(store.data(), "MEMORY");

    // Memory grows in pages of 64 KiB, up to its maximum. What it held stays.
    assert_eq!(memory.grow(&mut store, 3)?, 1);
    assert_eq!(memory.data_size(&store), 4 * 65536);
    assert!(memory.grow(&mut store, 1).is_err());
    assert_eq!(&memory.data(&store)[1000..1005], b"HELLO");

    // The host can make memories of its own, which modules import.
    let own = Memory::new(&mut store, MemoryType::new(1, None))?;
    assert!(own.write(&mut store, 65530, b"too far").is_err());
    println!("{}", store.data());
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
