//! What nobody needs: parameters and nodes whose only users are such themselves.
//!
//! What writes, traps, calls, decides a branch or is returned is needed; so is what needed nodes use. A parameter is needed if its value is, and
//! then so are its arguments on all edges. Everything else is taken out; loops shed the locals that they only write.

use cranelift_entity::EntityRef;

use super::{Block, Edge, Effect, Function, List, Node, NodeKind, Terminator};

/// How often each value is used; reusable.
#[derive(Default, Debug)]
pub struct Uses {
    counts: Vec<u32>,
    /// Index of a parameter in its block.
    numbers: Vec<u32>,
    work: Vec<Node>,
    incoming: Vec<(Block, Edge)>,
    starts: Vec<u32>,
}

impl Uses {
    /// Number of operands of nodes, edges and terminators that a value is.
    #[must_use]
    #[inline]
    pub fn of(&self, node: Node) -> u32 {
        self.counts[node.index()]
    }

    fn need(&mut self, node: Node) {
        let count = &mut self.counts[node.index()];
        *count += 1;
        if *count == 1 {
            self.work.push(node);
        }
    }

    /// Counts uses by what is needed, and takes parameters that nobody needs out of `function`.
    pub fn prune(&mut self, function: &mut Function) {
        self.counts.clear();
        self.counts.resize(function.nodes.len(), 0);
        self.number_parameters(function);
        self.find_edges(function);
        for block in function.blocks.keys() {
            self.need_roots(function, block);
        }
        while let Some(node) = self.work.pop() {
            match function.nodes[node].kind {
                NodeKind::Parameter => self.need_arguments(function, node),
                kind if kind.effect() >= Effect::MayTrap => {}
                _ => function.arguments(node).iter().for_each(|&argument| self.need(argument)),
            }
        }
        self.compact(function);
    }

    /// Others keep what they had in another function; nobody asks.
    fn number_parameters(&mut self, function: &Function) {
        if self.numbers.len() < function.nodes.len() {
            self.numbers.resize(function.nodes.len(), 0);
        }
        for block in function.blocks.keys() {
            for (number, &parameter) in function.parameters(block).iter().enumerate() {
                self.numbers[parameter.index()] = number as u32;
            }
        }
    }

    /// Edges with arguments, by target, in the order of the blocks they leave.
    fn find_edges(&mut self, function: &Function) {
        self.starts.clear();
        self.starts.resize(function.blocks.len() + 2, 0);
        let mut count = 0;
        for block in function.blocks.keys() {
            function.edges_of(block).filter(|edge| !edge.arguments.is_empty()).for_each(|edge| {
                count += 1;
                self.starts[edge.to.index() + 2] += 1;
            });
        }
        let mut sum = 0;
        for start in &mut self.starts[2..] {
            sum += *start;
            *start = sum;
        }
        let nowhere = Edge { to: Block::new(0), arguments: List::default() };
        self.incoming.clear();
        self.incoming.resize(count, (Block::new(0), nowhere));
        for block in function.blocks.keys() {
            function.edges_of(block).filter(|edge| !edge.arguments.is_empty()).for_each(|edge| {
                let next = &mut self.starts[edge.to.index() + 1];
                self.incoming[*next as usize] = (edge.to, edge);
                *next += 1;
            });
        }
    }

    fn need_roots(&mut self, function: &Function, block: Block) {
        for node in function.nodes_of(block) {
            if function.effect(node) >= Effect::MayTrap {
                function.arguments(node).iter().for_each(|&argument| self.need(argument));
            }
        }
        match &function.blocks[block].terminator {
            Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } => self.need(*value),
            Terminator::Return(values) => function.nodes_in(*values).iter().for_each(|&value| self.need(value)),
            Terminator::Jump(_) | Terminator::Trap { .. } => {}
        }
        // The function's parameters come whether they are needed or not.
    }

    fn need_arguments(&mut self, function: &Function, parameter: Node) {
        let block = function.nodes[parameter].block.expand().expect("a parameter has a block");
        let number = self.numbers[parameter.index()] as usize;
        for index in self.starts[block.index()]..self.starts[block.index() + 1] {
            let (_, edge) = self.incoming[index as usize];
            self.need(function.nodes_in(edge.arguments)[number]);
        }
    }

    /// Shortens the lists of parameters and arguments.
    fn compact(&self, function: &mut Function) {
        let first = Block::new(0);
        for (index, &(to, edge)) in self.incoming.iter().enumerate() {
            // Edges of one switch to the same target may share their list; they are neighbours here.
            if index > 0 && self.incoming[index - 1].1.arguments == edge.arguments {
                continue;
            }
            let parameters = function.blocks[to].parameters;
            let (from, with) = (edge.arguments.start as usize, parameters.start as usize);
            let mut kept = 0;
            for index in 0..parameters.len() {
                if self.counts[function.lists[with + index].index()] > 0 {
                    function.lists[from + kept] = function.lists[from + index];
                    kept += 1;
                }
            }
        }
        for block in function.blocks.keys().filter(|&block| block != first) {
            let mut parameters = function.blocks[block].parameters;
            let start = parameters.start as usize;
            let mut kept = 0;
            for index in 0..parameters.len() {
                let parameter = function.lists[start + index];
                if self.counts[parameter.index()] > 0 {
                    function.lists[start + kept] = parameter;
                    kept += 1;
                }
            }
            parameters.len = kept as u32;
            function.blocks[block].parameters = parameters;
        }
        function.shorten_edges();
        for block in function.blocks.keys() {
            self.unlink(function, block);
        }
    }

    /// Takes nodes that nobody needs out of a block; results stay behind their calls.
    fn unlink(&self, function: &mut Function, block: Block) {
        let mut before = None;
        let mut next = function.blocks[block].first.expand();
        while let Some(node) = next {
            let row = &function.nodes[node];
            next = row.next.expand();
            let kind = row.kind;
            if self.of(node) > 0 || kind.effect() >= Effect::MayTrap || matches!(kind, NodeKind::Result(_)) {
                before = Some(node);
                continue;
            }
            function.nodes[node].next = None.into();
            match before {
                Some(before) => function.nodes[before].next = next.into(),
                None => function.blocks[block].first = next.into(),
            }
        }
        function.blocks[block].last = before.into();
    }
}
