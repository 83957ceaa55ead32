//! Shannon entropy of a payload.
//!
//! Calculated from counts with a table of `n log2 n` made by a portable logarithm, in a fixed
//! order, so that the result has the same bits on every machine.

use std::sync::LazyLock;

/// `n log2 n`, for every number of times that a byte can appear in a packet of 65,535 bytes.
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
    // Four tables, since equal neighbours in one would wait for each other.
    let mut counts = [[0u16; 256]; 4];
    let mut chunks = payload.chunks_exact(4);
    for chunk in &mut chunks {
        for (table, byte) in counts.iter_mut().zip(chunk) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in chunks.remainder() {
        counts[0][usize::from(*byte)] += 1;
    }
    let table = &*N_LOG_N;
    let [a, b, c, d] = &counts;
    // Sums of their own, since one would make each addition wait for the one before. Counts of 0
    // and 1 add nothing.
    let mut sums = [0.0; 8];
    for byte in (0..256).step_by(8) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let at = byte + lane;
            *sum += table[usize::from(a[at] + b[at] + c[at] + d[at])];
        }
    }
    let sum: f64 = sums.iter().sum();
    let n = payload.len();
    let total = f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    // (n log2 n - sum of c log2 c) / n, and never below zero by rounding.
    Some(((table[n] - sum) / total).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::entropy;

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
