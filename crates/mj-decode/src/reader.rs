//! A reader for function bodies that have been validated: no checks, no error paths.
//!
//! Invariant: the bytes passed validation, so every operator and immediate is complete. A reader that is given other bytes
//! panics or reads nonsense, but nothing worse: all accesses are bounds-checked slices.

/// A position in a validated function body.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Offset of `bytes` in the module.
    base: u32,
}

/// What follows in the operator stream, as far as folding asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Following {
    /// Opcode of the next operator, or of the one behind a `local.get`.
    pub opcode: u8,
    /// A `local.get` stands in between, so that the value will be the first of two operands.
    pub behind_local_get: bool,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which start at `base` in the module.
    #[must_use]
    pub fn new(bytes: &'a [u8], base: u32) -> Self {
        Self { bytes, position: 0, base }
    }

    /// Offset of the next byte in the module.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> u32 {
        self.base + self.position as u32
    }

    /// A reader of the part of these bytes from `start` to `end`, offsets in the module.
    #[must_use]
    pub fn between(&self, start: u32, end: u32) -> Reader<'a> {
        Self { bytes: &self.bytes[..(end - self.base) as usize], position: (start - self.base) as usize, base: self.base }
    }

    /// Number of bytes that are not read yet.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Whether all bytes are read.
    #[must_use]
    #[inline]
    pub fn at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.position];
        self.position += 1;
        byte
    }

    /// An unsigned LEB128 number (spec 5.2.2) of at most 32 bits.
    #[inline]
    pub fn u32(&mut self) -> u32 {
        let byte = self.byte();
        if byte < 0x80 { u32::from(byte) } else { self.long_unsigned(byte) as u32 }
    }

    /// An unsigned LEB128 number of at most 64 bits.
    #[inline]
    pub fn u64(&mut self) -> u64 {
        let byte = self.byte();
        if byte < 0x80 { u64::from(byte) } else { self.long_unsigned(byte) }
    }

    /// A signed LEB128 number of at most 32 bits.
    #[inline]
    pub fn i32(&mut self) -> i32 {
        self.i64() as i32
    }

    /// A signed LEB128 number of at most 64 bits (33-bit block types too).
    #[inline]
    pub fn i64(&mut self) -> i64 {
        let byte = self.byte();
        if byte < 0x80 { i64::from(byte as i8) << 57 >> 57 } else { self.long_signed(byte) }
    }

    /// Four bytes, little endian.
    #[inline]
    pub fn fixed_u32(&mut self) -> u32 {
        let bytes = self.bytes[self.position..self.position + 4].try_into().expect("four bytes");
        self.position += 4;
        u32::from_le_bytes(bytes)
    }

    /// Eight bytes, little endian.
    #[inline]
    pub fn fixed_u64(&mut self) -> u64 {
        let bytes = self.bytes[self.position..self.position + 8].try_into().expect("eight bytes");
        self.position += 8;
        u64::from_le_bytes(bytes)
    }

    /// Skips an LEB128 number.
    #[inline]
    pub fn skip_number(&mut self) {
        while self.byte() >= 0x80 {}
    }

    /// The local that the next operator sets (`local.set` or `local.tee`), if it does.
    #[must_use]
    #[inline]
    pub fn next_local_target(&self) -> Option<u32> {
        match self.bytes.get(self.position) {
            Some(0x21 | 0x22) => Some(self.number_at(self.position + 1).0),
            _ => None,
        }
    }

    /// The operator that will consume a value defined now.
    #[must_use]
    #[inline]
    pub fn following(&self) -> Following {
        match self.bytes.get(self.position) {
            Some(0x20) => {
                let next = self.number_at(self.position + 1).1;
                Following { opcode: self.bytes.get(next).copied().unwrap_or(0), behind_local_get: true }
            }
            byte => Following { opcode: byte.copied().unwrap_or(0), behind_local_get: false },
        }
    }

    /// The small unsigned number at `position`, and the position behind it.
    #[inline]
    fn number_at(&self, position: usize) -> (u32, usize) {
        let byte = self.bytes[position];
        if byte < 0x80 {
            return (u32::from(byte), position + 1);
        }
        let mut reader = Reader { bytes: self.bytes, position, base: 0 };
        (reader.u32(), reader.position)
    }

    #[cold]
    fn long_unsigned(&mut self, first: u8) -> u64 {
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn long_signed(&mut self, first: u8) -> i64 {
        let mut value = i64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte();
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return if shift < 64 { value << (64 - shift) >> (64 - shift) } else { value };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers_keep_their_sign() {
        let cases: [(&[u8], i64); 6] = [
            (&[0x7f], -1),
            (&[0x3f], 63),
            (&[0x40], -64),
            (&[0x80, 0x7f], -128),
            (&[0xff, 0xff, 0xff, 0xff, 0x07], 0x7fff_ffff),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], i64::MIN),
        ];
        for (bytes, value) in cases {
            assert_eq!(Reader::new(bytes, 0).i64(), value, "{bytes:x?}");
        }
    }

    #[test]
    fn following_looks_behind_one_local_get() {
        let reader = Reader::new(&[0x20, 0x85, 0x01, 0x6a], 0);
        assert_eq!(reader.following(), Following { opcode: 0x6a, behind_local_get: true });
        assert_eq!(Reader::new(&[0x22, 0x05], 0).next_local_target(), Some(5));
    }
}
