//! What building does beside translating, as a table: what each part does, costs and buys.
//!
//! Building does them on the fly: a node is simplified, then looked up, then placed, and a load or global is looked up instead, before the next
//! operator is read. Their order follows: what is folded away need not be found, and what is found need not be moved.

use super::BuildOptions;

/// A part of building that can be left out.
#[derive(Clone, Copy, Debug)]
pub struct Simplification {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Share of building's instructions that leaving it out saves (callgrind, QuickJS: 0.9 MB of code, 167 million); what later stages save by it is
    /// not in it.
    pub costs: &'static str,
    /// What it is worth.
    pub buys: &'static str,
    /// Takes a search: not done for the least effort.
    pub searches: bool,
    flag: fn(&mut BuildOptions) -> &mut bool,
}

/// All of them.
pub static SIMPLIFICATIONS: [Simplification; 7] = [
    Simplification {
        name: "fold",
        does: "constants, algebra, division by constants as multiplication",
        costs: "6 %",
        buys: "up to 1 %: producers have done most of it; the conditions that it turns around save a test each",
        searches: false,
        flag: |options| &mut options.fold,
    },
    Simplification {
        name: "number",
        does: "does not repeat an operator on the same operands where the first one dominates",
        costs: "2.5 %",
        buys: "up to 1 %",
        searches: true,
        flag: |options| &mut options.number,
    },
    Simplification {
        name: "hoist",
        does: "puts what a loop does not change in front of it",
        costs: "1.7 %",
        buys: "2 % on PolyBench, 9 % on floyd-warshall, 48 % on heat-3d",
        searches: true,
        flag: |options| &mut options.hoist,
    },
    Simplification {
        name: "memory",
        does: "finds what a load gives among earlier loads and stores",
        costs: "3.6 %",
        buys: "a third of CPython's loads, none of QuickJS's; up to 1 % on PolyBench",
        searches: true,
        flag: |options| &mut options.memory,
    },
    Simplification {
        name: "globals",
        does: "finds values of globals and sizes of memories, and reads constant globals",
        costs: "0.1 %",
        buys: "not measured alone: the stack pointer is read once a function",
        searches: true,
        flag: |options| &mut options.globals,
    },
    Simplification {
        name: "unroll",
        does: "does several turns of short loops at a time",
        costs: "6 % of all compiling, for what it builds again",
        buys: "4 % in the mean of 16 programs, 10 % on jacobi-2d",
        searches: true,
        flag: |options| &mut options.unroll,
    },
    Simplification {
        name: "bulk",
        does: "short copies and fills of memory as loads and stores",
        costs: "nothing to speak of: there are few",
        buys: "20 times on a loop of copies of 16 and fills of 24 bytes",
        searches: false,
        flag: |options| &mut options.bulk,
    },
];

impl BuildOptions {
    /// Everything but what takes a search.
    #[must_use]
    pub fn least() -> Self {
        let searching = SIMPLIFICATIONS.iter().filter(|row| row.searches);
        searching.fold(Self::default(), |options, row| options.without(row))
    }

    /// Nothing but translation.
    #[must_use]
    pub fn none() -> Self {
        SIMPLIFICATIONS.iter().fold(Self::default(), |options, row| options.without(row))
    }

    /// These without one.
    #[must_use]
    pub fn without(mut self, simplification: &Simplification) -> Self {
        *(simplification.flag)(&mut self) = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_a_flag_of_its_own() {
        let all = BuildOptions::default();
        for (index, row) in SIMPLIFICATIONS.iter().enumerate() {
            let without = all.without(row);
            assert_ne!(without, all, "{}", row.name);
            assert!(SIMPLIFICATIONS[..index].iter().all(|other| all.without(other) != without), "{}", row.name);
        }
        let BuildOptions { fuel: _, interruption: _, fold, number, hoist, memory, globals, unroll, bulk } = BuildOptions::none();
        assert!(![fold, number, hoist, memory, globals, unroll, bulk].contains(&true), "every option is a row");
        assert!(BuildOptions::least().fold && !BuildOptions::least().number);
    }
}
