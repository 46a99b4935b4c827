//! Distances inside instructions, as data.
//!
//! Every instruction set here stores a label's distance as a signed field of at most 32 bits inside a little-endian word,
//! perhaps in units larger than a byte. So a fixup kind is four numbers, and one function patches them all. A distance that
//! an instruction keeps in two fields is two fixups.

/// What happens to a distance that the field cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Excess {
    /// The field takes the low bits; another one checks.
    Cut,
    /// A panic: who uses the label knows that it is near enough.
    Refused,
    /// If the label is not bound while the field reaches the end of the code, a veneer is put there: a branch that reaches further.
    Veneer,
    /// The label is a constant's, and constants are put before the field reaches them no more.
    Constant,
}

/// Which bits of the code hold a distance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixupKind {
    /// Lowest bit of the field, counted from the fixup's byte offset.
    pub lowest_bit: u8,
    /// Width of the field, 1 to 32.
    pub bits: u8,
    /// The field counts units of `1 << shift` bytes.
    pub shift: u8,
    /// What happens to a distance that does not fit.
    pub excess: Excess,
}

impl FixupKind {
    /// A field that must hold the whole distance.
    #[must_use]
    pub const fn new(lowest_bit: u8, bits: u8, shift: u8) -> Self {
        assert!(bits >= 1 && lowest_bit + bits <= 32 && shift < 32);
        Self { lowest_bit, bits, shift, excess: Excess::Refused }
    }

    /// A field that takes only the low bits of the distance; another one checks it.
    #[must_use]
    pub const fn low_part(lowest_bit: u8, bits: u8, shift: u8) -> Self {
        Self { excess: Excess::Cut, ..Self::new(lowest_bit, bits, shift) }
    }

    /// The field of a branch whose label may turn out to be far, see [`CodeBuffer::needs_island`](crate::CodeBuffer::needs_island).
    #[must_use]
    pub const fn with_veneer(self) -> Self {
        Self { excess: Excess::Veneer, ..self }
    }

    /// The field of a load from the function's constants.
    #[must_use]
    pub const fn of_constant(self) -> Self {
        Self { excess: Excess::Constant, ..self }
    }

    /// The longest distance forward.
    #[must_use]
    #[inline]
    pub const fn reach(self) -> u32 {
        (((1u64 << (self.bits - 1)) - 1) << self.shift) as u32
    }

    /// Whether the field can hold `distance` (in bytes).
    #[must_use]
    #[inline]
    pub const fn fits(self, distance: i32) -> bool {
        let units = distance >> self.shift;
        let unused = 32 - self.bits as u32;
        units << self.shift == distance && (matches!(self.excess, Excess::Cut) || units << unused >> unused == units)
    }

    /// `word` with the field set to `distance` (in bytes).
    #[must_use]
    #[inline]
    pub const fn apply(self, word: u32, distance: i32) -> u32 {
        let mask = u32::MAX >> (32 - self.bits as u32);
        let field = (distance >> self.shift) as u32 & mask;
        word & !(mask << self.lowest_bit) | field << self.lowest_bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_keeps_its_neighbours() {
        let branch19 = FixupKind::new(5, 19, 2);
        assert_eq!(branch19.apply(0xff00_001f, 8), 0xff00_005f);
        assert_eq!(branch19.apply(0x5400_0000, -4), 0x54ff_ffe0);
        assert_eq!(FixupKind::new(0, 32, 0).apply(0, -5), 0xffff_fffb);
    }

    #[test]
    fn limits_are_those_of_the_field() {
        let byte = FixupKind::new(0, 8, 0);
        assert!(byte.fits(127) && byte.fits(-128) && !byte.fits(128) && !byte.fits(-129));
        let branch14 = FixupKind::new(5, 14, 2);
        assert!(branch14.fits(32764) && !branch14.fits(32768) && !branch14.fits(2));
        assert_eq!(branch14.reach(), 32764);
        assert!(FixupKind::new(0, 32, 0).fits(i32::MIN));
        assert!(FixupKind::low_part(29, 2, 0).fits(4097));
    }
}
