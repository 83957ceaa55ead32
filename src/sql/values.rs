//! What Polars calculates otherwise than DuckDB, or cannot read, in any part of a query.

use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlparser::ast::{BinaryOperator, CastKind, Expr, TypedString, Value, visit_expressions};

use super::functions;
use super::parts::column;
use super::rewrite::{as_elsewhere, call, replace};
use super::select::Known;

/// Rewrites an expression whose parts are rewritten already.
pub(super) fn rewrite(expression: &mut Expr, known: &Known) {
    times(expression, known);
    exponent(expression);
    halves(expression);
    truth(expression);
    rounded(expression, known);
    as_elsewhere(expression);
    of_dates(expression);
}

/// Parts of dates are small integers, which would wrap.
fn of_dates(expression: &mut Expr) {
    let field = match &*expression {
        Expr::Extract { field, .. } => field.to_string(),
        other => match call(other) {
            Some((name, arguments)) if name == "date_part" => arguments.join(","),
            _ => return,
        },
    };
    if !field.to_ascii_lowercase().contains("epoch") {
        let wide = format!("CAST({expression} AS BIGINT)");
        replace(expression, &wide);
    }
}

/// `round(2.5)` is 3, and not the nearest even number.
fn halves(expression: &mut Expr) {
    let Some((name, arguments)) = call(expression) else {
        return;
    };
    let digits = match (name.as_str(), arguments.get(1)) {
        ("round", None) => Some(0),
        ("round", Some(digits)) => digits.parse::<u8>().ok(),
        _ => None,
    };
    let (Some(x), Some(digits)) = (arguments.first(), digits) else {
        return;
    };
    let scale = 10f64.powi(digits.into());
    let text = format!("(sign({x}) * floor(abs({x}) * {scale:.1} + 0.5) / {scale:.1})");
    replace(expression, &text);
}

/// `x IS NOT TRUE` holds where x has no value.
fn truth(expression: &mut Expr) {
    let text = match expression {
        Expr::IsNotTrue(inner) => format!("coalesce(NOT ({inner}), TRUE)"),
        Expr::IsNotFalse(inner) => format!("coalesce(({inner}), TRUE)"),
        _ => return,
    };
    replace(expression, &text);
}

/// Numbers become integers by rounding, not by cutting.
fn rounded(expression: &mut Expr, known: &Known) {
    if let Expr::Cast {
        expr, data_type, ..
    } = expression
        && is_integer(&data_type.to_string())
        && may_have_fractions(expr, known)
    {
        let round = format!("round({expr})");
        replace(expr, &round);
    }
}

fn is_integer(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "INT", "BIGINT", "SMALLINT", "TINYINT", "UINT", "UBIGINT", "HUGEINT",
    ]
    .iter()
    .any(|integer| name.starts_with(integer))
        && !name.starts_with("INTERVAL")
}

fn may_have_fractions(expression: &Expr, known: &Known) -> bool {
    const MAKE_FRACTIONS: [&str; 13] = [
        "avg",
        "median",
        "quantile_cont",
        "stddev",
        "variance",
        "var_samp",
        "sqrt",
        "ln",
        "log2",
        "log10",
        "exp",
        "pow",
        "power",
    ];
    let found = visit_expressions(expression, |inner| {
        let fractions = match inner {
            Expr::BinaryOp { op, .. } => *op == BinaryOperator::Divide,
            Expr::Value(value) => {
                matches!(&value.value, Value::Number(text, _) if text.contains(['.', 'e', 'E']))
            }
            Expr::Function(function) => {
                MAKE_FRACTIONS.contains(&functions::name(function).as_str())
            }
            other => column(other).is_some_and(|name| known.floats.contains(&name)),
        };
        match fractions {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

/// Gives the texts that times are compared with the form that Polars reads.
fn times(expression: &mut Expr, known: &Known) {
    let is_time =
        |expression: &Expr| column(expression).is_some_and(|name| known.times.contains(&name));
    match expression {
        Expr::BinaryOp { left, right, .. } => {
            if is_time(left) {
                text(right);
            } else if is_time(right) {
                text(left);
            }
        }
        Expr::Between {
            expr, low, high, ..
        } if is_time(expr) => {
            text(low);
            text(high);
        }
        _ => {}
    }
}

/// `1e9` is written as `1000000000.0`, which Polars can read.
fn exponent(expression: &mut Expr) {
    if let Expr::Value(value) = expression
        && let Value::Number(text, _) = &mut value.value
        && text.contains(['e', 'E'])
        && let Ok(number) = text.parse::<f64>()
    {
        let digits = number.to_string();
        let point = if digits.contains('.') { "" } else { ".0" };
        *text = format!("{digits}{point}");
    }
}

/// `'2026-05-04T10:20:00+02:00'`, `TIMESTAMP '2026-05-04 08:20:00'` or a CAST of such to `'2026-05-04 08:20:00'`, in UTC.
fn text(expression: &mut Expr) {
    let value = match &*expression {
        Expr::Value(value) => &value.value,
        Expr::TypedString(TypedString { value, .. }) => &value.value,
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            ..
        } => match expr.as_ref() {
            Expr::Value(value) => &value.value,
            _ => return,
        },
        _ => return,
    };
    let Value::SingleQuotedString(text) = value else {
        return;
    };
    let form = match text.parse::<Timestamp>() {
        Ok(time) => {
            let time = TimeZone::UTC.to_datetime(time);
            format!("{} {}", time.date(), time.time())
        }
        Err(_) => text.clone(),
    };
    *expression = Expr::value(Value::SingleQuotedString(form));
}
