//! Which queries are answered: those that Polars answers as DuckDB does. Others are refused, with what to do, since a wrong answer is
//! worse than none.
//!
//! `tests/interop/queries.py` asks both with each of the functions that there are.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Function, GroupByExpr, Join, JoinConstraint, JoinOperator,
    Query, Select, SelectItem, Visit, Visitor, WindowType,
};

use super::functions::{AGGREGATES, IN_WINDOWS, OF_ROWS, OF_WINDOWS, name};
use super::parts::{Parts, adds_rows, column, conjuncts, is_aggregate, joins_columns};
use super::select::Known;
use crate::error::{Error, Result};

const DUCKDB: &str = "DuckDB with views.sql of the output has more";

/// Refuses what would be answered wrongly.
pub(super) fn check(query: &Query, known: &Known) -> Result<()> {
    // What single expressions are comes before what they are together.
    let mut found = query.visit(&mut Checks(known));
    if found.is_continue() {
        found = query.visit(&mut Clauses(known));
    }
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Checks<'a>(&'a Known);

impl Visitor for Checks<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Error> {
        broken(match expression {
            Expr::Function(function) => check_function(function, self.0),
            Expr::BinaryOp {
                op: BinaryOperator::DuckIntegerDivide,
                ..
            } => refused("for //; floor(a / b) has it, of positive numbers"),
            Expr::Cast {
                kind: CastKind::TryCast,
                ..
            } => refused("for TRY_CAST"),
            Expr::Position { .. } => refused("for position"),
            Expr::Interval(interval) if interval.value.to_string().contains('.') => {
                refused("for parts of units; write an INTERVAL in a smaller unit")
            }
            // It would be the whole text.
            Expr::Substring {
                substring_from: Some(from),
                ..
            } if from.to_string().starts_with('-') => {
                refused("for substr from the end; right(…) has it")
            }
            Expr::Extract { field, .. } => check_field(&field.to_string()),
            Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => {
                refused("GROUP BY several sets")
            }
            Expr::Tuple(_) | Expr::SimilarTo { .. } | Expr::RLike { .. } => {
                refused(&format!("\"{expression}\""))
            }
            _ => Ok(()),
        })
    }
}

struct Clauses<'a>(&'a Known);

impl Visitor for Clauses<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        let hidden = tables.map(|table| &table.alias.name.value);
        match hidden
            .into_iter()
            .find(|name| self.0.tables.contains(*name))
        {
            // The engine would take the table.
            Some(name) => broken(Err(Error::new(format!(
                "the WITH table {name} has the name of a table of the output"
            ))
            .help("give it another name"))),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        broken(check_select(select))
    }
}

fn broken(checked: Result<()>) -> ControlFlow<Error> {
    match checked {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn refused(what: &str) -> Result<()> {
    Err(Error::new(format!("`netcap query` does not answer {what}")).help(DUCKDB))
}

/// Parts of a second are cut or not, by the engine.
fn check_field(field: &str) -> Result<()> {
    match field.to_ascii_lowercase().contains("milli") {
        true => refused("for milliseconds, but for microseconds"),
        false => Ok(()),
    }
}

/// Forms of times that both have alike.
fn check_form(arguments: &str) -> Result<()> {
    const ALIKE: &str = "YmdHMSjaAbBpIyuU%";
    let mut forms = arguments.split('%').skip(1);
    let other = forms.find(|form| form.chars().next().is_some_and(|c| !ALIKE.contains(c)));
    match other.and_then(|form| form.chars().next()) {
        Some(form) => refused(&format!("for %{form} in strftime")),
        None => Ok(()),
    }
}

/// An aggregate of a constant sees one row, and one of another aggregate none.
fn check_aggregate(function: &Function, name: &str, arguments: &str) -> Result<()> {
    let mut parts = Parts::default();
    let _ = function.args.visit(&mut parts);
    if parts.aggregates {
        return refused(&format!(
            "for {name}{arguments}, a value of groups of groups; put the inner ones into a WITH"
        ));
    }
    match parts.columns.is_empty() && name != "count" {
        true => refused(&format!("for {name}{arguments}, which names no column")),
        false => Ok(()),
    }
}

fn check_function(function: &Function, columns: &Known) -> Result<()> {
    let name = name(function);
    let known = |list: &[&str]| list.contains(&name.as_str());
    let Some(over) = &function.over else {
        if known(&OF_WINDOWS) {
            return Err(Error::new(format!("{name} has to have a window")).help("write OVER (…)"));
        }
        let arguments = function.args.to_string();
        if known(&AGGREGATES) {
            return check_aggregate(function, &name, &arguments);
        }
        if known(&OF_ROWS) {
            return match name.as_str() {
                "date_part" => check_field(&arguments),
                "strftime" => check_form(&arguments),
                _ => Ok(()),
            };
        }
        let all = AGGREGATES.iter().chain(&OF_ROWS).copied();
        let near = crate::text::nearest(&name, all);
        let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
        return Err(Error::new(format!("`netcap query` has no function {name}"))
            .help(format!("{near}{DUCKDB}")));
    };
    if known(&IN_WINDOWS) {
        return match over {
            WindowType::WindowSpec(spec)
                if spec.order_by.is_empty()
                    && spec.window_frame.is_none()
                    && function.filter.is_none() =>
            {
                Ok(())
            }
            _ => refused("sums and the like over windows with an order or a frame"),
        };
    }
    match over {
        WindowType::WindowSpec(spec) if known(&OF_WINDOWS) && spec.window_frame.is_none() => {
            let has_values =
                |key: &Expr| column(key).is_some_and(|name| columns.full.contains(&name));
            match spec.order_by.iter().all(|key| has_values(&key.expr)) {
                true => Ok(()),
                // They come last everywhere else.
                false => refused("windows in the order of what may have no value in some rows"),
            }
        }
        _ => refused(&format!("{name} over a window")),
    }
}

fn check_select(select: &Select) -> Result<()> {
    for join in select.from.iter().flat_map(|from| &from.joins) {
        check_join(join)?;
        let is_all = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_));
        if select.projection.iter().any(is_all) {
            return refused(
                "for * over several tables, which have columns of one name; name columns, or a table as in f.*",
            );
        }
    }
    if select.selection.as_ref().is_some_and(is_aggregate) {
        return Err(
            Error::new("WHERE is about single rows, and has a value of many")
                .help("say it in HAVING, or compare with a SELECT in a WITH that is joined"),
        );
    }
    let items = select.projection.iter();
    let parts: Vec<(Option<&Expr>, Parts)> = items
        .map(|item| match item {
            SelectItem::UnnamedExpr(expression) => (Some(expression), Parts::of(expression)),
            SelectItem::ExprWithAlias { expr, .. } => (Some(expr), Parts::of(expr)),
            // All columns.
            _ => (None, Parts::all_columns()),
        })
        .collect();
    let grouped: Vec<Group<'_>> = match &select.group_by {
        GroupByExpr::All(_) => parts
            .iter()
            .filter(|(_, parts)| !parts.aggregates)
            .filter_map(|(expression, _)| *expression)
            .map(Group::Expression)
            .collect(),
        GroupByExpr::Expressions(keys, _) => keys.iter().map(|key| group(key, select)).collect(),
    };
    let has_groups = !grouped.is_empty() || matches!(select.group_by, GroupByExpr::All(_));
    if !has_groups && !parts.iter().any(|(_, parts)| parts.aggregates) {
        return Ok(());
    }
    for (expression, parts) in &parts {
        if parts.windows {
            return Err(
                Error::new("`netcap query` does not answer windows over groups")
                    .help("put the groups into a WITH, and the window into the SELECT over it"),
            );
        }
        let is_key =
            expression.is_some_and(|expression| grouped.iter().any(|key| key.is(expression)));
        if is_key {
            continue;
        }
        let is_grouped = |column: &&String| grouped.iter().any(|key| key.has(column));
        if let Some(column) = parts.columns.iter().find(|column| !is_grouped(column)) {
            return Err(Error::new(format!(
                "{column} has a value for each row, and the result has a row for each group"
            ))
            .help("name it in GROUP BY, or take min or max of it"));
        }
    }
    Ok(())
}

/// What rows are grouped by.
enum Group<'a> {
    Expression(&'a Expr),
    /// A name that no result has.
    Column(String),
}

impl Group<'_> {
    fn is(&self, expression: &Expr) -> bool {
        matches!(self, Self::Expression(key) if *key == expression)
            || matches!(self, Self::Column(name) if column(expression).as_ref() == Some(name))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Expression(key) => column(key).is_some_and(|key| key == name),
            Self::Column(column) => column == name,
        }
    }
}

/// A key of GROUP BY: an expression, the number of a result, or its name.
fn group<'a>(key: &'a Expr, select: &'a Select) -> Group<'a> {
    let place: Option<usize> = key.to_string().parse().ok();
    let name = column(key);
    let mut results = select.projection.iter().enumerate();
    let found = results.find_map(|(i, item)| match item {
        SelectItem::UnnamedExpr(expr) => (place == Some(i + 1)).then_some(expr),
        SelectItem::ExprWithAlias { expr, alias } => {
            (place == Some(i + 1) || name.as_ref() == Some(&alias.value)).then_some(expr)
        }
        _ => None,
    });
    match (found, name) {
        (Some(expression), _) => Group::Expression(expression),
        (None, Some(name)) => Group::Column(name),
        (None, None) => Group::Expression(key),
    }
}

/// Tables are joined by columns that are equal: of other conditions, Polars takes columns from the wrong table.
fn check_join(join: &Join) -> Result<()> {
    let constraint = match &join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => constraint,
        _ => {
            return refused("joins of this kind");
        }
    };
    let JoinConstraint::On(condition) = constraint else {
        return match adds_rows(join) {
            // The columns in common would be those of the left side alone.
            true => refused("RIGHT and FULL joins but by ON a.flow = b.flow"),
            false => Ok(()),
        };
    };
    for part in conjuncts(condition) {
        if !joins_columns(part) {
            return Err(Error::new(format!(
                "`netcap query` joins tables by columns that are equal, and \"{part}\" is something else"
            ))
            .help(format!("write the table of each column, as in a.flow = b.flow, and what is more, into WHERE if the join is an inner one; {DUCKDB}")));
        }
    }
    Ok(())
}
