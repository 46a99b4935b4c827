//! Which constants instructions can hold, and how.

use crate::register::Width;

/// Whether `add` and its kin can hold the immediate: 12 bits, or 12 bits shifted by 12.
#[must_use]
#[inline]
pub const fn fits_add(value: u64) -> bool {
    value & !0xfff == 0 || value & !0xff_f000 == 0
}

/// `sh:imm12` of an immediate of `add` and its kin.
#[inline]
pub(crate) fn add_immediate(value: u32) -> u32 {
    debug_assert!(fits_add(u64::from(value)), "{value:#x} is no immediate of an addition");
    if value <= 0xfff { value } else { 1 << 12 | value >> 12 }
}

/// The fields `N:immr:imms` for which a logical instruction of this width has the immediate `value`: a run of ones, rotated, in an element
/// of 2, 4, 8 … bits that repeats. All zeros and all ones are none. At 32 bits, the low half of `value` counts.
#[must_use]
pub const fn logical_immediate(width: Width, value: u64) -> Option<u32> {
    let value = match width {
        Width::W32 => (value as u32 as u64) | value << 32,
        Width::W64 => value,
    };
    if value == 0 || value == u64::MAX {
        return None;
    }
    // The smallest element that repeats.
    let mut size = 64;
    while size > 2 && value == value.rotate_right(size / 2) {
        size /= 2;
    }
    let mask = u64::MAX >> (64 - size);
    let element = value & mask;
    // Rotated so that the run of ones begins at bit 0.
    let rotation = if element & 1 == 0 {
        element.trailing_zeros()
    } else {
        // The run goes around the top: it begins behind the zeros.
        let zeros = !element & mask;
        (64 - zeros.leading_zeros()) % size
    };
    let run = (element >> rotation | element << ((size - rotation) % size)) & mask;
    if run & run.wrapping_add(1) != 0 {
        return None;
    }
    let ones = run.count_ones();
    let immr = (size - rotation) % size;
    // The element's size is in the leading ones of `imms`, whose seventh bit is the inverse of `N`.
    let imms = (!(2 * size - 1) & 0x3f) | (ones - 1);
    let n = (size == 64) as u32;
    Some(n << 12 | immr << 6 | imms)
}

/// The field `imm8` for which `fmov` gives the float with these bits: ±n/16 · 2^r with 16 ≤ n ≤ 31 and -3 ≤ r ≤ 4.
#[must_use]
pub const fn float_immediate(width: Width, bits: u64) -> Option<u8> {
    let (exponent, fraction) = match width {
        Width::W32 => (8, 23),
        Width::W64 => (11, 52),
    };
    let low = fraction - 4;
    let (sign, top) = (bits >> (exponent + fraction) & 1, bits >> low & ((1 << (exponent + 4)) - 1));
    // Exponent: not(b), b repeated, then two bits; four bits of fraction.
    let inverse = top >> (exponent + 3) & 1;
    let repeated = top >> 6 & ((1 << (exponent - 3)) - 1);
    let b = 1 - inverse;
    let is_regular = repeated == if b == 1 { (1 << (exponent - 3)) - 1 } else { 0 };
    if bits & ((1 << low) - 1) != 0 || !is_regular {
        return None;
    }
    Some((sign << 7 | b << 6 | top & 0x3f) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_immediates_are_those_of_the_manual() {
        let mut found = 0;
        for imm8 in 0..=255u32 {
            // VFPExpandImm.
            let (sign, b, rest) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
            let single = sign << 31 | (1 - b) << 30 | if b == 1 { 0x1f << 25 } else { 0 } | rest << 19;
            let double = f64::from(f32::from_bits(single)).to_bits();
            assert_eq!(float_immediate(Width::W32, u64::from(single)), Some(imm8 as u8));
            assert_eq!(float_immediate(Width::W64, double), Some(imm8 as u8));
            found += 1;
        }
        assert_eq!(found, 256);
        for other in [0.0, 0.1, 0.0625, 32.0, 1e300, f64::NAN, f64::INFINITY, 1.0 + f64::EPSILON] {
            assert_eq!(float_immediate(Width::W64, other.to_bits()), None, "{other}");
            assert_eq!(float_immediate(Width::W32, u64::from((other as f32).to_bits())), (other == 1.0 + f64::EPSILON).then_some(0x70));
        }
    }

    /// A run of ones, rotated, repeated: all there are.
    pub(crate) fn all_logical(width: Width) -> Vec<u64> {
        let mut all = Vec::new();
        let mut size = 2;
        while size <= width.bits() {
            for ones in 1..size {
                for rotation in 0..size {
                    let mask = u64::MAX >> (64 - size);
                    let run = (1u64 << ones) - 1;
                    let element = (run << rotation | run >> ((size - rotation) % 64)) & mask;
                    let element = if rotation == 0 { run } else { element };
                    let mut value = element;
                    let mut filled = size;
                    while filled < width.bits() {
                        value |= value << filled;
                        filled *= 2;
                    }
                    all.push(value);
                }
            }
            size *= 2;
        }
        all
    }

    #[test]
    fn there_are_as_many_logical_immediates_as_there_should_be() {
        for (width, count) in [(Width::W32, 1302), (Width::W64, 5334)] {
            let mut all = all_logical(width);
            assert_eq!(all.len(), count);
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
            let mut fields: Vec<u32> = all.iter().map(|&value| logical_immediate(width, value).expect("one of them")).collect();
            fields.sort_unstable();
            fields.dedup();
            assert_eq!(fields.len(), count);
            // Neighbours that are none of them are refused.
            for value in all.iter().flat_map(|&value| [value ^ 1, value.wrapping_add(2), value ^ 0x10]) {
                let value = if width == Width::W32 { u64::from(value as u32) } else { value };
                assert_eq!(logical_immediate(width, value).is_some(), all.binary_search(&value).is_ok(), "{value:#x}");
            }
        }
    }
}
