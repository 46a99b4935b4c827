//! Compiled functions as bytes that outlive the process: what serialized modules and files of the cache consist of.
//!
//! ```text
//! header       64 bytes, see `Header`
//! fingerprint  what made the code, as text; see `Fingerprint`
//! functions    32 bytes each, see `StoredFunction`
//! sites        packed, function after function
//! relocations  offsets of the references to the jump table, packed, function after function
//! code         functions in the same order, each aligned to 16 bytes; a reference to the jump table holds the index of the function, see `Arch::put_number`
//! module       in the binary format; files of the cache have none
//! ```
//!
//! Numbers are little-endian. The checksum covers everything. It notices accidents: whoever can write an artefact can make it do anything.
//! Lengths and offsets are checked against what is there before they are used, so that a torn file is an error in any case.

use std::borrow::Cow;
use std::ops::Range;

use mj_codegen::{Arch, Entry};

use super::sites::{put_number, take_number};
use crate::error::{Result, bail, ensure};

/// How artefacts begin.
pub(crate) const MAGIC: [u8; 8] = *b"\x7fmjcode\n";

/// Number of this format: grows with every change of it.
const FORMAT: u32 = 1;

const HEADER: usize = 64;
const ROW: usize = 32;

/// Alignment of functions.
pub(super) const ALIGN: usize = 16;

/// Compiled functions on their way from a module's code or to it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored<'a> {
    pub functions: Vec<StoredFunction>,
    pub sites: Cow<'a, [u8]>,
    pub relocations: Cow<'a, [u8]>,
    pub code: Cow<'a, [u8]>,
}

/// A function in [`Stored`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFunction {
    /// Index among the module's own functions.
    pub own: u32,
    /// What was optimized while the module ran; `None` for what was there first.
    pub tier: Option<Entry>,
    /// Its part of the code, aligned to [`ALIGN`] at its start.
    pub code: Range<u32>,
    /// Where it is entered, from its start.
    pub entry: u32,
    /// Its part of the sites.
    pub sites: Range<u32>,
    /// Its part of the relocations.
    pub relocations: Range<u32>,
}

impl StoredFunction {
    /// What it is a version of. Functions are in the order of these.
    pub fn version(&self) -> (u32, Option<u32>) {
        match self.tier {
            None | Some(Entry::Function) => (self.own, None),
            Some(Entry::Loop(at)) => (self.own, Some(at)),
        }
    }
}

/// An artefact that was taken apart.
pub(crate) struct Artefact<'a> {
    pub fingerprint: &'a str,
    /// What ties it to another file; zeros if it stands for itself.
    pub tie: [u8; 16],
    /// The module that it is the code of, unless that is elsewhere: the last part.
    pub module: &'a [u8],
    body: Body<'a>,
}

struct Body<'a> {
    rows: &'a [u8],
    sites: &'a [u8],
    relocations: &'a [u8],
    code: &'a [u8],
}

/// Offsets in the header. The fields in front are the magic and the format.
mod field {
    pub const FINGERPRINT: usize = 12;
    pub const FUNCTIONS: usize = 16;
    // Of sites, relocations, code and module, four bytes each.
    pub const TIE: usize = 36;
    pub const CHECKSUM: usize = 56;
}

/// Whether bytes begin like an artefact.
pub(crate) fn is_artefact(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Writes an artefact.
///
/// # Errors
///
/// If a part has 4 GiB or more.
pub(crate) fn write(stored: &Stored<'_>, fingerprint: &str, tie: [u8; 16], module: &[u8]) -> Result<Vec<u8>> {
    let parts = [fingerprint.len(), stored.functions.len(), stored.sites.len(), stored.relocations.len(), stored.code.len(), module.len()];
    let length = HEADER + fingerprint.len() + stored.functions.len() * ROW + parts[2..].iter().sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    for part in parts {
        let Ok(part) = u32::try_from(part) else { bail!("the module is too large to be serialized") };
        bytes.extend(part.to_le_bytes());
    }
    bytes.extend(tie);
    bytes.resize(HEADER, 0);
    bytes.extend(fingerprint.as_bytes());
    for function in &stored.functions {
        let (kind, at) = match function.tier {
            None => (0, 0),
            Some(Entry::Function) => (1, 0),
            Some(Entry::Loop(at)) => (2, at),
        };
        let sizes = [function.sites.len() as u32, function.relocations.len() as u32];
        let row = [function.own, kind, at, function.code.start, function.code.len() as u32, function.entry, sizes[0], sizes[1]];
        bytes.extend(row.iter().flat_map(|number| number.to_le_bytes()));
    }
    for part in [&*stored.sites, &*stored.relocations, &*stored.code, module] {
        bytes.extend_from_slice(part);
    }
    let sum = checksum(&bytes);
    bytes[field::CHECKSUM..HEADER].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

impl<'a> Artefact<'a> {
    /// Takes bytes apart that [`write`] made.
    ///
    /// # Errors
    ///
    /// If they are something else, incomplete or damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        ensure!(is_artefact(bytes), "these bytes are not a compiled module");
        ensure!(bytes.len() >= HEADER, "the compiled module is incomplete: not even its header is there");
        let number = |at: usize| u32_at(bytes, at);
        let format = number(MAGIC.len());
        ensure!(format == FORMAT, "the compiled module has format {format}, and this engine has format {FORMAT}: compile it again");
        let mut rest = &bytes[HEADER..];
        let mut take = |length: u64| {
            let (part, behind) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length))?;
            rest = behind;
            Some(part)
        };
        let mut parts = [&bytes[..0]; 6];
        for (part, at) in parts.iter_mut().zip((field::FINGERPRINT..).step_by(4)) {
            let unit = if at == field::FUNCTIONS { ROW as u64 } else { 1 };
            match take(u64::from(number(at)) * unit) {
                Some(bytes) => *part = bytes,
                None => bail!("the compiled module is incomplete: parts of it are missing"),
            }
        }
        let [fingerprint, rows, sites, relocations, code, module] = parts;
        ensure!(rest.is_empty(), "the compiled module is damaged: there are {} bytes behind its end", rest.len());
        let sum = u64::from_le_bytes(bytes[field::CHECKSUM..HEADER].try_into().expect("eight bytes"));
        ensure!(checksum(bytes) == sum, "the compiled module is damaged: its checksum is wrong");
        let Ok(fingerprint) = str::from_utf8(fingerprint) else { bail!("the compiled module is damaged: its fingerprint is no text") };
        let tie = bytes[field::TIE..field::TIE + 16].try_into().expect("sixteen bytes");
        Ok(Self { fingerprint, tie, module, body: Body { rows, sites, relocations, code } })
    }

    /// The functions, in code for `arch`, for a module with so many of its own.
    ///
    /// # Errors
    ///
    /// If they do not fit together.
    pub fn functions(&self, arch: Arch, own_functions: u32) -> Result<Stored<'a>> {
        let Body { rows, sites, relocations, code } = self.body;
        let mut functions: Vec<StoredFunction> = Vec::with_capacity(rows.len() / ROW);
        let (mut sites_end, mut relocations_end, mut code_end) = (0u32, 0u32, 0u32);
        for row in rows.chunks_exact(ROW) {
            let [own, kind, at, start, length, entry, sites_length, relocations_length] =
                std::array::from_fn(|index| u32_at(row, 4 * index));
            let tier = match kind {
                0 => None,
                1 => Some(Entry::Function),
                2 => Some(Entry::Loop(at)),
                _ => bail!("the compiled module is damaged: kind {kind} of code"),
            };
            let (sites_start, relocations_start) = (sites_end, relocations_end);
            sites_end = sites_end.saturating_add(sites_length);
            relocations_end = relocations_end.saturating_add(relocations_length);
            let function = StoredFunction {
                own,
                tier,
                code: start..start.saturating_add(length),
                entry,
                sites: sites_start..sites_end,
                relocations: relocations_start..relocations_end,
            };
            let fits = own < own_functions
                && start >= code_end
                && (start as usize).is_multiple_of(ALIGN)
                && function.code.end as usize <= code.len()
                && entry < length
                && sites_end as usize <= sites.len()
                && relocations_end as usize <= relocations.len();
            ensure!(fits, "the compiled module is damaged: function {own} does not fit");
            code_end = function.code.end;
            let in_order = functions.last().is_none_or(|before| before.version() < function.version());
            ensure!(in_order, "the compiled module is damaged: function {own} is out of order");
            for at in offsets(part(relocations, &function.relocations)) {
                let fits = at.checked_add(arch.reference_size() as u64).is_some_and(|end| end <= u64::from(length));
                ensure!(
                    fits && arch.number(&code[start as usize + at as usize..]) < own_functions,
                    "the compiled module is damaged: function {own} refers to a function that is not there"
                );
            }
            functions.push(function);
        }
        Ok(Stored { functions, sites: sites.into(), relocations: relocations.into(), code: code.into() })
    }
}

impl Stored<'_> {
    /// Adds a function; it is to be behind those that are there, see [`StoredFunction::version`].
    pub fn push(&mut self, own: u32, tier: Option<Entry>, entry: u32, code: &[u8], sites: &[u8], relocations: &[u8]) {
        let start = self.code.len().next_multiple_of(ALIGN);
        self.code.to_mut().resize(start, 0xcc);
        let function = StoredFunction {
            own,
            tier,
            code: range(start, code.len()),
            entry,
            sites: range(self.sites.len(), sites.len()),
            relocations: range(self.relocations.len(), relocations.len()),
        };
        debug_assert!(self.functions.last().is_none_or(|before| before.version() < function.version()));
        self.code.to_mut().extend_from_slice(code);
        self.sites.to_mut().extend_from_slice(sites);
        self.relocations.to_mut().extend_from_slice(relocations);
        self.functions.push(function);
    }

    /// The versions of both; where both have one, this one's.
    #[must_use]
    pub fn merged(&self, other: &Stored<'_>) -> Stored<'static> {
        let mut all: Vec<(&Stored<'_>, &StoredFunction)> = self.functions.iter().map(|function| (self, function)).collect();
        all.extend(other.functions.iter().map(|function| (other, function)));
        // The sort is stable: of two the first is this one's.
        all.sort_by_key(|(_, function)| function.version());
        all.dedup_by(|(_, later), (_, kept)| {
            // Who has a whole function that was optimized never needs its loops.
            later.version() == kept.version() || (later.own == kept.own && kept.tier == Some(Entry::Function))
        });
        let mut merged = Stored::default();
        for (from, function) in all {
            let [code, sites, relocations] =
                [part(&from.code, &function.code), part(&from.sites, &function.sites), part(&from.relocations, &function.relocations)];
            merged.push(function.own, function.tier, function.entry, code, sites, relocations);
        }
        merged
    }

    /// Whether each own function has code of its whole.
    pub fn is_complete(&self, own_functions: u32) -> bool {
        let whole = self.functions.iter().filter(|function| function.version().1.is_none());
        whole.map(|function| function.own).eq(0..own_functions)
    }

    /// Its functions, each with the offsets of its references to the jump table from the start of the code.
    pub fn references(&self) -> impl Iterator<Item = usize> + '_ {
        self.functions.iter().flat_map(|function| {
            let offsets = offsets(part(&self.relocations, &function.relocations));
            offsets.map(|at| function.code.start as usize + at as usize)
        })
    }
}

/// Packs offsets, in ascending order.
pub(super) fn put_offsets(ascending: impl Iterator<Item = u32>, packed: &mut Vec<u8>) {
    let mut last = 0;
    for offset in ascending {
        put_number(packed, u64::from(offset - last));
        last = offset;
    }
}

/// The offsets that [`put_offsets`] packed.
pub(super) fn offsets(packed: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let (mut rest, mut last) = (packed, 0u64);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        last = last.saturating_add(take_number(&mut rest));
        Some(last)
    })
}

/// A sum of all bytes of an artefact but the sum itself.
fn checksum(bytes: &[u8]) -> u64 {
    let (header, rest) = bytes.split_at(HEADER);
    let sum = digest(rest);
    digest(&[&header[..field::CHECKSUM], &sum.to_le_bytes()].concat()) as u64
}

/// A sum that tells bytes apart unless someone made them to have the same: a quarter of a cycle a byte.
pub(crate) fn digest(bytes: &[u8]) -> u128 {
    const FACTORS: [u64; 4] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f];
    let mut lanes = FACTORS;
    let mut add = |block: &[u8; 32]| {
        for ((lane, word), factor) in lanes.iter_mut().zip(block.as_chunks::<8>().0).zip(FACTORS) {
            *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(factor).rotate_left(29);
        }
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    blocks.iter().for_each(&mut add);
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    add(&last);
    let mut folded = [bytes.len() as u64, !(bytes.len() as u64)];
    for (index, lane) in lanes.into_iter().enumerate() {
        for (half, factor) in folded.iter_mut().zip([FACTORS[index], FACTORS[3 - index]]) {
            *half = (*half ^ lane).wrapping_mul(factor);
            *half ^= *half >> 32;
        }
    }
    u128::from(folded[0]) << 64 | u128::from(folded[1])
}

fn range(start: usize, length: usize) -> Range<u32> {
    start as u32..(start + length) as u32
}

/// A range of bytes.
pub(super) fn part<'a>(bytes: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    &bytes[range.start as usize..range.end as usize]
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(versions: &[(u32, Option<Entry>, u8)]) -> Stored<'static> {
        let mut stored = Stored::default();
        for &(own, tier, byte) in versions {
            // One reference, at offset 4, to function 1.
            let code = [byte, byte, byte, byte, 1, 0, 0, 0, byte];
            stored.push(own, tier, 2, &code, &[byte; 3], &[4]);
        }
        stored
    }

    fn artefact() -> Vec<u8> {
        let stored = stored(&[(0, None, 7), (1, Some(Entry::Function), 8), (1, Some(Entry::Loop(99)), 9)]);
        write(&stored, "a=1\n", [3; 16], b"the module").unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = artefact();
        let artefact = Artefact::parse(&bytes).unwrap();
        assert_eq!((artefact.fingerprint, artefact.tie, artefact.module), ("a=1\n", [3; 16], &b"the module"[..]));
        let expected = stored(&[(0, None, 7), (1, Some(Entry::Function), 8), (1, Some(Entry::Loop(99)), 9)]);
        let functions = artefact.functions(Arch::X64, 2).unwrap();
        assert_eq!(functions, expected);
        assert!(functions.is_complete(2) && !functions.is_complete(3));
        assert_eq!(functions.references().collect::<Vec<_>>(), [4, 20, 36]);
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_is_noticed() {
        let bytes = artefact();
        for length in 0..bytes.len() {
            assert!(Artefact::parse(&bytes[..length]).is_err(), "{length}");
        }
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Artefact::parse(&bytes).is_err(), "{bit}");
        }
        assert!(Artefact::parse(&[&bytes[..], &[0]].concat()).is_err());
    }

    /// With the right checksum, too.
    #[test]
    fn numbers_that_do_not_fit_are_errors() {
        let bytes = artefact();
        let begin = HEADER + 4;
        let mut refused = 0;
        for at in (field::FINGERPRINT..field::TIE).chain(begin..begin + 3 * ROW + 3 * 3 + 3) {
            for value in [0u32, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let mut bytes = bytes.clone();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                let sum = checksum(&bytes);
                bytes[field::CHECKSUM..HEADER].copy_from_slice(&sum.to_le_bytes());
                // Neither panics nor reserves what is not there.
                refused += u32::from(Artefact::parse(&bytes).and_then(|artefact| artefact.functions(Arch::X64, 2).map(drop)).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn functions_beyond_the_module_are_errors() {
        let bytes = artefact();
        assert!(Artefact::parse(&bytes).unwrap().functions(Arch::X64, 1).is_err());
    }

    #[test]
    fn merging_keeps_the_first_version_of_each() {
        let first = stored(&[(1, Some(Entry::Function), 1), (5, Some(Entry::Loop(8)), 2)]);
        let second =
            stored(&[(0, None, 3), (1, None, 4), (1, Some(Entry::Loop(3)), 4), (5, Some(Entry::Loop(7)), 5), (5, Some(Entry::Loop(8)), 6)]);
        let merged = first.merged(&second);
        let expected = stored(&[(0, None, 3), (1, Some(Entry::Function), 1), (5, Some(Entry::Loop(7)), 5), (5, Some(Entry::Loop(8)), 2)]);
        assert_eq!(merged, expected);
    }

    #[test]
    fn digests_differ_in_every_byte_and_in_length() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut seen: Vec<u128> = (0..=100).map(|length| digest(&bytes[..length])).collect();
        for at in 0..100 {
            let mut other = bytes.clone();
            other[at] ^= 0x40;
            seen.push(digest(&other));
        }
        seen.push(digest(&[0; 32]));
        seen.push(digest(&[0; 33]));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
