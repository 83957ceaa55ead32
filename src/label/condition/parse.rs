//! Reads a condition by operator precedence, resolves its columns and checks its types.
//!
//! From loose to tight: `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* /`, sign.

use super::lex::{Token, TokenKind, tokens};
use super::resolve::column;
use super::types::{Kind, boolean, calculated, comparable};
use super::{Comparison, Condition, Expr, Operator};
use crate::label::columns::Columns;
use crate::label::duration;
use crate::label::problems::Fault;

/// Reads a condition over these columns.
///
/// # Errors
/// The first thing wrong, with its offset in characters: syntax, unknown columns with the nearest
/// name, types that cannot be compared.
pub(in crate::label) fn parse(text: &str, columns: &Columns) -> Result<Condition, Fault> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens,
        next: 0,
        depth: 0,
        operators: 0,
        columns,
    };
    let (expr, kind, at) = parser.expression(0)?;
    let token = parser.peek();
    if token.kind != TokenKind::End {
        return Err(unexpected(&token));
    }
    if !matches!(kind, Kind::Boolean | Kind::Null) {
        return Err(
            Fault::new(at, format!("this is {}, and no condition", kind.show()))
                .help("compare it with something: `fwd_packets > 0`"),
        );
    }
    Ok(Condition {
        expr,
        text: text.trim().to_owned(),
    })
}

/// A piece with its type and the offset where it begins.
type Piece = (Expr, Kind, usize);

/// Against conditions made to overflow the stack.
const DEPTH: usize = 64;

/// As [`DEPTH`]: a long chain of `or` is a deep tree. Lists behind `in` do not count.
const OPERATORS: usize = 512;

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const SIGN: u8 = 7;

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    operators: usize,
    columns: &'a Columns,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        let end = Token {
            offset: 0,
            kind: TokenKind::End,
        };
        self.tokens
            .get(self.next)
            .or(self.tokens.last())
            .cloned()
            .unwrap_or(end)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn take_symbol(&mut self, symbol: &'static str) -> Result<(), Fault> {
        let token = self.take();
        if token.kind == TokenKind::Symbol(symbol) {
            return Ok(());
        }
        Err(Fault::new(
            token.offset,
            format!("`{symbol}` was expected, and not {}", token.kind.show()),
        ))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().kind.is_word(word);
        if found {
            self.next += 1;
        }
        found
    }

    /// Reads what binds at least as tightly as `level`.
    fn expression(&mut self, level: u8) -> Result<Piece, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Fault::new(
                self.peek().offset,
                "this condition is nested too deeply",
            ));
        }
        let mut left = self.operand()?;
        loop {
            let token = self.peek();
            let Some(found) = binds(&token.kind) else {
                break;
            };
            // Of two comparisons without parentheses the second is left over, and reported.
            if found < level.max(1) || (found == COMPARE && is_comparison(&left.0)) {
                break;
            }
            self.operators += 1;
            if self.operators > OPERATORS {
                return Err(Fault::new(
                    token.offset,
                    format!("this condition has more than {OPERATORS} operators"),
                )
                .help("values to choose from are better listed with `in (…)`"));
            }
            left = self.infix(left, &token)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Piece, Fault> {
        let token = self.take();
        let at = token.offset;
        match &token.kind {
            TokenKind::Symbol("(") => {
                let (expr, kind, _) = self.expression(0)?;
                self.take_symbol(")")?;
                Ok((expr, kind, at))
            }
            TokenKind::Symbol("-") => {
                let (expr, kind, _) = self.expression(SIGN)?;
                if !(kind.is_number() || kind.is_time()) {
                    return Err(Fault::new(at, format!("{} has no sign", kind.show())));
                }
                let expr = match expr {
                    Expr::Integer(value) => Expr::Integer(-value),
                    Expr::Float(value) => Expr::Float(-value),
                    other => Expr::Calculate(
                        Operator::Subtract,
                        Box::new(Expr::Integer(0)),
                        Box::new(other),
                    ),
                };
                Ok((expr, kind, at))
            }
            TokenKind::Number(number) => self.number(number, at),
            TokenKind::Text(text) => Ok((Expr::Text(text.clone()), Kind::Text, at)),
            TokenKind::Word(word) => self.word(word, at),
            TokenKind::Symbol(_) => Err(Fault::new(
                at,
                format!("a value was expected, and not {}", token.kind.show()),
            )),
            TokenKind::End => Err(Fault::new(
                at,
                "the condition ends where a value was expected",
            )),
        }
    }

    fn word(&mut self, word: &str, at: usize) -> Result<Piece, Fault> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "not" => {
                let (expr, kind, inner) = self.expression(NOT)?;
                boolean(kind, "not").map_err(|f| f.shifted(inner))?;
                Ok((Expr::Not(Box::new(expr)), Kind::Boolean, at))
            }
            "null" => Ok((Expr::Null, Kind::Null, at)),
            "true" | "false" => Ok((Expr::Boolean(lower == "true"), Kind::Boolean, at)),
            "and" | "or" | "in" | "is" | "between" => Err(Fault::new(
                at,
                format!("a value was expected, and not `{word}`"),
            )),
            _ if self.peek().kind == TokenKind::Symbol("(") => Err(Fault::new(
                at,
                format!("`{word}(…)`: conditions of this version of netcap have no functions"),
            )),
            _ => {
                let (expr, kind) = column(word, self.columns).map_err(|fault| fault.shifted(at))?;
                Ok((expr, kind, at))
            }
        }
    }

    fn number(&mut self, number: &str, at: usize) -> Result<Piece, Fault> {
        let wrong = || Fault::new(at, format!("`{number}` is no number that fits"));
        if let TokenKind::Word(word) = self.peek().kind
            && let Some(unit) = duration::unit(&word)
        {
            self.next += 1;
            let ns = duration::nanoseconds(number, unit).ok_or_else(|| {
                Fault::new(
                    at,
                    format!("`{number} {word}` is too long, or finer than a nanosecond"),
                )
            })?;
            return Ok((Expr::Integer(ns), Kind::Time, at));
        }
        if number.bytes().all(|b| b.is_ascii_digit()) {
            return Ok((
                Expr::Integer(number.parse().map_err(|_| wrong())?),
                Kind::Number,
                at,
            ));
        }
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok((Expr::Float(value), Kind::Number, at)),
            _ => Err(wrong()),
        }
    }

    fn infix(&mut self, left: Piece, token: &Token) -> Result<Piece, Fault> {
        let start = left.2;
        match &token.kind {
            TokenKind::Word(word)
                if word.eq_ignore_ascii_case("or") || word.eq_ignore_ascii_case("and") =>
            {
                let or = word.eq_ignore_ascii_case("or");
                self.next += 1;
                boolean(left.1, word).map_err(|fault| fault.shifted(left.2))?;
                let right = self.expression(if or { OR } else { AND } + 1)?;
                boolean(right.1, word).map_err(|fault| fault.shifted(right.2))?;
                let (a, b) = (Box::new(left.0), Box::new(right.0));
                Ok((
                    if or { Expr::Or(a, b) } else { Expr::And(a, b) },
                    Kind::Boolean,
                    start,
                ))
            }
            TokenKind::Word(_) => self.predicate(left),
            TokenKind::Symbol(symbol) => {
                self.next += 1;
                if let Some(comparison) = comparison(symbol) {
                    let right = self.expression(SUM)?;
                    comparable(left.1, right.1).map_err(|fault| fault.shifted(right.2))?;
                    let expr = Expr::Compare(comparison, Box::new(left.0), Box::new(right.0));
                    return Ok((expr, Kind::Boolean, start));
                }
                let (operator, level) = match *symbol {
                    "+" => (Operator::Add, PRODUCT),
                    "-" => (Operator::Subtract, PRODUCT),
                    "*" => (Operator::Multiply, SIGN),
                    _ => (Operator::Divide, SIGN),
                };
                let right = self.expression(level)?;
                let kind = calculated(operator, left.1, right.1).ok_or_else(|| {
                    Fault::new(
                        token.offset,
                        format!(
                            "`{symbol}` cannot join {} and {}",
                            left.1.show(),
                            right.1.show()
                        ),
                    )
                })?;
                Ok((
                    Expr::Calculate(operator, Box::new(left.0), Box::new(right.0)),
                    kind,
                    start,
                ))
            }
            _ => Err(unexpected(token)),
        }
    }

    /// `is [not] null`, `[not] in (…)`, `[not] between … and …`.
    fn predicate(&mut self, left: Piece) -> Result<Piece, Fault> {
        let start = left.2;
        if self.take_word("is") {
            let negated = self.take_word("not");
            let token = self.take();
            if !token.kind.is_word("null") {
                return Err(Fault::new(
                    token.offset,
                    format!("`null` was expected, and not {}", token.kind.show()),
                ));
            }
            return Ok((
                Expr::IsNull(Box::new(left.0), negated),
                Kind::Boolean,
                start,
            ));
        }
        let negated = self.take_word("not");
        if self.take_word("in") {
            self.take_symbol("(")?;
            let mut list = Vec::new();
            loop {
                let item = self.expression(SUM)?;
                comparable(left.1, item.1).map_err(|fault| fault.shifted(item.2))?;
                list.push(item.0);
                let token = self.take();
                match token.kind {
                    TokenKind::Symbol(",") => {}
                    TokenKind::Symbol(")") => break,
                    other => {
                        return Err(Fault::new(
                            token.offset,
                            format!("`,` or `)` was expected, and not {}", other.show()),
                        ));
                    }
                }
            }
            return Ok((
                Expr::In(Box::new(left.0), list, negated),
                Kind::Boolean,
                start,
            ));
        }
        if self.take_word("between") {
            let low = self.expression(SUM)?;
            comparable(left.1, low.1).map_err(|fault| fault.shifted(low.2))?;
            if !self.take_word("and") {
                let token = self.peek();
                return Err(Fault::new(
                    token.offset,
                    format!("`and` was expected, and not {}", token.kind.show()),
                )
                .help("write `a between 1 and 5`"));
            }
            let high = self.expression(SUM)?;
            comparable(left.1, high.1).map_err(|fault| fault.shifted(high.2))?;
            let expr = Expr::Between(Box::new(left.0), Box::new(low.0), Box::new(high.0), negated);
            return Ok((expr, Kind::Boolean, start));
        }
        let token = self.peek();
        Err(Fault::new(
            token.offset,
            format!(
                "`in` or `between` was expected, and not {}",
                token.kind.show()
            ),
        ))
    }
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Compare(..) | Expr::In(..) | Expr::Between(..) | Expr::IsNull(..)
    )
}

/// How tightly an operator binds; `None` for what is no operator between two values.
fn binds(kind: &TokenKind) -> Option<u8> {
    match kind {
        TokenKind::Word(word) => match word.to_ascii_lowercase().as_str() {
            "or" => Some(OR),
            "and" => Some(AND),
            "is" | "in" | "between" | "not" => Some(COMPARE),
            _ => None,
        },
        TokenKind::Symbol("+" | "-") => Some(SUM),
        TokenKind::Symbol("*" | "/") => Some(PRODUCT),
        TokenKind::Symbol(symbol) => comparison(symbol).map(|_| COMPARE),
        _ => None,
    }
}

fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "=" => Comparison::Equal,
        "<>" | "!=" => Comparison::Unequal,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn unexpected(token: &Token) -> Fault {
    let fault = Fault::new(
        token.offset,
        format!("{} was not expected here", token.kind.show()),
    );
    match &token.kind {
        TokenKind::Symbol(")") => fault.help("there is no `(` for it"),
        TokenKind::Symbol("=" | "<" | ">" | "<=" | ">=" | "<>" | "!=") => {
            fault.help("comparisons do not chain: write `1 < a and a < 5`, or `between`")
        }
        TokenKind::Word(word)
            if word.eq_ignore_ascii_case("like") || word.eq_ignore_ascii_case("case") =>
        {
            fault.help("conditions of this version of netcap have no `like` and no `case`")
        }
        _ => fault.help("`and` or `or` joins two conditions"),
    }
}
