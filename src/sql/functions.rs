//! The functions that queries may have.

use sqlparser::ast::{Expr, Function};

/// Functions of many rows.
pub(super) const AGGREGATES: [&str; 18] = [
    "avg",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first",
    "last",
    "max",
    "median",
    "min",
    "quantile_cont",
    "quantile_disc",
    "stddev",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_samp",
    "variance",
];
/// Functions of one row.
pub(super) const OF_ROWS: [&str; 48] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "cbrt",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "date_part",
    "degrees",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "if",
    "ifnull",
    "least",
    "left",
    "length",
    "ln",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "mod",
    "nullif",
    "pi",
    "pow",
    "power",
    "radians",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sign",
    "sin",
    "split_part",
    "sqrt",
    "starts_with",
    "strftime",
    "substr",
    "tan",
    "upper",
];
/// Functions that are about other rows, in a window.
pub(super) const OF_WINDOWS: [&str; 3] = ["lag", "lead", "row_number"];
/// Aggregates that may have a window.
pub(super) const IN_WINDOWS: [&str; 5] = ["avg", "count", "max", "min", "sum"];

/// The name of a function, in small letters.
pub(super) fn name(function: &Function) -> String {
    function.name.to_string().to_ascii_lowercase()
}

/// Whether an expression is a call of a function of many rows, and not over a window.
pub(super) fn is_call_of_many(expression: &Expr) -> bool {
    matches!(expression, Expr::Function(f) if f.over.is_none() && AGGREGATES.contains(&name(f).as_str()))
}
