//! Texts for people: lines of a width, numbers with their nouns, words that were meant.

/// Text broken at words into lines of at most `width` characters, each after `indent`.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > width && line.len() > indent.len() {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// Each line of a text that is longer than `width` broken at words, what goes on indented deeper
/// than the line itself.
pub fn fold(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| {
        if line.chars().count() <= width {
            return line.to_owned();
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let whole = wrap(line.trim_start(), width, &format!("{indent}    "));
        // The first line stands where it stood.
        format!("{indent}{}", whole.trim_start())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `1 file`, `2 files`.
pub fn count(n: u64, noun: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{ending}")
}

/// A share in per cent, with one digit after the point; worked out in whole numbers.
pub fn percent(part: u64, all: u64) -> String {
    let (part, all) = (u128::from(part), u128::from(all));
    let mille = (part * 2000 + all).checked_div(2 * all).unwrap_or(0);
    format!("{}.{} %", mille / 10, mille % 10)
}

/// The word among `known` that was probably meant, if one is like it.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let word = word.to_lowercase();
    known
        .map(|k| (strsim::jaro_winkler(k, &word), k))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::{count, fold};

    #[test]
    fn long_lines_are_folded_at_words() {
        let text = "short\n  a line of several words";
        assert_eq!(
            fold(text, 16),
            "short\n  a line of\n      several\n      words"
        );
        assert_eq!(fold("averyveryverylongword", 5), "averyveryverylongword");
    }

    #[test]
    fn nouns_follow_numbers() {
        assert_eq!(
            (count(1, "file"), count(0, "file")),
            ("1 file".into(), "0 files".into())
        );
    }
}
