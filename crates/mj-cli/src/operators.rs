//! Operators of a function as text, with their offsets in the module.

use wasmparser::{BinaryReader, BlockType, BrTable, FunctionBody, MemArg, Operator};

/// One operator.
pub(crate) struct Line {
    /// In bytes from the module's start.
    pub offset: usize,
    /// How many blocks it is in.
    pub depth: usize,
    /// In the text format, or close to it.
    pub text: String,
}

/// The operators of a function's body, which begins at `offset` of its module.
pub(crate) fn lines(body: &[u8], offset: usize) -> Result<Vec<Line>, wasmparser::BinaryReaderError> {
    let body = FunctionBody::new(BinaryReader::new(body, offset as u64));
    let mut reader = body.get_operators_reader()?;
    let (mut lines, mut depth) = (Vec::new(), 0_usize);
    while !reader.eof() {
        let (operator, offset) = reader.read_with_offset()?;
        if matches!(operator, Operator::End | Operator::Else) {
            depth = depth.saturating_sub(1);
        }
        lines.push(Line { offset: offset as usize, depth, text: text(&operator) });
        let opens = matches!(operator, Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::Else);
        depth += usize::from(opens);
    }
    Ok(lines)
}

/// One operand, by the name it has in the decoder's table.
macro_rules! operand {
    (memarg, $value:expr) => {
        memory_argument($value)
    };
    (blockty, $value:expr) => {
        block_type($value)
    };
    (targets, $value:expr) => {
        branch_targets($value)
    };
    ($name:ident, $value:expr) => {
        format!("{:?}", $value)
    };
}

macro_rules! define_text {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($annotation:tt)*))*) => {
        fn table_text(operator: &Operator<'_>) -> String {
            match operator {
                $(Operator::$op $({ $($arg),* })? => {
                    #[allow(unused_mut)]
                    let mut text = mnemonic(stringify!($visit));
                    $($(
                        text.push(' ');
                        text += &operand!($arg, $arg);
                    )*)?
                    text
                })*
                other => format!("{other:?}"),
            }
        }
    };
}

wasmparser::for_each_operator!(define_text);

fn text(operator: &Operator<'_>) -> String {
    match operator {
        Operator::F32Const { value } => format!("f32.const {:?}", f32::from_bits(value.bits())),
        Operator::F64Const { value } => format!("f64.const {:?}", f64::from_bits(value.bits())),
        other => table_text(other).trim_end().to_owned(),
    }
}

/// `visit_i32_load8_u` is `i32.load8_u`.
fn mnemonic(visit: &str) -> String {
    const PREFIXES: &[&str] = &[
        "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "local", "global", "memory", "table",
        "elem", "data", "ref", "struct", "array", "i31", "atomic",
    ];
    let name = visit.trim_start_matches("visit_");
    let name = name.strip_prefix("typed_").unwrap_or(name);
    match name.split_once('_') {
        Some((prefix, rest)) if PREFIXES.contains(&prefix) => format!("{prefix}.{rest}"),
        _ => name.to_owned(),
    }
}

fn memory_argument(argument: &MemArg) -> String {
    let mut text = format!("offset={}", argument.offset);
    if argument.align != argument.max_align {
        text += &format!(" align={}", 1_u64 << argument.align);
    }
    text
}

fn block_type(ty: &BlockType) -> String {
    match ty {
        BlockType::Empty => String::new(),
        BlockType::Type(ty) => format!("(result {ty})"),
        BlockType::FuncType(index) => format!("(type {index})"),
    }
}

fn branch_targets(table: &BrTable<'_>) -> String {
    let targets = table.targets().filter_map(Result::ok).chain([table.default()]);
    targets.map(|target| target.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_indented_and_written_as_in_the_text_format() {
        // block (result i32), i32.const 5, i32.load offset=4, br_if 0, f64.const 1.5, drop, end, drop, local.get 3, call 7, end
        let body =
            [0, 0x02, 0x7f, 0x41, 5, 0x28, 2, 4, 0x0d, 0, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x1a, 0x0b, 0x1a, 0x20, 3, 0x10, 7, 0x0b];
        let lines = lines(&body, 100).unwrap();
        let shown: Vec<String> = lines.iter().map(|line| format!("{}:{}", line.depth, line.text)).collect();
        let expected = [
            "0:block (result i32)",
            "1:i32.const 5",
            "1:i32.load offset=4",
            "1:br_if 0",
            "1:f64.const 1.5",
            "1:drop",
            "0:end",
            "0:drop",
            "0:local.get 3",
            "0:call 7",
            "0:end",
        ];
        assert_eq!(shown, expected);
        assert_eq!(lines[1].offset, 103);
    }
}
