//! How an instruction set lists its forms, and which operators are covered alike.

/// Defines the enums `Kind` (kinds of forms, in families) and, by number, the constraint row and the family of each. Where it is used, `Family` and
/// `Constraints` are in scope.
macro_rules! kinds {
    ($(#[$docs:meta])* $($family:ident { $($(#[$doc:meta])* $kind:ident = $row:expr;)* })*) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Kind { $($($(#[$doc])* $kind),*),* }

        impl Kind {
            /// The constraint row.
            #[inline]
            pub fn row(self) -> &'static Constraints {
                ROWS[self as usize]
            }

            /// Who emits it.
            #[inline]
            pub fn family(self) -> Family {
                FAMILIES[self as usize]
            }
        }

        static ROWS: &[&Constraints] = &[$($(&$row),*),*];
        static FAMILIES: &[Family] = &[$($($crate::forms::first!(Family::$family, $kind)),*),*];
    };
}

macro_rules! first {
    ($first:expr, $second:ident) => {
        $first
    };
}

/// Defines the static `GROUPS`: what the constant function `$of` gives for each operator, by number.
macro_rules! groups {
    ($of:ident) => {
        static GROUPS: [Group; Op::ALL.len()] = {
            let mut groups = [$of(Op::ALL[0]); Op::ALL.len()];
            let mut number = 0;
            while number < groups.len() {
                groups[number] = $of(Op::ALL[number]);
                number += 1;
            }
            groups
        };
    };
}

pub(crate) use {first, groups, kinds};
