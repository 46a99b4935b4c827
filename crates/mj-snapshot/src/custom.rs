//! Custom sections: what tools wrote into the program ("Custom Sections" in the spec's appendix, and the tool conventions).
//!
//! The program's stay, but for those that tell of places in its code or of links that are made now. Of generated modules, only tools and
//! features are added to the program's.

use std::collections::{BTreeMap, HashSet};

use mj_jit::Module;
use wasm_encoder::{CustomSection, Encode, ProducersField, ProducersSection};
use wasmparser::{BinaryReader, Parser, Payload, ProducersSectionReader};

use crate::parts::{Custom, Part};

/// Beginnings of names of sections that would be wrong: offsets in code, relocations, an identity that belongs to other bytes.
const LEFT_OUT: &[&str] =
    &[".debug_", "external_debug_info", "sourceMappingURL", "metadata.code.", "linking", "reloc.", "dylink", "build_id"];

const PRODUCERS: &str = "producers";
const FEATURES: &str = "target_features";
const NAMES: &str = "name";

/// Custom sections of a program that are not in its snapshots: debug information and the like, which tells of places in code that moves.
pub fn left_out(program: &Module) -> Vec<String> {
    let sections = Parser::new(0).parse_all(program.bytes()).map_while(Result::ok).filter_map(|payload| match payload {
        Payload::CustomSection(section) => Some(section.name().to_owned()),
        _ => None,
    });
    sections.filter(|name| is_left_out(name)).collect()
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|start| name.starts_with(start))
}

/// The custom sections but for the names, in the order in which tools expect them.
pub(crate) struct Customs<'a> {
    pub others: Vec<CustomSection<'a>>,
    pub producers: ProducersSection,
    pub features: Option<CustomSection<'static>>,
}

pub(crate) fn sections<'a>(parts: &[Part<'a>]) -> Customs<'a> {
    let is_other = |custom: &&Custom<'_>| !is_left_out(custom.name) && ![NAMES, PRODUCERS, FEATURES].contains(&custom.name);
    let others = parts[0].custom.iter().filter(is_other);
    let others = others.map(|custom| CustomSection { name: custom.name.into(), data: custom.data.into() }).collect();
    Customs { others, producers: producers(parts), features: features(parts) }
}

/// Sections of this name of all parts.
fn named<'p, 'a>(parts: &'p [Part<'a>], name: &'static str) -> impl Iterator<Item = &'p Custom<'a>> {
    parts.iter().flat_map(|part| &part.custom).filter(move |custom| custom.name == name)
}

/// What made the parts, and this.
fn producers(parts: &[Part<'_>]) -> ProducersSection {
    const FIELDS: [&str; 3] = ["language", "processed-by", "sdk"];
    let mut fields: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for custom in named(parts, PRODUCERS) {
        let Ok(section) = ProducersSectionReader::new(BinaryReader::new(custom.data, custom.offset)) else { continue };
        for field in section.into_iter().map_while(Result::ok) {
            let values = fields.entry(field.name).or_default();
            for value in field.values.into_iter().map_while(Result::ok) {
                if seen.insert((field.name, value.name)) {
                    values.push((value.name, value.version));
                }
            }
        }
    }
    let processed = fields.entry("processed-by").or_default();
    processed.retain(|(name, _)| *name != env!("CARGO_PKG_NAME"));
    processed.push((env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")));
    let mut section = ProducersSection::new();
    for name in FIELDS {
        let Some(values) = fields.get(name) else { continue };
        let mut field = ProducersField::new();
        for (name, version) in values {
            field.value(name, version);
        }
        section.field(name, &field);
    }
    section
}

/// The features of the program, and what generated modules add, if the program says which it uses.
fn features(parts: &[Part<'_>]) -> Option<CustomSection<'static>> {
    named(&parts[..1], FEATURES).next()?;
    let mut all: Vec<(u8, &str)> = Vec::new();
    let mut seen = HashSet::new();
    for feature in named(parts, FEATURES).filter_map(read_features).flatten() {
        if seen.insert(feature.1) {
            all.push(feature);
        }
    }
    let mut data = Vec::new();
    (all.len() as u32).encode(&mut data);
    for (prefix, name) in all {
        data.push(prefix);
        name.encode(&mut data);
    }
    Some(CustomSection { name: FEATURES.into(), data: data.into() })
}

/// Prefixes and names; `None` if the section is damaged.
fn read_features<'a>(custom: &Custom<'a>) -> Option<Vec<(u8, &'a str)>> {
    let mut reader = BinaryReader::new(custom.data, custom.offset);
    let count = reader.read_var_u32().ok()?;
    (0..count).map(|_| Some((reader.read_u8().ok()?, reader.read_string().ok()?))).collect()
}
