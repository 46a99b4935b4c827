//! The host functions that generated modules may import: they mix the bits they get, so that one wrong bit shows in all that follows.

use mj_generating::mix as spread;

/// What all calls of the host have seen so far, as one word.
pub type Trace = u64;

/// The error of [`fail`].
pub const FAILURE: &str = "the host fails";

fn take(trace: &mut Trace, words: &[u64]) -> u64 {
    for word in words {
        *trace = spread(*trace ^ word);
    }
    *trace
}

pub fn mix(trace: &mut Trace, a: i32, b: i64, c: f32, d: f64) -> i64 {
    take(trace, &[u64::from(a.cast_unsigned()), b.cast_unsigned(), u64::from(c.to_bits()), d.to_bits()]).cast_signed()
}

pub fn pair(trace: &mut Trace, a: i32) -> (f64, i32) {
    let word = take(trace, &[u64::from(a.cast_unsigned())]);
    (f64::from_bits(word), low(word).cast_signed())
}

/// The arguments of `many`, in order.
pub type Many = (i64, f64, i32, f32, i64, f64, i64, i64, i64, i32, f64, i64, i64);

pub fn many(trace: &mut Trace, arguments: Many) -> f32 {
    let (a, b, c, d, e, f, g, h, i, j, k, l, m) = arguments;
    take(trace, &[a, e, g, h, i, l, m].map(i64::cast_unsigned));
    take(trace, &[b, f, k].map(f64::to_bits));
    f32::from_bits(low(take(trace, &[c.cast_unsigned(), d.to_bits(), j.cast_unsigned()].map(u64::from))))
}

/// Fails for one argument in four.
pub fn fail(trace: &mut Trace, a: i64) -> Result<i32, &'static str> {
    let word = take(trace, &[a.cast_unsigned()]);
    if a & 3 == 3 { Err(FAILURE) } else { Ok(low(word).cast_signed()) }
}

/// Whether `pass` returns null instead of what it got.
pub fn drops(trace: &mut Trace, is_null: bool, a: i32) -> bool {
    take(trace, &[u64::from(is_null), u64::from(a.cast_unsigned())]) & 1 == 0
}

/// What a function that is only known by its type answers: often zero, which means success to many callers, or a small number.
pub fn answer(trace: &mut Trace, import: u64, arguments: &[u64]) -> u64 {
    take(trace, &[import]);
    let word = take(trace, arguments);
    match word & 7 {
        0..=3 => 0,
        4 | 5 => word >> 8 & 0xff,
        6 => word >> 8 & 0xffff,
        _ => word,
    }
}

fn low(word: u64) -> u32 {
    (word & 0xffff_ffff) as u32
}
