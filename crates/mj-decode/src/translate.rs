//! Validated bytes to lowered operators: one loop, which both compilers implement a [`Translator`] for.
//!
//! The loop resolves what does not depend on a machine: immediates, block types, dead code. Operators behind an
//! unconditional branch are never reported; the `else` or `end` that closes them is.

use crate::{Module, Op, Reader, ValType};

/// Immediate of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemArg {
    /// Constant added to the address.
    pub offset: u64,
    /// Index of the memory.
    pub memory: u32,
}

/// Parameter and result types of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockType<'a> {
    /// Values the block takes from the stack.
    pub params: &'a [ValType],
    /// Values it leaves.
    pub results: &'a [ValType],
}

/// A bulk operator: three operands of type i32, no result, trap out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bulk {
    /// `memory.copy` between the memories `.0` and `.1`.
    MemoryCopy(u32, u32),
    /// `memory.fill`.
    MemoryFill(u32),
    /// `memory.init` of memory `.0` from data segment `.1`.
    MemoryInit(u32, u32),
    /// `table.copy` between the tables `.0` and `.1`.
    TableCopy(u32, u32),
    /// `table.fill`: its second operand is a reference.
    TableFill(u32),
    /// `table.init` of table `.0` from element segment `.1`.
    TableInit(u32, u32),
}

/// What a compiler does with each lowered operator. `at` is the operator's byte offset in the module; `rest` is the stream
/// behind it, for one operator of lookahead.
///
/// Terminators (`unreachable`, `branch`, `branch_table`, `return_`) make [`reachable`](Translator::reachable) false until a reachable `else_` or `end`.
#[allow(missing_docs)]
pub trait Translator {
    fn reachable(&self) -> bool;
    /// An operator of control flow comes, whose immediates begin at this offset.
    #[inline]
    fn control(&mut self, _behind: u32) {}

    fn op(&mut self, op: Op, at: u32, rest: &Reader<'_>);
    fn load(&mut self, op: Op, memory: MemArg, at: u32, rest: &Reader<'_>);
    fn store(&mut self, op: Op, memory: MemArg, at: u32);
    fn constant(&mut self, ty: ValType, bits: i64);
    fn ref_func(&mut self, function: u32, rest: &Reader<'_>);
    fn local_get(&mut self, local: u32);
    fn local_set(&mut self, local: u32);
    fn local_tee(&mut self, local: u32);
    fn global_get(&mut self, global: u32, rest: &Reader<'_>);
    fn global_set(&mut self, global: u32);
    fn drop_value(&mut self);
    fn select(&mut self, rest: &Reader<'_>);

    fn block(&mut self, ty: BlockType<'_>);
    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>);
    fn if_(&mut self, ty: BlockType<'_>);
    fn else_(&mut self);
    fn end(&mut self);
    fn unreachable(&mut self, at: u32);
    fn branch(&mut self, depth: u32);
    fn branch_if(&mut self, depth: u32);
    fn branch_table(&mut self, depths: &[u32], default: u32);
    fn return_(&mut self);

    fn call(&mut self, function: u32, at: u32);
    fn call_indirect(&mut self, table: u32, ty: u32, at: u32);

    fn memory_size(&mut self, memory: u32, rest: &Reader<'_>);
    fn memory_grow(&mut self, memory: u32, at: u32);
    fn bulk(&mut self, bulk: Bulk, at: u32);
    fn data_drop(&mut self, segment: u32, at: u32);
    fn elem_drop(&mut self, segment: u32, at: u32);
    fn table_get(&mut self, table: u32, at: u32, rest: &Reader<'_>);
    fn table_set(&mut self, table: u32, at: u32);
    fn table_size(&mut self, table: u32, rest: &Reader<'_>);
    fn table_grow(&mut self, table: u32, at: u32);
}

/// Drives `translator` over the operators of a validated body, `reader` standing behind the local declarations.
///
/// Ends behind the function's last `end`, which is reported.
pub fn translate<T: Translator>(module: &Module, mut reader: Reader<'_>, translator: &mut T) {
    let mut depths = Vec::new();
    while !reader.at_end() {
        let at = reader.offset();
        let opcode = reader.byte();
        match opcode {
            0x20 => translator.local_get(reader.u32()),
            0x41 => translator.constant(ValType::I32, i64::from(reader.i32())),
            0x28..=0x35 => {
                let memory = memarg(&mut reader);
                translator.load(Op::from_memory_opcode(opcode), memory, at, &reader);
            }
            0x36..=0x3e => {
                let memory = memarg(&mut reader);
                translator.store(Op::from_memory_opcode(opcode), memory, at);
            }
            0x45..=0xc4 => translator.op(Op::from_numeric_opcode(opcode), at, &reader),
            0x21 => translator.local_set(reader.u32()),
            0x22 => translator.local_tee(reader.u32()),
            0x23 => {
                let global = reader.u32();
                translator.global_get(global, &reader);
            }
            0x24 => translator.global_set(reader.u32()),
            0x42 => translator.constant(ValType::I64, reader.i64()),
            0x43 => translator.constant(ValType::F32, i64::from(reader.fixed_u32())),
            0x44 => translator.constant(ValType::F64, reader.fixed_u64() as i64),
            0x1a => translator.drop_value(),
            0x1b => translator.select(&reader),
            0x1c => {
                for _ in 0..reader.u32() {
                    reader.skip_number();
                }
                translator.select(&reader);
            }
            0x01 => {}
            0xfc => prefixed(&mut reader, translator, at),
            0x25 => {
                let table = reader.u32();
                translator.table_get(table, at, &reader);
            }
            0x26 => translator.table_set(reader.u32(), at),
            0x3f => {
                let memory = reader.u32();
                translator.memory_size(memory, &reader);
            }
            0x40 => translator.memory_grow(reader.u32(), at),
            0xd0 => {
                let ty = if reader.i64() == -0x11 { ValType::ExternRef } else { ValType::FuncRef };
                translator.constant(ty, 0);
            }
            0xd1 => translator.op(Op::RefIsNull, at, &reader),
            0xd2 => {
                let function = reader.u32();
                translator.ref_func(function, &reader);
            }
            _ => {
                control(module, opcode, at, &mut reader, translator, &mut depths);
                if !translator.reachable() {
                    skip_dead(&mut reader, translator);
                }
            }
        }
    }
}

fn control<T: Translator>(module: &Module, opcode: u8, at: u32, reader: &mut Reader<'_>, translator: &mut T, depths: &mut Vec<u32>) {
    translator.control(reader.offset());
    match opcode {
        0x00 => translator.unreachable(at),
        0x02 => translator.block(block_type(module, reader)),
        0x03 => {
            let ty = block_type(module, reader);
            translator.loop_(ty, reader);
        }
        0x04 => translator.if_(block_type(module, reader)),
        0x05 => translator.else_(),
        0x0b => translator.end(),
        0x0c => translator.branch(reader.u32()),
        0x0d => translator.branch_if(reader.u32()),
        0x0e => {
            let count = reader.u32();
            depths.clear();
            depths.extend((0..count).map(|_| reader.u32()));
            translator.branch_table(depths, reader.u32());
        }
        0x0f => translator.return_(),
        0x10 => translator.call(reader.u32(), at),
        0x11 => {
            let ty = reader.u32();
            translator.call_indirect(reader.u32(), ty, at);
        }
        _ => unreachable!("validation lets no operator {opcode:#x} through"),
    }
}

/// Operators behind the prefix `0xfc`.
fn prefixed<T: Translator>(reader: &mut Reader<'_>, translator: &mut T, at: u32) {
    match reader.u32() {
        sub @ 0..=7 => translator.op(Op::from_saturating_opcode(sub), at, reader),
        8 => {
            let segment = reader.u32();
            translator.bulk(Bulk::MemoryInit(reader.u32(), segment), at);
        }
        9 => translator.data_drop(reader.u32(), at),
        10 => {
            let destination = reader.u32();
            translator.bulk(Bulk::MemoryCopy(destination, reader.u32()), at);
        }
        11 => translator.bulk(Bulk::MemoryFill(reader.u32()), at),
        12 => {
            let segment = reader.u32();
            translator.bulk(Bulk::TableInit(reader.u32(), segment), at);
        }
        13 => translator.elem_drop(reader.u32(), at),
        14 => {
            let destination = reader.u32();
            translator.bulk(Bulk::TableCopy(destination, reader.u32()), at);
        }
        15 => translator.table_grow(reader.u32(), at),
        16 => {
            let table = reader.u32();
            translator.table_size(table, reader);
        }
        17 => translator.bulk(Bulk::TableFill(reader.u32()), at),
        sub => unreachable!("validation lets no operator 0xfc {sub} through"),
    }
}

/// Skips operators that cannot be reached, up to the `else` or `end` that closes them, and reports that one;
/// again as long as nothing becomes reachable.
fn skip_dead<T: Translator>(reader: &mut Reader<'_>, translator: &mut T) {
    let mut nesting = 0u32;
    while !reader.at_end() {
        let opcode = reader.byte();
        if nesting == 0 && matches!(opcode, 0x05 | 0x0b) {
            translator.control(reader.offset());
        }
        match opcode {
            0x02..=0x04 => nesting += 1,
            0x05 if nesting == 0 => translator.else_(),
            0x0b if nesting == 0 => translator.end(),
            0x0b => nesting -= 1,
            _ => {}
        }
        skip_immediates(opcode, reader);
        if translator.reachable() {
            return;
        }
    }
}

/// Skips what follows an opcode.
pub(crate) fn skip_immediates(opcode: u8, reader: &mut Reader<'_>) {
    match opcode {
        0x02..=0x04 | 0x0c | 0x0d | 0x10 | 0x20..=0x26 | 0x3f..=0x42 | 0xd0 | 0xd2 => reader.skip_number(),
        0x0e => {
            for _ in 0..=reader.u32() {
                reader.skip_number();
            }
        }
        0x11 => {
            reader.skip_number();
            reader.skip_number();
        }
        0x1c => {
            for _ in 0..reader.u32() {
                reader.skip_number();
            }
        }
        0x28..=0x3e => {
            memarg(reader);
        }
        0x43 => {
            reader.fixed_u32();
        }
        0x44 => {
            reader.fixed_u64();
        }
        0xfc => match reader.u32() {
            0..=7 => {}
            9 | 11 | 13 | 15 | 16 | 17 => reader.skip_number(),
            _ => {
                reader.skip_number();
                reader.skip_number();
            }
        },
        _ => {}
    }
}

#[inline]
fn memarg(reader: &mut Reader<'_>) -> MemArg {
    let flags = reader.u32();
    // Bit 6 of the alignment says that a memory index follows (multi-memory).
    let memory = if flags & 0x40 != 0 { reader.u32() } else { 0 };
    MemArg { offset: reader.u64(), memory }
}

static SINGLE: [[ValType; 1]; 7] =
    [[ValType::I32], [ValType::I64], [ValType::F32], [ValType::F64], [ValType::V128], [ValType::FuncRef], [ValType::ExternRef]];

fn block_type<'m>(module: &'m Module, reader: &mut Reader<'_>) -> BlockType<'m> {
    let single = |index: usize| BlockType { params: &[], results: &SINGLE[index] };
    match reader.i64() {
        -0x40 => BlockType { params: &[], results: &[] },
        -0x01 => single(0),
        -0x02 => single(1),
        -0x03 => single(2),
        -0x04 => single(3),
        -0x05 => single(4),
        -0x10 => single(5),
        -0x11 => single(6),
        index => {
            let ty = &module.types[index as usize];
            BlockType { params: ty.params(), results: ty.results() }
        }
    }
}

/// Reads a body's local declarations: calls `declare` for each group. Returns the reader behind the declarations.
pub fn read_locals<'a>(mut reader: Reader<'a>, mut declare: impl FnMut(u32, ValType)) -> Reader<'a> {
    for _ in 0..reader.u32() {
        let count = reader.u32();
        let ty = match reader.byte() {
            0x7f => ValType::I32,
            0x7e => ValType::I64,
            0x7d => ValType::F32,
            0x7c => ValType::F64,
            0x7b => ValType::V128,
            0x70 => ValType::FuncRef,
            0x6f => ValType::ExternRef,
            byte => unreachable!("validation lets no type {byte:#x} through"),
        };
        declare(count, ty);
    }
    reader
}
