//! An error and its sources, one by one and printed.

use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::iter::FusedIterator;

use super::Error;

/// An error and its sources, outermost first.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    next: Option<&'a (dyn StdError + 'static)>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(error: &'a (dyn StdError + 'static)) -> Self {
        Self { next: Some(error) }
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let current = self.next?;
        self.next = current.source();
        Some(current)
    }
}

impl FusedIterator for Chain<'_> {}

pub(super) fn fmt_display(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", &**error)?;
    if f.alternate() {
        error.chain().skip(1).try_for_each(|source| write!(f, ": {source}"))?;
    }
    Ok(())
}

pub(super) fn fmt_debug(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if f.alternate() {
        return fmt::Debug::fmt(&**error, f);
    }
    write!(f, "{}", &**error)?;
    let sources = error.chain().skip(1).count();
    if sources > 0 {
        f.write_str("\n\nCaused by:")?;
    }
    for (number, source) in error.chain().skip(1).enumerate() {
        f.write_str("\n    ")?;
        // The lines of a long message stand under its first.
        let mut indented = if sources == 1 {
            Indented { f, indent: 4 }
        } else {
            write!(f, "{number}: ")?;
            Indented { f, indent: 7 }
        };
        write!(indented, "{source}")?;
    }
    Ok(())
}

struct Indented<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    indent: usize,
}

impl Write for Indented<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                write!(self.f, "\n{:1$}", "", self.indent)?;
            }
            self.f.write_str(line)?;
        }
        Ok(())
    }
}
