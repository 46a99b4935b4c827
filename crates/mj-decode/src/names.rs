//! The name section (spec appendix "Name Section"): what people called things.
//!
//! It is a custom section: mistakes in it never make a module wrong, so parsing takes what it can read and stops quietly at the first mistake.

use std::ops::Range;

use wasmparser::{BinaryReader, Name, NameMap, NameSectionReader};

/// Names of a module and its functions, as ranges of the module's bytes that hold UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    module: Option<Range<u32>>,
    /// Function index and name, indices ascending.
    functions: Vec<(u32, Range<u32>)>,
}

impl Names {
    /// Parses the name section that is `section` of the module's `bytes`.
    #[must_use]
    pub fn parse(bytes: &[u8], section: Range<u32>) -> Self {
        let mut names = Self::default();
        let Some(contents) = bytes.get(section.start as usize..section.end as usize) else {
            return names;
        };
        // Names borrow from `bytes`, so their addresses tell where they are.
        let range_of = |name: &str| {
            let start = (name.as_ptr() as usize - bytes.as_ptr() as usize) as u32;
            start..start + name.len() as u32
        };
        let reader = BinaryReader::new(contents, u64::from(section.start));
        for subsection in NameSectionReader::new(reader).map_while(Result::ok) {
            match subsection {
                Name::Module { name, .. } => names.module = Some(range_of(name)),
                Name::Function(map) => names.functions = read_map(map, range_of),
                _ => {}
            }
        }
        names
    }

    /// Name of the module; `bytes` are those it was parsed from.
    #[must_use]
    pub fn module<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        text(bytes, self.module.as_ref()?)
    }

    /// Name of a function, by function index.
    #[must_use]
    pub fn function<'a>(&self, bytes: &'a [u8], function: u32) -> Option<&'a str> {
        let place = self.functions.binary_search_by_key(&function, |(index, _)| *index).ok()?;
        text(bytes, &self.functions[place].1)
    }
}

fn read_map(map: NameMap<'_>, range_of: impl Fn(&str) -> Range<u32>) -> Vec<(u32, Range<u32>)> {
    map.map_while(Result::ok).map(|naming| (naming.index, range_of(naming.name))).collect()
}

fn text<'a>(bytes: &'a [u8], range: &Range<u32>) -> Option<&'a str> {
    std::str::from_utf8(bytes.get(range.start as usize..range.end as usize)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Module name "m"; functions 1 "one", 4 "four".
    const SECTION: &[u8] = b"\x00\x02\x01m\x01\x0c\x02\x01\x03one\x04\x04four";

    #[test]
    fn names_are_found_by_index() {
        let mut bytes = b"before".to_vec();
        bytes.extend(SECTION);
        let names = Names::parse(&bytes, 6..bytes.len() as u32);
        assert_eq!(names.module(&bytes), Some("m"));
        assert_eq!(names.function(&bytes, 1), Some("one"));
        assert_eq!(names.function(&bytes, 4), Some("four"));
        assert_eq!(names.function(&bytes, 2), None);
    }

    #[test]
    fn a_broken_section_gives_the_names_before_the_mistake() {
        for end in 0..SECTION.len() {
            let names = Names::parse(SECTION, 0..end as u32);
            assert_eq!(names.module(SECTION), (end >= 4).then_some("m"), "{end}");
        }
        assert_eq!(Names::parse(SECTION, 5..99), Names::default());
    }
}
