//! Bodies that are long, wide or deep: building is linear in them, or is refused.

use std::fmt::Write;
use std::time::{Duration, Instant};

use mj_decode::{Features, Flow, Reader, validate};
use mj_ir::ssa::{BuildOptions, Function, Source, TooLarge, Uses};

/// Builds the only function of a module that is made of `body`; unoptimized builds are slow, quadratic ones far slower.
fn build(body: &str) -> Result<Function, TooLarge> {
    let wasm = wat::parse_str(format!("(module (memory 1) (func (param i32) (result i32) {body}))")).expect("well formed");
    let module = validate(&wasm, &Features::supported()).expect("valid");
    let range = module.bodies[0].clone();
    let body = Reader::new(&wasm[range.start as usize..range.end as usize], range.start);
    let (mut function, mut flow) = (Function::default(), Flow::default());
    let start = Instant::now();
    let result = function.build(
        &Source { module: &module, function: 0, body, entry: None, needs_register: |_, _, _| true },
        &mut flow,
        BuildOptions::default(),
    );
    assert!(start.elapsed() < Duration::from_secs(4), "{:?} for {} bytes", start.elapsed(), range.len());
    result?;
    function.verify(&module).expect("sound");
    Uses::default().prune(&mut function);
    function.verify(&module).expect("sound without what nobody needs");
    Ok(function)
}

fn repeat(count: usize, mut piece: impl FnMut(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{}", piece(number));
        text
    })
}

#[test]
fn many_blocks_one_behind_the_other() {
    let function =
        build(&(repeat(20_000, |_| "(if (local.get 0) (then (local.set 0 (i32.load (local.get 0)))))".to_owned()) + "(local.get 0)"));
    assert!(function.expect("small enough").blocks.len() > 40_000);
}

#[test]
fn many_blocks_in_each_other() {
    let depth = 30_000;
    for opener in ["block", "loop", "if (local.get 0)"] {
        let body = repeat(depth, |_| opener.to_owned()) + &repeat(depth, |_| "end".to_owned()) + "local.get 0";
        let body = body.replace("if (local.get 0)", "local.get 0 if");
        build(&body).expect("small enough");
    }
    // Each loop goes back.
    let body = repeat(5000, |_| "loop".to_owned()) + &repeat(5000, |_| "local.get 0 br_if 0 end".to_owned()) + "local.get 0";
    build(&body).expect("small enough");
}

#[test]
fn many_ways_to_one_label() {
    let body = "block ".to_owned() + &repeat(50_000, |_| "local.get 0 i32.load local.tee 0 br_if 0".to_owned()) + "end local.get 0";
    let function = build(&body).expect("small enough");
    let join = function.blocks.keys().find(|&block| function.parameters(block).len() == 1 && block.as_u32() > 0);
    assert!(join.is_some());
}

#[test]
fn many_locals() {
    let locals = format!("(local {})", "i32 ".repeat(49_000));
    let body = repeat(5000, |number| format!("(if (local.get 0) (then (local.set {} (local.get 0))))", number * 9 + 1));
    build(&(locals.clone() + &body + "(local.get 0)")).expect("small enough");
    // None of these is read: no header keeps parameters for them.
    let body = "loop ".to_owned()
        + &repeat(20_000, |number| format!("local.get 0 local.set {}", number + 1))
        + "local.get 0 br_if 0 end local.get 0";
    build(&(locals + &body)).expect("small enough");
}

#[test]
fn a_wide_switch() {
    let count = 10_000;
    let targets = (0..count).map(|number| (number / 2).to_string()).collect::<Vec<_>>().join(" ");
    let cases = repeat(count / 2, |number| format!("end local.get 0 i32.const {number} i32.add local.set 0"));
    let body = repeat(count / 2, |_| "block".to_owned()) + &format!("local.get 0 br_table {targets} 0 ") + &cases + "local.get 0";
    let function = build(&body).expect("small enough");
    assert_eq!(function.edges.len(), count + 1);
}

#[test]
fn edges_that_carry_too_much_are_refused() {
    let count = 10_000;
    let locals = format!("(local {})", "i32 ".repeat(count));
    let body = "block ".to_owned()
        + &repeat(count, |number| format!("local.get 0 i32.load local.tee {} br_if 0", number + 1))
        + "end local.get 0 "
        + &repeat(count, |number| format!("local.get {} i32.add", number + 1));
    assert!(build(&(locals + &body)).is_err());
}
