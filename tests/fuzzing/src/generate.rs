//! Random bytes become a valid module that ends, touches only small memories and makes no NaN whose bits are the engine's choice.

use mj_generating::{Config, limits};
use mj_jit::{ExternType, Module, Mutability};

/// What a module may import; [`crate::host`] says what it does.
const IMPORTS: &str = r#"
    (import "host" "mix" (func (param i32 i64 f32 f64) (result i64)))
    (import "host" "pair" (func (param i32) (result f64 i32)))
    (import "host" "many" (func (param i64 f64 i32 f32 i64 f64 i64 i64 i64 i32 f64 i64 i64) (result f32)))
    (import "host" "fail" (func (param i64) (result i32)))
    (import "host" "pass" (func (param externref i32) (result externref)))"#;

/// The module that these bytes stand for; `None` if they are too few.
#[must_use]
pub fn module(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choices, bytes) = bytes.split_first()?;
    mj_generating::module(Config { available_imports: Some(available("")), ..limits(choices) }, bytes)
}

/// As [`module`], with state of every kind: tables that hold something, globals, data.
#[must_use]
pub fn program(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choices, bytes) = bytes.split_first()?;
    mj_generating::module(Config { available_imports: Some(available("")), ..stateful(choices) }, bytes)
}

fn stateful(choices: u8) -> Config {
    Config { min_tables: 1, min_globals: 2, min_element_segments: 2, min_data_segments: 1, ..limits(choices) }
}

/// A module that `program` could generate: it imports from `env` what that exports, besides what the host has; `None` if the bytes are too few.
#[must_use]
pub fn late_module(program: &Module, bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choices, bytes) = bytes.split_first()?;
    let exports: String = program.exports().map(|export| import(export.name(), &export.ty())).collect();
    mj_generating::module(Config { available_imports: Some(available(&exports)), min_imports: 4, ..stateful(choices) }, bytes)
}

fn available(more: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {IMPORTS} {more})")).expect("well formed")
}

/// An import of something of this type, as text.
fn import(name: &str, ty: &ExternType) -> String {
    let name: String = name.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let limits = |minimum: u64, maximum: Option<u64>| format!("{minimum} {}", maximum.map_or_else(String::new, |most| most.to_string()));
    let ty = match ty {
        ExternType::Func(ty) => ty.to_string(),
        ExternType::Global(ty) => match ty.mutability() {
            Mutability::Const => format!("(global {})", ty.content()),
            Mutability::Var => format!("(global (mut {}))", ty.content()),
        },
        ExternType::Table(ty) => format!("(table {} {})", limits(ty.minimum(), ty.maximum()), ty.element()),
        ExternType::Memory(ty) => format!("(memory {})", limits(ty.minimum(), ty.maximum())),
        other => panic!("no export is {other:?}"),
    };
    format!("(import \"env\" \"{name}\" {ty})\n")
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
