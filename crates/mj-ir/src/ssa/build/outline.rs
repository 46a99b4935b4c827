//! Types of the operand stack and the blocks that are open at a loop, without building anything in front of it.

use mj_decode::{BlockType, Bulk, MemArg, Module, Op, Reader, Shape, Translator, ValType, translate};

/// A block that is open.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) parameters: Vec<ValType>,
    pub(super) results: Vec<ValType>,
    /// Depth of the operand stack below its parameters.
    pub(super) height: usize,
    /// Offset of a loop's first operator.
    pub(super) loop_at: Option<u32>,
    /// An `if` whose `else` may come.
    pub(super) is_if: bool,
}

/// What is open at a loop, and on the stack.
pub(super) struct Outline<'a> {
    module: &'a Module,
    locals: &'a [ValType],
    wanted: u32,
    pub(super) stack: Vec<ValType>,
    /// The function first; the loop itself last, once it is found.
    pub(super) open: Vec<Open>,
    pub(super) is_found: bool,
    is_open: bool,
}

impl<'a> Outline<'a> {
    /// Looks for the loop whose first operator is at `wanted`.
    pub(super) fn find(module: &'a Module, operators: Reader<'_>, locals: &'a [ValType], results: &[ValType], wanted: u32) -> Self {
        let function = Open { parameters: Vec::new(), results: results.to_vec(), height: 0, loop_at: None, is_if: false };
        let mut outline = Self { module, locals, wanted, stack: Vec::new(), open: vec![function], is_found: false, is_open: true };
        translate(module, operators, &mut outline);
        outline
    }

    fn open(&mut self, ty: BlockType<'_>, loop_at: Option<u32>, is_if: bool) {
        let height = self.stack.len() - ty.params.len();
        self.open.push(Open { parameters: ty.params.to_vec(), results: ty.results.to_vec(), height, loop_at, is_if });
    }

    fn pop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    fn replace(&mut self, count: usize, ty: ValType) {
        self.pop(count);
        self.stack.push(ty);
    }

    fn call_type(&mut self, ty: u32, more: usize) {
        let ty = &self.module.types[ty as usize];
        self.pop(ty.params().len() + more);
        self.stack.extend_from_slice(ty.results());
    }
}

impl Translator for Outline<'_> {
    fn reachable(&self) -> bool {
        self.is_open && !self.is_found
    }

    fn op(&mut self, op: Op, _: u32, _: &Reader<'_>) {
        let row = op.row();
        self.replace(if let Shape::Binary | Shape::Compare = row.shape { 2 } else { 1 }, row.result);
    }

    fn load(&mut self, op: Op, _: MemArg, _: u32, _: &Reader<'_>) {
        self.replace(1, op.row().result);
    }

    fn store(&mut self, _: Op, _: MemArg, _: u32) {
        self.pop(2);
    }

    fn constant(&mut self, ty: ValType, _: i64) {
        self.stack.push(ty);
    }

    fn ref_func(&mut self, _: u32, _: &Reader<'_>) {
        self.stack.push(ValType::FuncRef);
    }

    fn local_get(&mut self, local: u32) {
        self.stack.push(self.locals[local as usize]);
    }

    fn local_set(&mut self, _: u32) {
        self.pop(1);
    }

    fn local_tee(&mut self, local: u32) {
        self.replace(1, self.locals[local as usize]);
    }

    fn global_get(&mut self, global: u32, _: &Reader<'_>) {
        self.stack.push(self.module.globals[global as usize].content);
    }

    fn global_set(&mut self, _: u32) {
        self.pop(1);
    }

    fn drop_value(&mut self) {
        self.pop(1);
    }

    fn select(&mut self, _: &Reader<'_>) {
        self.pop(2);
    }

    fn block(&mut self, ty: BlockType<'_>) {
        self.open(ty, None, false);
    }

    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        self.open(ty, Some(rest.offset()), false);
        self.is_found = rest.offset() == self.wanted;
    }

    fn if_(&mut self, ty: BlockType<'_>) {
        self.pop(1);
        self.open(ty, None, true);
    }

    fn else_(&mut self) {
        if let Some(open) = self.open.last_mut().filter(|_| !self.is_found) {
            open.is_if = false;
            self.stack.truncate(open.height);
            self.stack.extend_from_slice(&open.parameters);
            self.is_open = true;
        }
    }

    fn end(&mut self) {
        if !self.is_found
            && let Some(open) = self.open.pop()
        {
            self.stack.truncate(open.height);
            self.stack.extend_from_slice(&open.results);
            self.is_open = true;
        }
    }

    fn unreachable(&mut self, _: u32) {
        self.is_open = false;
    }

    fn branch(&mut self, _: u32) {
        self.is_open = false;
    }

    fn branch_if(&mut self, _: u32) {
        self.pop(1);
    }

    fn branch_table(&mut self, _: &[u32], _: u32) {
        self.is_open = false;
    }

    fn return_(&mut self) {
        self.is_open = false;
    }

    fn call(&mut self, function: u32, _: u32) {
        self.call_type(self.module.functions[function as usize], 0);
    }

    fn call_indirect(&mut self, _: u32, ty: u32, _: u32) {
        self.call_type(ty, 1);
    }

    fn memory_size(&mut self, _: u32, _: &Reader<'_>) {
        self.stack.push(ValType::I32);
    }

    fn memory_grow(&mut self, _: u32, _: u32) {}

    fn bulk(&mut self, _: Bulk, _: u32) {
        self.pop(3);
    }

    fn data_drop(&mut self, _: u32, _: u32) {}

    fn elem_drop(&mut self, _: u32, _: u32) {}

    fn table_get(&mut self, table: u32, _: u32, _: &Reader<'_>) {
        self.replace(1, self.module.tables[table as usize].element);
    }

    fn table_set(&mut self, _: u32, _: u32) {
        self.pop(2);
    }

    fn table_size(&mut self, _: u32, _: &Reader<'_>) {
        self.stack.push(ValType::I32);
    }

    fn table_grow(&mut self, _: u32, _: u32) {
        self.replace(2, ValType::I32);
    }
}
