//! Tables at their current sizes, and what they hold, as segments.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use mj_jit::AsContext;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{ConstExpr, ElementMode, ElementSection, ElementSegment, Elements, HeapType, RefType, TableSection};
use wasmparser::ExternalKind;

use crate::code::Code;
use crate::error::{Reason, SnapshotError};
use crate::layout::Layout;
use crate::memories::{MOST_SEGMENTS, join, offset};
use crate::parts::Part;
use crate::references;
use crate::types::Types;

/// Tables and element segments.
pub(crate) struct Tables {
    pub tables: TableSection,
    pub elements: ElementSection,
}

/// Elements of a table or segment, by new function index; `None` is null.
type Contents = Vec<Option<u32>>;

/// Passive segments that code uses come first, then what the tables hold, then what `ref.func` needs.
pub(crate) fn sections(
    store: &impl AsContext,
    parts: &[Part<'_>],
    types: &Types,
    layout: &Layout<'_>,
    code: &Code,
) -> Result<Tables, SnapshotError> {
    let (mut tables, mut elements) = (TableSection::new(), ElementSection::new());
    let mut named = BTreeSet::new();
    for (part, index) in code.segments.elements.iter() {
        let ty = types.of_part(part).ref_type(parts[part].elements[index as usize])?;
        let contents = passive(store, &parts[part], index, layout)?;
        add(&mut elements, ElementMode::Passive, ty, &contents);
        named.extend(contents.into_iter().flatten());
    }
    let count = layout.items(ExternalKind::Table).len();
    for (index, item) in layout.items(ExternalKind::Table).iter().enumerate() {
        let part = &parts[item.part];
        let mut ty = part.tables[item.index as usize];
        if ty.shared || !ty.element_type.is_nullable() {
            let table = part.describe(ExternalKind::Table, item.index);
            return Err(SnapshotError::new(
                Reason::Proposal,
                format!("{table} is shared or never holds null, which snapshots cannot keep yet"),
            ));
        }
        let contents = contents(store, part, item.index, layout)?;
        ty.initial = contents.len() as u64;
        let ty = types.of_part(item.part).table_type(ty)?;
        tables.table(ty);
        let rest = MOST_SEGMENTS.saturating_sub(elements.len() as usize + 1);
        for range in join(runs(&contents), 0, rest / (count - index))? {
            let at = offset(range.start as u64, ty.table64);
            let is_plain = index == 0 && ty.element_type == RefType::FUNCREF;
            let table = if is_plain { None } else { Some(index as u32) };
            add(&mut elements, ElementMode::Active { table, offset: &at }, ty.element_type, &contents[range]);
        }
        named.extend(contents.into_iter().flatten());
    }
    let referred: Vec<u32> = code.referred.difference(&named).copied().collect();
    if !referred.is_empty() {
        elements.declared(Elements::Functions(Cow::Owned(referred)));
    }
    Ok(Tables { tables, elements })
}

/// What a table holds.
fn contents(store: &impl AsContext, part: &Part<'_>, index: u32, layout: &Layout<'_>) -> Result<Contents, SnapshotError> {
    let table = part.instance.debug_table(store, index).expect("an instance has what its module describes");
    let element = |at| {
        let element = table.get(store, at).expect("within the size");
        references::function(store, layout, element, || format!("element {at} of {}", part.describe(ExternalKind::Table, index)))
    };
    (0..table.size(store)).map(element).collect()
}

/// What is left of a segment.
fn passive(store: &impl AsContext, part: &Part<'_>, index: u32, layout: &Layout<'_>) -> Result<Contents, SnapshotError> {
    let elements = part.instance.debug_element_segment(store, index).expect("an instance has what its module describes");
    let element = |element| references::function(store, layout, element, || format!("element segment {index} of {}", part.label));
    elements.into_iter().map(element).collect()
}

/// Where functions stand without a gap.
fn runs(contents: &[Option<u32>]) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut runs = Vec::new();
    for run in contents.chunk_by(|one, next| one.is_some() == next.is_some()) {
        if run[0].is_some() {
            runs.push(at..at + run.len());
        }
        at += run.len();
    }
    runs
}

/// Adds a segment, as short as its contents allow.
fn add(section: &mut ElementSection, mode: ElementMode<'_>, ty: RefType, contents: &[Option<u32>]) {
    let functions: Option<Vec<u32>> = if ty == RefType::FUNCREF { contents.iter().copied().collect() } else { None };
    let elements = match functions {
        Some(functions) => Elements::Functions(Cow::Owned(functions)),
        None => Elements::Expressions(ty, contents.iter().map(|&element| expression(element, ty.heap_type)).collect()),
    };
    section.segment(ElementSegment { mode, elements });
}

fn expression(element: Option<u32>, null: HeapType) -> ConstExpr {
    element.map_or_else(|| ConstExpr::ref_null(null), ConstExpr::ref_func)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_between_runs() {
        let contents = [None, Some(1), Some(2), None, None, Some(3)];
        assert_eq!(runs(&contents), [1..3, 5..6]);
        assert_eq!(runs(&contents[..1]), []);
        assert_eq!(runs(&[]), []);
    }
}
