//! Any bytes at all: refused with an offset or compiled, and by every way in alike.

use mj_jit::{Config, Engine, Module};

/// Validates and compiles the bytes; returns whether they are a module.
///
/// # Panics
///
/// If validation and compilation disagree, or an error does not say where.
pub fn decode(bytes: &[u8]) -> bool {
    let mut config = Config::new();
    config.parallel_compilation(false);
    let engine = Engine::new(&config).unwrap_or_else(|error| panic!("the configuration is refused: {error:#}"));
    let validated = Module::validate(&engine, bytes);
    let compiled = Module::from_binary(&engine, bytes);
    if let Err(error) = &compiled {
        let message = format!("{error:#}");
        assert!(message.contains("offset"), "an error that does not say where: {message}");
    }
    assert_eq!(validated.is_ok(), compiled.is_ok(), "validation: {validated:?}; compilation: {:?}", compiled.err());
    validated.is_ok()
}
