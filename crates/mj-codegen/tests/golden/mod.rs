//! Golden files: a module, and under it the code of its first function as comments.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, Instruction, IntelFormatter};
use mj_codegen::{FunctionCode, Unit};

/// The part of a golden file that is not generated.
pub fn source(text: &str) -> &str {
    text.find("\n;; -- ").map_or(text, |end| &text[..=end])
}

/// The code of a function, a comment line an instruction. Labels are numbered in the order of their addresses.
pub fn listing(title: &str, unit: &Unit, function: &FunctionCode) -> String {
    let start = function.entry;
    let instructions = decode(&unit.code[start as usize..function.end as usize], start);
    let mut labels: Vec<u64> = instructions.iter().filter(|one| is_jump(one)).map(Instruction::near_branch_target).collect();
    labels.sort_unstable();
    labels.dedup();
    let label = |address: u64| labels.binary_search(&address).ok();
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    let mut text = format!(";; -- {title}: {} instructions\n", instructions.len());
    for instruction in &instructions {
        if let Some(number) = label(instruction.ip()) {
            text += &format!(";; L{number}:\n");
        }
        let mut line = String::new();
        if is_jump(instruction) {
            formatter.format_mnemonic(instruction, &mut line);
            line += &format!(" L{}", label(instruction.near_branch_target()).expect("just collected"));
        } else {
            formatter.format(instruction, &mut line);
        }
        text += &format!(";;   {line}\n");
    }
    text
}

fn is_jump(instruction: &Instruction) -> bool {
    matches!(instruction.flow_control(), FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch)
}

/// Up to the padding in front of constants or the next function.
fn decode(code: &[u8], ip: u32) -> Vec<Instruction> {
    let decoder = Decoder::with_ip(64, code, u64::from(ip), DecoderOptions::NONE);
    decoder.into_iter().take_while(|instruction| instruction.flow_control() != FlowControl::Interrupt).collect()
}
