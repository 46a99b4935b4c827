//! Golden files: a module, and under it the code of its first function as comments, for each instruction set.

use mj_codegen::{FunctionCode, Target, Unit};

/// The part of a golden file that is not generated.
pub fn source(text: &str) -> &str {
    text.find("\n;; -- ").map_or(text, |end| &text[..=end])
}

/// An instruction in the text of its manual, but for the target of a jump inside the function.
struct Line {
    address: u64,
    text: String,
    jumps_to: Option<u64>,
}

/// The code of a function, a comment line an instruction. Labels are numbered in the order of their addresses.
pub fn listing(title: &str, target: Target, unit: &Unit, function: &FunctionCode) -> String {
    let code = &unit.code[function.entry as usize..function.end as usize];
    let (name, lines) = match target {
        Target::X64(_) => ("x64", x64::decode(code, function.entry.into())),
        Target::Aarch64(_) => ("aarch64", aarch64::decode(code, function.entry.into())),
    };
    let mut labels: Vec<u64> = lines.iter().filter_map(|line| line.jumps_to).collect();
    labels.sort_unstable();
    labels.dedup();
    let label = |address: u64| labels.binary_search(&address).ok();
    let mut text = format!(";; -- {name}, {title}: {} instructions\n", lines.len());
    for line in &lines {
        if let Some(number) = label(line.address) {
            text += &format!(";; L{number}:\n");
        }
        let target = line.jumps_to.map_or_else(String::new, |to| format!(" L{}", label(to).expect("just collected")));
        text += &format!(";;   {}{target}\n", line.text);
    }
    text
}

mod x64 {
    use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, Instruction, IntelFormatter};

    use super::Line;

    /// Up to the padding in front of constants or the next function.
    pub fn decode(code: &[u8], start: u64) -> Vec<Line> {
        let decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
        decoder.into_iter().take_while(|instruction| instruction.flow_control() != FlowControl::Interrupt).map(line).collect()
    }

    fn line(instruction: Instruction) -> Line {
        let mut formatter = IntelFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        let mut text = String::new();
        let is_jump = matches!(instruction.flow_control(), FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch);
        if is_jump {
            formatter.format_mnemonic(&instruction, &mut text);
        } else {
            formatter.format(&instruction, &mut text);
        }
        Line { address: instruction.ip(), text, jumps_to: is_jump.then(|| instruction.near_branch_target()) }
    }
}

mod aarch64 {
    use yaxpeax_arch::{Decoder, U8Reader};
    use yaxpeax_arm::armv8::a64::{InstDecoder, Operand};

    use super::Line;

    /// Up to the constants, or the padding in front of the next function.
    pub fn decode(code: &[u8], start: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut end = u64::MAX;
        for (word, address) in code.chunks_exact(4).zip((start..).step_by(4)) {
            if address >= end || word == [0; 4] {
                break;
            }
            let mut line = line(address, word);
            if line.text.starts_with("ldr") {
                // A constant: what is loaded from is no instruction.
                if let Some(constant) = line.jumps_to.take() {
                    end = end.min(constant);
                    line.text += " constant";
                }
            }
            lines.push(line);
        }
        lines
    }

    fn line(address: u64, word: &[u8]) -> Line {
        let instruction = InstDecoder::default().decode(&mut U8Reader::new(word)).unwrap_or_else(|error| panic!("{word:02x?}: {error}"));
        let text = instruction.to_string();
        let distance = instruction.operands.iter().find_map(|operand| match operand {
            Operand::PCOffset(distance) if !text.starts_with("adr") => Some(*distance),
            _ => None,
        });
        let Some(distance) = distance else { return Line { address, text, jumps_to: None } };
        let end = text.find('$').expect("a distance is written with a dollar sign");
        Line { address, text: text[..end].trim_end().to_owned(), jumps_to: Some(address.wrapping_add_signed(distance)) }
    }
}
