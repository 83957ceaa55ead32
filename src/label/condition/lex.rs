//! The words of a condition. What they mean together is in the parser beside.

use crate::label::problems::Fault;

/// One word, with the number of characters before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) offset: usize,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A name or keyword, as written.
    Word(String),
    /// Digits, perhaps with a point or an exponent.
    Number(String),
    /// What stands between single quotes.
    Text(String),
    /// An operator or parenthesis.
    Symbol(&'static str),
    End,
}

impl TokenKind {
    /// Whether this is the keyword, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(w) if w.eq_ignore_ascii_case(word))
    }

    /// The token as a message shows it.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Text(text) => format!("'{text}'"),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Longer ones first, so that `<=` is not taken for `<`.
const SYMBOLS: &[&str] = &[
    "<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/",
];

/// What people write from other languages, and its SQL.
const FOREIGN: &[(&str, &str)] = &[
    ("==", "="),
    ("&&", "and"),
    ("||", "or"),
    ("!", "not"),
    ("%", "no remainder here"),
];

/// Splits a condition into words; the last is always [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let start = at;
        let rest = chars.get(at..).unwrap_or_default();
        let kind = if c.is_whitespace() {
            at += 1;
            continue;
        } else if c.is_alphabetic() || c == '_' {
            at += count(rest, |c| c.is_alphanumeric() || c == '_');
            TokenKind::Word(piece(&chars, start, at))
        } else if c.is_ascii_digit() || (c == '.' && rest.get(1).is_some_and(char::is_ascii_digit))
        {
            at += number(rest);
            TokenKind::Number(piece(&chars, start, at))
        } else if c == '\'' {
            let (value, length) =
                quoted(rest).ok_or_else(|| Fault::new(start, "this text has no closing quote"))?;
            at += length;
            TokenKind::Text(value)
        } else if c == '"' {
            return Err(Fault::new(start, "text stands in single quotes in SQL")
                .help("write 'text'; a name of a column has no quotes"));
        } else {
            let begins = |symbol: &str| symbol.chars().eq(rest.iter().copied().take(symbol.len()));
            let foreign = FOREIGN
                .iter()
                .find(|(symbol, _)| begins(symbol) && !begins("!="));
            if let Some((symbol, sql)) = foreign {
                return Err(
                    Fault::new(start, format!("`{symbol}` is no operator of SQL"))
                        .help(format!("the word for it is `{sql}`")),
                );
            }
            let Some(symbol) = SYMBOLS.iter().find(|symbol| begins(symbol)) else {
                return Err(Fault::new(
                    start,
                    format!("`{c}` has no meaning in a condition"),
                ));
            };
            at += symbol.len();
            TokenKind::Symbol(symbol)
        };
        tokens.push(Token {
            offset: start,
            kind,
        });
    }
    tokens.push(Token {
        offset: chars.len(),
        kind: TokenKind::End,
    });
    Ok(tokens)
}

fn piece(chars: &[char], start: usize, end: usize) -> String {
    chars.get(start..end).unwrap_or_default().iter().collect()
}

fn count(chars: &[char], of: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|c| of(**c)).count()
}

/// Length of a number: digits, a point, and an exponent if digits follow it.
fn number(rest: &[char]) -> usize {
    let mut length = count(rest, |c| c.is_ascii_digit() || c == '.');
    let tail = rest.get(length..).unwrap_or_default();
    if matches!(tail.first(), Some('e' | 'E')) {
        let sign = usize::from(matches!(tail.get(1), Some('+' | '-')));
        let digits = count(tail.get(1 + sign..).unwrap_or_default(), |c| {
            c.is_ascii_digit()
        });
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length
}

/// The value of a quoted text, in which `''` is a quote, and its length with the quotes.
fn quoted(rest: &[char]) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut at = 1;
    loop {
        match (rest.get(at)?, rest.get(at + 1)) {
            ('\'', Some('\'')) => {
                value.push('\'');
                at += 2;
            }
            ('\'', _) => return Some((value, at + 1)),
            (c, _) => {
                value.push(*c);
                at += 1;
            }
        }
    }
}
