//! Random bytes become a valid module that ends, touches only small memories and makes no NaN whose bits are the engine's choice.

use mj_generating::{Config, limits};

/// What a module may import; [`crate::host`] says what it does.
const IMPORTS: &str = r#"(module
    (import "host" "mix" (func (param i32 i64 f32 f64) (result i64)))
    (import "host" "pair" (func (param i32) (result f64 i32)))
    (import "host" "many" (func (param i64 f64 i32 f32 i64 f64 i64 i64 i64 i32 f64 i64 i64) (result f32)))
    (import "host" "fail" (func (param i64) (result i32)))
    (import "host" "pass" (func (param externref i32) (result externref))))"#;

/// The module that these bytes stand for; `None` if they are too few.
#[must_use]
pub fn module(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choices, bytes) = bytes.split_first()?;
    let imports = Some(wat::parse_str(IMPORTS).expect("well formed"));
    mj_generating::module(Config { available_imports: imports, ..limits(choices) }, bytes)
}

#[cfg(test)]
mod tests {
    use mj_generating::Random;

    use super::*;

    #[test]
    fn modules_import_what_the_host_has() {
        let made: Vec<_> = (0..20).filter_map(|seed| module(&Random::new(seed).bytes(2048))).collect();
        let imports = |wasm: &Vec<u8>| wasm.windows(4).any(|bytes| bytes == b"host");
        assert!(made.iter().filter(|wasm| imports(wasm)).count() >= 5, "of {} modules few import", made.len());
    }
}
