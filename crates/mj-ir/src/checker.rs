//! An independent check of register allocation: symbolic execution of what the allocator emitted.
//!
//! Every value gets a number when it is defined. The checker follows numbers through moves, spills and reloads, and at
//! each use compares the number that stands in the location with the number of the value that was meant. It knows
//! nothing of how the allocator decides. At merges all claimed locations are checked against the edge's state; behind
//! a label the claims are taken as facts.
//!
//! Only debug builds run it: every method is empty otherwise.

use crate::PReg;

/// A place that can hold a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A register.
    Register(PReg),
    /// A slot of the frame, by index.
    Slot(u32),
}

/// Number of a value. Nothing at all in release builds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Value(#[cfg(debug_assertions)] u32);

impl Value {
    /// The number of no value.
    pub const NONE: Value = Value(
        #[cfg(debug_assertions)]
        0,
    );
}

/// The symbolic machine state of one function.
#[derive(Clone, Default, Debug)]
pub struct Checker {
    #[cfg(debug_assertions)]
    state: state::State,
}

#[cfg(not(debug_assertions))]
#[allow(clippy::unused_self)]
impl Checker {
    /// Forgets everything, for the next function.
    #[inline]
    pub fn reset(&mut self) {}
    /// A new value.
    #[inline]
    pub fn fresh(&mut self) -> Value {
        Value()
    }
    /// `holder` now holds `value`.
    #[inline]
    pub fn define(&mut self, _holder: Holder, _value: Value) {}
    /// `to` now holds what `from` holds.
    #[inline]
    pub fn copy(&mut self, _to: Holder, _from: Holder) {}
    /// Two registers exchange their contents.
    #[inline]
    pub fn exchange(&mut self, _a: PReg, _b: PReg) {}
    /// `holder` no longer holds anything known.
    #[inline]
    pub fn clobber(&mut self, _holder: Holder) {}
    /// Panics unless `holder` holds `value`.
    #[inline]
    pub fn expect(&self, _holder: Holder, _value: Value) {}
    /// What `holder` holds.
    #[inline]
    pub fn value_in(&self, _holder: Holder) -> Value {
        Value()
    }
}

#[cfg(debug_assertions)]
impl Checker {
    /// Forgets everything, for the next function.
    pub fn reset(&mut self) {
        self.state = state::State::default();
    }

    /// A new value.
    pub fn fresh(&mut self) -> Value {
        self.state.next += 1;
        Value(self.state.next)
    }

    /// `holder` now holds `value`.
    pub fn define(&mut self, holder: Holder, value: Value) {
        self.state.set(holder, value);
    }

    /// `to` now holds what `from` holds.
    pub fn copy(&mut self, to: Holder, from: Holder) {
        let value = self.state.get(from);
        self.state.set(to, value);
    }

    /// Two registers exchange their contents.
    pub fn exchange(&mut self, a: PReg, b: PReg) {
        self.state.registers.swap(a.index(), b.index());
    }

    /// `holder` no longer holds anything known.
    pub fn clobber(&mut self, holder: Holder) {
        self.state.set(holder, Value::NONE);
    }

    /// Panics unless `holder` holds `value`.
    ///
    /// # Panics
    /// If the allocator lost or overwrote the value: a bug in it.
    pub fn expect(&self, holder: Holder, value: Value) {
        let found = self.state.get(holder);
        assert!(found == value, "register allocation: {holder:?} holds value {} where value {} was meant", found.0, value.0);
    }

    /// What `holder` holds; 0 is nothing known.
    #[must_use]
    pub fn value_in(&self, holder: Holder) -> Value {
        self.state.get(holder)
    }
}

#[cfg(debug_assertions)]
mod state {
    use super::{Holder, Value};

    #[derive(Clone, Debug)]
    pub struct State {
        pub registers: [Value; 64],
        pub slots: Vec<Value>,
        pub next: u32,
    }

    impl Default for State {
        fn default() -> Self {
            Self { registers: [Value::NONE; 64], slots: Vec::new(), next: 0 }
        }
    }

    impl State {
        pub fn get(&self, holder: Holder) -> Value {
            match holder {
                Holder::Register(register) => self.registers[register.index()],
                Holder::Slot(slot) => self.slots.get(slot as usize).copied().unwrap_or_default(),
            }
        }

        pub fn set(&mut self, holder: Holder, value: Value) {
            match holder {
                Holder::Register(register) => self.registers[register.index()] = value,
                Holder::Slot(slot) => {
                    let slot = slot as usize;
                    if self.slots.len() <= slot {
                        self.slots.resize(slot + 1, Value::NONE);
                    }
                    self.slots[slot] = value;
                }
            }
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_spilled_and_reloaded_value_is_found() {
        let mut checker = Checker::default();
        let value = checker.fresh();
        checker.define(Holder::Register(PReg::int(1)), value);
        checker.copy(Holder::Slot(7), Holder::Register(PReg::int(1)));
        checker.clobber(Holder::Register(PReg::int(1)));
        checker.copy(Holder::Register(PReg::int(2)), Holder::Slot(7));
        checker.expect(Holder::Register(PReg::int(2)), value);
    }

    #[test]
    #[should_panic(expected = "value 1 was meant")]
    fn an_overwritten_value_is_noticed() {
        let mut checker = Checker::default();
        let (first, second) = (checker.fresh(), checker.fresh());
        checker.define(Holder::Register(PReg::int(1)), first);
        checker.define(Holder::Register(PReg::int(1)), second);
        checker.expect(Holder::Register(PReg::int(1)), first);
    }
}
