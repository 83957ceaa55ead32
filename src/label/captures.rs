//! Captures by name (`in:`): patterns as shells have them, and which captures of an output they mean.

use glob::{MatchOptions, Pattern};

use crate::label::problems::Fault;

/// Some captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Captures {
    patterns: Vec<Pattern>,
    /// By ordinal, once the captures of an output are known.
    known: Vec<bool>,
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

impl Captures {
    /// Those that one of the patterns fits.
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            patterns,
            known: Vec::new(),
        }
    }

    /// Looks which of the captures of an output they are, by their names in the order of ordinals.
    pub(super) fn find(&mut self, names: &[String]) {
        self.known = names.iter().map(|name| self.fits(name)).collect();
    }

    /// A pattern without `/` is one of the name without its folders.
    fn fits(&self, name: &str) -> bool {
        let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
        self.patterns.iter().any(|pattern| {
            let whole = pattern.as_str().contains('/');
            pattern.matches_with(if whole { name } else { last }, OPTIONS)
        })
    }

    /// Whether a capture is one of them, by its ordinal.
    pub(super) fn contains(&self, capture: Option<usize>) -> bool {
        capture
            .and_then(|ordinal| self.known.get(ordinal))
            .is_some_and(|fits| *fits)
    }

    /// Captures are known, and none of them is meant.
    pub(super) fn are_missing(&self) -> bool {
        !self.known.is_empty() && self.ordinals().next().is_none()
    }

    /// Their ordinals.
    pub(super) fn ordinals(&self) -> impl Iterator<Item = usize> {
        let all = self.known.iter().enumerate();
        all.filter(|(_, fits)| **fits).map(|(ordinal, _)| ordinal)
    }
}

/// As written.
impl std::fmt::Display for Captures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let patterns: Vec<&str> = self.patterns.iter().map(Pattern::as_str).collect();
        f.write_str(&patterns.join(", "))
    }
}

/// Reads the name of a capture, or a pattern: `*`, `?`, `[…]`.
///
/// # Errors
/// A `[` without end, and the like.
pub(super) fn parse(text: &str) -> Result<Pattern, Fault> {
    let text = text.trim();
    Pattern::new(text).map_err(|e| {
        Fault::new(
            e.pos,
            format!("`{text}` is no pattern for names of captures: {}", e.msg),
        )
        .help("write the name of a file, such as dmz.pcap, or a pattern such as dmz*.pcap")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_the_name_or_of_all_of_it() {
        let names: Vec<String> = ["dmz1.pcap", "mon/dmz2.pcap", "mon/lan.pcap"]
            .map(str::to_owned)
            .into();
        for (pattern, expected) in [
            ("dmz*.pcap", vec![0, 1]),
            ("mon/*", vec![1, 2]),
            ("lan.pcap", vec![2]),
            ("DMZ1.pcap", vec![]),
        ] {
            let mut captures = Captures::new(vec![parse(pattern).unwrap()]);
            assert!(!captures.contains(Some(0)), "nothing is known yet");
            captures.find(&names);
            assert_eq!(
                captures.ordinals().collect::<Vec<_>>(),
                expected,
                "{pattern}"
            );
        }
        assert!(parse("dmz[1.pcap").is_err());
    }
}
