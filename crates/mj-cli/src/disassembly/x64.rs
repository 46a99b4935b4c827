//! x86-64 machine code as text.
//!
//! Functions hold data, too: the tables of indirect jumps right behind the jump, and constants behind the code. Both are
//! recognized by the instructions that use them, so that they are not decoded as code.

use iced_x86::{Code, Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind};

use super::{Notes, line};

/// What instructions seen so far say about data further on.
struct DataSeen {
    /// Where constants begin.
    constants: usize,
    /// Address that the last `lea` took.
    address: Option<usize>,
    /// Value that was last moved into a register: the largest index of a jump table, where one follows.
    immediate: usize,
}

/// The instructions of a function, a line each.
pub(super) fn text(code: &[u8], mut notes: Notes<'_>) -> String {
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_space_after_operand_separator(true);
    let mut text = String::new();
    let mut seen = DataSeen { constants: code.len(), address: None, immediate: 0 };
    // The compiler leaves room for a longer prologue in front of some functions.
    let mut at = code.iter().position(|byte| *byte != 0).unwrap_or(code.len());
    while at < seen.constants {
        let instruction = Decoder::with_ip(64, &code[at..], at as u64, DecoderOptions::NONE).decode();
        let end = at + instruction.len();
        let mut shown = String::new();
        formatter.format(&instruction, &mut shown);
        let is_call = instruction.mnemonic() == Mnemonic::Call;
        let note = notes.take(if is_call { end } else { at });
        line(&mut text, at, &code[at..end], &shown, note);
        seen.learn(&instruction, code.len());
        at = end;
        if instruction.code() == Code::Jmp_rm64 && seen.address == Some(at) {
            at = jump_table(&mut text, code, at, seen.immediate + 1);
        }
    }
    for (place, bytes) in code.chunks(8).enumerate().skip(seen.constants.div_ceil(8)) {
        line(&mut text, place * 8, bytes, "(constant)", None);
    }
    text
}

impl DataSeen {
    fn learn(&mut self, instruction: &Instruction, end: usize) {
        let moves_immediate = instruction.mnemonic() == Mnemonic::Mov && instruction.op1_kind() == OpKind::Immediate32;
        if moves_immediate && instruction.op0_kind() == OpKind::Register {
            self.immediate = instruction.immediate32() as usize;
        }
        if !instruction.is_ip_rel_memory_operand() {
            return;
        }
        // What lies outside the function (the module's table of functions) is not shown with it.
        let inside = usize::try_from(instruction.ip_rel_memory_address()).ok().filter(|address| *address < end);
        if instruction.mnemonic() == Mnemonic::Lea {
            self.address = inside;
        } else if let Some(address) = inside {
            self.constants = self.constants.min(address);
        }
    }
}

/// The entries of a jump table: distances from its start. Returns where it ends.
fn jump_table(text: &mut String, code: &[u8], table: usize, entries: usize) -> usize {
    let end = entries.checked_mul(4).and_then(|size| table.checked_add(size)).map_or(code.len(), |end| end.min(code.len()));
    for (entry, bytes) in code[table..end].chunks_exact(4).enumerate() {
        let distance = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let target = table as i64 + i64::from(distance);
        line(text, table + entry * 4, bytes, &format!("(table: {entry} goes to {target:X}h)"), None);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::Note;
    use super::*;

    #[test]
    fn constants_and_jump_tables_are_not_decoded() {
        // mov r11d, 1; lea rdi, [rip+3]; jmp r11; two entries; movsd xmm0, [rip+1]; ret; constant
        let code = [
            0x41, 0xbb, 1, 0, 0, 0, 0x48, 0x8d, 0x3d, 3, 0, 0, 0, 0x41, 0xff, 0xe3, 8, 0, 0, 0, 16, 0, 0, 0, 0xf2, 0x0f, 0x10, 0x05, 8, 0,
            0, 0, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x60, 0, 0, 0, 0, 0, 0, 0x40,
        ];
        let text = text(&code, Notes::of(&[]));
        assert!(text.contains("(table: 0 goes to 18h)"), "{text}");
        assert!(text.contains("(table: 1 goes to 20h)"), "{text}");
        assert!(text.contains("ret"), "{text}");
        assert_eq!(text.matches("(constant)").count(), 1, "{text}");
        assert!(!text.contains("(bad)"), "{text}");
    }

    #[test]
    fn notes_stand_at_calls_and_at_instructions() {
        // call $+5; mov eax, [rax]
        let code = [0xe8, 0, 0, 0, 0, 0x8b, 0x00];
        let note = |code, text: &str| Note { code, text: text.to_owned() };
        let text = text(&code, Notes::of(&[note(5, "the call"), note(5, "the load")]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("; the call") && lines[1].ends_with("; the load"), "{text}");
    }
}
