//! Any bytes at all: refused with an offset or compiled, by every way in and by every compiler alike.

use mj_generating::Config;
use mj_jit::{Engine, Module, Strategy};

use crate::{Random, generate, programs};

/// Validates and compiles the bytes, or a damaged module that they choose; returns whether it is a module.
///
/// # Panics
///
/// If validation and compilation disagree, or an error does not say where.
pub fn decode(bytes: &[u8]) -> bool {
    let wasm = made(bytes);
    let engine = |strategy| {
        let mut config = mj_jit::Config::new();
        config.parallel_compilation(false).strategy(strategy);
        Engine::new(&config).unwrap_or_else(|error| panic!("the configuration is refused: {error:#}"))
    };
    let baseline = engine(Strategy::BASELINE);
    let validated = Module::validate(&baseline, &wasm);
    for engine in [baseline, engine(Strategy::OPTIMIZING)] {
        let compiled = Module::from_binary(&engine, &wasm);
        if let Err(error) = &compiled {
            let message = format!("{error:#}");
            assert!(message.contains("offset"), "an error that does not say where: {message}");
        }
        assert_eq!(validated.is_ok(), compiled.is_ok(), "validation: {validated:?}; compilation: {:?}", compiled.err());
    }
    validated.is_ok()
}

/// What [`decode`] looks at. Bytes that begin as modules do stay as they are; of others the first chooses: any bytes, sections of any bytes, or a module
/// that may use every proposal, in which a few bytes are changed, left out or put in.
pub fn made(bytes: &[u8]) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x01\0\0\0";
    let Some((&choice, rest)) = bytes.split_first().filter(|_| !bytes.starts_with(&HEADER[..4])) else { return bytes.to_vec() };
    let whole = match choice % 8 {
        0 => return rest.to_vec(),
        1 => return [HEADER, rest].concat(),
        2 => mj_generating::module(Config::default(), rest),
        3 => generate::module(rest),
        _ => Some(programs::module(rest)),
    };
    let Some(mut wasm) = whole else { return rest.to_vec() };
    let mut random = Random::new(rest.iter().rev().fold(u64::from(choice), |seed, &byte| mj_generating::mix(seed ^ u64::from(byte))));
    for _ in 0..random.below(6) {
        damage(&mut wasm, &mut random);
    }
    wasm
}

fn damage(wasm: &mut Vec<u8>, random: &mut Random) {
    if wasm.is_empty() {
        return;
    }
    let at = random.below(wasm.len());
    let length = 1 + random.below(8.min(wasm.len() - at));
    match random.below(8) {
        0 => wasm.truncate(at),
        1 => _ = wasm.drain(at..at + length),
        2 => {
            let again = wasm[at..at + length].to_vec();
            let to = random.below(wasm.len());
            wasm.splice(to..to, again);
        }
        // A number that is as great as its bytes allow.
        3 => _ = wasm.splice(at..at + 1, [0xff, 0xff, 0xff, 0xff, 0x0f]),
        4 => wasm[at] = random.next() as u8,
        5 => wasm[at] = wasm[at].wrapping_add(1),
        _ => wasm[at] ^= 1 << random.below(8),
    }
}
