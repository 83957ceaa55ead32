//! What a condition is worth in one flow: SQL's logic of three values.

use std::cmp::Ordering;

use super::{Comparison, Expr, Operator};
use crate::label::columns::Value;

impl Expr {
    /// The value in a flow. Types were checked before; what still does not fit is NULL.
    pub(super) fn value<'v, 'r: 'v>(
        &'v self,
        row: &dyn Fn(usize) -> Value<'r>,
        reversed: bool,
    ) -> Value<'v> {
        let of = |expr: &'v Expr| expr.value(row, reversed);
        let truth = |expr: &'v Expr| boolean(expr.value(row, reversed));
        match self {
            Expr::Null => Value::Null,
            Expr::Boolean(value) => Value::Boolean(*value),
            Expr::Integer(value) => Value::Integer(*value),
            Expr::Float(value) => Value::Float(*value),
            Expr::Text(value) => Value::Text(value),
            Expr::Column { forward, reverse } => row(if reversed { *reverse } else { *forward }),
            Expr::Not(inner) => value(truth(inner).map(|truth| !truth)),
            Expr::And(left, right) => match truth(left) {
                Some(false) => Value::Boolean(false),
                known => match (known, truth(right)) {
                    (_, Some(false)) => Value::Boolean(false),
                    (Some(true), Some(true)) => Value::Boolean(true),
                    _ => Value::Null,
                },
            },
            Expr::Or(left, right) => match truth(left) {
                Some(true) => Value::Boolean(true),
                known => match (known, truth(right)) {
                    (_, Some(true)) => Value::Boolean(true),
                    (Some(false), Some(false)) => Value::Boolean(false),
                    _ => Value::Null,
                },
            },
            Expr::Compare(comparison, left, right) => {
                value(compare(of(left), of(right)).map(|order| comparison.accepts(order)))
            }
            Expr::Calculate(operator, left, right) => calculate(*operator, of(left), of(right)),
            Expr::In(inner, list, negated) => {
                let wanted = of(inner);
                let mut found = Some(false);
                for item in list {
                    match compare(wanted, of(item)) {
                        Some(Ordering::Equal) => {
                            found = Some(true);
                            break;
                        }
                        Some(_) => {}
                        // Not found so far, and this one cannot be told.
                        None => found = None,
                    }
                }
                value(found.map(|found| found != *negated))
            }
            Expr::Between(inner, low, high, negated) => {
                let inner = of(inner);
                let above = compare(inner, of(low)).map(Ordering::is_ge);
                let below = compare(inner, of(high)).map(Ordering::is_le);
                let inside = match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                value(inside.map(|inside| inside != *negated))
            }
            Expr::IsNull(inner, negated) => Value::Boolean((of(inner) == Value::Null) != *negated),
        }
    }
}

impl Comparison {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn boolean(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(value),
        _ => None,
    }
}

fn value<'a>(truth: Option<bool>) -> Value<'a> {
    truth.map_or(Value::Null, Value::Boolean)
}

fn compare(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(&b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(&b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => double(left)?.partial_cmp(&double(right)?),
    }
}

/// SQL compares an integer with a double as doubles.
#[allow(clippy::cast_precision_loss, reason = "as the SQL engines do")]
fn double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => None,
    }
}

fn calculate<'a>(operator: Operator, left: Value<'_>, right: Value<'_>) -> Value<'a> {
    if let (Value::Integer(a), Value::Integer(b)) = (left, right)
        && operator != Operator::Divide
    {
        let result = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply | Operator::Divide => a.checked_mul(b),
        };
        return result.map_or(Value::Null, Value::Integer);
    }
    let (Some(a), Some(b)) = (double(left), double(right)) else {
        return Value::Null;
    };
    match operator {
        Operator::Add => Value::Float(a + b),
        Operator::Subtract => Value::Float(a - b),
        Operator::Multiply => Value::Float(a * b),
        // The engines disagree on a division by zero; NULL is what `nullif` would make of it.
        Operator::Divide if b == 0.0 => Value::Null,
        Operator::Divide => Value::Float(a / b),
    }
}
