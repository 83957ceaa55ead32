//! Values of options: counts and numbers of threads. Those that pipelines have too are read by
//! them.

use crate::engine::Selection;
use crate::pipeline;

/// As [`pipeline::duration_ns`], for clap.
pub(super) fn duration_ns(text: &str) -> Result<i64, String> {
    pipeline::duration_ns(text).map_err(|e| e.to_string())
}

/// As [`pipeline::time_range`], for clap.
pub(super) fn time_range(text: &str) -> Result<(i64, i64), String> {
    pipeline::time_range(text).map_err(|e| e.to_string())
}

/// `1000`, `64k`, `1M`, `2G`: powers of ten.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']) {
        Some(digits) => (
            digits,
            match text.to_ascii_lowercase().as_bytes().last() {
                Some(b'k') => 1_000,
                Some(b'm') => 1_000_000,
                _ => 1_000_000_000,
            },
        ),
        None => (text, 1),
    };
    let n: u64 = digits
        .replace('_', "")
        .parse()
        .map_err(|_| format!("\"{text}\" is no number; write 1000, 64k or 1M"))?;
    n.checked_mul(factor)
        .filter(|n| *n > 0)
        .ok_or_else(|| format!("{text} is out of range"))
}

/// As [`Selection::parse`], for clap.
pub(super) fn tables(text: &str) -> Result<Selection, String> {
    Selection::parse(text).map_err(|e| e.to_string())
}

/// Threads: all processors unless the user says otherwise.
pub(super) fn threads(asked: Option<usize>) -> usize {
    asked
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_are_read() {
        assert_eq!(count("1M"), Ok(1_000_000));
        assert_eq!(count("64k"), Ok(64_000));
        assert_eq!(count("1_000"), Ok(1000));
        assert!(count("").is_err());
        assert!(count("0").is_err());
        assert!(count("99999999999999G").is_err());
    }
}
