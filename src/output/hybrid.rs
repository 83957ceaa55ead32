//! Numbers of few bits, as Parquet has them: groups of eight equal ones, with what goes on equal, as
//! runs, others packed (Parquet format, "Run Length Encoding / Bit-Packing Hybrid").

use prost::encoding::encode_varint;

/// Bits that a number needs.
pub(super) fn bits(most: usize) -> u8 {
    u8::try_from(usize::BITS - most.leading_zeros()).unwrap_or(0)
}

/// Appends numbers of `width` bits.
pub(super) fn numbers<N: Copy + PartialEq + Into<u32>>(
    numbers: &[N],
    width: u8,
    out: &mut Vec<u8>,
) {
    let mut packed_from = 0;
    let mut at = 0;
    while let Some(rest) = numbers.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(group) = rest.first_chunk::<8>() else {
            break;
        };
        let [first, others @ ..] = group;
        // All are compared, which takes fewer steps than to stop early.
        if others.iter().fold(true, |same, n| same & (n == first)) {
            pack(numbers.get(packed_from..at).unwrap_or_default(), width, out);
            let run = run(rest, *first);
            encode_varint((run as u64) << 1, out);
            let bytes = (*first).into().to_le_bytes();
            out.extend_from_slice(
                bytes
                    .get(..usize::from(width).div_ceil(8))
                    .unwrap_or_default(),
            );
            at += run;
            packed_from = at;
        } else {
            at += group.len();
        }
    }
    pack(numbers.get(packed_from..).unwrap_or_default(), width, out);
}

/// How many numbers at the beginning are `first`: block by block, since a block is compared at once.
fn run<N: Copy + PartialEq>(numbers: &[N], first: N) -> usize {
    const BLOCK: usize = 64;
    let same = |block: &&[N]| block.iter().fold(true, |same, n| same & (*n == first));
    let blocks = numbers.chunks_exact(BLOCK).take_while(same).count() * BLOCK;
    let rest = numbers.get(blocks..).unwrap_or_default();
    blocks + rest.iter().take_while(|n| **n == first).count()
}

/// Appends numbers packed; the last group is filled with zeros.
fn pack<N: Copy + Into<u32>>(numbers: &[N], width: u8, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    encode_varint((groups as u64) << 1 | 1, out);
    let length = groups * usize::from(width);
    out.reserve(length);
    let end = out.len() + length;
    let (mut bits, mut filled) = (0u64, 0);
    for number in numbers {
        bits |= u64::from((*number).into()) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&((bits & 0xffff_ffff) as u32).to_le_bytes());
            bits >>= 32;
            filled -= 32;
        }
    }
    let left = end - out.len();
    out.extend(bits.to_le_bytes().iter().take(left));
    out.resize(end, 0);
}

/// Appends numbers of one bit, which lie in `bits` from the lowest bit of the first byte on: the
/// first `count` of them.
pub(super) fn single_bits(bits: &[u8], count: usize, out: &mut Vec<u8>) {
    let byte = |at: usize| bits.get(at).copied().unwrap_or(0);
    // Eight of them, wherever they begin.
    let group = |at: usize| {
        let both = u16::from_le_bytes([byte(at / 8), byte(at / 8 + 1)]);
        (both >> (at % 8) & 0xff) as u8
    };
    let bit = |at: usize| byte(at / 8) >> (at % 8) & 1;
    let pack = |from: usize, to: usize, out: &mut Vec<u8>| {
        if from < to {
            encode_varint(((to - from).div_ceil(8) as u64) << 1 | 1, out);
            let whole = (to - from) / 8 * 8 + from;
            out.extend((from..whole).step_by(8).map(group));
            if whole < to {
                out.push(group(whole) & ((1 << (to - whole)) - 1));
            }
        }
    };
    let mut packed_from = 0;
    let mut at = 0;
    while at + 8 <= count {
        let value = group(at);
        if value != 0 && value != u8::MAX {
            at += 8;
            continue;
        }
        pack(packed_from, at, out);
        let goes_on = |end: usize| end < count && bit(end) == value & 1;
        let mut end = at + 8;
        while end % 8 != 0 && goes_on(end) {
            end += 1;
        }
        if end % 8 == 0 {
            let rest = bits.get(end / 8..).unwrap_or_default();
            end += 8 * rest.iter().take_while(|byte| **byte == value).count();
            while goes_on(end) {
                end += 1;
            }
        }
        let end = end.min(count);
        encode_varint(((end - at) as u64) << 1, out);
        out.push(value & 1);
        at = end;
        packed_from = at;
    }
    pack(packed_from, count, out);
}

#[cfg(test)]
mod tests {
    use super::{bits, numbers, single_bits};

    /// By the description of the format, slowly.
    fn read(bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let (mut out, mut at) = (Vec::new(), 0);
        while out.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                header |= u64::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let length = usize::from(width).div_ceil(8);
                let mut number = [0; 4];
                number[..length].copy_from_slice(&bytes[at..at + length]);
                at += length;
                out.extend(vec![u32::from_le_bytes(number); (header >> 1) as usize]);
            } else {
                let values = (header >> 1) as usize * 8;
                for index in 0..values {
                    let bit = |n: usize| u32::from(bytes[at + n / 8] >> (n % 8) & 1);
                    let first = index * usize::from(width);
                    out.push((0..usize::from(width)).map(|b| bit(first + b) << b).sum());
                }
                at += values * usize::from(width) / 8;
            }
        }
        out.truncate(count);
        assert_eq!(at, bytes.len());
        out
    }

    /// Numbers up to `most` in runs of 1 to 21.
    fn sample(count: usize, most: u32, seed: &mut u64) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (*seed >> 33) as u32 % (most + 1);
            numbers.extend(vec![number; 1 + (*seed >> 20) as usize % 21]);
        }
        numbers
    }

    #[test]
    fn numbers_are_read_again() {
        let mut seed = 7u64;
        for round in 0..200 {
            let most = [0, 1, 2, 200, 70_000, 262_143][round % 6];
            let sample = sample(round * 5, most, &mut seed);
            let width = bits(most as usize);
            let mut bytes = Vec::new();
            numbers(&sample, width, &mut bytes);
            assert_eq!(read(&bytes, width, sample.len()), sample);
        }
    }

    #[test]
    fn single_bits_are_written_as_numbers_are() {
        let mut seed = 7u64;
        for round in 0..300 {
            let sample = sample(round * 3, 1, &mut seed);
            let bits: Vec<u8> = sample
                .chunks(8)
                .map(|group| {
                    let bits = group.iter().enumerate();
                    bits.fold(0, |byte, (at, bit)| byte | (*bit as u8) << at)
                })
                .collect();
            let (mut one, mut other) = (Vec::new(), Vec::new());
            numbers(&sample, 1, &mut one);
            single_bits(&bits, sample.len(), &mut other);
            assert_eq!(one, other);
        }
    }
}
