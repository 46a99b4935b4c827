//! Which value is in which register.
//!
//! Invariant: `content[r] == v` exactly if `values[v].register == r`. A value that is alive and in no register is in its slot, or is a
//! constant.

use cranelift_entity::EntityRef;
use cranelift_entity::packed_option::PackedOption;

use mj_decode::ValType;

use super::FOREIGN_SLOT;
use super::live::{Live, NEVER};
use super::meet::Candidate;
use super::share::Sharing;
use crate::ssa::{Block, Function, Node, NodeKind, Terminator};
use crate::{Arrival, Class, Defined, Definition, Operand, PReg, RegSet, RegisterFile, Selected, Use};

/// The number of no slot.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Since when a value's slot holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stored {
    No,
    /// In what this block dominates, from the position at hand on.
    At(Block),
    /// Wherever it is alive: it is stored where it is defined.
    Always,
    /// Wherever it is alive: whoever defines it puts it there.
    Given,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueState {
    pub register: PReg,
    /// For a parameter: where edges bring it; none if that is its slot.
    pub home: PReg,
    /// The register in which it will be wanted.
    pub hint: PReg,
    pub class: Class,
    pub is_constant: bool,
    pub stored: Stored,
    pub slot: u32,
    /// Index of the next use in the list of all, and the end of its uses.
    pub cursor: u32,
    pub last: u32,
    /// The parameter it becomes.
    pub becomes: PackedOption<Node>,
    /// The loop parameter it becomes, if that is never alive behind its definition: they have one slot.
    shares_slot: PackedOption<Node>,
    /// Of the edges that meet: how many bring it in a register, and in which one the first does.
    pub brought: u32,
    pub brought_in: PReg,
}

impl ValueState {
    pub fn stores_at_definition(&self) -> bool {
        self.stored == Stored::Always
    }
}

/// Everything; reusable.
#[derive(Debug, Default)]
pub(super) struct State {
    pub values: Vec<ValueState>,
    content: Contents,
    pub occupied: RegSet,
    pub allocatable: RegSet,
    /// Registers that the step at hand uses.
    pub pinned: RegSet,
    /// Number of slots so far.
    pub slots: u32,
    sharing: Sharing,
    has_classes: bool,
    /// For each slot, the last edge that writes it: how often [`Self::begin_writing`] had been called.
    writers: Vec<u32>,
    writer: u32,
    /// Some value is a reference.
    pub has_references: bool,
    /// Far values that have been stored elsewhere than in the block that defines them.
    pub wandering: Vec<u64>,
    /// Values that come into the block at hand in registers, from some predecessor.
    pub brought: Vec<Node>,
    /// What comes into the block at hand, where edges meet.
    pub candidates: Vec<Candidate>,
    /// What is in registers where blocks end.
    pub ends: Vec<(u32, u32)>,
    pub snapshots: Vec<(PReg, Node)>,
    /// What blocks where edges meet want in registers, parameters apart.
    pub entries: Vec<(u32, u32)>,
    pub entry_pool: Vec<(PReg, Node)>,
    /// Positions of calls that are not in cold blocks, with their blocks.
    pub calls: Vec<(u32, Block)>,
    /// Index of the first call at or behind the place that is decided about.
    pub next_call: usize,
}

#[derive(Debug)]
struct Contents([PackedOption<Node>; 64]);

impl Default for Contents {
    fn default() -> Self {
        Self([PackedOption::default(); 64])
    }
}

impl State {
    pub fn reset(&mut self, function: &Function, selected: &Selected, registers: &RegisterFile, live: &Live) {
        self.clear_registers();
        self.values.clear();
        self.has_references = false;
        self.values.extend(function.nodes.iter().map(|(node, row)| {
            let uses = live.use_range(node);
            self.has_references |= row.ty.is_some_and(ValType::is_reference);
            ValueState {
                register: PReg::NONE,
                home: PReg::NONE,
                hint: PReg::NONE,
                class: row.ty.map_or(Class::Int, Class::of),
                is_constant: function.constant(node).is_some(),
                stored: Stored::No,
                slot: NO_SLOT,
                cursor: uses.start,
                last: uses.end,
                becomes: PackedOption::default(),
                shares_slot: PackedOption::default(),
                brought: 0,
                brought_in: PReg::NONE,
            }
        }));
        self.allocatable = registers.allocatable;
        self.slots = 0;
        self.ends.clear();
        self.snapshots.clear();
        self.entries.clear();
        self.entries.resize(function.blocks.len(), (0, 0));
        self.entry_pool.clear();
        self.wandering.clear();
        self.wandering.resize(live.words(), 0);
        self.find_calls(function, selected, live);
        self.find_hints(function, selected, live);
        for &(value, arrival) in &selected.arrivals {
            if let Arrival::Slot(slot) = arrival {
                self.values[value.index()].slot = FOREIGN_SLOT + slot;
                self.values[value.index()].stored = Stored::Given;
            }
        }
        self.writers.clear();
        self.writer = 0;
        let values = &self.values;
        let pairs = function.nodes.keys().zip(values).filter_map(|(value, state)| {
            let parameter = state.shares_slot.expand().filter(|&parameter| parameter != value)?;
            (values[parameter.index()].shares_slot.is_some()).then_some((value, parameter))
        });
        let count = |class: Class| (registers.allocatable & RegSet::class(class)).len();
        let fewest = count(Class::Int).min(count(Class::Float));
        let is_foreign = |value: Node| values[value.index()].slot != NO_SLOT;
        self.has_classes = self.sharing.compute(function, selected, live, fewest, pairs, is_foreign);
    }

    /// From now on another edge writes slots.
    pub fn begin_writing(&mut self) {
        self.writer += 1;
        self.writers.resize(self.slots as usize, 0);
    }

    /// The edge at hand writes a slot.
    pub fn write(&mut self, slot: u32) {
        if let Some(writer) = self.writers.get_mut(slot as usize) {
            *writer = self.writer;
        }
    }

    /// Whether the edge at hand writes a slot.
    pub fn writes(&self, slot: u32) -> bool {
        self.writers.get(slot as usize).is_some_and(|&writer| writer == self.writer)
    }

    fn find_calls(&mut self, function: &Function, selected: &Selected, live: &Live) {
        self.calls.clear();
        self.next_call = 0;
        for (block, row) in function.blocks.iter().filter(|(_, row)| !row.is_cold) {
            let mut steps = selected.blocks[block].clone();
            if matches!(row.terminator, Terminator::Return(_)) {
                // The last step brings the results to their registers as a call's arguments; nothing survives it.
                steps.end -= 1;
            }
            for step in steps.clone().filter(|&step| selected.steps[step as usize].is_call) {
                self.calls.push((live.begins[block.index()] + step - steps.start, block));
            }
        }
    }

    /// Backward: fixed registers and parameters at which values end up.
    fn find_hints(&mut self, function: &Function, selected: &Selected, live: &Live) {
        for block in function.blocks.keys().rev() {
            for edge in function.edges_of(block) {
                for (&parameter, &argument) in function.parameters(edge.to).iter().zip(function.nodes_in(edge.arguments)) {
                    let hint = self.values[parameter.index()].hint;
                    let value = &mut self.values[argument.index()];
                    value.becomes = parameter.into();
                    value.hint = hint;
                    let row = &function.nodes[argument];
                    let is_own = edge.to <= block && row.block.expand().is_some_and(|home| function.blocks[home].header == edge.to.into());
                    if is_own && (row.kind != NodeKind::Parameter || row.block != edge.to.into()) {
                        value.shares_slot = parameter.into();
                    }
                }
            }
            let steps = selected.blocks[block].clone();
            for index in steps.clone().rev() {
                let step = &selected.steps[index as usize];
                let (uses, definitions) = (selected.uses(step), selected.definitions(step));
                let position = live.begins[block.index()] + index - steps.start;
                for defined in definitions {
                    self.share_slot(defined.value, |parameter| is_dead_behind(function, live, parameter, block, position));
                }
                let first = definitions.first();
                let predecessor = first.and_then(|defined| self.predecessor(defined, uses, live, position));
                if let (Some(Defined { value: defined, .. }), Some(operand)) = (first, predecessor) {
                    let (hint, becomes) = (self.values[defined.index()].hint, self.values[defined.index()].becomes);
                    let value = &mut self.values[operand.value.index()];
                    if value.becomes.is_none() {
                        value.hint = hint;
                        value.becomes = becomes;
                    }
                }
                for operand in uses {
                    if let Use::Fixed(register) = operand.constraint {
                        self.values[operand.value.index()].hint = register;
                    }
                }
            }
            for (number, &value) in function.parameters(block).iter().enumerate() {
                self.share_slot(value, |parameter| is_dead_in(function, live, parameter, block, number));
            }
        }
    }

    /// The operand in whose register a result might best be: where it must be, or one that dies there.
    fn predecessor<'u>(&self, defined: &Defined, uses: &'u [Operand], live: &Live, position: u32) -> Option<&'u Operand> {
        let class = self.values[defined.value.index()].class;
        let dies = |operand: &&Operand| {
            let value = &self.values[operand.value.index()];
            value.class == class && operand.constraint == Use::Any && live.uses_of(operand.value).last() == Some(&position)
        };
        match defined.constraint {
            Definition::Tied => uses.first(),
            _ => uses.iter().find(dies),
        }
    }

    /// Decides whether a value may share the slot of the loop parameter that it becomes, of which there is one slot for one such value.
    fn share_slot(&mut self, value: Node, is_dead: impl FnOnce(Node) -> bool) {
        if let Some(parameter) = self.values[value.index()].shares_slot.expand() {
            let is_free = self.values[parameter.index()].shares_slot.is_none() && is_dead(parameter);
            if is_free {
                self.values[parameter.index()].shares_slot = parameter.into();
            } else {
                self.values[value.index()].shares_slot = None.into();
            }
        }
    }

    #[inline]
    pub fn value(&self, node: Node) -> &ValueState {
        &self.values[node.index()]
    }

    #[inline]
    pub fn value_mut(&mut self, node: Node) -> &mut ValueState {
        &mut self.values[node.index()]
    }

    #[inline]
    pub fn value_in(&self, register: PReg) -> Option<Node> {
        self.content.0[register.index()].expand()
    }

    /// Notes that `value` is in `register`, and no longer in another one.
    pub fn set(&mut self, register: PReg, value: Node) {
        debug_assert!(!self.occupied.contains(register), "{register:?} is occupied");
        let old = core::mem::replace(&mut self.values[value.index()].register, register);
        if old.is_some() {
            self.content.0[old.index()] = PackedOption::default();
            self.occupied.remove(old);
        }
        self.content.0[register.index()] = value.into();
        self.occupied.insert(register);
    }

    /// Forgets what is in `register`.
    pub fn forget(&mut self, register: PReg) {
        if let Some(value) = self.content.0[register.index()].take() {
            self.values[value.index()].register = PReg::NONE;
            self.occupied.remove(register);
        }
    }

    /// No register holds anything.
    pub fn clear_registers(&mut self) {
        for register in self.occupied.iter() {
            if let Some(value) = self.content.0[register.index()].take()
                && let Some(value) = self.values.get_mut(value.index())
            {
                value.register = PReg::NONE;
            }
        }
        self.occupied = RegSet::EMPTY;
        self.pinned = RegSet::EMPTY;
    }

    /// Brings back what was in registers where `block` ended.
    pub fn restore(&mut self, block: Block) {
        self.clear_registers();
        let (start, end) = self.ends[block.index()];
        for &(register, value) in &self.snapshots[start as usize..end as usize] {
            self.values[value.index()].register = register;
            self.content.0[register.index()] = value.into();
            self.occupied.insert(register);
        }
    }

    /// The slot of a value.
    pub fn slot(&mut self, value: Node) -> u32 {
        let slot = self.value(value).slot;
        if slot != NO_SLOT {
            return slot;
        }
        let class = match self.value(value).shares_slot.expand() {
            _ if self.has_classes => self.sharing.class(value),
            Some(parameter) => parameter,
            None => value,
        };
        if self.value(class).slot == NO_SLOT {
            self.value_mut(class).slot = self.slots;
            self.slots += 1;
        }
        let slot = self.value(class).slot;
        self.value_mut(value).slot = slot;
        slot
    }

    /// The free registers of a class.
    #[inline]
    pub fn free(&self, class: Class) -> RegSet {
        self.allocatable & RegSet::class(class) & !(self.occupied | self.pinned)
    }

    /// Position of a value's next use in the order of the blocks.
    #[inline]
    pub fn next(&self, live: &Live, value: Node) -> u32 {
        let value = self.value(value);
        if value.cursor < value.last { live.position(value.cursor) } else { NEVER }
    }

    /// One use of a value has been done.
    #[inline]
    pub fn advance(&mut self, value: Node) {
        self.values[value.index()].cursor += 1;
    }

    /// Leaves calls in front of a position behind.
    #[inline]
    pub fn pass_calls(&mut self, position: u32) {
        while self.calls.get(self.next_call).is_some_and(|&(call, _)| call < position) {
            self.next_call += 1;
        }
    }
}

/// Whether a value is not used behind a step of a block any more.
fn is_dead_behind(function: &Function, live: &Live, value: Node, block: Block, position: u32) -> bool {
    let uses = live.uses_of(value);
    let next = uses.partition_point(|&used| used <= position);
    uses.get(next).is_none_or(|&used| used > live.end(block)) && function.edges_of(block).all(|edge| !live.is_live_in(edge.to, value))
}

/// Whether a value is not used in a block any more, and edges into it need it for the parameter with this number only.
fn is_dead_in(function: &Function, live: &Live, value: Node, block: Block, number: usize) -> bool {
    let uses = live.uses_of(value);
    !live.is_live_in(block, value)
        && live.incoming(block).iter().all(|edge| {
            let at = live.end(edge.from);
            let used = uses.partition_point(|&used| used <= at) - uses.partition_point(|&used| used < at);
            let arguments = function.edge(edge.from, edge.index as usize).arguments;
            used == usize::from(function.nodes_in(arguments)[number] == value)
        })
}
