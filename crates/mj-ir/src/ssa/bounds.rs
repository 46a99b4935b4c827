//! Accesses that are known to lie inside memory, where addresses are compared with its length.
//!
//! Memory never shrinks. So where one access was inside, a later one is that starts at the same value and ends no further behind it: the first
//! dominates it, and has not trapped. An access whose greatest end lies in what memory had from the beginning was never in danger.
//!
//! Sums: if `x + end` is at most the length, which is at most 2^32, then `x + c` with `c < end` does not wrap, so that what is known of `x` serves `x + c`.

use cranelift_entity::EntityRef;
use mj_decode::{Module, Op, Shape};

use super::{Block, Function, Node, NodeKind};

/// Facts about one value that are looked at; older ones are forgotten.
const LOOKED_AT: usize = 8;

/// Operators that the greatest value of an address is looked for through.
const DEPTH: u32 = 4;

const NO_FACT: u32 = u32::MAX;

/// "`base + end` is at most the length of memory", behind an access in this block.
#[derive(Clone, Copy, Debug)]
struct Fact {
    block: Block,
    end: u64,
    next: u32,
}

/// What is known of addresses; reusable.
#[derive(Default, Debug)]
pub struct Bounds {
    facts: Vec<Fact>,
    /// The latest fact about each value.
    latest: Vec<u32>,
}

impl Bounds {
    /// Says of each access of `function` that must be inside memory that it is.
    pub fn find(&mut self, function: &mut Function, module: &Module) {
        let Some(memory) = module.memories.first() else { return };
        let minimum = memory.minimum.saturating_mul(memory.page_size());
        self.facts.clear();
        self.latest.clear();
        self.latest.resize(function.nodes.len(), NO_FACT);
        for block in function.blocks.keys() {
            let mut next = function.blocks[block].first.expand();
            while let Some(node) = next {
                next = function.nodes[node].next.expand();
                if let Some((base, end)) = access(function, node) {
                    let bounded = greatest(function, base, DEPTH).saturating_add(end) <= minimum || self.knows(function, block, base, end);
                    function.nodes[node].bounded = bounded;
                    if !bounded {
                        let next = core::mem::replace(&mut self.latest[base.index()], self.facts.len() as u32);
                        self.facts.push(Fact { block, end, next });
                    }
                }
            }
        }
    }

    fn knows(&self, function: &Function, block: Block, base: Node, end: u64) -> bool {
        if self.covers(function, block, base, end) {
            return true;
        }
        match sum(function, base) {
            Some((root, more)) => self.covers(function, block, root, more + end),
            None => false,
        }
    }

    fn covers(&self, function: &Function, block: Block, base: Node, end: u64) -> bool {
        let mut at = self.latest[base.index()];
        for _ in 0..LOOKED_AT {
            let Some(fact) = self.facts.get(at as usize) else { return false };
            if fact.end >= end && function.dominates(fact.block, block) {
                return true;
            }
            at = fact.next;
        }
        false
    }
}

/// The base of an access, and where the access ends behind it.
fn access(function: &Function, node: Node) -> Option<(Node, u64)> {
    let row = &function.nodes[node];
    match row.kind {
        NodeKind::Operator(op) if matches!(op.row().shape, Shape::Load | Shape::Store) => {
            Some((function.arguments(node)[0], row.offset.saturating_add(u64::from(op.row().access))))
        }
        _ => None,
    }
}

/// The operands of a sum with a constant, if `node` is one.
fn sum(function: &Function, node: Node) -> Option<(Node, u64)> {
    let NodeKind::Operator(Op::I32Add) = function.nodes[node].kind else { return None };
    let &[root, more] = function.arguments(node) else { return None };
    Some((root, u64::from(function.constant(more)? as u32)))
}

/// No value of this i32 is greater.
fn greatest(function: &Function, node: Node, depth: u32) -> u64 {
    use Op::*;
    const ANY: u64 = u32::MAX as u64;
    let op = match function.nodes[node].kind {
        NodeKind::Constant(bits) => return u64::from(bits as u32),
        NodeKind::Operator(op) if depth > 0 => op,
        _ => return ANY,
    };
    let of = |argument: usize| greatest(function, function.arguments(node)[argument], depth - 1);
    let constant = || function.constant(function.arguments(node)[1]).map(|bits| bits as u32);
    match op {
        I32Load8U => 0xff,
        I32Load16U => 0xffff,
        I32And => of(0).min(of(1)),
        I32ShrU => constant().map_or(ANY, |amount| of(0) >> (amount & 31)),
        // What does not fit wraps.
        I32Add => Some(of(0) + of(1)).filter(|&sum| sum <= ANY).unwrap_or(ANY),
        I32Shl => constant().map(|amount| of(0) << (amount & 31)).filter(|&shifted| shifted <= ANY).unwrap_or(ANY),
        _ if matches!(op.row().shape, Shape::Compare | Shape::Test) => 1,
        _ => ANY,
    }
}

#[cfg(test)]
mod tests {
    use mj_decode::{Features, validate};

    use super::*;

    /// The accesses of a function that keep their comparison, by where their operators stand.
    fn compared(body: &str) -> Vec<u32> {
        let module = validate(&wat::parse_str("(module (memory 1))").unwrap(), &Features::supported()).unwrap();
        let mut function = Function::parse(body).unwrap();
        Bounds::default().find(&mut function, &module);
        let accesses = function.nodes.keys().filter(|&node| function.nodes[node].block.is_some() && access(&function, node).is_some());
        accesses.map(|node| &function.nodes[node]).filter(|row| !row.bounded).map(|row| row.at).collect()
    }

    #[test]
    fn an_access_behind_a_further_one_needs_no_comparison() {
        let body = "function 0\nblock0 v0:i32 v1:i32\n  v2:i32 = i32.load v0 +8 @1\n  v3:i32 = i32.load v0 +4 @2\n  i32.store v0 v1 +8 @3\n  \
                    v4:i64 = i64.load v0 +8 @4\n  v5:i32 = i32.load v1 @5\n  v6:i32 = i32.load8_u v0 +15 @6\n  v7:i32 = i32.load8_u v0 +16 @7\n  return";
        assert_eq!(compared(body), [1, 4, 5, 7]);
    }

    #[test]
    fn what_one_branch_knows_the_other_does_not() {
        let body = "function 0\nblock0 v0:i32\n  branch v0 block2 , block1\nblock1\n  v1:i32 = i32.load v0 @1\n  v2:i32 = i32.load v0 @2\n  \
                    jump block3\nblock2\n  v3:i32 = i32.load v0 @3\n  jump block3\nblock3\n  v4:i32 = i32.load v0 @4\n  return";
        assert_eq!(compared(body), [1, 3, 4]);
    }

    #[test]
    fn sums_that_may_wrap_are_compared() {
        // Behind the first, v0 + 11 is inside: v0 + 8 does not wrap, v0 + 12 and v0 - 4 may.
        let body = "function 0\nblock0 v0:i32\n  v1:i32 = i32.load8_u v0 +11 @1\n  v2:i32 = i32.add v0 i32:8\n  v3:i32 = i32.load v2 @2\n  \
                    v4:i32 = i32.load v2 +1 @3\n  v5:i32 = i32.add v0 i32:12\n  v6:i32 = i32.load8_u v5 @4\n  v7:i32 = i32.add v0 i32:-4\n  \
                    v8:i32 = i32.load v7 @5\n  return";
        assert_eq!(compared(body), [1, 3, 4, 5]);
    }

    #[test]
    fn what_was_there_from_the_beginning_is_never_out_of_bounds() {
        let page = "function 0\nblock0 v0:i32\n  v1:i32 = i32.and v0 i32:255\n  v2:i32 = i32.shl v1 i32:2\n  v3:i32 = i32.load v2 +64512 @1\n  \
                    v4:i32 = i32.load v2 +64513 @2\n  v5:i32 = i32.load i32:65532 @3\n  v6:i32 = i32.load i32:65533 @4\n  \
                    v7:i32 = i32.load i32:-1 @5\n  v8:i32 = i32.load i32:65530 +2 @6\n  return";
        assert_eq!(compared(page), [2, 4, 5]);
        let wide = "function 0\nblock0 v0:i32\n  v1:i32 = i32.shl v0 i32:2\n  v2:i32 = i32.load v1 @1\n  v3:i32 = i32.and v0 i32:-1\n  \
                    v4:i32 = i32.load8_u v3 @2\n  v5:i32 = i32.shr_u v0 i32:17\n  v6:i32 = i32.load8_u v5 +32768 @3\n  v7:i32 = i32.load16_u v5 +32768 @4\n  return";
        assert_eq!(compared(wide), [1, 2, 4]);
    }
}
