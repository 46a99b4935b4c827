//! Decoding and validation of WebAssembly modules: from bytes to an environment and checked function bodies.
//!
//! [`validate`] is the only way to a [`Module`]; everything behind it may rely on validity. wasmparser does the checking.

#![forbid(unsafe_code)]

mod const_expr;
mod error;
mod features;
mod flow;
mod hints;
mod module;
mod names;
mod op;
mod reader;
mod translate;
mod types;
mod validate;

pub use const_expr::{ConstEnvironment, ConstExpr, ConstOp};
pub use error::DecodeError;
pub use features::{Features, Proposal};
pub use flow::{Effects, Flow, Loop};
pub use hints::{BodyHints, LoopHints, Touch};
pub use module::{
    CustomSection, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Export, ExportKind, Import, ImportType, Module,
};
pub use names::Names;
pub use op::{Op, OpRow, Shape};
pub use reader::{Following, Reader};
pub use translate::{BlockType, Bulk, MemArg, Translator, read_locals, translate};
pub use types::{FuncType, GlobalType, MemoryType, TableType, ValType};
pub use validate::{parse_validated, validate, validate_on};
pub use wasmparser::WasmFeatures;
