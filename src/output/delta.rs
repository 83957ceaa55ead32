//! Integers as differences (`DELTA_BINARY_PACKED`; Parquet format, "Delta Encoding").

use prost::encoding::encode_varint;

/// Values of a block, and of each of its parts.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Appends a page's values.
pub(super) fn encode(values: &[i64], out: &mut Vec<u8>) {
    encode_varint(BLOCK as u64, out);
    encode_varint((BLOCK / PART) as u64, out);
    encode_varint(values.len() as u64, out);
    let first = values.first().copied().unwrap_or(0);
    encode_varint(zigzag(first), out);
    let rest = values.get(1..).unwrap_or_default();
    let mut last = first;
    for block in rest.chunks(BLOCK) {
        let mut deltas = [0i64; BLOCK];
        for (delta, value) in deltas.iter_mut().zip(block) {
            *delta = value.wrapping_sub(last);
            last = *value;
        }
        let least = deltas.iter().take(block.len()).min().copied().unwrap_or(0);
        // What fills up the last part is 0 above the least.
        let mut above = [0u64; BLOCK];
        for (above, delta) in above.iter_mut().zip(deltas).take(block.len()) {
            *above = delta.wrapping_sub(least).cast_unsigned();
        }
        encode_varint(zigzag(least), out);
        let (parts, _) = above.as_chunks::<PART>();
        let width =
            |part: &[u64; PART]| u64::BITS - part.iter().fold(0, |all, n| all | n).leading_zeros();
        out.extend(parts.iter().map(|part| width(part) as u8));
        // Parts without values are only named.
        for part in parts.iter().take(block.len().div_ceil(PART)) {
            pack(part, width(part), out);
        }
    }
}

/// The lowest `width` bits of each number, the first in the lowest bits.
fn pack(numbers: &[u64; PART], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0u64, 0);
    for number in numbers {
        word |= number << filled;
        filled += width;
        if filled >= u64::BITS {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= u64::BITS;
            word = if filled == 0 {
                0
            } else {
                number >> (width - filled)
            };
        }
    }
    // Of 32 numbers all bytes are full; half a word may be left.
    let left = word.to_le_bytes();
    out.extend(left.iter().take(filled as usize / 8));
}

fn zigzag(n: i64) -> u64 {
    (n << 1 ^ n >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    fn number(bytes: &[u8], at: &mut usize) -> u64 {
        let (mut out, mut shift) = (0, 0);
        loop {
            out |= u64::from(bytes[*at] & 0x7f) << shift;
            shift += 7;
            *at += 1;
            if bytes[*at - 1] < 0x80 {
                return out;
            }
        }
    }

    fn signed(n: u64) -> i64 {
        (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
    }

    /// By the description of the format, slowly.
    fn read(bytes: &[u8]) -> Vec<i64> {
        let mut at = 0;
        let [block, parts, count] = [(); 3].map(|()| number(bytes, &mut at) as usize);
        let mut out = vec![signed(number(bytes, &mut at))];
        while out.len() < count {
            let least = signed(number(bytes, &mut at));
            let widths = bytes[at..at + parts].to_vec();
            at += parts;
            for width in widths.into_iter().map(usize::from) {
                if out.len() >= count {
                    break;
                }
                for index in 0..block / parts {
                    let bit = |n: usize| u64::from(bytes[at + n / 8] >> (n % 8) & 1);
                    let above = (0..width).map(|b| bit(index * width + b) << b).sum::<u64>();
                    let last = out.last().copied().unwrap();
                    out.push(last.wrapping_add(least.wrapping_add(above.cast_signed())));
                }
                at += block / parts * width / 8;
            }
        }
        out.truncate(count);
        assert_eq!(at, bytes.len());
        out
    }

    #[test]
    fn values_are_read_again() {
        let mut seed = 7u64;
        for round in 0..400 {
            let values: Vec<i64> = (0..round * 3)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    seed.cast_signed() >> (round % 64)
                })
                .collect();
            let mut bytes = Vec::new();
            super::encode(&values, &mut bytes);
            assert_eq!(read(&bytes), values);
        }
    }
}
