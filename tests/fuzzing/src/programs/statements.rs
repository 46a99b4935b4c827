//! Statements: they leave nothing on the stack.

use std::fmt::Write;

use mj_decode::{Shape, ValType};

use super::expressions::{offset, seen};
use super::{Function, POINTERS, TYPES};

/// Statements in each other.
const DEEPEST: usize = 5;

impl Function<'_> {
    /// So many statements, in so many others.
    pub(super) fn statements(&mut self, count: usize, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..count {
            if self.affords(1) {
                text += &self.statement(depth);
                text.push('\n');
            }
        }
        text
    }

    /// A few statements inside of another one.
    pub(super) fn inner(&mut self, depth: usize) -> String {
        let count = 1 + self.choices.below(4);
        self.statements(count, depth + 1)
    }

    fn statement(&mut self, depth: usize) -> String {
        let deepest = depth >= DEEPEST;
        match self.choices.below(32) {
            0..=2 if !deepest => self.if_statement(depth),
            3..=8 if !deepest => self.loop_statement(depth),
            9 | 10 if !deepest => self.block(depth),
            11 if !deepest => self.switch(depth),
            12 if !deepest => self.block_with_values(depth),
            13..=17 => self.store(),
            18 | 19 => self.call_statement(),
            20 => self.bulk(),
            21 => self.set_global(),
            22 => self.exchange(),
            23 => self.leave(),
            24 => self.rare(),
            25 => {
                let pointer = self.choices.below(POINTERS);
                self.set_pointer(pointer)
            }
            26 => self.meeting(),
            27 => self.update(),
            _ => self.set_local(),
        }
    }

    /// Loads and stores at two places that may meet, and what else may write there.
    pub(super) fn meeting(&mut self) -> String {
        let pointer = self.choices.below(POINTERS);
        let places = [(); 2].map(|()| self.place(pointer));
        let mut accesses: Vec<String> = Vec::new();
        for _ in 0..2 + self.choices.below(4) {
            let place = &places[self.choices.below(2)];
            accesses.push(match self.choices.below(12) {
                0..=2 => {
                    let row = self.one_of(|op| op.row().shape == Shape::Store).row();
                    format!("({} {place} {})\n", row.name, seen(self.expression(row.b, 1), row.b))
                }
                3 => self.call_statement() + "\n",
                4 => self.bulk() + "\n",
                // Again; but a call would cost twice.
                5 | 6 if accesses.first().is_some_and(|first| !first.contains("(call")) => accesses[0].clone(),
                _ => {
                    let local = self.choices.below(self.locals.len());
                    format!("(local.set $l{local} {})\n", self.load_from(self.locals[local], place))
                }
            });
        }
        accesses.concat()
    }

    /// Reads a place and writes there what it makes of that.
    pub(super) fn update(&mut self) -> String {
        let pointer = self.choices.below(POINTERS);
        let place = self.place(pointer);
        let store = self.one_of(|op| op.row().shape == Shape::Store).row();
        let load = self.one_of(|op| op.row().shape == Shape::Load && op.row().result == store.b && op.row().access == store.access).row();
        let (ty, operator) = (store.b, self.choices.pick(&["add", "add", "sub", "mul"]));
        let value = format!("({ty}.{operator} ({} {place}) {})", load.name, self.expression(ty, 1));
        format!("({} {place} {})", store.name, seen(value, ty))
    }

    fn set_local(&mut self) -> String {
        let local = self.choices.below(self.locals.len());
        let depth = 1 + self.choices.below(3);
        format!("(local.set $l{local} {})", self.expression(self.locals[local], depth))
    }

    fn set_global(&mut self) -> String {
        let ty = self.choices.pick(&TYPES);
        format!("(global.set $g{ty} {})", seen(self.expression(ty, 2), ty))
    }

    fn store(&mut self) -> String {
        let row = self.one_of(|op| op.row().shape == Shape::Store).row();
        let (depth, offset) = (self.choices.below(3), offset(self.choices));
        let address = self.address(depth);
        format!("({} {offset}{address} {})", row.name, seen(self.expression(row.b, 2), row.b))
    }

    fn if_statement(&mut self, depth: usize) -> String {
        let condition = self.condition();
        let then = self.inner(depth);
        if self.choices.chance(2) {
            return format!("(if {condition} (then\n{then}))");
        }
        format!("(if {condition} (then\n{then})\n(else\n{}))", self.inner(depth))
    }

    /// A block that can be left early.
    fn block(&mut self, depth: usize) -> String {
        let label = self.label();
        self.labels.push(label);
        let (before, condition, after) = (self.inner(depth), self.condition(), self.inner(depth));
        self.labels.pop();
        format!("(block $b{label}\n{before}(br_if $b{label} {condition})\n{after})")
    }

    /// Leaves a statement around this one, or the function.
    fn leave(&mut self) -> String {
        if !self.labels.is_empty() && !self.choices.chance(5) {
            let label = self.choices.pick(&self.labels);
            return format!("(br_if $b{label} {})", self.condition());
        }
        let condition = self.condition();
        format!("(if (i32.eqz (i32.and {condition} (i32.const 7))) (then (return {})))", self.returned())
    }

    /// Some cases, of which some go on in the next.
    fn switch(&mut self, depth: usize) -> String {
        let labels: Vec<usize> = (0..2 + self.choices.below(5)).map(|_| self.label()).collect();
        let (out, cases) = labels.split_last().expect("two or more");
        let mut targets = String::new();
        for _ in 0..1 + self.choices.below(7) {
            let _ = write!(targets, " $b{}", self.choices.pick(&labels));
        }
        let index = self.expression(ValType::I32, 2);
        let index = if self.choices.chance(2) { format!("(i32.and {index} (i32.const 7))") } else { index };
        let mut text = format!("(br_table{targets} {index})\n");
        self.labels.push(*out);
        for case in cases {
            text = format!("(block $b{case}\n{text})\n{}", self.inner(depth));
            if self.choices.chance(2) {
                let _ = writeln!(text, "(br $b{out})");
            }
        }
        self.labels.pop();
        format!("(block $b{out}\n{text})")
    }

    /// A block that takes and gives values, which stay on the stack while other things happen.
    fn block_with_values(&mut self, depth: usize) -> String {
        let ty = self.choices.pick(&TYPES);
        let (Some(one), Some(other)) = (self.local(ty), self.local(ty)) else { return self.set_local() };
        let label = self.label();
        let values = format!("{}\n{}\n", self.expression(ty, 2), self.expression(ty, 1));
        // No way out but its own, for what lies on the stack stays there.
        let labels = std::mem::take(&mut self.labels);
        let (first, condition, second) = (self.inner(depth), self.condition(), self.inner(depth));
        self.labels = labels;
        let swapped = if self.choices.chance(2) {
            format!("(local.set {one}) (local.set {other}) (local.get {one}) (local.get {other})\n")
        } else {
            String::new()
        };
        format!(
            "{values}(block $b{label} (param {ty} {ty}) (result {ty} {ty})\n{first}(br_if $b{label} {condition})\n{second}{swapped})\n(local.set {one}) (local.set {other})"
        )
    }

    /// Locals of one type exchange their values.
    fn exchange(&mut self) -> String {
        let ty = self.choices.pick(&TYPES);
        let mut locals: Vec<String> =
            (0..self.locals.len()).filter(|&local| self.locals[local] == ty).map(|local| format!("$l{local}")).collect();
        locals.truncate(2 + self.choices.below(6));
        let read = locals.iter().map(|local| format!("(local.get {local}) ")).collect::<String>();
        if !locals.is_empty() {
            let by = self.choices.below(locals.len());
            locals.rotate_left(by);
        }
        read + &locals.iter().map(|local| format!("(local.set {local}) ")).collect::<String>()
    }

    fn call_statement(&mut self) -> String {
        if self.has_host && (self.callees.is_empty() || self.choices.chance(4)) {
            return self.host_call();
        }
        if self.callees.is_empty() {
            return self.set_local();
        }
        let callee = self.choices.below(self.callees.len());
        let Some(call) = self.call(callee, 1) else { return self.set_local() };
        let results = self.callees[callee].signature.results.clone();
        call + &self.taken(&results)
    }

    /// Puts results into locals, the last one first.
    fn taken(&mut self, results: &[ValType]) -> String {
        let mut text = String::new();
        for &ty in results.iter().rev() {
            text += &self.local(ty).map_or_else(|| " (drop)".to_owned(), |local| format!(" (local.set {local})"));
        }
        text
    }

    fn host_call(&mut self) -> String {
        let (call, results): (String, &[ValType]) = match self.choices.below(6) {
            0..=2 => {
                let arguments = TYPES.map(|ty| seen(self.expression(ty, 1), ty)).join(" ");
                (format!("(call $mix {arguments})"), &[ValType::I64])
            }
            3 | 4 => (format!("(call $pair {})", self.expression(ValType::I32, 1)), &[ValType::F64, ValType::I32]),
            // Fails for 3, 7 and so on.
            _ => (format!("(call $fail (i64.and {} (i64.const -2)))", self.expression(ValType::I64, 1)), &[ValType::I32]),
        };
        call + &self.taken(results)
    }

    /// Copies and fills: some lengths are constant, most ranges in memory, and some overlap.
    fn bulk(&mut self) -> String {
        let length = match self.choices.below(3) {
            0 => format!("(i32.and {} (i32.const 63))", self.expression(ValType::I32, 1)),
            _ => format!("(i32.const {})", self.choices.pick(&[0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 48, 64, 65, 100, 300])),
        };
        let to = self.address(1);
        if self.choices.chance(2) {
            return format!("(memory.fill {to} {} {length})", self.expression(ValType::I32, 1));
        }
        let from = if self.choices.chance(2) {
            format!("(i32.add {to} (i32.const {}))", self.choices.pick(&[0, 1, 3, 4, 7, 8, 16]))
        } else {
            self.address(1)
        };
        format!("(memory.copy {to} {from} {length})")
    }

    /// What programs do seldom.
    fn rare(&mut self) -> String {
        match self.choices.below(5) {
            0 => "(drop (memory.grow (i32.const 1)))".to_owned(),
            1 => {
                format!("(global.set $gi32 (memory.size)) (if (i32.eqz (i32.and {} (i32.const 31))) (then unreachable))", self.condition())
            }
            2 if !self.callees.is_empty() => {
                let (place, callee) = (self.choices.below(self.callees.len()), self.choices.below(self.callees.len()));
                // Whoever is called through the table must not cost more.
                let cheaper = self.callees[callee].cost <= self.callees[place].cost;
                let value = if cheaper { format!("(ref.func $f{callee})") } else { "(ref.null func)".to_owned() };
                format!("(table.set $table (i32.const {place}) {value})")
            }
            3 => format!("(drop (memory.grow (i32.and {} (i32.const 1))))", self.condition()),
            _ => self.exchange(),
        }
    }
}
