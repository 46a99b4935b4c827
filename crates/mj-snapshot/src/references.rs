//! References in globals, tables and segments.

use mj_jit::{AsContext, Func, Ref};

use crate::error::{Reason, SnapshotError};
use crate::layout::Layout;

/// New index of the function that a reference stands for; `None` for null.
pub(crate) fn function(
    store: &impl AsContext,
    layout: &Layout<'_>,
    reference: Ref,
    what: impl Fn() -> String,
) -> Result<Option<u32>, SnapshotError> {
    let refuse = |whose: &str| {
        let message = format!("{} holds {whose}, which cannot be kept: clear it before the snapshot is taken", what());
        SnapshotError::new(Reason::Reference, message)
    };
    if reference.is_null() {
        return Ok(None);
    }
    let function: Option<&Func> = reference.as_func().flatten();
    let function = function.ok_or_else(|| refuse("a reference to something of the host"))?;
    layout.function(store, *function).map(Some).map_err(refuse)
}
