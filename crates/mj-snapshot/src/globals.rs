//! Values of globals, as constant expressions.

use mj_jit::{AsContext, Val};
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{ConstExpr, GlobalSection, HeapType, Ieee32, Ieee64};
use wasmparser::{ExternalKind, ValType};

use crate::error::SnapshotError;
use crate::layout::Layout;
use crate::parts::Part;
use crate::references;
use crate::types::Types;

/// The globals with their current values.
pub(crate) fn section(
    store: &impl AsContext,
    parts: &[Part<'_>],
    types: &Types,
    layout: &Layout<'_>,
) -> Result<GlobalSection, SnapshotError> {
    let mut section = GlobalSection::new();
    for item in layout.items(ExternalKind::Global) {
        let part = &parts[item.part];
        let ty = part.globals[item.index as usize];
        let value = part.instance.debug_global(store, item.index).expect("an instance has what its module describes").get(store);
        let mut map = types.of_part(item.part);
        let null = match ty.content_type {
            ValType::Ref(reference) => Some(map.heap_type(reference.heap_type())?),
            _ => None,
        };
        let what = || part.describe(ExternalKind::Global, item.index);
        section.global(map.global_type(ty)?, &constant(store, layout, value, null, what)?);
    }
    Ok(section)
}

/// An expression for a value; `null` is the heap type if it is a reference.
fn constant(
    store: &impl AsContext,
    layout: &Layout<'_>,
    value: Val,
    null: Option<HeapType>,
    what: impl Fn() -> String,
) -> Result<ConstExpr, SnapshotError> {
    Ok(match value {
        Val::I32(value) => ConstExpr::i32_const(value),
        Val::I64(value) => ConstExpr::i64_const(value),
        Val::F32(bits) => ConstExpr::f32_const(Ieee32::new(bits)),
        Val::F64(bits) => ConstExpr::f64_const(Ieee64::new(bits)),
        Val::V128(value) => ConstExpr::v128_const(value.as_u128().cast_signed()),
        reference => {
            let reference = reference.ref_().expect("what is no number is a reference");
            match references::function(store, layout, reference, what)? {
                Some(function) => ConstExpr::ref_func(function),
                None => ConstExpr::ref_null(null.expect("references have heap types")),
            }
        }
    })
}
