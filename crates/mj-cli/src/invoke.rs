//! `--invoke`: calls one exported function with arguments from the command line and prints its results, one a line.

use mj_jit::{Func, FuncType, Instance, Store, Val, ValType};

use crate::failure::Failure;
use crate::host::Host;

/// Finds the function to call.
pub(crate) fn find(instance: Instance, store: &mut Store<Host>, subject: &str, name: &str) -> Result<Func, Failure> {
    if let Some(function) = instance.get_func(&mut *store, name) {
        return Ok(function);
    }
    let exists = instance.get_export(&mut *store, name).is_some();
    let problem = if exists { "is not a function" } else { "is not exported" };
    Err(Failure::other(format!("{subject}: `{name}` {problem}; {}", exported(instance, store))))
}

/// A sentence about the functions that could be called.
pub(crate) fn exported(instance: Instance, store: &mut Store<Host>) -> String {
    let names: Vec<String> = instance
        .exports(&mut *store)
        .filter_map(|export| {
            let name = export.name().to_owned();
            export.into_func().map(|_| format!("`{name}`"))
        })
        .collect();
    match names.len() {
        0 => "it exports no function".to_owned(),
        1..=20 => format!("exported functions: {}", names.join(", ")),
        count => format!("exported functions: {} and {} more", names[..20].join(", "), count - 20),
    }
}

/// The arguments for a function of this type.
pub(crate) fn arguments(name: &str, ty: &FuncType, given: &[String]) -> Result<Vec<Val>, Failure> {
    let types: Vec<ValType> = ty.params().collect();
    if types.len() != given.len() {
        let wanted: Vec<String> = types.iter().map(ToString::to_string).collect();
        return Err(Failure::other(format!(
            "`{name}` takes {} argument(s) ({}), {} given: write them behind the file",
            types.len(),
            wanted.join(", "),
            given.len()
        )));
    }
    types.iter().zip(given).map(|(ty, text)| argument(name, ty, text)).collect()
}

fn argument(name: &str, ty: &ValType, text: &str) -> Result<Val, Failure> {
    let parsed = match ty {
        ValType::I32 => integer(text, -(1 << 31), (1 << 32) - 1).map(|value| Val::I32(value as i32)),
        ValType::I64 => integer(text, i128::from(i64::MIN), i128::from(u64::MAX)).map(|value| Val::I64(value as i64)),
        ValType::F32 => text.parse().ok().map(|value: f32| Val::F32(value.to_bits())),
        ValType::F64 => text.parse().ok().map(|value: f64| Val::F64(value.to_bits())),
        _ if text == "null" => Val::default_for_ty(ty),
        _ => None,
    };
    parsed.ok_or_else(|| Failure::other(format!("argument `{text}` of `{name}` is no {ty}")))
}

fn integer(text: &str, lowest: i128, highest: i128) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * i128::from(magnitude)).filter(|value| (lowest..=highest).contains(value))
}

/// A result as a line of output.
pub(crate) fn shown(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::FuncRef(None) => "<null funcref>".to_owned(),
        Val::FuncRef(Some(_)) => "<funcref>".to_owned(),
        Val::ExternRef(None) => "<null externref>".to_owned(),
        Val::ExternRef(Some(_)) => "<externref>".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_may_be_written_signed_or_unsigned() {
        let i32_of = |text| match argument("f", &ValType::I32, text) {
            Ok(Val::I32(value)) => Some(value),
            _ => None,
        };
        assert_eq!(i32_of("-1"), Some(-1));
        assert_eq!(i32_of("4294967295"), Some(-1));
        assert_eq!(i32_of("0x10"), Some(16));
        assert_eq!(i32_of("4294967296"), None);
        assert_eq!(i32_of("-2147483649"), None);
        assert_eq!(i32_of("--1"), None);
        assert_eq!(i32_of("1.5"), None);
    }

    #[test]
    fn floats_print_as_they_are_read() {
        let value = argument("f", &ValType::F64, "4.5").unwrap();
        assert_eq!(shown(&value), "4.5");
    }
}
