//! Machine code as text.
//!
//! Functions hold data, too: the tables of indirect jumps right behind the jump, and constants behind the code or between its parts. Both are
//! recognized by the instructions that use them, so that they are not decoded as code.

mod aarch64;
mod x64;

use std::collections::HashMap;

use clap::ValueEnum;

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Isa {
    /// x86-64
    #[value(alias = "x86-64", alias = "x86_64")]
    X64,
    /// 64-bit Arm
    #[value(alias = "arm64")]
    Aarch64,
}

impl Isa {
    /// That of this machine.
    pub const HOST: Isa = if cfg!(target_arch = "aarch64") { Isa::Aarch64 } else { Isa::X64 };

    /// As a machine to compile for.
    pub fn target(self) -> &'static str {
        match self {
            Isa::X64 => "x86_64",
            Isa::Aarch64 => "aarch64",
        }
    }
}

/// Something to say about an instruction.
pub(crate) struct Note {
    /// Offset in the code: of the instruction, or the return address if it is a call.
    pub code: usize,
    pub text: String,
}

/// The notes of a function.
struct Notes<'a> {
    at: HashMap<usize, Vec<&'a str>>,
}

impl<'a> Notes<'a> {
    fn of(notes: &'a [Note]) -> Self {
        let mut at: HashMap<usize, Vec<&str>> = HashMap::new();
        for note in notes {
            at.entry(note.code).or_default().push(&note.text);
        }
        Self { at }
    }

    /// The next note at a place.
    fn take(&mut self, at: usize) -> Option<&'a str> {
        self.at.get_mut(&at).filter(|notes| !notes.is_empty()).map(|notes| notes.remove(0))
    }
}

/// The instructions of a function, a line each.
pub(crate) fn text(isa: Isa, code: &[u8], notes: &[Note]) -> String {
    match isa {
        Isa::X64 => x64::text(code, Notes::of(notes)),
        Isa::Aarch64 => aarch64::text(code, Notes::of(notes)),
    }
}

fn line(text: &mut String, at: usize, bytes: &[u8], shown: &str, note: Option<&str>) {
    let bytes: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
    let note = note.map_or_else(String::new, |note| format!("; {note}"));
    text.push_str(format!("  {at:6x}: {bytes:30} {shown:44} {note}").trim_end());
    text.push('\n');
}
