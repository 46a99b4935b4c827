//! Which values are alive where blocks begin, and which nodes nobody needs.
//!
//! Most values die in the block that defines them. The others get dense numbers, and each block a set of those: the values it
//! needs from before. One pass goes backwards over the blocks and ignores edges that go back; what is then alive at a loop's header is alive in
//! the whole loop, outer loops first. With structured control flow that is exact, and nothing is iterated.
//!
//! Invariant: constants and a block's own parameters are in no set of the block.

use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityRef, SecondaryMap, entity_impl};

use crate::graph::{Block, Graph, Node, NodeKind};

/// Number of a value that is needed in another block than its own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Far(u32);
entity_impl!(Far, "far");

/// The result; reusable.
#[derive(Default, Debug)]
pub struct Liveness {
    /// Nodes that are needed by nobody and do nothing.
    dead: SecondaryMap<Node, bool>,
    numbers: SecondaryMap<Node, PackedOption<Far>>,
    values: Vec<Node>,
    /// One row of words a block.
    sets: Vec<u64>,
    words: usize,
}

impl Liveness {
    /// Computes liveness. Uses by dead nodes are taken off [`NodeRow::uses`](crate::NodeRow).
    pub fn compute(&mut self, graph: &mut Graph) {
        self.dead.clear();
        self.numbers.clear();
        self.values.clear();
        self.sweep(graph);
        self.number(graph);
        self.words = self.values.len().div_ceil(64);
        self.sets.clear();
        self.sets.resize(self.words * graph.blocks.len(), 0);
        if self.words > 0 {
            for block in graph.blocks.keys().rev() {
                self.block(graph, block);
            }
            self.extend_over_loops(graph);
        }
    }

    /// Whether a node needs no code.
    #[must_use]
    #[inline]
    pub fn is_dead(&self, node: Node) -> bool {
        self.dead[node]
    }

    /// The values that a block needs from before, its parameters apart.
    pub fn live_in(&self, block: Block) -> impl Iterator<Item = Node> + '_ {
        let row = &self.sets[block.index() * self.words..][..self.words];
        row.iter().enumerate().flat_map(move |(index, &word)| bits(word).map(move |bit| self.values[64 * index + bit]))
    }

    /// Whether a block needs `value` from before.
    #[must_use]
    #[inline]
    pub fn is_live_in(&self, block: Block, value: Node) -> bool {
        self.numbers[value].expand().is_some_and(|far| self.sets[self.place(block, far).0] & self.place(block, far).1 != 0)
    }

    fn place(&self, block: Block, far: Far) -> (usize, u64) {
        (block.index() * self.words + far.index() / 64, 1 << (far.index() % 64))
    }

    /// Finds dead nodes: users stand behind what they use, so backwards all of them have been seen.
    fn sweep(&mut self, graph: &mut Graph) {
        for index in (0..graph.order.len()).rev() {
            let node = graph.order[index];
            if graph.nodes[node].uses == 0 && graph.is_pure(node) {
                self.dead[node] = true;
                let arguments = graph.nodes[node].arguments;
                for &argument in arguments.as_slice(&graph.lists) {
                    graph.nodes[argument].uses -= 1;
                }
            }
        }
    }

    fn number(&mut self, graph: &Graph) {
        for block in graph.blocks.keys() {
            let mut note = |value: Node| {
                let row = &graph.nodes[value];
                if row.block != block.into() && !matches!(row.kind, NodeKind::Constant(_)) && self.numbers[value].is_none() {
                    self.numbers[value] = Far::new(self.values.len()).into();
                    self.values.push(value);
                }
            };
            for &node in graph.nodes_of(block).iter().filter(|&&node| !self.dead[node]) {
                graph.arguments(node).iter().for_each(|&argument| note(argument));
            }
            graph.terminator_uses(block, note);
        }
    }

    /// What a block needs: what its successors need and it uses, less what it defines.
    fn block(&mut self, graph: &Graph, block: Block) {
        let row = block.index() * self.words;
        for successor in graph.successors(block).filter(|&successor| successor > block) {
            let other = successor.index() * self.words;
            for word in 0..self.words {
                self.sets[row + word] |= self.sets[other + word];
            }
        }
        let uses = |liveness: &mut Self, value: Node| {
            if let Some(far) = liveness.numbers[value].expand() {
                let (word, bit) = liveness.place(block, far);
                liveness.sets[word] |= bit;
            }
        };
        graph.terminator_uses(block, |value| uses(self, value));
        for &node in graph.nodes_of(block) {
            if !self.dead[node] {
                graph.arguments(node).iter().for_each(|&argument| uses(self, argument));
            }
        }
        let parameters = graph.blocks[block].parameters.as_slice(&graph.lists);
        for &own in parameters.iter().chain(graph.nodes_of(block)) {
            if let Some(far) = self.numbers[own].expand() {
                let (word, bit) = self.place(block, far);
                self.sets[word] &= !bit;
            }
        }
    }

    fn extend_over_loops(&mut self, graph: &Graph) {
        for (header, row) in &graph.blocks {
            let Some(end) = row.loop_end.expand() else { continue };
            let from = header.index() * self.words;
            for block in header.index() + 1..end.index() {
                for word in 0..self.words {
                    self.sets[block * self.words + word] |= self.sets[from + word];
                }
            }
        }
    }
}

/// The positions of the ones in a word.
fn bits(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    core::iter::from_fn(move || {
        let bit = (rest != 0).then_some(rest.trailing_zeros() as usize)?;
        rest &= rest - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use mj_decode::{BodyHints, Features, Reader, validate};

    use super::*;
    use crate::graph::Terminator;

    /// The graph and the liveness of a module's first function.
    fn computed(function: &str) -> (Graph, Liveness) {
        let bytes = wat::parse_str(format!("(module (memory 1) {function})")).expect("a well-formed module");
        let module = validate(&bytes, &Features::default()).expect("a valid module");
        let range = module.bodies[0].clone();
        let body = Reader::new(&bytes[range.start as usize..range.end as usize], range.start);
        let mut graph = Graph::default();
        graph.build(&module, 0, body, &mut BodyHints::default()).expect("known operators");
        let mut liveness = Liveness::default();
        liveness.compute(&mut graph);
        (graph, liveness)
    }

    fn parameters(graph: &Graph, block: u32) -> usize {
        graph.blocks[Block::from_u32(block)].parameters.as_slice(&graph.lists).len()
    }

    #[test]
    fn what_a_loop_needs_in_its_next_round_is_alive_all_through_it() {
        // Block 1 is the header, block 2 follows the branch out of the loop, block 3 is behind it.
        let (graph, liveness) = computed(
            "(func (param i32 i32) (result i32) (local i32)
                (block (loop
                    (local.set 2 (i32.add (local.get 2) (local.get 0)))
                    (br_if 1 (local.get 2))
                    (br 0)))
                (local.get 1))",
        );
        let values = graph.blocks[Block::from_u32(0)].parameters.as_slice(&graph.lists);
        let live_in = |block: u32| liveness.live_in(Block::from_u32(block)).collect::<Vec<_>>();
        assert_eq!(graph.blocks[Block::from_u32(1)].loop_end.expand(), Some(Block::from_u32(3)));
        assert_eq!(parameters(&graph, 1), 1, "only the local that the loop writes");
        for block in 1..=2 {
            assert!(values.iter().all(|value| live_in(block).contains(value)), "in block {block}");
        }
        assert_eq!(live_in(3), values[1..2]);
        assert!(liveness.is_live_in(Block::from_u32(3), values[1]) && !liveness.is_live_in(Block::from_u32(3), values[0]));
    }

    #[test]
    fn edges_that_agree_need_no_parameter() {
        let (graph, _) = computed(
            "(func (param i32 i32) (result i32)
                (block (result i32)
                    (br_if 0 (local.get 0) (local.get 1))
                    (drop)
                    (local.set 1 (i32.const 3))
                    (local.get 0))
                (i32.add (local.get 1)))",
        );
        // The result is parameter 0 of the function on both edges, local 1 differs.
        assert_eq!(parameters(&graph, 2), 1);
    }

    #[test]
    fn what_nobody_uses_is_dead_unless_it_may_trap() {
        let (graph, liveness) = computed(
            "(func (param i32)
                (drop (i32.add (i32.shl (local.get 0) (local.get 0)) (local.get 0)))
                (drop (i32.load (local.get 0))))",
        );
        let dead: Vec<bool> = graph.order.iter().map(|&node| liveness.is_dead(node)).collect();
        assert_eq!(dead, [true, true, false]);
        assert_eq!(graph.nodes[graph.arguments(graph.order[2])[0]].uses, 1);
        assert!(matches!(graph.blocks[Block::from_u32(0)].terminator, Terminator::Return(_)));
    }
}
