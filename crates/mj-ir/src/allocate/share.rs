//! Which values share a slot: where edges meet, what becomes a parameter shares the parameter's, as long as no two values of a slot are ever alive at once.
//!
//! Then edges need not copy what is in a slot already. Without it, a function with many variables and many ways to one place, as rewriters make them that
//! let programs stop and go on, consists of copies.
//!
//! Invariant: of the values of a class, none is alive where another one is defined. Classes are lists in the order in which the dominator tree is
//! walked, so that two of them are compared in one pass: a value needs to be compared with the nearest one that dominates it only, for whatever is
//! alive across both is alive at that one, too (Budimlić and others, *Fast Copy Coalescing and Live-Range Identification*, PLDI 2002).
//!
//! An edge may write a slot while another of its arguments is still in it; `edge` copies that away.

use cranelift_entity::EntityRef;
use cranelift_entity::packed_option::PackedOption;
use smallvec::SmallVec;

use super::live::Live;
use crate::Selected;
use crate::ssa::{Block, Function, Node, NodeKind};

/// Values looked at for each node of a function, on average, before what is left stays as it is: comparing classes is not linear.
const PATIENCE: usize = 32;
/// Edges into a block from which on it is looked at: where few meet, little is copied, and there are many such blocks.
const MANY: usize = 4;

/// The classes; reusable.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// By node: another node of its class, nearer to the one that stands for it; itself if it is that.
    parents: Vec<Node>,
    /// By node that stands for a class: the first of it.
    firsts: Vec<Node>,
    /// By node: the next of its class.
    nexts: Vec<PackedOption<Node>>,
    /// By node: twice the position where it is defined, one more if by a step.
    places: Vec<u32>,
    /// Values that may still be looked at.
    patience: usize,
}

impl Sharing {
    /// Makes classes of what `shared` says shares a slot for sure, pairs of values, and of what may. Where no more is alive than there are `registers`
    /// of a class, nothing is copied between slots. False if that is so everywhere; then there are no classes.
    pub fn compute(
        &mut self,
        function: &Function,
        selected: &Selected,
        live: &Live,
        registers: u32,
        shared: impl Iterator<Item = (Node, Node)>,
        is_foreign: impl Fn(Node) -> bool,
    ) -> bool {
        let is_full = |block: Block| live.count_live_in(block) + function.parameters(block).len() as u32 > registers;
        let is_crowded = |block: Block| !function.parameters(block).is_empty() && live.incoming(block).len() >= MANY && is_full(block);
        if !function.blocks.keys().any(is_crowded) {
            return false;
        }
        self.reset(function, selected, live);
        for (one, other) in shared {
            self.unite(function, live, one, other);
        }
        // What runs often first: of two values that cannot both share a slot, the first one does.
        for in_loops in [true, false] {
            for (block, _) in function.blocks.iter().filter(|(_, row)| row.header.is_some() == in_loops) {
                for edge in function.edges_of(block).filter(|edge| edge.to > block && is_crowded(edge.to)) {
                    for (&parameter, &argument) in function.parameters(edge.to).iter().zip(function.nodes_in(edge.arguments)) {
                        if !matches!(function.nodes[argument].kind, NodeKind::Constant(_)) && !is_foreign(argument) {
                            self.unite(function, live, parameter, argument);
                        }
                    }
                }
            }
        }
        true
    }

    fn reset(&mut self, function: &Function, selected: &Selected, live: &Live) {
        let count = function.nodes.len();
        self.parents.clear();
        self.parents.extend(function.nodes.keys());
        self.firsts.clear();
        self.firsts.extend(function.nodes.keys());
        self.nexts.clear();
        self.nexts.resize(count, PackedOption::default());
        self.places.clear();
        self.places.resize(count, 0);
        self.patience = PATIENCE * count;
        for block in function.blocks.keys() {
            let begin = live.begins[block.index()];
            function.parameters(block).iter().for_each(|parameter| self.places[parameter.index()] = 2 * begin);
            for (position, step) in (begin..).zip(selected.blocks[block].clone()) {
                let definitions = selected.definitions(&selected.steps[step as usize]);
                definitions.iter().for_each(|defined| self.places[defined.value.index()] = 2 * position + 1);
            }
        }
    }

    /// The value that stands for a value's class.
    pub fn class(&mut self, value: Node) -> Node {
        let mut at = value;
        loop {
            let parent = self.parents[at.index()];
            if parent == at {
                return at;
            }
            let next = self.parents[parent.index()];
            self.parents[at.index()] = next;
            at = next;
        }
    }

    /// Makes one class of those of two values, if that can be.
    fn unite(&mut self, function: &Function, live: &Live, one: Node, other: Node) {
        let (one, other) = (self.class(one), self.class(other));
        if one == other || self.meet(function, live, one, other) {
            return;
        }
        let mut lists = [Some(self.firsts[one.index()]), Some(self.firsts[other.index()])];
        let mut last: Option<Node> = None;
        while let Some((value, _)) = self.take_first(function, live, &mut lists) {
            match last {
                Some(last) => self.nexts[last.index()] = value.into(),
                None => self.firsts[one.index()] = value,
            }
            last = Some(value);
        }
        self.parents[other.index()] = one;
    }

    /// Whether a value of one class is alive where one of the other is defined, or it would take too long to tell.
    fn meet(&mut self, function: &Function, live: &Live, one: Node, other: Node) -> bool {
        let mut lists = [Some(self.firsts[one.index()]), Some(self.firsts[other.index()])];
        // Values that dominate the one at hand.
        let mut above: SmallVec<[(Node, bool); 16]> = SmallVec::new();
        while let Some((value, is_other)) = self.take_first(function, live, &mut lists) {
            if self.patience == 0 {
                return true;
            }
            self.patience -= 1;
            let home = home(function, value);
            while above.last().is_some_and(|&(top, _)| !live.dominates(self::home(function, top), home)) {
                above.pop();
            }
            if let Some(&(top, is_others)) = above.last()
                && is_others != is_other
                && self.is_alive_at(function, live, top, value)
            {
                return true;
            }
            above.push((value, is_other));
        }
        false
    }

    /// Takes the first value of two lists, and says whether it is of the second one.
    fn take_first(&self, function: &Function, live: &Live, lists: &mut [Option<Node>; 2]) -> Option<(Node, bool)> {
        let key = |value: Node| (live.preorder(home(function, value)), self.places[value.index()]);
        let is_other = match *lists {
            [Some(one), Some(other)] => key(other) < key(one),
            [one, _] => one.is_none(),
        };
        let list = &mut lists[usize::from(is_other)];
        let value = (*list)?;
        *list = self.nexts[value.index()].expand();
        Some((value, is_other))
    }

    /// Whether `value` is alive where `defined`, which it dominates, is defined.
    fn is_alive_at(&self, function: &Function, live: &Live, value: Node, defined: Node) -> bool {
        let (at, place) = (home(function, defined), self.places[defined.index()]);
        if self.places[value.index()] == place {
            return true;
        }
        if place & 1 == 0 {
            return live.is_live_in(at, value);
        }
        let uses = live.uses_of(value);
        let next = uses.partition_point(|&used| used <= place / 2);
        uses.get(next).is_some_and(|&used| used <= live.end(at)) || function.edges_of(at).any(|edge| live.is_live_in(edge.to, value))
    }
}

/// The block that defines a value.
fn home(function: &Function, value: Node) -> Block {
    function.nodes[value].block.expand().expect("constants have no slots")
}
