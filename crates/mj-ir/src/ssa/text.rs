//! The text form of a [`Function`]: one line a block's head, one a node, one a terminator.
//!
//! ```text
//! function 3 calls
//! block0 v0:i32
//!   v1:i32 = i32.add v0 i32:5 @40
//!   i32.store v0 v1 +8 @42
//!   branch v1 block2 v0 , block1
//! block1
//!   v2:i32 = call 7 v1 i32:0 @50
//!   jump block2 v2
//! block2 v3:i32
//!   return v3
//! ```
//!
//! A node is its result, its name and numbers, its operands, the offset of its access (`+`), `bounded` if that is inside memory for sure, and where its
//! operator stands (`@`). Constants are their type and value; those of floats are bits. The function may say `calls`, and `carries` where i32 values stand for what they are zero-extended to. What follows from the edges is not written: dominators, loops, coldness.

use core::fmt;

use cranelift_entity::EntityRef;
use mj_abi::TrapCode;
use mj_decode::{Bulk, Op, ValType};

use super::{Block, BlockRow, Edge, Function, Node, NodeKind, NodeRow, Terminator};

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}", self.index)?;
        if let Some(entry) = self.entry {
            write!(f, " at {entry}")?;
        }
        writeln!(f, "{}{}", if self.calls { " calls" } else { "" }, if self.carries { " carries" } else { "" })?;
        for (block, row) in &self.blocks {
            write!(f, "{block}")?;
            for &parameter in self.parameters(block) {
                write!(f, " {parameter}:{}", self.type_of(parameter))?;
            }
            writeln!(f)?;
            for node in self.nodes_of(block) {
                self.write_node(f, node)?;
            }
            self.write_terminator(f, &row.terminator)?;
        }
        Ok(())
    }
}

impl Function {
    fn write_node(&self, f: &mut fmt::Formatter<'_>, node: Node) -> fmt::Result {
        let row = &self.nodes[node];
        f.write_str("  ")?;
        if let Some(ty) = row.ty {
            write!(f, "{node}:{ty} = ")?;
        } else if matches!(row.kind, NodeKind::Call(_) | NodeKind::CallIndirect { .. }) {
            // Its results may name it.
            write!(f, "{node} = ")?;
        }
        write_kind(f, row.kind)?;
        self.write_values(f, self.arguments(node))?;
        if row.offset != 0 {
            write!(f, " +{}", row.offset)?;
        }
        if row.bounded {
            f.write_str(" bounded")?;
        }
        if row.at != 0 {
            write!(f, " @{}", row.at)?;
        }
        writeln!(f)
    }

    fn write_terminator(&self, f: &mut fmt::Formatter<'_>, terminator: &Terminator) -> fmt::Result {
        match terminator {
            Terminator::Jump(edge) => {
                f.write_str("  jump")?;
                self.write_edge(f, *edge)?;
            }
            Terminator::Branch { condition, taken, other } => {
                f.write_str("  branch")?;
                self.write_values(f, &[*condition])?;
                self.write_edge(f, *taken)?;
                f.write_str(" ,")?;
                self.write_edge(f, *other)?;
            }
            Terminator::Switch { index, edges } => {
                f.write_str("  switch")?;
                self.write_values(f, &[*index])?;
                for number in edges.clone() {
                    f.write_str(if number == edges.start { "" } else { " ," })?;
                    self.write_edge(f, self.edges[number as usize])?;
                }
            }
            Terminator::Return(values) => {
                f.write_str("  return")?;
                self.write_values(f, self.nodes_in(*values))?;
            }
            Terminator::Trap { code, at } => write!(f, "  trap {} @{at}", *code as u32)?,
        }
        writeln!(f)
    }

    fn write_edge(&self, f: &mut fmt::Formatter<'_>, edge: Edge) -> fmt::Result {
        write!(f, " {}", edge.to)?;
        self.write_values(f, self.nodes_in(edge.arguments))
    }

    fn write_values(&self, f: &mut fmt::Formatter<'_>, values: &[Node]) -> fmt::Result {
        values.iter().try_for_each(|&value| write!(f, " {}", self.operand(value)))
    }

    /// A value as it stands among operands: its number, or what it is if it is a constant.
    pub fn operand(&self, value: Node) -> impl fmt::Display + '_ {
        let row = &self.nodes[value];
        fmt::from_fn(move |f| match (row.kind, row.ty) {
            (NodeKind::Constant(bits), Some(ty @ (ValType::F32 | ValType::F64))) => write!(f, "{ty}:{bits:#x}"),
            (NodeKind::Constant(bits), Some(ty)) => write!(f, "{ty}:{bits}"),
            _ => write!(f, "{value}"),
        })
    }
}

fn write_kind(f: &mut fmt::Formatter<'_>, kind: NodeKind) -> fmt::Result {
    let (name, numbers): (&str, [Option<u32>; 2]) = match kind {
        NodeKind::Parameter => ("parameter", [None, None]),
        NodeKind::Constant(_) => ("constant", [None, None]),
        NodeKind::Operator(op) => (op.row().name, [None, None]),
        NodeKind::Select => ("select", [None, None]),
        NodeKind::Held => ("held", [None, None]),
        NodeKind::FuncRef(index) => ("ref.func", [Some(index), None]),
        NodeKind::InterruptPage => ("interrupt_page", [None, None]),
        NodeKind::CheckInterrupt => ("check_interrupt", [None, None]),
        NodeKind::GlobalGet(index) => ("global.get", [Some(index), None]),
        NodeKind::GlobalSet(index) => ("global.set", [Some(index), None]),
        NodeKind::MemorySize(index) => ("memory.size", [Some(index), None]),
        NodeKind::MemoryGrow(index) => ("memory.grow", [Some(index), None]),
        NodeKind::TableGet(index) => ("table.get", [Some(index), None]),
        NodeKind::TableSet(index) => ("table.set", [Some(index), None]),
        NodeKind::TableSize(index) => ("table.size", [Some(index), None]),
        NodeKind::TableGrow(index) => ("table.grow", [Some(index), None]),
        NodeKind::Bulk(bulk) => match bulk {
            Bulk::MemoryCopy(to, from) => ("memory.copy", [Some(to), Some(from)]),
            Bulk::MemoryFill(index) => ("memory.fill", [Some(index), None]),
            Bulk::MemoryInit(index, segment) => ("memory.init", [Some(index), Some(segment)]),
            Bulk::TableCopy(to, from) => ("table.copy", [Some(to), Some(from)]),
            Bulk::TableFill(index) => ("table.fill", [Some(index), None]),
            Bulk::TableInit(index, segment) => ("table.init", [Some(index), Some(segment)]),
        },
        NodeKind::DataDrop(index) => ("data.drop", [Some(index), None]),
        NodeKind::ElemDrop(index) => ("elem.drop", [Some(index), None]),
        NodeKind::Call(index) => ("call", [Some(index), None]),
        NodeKind::CallIndirect { table, ty } => ("call_indirect", [Some(table), Some(ty)]),
        NodeKind::Result(number) => ("result", [Some(number), None]),
        NodeKind::Fuel(amount) => ("fuel", [Some(amount), None]),
        NodeKind::Slot(number) => ("slot", [Some(number), None]),
    };
    f.write_str(name)?;
    numbers.iter().flatten().try_for_each(|number| write!(f, " {number}"))
}

/// The kind with this name; takes its numbers from `numbers`.
fn kind_of(name: &str, mut number: impl FnMut() -> Result<u32, String>) -> Result<NodeKind, String> {
    if let Some(&op) = Op::ALL.iter().find(|op| op.row().name == name) {
        return Ok(NodeKind::Operator(op));
    }
    Ok(match name {
        "select" => NodeKind::Select,
        "held" => NodeKind::Held,
        "ref.func" => NodeKind::FuncRef(number()?),
        "interrupt_page" => NodeKind::InterruptPage,
        "check_interrupt" => NodeKind::CheckInterrupt,
        "global.get" => NodeKind::GlobalGet(number()?),
        "global.set" => NodeKind::GlobalSet(number()?),
        "memory.size" => NodeKind::MemorySize(number()?),
        "memory.grow" => NodeKind::MemoryGrow(number()?),
        "table.get" => NodeKind::TableGet(number()?),
        "table.set" => NodeKind::TableSet(number()?),
        "table.size" => NodeKind::TableSize(number()?),
        "table.grow" => NodeKind::TableGrow(number()?),
        "memory.copy" => NodeKind::Bulk(Bulk::MemoryCopy(number()?, number()?)),
        "memory.fill" => NodeKind::Bulk(Bulk::MemoryFill(number()?)),
        "memory.init" => NodeKind::Bulk(Bulk::MemoryInit(number()?, number()?)),
        "table.copy" => NodeKind::Bulk(Bulk::TableCopy(number()?, number()?)),
        "table.fill" => NodeKind::Bulk(Bulk::TableFill(number()?)),
        "table.init" => NodeKind::Bulk(Bulk::TableInit(number()?, number()?)),
        "data.drop" => NodeKind::DataDrop(number()?),
        "elem.drop" => NodeKind::ElemDrop(number()?),
        "call" => NodeKind::Call(number()?),
        "call_indirect" => NodeKind::CallIndirect { table: number()?, ty: number()? },
        "result" => NodeKind::Result(number()?),
        "fuel" => NodeKind::Fuel(number()?),
        "slot" => NodeKind::Slot(number()?),
        name => return Err(format!("there is no `{name}`")),
    })
}

fn type_named(name: &str) -> Result<ValType, String> {
    use ValType::*;
    [I32, I64, F32, F64, V128, FuncRef, ExternRef]
        .into_iter()
        .find(|ty| ty.to_string() == name)
        .ok_or_else(|| format!("there is no type `{name}`"))
}

fn numbered<T: EntityRef>(token: &str, prefix: &str) -> Result<T, String> {
    let number = token.strip_prefix(prefix).and_then(|number| number.parse().ok()).filter(|&number: &usize| number < 1 << 24);
    number.map(T::new).ok_or_else(|| format!("`{token}` is no {prefix}"))
}

fn decimal<T: core::str::FromStr>(token: Option<&str>) -> Result<T, String> {
    token.and_then(|token| token.parse().ok()).ok_or_else(|| format!("`{}` is no number", token.unwrap_or("")))
}

/// A function being read.
#[derive(Default)]
struct Parser {
    function: Function,
    /// Constants that have been met.
    constants: Vec<(ValType, i64, Node)>,
}

impl Function {
    /// Reads the text form.
    ///
    /// The result is not checked: see [`verify`](Self::verify). Nodes keep their numbers, but for constants.
    ///
    /// # Errors
    /// If a line is none: its number, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Function, String> {
        let mut parser = Parser::default();
        // Constants get the numbers behind all others.
        for token in text.split_whitespace().filter(|token| token.starts_with('v')) {
            let token = token.split(':').next().unwrap_or(token);
            let Ok(node) = numbered::<Node>(token, "v") else { continue };
            while parser.function.nodes.len() <= node.index() {
                parser.function.nodes.push(NodeRow::default());
            }
        }
        for (number, line) in (1..).zip(text.lines()) {
            parser.line(line).map_err(|wrong| format!("line {number}: {wrong}"))?;
        }
        let blocks = parser.function.blocks.len();
        if parser.function.blocks.keys().any(|block| parser.function.edges_of(block).any(|edge| edge.to.index() >= blocks)) {
            return Err("an edge goes to no block".to_owned());
        }
        parser.function.relate();
        Ok(parser.function)
    }
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let tokens: Vec<&str> = line.split_whitespace().collect();
        match tokens[..] {
            [] => Ok(()),
            ["function", index, ref rest @ ..] => {
                self.function.index = decimal(Some(index))?;
                self.function.calls = rest.contains(&"calls");
                self.function.carries = rest.contains(&"carries");
                if let ["at", entry, ..] = *rest {
                    self.function.entry = Some(decimal(Some(entry))?);
                }
                Ok(())
            }
            [block, ref rest @ ..] if !line.starts_with(' ') => self.block(block, rest),
            ["jump" | "branch" | "switch" | "return" | "trap", ..] => self.terminator(&tokens),
            _ => self.node(&tokens),
        }
    }

    fn block(&mut self, name: &str, rest: &[&str]) -> Result<(), String> {
        let block = self.function.blocks.push(BlockRow::default());
        if numbered::<Block>(name, "block")? != block {
            return Err(format!("this is {block}"));
        }
        let mut parameters = Vec::new();
        for token in rest {
            let (node, ty) = self.definition(token)?;
            self.function.nodes[node] = NodeRow { ty, block: block.into(), ..NodeRow::default() };
            parameters.push(node);
        }
        self.function.blocks[block].parameters = self.function.list(&parameters);
        Ok(())
    }

    fn definition(&self, token: &str) -> Result<(Node, Option<ValType>), String> {
        let (name, ty) = match token.split_once(':') {
            Some((name, ty)) => (name, Some(type_named(ty)?)),
            None => (token, None),
        };
        Ok((numbered(name, "v")?, ty))
    }

    fn value(&mut self, token: &str) -> Result<Node, String> {
        let Some((ty, value)) = token.split_once(':') else { return numbered(token, "v") };
        let ty = type_named(ty)?;
        let bits = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).map_err(|_| format!("`{value}` is no number"))? as i64,
            None => decimal(Some(value))?,
        };
        if let Some(&(_, _, node)) = self.constants.iter().find(|known| (known.0, known.1) == (ty, bits)) {
            return Ok(node);
        }
        let node = self.function.nodes.push(NodeRow { kind: NodeKind::Constant(bits), ty: Some(ty), ..NodeRow::default() });
        self.constants.push((ty, bits, node));
        Ok(node)
    }

    fn values(&mut self, tokens: &[&str]) -> Result<Vec<Node>, String> {
        tokens.iter().map(|token| self.value(token)).collect()
    }

    fn current(&self) -> Result<Block, String> {
        self.function.blocks.last().map(|(block, _)| block).ok_or_else(|| "a block begins first".to_owned())
    }

    fn node(&mut self, tokens: &[&str]) -> Result<(), String> {
        let block = self.current()?;
        let (definition, tokens) = match *tokens {
            [definition, "=", ref rest @ ..] => (Some(self.definition(definition)?), rest),
            _ => (None, tokens),
        };
        let (&name, tokens) = tokens.split_first().ok_or("a node has a name")?;
        let mut next = 0;
        let kind = kind_of(name, || {
            next += 1;
            decimal(tokens.get(next - 1).copied())
        })?;
        let mut row = NodeRow { kind, ..NodeRow::default() };
        let mut arguments = Vec::new();
        for token in &tokens[next..] {
            if let Some(offset) = token.strip_prefix('+') {
                row.offset = decimal(Some(offset))?;
            } else if let Some(at) = token.strip_prefix('@') {
                row.at = decimal(Some(at))?;
            } else if *token == "bounded" {
                row.bounded = true;
            } else {
                arguments.push(self.value(token)?);
            }
        }
        row.arguments = self.function.list(&arguments);
        let node = match definition {
            Some((node, ty)) => {
                row.ty = ty;
                self.function.nodes[node] = row;
                node
            }
            None => self.function.nodes.push(row),
        };
        self.function.append(block, node);
        Ok(())
    }

    fn edge(&mut self, tokens: &[&str]) -> Result<Edge, String> {
        let (to, values) = tokens.split_first().ok_or("an edge goes to a block")?;
        let values = self.values(values)?;
        Ok(Edge { to: numbered(to, "block")?, arguments: self.function.list(&values) })
    }

    fn terminator(&mut self, tokens: &[&str]) -> Result<(), String> {
        let block = self.current()?;
        let terminator = match *tokens {
            ["jump", ref edge @ ..] => Terminator::Jump(self.edge(edge)?),
            ["branch", condition, ref edges @ ..] => {
                let mut edges = edges.split(|&token| token == ",");
                let (taken, other) = (edges.next().unwrap_or(&[]), edges.next().unwrap_or(&[]));
                Terminator::Branch { condition: self.value(condition)?, taken: self.edge(taken)?, other: self.edge(other)? }
            }
            ["switch", index, ref edges @ ..] => {
                let index = self.value(index)?;
                let edges: Vec<Edge> = edges.split(|&token| token == ",").map(|edge| self.edge(edge)).collect::<Result<_, _>>()?;
                let start = self.function.edges.len() as u32;
                self.function.edges.extend(edges);
                Terminator::Switch { index, edges: start..self.function.edges.len() as u32 }
            }
            ["return", ref values @ ..] => {
                let values = self.values(values)?;
                Terminator::Return(self.function.list(&values))
            }
            ["trap", code, at] => {
                let number: usize = decimal(Some(code))?;
                let code = *TrapCode::ALL.get(number).ok_or("there is no such trap")?;
                Terminator::Trap { code, at: decimal(at.strip_prefix('@'))? }
            }
            _ => return Err("this is no terminator".to_owned()),
        };
        self.function.blocks[block].terminator = terminator;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        let text = "\
function 3 calls carries
block0 v0:i32 v4:f64
  v1:i32 = i32.add v0 i32:-5 @40
  i32.store v0 v1 +8 bounded @42
  branch v1 block2 v0 f64:0x3ff0000000000000 , block1
block1
  v2 = call_indirect 0 7 v1 @50
  v5:i32 = result 0 v2 @50
  v6:f64 = result 1 v2 @50
  jump block2 v5 v6
block2 v3:i32 v7:f64
  memory.copy 0 0 v3 v3 i32:4 @60
  switch v3 block2 v3 f64:0x0 , block3 , block4
block3
  return v3 v7
block4
  trap 9 @70
";
        let function = Function::parse(text).expect("a function");
        let printed = function.to_string();
        assert_eq!(printed, text);
        assert_eq!(Function::parse(&printed).expect("a function").to_string(), printed);
        let header = &function.blocks[Block::new(2)];
        assert_eq!((header.loop_end.expand(), header.depth, header.dominator.expand()), (Some(Block::new(3)), 1, Some(Block::new(0))));
        assert!(function.blocks[Block::new(4)].is_cold && !header.is_cold);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, wrong) in [
            ("function 0\nblock0\n  i32.nonsense v0", "line 3: there is no `i32.nonsense`"),
            ("function 0\nblock1", "line 2: this is block0"),
            ("function 0\nblock0\n  jump block4", "an edge goes to no block"),
            ("function 0\nblock0\n  return i33:4", "line 3: there is no type `i33`"),
        ] {
            assert_eq!(Function::parse(text).err().as_deref(), Some(wrong));
        }
    }
}
