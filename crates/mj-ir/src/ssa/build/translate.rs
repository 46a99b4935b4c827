//! What becomes of each Wasm operator.

use cranelift_entity::EntityRef;
use mj_abi::TrapCode;
use mj_decode::{BlockType, Bulk, ConstExpr, ConstOp, MemArg, Op, Reader, Translator, ValType};

use super::memory::{Cell, Known, Place};
use super::{Arrival, Builder, Exit, Kind, LoopFrame, NO_EDGE, Otherwise};
use crate::ssa::{Block, Node, NodeKind, Terminator};

impl Builder<'_> {
    /// Counts one operator of fuel.
    #[inline]
    fn count(&mut self) {
        self.fuel = self.fuel.wrapping_add(1);
    }

    /// Charges the operators since the last time, where control is about to leave the straight line.
    pub(super) fn charge(&mut self) {
        let amount = core::mem::take(&mut self.fuel);
        if self.options.fuel && amount > 0 && self.is_open {
            self.push_node(NodeKind::Fuel(amount), None, &[], 0, 0);
        }
    }

    #[inline]
    fn push(&mut self, value: Node) {
        self.scratch.stack.push(value);
    }

    /// A node with an effect on the world, which takes the top `count` values and pushes its result.
    fn effect(&mut self, kind: NodeKind, ty: Option<ValType>, count: usize, at: u32) -> Node {
        if kind.is_call() {
            self.charge();
            self.function.calls = true;
        }
        let base = self.scratch.stack.len() - count;
        let scratch = &mut *self.scratch;
        scratch.nodes.clear();
        scratch.nodes.extend(scratch.stack.drain(base..));
        let arguments = core::mem::take(&mut self.scratch.nodes);
        let node = self.push_node(kind, ty, &arguments, 0, at);
        self.scratch.nodes = arguments;
        self.scratch.nodes.clear();
        if ty.is_some() {
            self.push(node);
        }
        node
    }

    /// A call of a function of this type; the top of the stack has its arguments, and `more` values that belong to them.
    fn call_node(&mut self, kind: NodeKind, ty: u32, more: usize, at: u32) {
        let ty = &self.module.types[ty as usize];
        let results = ty.results();
        let single = if let &[result] = results { Some(result) } else { None };
        let call = self.effect(kind, single, ty.params().len() + more, at);
        if single.is_none() {
            for (number, &ty) in results.iter().enumerate() {
                let result = self.push_node(NodeKind::Result(number as u32), Some(ty), &[call], 0, at);
                self.push(result);
            }
        }
        self.forget_all();
    }

    /// After something that may change everything.
    fn forget_all(&mut self) {
        self.scratch.facts.forget_memory();
        self.scratch.facts.forget_cells(true);
    }

    fn cell(&mut self, cell: Cell, kind: NodeKind, ty: ValType, mutable: bool) {
        if self.options.globals
            && let Some(value) = self.scratch.facts.cell(cell, |block| self.dominates(block))
        {
            return self.push(value);
        }
        let value = self.effect(kind, Some(ty), 0, 0);
        if self.options.globals {
            let block = self.current();
            self.scratch.facts.set_cell(cell, value, block, mutable);
        }
    }

    /// The value of a global that never changes.
    fn constant_global(&mut self, global: u32) -> Option<Node> {
        let ty = self.module.globals[global as usize];
        if ty.mutable || !self.options.globals {
            return None;
        }
        let ConstExpr::Value(value) = self.module.global_initials[self.module.own_global(global)? as usize] else { return None };
        let bits = match value {
            ConstOp::I32(value) => i64::from(value),
            ConstOp::I64(value) => value,
            ConstOp::F32(bits) => i64::from(bits),
            ConstOp::F64(bits) => bits as i64,
            ConstOp::RefNull(_) => 0,
            _ => return None,
        };
        Some(self.constant_node(ty.content, bits))
    }

    pub(super) fn load_value(&mut self, op: Op, base: Node, offset: u64, at: u32) -> Node {
        if self.options.memory
            && let Some(value) = self.known_load(op, base, offset)
        {
            return value;
        }
        let value = self.push_node(NodeKind::Operator(op), Some(op.row().result), &[base], offset, at);
        if self.options.memory {
            let place = self.place_of(op, base, offset);
            let block = self.current();
            self.scratch.facts.add(Known { place, base, offset, op, value, block });
        }
        value
    }

    pub(super) fn store_value(&mut self, op: Op, base: Node, value: Node, offset: u64, at: u32) {
        self.push_node(NodeKind::Operator(op), None, &[base, value], offset, at);
        if self.options.memory {
            let place = self.place_of(op, base, offset);
            self.scratch.facts.forget_stored(place);
            let block = self.current();
            self.scratch.facts.add(Known { place, base, offset, op, value, block });
        }
    }

    /// What a load gives, if it has been loaded or stored before.
    fn known_load(&mut self, op: Op, base: Node, offset: u64) -> Option<Node> {
        use Op::*;
        let known: smallvec::SmallVec<[Known; 4]> = self.scratch.facts.at(base, offset, |block| self.dominates(block)).collect();
        let narrowed = |builder: &mut Self, op: Op, value: Node, mask: i64| {
            let ty = op.row().a;
            let mask = builder.constant_node(ty, mask);
            builder.operator(op, &[value, mask], 0)
        };
        for Known { op: before, value, .. } in known {
            return Some(match (before, op) {
                _ if before == op => value,
                (I32Store, I32Load) | (I64Store, I64Load) | (F32Store, F32Load) | (F64Store, F64Load) => value,
                (I32Store8, I32Load8U) => narrowed(self, I32And, value, 0xff),
                (I32Store16, I32Load16U) => narrowed(self, I32And, value, 0xffff),
                (I64Store8, I64Load8U) => narrowed(self, I64And, value, 0xff),
                (I64Store16, I64Load16U) => narrowed(self, I64And, value, 0xffff),
                (I32Store8, I32Load8S) => self.operator(I32Extend8S, &[value], 0),
                (I32Store16, I32Load16S) => self.operator(I32Extend16S, &[value], 0),
                (I64Store8, I64Load8S) => self.operator(I64Extend8S, &[value], 0),
                (I64Store16, I64Load16S) => self.operator(I64Extend16S, &[value], 0),
                (I64Store32, I64Load32S) => self.operator(I64Extend32S, &[value], 0),
                (I64Store32, I32Load) => self.operator(I32WrapI64, &[value], 0),
                (I32Store, I64Load32S) => self.operator(I64ExtendI32S, &[value], 0),
                (I32Store, I64Load32U) => self.operator(I64ExtendI32U, &[value], 0),
                _ => continue,
            });
        }
        None
    }

    fn place_of(&self, op: Op, base: Node, offset: u64) -> Place {
        let row = &self.function.nodes[base];
        let (root, more) = match row.kind {
            NodeKind::Constant(bits) => (None, i64::from(bits as u32)),
            NodeKind::Operator(Op::I32Add) => {
                let arguments = self.function.nodes_in(row.arguments);
                self.function.constant(arguments[1]).map_or((Some(base), 0), |bits| (Some(arguments[0]), bits))
            }
            _ => (Some(base), 0),
        };
        Place { root, distance: more + offset as i64, size: i64::from(op.row().access) }
    }

    /// The frame a branch names.
    fn frame(&self, relative: u32) -> usize {
        self.scratch.frames.len() - 1 - relative as usize
    }

    fn return_values(&mut self) {
        let results = self.scratch.frames[0].results;
        let top = self.scratch.stack.len() - results;
        let list = self.function.list(&self.scratch.stack[top..]);
        self.terminate(Terminator::Return(list));
    }

    /// A branch that is always taken.
    fn jump(&mut self, index: usize) {
        if index == 0 {
            return self.return_values();
        }
        let edge = self.edge_to(index, Exit::Jump);
        self.terminate(Terminator::Jump(edge));
    }
}

impl Translator for Builder<'_> {
    #[inline]
    fn reachable(&self) -> bool {
        self.is_open
    }

    #[inline]
    fn control(&mut self, behind: u32) {
        self.place = behind;
    }

    fn op(&mut self, op: Op, at: u32, _: &Reader<'_>) {
        use mj_decode::Shape;
        self.count();
        let value = match op.row().shape {
            Shape::Binary | Shape::Compare => {
                let b = self.pop();
                let a = self.pop();
                self.operator(op, &[a, b], at)
            }
            _ => {
                let a = self.pop();
                self.operator(op, &[a], at)
            }
        };
        self.push(value);
    }

    fn load(&mut self, op: Op, memory: MemArg, at: u32, _: &Reader<'_>) {
        self.count();
        let base = self.pop();
        let value = self.load_value(op, base, memory.offset, at);
        self.push(value);
    }

    fn store(&mut self, op: Op, memory: MemArg, at: u32) {
        self.count();
        let value = self.pop();
        let base = self.pop();
        self.store_value(op, base, value, memory.offset, at);
    }

    #[inline]
    fn constant(&mut self, ty: ValType, bits: i64) {
        self.count();
        let value = self.constant_node(ty, bits);
        self.push(value);
    }

    fn ref_func(&mut self, function: u32, _: &Reader<'_>) {
        self.count();
        let value = self.value(NodeKind::FuncRef(function), ValType::FuncRef, &[], 0);
        self.push(value);
    }

    #[inline]
    fn local_get(&mut self, local: u32) {
        self.count();
        let value = self.scratch.locals.get(local);
        self.push(value);
    }

    #[inline]
    fn local_set(&mut self, local: u32) {
        self.count();
        let value = self.pop();
        self.scratch.locals.set(local, value);
    }

    #[inline]
    fn local_tee(&mut self, local: u32) {
        self.count();
        let value = *self.scratch.stack.last().expect("validation counts the operands");
        self.scratch.locals.set(local, value);
    }

    fn global_get(&mut self, global: u32, _: &Reader<'_>) {
        self.count();
        if let Some(value) = self.constant_global(global) {
            return self.push(value);
        }
        let ty = self.module.globals[global as usize];
        self.cell(Cell::Global(global), NodeKind::GlobalGet(global), ty.content, ty.mutable);
    }

    fn global_set(&mut self, global: u32) {
        self.count();
        let value = *self.scratch.stack.last().expect("validation counts the operands");
        self.effect(NodeKind::GlobalSet(global), None, 1, 0);
        if self.options.globals {
            let module = self.module;
            if module.own_global(global).is_none() {
                // Two imports may be one global.
                self.scratch.facts.forget_globals(|other| module.own_global(other).is_none());
            }
            let block = self.current();
            self.scratch.facts.set_cell(Cell::Global(global), value, block, true);
        }
    }

    fn drop_value(&mut self) {
        self.pop();
    }

    fn select(&mut self, _: &Reader<'_>) {
        self.count();
        let condition = self.pop();
        let second = self.pop();
        let first = self.pop();
        let value = self.select_value(first, second, condition, 0);
        self.push(value);
    }

    fn block(&mut self, ty: BlockType<'_>) {
        self.open_frame(Kind::Block, ty.params.len(), ty.results.len());
    }

    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        self.charge();
        let number = self.flow.number_at(rest.offset()).expect("all loops have been found");
        let mj_decode::Loop { is_target, effects, .. } = self.flow.loops[number as usize];
        if !is_target {
            return self.open_frame(Kind::Block, ty.params.len(), ty.results.len());
        }
        let start = self.scratch.written.len() as u32;
        match self.scratch.nests.deep_written(self.flow.outer(number)) {
            Some(around) => self.scratch.written.extend_from_within(around),
            None => self.scratch.locals.distinct(self.flow.written(number), &mut self.scratch.written),
        }
        let header = Block::new(self.function.blocks.len());
        let open = LoopFrame { header, written: (start, self.scratch.written.len() as u32), edges: NO_EDGE, last: Block::new(0) };
        self.open_frame(Kind::Loop(open), ty.params.len(), ty.results.len());
        let edge = self.edge_to(self.scratch.frames.len() - 1, Exit::Jump);
        if !self.is_open {
            return;
        }
        let before = self.current();
        self.terminate(Terminator::Jump(edge));
        self.scratch.nests.enter(header, number, open.written);
        self.place = rest.offset();
        self.open_block(Some(before));
        for (index, &ty) in (self.scratch.stack.len() - ty.params.len()..).zip(ty.params) {
            let parameter = self.parameter(ty);
            self.scratch.stack[index] = parameter;
            self.scratch.nodes.push(parameter);
        }
        for index in open.written.0..open.written.1 {
            let local = self.scratch.written[index as usize];
            let parameter = self.parameter(self.function.type_of(self.scratch.locals.get(local)));
            self.scratch.locals.set(local, parameter);
            self.scratch.nodes.push(parameter);
        }
        self.set_parameters();
        if self.options.interruption {
            let page = self.value(NodeKind::InterruptPage, ValType::I64, &[], 0);
            self.push_node(NodeKind::CheckInterrupt, None, &[page], 0, 0);
        }
        if effects.calls || effects.stores {
            self.scratch.facts.forget_memory();
        }
        if effects.calls || effects.sets_globals {
            self.scratch.facts.forget_cells(effects.calls);
        }
        self.unroll(number);
    }

    fn if_(&mut self, ty: BlockType<'_>) {
        self.count();
        self.charge();
        let condition = self.pop();
        let parameters = ty.params.len();
        let carried = self.scratch.carried.len();
        let top = self.scratch.stack.len() - parameters;
        self.scratch.carried.extend_from_slice(&self.scratch.stack[top..]);
        let constant = if self.options.fold { self.function.constant(condition) } else { None };
        let otherwise = match constant {
            Some(bits) if bits as i32 != 0 => Otherwise::Never,
            Some(_) => Otherwise::Always,
            None => Otherwise::Edge(self.current(), self.scratch.locals.current()),
        };
        self.open_frame(Kind::If { otherwise, carried }, parameters, ty.results.len());
        match otherwise {
            Otherwise::Never => {}
            Otherwise::Always => self.is_open = false,
            Otherwise::Edge(..) => {
                let condition = self.negation(condition);
                self.branch_on(condition, Self::unknown());
            }
        }
    }

    fn else_(&mut self) {
        self.charge();
        let index = self.scratch.frames.len() - 1;
        if self.is_open {
            self.jump_to_end(index);
        }
        let frame = self.scratch.frames[index];
        let Kind::If { otherwise, carried } = frame.kind else { unreachable!("validation lets an else only follow an if") };
        self.scratch.frames[index].kind = Kind::Block;
        let scratch = &mut *self.scratch;
        scratch.stack.truncate(frame.height);
        scratch.stack.extend_from_slice(&scratch.carried[carried..carried + frame.parameters]);
        match otherwise {
            _ if self.is_too_large => {}
            Otherwise::Never => {}
            Otherwise::Always => self.is_open = true,
            Otherwise::Edge(from, state) => {
                self.scratch.locals.go_to(state);
                self.open_alone(from);
            }
        }
    }

    fn end(&mut self) {
        self.charge();
        let index = self.scratch.frames.len() - 1;
        match self.scratch.frames[index].kind {
            Kind::Loop(open) if !self.is_too_large => {
                self.close_loop(open);
                self.close_frame();
            }
            Kind::Rest(number) if !self.is_too_large => self.close_rest(number),
            Kind::Turn if !self.is_too_large => return self.close_turn(),
            Kind::If { otherwise: Otherwise::Always, .. } if !self.is_too_large => {
                self.scratch.frames.pop();
                self.is_open = true;
            }
            Kind::If { otherwise: Otherwise::Edge(from, state), carried } => {
                self.add_pending(index, Arrival { from, exit: Exit::Taken, state, carried });
                self.close_frame();
            }
            _ => self.close_frame(),
        }
        if self.scratch.frames.is_empty() && self.is_open {
            let list = self.function.list(&self.scratch.stack);
            self.terminate(Terminator::Return(list));
        }
    }

    fn unreachable(&mut self, at: u32) {
        self.charge();
        self.terminate(Terminator::Trap { code: TrapCode::UnreachableCodeReached, at });
    }

    fn branch(&mut self, depth: u32) {
        self.count();
        self.charge();
        self.jump(self.frame(depth));
    }

    fn branch_if(&mut self, depth: u32) {
        self.count();
        self.charge();
        let condition = self.pop();
        let condition = self.truth(condition);
        let index = self.frame(depth);
        match self.function.constant(condition) {
            Some(bits) if self.options.fold => {
                if bits as i32 != 0 {
                    self.jump(index);
                }
            }
            _ => {
                let taken = self.edge_to(index, Exit::Taken);
                if self.is_open {
                    self.branch_on(condition, taken);
                }
            }
        }
    }

    fn branch_table(&mut self, depths: &[u32], default: u32) {
        self.count();
        self.charge();
        let index = self.pop();
        let constant = self.function.constant(index).filter(|_| self.options.fold);
        let only = if depths.iter().all(|&depth| depth == default) { Some(default) } else { None };
        let chosen = constant.map(|bits| depths.get(bits as u32 as usize).copied().unwrap_or(default)).or(only);
        if let Some(depth) = chosen {
            return self.jump(self.frame(depth));
        }
        self.switches += 1;
        let start = self.function.edges.len() as u32;
        self.function.edges.extend((0..=depths.len()).map(|_| Self::unknown()));
        for (number, &depth) in (start..).zip(depths.iter().chain([&default])) {
            let edge = self.edge_to(self.frame(depth), Exit::Switch(number));
            self.function.edges[number as usize] = edge;
        }
        let edges = start..self.function.edges.len() as u32;
        self.terminate(Terminator::Switch { index, edges });
    }

    fn return_(&mut self) {
        self.charge();
        self.jump(0);
    }

    fn call(&mut self, function: u32, at: u32) {
        self.count();
        self.call_node(NodeKind::Call(function), self.module.functions[function as usize], 0, at);
    }

    fn call_indirect(&mut self, table: u32, ty: u32, at: u32) {
        self.count();
        self.call_node(NodeKind::CallIndirect { table, ty }, ty, 1, at);
    }

    fn memory_size(&mut self, memory: u32, _: &Reader<'_>) {
        self.count();
        self.cell(Cell::MemorySize(memory), NodeKind::MemorySize(memory), ValType::I32, true);
    }

    fn memory_grow(&mut self, memory: u32, at: u32) {
        self.count();
        self.effect(NodeKind::MemoryGrow(memory), Some(ValType::I32), 1, at);
        self.forget_all();
    }

    fn bulk(&mut self, bulk: Bulk, at: u32) {
        self.count();
        if self.short_bulk(bulk, at) {
            return;
        }
        self.effect(NodeKind::Bulk(bulk), None, 3, at);
        self.scratch.facts.forget_memory();
    }

    fn data_drop(&mut self, segment: u32, at: u32) {
        self.count();
        self.effect(NodeKind::DataDrop(segment), None, 0, at);
    }

    fn elem_drop(&mut self, segment: u32, at: u32) {
        self.count();
        self.effect(NodeKind::ElemDrop(segment), None, 0, at);
    }

    fn table_get(&mut self, table: u32, at: u32, _: &Reader<'_>) {
        self.count();
        let ty = self.module.tables[table as usize].element;
        self.effect(NodeKind::TableGet(table), Some(ty), 1, at);
    }

    fn table_set(&mut self, table: u32, at: u32) {
        self.count();
        self.effect(NodeKind::TableSet(table), None, 2, at);
    }

    fn table_size(&mut self, table: u32, _: &Reader<'_>) {
        self.count();
        self.effect(NodeKind::TableSize(table), Some(ValType::I32), 0, 0);
    }

    fn table_grow(&mut self, table: u32, at: u32) {
        self.count();
        self.effect(NodeKind::TableGrow(table), Some(ValType::I32), 2, at);
    }
}
