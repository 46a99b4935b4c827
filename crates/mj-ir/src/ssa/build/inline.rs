//! Small callees in the places of their calls.
//!
//! The callee's locals lie behind the caller's. They are nobody's outside of it, so that no join compares them; its own frame is a block, which its
//! `return`s go to the end of. Only bodies without calls and loops are taken, so that this goes no deeper.

use mj_decode::{BodyHints, Reader, ValType, read_locals, translate};

use super::{Builder, CALLEE, Context, Kind};
use crate::ssa::Inlined;

impl<'a> Builder<'a> {
    /// Builds the callee of a call, whose arguments are on the stack, if it is small and simple.
    pub(super) fn inline(&mut self, function: u32, at: u32) -> bool {
        let Some(body) = self.small_body(function) else { return false };
        let mut declared: Vec<(u32, ValType)> = Vec::new();
        let operators = read_locals(body, |count, ty| declared.push((count, ty)));
        let Ok(number) = u16::try_from(self.function.inlined.len() + 1) else { return false };
        let ty = self.module.function_type(function);
        let total = ty.params().len() + declared.iter().map(|&(count, _)| count as usize).sum::<usize>();
        if total > CALLEE || !BodyHints::is_straight(operators.clone()) {
            return false;
        }
        self.charge();
        self.callees -= operators.remaining();
        self.function.inlined.push(Inlined { parent: self.context.inlined, function, call_at: at });
        let first_local = self.own_locals;
        let missing = (first_local as usize + total).saturating_sub(self.scratch.locals.len());
        self.scratch.locals.declare(missing, Self::nobody());
        let parameters = first_local..first_local + ty.params().len() as u32;
        for local in parameters.clone().rev() {
            let argument = self.pop();
            self.scratch.locals.set(local, argument);
        }
        let mut next = parameters.end;
        for (count, ty) in declared {
            let zero = self.constant_node(ty, 0);
            for local in next..next + count {
                self.scratch.locals.set(local, zero);
            }
            next += count;
        }
        let frame = self.scratch.frames.len();
        self.open_frame(Kind::Block, 0, ty.results().len());
        let outer = core::mem::replace(&mut self.context, Context { inlined: number, first_local, frame });
        translate(self.module, operators, self);
        self.context = outer;
        for local in first_local..next {
            self.scratch.locals.set(local, Self::nobody());
        }
        true
    }

    /// The body of a function that is small enough to be built in the place of a call.
    fn small_body(&self, function: u32) -> Option<Reader<'a>> {
        let bytes = self.bytes?;
        let range = self.module.bodies[self.module.defined_function(function)? as usize].clone();
        let is_small = range.len() <= CALLEE.min(self.callees);
        is_small.then(|| Reader::new(&bytes[range.start as usize..range.end as usize], range.start))
    }
}
