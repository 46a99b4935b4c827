//! Loops, in the forms that compilers give them.

use mj_decode::ValType;

use super::Function;

const TRIPS: [u64; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 64];

impl Function<'_> {
    /// A loop, if the budget allows one here.
    pub(super) fn loop_statement(&mut self, depth: usize) -> String {
        let trips = self.choices.pick(&TRIPS);
        if self.cost + self.weight * trips * 2 > super::BUDGET {
            return self.inner(depth);
        }
        let around = self.weight;
        self.weight *= trips;
        let form = [Self::counting_up, Self::tested_first, Self::counting_down, Self::over_memory, Self::with_value];
        let form = self.choices.pick(&form);
        // What is known in front of a loop is not known in it, where it may be written.
        let opening = match self.choices.below(6) {
            0 | 1 => self.meeting(),
            2 => self.update(),
            _ => String::new(),
        };
        self.opening.clone_from(&opening);
        let text = form(self, trips, depth);
        self.weight = around;
        opening + &text
    }

    /// What is done in each round, for which a counter is known; half of the time the rest of a round can be skipped.
    fn round(&mut self, counter: usize, depth: usize) -> String {
        self.around.push(counter);
        let skipped = self.choices.chance(2).then(|| self.label());
        self.labels.extend(skipped);
        let mut body = std::mem::take(&mut self.opening) + &self.inner(depth);
        if let Some(label) = skipped {
            self.labels.pop();
            body = format!("(block $b{label}\n{body})\n");
        }
        self.around.pop();
        body
    }

    /// How far to count: known when the code is made, or not.
    fn bound(&mut self, trips: u64, ty: ValType) -> (String, String) {
        if self.choices.chance(2) {
            return (String::new(), format!("({ty}.const {trips})"));
        }
        let bound = self.counter(ty);
        // `and` leaves no more than the greatest number of trips.
        let value = format!("({ty}.and {} ({ty}.const {trips}))", self.expression(ty, 1));
        (format!("(local.set $c{bound} {value})\n"), format!("(local.get $c{bound})"))
    }

    fn counting_type(&mut self) -> ValType {
        self.choices.pick(&[ValType::I32, ValType::I32, ValType::I64])
    }

    /// Counts from zero, and looks behind each round whether it was the last.
    fn counting_up(&mut self, trips: u64, depth: usize) -> String {
        let ty = self.counting_type();
        let (counter, label) = (self.counter(ty), self.label());
        let (before, bound) = self.bound(trips, ty);
        let body = self.round(counter, depth);
        let step = self.choices.pick(&[1, 1, 1, 2, 3]);
        let less = self.choices.pick(&["lt_u", "lt_s"]);
        format!(
            "{before}(local.set $c{counter} ({ty}.const 0))\n(loop $b{label}\n{body}(br_if $b{label} ({ty}.{less} (local.tee $c{counter} ({ty}.add (local.get $c{counter}) ({ty}.const {step}))) {bound})))"
        )
    }

    /// Looks before each round whether there is one more.
    fn tested_first(&mut self, trips: u64, depth: usize) -> String {
        let ty = self.counting_type();
        let (counter, label, out) = (self.counter(ty), self.label(), self.label());
        let (before, bound) = self.bound(trips, ty);
        self.labels.push(out);
        let body = self.round(counter, depth);
        self.labels.pop();
        let ends = self.choices.pick(&["ge_u", "ge_s", "eq"]);
        format!(
            "{before}(local.set $c{counter} ({ty}.const 0))\n(block $b{out} (loop $b{label}\n(br_if $b{out} ({ty}.{ends} (local.get $c{counter}) {bound}))\n{body}(local.set $c{counter} ({ty}.add (local.get $c{counter}) ({ty}.const 1)))\n(br $b{label})))"
        )
    }

    fn counting_down(&mut self, trips: u64, depth: usize) -> String {
        let (counter, label) = (self.counter(ValType::I32), self.label());
        let body = self.round(counter, depth);
        let count = format!("(i32.sub (local.get $c{counter}) (i32.const 1))");
        let again = if self.choices.chance(2) {
            format!("(br_if $b{label} (local.tee $c{counter} {count}))")
        } else {
            format!("(local.set $c{counter} {count})\n(if (i32.gt_s (local.get $c{counter}) (i32.const 0)) (then (br $b{label})))")
        };
        format!("(local.set $c{counter} (i32.const {trips}))\n(loop $b{label}\n{body}{again})")
    }

    /// An address goes from one place to another.
    fn over_memory(&mut self, trips: u64, depth: usize) -> String {
        let (counter, label) = (self.counter(ValType::I32), self.label());
        let stride = self.choices.pick(&[1, 2, 4, 4, 8, 8, 16, 24]);
        let first = if self.choices.chance(3) { "(i32.const 1024)".to_owned() } else { self.address(1) };
        let end = self.counter(ValType::I32);
        let less = self.choices.pick(&["lt_u", "ne", "lt_s"]);
        let body = self.round(counter, depth);
        format!(
            "(local.set $c{end} (i32.add (local.tee $c{counter} (i32.and {first} (i32.const 0xffff))) (i32.const {})))\n(loop $b{label}\n{body}(br_if $b{label} (i32.{less} (local.tee $c{counter} (i32.add (local.get $c{counter}) (i32.const {stride}))) (local.get $c{end}))))",
            trips * stride
        )
    }

    /// Carries a value on the stack from round to round.
    fn with_value(&mut self, trips: u64, depth: usize) -> String {
        let ty = self.choices.pick(&super::TYPES);
        let Some(local) = self.local(ty) else { return self.counting_up(trips, depth) };
        let (counter, label) = (self.counter(ValType::I32), self.label());
        let first = self.expression(ty, 1);
        // The value is on the stack: no way out but the end.
        let labels = std::mem::take(&mut self.labels);
        let body = self.round(counter, depth);
        self.labels = labels;
        let operator = self.choices.pick(&["add", "sub", "mul"]);
        let operand = self.expression(ty, 1);
        format!(
            "(local.set $c{counter} (i32.const 0))\n{first}\n(loop $b{label} (param {ty}) (result {ty})\n{body}{operand}\n({ty}.{operator})\n(br_if $b{label} (i32.lt_u (local.tee $c{counter} (i32.add (local.get $c{counter}) (i32.const 1))) (i32.const {trips}))))\n(local.set {local})"
        )
    }
}
