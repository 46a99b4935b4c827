//! AArch64 machine code as text.

use std::collections::HashMap;

use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Operand};

use super::{Notes, line};

/// What instructions seen so far say about data further on.
#[derive(Default)]
struct DataSeen {
    /// Bytes of constants, by where they lie.
    constants: HashMap<usize, usize>,
    /// Address that the last `adr` took.
    address: Option<usize>,
    /// Value that something was last compared with, or that was moved into the scratch register for that: the number of a jump table's entries, but for
    /// the one in front that is for all other indices, where one follows.
    immediate: usize,
}

/// The instructions of a function, a line each.
pub(super) fn text(code: &[u8], mut notes: Notes<'_>) -> String {
    let mut text = String::new();
    let mut seen = DataSeen::default();
    // The compiler leaves room for a longer prologue in front of some functions.
    let mut at = code.iter().position(|byte| *byte != 0).unwrap_or(code.len()) & !3;
    while let Some(bytes) = code.get(at..at + 4) {
        if let Some(size) = seen.constants.get(&at) {
            let end = (at + size).min(code.len());
            for (place, bytes) in code[at..end].chunks(8).enumerate() {
                line(&mut text, at + 8 * place, bytes, "(constant)", None);
            }
            at = end;
            continue;
        }
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let is_call = word & 0xffff_fc1f == 0xd63f_0000 || word >> 26 == 0b100101;
        let note = notes.take(if is_call { at + 4 } else { at });
        line(&mut text, at, bytes, &instruction(at, bytes), note);
        seen.learn(at, word);
        at += 4;
        // `br`
        if word & 0xffff_fc1f == 0xd61f_0000 && seen.address == Some(at + 4) {
            at = jump_table(&mut text, code, at, seen.immediate);
        }
    }
    text
}

/// An instruction, with the places it refers to as offsets in the code.
fn instruction(at: usize, bytes: &[u8]) -> String {
    let Ok(instruction) = InstDecoder::default().decode(&mut U8Reader::new(bytes)) else { return "(bad)".to_owned() };
    let mut text = instruction.to_string();
    let distance = instruction.operands.iter().find_map(|operand| match operand {
        Operand::PCOffset(distance) => Some(*distance),
        _ => None,
    });
    // The slots of other functions, at the far end of `adrp`, are not shown with this one.
    if let (Some(distance), Some(begin), false) = (distance, text.find('$'), text.starts_with("adrp")) {
        let end = text[begin..].find(',').map_or(text.len(), |length| begin + length);
        text.replace_range(begin..end, &format!("{:x}h", at as i64 + distance));
    }
    text
}

impl DataSeen {
    fn learn(&mut self, at: usize, word: u32) {
        // The sign of the 19 bits.
        let distance = ((word << 8) as i32 >> 13) as isize * 4;
        let target = at.checked_add_signed(distance);
        match word {
            // `ldr` of a constant: of 16 bytes, or of at most 8, which all others take.
            _ if word & 0x3b00_0000 == 0x1800_0000 => {
                let size = if word & 0xff00_0000 == 0x9c00_0000 { 16 } else { 8 };
                target.map(|target| self.constants.insert(target, size));
            }
            // `adr`
            _ if word & 0x9f00_0000 == 0x1000_0000 => self.address = target,
            // `cmp w…, #…`, the number shifted by 12 or not
            _ if word & 0xff80_001f == 0x7100_001f => self.immediate = ((word >> 10 & 0xfff) << ((word >> 22 & 1) * 12)) as usize,
            // `movz w16, …` and `movk w16, …, lsl 16`
            _ if word & 0xffe0_001f == 0x5280_0010 => self.immediate = (word >> 5 & 0xffff) as usize,
            _ if word & 0xffe0_001f == 0x72a0_0010 => self.immediate |= ((word >> 5 & 0xffff) as usize) << 16,
            _ => {}
        }
    }
}

/// The entries of a jump table: distances from its start, in front of which is the entry for what is too large. Returns where it ends.
fn jump_table(text: &mut String, code: &[u8], at: usize, entries: usize) -> usize {
    let end = entries.checked_mul(4).and_then(|size| (at + 4).checked_add(size)).map_or(code.len(), |end| end.min(code.len()));
    for (place, bytes) in code[at..end].chunks_exact(4).enumerate() {
        let distance = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let target = at as i64 + 4 + i64::from(distance);
        let entry = place.checked_sub(1).map_or_else(|| "the rest".to_owned(), |entry| entry.to_string());
        line(text, at + place * 4, bytes, &format!("(table: {entry} goes to {target:x}h)"), None);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::Note;
    use super::*;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn constants_and_jump_tables_are_not_decoded() {
        // cmp w0, 1; adr x1, 0x10; br x16; two entries; ldr d0, 0x20; ret; padding; constant; ret
        let code = bytes(&[0x7100_041f, 0x1000_0061, 0xd61f_0200, 4, 12, 0x5c00_0060, 0xd65f_03c0, 0, 0x4060_0000, 0, 0xd65f_03c0]);
        let text = text(&code, Notes::of(&[]));
        assert!(text.contains("(table: the rest goes to 14h)") && text.contains("(table: 0 goes to 1ch)"), "{text}");
        assert_eq!((text.matches("(constant)").count(), text.matches("ret").count()), (1, 2), "{text}");
        assert!(!text.contains("(bad)"), "{text}");
    }

    #[test]
    fn notes_stand_at_calls_and_at_instructions_and_jumps_say_where_to() {
        // blr x16; ldr x0, [x0]; b.ne 0
        let code = bytes(&[0xd63f_0200, 0xf940_0000, 0x54ff_ffc1]);
        let note = |code, text: &str| Note { code, text: text.to_owned() };
        let text = text(&code, Notes::of(&[note(4, "the call"), note(4, "the load")]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("; the call") && lines[1].ends_with("; the load"), "{text}");
        assert!(lines[2].ends_with("b.ne 0h"), "{text}");
    }
}
