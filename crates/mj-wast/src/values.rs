//! Values of scripts: arguments to pass, and patterns that results have to fit.

use mj_jit::{AsContext, AsContextMut, ExternRef, Val};
use wast::core::{AbstractHeapType, HeapType as WastHeapType, NanPattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};

/// The argument `(ref.extern number)`.
pub(crate) fn external(store: impl AsContextMut, number: u32) -> Result<Val, String> {
    ExternRef::new(store, number).map(|reference| Val::ExternRef(Some(reference))).map_err(|error| format!("{error:#}"))
}

/// Any other argument.
pub(crate) fn argument(argument: &WastArgCore<'_>) -> Result<Val, String> {
    match argument {
        WastArgCore::I32(value) => Ok(Val::I32(*value)),
        WastArgCore::I64(value) => Ok(Val::I64(*value)),
        WastArgCore::F32(value) => Ok(Val::F32(value.bits)),
        WastArgCore::F64(value) => Ok(Val::F64(value.bits)),
        WastArgCore::RefNull(WastHeapType::Abstract { ty: AbstractHeapType::Func, .. }) => Ok(Val::FuncRef(None)),
        WastArgCore::RefNull(WastHeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => Ok(Val::ExternRef(None)),
        other => Err(format!("arguments like {other:?} are not supported")),
    }
}

/// Whether a result is what the script expects.
pub(crate) fn fits(store: impl AsContext, result: &Val, expected: &WastRetCore<'_>) -> bool {
    match (expected, result) {
        (WastRetCore::Either(choices), _) => choices.iter().any(|choice| fits(store.as_context(), result, choice)),
        (WastRetCore::I32(expected), Val::I32(result)) => expected == result,
        (WastRetCore::I64(expected), Val::I64(result)) => expected == result,
        (WastRetCore::F32(expected), Val::F32(result)) => fits_f32(*result, expected),
        (WastRetCore::F64(expected), Val::F64(result)) => fits_f64(*result, expected),
        (WastRetCore::RefNull(expected), _) => fits_null(result, expected.as_ref()),
        (WastRetCore::RefExtern(expected), Val::ExternRef(Some(reference))) => {
            let number = reference.data(&store).ok().flatten().and_then(|value| value.downcast_ref::<u32>());
            number.is_some() && (expected.is_none() || number == expected.as_ref())
        }
        (WastRetCore::RefFunc(None), Val::FuncRef(Some(_))) => true,
        _ => false,
    }
}

fn fits_null(result: &Val, expected: Option<&WastHeapType<'_>>) -> bool {
    let abstract_type = match expected {
        None => None,
        Some(WastHeapType::Abstract { ty, .. }) => Some(ty),
        Some(_) => return false,
    };
    match result {
        Val::FuncRef(None) => matches!(abstract_type, None | Some(AbstractHeapType::Func | AbstractHeapType::NoFunc)),
        Val::ExternRef(None) => matches!(abstract_type, None | Some(AbstractHeapType::Extern | AbstractHeapType::NoExtern)),
        _ => false,
    }
}

fn fits_f32(bits: u32, expected: &NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn fits_f64(bits: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signalling_nan_is_neither_canonical_nor_arithmetic() {
        assert!(!fits_f32(0x7fa0_0000, &NanPattern::CanonicalNan));
        assert!(!fits_f32(0x7fa0_0000, &NanPattern::ArithmeticNan));
        assert!(!fits_f64(0x7ff4_0000_0000_0000, &NanPattern::ArithmeticNan));
    }

    #[test]
    fn a_nan_with_payload_is_arithmetic_only() {
        assert!(!fits_f32(0xffc0_0001, &NanPattern::CanonicalNan));
        assert!(fits_f32(0xffc0_0001, &NanPattern::ArithmeticNan));
        assert!(fits_f32(0xffc0_0000, &NanPattern::CanonicalNan));
    }

    #[test]
    fn zeroes_of_different_sign_differ() {
        assert!(!fits_f64(1 << 63, &NanPattern::Value(F64 { bits: 0 })));
    }
}
