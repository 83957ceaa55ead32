//! Expressions as Polars has to be given them, so that it calculates what DuckDB and Spark do.
//!
//! The remainder of Polars has the sign of the divisor, theirs that of the dividend; its powers of integers know no negative exponents; and it
//! multiplies by the reciprocal of a constant divisor, which is off by one in the last place. What cannot be parsed is passed on as it is.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Value,
    visit_expressions_mut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// An expression, rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) sql: String,
    /// Divisors that are to be columns of their own, see [`divisor_column`].
    pub(super) divisors: BTreeSet<u64>,
}

/// The column that has a divisor in each row.
pub(super) fn divisor_column(divisor: u64) -> String {
    format!("divisor_{divisor}")
}

/// Rewrites an expression. Of many rows (`grouped`), only what is inside of an aggregate can have a column of divisors.
pub(super) fn rewrite(sql: &str, grouped: bool) -> Rewritten {
    let mut out = Rewritten {
        sql: sql.to_owned(),
        divisors: BTreeSet::new(),
    };
    let Some(mut expression) = parse(sql) else {
        return out;
    };
    // From the inside out, so that what is put in is not visited again.
    let _ = visit_expressions_mut(&mut expression, |expression| {
        as_elsewhere(expression);
        if !grouped {
            divisor(expression, &mut out.divisors);
        } else if is_aggregate(expression) {
            let _ = visit_expressions_mut(expression, |inner| {
                divisor(inner, &mut out.divisors);
                ControlFlow::<()>::Continue(())
            });
        }
        ControlFlow::<()>::Continue(())
    });
    out.sql = expression.to_string();
    out
}

pub(super) fn parse(sql: &str) -> Option<Expr> {
    let parser = Parser::new(&GenericDialect).try_with_sql(sql);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}

fn is_aggregate(expression: &Expr) -> bool {
    let Expr::Function(function) = expression else {
        return false;
    };
    let name = function.name.to_string().to_ascii_lowercase();
    matches!(name.as_str(), "max" | "min" | "sum" | "count")
}

/// A constant divisor becomes a column.
fn divisor(expression: &mut Expr, divisors: &mut BTreeSet<u64>) {
    if let Expr::BinaryOp {
        op: BinaryOperator::Divide,
        right,
        ..
    } = expression
        && let Expr::Value(value) = right.as_ref()
        && let Value::Number(text, _) = &value.value
        && let Ok(divisor) = text.parse::<u64>()
    {
        divisors.insert(divisor);
        **right = Expr::Identifier(Ident::new(divisor_column(divisor)));
    }
}

/// Operations that are written otherwise.
pub(super) fn as_elsewhere(expression: &mut Expr) {
    let Some((name, arguments)) = call(expression) else {
        return;
    };
    let text = match (name.as_str(), &arguments[..]) {
        // Polars counts in 32 bits without a sign.
        ("count" | "length" | "row_number", _) => format!("CAST({expression} AS BIGINT)"),
        ("mod", [x, y]) => format!("(sign({x}) * mod(abs({x}), abs({y})))"),
        ("pow" | "power", [x, y]) => format!("pow(cast({x} as double), cast({y} as double))"),
        _ => return,
    };
    replace(expression, &text);
}

/// Puts what a text says in the place of an expression.
pub(super) fn replace(expression: &mut Expr, text: &str) {
    if let Some(parsed) = parse(text) {
        *expression = parsed;
    }
}

/// The name and the arguments of a function, or of what is short for one.
pub(super) fn call(expression: &Expr) -> Option<(String, Vec<String>)> {
    if let Expr::BinaryOp {
        left,
        op: BinaryOperator::Modulo,
        right,
    } = expression
    {
        return Some((
            "mod".to_owned(),
            vec![format!("({left})"), format!("({right})")],
        ));
    }
    let Expr::Function(Function { name, args, .. }) = expression else {
        return None;
    };
    let FunctionArguments::List(list) = args else {
        return None;
    };
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression.to_string()),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some("*".to_owned()),
        _ => None,
    });
    Some((
        name.to_string().to_ascii_lowercase(),
        arguments.collect::<Option<_>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn what_polars_does_otherwise_is_rewritten() {
        let sql = |text: &str| rewrite(text, false).sql;
        assert_eq!(sql("a + 1"), "a + 1");
        assert_eq!(sql("mod(a, 7)"), "(sign(a) * mod(abs(a), abs(7)))");
        assert_eq!(
            sql("POW(a, mod(b, 2))"),
            "pow(CAST(a AS DOUBLE), CAST((sign(b) * mod(abs(b), abs(2))) AS DOUBLE))"
        );
        let text = "a / nullif(b / 1000, 0) + c / 1000 + d / 2";
        let rewritten = rewrite(text, false);
        assert_eq!(
            rewritten.sql,
            "a / nullif(b / divisor_1000, 0) + c / divisor_1000 + d / divisor_2"
        );
        assert_eq!(
            rewritten.divisors.into_iter().collect::<Vec<_>>(),
            [2, 1000]
        );
        let text = "max(a / 1000) / 1000";
        assert_eq!(rewrite(text, true).sql, "max(a / divisor_1000) / 1000");
        assert_eq!(sql("a +"), "a +");
    }
}
