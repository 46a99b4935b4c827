//! The invariants of a [`Function`], checked: for tests and debug builds. Linear in the function.

use core::ops::Range;

use cranelift_entity::{EntityRef, SecondaryMap};
use mj_decode::{Bulk, Module, Op, Shape, ValType};

use super::{Block, Edge, Function, Node, NodeKind, Terminator};

/// What is wrong.
type Wrong = String;

macro_rules! ensure {
    ($claim:expr, $($message:tt)+) => {
        if !$claim {
            return Err(format!($($message)+));
        }
    };
}

/// A function, and what is recomputed of it.
struct Verifier<'a> {
    function: &'a Function,
    module: &'a Module,
    /// Edges to each block.
    incoming: SecondaryMap<Block, Vec<Block>>,
    dominators: SecondaryMap<Block, Option<Block>>,
    /// Numbers of the blocks that each dominates, in an order of the dominator tree that puts parents first.
    dominated: SecondaryMap<Block, Range<u32>>,
    /// Place of each node in its block, from 1; 0 for those that stand nowhere.
    places: SecondaryMap<Node, u32>,
}

impl Function {
    /// Checks all invariants.
    ///
    /// # Errors
    /// Says what is wrong first.
    pub fn verify(&self, module: &Module) -> Result<(), String> {
        ensure!(!self.blocks.is_empty(), "there is no block");
        let mut verifier = Verifier {
            function: self,
            module,
            incoming: SecondaryMap::new(),
            dominators: SecondaryMap::new(),
            dominated: SecondaryMap::with_default(0..0),
            places: SecondaryMap::new(),
        };
        verifier.check_edges()?;
        verifier.check_dominators()?;
        verifier.check_loops()?;
        verifier.check_nodes()?;
        self.blocks.keys().try_for_each(|block| verifier.check_uses(block).map_err(|wrong| format!("{block}: {wrong}")))
    }
}

impl Verifier<'_> {
    fn ty(&self, node: Node) -> Option<ValType> {
        self.function.nodes.get(node).and_then(|row| row.ty)
    }

    /// Whether a value may stand where this type is wanted. An i32 is extended by the register that it is in: a constant is in none.
    fn fits(&self, value: Node, wanted: ValType) -> bool {
        let is_carried = self.function.carries && wanted == ValType::I64 && self.function.constant(value).is_none();
        self.ty(value).is_some_and(|found| found == wanted || is_carried && found == ValType::I32)
    }

    fn all_fit(&self, values: &[Node], wanted: &[ValType]) -> bool {
        values.len() == wanted.len() && values.iter().zip(wanted).all(|(&value, &wanted)| self.fits(value, wanted))
    }

    fn types(&self, values: &[Node]) -> Vec<ValType> {
        values.iter().filter_map(|&value| self.ty(value)).collect()
    }

    fn check_edges(&mut self) -> Result<(), Wrong> {
        let function = self.function;
        for from in function.blocks.keys() {
            for edge in function.edges_of(from) {
                ensure!(edge.to.index() < function.blocks.len(), "{from} goes to {}, which is none", edge.to);
                ensure!(edge.to.index() > 0, "{from} goes to the first block");
                self.incoming[edge.to].push(from);
            }
        }
        for block in function.blocks.keys().skip(1) {
            ensure!(self.incoming[block].iter().any(|&from| from < block), "no edge goes forward to {block}");
        }
        for from in function.blocks.keys() {
            if let Terminator::Branch { other, .. } = &function.blocks[from].terminator {
                ensure!(other.to > from, "the not-taken edge of {from} goes back");
                ensure!(self.incoming[other.to].len() == 1, "another edge joins the not-taken one of {from}");
            }
            let is_cold = match &function.blocks[from].terminator {
                Terminator::Return(_) => false,
                Terminator::Trap { .. } => true,
                _ => function.edges_of(from).all(|edge| edge.to > from && function.blocks[edge.to].is_cold),
            };
            ensure!(function.blocks[from].is_cold == is_cold, "{from} is cold, or not");
        }
        Ok(())
    }

    /// A block's dominator dominates all blocks from which edges go forward to it, and no child of the dominator does.
    fn check_dominators(&mut self) -> Result<(), Wrong> {
        let function = self.function;
        let mut children: SecondaryMap<Block, Vec<Block>> = SecondaryMap::new();
        for block in function.blocks.keys() {
            let dominator = function.blocks[block].dominator.expand();
            ensure!(dominator.is_some() == (block.index() > 0), "the dominator of {block} is {dominator:?}");
            ensure!(dominator.is_none_or(|dominator| dominator < block), "{block} is dominated by a block behind it");
            self.dominators[block] = dominator;
            if let Some(dominator) = dominator {
                children[dominator].push(block);
            }
        }
        self.number_dominated();
        for block in function.blocks.keys().skip(1) {
            let dominator = self.dominators[block].expect("but for the first block");
            let forward = || self.incoming[block].iter().copied().filter(|&from| from < block);
            let outside = forward().find(|&from| !self.dominated[dominator].contains(&self.dominated[from].start));
            ensure!(outside.is_none(), "{dominator} does not dominate {outside:?}, which goes to {block}");
            let (Some(first), Some(last)) =
                (forward().map(|from| self.dominated[from].start).min(), forward().map(|from| self.dominated[from].start).max())
            else {
                return Err(format!("no edge goes forward to {block}"));
            };
            let behind = children[dominator].partition_point(|&child| self.dominated[child].start <= first);
            let nearer = behind.checked_sub(1).map(|index| children[dominator][index]);
            let nearer = nearer.filter(|&child| self.dominated[child].contains(&first) && self.dominated[child].contains(&last));
            ensure!(nearer.is_none(), "the dominator of {block} is not {dominator}, but {nearer:?} or a block that it dominates");
        }
        Ok(())
    }

    fn number_dominated(&mut self) {
        let function = self.function;
        let mut sizes: SecondaryMap<Block, u32> = SecondaryMap::with_default(1);
        for block in function.blocks.keys().rev() {
            if let Some(dominator) = self.dominators[block] {
                let size = sizes[block];
                sizes[dominator] += size;
            }
        }
        let mut free: SecondaryMap<Block, u32> = SecondaryMap::new();
        for block in function.blocks.keys() {
            let start = match self.dominators[block] {
                None => 0,
                Some(dominator) => {
                    let start = free[dominator];
                    free[dominator] += sizes[block];
                    start
                }
            };
            self.dominated[block] = start..start + sizes[block];
            free[block] = start + 1;
        }
    }

    /// Edges go forward but to headers; a loop is entered at its header only, from the block in front of it.
    fn check_loops(&self) -> Result<(), Wrong> {
        let function = self.function;
        let mut open: Vec<(Block, Block)> = Vec::new();
        for block in function.blocks.keys() {
            while open.last().is_some_and(|&(_, end)| end <= block) {
                open.pop();
            }
            let row = &function.blocks[block];
            if let Some(end) = row.loop_end.expand() {
                ensure!(end > block && end.index() <= function.blocks.len(), "the loop of {block} ends at {end}");
                ensure!(open.last().is_none_or(|&(_, outer)| end <= outer), "the loop of {block} outlives the one around it");
                ensure!(self.incoming[block].iter().any(|&from| from >= block), "nothing goes back to {block}");
                let before = block.index().checked_sub(1).map(Block::new);
                let jumps = before
                    .is_some_and(|before| matches!(function.blocks[before].terminator, Terminator::Jump(Edge { to, .. }) if to == block));
                ensure!(jumps, "no jump stands in front of the loop of {block}");
                ensure!(self.incoming[block].iter().all(|&from| from >= block || Some(from) == before), "{block} is entered twice");
                open.push((block, end));
            }
            let header = open.last().map(|&(header, _)| header);
            ensure!(row.header.expand() == header, "the innermost loop of {block} is that of {header:?}");
            ensure!(row.depth == open.len() as u32, "{} loops are around {block}", open.len());
            for &from in &self.incoming[block] {
                if from >= block {
                    let end = row.loop_end.expand();
                    ensure!(end.is_some_and(|end| from < end), "{from} goes back to {block}");
                } else if row.loop_end.is_none() {
                    ensure!(header.is_none_or(|header| header <= from), "{from} goes past a header to {block}");
                }
            }
        }
        Ok(())
    }

    /// Each node stands where it says, and once; results stand behind their calls.
    fn check_nodes(&mut self) -> Result<(), Wrong> {
        let function = self.function;
        for block in function.blocks.keys() {
            let row = &function.blocks[block];
            for &parameter in function.parameters(block) {
                let node = &function.nodes[parameter];
                ensure!(node.kind == NodeKind::Parameter && node.block.expand() == Some(block), "{parameter} is no parameter of {block}");
                ensure!(self.places[parameter] == 0, "{parameter} is twice a parameter of {block}");
                self.places[parameter] = 1;
            }
            let mut previous: Option<Node> = None;
            let mut place = 1;
            for node in function.nodes_of(block) {
                place += 1;
                ensure!(self.places[node] == 0, "{node} stands twice");
                self.places[node] = place;
                let kind = function.nodes[node].kind;
                ensure!(function.nodes[node].block.expand() == Some(block), "{node} does not know that it stands in {block}");
                match kind {
                    NodeKind::Parameter | NodeKind::Constant(_) => return Err(format!("{node} stands in {block}")),
                    NodeKind::Slot(_) => ensure!(block.index() == 0 && function.entry.is_some(), "{node} is a slot in {block}"),
                    NodeKind::Result(number) => {
                        let call = function.arguments(node).first().copied();
                        let follows = match previous.map(|previous| (previous, function.nodes[previous].kind)) {
                            Some((before, NodeKind::Result(other))) => {
                                number == other + 1 && function.arguments(before).first().copied() == call
                            }
                            Some((before, _)) => number == 0 && Some(before) == call,
                            None => false,
                        };
                        ensure!(follows, "{node} does not follow its call");
                    }
                    kind => ensure!(function.calls || !kind.is_call(), "{node} is a call, and the function has none"),
                }
                previous = Some(node);
            }
            ensure!(row.last.expand() == previous, "{block} does not know its last node");
        }
        Ok(())
    }

    /// Whether a value is there behind the place `at` in `block`.
    fn check_defined(&self, value: Node, block: Block, at: u32) -> Result<(), Wrong> {
        let Some(row) = self.function.nodes.get(value) else { return Err(format!("{value} is none")) };
        if let NodeKind::Constant(_) = row.kind {
            return Ok(());
        }
        ensure!(row.ty.is_some(), "{value} has no result");
        ensure!(self.places[value] > 0, "{value} stands nowhere");
        let home = row.block.expand().ok_or_else(|| format!("{value} has no block"))?;
        let is_there = if home == block {
            self.places[value] < at || row.kind == NodeKind::Parameter
        } else {
            let of = &self.dominated[home];
            of.contains(&self.dominated[block].start)
        };
        ensure!(is_there, "{value} of {home} is not there yet");
        Ok(())
    }

    fn check_uses(&self, block: Block) -> Result<(), Wrong> {
        let function = self.function;
        for node in function.nodes_of(block) {
            let row = &function.nodes[node];
            for &argument in function.arguments(node) {
                // A call without a result of its own has several.
                let is_call = matches!(row.kind, NodeKind::Result(_));
                if is_call {
                    continue;
                }
                self.check_defined(argument, block, self.places[node]).map_err(|wrong| format!("{node}: {wrong}"))?;
            }
            self.check_types(node).map_err(|wrong| format!("{node}, {:?}: {wrong}", row.kind))?;
        }
        let end = u32::MAX;
        for edge in function.edges_of(block) {
            let parameters = function.parameters(edge.to);
            let arguments = function.nodes_in(edge.arguments);
            ensure!(parameters.len() == arguments.len(), "{} arguments for {}", arguments.len(), edge.to);
            for (&argument, &parameter) in arguments.iter().zip(parameters) {
                self.check_defined(argument, block, end)?;
                let fits = self.ty(parameter).is_some_and(|wanted| self.fits(argument, wanted));
                ensure!(fits, "{argument} for {parameter} of {}", edge.to);
            }
        }
        match &function.blocks[block].terminator {
            Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } => {
                self.check_defined(*value, block, end)?;
                ensure!(self.ty(*value) == Some(ValType::I32), "{value} decides, which is no i32");
            }
            Terminator::Return(values) => {
                let values = function.nodes_in(*values);
                values.iter().try_for_each(|&value| self.check_defined(value, block, end))?;
                let results = self.module.function_type(function.index).results();
                ensure!(self.all_fit(values, results), "it returns {:?}", self.types(values));
            }
            Terminator::Jump(_) | Terminator::Trap { .. } => {}
        }
        if block.index() == 0 {
            let types = self.types(function.parameters(block));
            let expected = if function.entry.is_some() { &[][..] } else { self.module.function_type(function.index).params() };
            ensure!(types == expected, "the parameters are {types:?}");
        }
        Ok(())
    }

    fn check_types(&self, node: Node) -> Result<(), Wrong> {
        use ValType::I32;
        let function = self.function;
        let row = &function.nodes[node];
        // What a result is of has no type.
        let arguments = if let NodeKind::Result(_) = row.kind { &[] } else { function.arguments(node) };
        let found = self.types(arguments);
        let element = |table: u32| self.module.tables[table as usize].element;
        let (wanted, result): (Vec<ValType>, Option<ValType>) = match row.kind {
            NodeKind::Operator(Op::RefIsNull) => {
                ensure!(found.len() == 1 && found[0].is_reference(), "its operands are {found:?}");
                (found.clone(), Some(I32))
            }
            NodeKind::Operator(op) => {
                let op = op.row();
                match op.shape {
                    Shape::Load | Shape::Unary | Shape::Test => (vec![op.a], Some(op.result)),
                    Shape::Store => (vec![op.a, op.b], None),
                    Shape::Binary | Shape::Compare => (vec![op.a, op.b], Some(op.result)),
                }
            }
            NodeKind::Select => {
                let ty = row.ty.ok_or("it has no type")?;
                (vec![ty, ty, I32], Some(ty))
            }
            NodeKind::Held => (vec![row.ty.ok_or("it has no type")?], row.ty),
            NodeKind::FuncRef(_) => (vec![], Some(ValType::FuncRef)),
            NodeKind::GlobalGet(global) => (vec![], Some(self.module.globals[global as usize].content)),
            NodeKind::GlobalSet(global) => (vec![self.module.globals[global as usize].content], None),
            NodeKind::MemorySize(_) | NodeKind::TableSize(_) => (vec![], Some(I32)),
            NodeKind::InterruptPage => (vec![], Some(ValType::I64)),
            NodeKind::CheckInterrupt => (vec![ValType::I64], None),
            NodeKind::MemoryGrow(_) => (vec![I32], Some(I32)),
            NodeKind::TableGet(table) => (vec![I32], Some(element(table))),
            NodeKind::TableSet(table) => (vec![I32, element(table)], None),
            NodeKind::TableGrow(table) => (vec![element(table), I32], Some(I32)),
            NodeKind::Bulk(Bulk::TableFill(table)) => (vec![I32, element(table), I32], None),
            NodeKind::Bulk(_) => (vec![I32; 3], None),
            NodeKind::DataDrop(_) | NodeKind::ElemDrop(_) | NodeKind::Fuel(_) => (vec![], None),
            NodeKind::Call(_) | NodeKind::CallIndirect { .. } => {
                let ty = self.called(row.kind).expect("a call");
                let mut wanted = ty.params().to_vec();
                wanted.extend(matches!(row.kind, NodeKind::CallIndirect { .. }).then_some(I32));
                (wanted, if let &[result] = ty.results() { Some(result) } else { None })
            }
            NodeKind::Result(number) => {
                let call = function.arguments(node)[0];
                let ty = self.called(function.nodes[call].kind).ok_or("it is of no call")?;
                ensure!(ty.results().len() > 1, "its call has no several results");
                (vec![], ty.results().get(number as usize).copied())
            }
            NodeKind::Slot(_) => (vec![], row.ty),
            NodeKind::Parameter | NodeKind::Constant(_) => (vec![], row.ty),
        };
        ensure!(self.all_fit(arguments, &wanted), "its operands are {found:?}, not {wanted:?}");
        let is_access = matches!(row.kind, NodeKind::Operator(op) if matches!(op.row().shape, Shape::Load | Shape::Store));
        ensure!(is_access || !row.bounded, "it is bounded, and no access");
        ensure!(row.ty == result, "its result is {:?}, not {result:?}", row.ty);
        Ok(())
    }

    fn called(&self, kind: NodeKind) -> Option<&mj_decode::FuncType> {
        match kind {
            NodeKind::Call(function) => Some(self.module.function_type(function)),
            NodeKind::CallIndirect { ty, .. } => Some(&self.module.types[ty as usize]),
            _ => None,
        }
    }
}
