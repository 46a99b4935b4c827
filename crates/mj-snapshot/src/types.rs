//! The types of all parts in one type section, equal ones once.

use std::collections::HashMap;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{Encode, TypeSection};
use wasmparser::RecGroup;

use crate::error::SnapshotError;
use crate::parts::Part;

/// The type section, and where each part's types are in it.
pub(crate) struct Types {
    pub section: TypeSection,
    /// By part: the new index of each type.
    maps: Vec<Vec<u32>>,
}

impl Types {
    /// Types are equal if their recursion groups are (spec 3.1.1).
    pub fn merge(parts: &[Part<'_>]) -> Result<Self, SnapshotError> {
        let mut types = Types { section: TypeSection::new(), maps: Vec::new() };
        let mut known = HashMap::new();
        let mut count = 0;
        for part in parts {
            let mut map = Vec::new();
            for group in &part.groups {
                let mut key = TypeSection::new();
                encode(group, &map, OWN_GROUP, &mut key)?;
                let mut bytes = Vec::new();
                key.encode(&mut bytes);
                let length = group.types().len() as u32;
                let first = match known.get(&bytes) {
                    Some(&first) => first,
                    None => {
                        encode(group, &map, count, &mut types.section)?;
                        known.insert(bytes, count);
                        count += length;
                        count - length
                    }
                };
                map.extend(first..first + length);
            }
            types.maps.push(map);
        }
        Ok(types)
    }

    /// The new index of each type of a part.
    pub fn map(&self, part: usize) -> &[u32] {
        &self.maps[part]
    }

    /// Types of a part, translated.
    pub fn of_part(&self, part: usize) -> TypeMap<'_> {
        TypeMap { map: &self.maps[part], first_of_group: 0 }
    }
}

/// Stands for the index of the first type of the group that is compared.
const OWN_GROUP: u32 = 1 << 30;

/// Writes a group whose first type gets the index `first`.
fn encode(group: &RecGroup, map: &[u32], first: u32, section: &mut TypeSection) -> Result<(), SnapshotError> {
    let mut types = TypeMap { map, first_of_group: first };
    let group = group.types().map(|ty| types.sub_type(ty.clone())).collect::<Result<Vec<_>, _>>()?;
    match &group[..] {
        [ty] => section.ty().subtype(ty),
        _ => section.ty().rec(group),
    }
    Ok(())
}

/// Translates type indices.
pub(crate) struct TypeMap<'a> {
    /// The new index of each earlier type.
    map: &'a [u32],
    /// The new index of what comes next.
    first_of_group: u32,
}

impl Reencode for TypeMap<'_> {
    type Error = std::convert::Infallible;

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error> {
        let known = self.map.get(ty as usize).copied();
        Ok(known.unwrap_or_else(|| self.first_of_group + ty - self.map.len() as u32))
    }
}
