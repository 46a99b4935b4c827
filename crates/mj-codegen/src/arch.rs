//! Instruction sets by name, and how code of each refers to its module's jump table.
//!
//! A reference holds the pc-relative distance to a slot of the table. While code lies nowhere it holds the number of the function instead, so that
//! code can be stored and placed again.

use crate::Relocation;

/// An instruction set that code can be made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Arch {
    /// x86-64, System V.
    X64,
    /// 64-bit Arm.
    Aarch64,
}

/// Bytes of a slot.
const SLOT: usize = size_of::<usize>();

impl Arch {
    /// That of the machine which runs this.
    pub const HOST: Arch = if cfg!(target_arch = "aarch64") { Arch::Aarch64 } else { Arch::X64 };

    /// The name that Rust has for it, in target triples and elsewhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Arch::X64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// What is called like this, by Rust or by others.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Arch> {
        match name {
            "x86_64" | "x86-64" | "x64" | "amd64" => Some(Arch::X64),
            "aarch64" | "arm64" => Some(Arch::Aarch64),
            _ => None,
        }
    }

    /// Bytes of code that a reference takes, from the offset in its [`Relocation`].
    #[must_use]
    pub const fn reference_size(self) -> usize {
        match self {
            // The displacement of a memory operand.
            Arch::X64 => 4,
            // `adrp` and `ldr` with the same register.
            Arch::Aarch64 => 8,
        }
    }

    /// Fills in references to the jump table in `code`, which lies `code_offset` behind the start of its unit and at `code_address` in
    /// memory, where the jump table is at `jump_table_address`. `relocations` are those of `code`.
    ///
    /// # Panics
    /// If code and jump table are more than 2 GiB apart.
    pub fn relocate(self, code: &mut [u8], code_offset: u32, relocations: &[Relocation], code_address: usize, jump_table_address: usize) {
        for relocation in relocations {
            let at = (relocation.at - code_offset) as usize;
            self.refer(&mut code[at..], code_address + at, jump_table_address, relocation.function);
        }
    }

    /// Makes the reference at the start of `code`, which is to lie at `address`, refer to a function's slot of the jump table at `table`.
    ///
    /// # Panics
    /// If they are more than 2 GiB apart.
    pub fn refer(self, code: &mut [u8], address: usize, table: usize, function: u32) {
        let slot = table + SLOT * function as usize;
        match self {
            Arch::X64 => put(code, 0, near(slot, address + 4) as u32),
            Arch::Aarch64 => {
                let pages = near(slot & !PAGE_MASK, address & !PAGE_MASK) / (PAGE_MASK as i32 + 1);
                put(code, 0, with_page(word(code, 0), pages as u32));
                put(code, 4, with_offset(word(code, 4), (slot & PAGE_MASK) / SLOT));
            }
        }
    }

    /// The function that the reference at the start of `code` refers to, which lies at `address`.
    #[must_use]
    pub fn referred(self, code: &[u8], address: usize, table: usize) -> u32 {
        let slot = match self {
            Arch::X64 => (address + 4).wrapping_add_signed(word(code, 0) as i32 as isize),
            Arch::Aarch64 => {
                // The sign of the 21 bits.
                let pages = ((page(word(code, 0)) << 11) as i32 >> 11) as isize;
                (address & !PAGE_MASK).wrapping_add_signed(pages * (PAGE_MASK as isize + 1)) + offset(word(code, 4)) * SLOT
            }
        };
        (slot.wrapping_sub(table) / SLOT) as u32
    }

    /// Makes the reference at the start of `code` hold a function's number.
    pub fn put_number(self, code: &mut [u8], function: u32) {
        match self {
            Arch::X64 => put(code, 0, function),
            Arch::Aarch64 => {
                debug_assert!(function < 1 << 21, "validation limits the number of functions to a million");
                put(code, 0, with_page(word(code, 0), function));
                put(code, 4, with_offset(word(code, 4), 0));
            }
        }
    }

    /// The number that [`put_number`](Self::put_number) put there.
    #[must_use]
    pub fn number(self, code: &[u8]) -> u32 {
        match self {
            Arch::X64 => word(code, 0),
            Arch::Aarch64 => page(word(code, 0)),
        }
    }
}

/// Bits of an address that `adrp` leaves out, whatever the size of the host's pages.
const PAGE_MASK: usize = 0xfff;

/// The 21 bits of `adrp`: the two lowest stand at bit 29, the others at bit 5.
const fn with_page(word: u32, pages: u32) -> u32 {
    word & !(3 << 29 | 0x7_ffff << 5) | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5
}

const fn page(word: u32) -> u32 {
    word >> 29 & 3 | (word >> 5 & 0x7_ffff) << 2
}

/// The 12 bits of `ldr`, in units of what it loads.
const fn with_offset(word: u32, units: usize) -> u32 {
    word & !(0xfff << 10) | (units as u32) << 10
}

const fn offset(word: u32) -> usize {
    (word >> 10 & 0xfff) as usize
}

fn near(to: usize, from: usize) -> i32 {
    i32::try_from(to as i64 - from as i64).expect("code lies within 2 GiB of its jump table")
}

fn word(code: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(code[at..at + 4].try_into().expect("four bytes"))
}

fn put(code: &mut [u8], at: usize, word: u32) {
    code[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `call [rip + 0]`'s displacement; `adrp x16, 0; ldr x16, [x16]`.
    const REFERENCES: [(Arch, &[u8]); 2] = [(Arch::X64, &[0, 0, 0, 0]), (Arch::Aarch64, &[0x10, 0, 0, 0x90, 0x10, 2, 0x40, 0xf9])];

    #[test]
    fn references_say_what_they_refer_to() {
        for (arch, bytes) in REFERENCES {
            for function in [0, 1, 2, 511, 512, 513, 70_000, 999_999] {
                for (address, table) in [(0x7000_1000, 0x7000_0000), (0x7f34_5678_9ffc, 0x7f34_1000_0000), (0x1234_5678, 0x5000_0008)] {
                    let mut code = bytes.to_vec();
                    arch.refer(&mut code, address, table, function);
                    assert_eq!(arch.referred(&code, address, table), function, "{arch:?} {address:x}");
                    arch.put_number(&mut code, function);
                    assert_eq!(arch.number(&code), function);
                    arch.put_number(&mut code, 0);
                    assert_eq!(code, bytes);
                }
            }
        }
    }

    #[test]
    fn aarch64_addresses_a_slot_by_page_and_offset() {
        let mut code = REFERENCES[1].1.to_vec();
        Arch::Aarch64.refer(&mut code, 0x1_2345_6ff8, 0x1_2345_1000, 3);
        // adrp x16, -5 pages; ldr x16, [x16, 24]
        assert_eq!((word(&code, 0), word(&code, 4)), (0xf0ff_ffd0, 0xf940_0e10));
    }

    #[test]
    fn names_are_those_of_targets() {
        assert_eq!(Arch::HOST.name(), std::env::consts::ARCH);
        for arch in [Arch::X64, Arch::Aarch64] {
            assert_eq!(Arch::by_name(arch.name()), Some(arch));
        }
    }
}
