//! What a run executed, by functions and loops.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// An instruction that was executed.
#[derive(Debug)]
struct Instruction {
    count: u64,
    text: String,
}

/// A function of the WebAssembly module.
#[derive(Debug)]
pub(super) struct Function {
    /// Its index.
    pub index: u32,
    start: u64,
    end: u64,
    /// By address; those alone that were executed.
    instructions: BTreeMap<u64, Instruction>,
}

/// A loop in a function's instructions.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Loop {
    /// Address of its first instruction, and of the last one that goes back to it.
    pub range: (u64, u64),
    /// How often its first instruction was executed.
    pub turns: u64,
    /// How many instructions were executed in it.
    pub instructions: u64,
    /// Mnemonics of these.
    pub mnemonics: BTreeSet<String>,
}

/// What a run of one module executed.
#[derive(Debug)]
pub(super) struct Profile {
    pub functions: Vec<Function>,
}

impl Profile {
    /// From the lines of a map for `perf` and those of the plugin.
    ///
    /// # Errors
    ///
    /// If a line is not as it must be.
    pub fn parse(map: &str, blocks: &str) -> Result<Self, String> {
        let mut functions = BTreeMap::new();
        for line in map.lines() {
            if let Some(function) = parse_function(line)? {
                functions.insert(function.start, function);
            }
        }
        let mut count = 0;
        for line in blocks.lines() {
            let Some((address, text)) = line.split_once(' ') else {
                count = line.parse().map_err(|_| format!("no count: `{line}`"))?;
                continue;
            };
            let address = u64::from_str_radix(address, 16).map_err(|_| format!("no address: `{line}`"))?;
            let Some((_, function)) = functions.range_mut(..=address).next_back() else { continue };
            if address < function.end {
                let new = || Instruction { count: 0, text: text.trim().to_owned() };
                function.instructions.entry(address).or_insert_with(new).count += count;
            }
        }
        Ok(Self { functions: functions.into_values().collect() })
    }

    /// The function with this index, if it was executed.
    pub fn function(&self, index: u32) -> Option<&Function> {
        self.functions.iter().find(|function| function.index == index && function.calls() > 0)
    }

    /// How many instructions were executed in all functions.
    pub fn total(&self) -> u64 {
        self.functions.iter().map(Function::instructions).sum()
    }

    /// The instructions of a function, a line each.
    pub fn text(&self, index: u32) -> String {
        let mut out = String::new();
        for (address, Instruction { count, text }) in self.function(index).iter().flat_map(|function| &function.instructions) {
            writeln!(out, "{count:>12} {address:x} {text}").expect("a string takes everything");
        }
        out
    }
}

/// A line `START SIZE NAME`, where the name says `function[INDEX]` or `function INDEX`; nothing for other code.
fn parse_function(line: &str) -> Result<Option<Function>, String> {
    let mut words = line.splitn(3, ' ');
    let mut number = || {
        let word = words.next().unwrap_or_default();
        u64::from_str_radix(word.trim_start_matches("0x"), 16).map_err(|_| format!("no line of a map: `{line}`"))
    };
    let (start, size) = (number()?, number()?);
    let name = words.next().unwrap_or_default();
    let Some((_, rest)) = name.split_once("function") else { return Ok(None) };
    let digits: String = rest.chars().skip(1).take_while(char::is_ascii_digit).collect();
    let instructions = BTreeMap::new();
    Ok(digits.parse().ok().map(|index| Function { index, start, end: start + size, instructions }))
}

impl Function {
    /// How many instructions were executed in it.
    pub fn instructions(&self) -> u64 {
        self.instructions.values().map(|instruction| instruction.count).sum()
    }

    /// How many instructions it executes in so many calls.
    pub fn instructions_in(&self, calls: u64) -> u64 {
        self.in_calls(self.instructions(), calls)
    }

    /// How often something happens in so many calls that happened `count` times in all.
    pub fn in_calls(&self, count: u64, calls: u64) -> u64 {
        (count as f64 * calls as f64 / self.calls().max(1) as f64).round() as u64
    }

    /// How often it was called.
    pub fn calls(&self) -> u64 {
        self.instructions.values().next().map_or(0, |first| first.count)
    }

    /// Loops without loops in them, by address.
    pub fn innermost_loops(&self) -> Vec<Loop> {
        let mut ends = BTreeMap::new();
        for (&address, instruction) in &self.instructions {
            if let Some(target) = branch_target(&instruction.text).filter(|&target| (self.start..=address).contains(&target)) {
                ends.entry(target).and_modify(|end: &mut u64| *end = address.max(*end)).or_insert(address);
            }
        }
        let has_inner = |start: u64, end: u64| ends.range(start + 1..=end).any(|(_, &inner)| inner <= end);
        let ranges = ends.iter().filter(|&(&start, &end)| !has_inner(start, end));
        ranges.map(|(&start, &end)| self.loop_of(start, end)).collect()
    }

    fn loop_of(&self, start: u64, end: u64) -> Loop {
        let inside = || self.instructions.range(start..=end).map(|(_, instruction)| instruction);
        Loop {
            range: (start, end),
            turns: inside().next().map_or(0, |first| first.count),
            instructions: inside().map(|instruction| instruction.count).sum(),
            mnemonics: inside().filter_map(|instruction| instruction.text.split_whitespace().next().map(str::to_owned)).collect(),
        }
    }
}

/// Where a branch goes that is no call: `b.ne #0x40`, `tbz w1, #3, #0x40`.
fn branch_target(text: &str) -> Option<u64> {
    let mnemonic = text.split_whitespace().next()?;
    let is_branch = matches!(mnemonic, "b" | "cbz" | "cbnz" | "tbz" | "tbnz") || mnemonic.starts_with("b.");
    let (_, target) = text.rsplit_once("#0x").filter(|_| is_branch)?;
    u64::from_str_radix(target, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "0x1000 20 wasm[0]::function[7]\n1020 10 wasm[function 8 (main)]\n1030 10 trampoline\n";

    #[test]
    fn functions_are_found_in_the_maps_of_both_engines() {
        let profile = Profile::parse(MAP, "").unwrap();
        let found: Vec<_> = profile.functions.iter().map(|function| (function.index, function.start, function.end)).collect();
        assert_eq!(found, [(7, 0x1000, 0x1020), (8, 0x1020, 0x1030)]);
    }

    #[test]
    fn blocks_add_up_where_they_overlap() {
        let profile = Profile::parse(MAP, "3\n1000 mov x0, x1\n1004 nop\n2\n1004 nop\n5\n1030 ret\n").unwrap();
        assert_eq!((profile.total(), profile.functions[0].calls()), (3 + 3 + 2, 3));
        assert!(Profile::parse(MAP, "x\n").is_err());
    }

    #[test]
    fn a_loop_is_innermost_if_no_other_begins_in_it() {
        let blocks = "1\n1000 nop\n4\n1004 nop\n40\n1008 nop\n100c cbnz w0, #0x1008\n4\n1010 b.ne #0x1004\n1014 bl #0x1000\n";
        let profile = Profile::parse(MAP, blocks).unwrap();
        let mnemonics = ["cbnz", "nop"].map(str::to_owned).into();
        let expected = Loop { range: (0x1008, 0x100c), turns: 40, instructions: 80, mnemonics };
        assert_eq!(profile.functions[0].innermost_loops(), [expected]);
    }
}
