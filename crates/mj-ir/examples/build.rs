//! Builds the SSA form of all functions of modules: counts and times, for measurements.
//!
//! `build [--verify] [--prune] [--print] [--entries] [--without PASS]… [--fuel] [--function N] FILE…`, where a pass is one of `SIMPLIFICATIONS`.

use std::time::Instant;

use mj_decode::{Features, Flow, Module, Reader};
use mj_ir::ssa::{BuildOptions, Function, SIMPLIFICATIONS, Source, Uses};

#[derive(Default)]
struct Totals {
    functions: usize,
    bytes: usize,
    blocks: usize,
    nodes: usize,
    lists: usize,
    too_large: usize,
    /// Greatest size of a function's lists by bytes of its body.
    densest: f64,
}

#[derive(Default)]
struct Wanted {
    options: BuildOptions,
    verify: bool,
    prune: bool,
    print: bool,
    /// Continuations at all loops too.
    entries: bool,
    only: Option<u32>,
}

fn main() {
    let mut wanted = Wanted::default();
    let mut arguments = std::env::args().skip(1);
    let mut files = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--verify" => wanted.verify = true,
            "--prune" => wanted.prune = true,
            "--print" => wanted.print = true,
            "--entries" => wanted.entries = true,
            "--fuel" => wanted.options.fuel = true,
            "--function" => wanted.only = arguments.next().and_then(|number| number.parse().ok()),
            "--without" => {
                let name = arguments.next().unwrap_or_default();
                let Some(row) = SIMPLIFICATIONS.iter().find(|row| row.name == name) else {
                    let names: Vec<&str> = SIMPLIFICATIONS.iter().map(|row| row.name).collect();
                    eprintln!("no pass is called `{name}`: there are {}", names.join(", "));
                    std::process::exit(2);
                };
                wanted.options = wanted.options.without(row);
            }
            _ => files.push(argument),
        }
    }
    let mut failures = 0;
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        match mj_decode::validate(&bytes, &Features::supported()) {
            Ok(module) => failures += build_all(&file, &bytes, &module, &wanted),
            Err(error) => println!("{file}: {error}"),
        }
    }
    std::process::exit(i32::from(failures > 0));
}

/// Builds what is wanted of a module; returns how much fails.
fn build_all(file: &str, bytes: &[u8], module: &Module, wanted: &Wanted) -> usize {
    let (mut function, mut flow, mut uses) = (Function::default(), Flow::default(), Uses::default());
    let (mut totals, mut failures) = (Totals::default(), 0);
    let start = Instant::now();
    for (number, body) in (module.imported_functions..).zip(&module.bodies) {
        if wanted.only.is_some_and(|only| only != number) {
            continue;
        }
        let reader = Reader::new(&bytes[body.start as usize..body.end as usize], body.start);
        let mut entries = vec![None];
        if wanted.entries {
            let mut locals = module.function_type(number).params().len();
            let operators = mj_decode::read_locals(reader.clone(), |count, _| locals += count as usize);
            flow.find(locals, operators);
            entries.extend(flow.loops.iter().filter(|one| one.is_target).map(|one| Some(one.at)));
        }
        totals.bytes += body.len();
        for entry in entries {
            let source = Source { module, function: number, body: reader.clone(), entry, needs_register: |_, _, _| true };
            totals.functions += 1;
            if function.build(&source, &mut flow, wanted.options).is_err() {
                totals.too_large += 1;
                continue;
            }
            let mut verify = |function: &Function| {
                if wanted.verify
                    && let Err(wrong) = function.verify(module)
                {
                    println!("{file}: function {number}: {wrong}");
                    failures += 1;
                }
            };
            verify(&function);
            if wanted.prune {
                uses.prune(&mut function);
                verify(&function);
            }
            if wanted.print {
                println!("{function}");
            }
            totals.blocks += function.blocks.len();
            totals.nodes += function.nodes.len();
            totals.lists += function.lists.len();
            totals.densest = totals.densest.max(function.lists.len() as f64 / (body.len() as f64 + 200.0));
        }
    }
    let Totals { functions, bytes, blocks, nodes, lists, too_large, densest } = totals;
    println!(
        "{file}: {functions} functions, {bytes} bytes, {blocks} blocks, {nodes} nodes, {lists} list entries, {too_large} too large, \
         at most {densest:.1} entries a byte, {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    failures
}
