//! What an instruction set must supply, and the vocabulary in which compilers talk to it.
//!
//! Selection has three parts. [`Isa::cover`] looks at an operator and its operands and decides what folds: it answers with a
//! *form*. [`Isa::constraints`] gives the form's row: what must be in which register. [`Isa::emit`] writes the form's
//! instructions, once every operand has a location. A compiler does these three in whatever order suits it: the baseline
//! one after another for each operator, a graph compiler backwards, then forwards, then forwards again.
//!
//! Invariants: `cover` and `constraints` are pure. `emit` reads all uses before it writes the definition, unless the row says
//! [`early_definition`](Constraints::early_definition). Moves, slot accesses and constants never change the flags. The two scratch
//! registers of an ISA (one integer, one float) are not allocatable and never live across anything here, but for
//! [`Isa::prepare_indirect`] and its kin, which keep the callee in the integer one until [`Isa::call_prepared`].

use core::fmt::Debug;

use mj_abi::{ArgLocation, CallLayout, ContextHeader, Helper, TrapCode};
use mj_asm::{CodeBuffer, Label};
use mj_decode::{Bulk, Following, Op, ValType};
use mj_ir::{Class, PReg, RegSet, RegisterFile};
pub use mj_ir::{Constraints, Definition, Use};

use crate::Cond;

/// Register class of a value type.
#[must_use]
#[inline]
pub fn class_of(ty: ValType) -> Class {
    match ty {
        ValType::F32 | ValType::F64 | ValType::V128 => Class::Float,
        _ => Class::Int,
    }
}

/// What the selector may know of an operator's operands.
pub trait Operands {
    /// The operand's value, if it is a constant (sign-extended; floats are their bits).
    fn constant(&self, operand: usize) -> Option<i64>;
    /// The operator that produces the operand, if folding it is allowed.
    fn producer(&self, operand: usize) -> Option<Producer>;
    /// The operator is an access to memory that is inside it for sure: it needs no comparison, wherever others do.
    fn is_bounded(&self) -> bool {
        false
    }
}

/// An operator that may fold into its only user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Producer {
    /// The operator.
    pub op: Op,
    /// Its second operand, if that is a constant.
    pub constant: Option<i64>,
}

/// How a form takes an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    /// In a register: one use.
    Register,
    /// As an immediate: no use.
    Immediate,
    /// The producer is folded: its non-constant operands become uses.
    Folded,
}

/// What [`Isa::cover`] decides.
#[derive(Clone, Copy, Debug)]
pub struct Cover<F> {
    /// The form.
    pub form: F,
    /// How each operand is taken, in the operator's order.
    pub takes: [Take; 2],
    /// The second operand's uses come first.
    pub swap: bool,
    /// If the form defines the flags: which condition then means 1.
    pub condition: Option<Cond>,
    /// The immediate operand, or the constant of a folded producer.
    pub immediate: i64,
}

/// Where everything is when a form is emitted.
#[derive(Clone, Copy, Debug)]
pub struct Locations {
    /// The definition.
    pub definition: PReg,
    /// The uses, in order.
    pub uses: [PReg; 4],
    /// The temporaries.
    pub temporaries: [PReg; 2],
    /// [`Cover::immediate`].
    pub immediate: i64,
    /// Constant offset of the memory access in the form, if there is one.
    pub offset: u64,
    /// Byte offset of the operator that may trap, for its site.
    pub at: u32,
}

/// Width of an access to a field or slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldWidth {
    /// 4 bytes, zero-extended.
    W32,
    /// 8 bytes.
    W64,
}

/// Width in which values of a type are kept in slots and fields.
#[must_use]
#[inline]
pub fn width_of(ty: ValType) -> FieldWidth {
    match ty {
        ValType::I32 | ValType::F32 => FieldWidth::W32,
        _ => FieldWidth::W64,
    }
}

/// Slots of a leaf function, in bytes, up to which its entry need not compare the stack pointer: the fixed part of a frame comes on top.
pub const UNCHECKED_SLOTS: u32 = mj_abi::UNCHECKED_FRAME - 256;

/// Facts about a finished function that its prologue and epilogue need.
#[derive(Clone, Copy, Debug)]
pub struct FrameFacts {
    /// Bytes of slots below the fixed part of the frame.
    pub slot_bytes: u32,
    /// Callee-saved registers that the function changes.
    pub saved: RegSet,
    /// The function calls, so that its frame must hold the context.
    pub keeps_context: bool,
    /// The entry compares the stack pointer with the store's limit: where to go if the frame does not fit, bound already.
    pub stack_overflow: Option<Label>,
    /// The entry touches the interrupt page.
    pub checks_interrupt: bool,
    /// The entry looks whether interruption is asked for: where to go then, bound already.
    pub interrupted: Option<Label>,
    /// The entry counts down on the interrupt page instead.
    pub countdown: Option<Countdown>,
}

/// What a function's entry does for tiering.
#[derive(Clone, Copy, Debug)]
pub struct Countdown {
    /// Work that a call stands for.
    pub weight: u32,
    /// Where to go when the countdown went negative; bound already.
    pub underflow: Label,
}

/// An instruction set, with the code it is writing.
pub trait Isa {
    /// A form: an operator, what it folds, and everything `emit` must know but the locations.
    type Form: Copy + Debug;

    /// The context register.
    const CONTEXT: PReg;
    /// The integer scratch register.
    const SCRATCH: PReg;
    /// The float scratch register.
    const FLOAT_SCRATCH: PReg;
    /// Offset of frame slot 0 from the frame pointer; slot `n` is 8 bytes times `n` below.
    const FIRST_SLOT: i32;
    /// Offset of the lowest incoming stack argument from the frame pointer.
    const INCOMING: i32;
    /// Bytes to reserve in front of a function's body for its prologue.
    const PROLOGUE_SPACE: usize;
    /// Alignment of functions, in bytes.
    const FUNCTION_ALIGNMENT: usize;
    /// What gaps are filled with: it stops whoever runs into it.
    const FILL: u8;

    /// The registers.
    fn registers(&self) -> &RegisterFile;
    /// The code being written.
    fn buffer(&mut self) -> &mut CodeBuffer;
    /// Whether the function that was just written is too large for the instruction set's jumps.
    fn take_too_large(&mut self) -> bool {
        false
    }
    /// The code that was written.
    fn written(&self) -> &CodeBuffer;

    /// Whether there is any operator that `op` may fold into.
    fn is_foldable(&self, op: Op) -> bool;
    /// Whether an integer operator on two operands takes this constant as the operand with this number from a register only, and is no worse for not
    /// seeing that it is a constant.
    fn needs_register(op: Op, operand: usize, constant: i64) -> bool {
        let _ = (op, operand, constant);
        false
    }
    /// Whether a producer folds into several users, each of which then does it anew: it costs them no instruction.
    fn is_free(&self, producer: Producer) -> bool {
        let _ = producer;
        false
    }
    /// Whether `cover` may fold `producer` (with a constant as second operand or not) into the operator that follows.
    fn may_fold(&self, producer: Op, constant: Option<i64>, following: Following) -> bool;
    /// Decides how an operator is done. Called for every [`Op`].
    fn cover(&self, op: Op, operands: &impl Operands) -> Cover<Self::Form>;
    /// The constraint row of a form.
    fn constraints(&self, form: Self::Form) -> &'static Constraints;
    /// Writes a form's instructions.
    fn emit(&mut self, form: Self::Form, locations: &Locations);
    /// The form of `condition ? first : second` with the condition in the flags, where one operand may be a constant, and which operand it takes as
    /// an immediate. It uses the others, in order.
    fn select_form(&self, ty: ValType, condition: Cond, constants: [Option<i64>; 2]) -> (Self::Form, Option<usize>);
    /// Sets the flags for "`register` (32 bits) is not zero" and gives the condition.
    fn test_nonzero(&mut self, register: PReg) -> Cond;

    /// `to := from`, all bits.
    fn copy(&mut self, to: PReg, from: PReg);
    /// Exchanges two registers of one class.
    fn exchange(&mut self, a: PReg, b: PReg);
    /// `to := low 32 bits of from`, zero-extended.
    fn zero_extend(&mut self, to: PReg, from: PReg);
    /// Sets the upper 32 bits to ones: for tests that nobody relies on them.
    fn poison_upper(&mut self, register: PReg);
    /// `to := constant`.
    fn constant(&mut self, to: PReg, ty: ValType, bits: i64);
    /// `to := 0`, all bits, for an integer register. May change the flags.
    fn zero(&mut self, to: PReg);
    /// Loads from the frame.
    fn load_frame(&mut self, to: PReg, offset: i32, width: FieldWidth);
    /// Stores to the frame.
    fn store_frame(&mut self, offset: i32, from: PReg, width: FieldWidth);
    /// Stores a constant to the frame.
    fn store_frame_constant(&mut self, offset: i32, ty: ValType, bits: i64);
    /// Copies 8 bytes of the frame.
    fn copy_frame(&mut self, to: i32, from: i32);
    /// Sets `count` slots to zero, the highest at `offset`, the others below.
    fn zero_frame(&mut self, offset: i32, count: u32);
    /// Loads `[base + offset]`, `base` an integer register or the context.
    fn load_field(&mut self, to: PReg, base: PReg, offset: i32, width: FieldWidth);
    /// `to := context + offset`.
    fn context_address(&mut self, to: PReg, offset: i32);
    /// Stores `[base + offset]`.
    fn store_field(&mut self, base: PReg, offset: i32, from: PReg, width: FieldWidth);

    /// Jumps.
    fn jump(&mut self, to: Label);
    /// Jumps if the flags hold `condition`.
    fn branch(&mut self, condition: Cond, to: Label);
    /// `to := condition ? 1 : 0`.
    fn set_condition(&mut self, to: PReg, condition: Cond);
    /// Jumps to `labels[min(index, labels.len() - 1)]`; `index` is zero-extended; `temporary` is lost.
    fn branch_table(&mut self, index: PReg, temporary: PReg, labels: &[Label]);
    /// Traps: by an instruction that faults or, without signals, by a call of [`Helper::Trap`].
    fn trap(&mut self, code: TrapCode, at: u32);
    /// Aligns a loop header.
    fn align_loop(&mut self);

    /// Loads the first word of the interrupt page, whose address is in `page`.
    fn check_interrupt(&mut self, page: PReg);
    /// The same, with the page's address from the context. Changes the integer scratch register.
    fn load_and_check_interrupt(&mut self) {
        self.load_field(Self::SCRATCH, Self::CONTEXT, ContextHeader::INTERRUPT_PAGE, FieldWidth::W64);
        self.check_interrupt(Self::SCRATCH);
    }
    /// Without signals: jumps to `asked` if the interrupt page, whose address is in `page`, says that interruption is asked for. Changes the flags.
    fn test_interrupt(&mut self, page: PReg, asked: Label);
    /// The same, with the page's address from the context. Changes the integer scratch register.
    fn load_and_test_interrupt(&mut self, asked: Label) {
        self.load_field(Self::SCRATCH, Self::CONTEXT, ContextHeader::INTERRUPT_PAGE, FieldWidth::W64);
        self.test_interrupt(Self::SCRATCH, asked);
    }
    /// Subtracts a weight from the countdown on the interrupt page and jumps to `underflow` if it went negative. Changes the flags. Returns
    /// where the weight is, for [`Isa::set_weight`].
    fn count_down(&mut self, underflow: Label) -> usize;
    /// Fills in the weight of a [`Isa::count_down`].
    fn set_weight(&mut self, at: usize, weight: u32);
    /// Behind an underflow: lets the countdown begin at `period` again and calls [`Helper::TierUp`] with `function` and `place`. Keeps all
    /// registers; the integer scratch register holds the answer.
    fn tier_up(&mut self, period: u32, function: u32, place: u32);
    /// Jumps to the address in the integer scratch register.
    fn jump_scratch(&mut self);
    /// Jumps if the integer scratch register is zero. Changes the flags.
    fn branch_if_no_scratch(&mut self, to: Label);
    /// Subtracts `amount` from the store's fuel and jumps to `exhausted` if it went negative. Changes the flags.
    fn charge_fuel(&mut self, amount: u32, exhausted: Label);

    /// `to := number of elements of table`; the length is 64 bits wide.
    fn table_length(&mut self, to: PReg, entry: i32);
    /// `to := address of an element of the table whose entry is at `entry` in the context`, or a jump to `out_of_bounds`; `index` is
    /// zero-extended. Changes the flags.
    fn table_element(&mut self, to: PReg, index: PReg, entry: i32, out_of_bounds: Label);
    /// `to := bytes of memory`, given the offset of its definition's pointer in the context.
    fn memory_length(&mut self, to: PReg, definition: i32);
    /// Shifts right, logically, 64 bits wide. May change the flags.
    fn shift_right(&mut self, register: PReg, amount: u8);

    /// Makes room for `bytes` of outgoing stack arguments (or gives it back, if negative).
    fn adjust_stack(&mut self, bytes: i32);
    /// Stores an outgoing stack argument, `offset` from the stack pointer.
    fn store_outgoing(&mut self, offset: i32, from: PReg, width: FieldWidth);
    /// Copies 8 bytes of the frame to an outgoing stack argument, through the float scratch register.
    fn copy_outgoing(&mut self, offset: i32, from: i32);
    /// Stores a constant as an outgoing stack argument.
    fn store_outgoing_constant(&mut self, offset: i32, ty: ValType, bits: i64);
    /// Keeps an integer register in the float scratch register.
    fn copy_to_float_scratch(&mut self, from: PReg);
    /// Takes it back.
    fn copy_from_float_scratch(&mut self, to: PReg);
    /// `to := stack pointer + offset`.
    fn outgoing_address(&mut self, to: PReg, offset: i32);
    /// Loads `[stack pointer + offset]`.
    fn load_outgoing(&mut self, to: PReg, offset: i32, width: FieldWidth);

    /// Passes the hidden pointer of a call whose results do not all fit registers; arguments are in their places.
    fn pass_result_pointer(&mut self, layout: &CallLayout) {
        let registers = *self.registers();
        match layout.result_pointer {
            None => {}
            Some(ArgLocation::Memory(offset)) => {
                // No position is left: the pointer goes through the first one, which is put back.
                let position = registers.int_positions[0];
                self.copy_to_float_scratch(position);
                self.outgoing_address(position, layout.argument_bytes as i32);
                self.store_outgoing(offset as i32, position, FieldWidth::W64);
                self.copy_from_float_scratch(position);
            }
            Some(location) => self.outgoing_address(registers.position(location), layout.argument_bytes as i32),
        }
    }
    /// Calls a function of this module through the jump table.
    fn call_direct(&mut self, function: u32, at: u32);
    /// Loads an imported function's slot, context and memory base: `offset` is that of its record in the context.
    fn prepare_import(&mut self, offset: i32);
    /// Checks the reference in `reference` against the type at `type_index` and loads its slot, context and memory base.
    /// Null jumps to `null` if that is given, else it faults; another type jumps to `bad_signature`.
    fn prepare_indirect(&mut self, reference: PReg, type_index: u32, null: Option<Label>, bad_signature: Label, at: u32);
    /// Calls what was prepared, then reloads context and memory base from the frame.
    fn call_prepared(&mut self, at: u32);
    /// Calls a helper; arguments are in the integer positions.
    fn call_helper(&mut self, helper: Helper, at: u32);

    /// A body begins whose prologue will be told these facts: slots may be reached from the stack pointer.
    fn frame_is_known(&mut self, facts: FrameFacts) {
        let _ = facts;
    }
    /// The call that was just written has popped so many bytes of arguments.
    fn arguments_are_popped(&mut self, bytes: u32) {
        let _ = bytes;
    }
    /// Writes what forms have left for behind the body, and forgets what was remembered of it: the next function may be at the same offsets.
    fn finish_body(&mut self);
    /// Writes the prologue so that it ends at `body`; returns the offset of the function's entry. May write code at the end.
    fn prologue(&mut self, body: usize, facts: FrameFacts) -> usize;
    /// Makes room for `slot_bytes` of slots in a frame whose fixed part another prologue has written, for which there was room; traps if there is
    /// none for the slots.
    fn take_over_frame(&mut self, slot_bytes: u32);
    /// Restores what the prologue saved and returns, popping `argument_bytes`.
    fn epilogue(&mut self, saved: RegSet, argument_bytes: u32);
}

/// The helper that does a bulk operator, and its first argument: what the operator's immediates say, packed.
#[must_use]
pub fn bulk_helper(bulk: Bulk) -> (Helper, i64) {
    let packed = |high: u32, low: u32| (i64::from(high) << 32) | i64::from(low);
    match bulk {
        Bulk::MemoryCopy(to, from) => (Helper::MemoryCopy, packed(to, from)),
        Bulk::MemoryFill(memory) => (Helper::MemoryFill, packed(0, memory)),
        Bulk::MemoryInit(memory, segment) => (Helper::MemoryInit, packed(memory, segment)),
        Bulk::TableCopy(to, from) => (Helper::TableCopy, packed(to, from)),
        Bulk::TableFill(table) => (Helper::TableFill, packed(0, table)),
        Bulk::TableInit(table, segment) => (Helper::TableInit, packed(table, segment)),
    }
}

/// Positions of the calling convention as registers.
pub trait Positions {
    /// The register of a location that is one.
    fn position(&self, location: ArgLocation) -> PReg;
}

impl Positions for RegisterFile {
    #[inline]
    fn position(&self, location: ArgLocation) -> PReg {
        match location {
            ArgLocation::Int(index) => self.int_positions[usize::from(index)],
            ArgLocation::Float(index) => self.float_positions[usize::from(index)],
            ArgLocation::Memory(_) => unreachable!("not in a register"),
        }
    }
}
