//! Conditions (`if:`): the boolean part of the SQL subset of feature sets, over the columns of
//! the flow table.
//!
//! `and or not`, `= <> < <= > >=`, `in (…)`, `between … and …`, `is [not] null`, `+ - * /`,
//! parentheses; integers, decimals, `'text'`, `true`, `false`, `null`, and time literals such as
//! `199.8 ms`. NULL is what it is in SQL: a comparison with it is neither true nor false, and a
//! condition that is not true does not hold. A division by zero is NULL.
//!
//! `duration` stands for `duration_ns` and asks for a unit. `attacker_X` and `victim_X` stand for
//! `fwd_X` and `bwd_X` (or `src_X` and `dst_X`) as the roles are: where the victim opened the
//! flow, its side is `fwd`.

mod eval;
mod lex;
mod parse;
mod resolve;
mod types;

use std::collections::BTreeSet;

pub(super) use parse::parse;

use crate::label::columns::Value;

/// A condition whose columns are resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    expr: Expr,
    /// As it is written.
    pub(super) text: String,
}

impl Condition {
    /// Whether the condition is true (and not false or NULL) of a flow. `reverse`: a victim
    /// opened it.
    pub(super) fn holds<'r>(&self, values: &dyn Fn(usize) -> Value<'r>, reverse: bool) -> bool {
        self.expr.value(values, reverse) == Value::Boolean(true)
    }

    /// Adds the columns that it names, by their places.
    pub(super) fn columns(&self, found: &mut BTreeSet<usize>) {
        self.expr.columns(found);
    }
}

impl Expr {
    /// Adds the columns that are named, by their places.
    fn columns(&self, found: &mut BTreeSet<usize>) {
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) | Self::Text(_) => {}
            Self::Column { forward, reverse } => found.extend([*forward, *reverse]),
            Self::Not(a) | Self::IsNull(a, _) => a.columns(found),
            Self::And(a, b)
            | Self::Or(a, b)
            | Self::Compare(_, a, b)
            | Self::Calculate(_, a, b) => {
                a.columns(found);
                b.columns(found);
            }
            Self::In(a, list, _) => {
                a.columns(found);
                list.iter().for_each(|item| item.columns(found));
            }
            Self::Between(a, b, c, _) => {
                for part in [a, b, c] {
                    part.columns(found);
                }
            }
        }
    }
}

/// A piece of a condition.
#[derive(Debug, Clone, PartialEq)]
enum Expr {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// Place in the list of columns, when an attacker opened the flow and when a victim did.
    Column {
        forward: usize,
        reverse: usize,
    },
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Calculate(Operator, Box<Expr>, Box<Expr>),
    /// The value, the list, and whether it is `not in`.
    In(Box<Expr>, Vec<Expr>, bool),
    /// The value, both bounds, and whether it is `not between`.
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    /// The value, and whether it is `is not null`.
    IsNull(Box<Expr>, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}
