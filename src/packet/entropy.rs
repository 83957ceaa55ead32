//! Shannon entropy of a payload.
//!
//! Calculated from counts with a table of `n log2 n` made by a portable logarithm, in a fixed
//! order, so that the result has the same bits on every machine.

use std::sync::LazyLock;

/// Numbers of times that a byte can appear in a packet of 65,535 bytes.
const TABLE: usize = 65_536;

/// `n log2 n` of each of them.
static N_LOG_N: LazyLock<Vec<f64>> = LazyLock::new(|| {
    (0..=u16::MAX)
        .map(|n| {
            if n == 0 {
                0.0
            } else {
                f64::from(n) * libm::log2(f64::from(n))
            }
        })
        .collect()
});

/// Entropy of `payload` in bits per byte, 0 to 8; of its first 65,535 bytes if it has more. `None`
/// without payload. C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.
pub fn entropy(payload: &[u8]) -> Option<f64> {
    let payload = &payload[..payload.len().min(usize::from(u16::MAX))];
    if payload.is_empty() {
        return None;
    }
    let table = N_LOG_N.first_chunk()?;
    let sums = if payload.len() <= usize::from(u8::MAX) {
        short(payload, table)
    } else {
        long(payload, table)
    };
    let sum: f64 = sums.iter().sum();
    let n = payload.len();
    let total = f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    // (n log2 n - sum of c log2 c) / n, and never below zero by rounding.
    Some(((table[n] - sum) / total).max(0.0))
}

/// Sums of `c log2 c` over the counts of bytes. There are several, since one would make each
/// addition wait for the one before; which count goes to which is the same for all payloads, so
/// that the bits of the result do not depend on how it is calculated.
type Sums = [f64; 8];

/// Of a payload whose counts fit into bytes.
fn short(payload: &[u8], table: &[f64; TABLE]) -> Sums {
    let mut counts = [0u8; 256];
    for byte in payload {
        counts[usize::from(*byte)] += 1;
    }
    let mut sums = Sums::default();
    let (groups, _) = counts.as_chunks::<8>();
    for group in groups {
        // Counts of 0 and 1 add nothing, and most groups of a short payload have no other.
        if u64::from_ne_bytes(*group) & 0xfefe_fefe_fefe_fefe != 0 {
            for (sum, count) in sums.iter_mut().zip(group) {
                *sum += table[usize::from(*count)];
            }
        }
    }
    sums
}

/// Of any payload.
fn long(payload: &[u8], table: &[f64; TABLE]) -> Sums {
    // Four tables, since equal neighbours in one would wait for each other.
    let mut counts = [[0u16; 256]; 4];
    let (chunks, rest) = payload.as_chunks::<4>();
    for chunk in chunks {
        for (table, byte) in counts.iter_mut().zip(chunk) {
            table[usize::from(*byte)] += 1;
        }
    }
    let [first, others @ ..] = &mut counts;
    for byte in rest {
        first[usize::from(*byte)] += 1;
    }
    for other in others {
        for (count, more) in first.iter_mut().zip(other) {
            *count += *more;
        }
    }
    let mut sums = Sums::default();
    let (groups, _) = first.as_chunks::<8>();
    for group in groups {
        for (sum, count) in sums.iter_mut().zip(group) {
            *sum += table[usize::from(*count)];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::{N_LOG_N, entropy, long, short};

    #[test]
    fn short_payloads_are_as_long_ones() {
        let table = N_LOG_N.first_chunk().unwrap();
        for n in 1..=255u8 {
            let payload: Vec<u8> = (0..n).map(|i| i.wrapping_mul(i) % (n / 2 + 1)).collect();
            assert_eq!(short(&payload, table), long(&payload, table));
        }
    }

    #[test]
    fn entropy_of_known_distributions() {
        assert_eq!(entropy(b""), None);
        assert_eq!(entropy(b"aaaa"), Some(0.0));
        assert_eq!(entropy(b"abab"), Some(1.0));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(entropy(&all), Some(8.0));
        assert!(entropy(&vec![7; 70_000]) == Some(0.0));
    }
}
