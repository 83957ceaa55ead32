//! A SELECT as Polars has to be given it, so that it answers as DuckDB does.
//!
//! Results without a name have that of their expression, and not that of the column within, which two of them may have. Times
//! are compared with texts in the one form that Polars knows. What cannot be parsed is passed on as it is.

use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlparser::ast::{
    CastKind, Expr, Ident, OrderBy, OrderByKind, SelectItem, SetExpr, Statement, TypedString,
    Value, visit_expressions_mut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::error::{Error, Result};

/// Rewrites a query; `is_time` tells columns of times by their names. What is no query is an error.
pub(super) fn rewrite(sql: &str, is_time: impl Fn(&str) -> bool) -> Result<String> {
    let Ok(mut statements) = Parser::parse_sql(&GenericDialect, sql) else {
        return Ok(sql.to_owned());
    };
    let [Statement::Query(query)] = &mut statements[..] else {
        return Err(Error::new("this is no single SELECT").help(
            "an output is read by one SELECT, and never changed; `netcap tables` lists tables, `netcap tables TABLE` columns",
        ));
    };
    if let SetExpr::Select(select) = query.body.as_mut() {
        for item in &mut select.projection {
            name(item);
        }
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = &mut query.order_by
        {
            for key in keys {
                of_result(&mut key.expr, &select.projection);
            }
        }
    }
    let _ = visit_expressions_mut(query, |expression| {
        times(expression, &is_time);
        exponent(expression);
        ControlFlow::<()>::Continue(())
    });
    Ok(query.to_string())
}

/// Gives a result the name that DuckDB gives it.
fn name(item: &mut SelectItem) {
    let SelectItem::UnnamedExpr(expression) = item else {
        return;
    };
    if matches!(
        expression,
        Expr::Identifier(_) | Expr::CompoundIdentifier(_)
    ) {
        return;
    }
    let text = expression.to_string();
    let alias = match text.to_ascii_lowercase().as_str() {
        "count(*)" => "count_star()".to_owned(),
        _ => text,
    };
    *item = SelectItem::ExprWithAlias {
        expr: expression.clone(),
        alias: Ident::with_quote('"', alias),
    };
}

/// What a result is made of stands for that result: rows in the order of `sum(bytes)`, which was selected.
fn of_result(expression: &mut Expr, results: &[SelectItem]) {
    let alias = results.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if expr == expression => Some(alias),
        _ => None,
    });
    if let Some(alias) = alias {
        *expression = Expr::Identifier(alias.clone());
    }
}

/// Gives the texts that times are compared with the form that Polars reads.
fn times(expression: &mut Expr, is_time: &impl Fn(&str) -> bool) {
    match expression {
        Expr::BinaryOp { left, right, .. } => {
            if is_column(left, is_time) {
                text(right);
            } else if is_column(right, is_time) {
                text(left);
            }
        }
        Expr::Between {
            expr, low, high, ..
        } if is_column(expr, is_time) => {
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

fn is_column(expression: &Expr, is_time: &impl Fn(&str) -> bool) -> bool {
    match expression {
        Expr::Identifier(ident) => is_time(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|last| is_time(&last.value)),
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn results_have_names_and_times_one_form() {
        let sql = |text: &str| rewrite(text, |name| name == "ts").unwrap();
        for (given, wanted) in [
            (
                "SELECT a, t.b, c AS d FROM t",
                "SELECT a, t.b, c AS d FROM t",
            ),
            (
                "SELECT count(*), min(ts), max(ts) FROM t",
                "SELECT count(*) AS \"count_star()\", min(ts) AS \"min(ts)\", max(ts) AS \"max(ts)\" FROM t",
            ),
            (
                "SELECT a FROM t WHERE ts > '2026-05-04T10:20:00.5+02:00' AND f.ts < TIMESTAMP '2026-05-04 10:00:00'",
                "SELECT a FROM t WHERE ts > '2026-05-04 08:20:00.5' AND f.ts < '2026-05-04 10:00:00'",
            ),
            (
                "SELECT a FROM t WHERE ts BETWEEN '2026-05-04'::timestamp AND CAST('2026-05-05' AS DATE)",
                "SELECT a FROM t WHERE ts BETWEEN '2026-05-04' AND '2026-05-05'",
            ),
            (
                "SELECT a FROM t WHERE b = '2026-05-04T10:20:00Z'",
                "SELECT a FROM t WHERE b = '2026-05-04T10:20:00Z'",
            ),
            (
                "SELECT a, sum(b) FROM t GROUP BY a ORDER BY sum(b) DESC, a",
                "SELECT a, sum(b) AS \"sum(b)\" FROM t GROUP BY a ORDER BY \"sum(b)\" DESC, a",
            ),
            (
                "SELECT a / 1e3 + 2.5E-1 AS b FROM t",
                "SELECT a / 1000.0 + 0.25 AS b FROM t",
            ),
            ("SELEC", "SELEC"),
        ] {
            assert_eq!(sql(given), wanted);
        }
    }
}
