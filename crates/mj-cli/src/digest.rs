//! SHA-256 (FIPS 180-4), to compare a program's output with another engine's by a few digits.

/// First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2).
const ROUND: [u32; 64] = roots::<64>(3);
/// First 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3).
const INITIAL: [u32; 8] = roots::<8>(2);

/// The constants are computed, which is shorter than a table and cannot have a typing mistake.
const fn roots<const N: usize>(degree: u32) -> [u32; N] {
    let mut bits = [0; N];
    let mut count = 0;
    let mut candidate = 2_u128;
    while count < N {
        let mut divisor = 2;
        while !candidate.is_multiple_of(divisor) {
            divisor += 1;
        }
        if divisor == candidate {
            bits[count] = root(candidate << (32 * degree), degree) as u32;
            count += 1;
        }
        candidate += 1;
    }
    bits
}

/// The largest number whose power is not above `value`.
const fn root(value: u128, degree: u32) -> u128 {
    let (mut low, mut high) = (0, 1_u128 << 37);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if middle.pow(degree) <= value {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The digest of a message, in hexadecimal.
pub(crate) fn sha256(message: &[u8]) -> String {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    let mut state = INITIAL;
    for block in padded.chunks_exact(64) {
        compress(&mut state, block);
    }
    state.iter().map(|word| format!("{word:08x}")).collect()
}

fn compress(state: &mut [u32; 8], block: &[u8]) {
    let mut schedule = [0_u32; 64];
    for (word, bytes) in schedule.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for t in 16..64 {
        let (near, far) = (schedule[t - 2], schedule[t - 15]);
        let near = near.rotate_right(17) ^ near.rotate_right(19) ^ near >> 10;
        let far = far.rotate_right(7) ^ far.rotate_right(18) ^ far >> 3;
        schedule[t] = near.wrapping_add(schedule[t - 7]).wrapping_add(far).wrapping_add(schedule[t - 16]);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (constant, word) in ROUND.iter().zip(schedule) {
        let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let first = h.wrapping_add(sum1).wrapping_add(e & f ^ !e & g).wrapping_add(*constant).wrapping_add(word);
        let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = sum0.wrapping_add(a & b ^ a & c ^ b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha256(long), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }

    #[test]
    fn every_length_of_the_last_block_is_padded_to_a_whole_one() {
        let lengths: std::collections::BTreeSet<String> = (0..130).map(|length| sha256(&vec![b'a'; length])).collect();
        assert_eq!(lengths.len(), 130);
        assert_eq!(sha256(&[b'a'; 64]), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    }
}
