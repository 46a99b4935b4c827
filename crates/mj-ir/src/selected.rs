//! A function after instruction selection and before register allocation: steps that use and define values.
//!
//! A value has the number of the SSA node it comes from. Blocks and edges are those of the [`Function`](crate::ssa::Function), whose edge arguments count as uses at the
//! end of their block. A step is one or more instructions that are emitted together; what they are, only the selector knows.

use core::ops::Range;

use cranelift_entity::SecondaryMap;

use crate::ssa::{Block, Function, Node};
use crate::{Constraints, Definition, PReg, Use};

/// A value used by a step.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// The value.
    pub value: Node,
    /// Where it must be.
    pub constraint: Use,
}

/// A result of a step.
#[derive(Clone, Copy, Debug)]
pub struct Defined {
    /// The value, even if nobody uses it.
    pub value: Node,
    /// Where it comes to be.
    pub constraint: Definition,
}

/// Something to emit.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Temporaries, clobbers, flags of the constraint row; uses and definitions are those below.
    pub constraints: &'static Constraints,
    uses: (u32, u8),
    definitions: (u32, u8),
    /// All registers that a callee need not preserve are lost.
    pub is_call: bool,
}

/// Where the caller puts a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// In a register.
    Register(PReg),
    /// In the slot of the frame with this number, which is not one of the allocator's.
    Slot(u32),
}

/// A function's steps; reusable.
#[derive(Default, Debug)]
pub struct Selected {
    /// All steps, in the order of the blocks.
    pub steps: Vec<Step>,
    /// Each block's steps.
    pub blocks: SecondaryMap<Block, Range<u32>>,
    /// The values that are there when the function begins.
    pub arrivals: Vec<(Node, Arrival)>,
    /// Operands of all steps.
    operands: Vec<Operand>,
    /// Results of all steps.
    definitions: Vec<Defined>,
}

impl Selected {
    /// Forgets everything, for the next function.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.blocks.clear();
        self.arrivals.clear();
        self.operands.clear();
        self.definitions.clear();
    }

    /// Appends a step, and returns its operands.
    #[inline]
    pub fn push(
        &mut self,
        constraints: &'static Constraints,
        is_call: bool,
        uses: impl IntoIterator<Item = Operand>,
        definitions: impl IntoIterator<Item = Defined>,
    ) -> &[Operand] {
        let (first_use, first_definition) = (self.operands.len(), self.definitions.len());
        self.operands.extend(uses);
        self.definitions.extend(definitions);
        let range = |start: usize, end: usize| (start as u32, u8::try_from(end - start).expect("a step has few operands"));
        self.steps.push(Step {
            constraints,
            is_call,
            uses: range(first_use, self.operands.len()),
            definitions: range(first_definition, self.definitions.len()),
        });
        &self.operands[first_use..]
    }

    /// Turns steps that were pushed last first around; ranges of blocks count from the end until then.
    pub fn reverse(&mut self) {
        self.steps.reverse();
        let count = self.steps.len() as u32;
        for range in self.blocks.values_mut() {
            *range = count - range.end..count - range.start;
        }
    }

    /// The operands of a step.
    #[must_use]
    #[inline]
    pub fn uses(&self, step: &Step) -> &[Operand] {
        let (start, len) = step.uses;
        &self.operands[start as usize..start as usize + usize::from(len)]
    }

    /// The results of a step.
    #[must_use]
    #[inline]
    pub fn definitions(&self, step: &Step) -> &[Defined] {
        let (start, len) = step.definitions;
        &self.definitions[start as usize..start as usize + usize::from(len)]
    }

    /// Checks that each value is there where a step or an edge uses it.
    ///
    /// # Errors
    /// Says which one is not.
    pub fn verify(&self, function: &Function) -> Result<(), String> {
        // Where each value comes to be: in which block, and before which of its steps.
        let mut homes: SecondaryMap<Node, Option<(Block, u32)>> = SecondaryMap::new();
        for &(value, _) in &self.arrivals {
            homes[value] = Some((Block::from_u32(0), 0));
        }
        for block in function.blocks.keys() {
            let steps = self.blocks[block].clone();
            for &parameter in function.parameters(block) {
                homes[parameter] = Some((block, steps.start));
            }
            for index in steps {
                for defined in self.definitions(&self.steps[index as usize]) {
                    homes[defined.value] = Some((block, index + 1));
                }
            }
        }
        let is_there = |value: Node, block: Block, step: u32| match homes[value] {
            Some((home, from)) if home == block => from <= step,
            Some((home, _)) => function.dominates(home, block),
            None => function.constant(value).is_some(),
        };
        for block in function.blocks.keys() {
            let steps = self.blocks[block].clone();
            for index in steps.clone() {
                let missing = self.uses(&self.steps[index as usize]).iter().find(|operand| !is_there(operand.value, block, index));
                if let Some(operand) = missing {
                    return Err(format!("step {index} of {block} uses {}, which is not there", operand.value));
                }
            }
            let carried = function.edges_of(block).flat_map(|edge| function.nodes_in(edge.arguments));
            if let Some(value) = carried.copied().find(|&value| !is_there(value, block, steps.end)) {
                return Err(format!("{block} hands on {value}, which is not there"));
            }
        }
        Ok(())
    }
}
