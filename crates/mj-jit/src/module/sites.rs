//! Sites of compiled functions, packed: about three bytes each instead of twelve, for there is one an access to memory.
//!
//! Rows of a function are in the order of their code offsets. A row is the distance to the previous row's code offset, the distance to its
//! offset in the module (zigzag, for code of traps stands behind the function), the trap, and for divisions the register. Reading allocates
//! nothing and takes no lock, as the signal handler needs it.

use mj_abi::{Site, TrapCode};

/// Bit of the trap byte that says that this row's module offset is that of the previous row plus two.
const NEAR: u8 = 0x80;

/// The usual distance of two operators with sites, in bytes of the module.
const USUAL: i64 = 2;

/// Packs the sites of one function; their code offsets become relative to `start`, where the function begins.
pub(super) fn pack(sites: &[Site], start: u32, packed: &mut Vec<u8>) {
    let (mut code, mut wasm) = (start, 0);
    for site in sites {
        let trap = site.trap();
        let distance = i64::from(site.wasm) - wasm;
        let near = if distance == USUAL { NEAR } else { 0 };
        packed.push(trap as u8 | near);
        put_number(packed, u64::from(site.code - code));
        if near == 0 {
            put_number(packed, ((distance << 1) ^ (distance >> 63)) as u64);
        }
        if trap == TrapCode::Division {
            let (number, is_64) = site.register();
            packed.push(number | u8::from(is_64) << 7);
        }
        (code, wasm) = (site.code, i64::from(site.wasm));
    }
}

/// The sites that `pack` packed; code offsets are from the function's start.
pub(super) fn unpack(packed: &[u8]) -> impl Iterator<Item = Site> + '_ {
    let mut rest = packed;
    let (mut code, mut wasm) = (0u32, 0i64);
    std::iter::from_fn(move || {
        let (&first, behind) = rest.split_first()?;
        rest = behind;
        code += take_number(&mut rest) as u32;
        if first & NEAR != 0 {
            wasm += USUAL;
        } else {
            let number = take_number(&mut rest);
            wasm += (number >> 1) as i64 ^ -((number & 1) as i64);
        }
        let trap = TrapCode::from_number(first & !NEAR)?;
        if trap != TrapCode::Division {
            return Some(Site::new(code, wasm as u32, trap));
        }
        let (&register, behind) = rest.split_first()?;
        rest = behind;
        Some(Site::division(code, wasm as u32, register & 0x7f, register & 0x80 != 0))
    })
}

/// Appends a number: seven bits a byte, the lowest first.
pub(super) fn put_number(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

/// The number at the front, which is removed. Where bytes are missing they count as zeros.
pub(super) fn take_number(rest: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((&byte, behind)) = rest.split_first() {
        *rest = behind;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out() {
        let sites = [
            Site::new(1000, 50, TrapCode::Call),
            Site::new(1003, 52, TrapCode::MemoryOutOfBounds),
            Site::division(1003, 60, 13, true),
            Site::division(1300, 61, 0, false),
            Site::new(1_000_000, 7, TrapCode::UnreachableCodeReached),
            Site::new(1_000_002, 4_000_000_000, TrapCode::StackOverflow),
        ];
        let mut packed = Vec::new();
        pack(&sites, 1000, &mut packed);
        let out: Vec<Site> = unpack(&packed).map(|site| site.moved(1000)).collect();
        assert_eq!(out, sites);
        assert!(packed.len() < 30, "{}", packed.len());
    }

    #[test]
    fn broken_bytes_end_the_list() {
        assert_eq!(unpack(&[0xff]).count(), 0);
        assert_eq!(unpack(&[TrapCode::Division as u8, 1]).count(), 0);
    }
}
