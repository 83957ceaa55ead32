//! Types of the pieces of a condition, and what may be done with them: a mistake here would not be
//! an error of an engine later, but a rule that never matches.

use super::Operator;
use crate::label::columns::ColumnType;
use crate::label::problems::Fault;

/// Type of a piece of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    /// A time literal or `duration`: compares with times only.
    Time,
    /// A column of nanoseconds: compares with times and with numbers.
    Nanoseconds,
    Text,
}

impl Kind {
    pub(super) fn show(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Time => "a length of time",
            Self::Nanoseconds => "a number of nanoseconds",
            Self::Text => "a text",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Nanoseconds | Self::Null)
    }

    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Nanoseconds | Self::Null)
    }

    pub(super) fn compares_with(self, other: Kind) -> bool {
        self == other
            || self == Self::Null
            || other == Self::Null
            || (self.is_number() && other.is_number())
            || (self.is_time() && other.is_time())
    }
}

/// The type of a column: nanoseconds are told by their name.
pub(super) fn kind_of(name: &str, column: ColumnType) -> Kind {
    match column {
        ColumnType::Integer if name.to_lowercase().ends_with("_ns") => Kind::Nanoseconds,
        ColumnType::Integer | ColumnType::Float => Kind::Number,
        ColumnType::Text => Kind::Text,
        ColumnType::Boolean => Kind::Boolean,
    }
}

/// The type of what an operator makes of two values; `None` if it cannot join them.
pub(super) fn calculated(operator: Operator, left: Kind, right: Kind) -> Option<Kind> {
    let times = left.is_time() && right.is_time();
    let any_time = left == Kind::Time || right == Kind::Time;
    match operator {
        Operator::Add | Operator::Subtract if times && any_time => Some(Kind::Time),
        Operator::Divide if times => Some(Kind::Number),
        Operator::Multiply | Operator::Divide if left == Kind::Time && right.is_number() => {
            Some(Kind::Time)
        }
        Operator::Multiply if right == Kind::Time && left.is_number() => Some(Kind::Time),
        _ if left.is_number() && right.is_number() => {
            let both = left == Kind::Nanoseconds && right == Kind::Nanoseconds;
            Some(if both {
                Kind::Nanoseconds
            } else {
                Kind::Number
            })
        }
        _ => None,
    }
}

/// Refuses what `and`, `or` and `not` cannot work on.
pub(super) fn boolean(kind: Kind, word: &str) -> Result<(), Fault> {
    if matches!(kind, Kind::Boolean | Kind::Null) {
        return Ok(());
    }
    Err(Fault::new(
        0,
        format!(
            "`{}` joins conditions, and this is {}",
            word.to_lowercase(),
            kind.show()
        ),
    ))
}

/// Refuses to compare what never is equal.
pub(super) fn comparable(left: Kind, right: Kind) -> Result<(), Fault> {
    if left.compares_with(right) {
        return Ok(());
    }
    let fault = Fault::new(
        0,
        format!("{} cannot be compared with {}", left.show(), right.show()),
    );
    Err(match (left, right) {
        (Kind::Time, Kind::Number) | (Kind::Number, Kind::Time) => {
            fault.help("a length of time needs its unit, as in `199.8 ms`, and a column of time")
        }
        (Kind::Text, _) | (_, Kind::Text) => {
            fault.help("text stands in single quotes, numbers do not")
        }
        _ => fault,
    })
}
