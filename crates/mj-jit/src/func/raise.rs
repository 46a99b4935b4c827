//! What became of a call that did not return: an error with a backtrace.

use mj_runtime::{Origin, Unwind};

use crate::error::Error;
use crate::store::StoreInner;
use crate::{Trap, WasmBacktrace};

/// The error for an unwound call.
#[cold]
pub(super) fn to_error(store: &StoreInner, unwind: Unwind) -> Error {
    match unwind {
        Unwind::Trap { code, origin, .. } => with_backtrace(store, Trap::from_code(code).into(), origin),
        Unwind::Error { payload, origin } => {
            let error = payload.downcast::<Error>().map(|error| *error).unwrap_or_else(|payload| {
                let resource = payload.downcast::<mj_runtime::ResourceError>();
                resource.map_or_else(|_| Error::msg("a host function failed"), |error| Error::new(*error))
            });
            with_backtrace(store, error, origin)
        }
    }
}

/// Puts the backtrace around an error, unless an inner call has done so.
fn with_backtrace(store: &StoreInner, error: Error, origin: Origin) -> Error {
    if error.is::<WasmBacktrace>() {
        return error;
    }
    match WasmBacktrace::collect(store, Some(origin)) {
        Some(backtrace) => error.context(backtrace),
        None => error,
    }
}
