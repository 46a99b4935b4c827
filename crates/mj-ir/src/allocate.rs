//! Register allocation over a function in SSA form, in one forward pass.
//!
//! Every value has at most one register at a time and at most one slot, which is never stale, because values do not change. The value that loses
//! its register is the one whose next use is farthest, around loops too. It is stored where it loses it or, if that is in a loop in which it is
//! not defined, once where it is defined; then it is loaded again where it is used. A block with one edge into it begins
//! as its predecessor ends. Where several edges meet, the block says what it wants in registers, and each edge does what is needed. A loop's header
//! keeps what the loop uses. Constants are never stored.
//!
//! The method follows Braun and Hack, "Register Spilling and Live-Range Splitting for SSA-Form Programs" (CC 2009), with assignment in the same
//! pass.
//!
//! `live` knows what is used where, `share` which values have one slot, `state` what is in which register, `step` does one step, `meet` decides at joins and headers, `edge` does what edges
//! need, `colour` makes slots serve several values, `check` looks at the result.

mod check;
mod colour;
mod edge;
mod live;
mod meet;
mod share;
mod state;
mod step;

use core::ops::Range;

use cranelift_entity::EntityRef;

use self::live::Live;
use self::state::State;
use crate::ssa::{Block, Function, Node};
use crate::{Class, PReg, RegSet, RegisterFile, Selected};

/// From this slot number on, slots are the caller's of the allocator, which says where they are.
pub const FOREIGN_SLOT: u32 = 1 << 31;

/// The most memory that sets of live values may take, in bytes.
const MOST_SET_BYTES: usize = 64 << 20;

/// Where an operand, a result or a temporary is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// In a register.
    Register(PReg),
    /// In a slot, where the constraint allows it.
    Slot(u32),
    /// It is a constant, where the constraint allows it.
    Constant(Node),
    /// Nobody wants it.
    Nowhere,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// The step with this index; its locations are [`Allocation::locations_of`] it.
    Step(u32),
    /// `to := from`.
    Copy {
        /// Destination.
        to: PReg,
        /// Source.
        from: PReg,
    },
    /// Two registers change contents.
    Exchange(PReg, PReg),
    /// Loads a value from a slot.
    Load {
        /// Destination.
        to: PReg,
        /// The slot.
        slot: u32,
        /// Whose it is.
        value: Node,
    },
    /// `to := constant`.
    Constant {
        /// Destination.
        to: PReg,
        /// The constant.
        value: Node,
    },
    /// Stores a value to a slot.
    Store {
        /// The slot.
        slot: u32,
        /// Source.
        from: PReg,
    },
    /// Copies from slot to slot.
    CopySlot {
        /// Destination.
        to: u32,
        /// Source.
        from: u32,
        /// Whose the source is.
        value: Node,
    },
    /// Stores a constant to a slot.
    StoreConstant {
        /// The slot.
        slot: u32,
        /// The constant.
        value: Node,
    },
}

/// A function is too large for the allocator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

/// The result; reusable.
#[derive(Default, Debug)]
pub struct Allocation {
    actions: Vec<Action>,
    /// Actions of each block.
    blocks: Vec<Range<u32>>,
    /// Actions of each edge, by number.
    edges: Vec<Range<u32>>,
    locations: Vec<Location>,
    /// Where a step's locations begin.
    step_locations: Vec<u32>,
    /// All registers that are written.
    pub used: RegSet,
    /// Slots of the frame.
    pub slots: u32,
    /// Number of the first edge out of each block.
    first_edge: Vec<u32>,
    /// Values stored where they are defined, with their slots; `u32::MAX` for the others.
    stored: Vec<u32>,
    /// Parameters and their registers, by block: what is to be stored where a block begins.
    begin: Vec<Range<u32>>,
    homes: Vec<(Node, PReg)>,
}

impl Allocation {
    /// What a block does, but for edges.
    #[must_use]
    pub fn block(&self, block: Block) -> &[Action] {
        self.slice(&self.blocks[block.index()])
    }

    /// What the edge with this number (of [`Function::edges_of`]) out of `block` does.
    #[must_use]
    pub fn edge(&self, block: Block, index: usize) -> &[Action] {
        self.slice(&self.edges[self.first_edge[block.index()] as usize + index])
    }

    fn slice(&self, range: &Range<u32>) -> &[Action] {
        &self.actions[range.start as usize..range.end as usize]
    }

    /// Locations of a step: its uses, its definitions, its temporaries.
    #[must_use]
    pub fn locations_of(&self, step: u32) -> &[Location] {
        &self.locations[self.step_locations[step as usize] as usize..]
    }

    /// The slot in which to store a value where it is defined.
    #[must_use]
    #[inline]
    pub fn stored_at_definition(&self, value: Node) -> Option<u32> {
        let slot = self.stored[value.index()];
        (slot != u32::MAX).then_some(slot)
    }

    /// What comes into a block in registers by its parameters, or by the convention.
    #[must_use]
    pub fn homes(&self, block: Block) -> &[(Node, PReg)] {
        let Range { start, end } = self.begin[block.index()];
        &self.homes[start as usize..end as usize]
    }

    fn clear(&mut self) {
        self.actions.clear();
        self.blocks.clear();
        self.edges.clear();
        self.locations.clear();
        self.step_locations.clear();
        self.used = RegSet::EMPTY;
        self.slots = 0;
        self.first_edge.clear();
        self.stored.clear();
        self.begin.clear();
        self.homes.clear();
    }
}

/// The allocator's memory.
#[derive(Default, Debug)]
pub struct Allocator {
    live: Live,
    state: State,
}

/// The allocation of one function.
struct Pass<'a> {
    function: &'a Function,
    selected: &'a Selected,
    registers: &'a RegisterFile,
    live: &'a mut Live,
    state: &'a mut State,
    out: &'a mut Allocation,
    /// Between steps, everything is in its slot.
    spill_everything: bool,
    block: Block,
    /// Position of the step at hand.
    position: u32,
    /// Position of the end of the block.
    end: u32,
}

impl Allocator {
    /// Gives every value registers and slots. For tests, `spill_everything` lets no value stay in a register from one step to another: each is stored where
    /// it is defined, and loaded for each use.
    ///
    /// # Errors
    /// If the function has so many blocks and values that sets of them take too much memory. The allocation is of no use then.
    pub fn allocate(
        &mut self,
        function: &Function,
        selected: &Selected,
        registers: &RegisterFile,
        spill_everything: bool,
        out: &mut Allocation,
    ) -> Result<(), TooLarge> {
        out.clear();
        let class = |node: Node| function.nodes[node].ty.map_or(Class::Int, Class::of);
        if !self.live.compute(function, selected, class, MOST_SET_BYTES) {
            return Err(TooLarge);
        }
        self.state.reset(function, selected, registers, &self.live);
        out.edges.resize(self.live.first_edge[function.blocks.len()] as usize, 0..0);
        out.first_edge.extend_from_slice(&self.live.first_edge);
        let first = Block::new(0);
        let mut pass = Pass {
            function,
            selected,
            registers,
            live: &mut self.live,
            state: &mut self.state,
            out,
            spill_everything,
            block: first,
            position: 0,
            end: 0,
        };
        for block in function.blocks.keys() {
            pass.block(block);
        }
        pass.finish();
        if cfg!(debug_assertions) {
            check::check(function, selected, &self.live, &self.state, registers, out);
        }
        Ok(())
    }
}

impl Pass<'_> {
    fn block(&mut self, block: Block) {
        self.block = block;
        self.position = self.live.begins[block.index()];
        self.end = self.live.end(block);
        self.state.pass_calls(self.position);
        let homes = self.out.homes.len() as u32;
        if block.index() == 0 {
            self.arrive();
        } else {
            self.begin_block();
        }
        self.out.begin.push(homes..self.out.homes.len() as u32);
        self.live.enter(self.function, block);
        let start = self.out.actions.len() as u32;
        for index in self.selected.blocks[block].clone() {
            self.step(index);
            self.position += 1;
        }
        self.out.blocks.push(start..self.out.actions.len() as u32);
        self.end_block();
    }

    /// Says in the result which values are stored where they are defined.
    fn finish(&mut self) {
        self.colour();
        let state = &*self.state;
        self.out.stored.extend(state.values.iter().map(|value| if value.stores_at_definition() { value.slot } else { u32::MAX }));
    }

    fn act(&mut self, action: Action) {
        self.out.actions.push(action);
    }
}
