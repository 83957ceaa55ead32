//! A SELECT as Polars has to be given it, so that it answers as DuckDB does.
//!
//! What it would answer otherwise even so is refused (`answered`). Here are its clauses: joins, groups, the order of rows without a
//! value; results have a file of their own (`results`), and so has what expressions are made of (`values`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, SchemaRef};
use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, JoinConstraint, JoinOperator, OrderBy, OrderByExpr,
    OrderByKind, Query, Select, SelectItem, SetExpr, Statement, Value, VisitMut, VisitorMut,
    visit_expressions_mut, visit_relations,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::answered::check;
use super::functions::is_call_of_many;
use super::parts::{
    adds_rows, column, conjuncts, is_about_keys, is_aggregate, joins_columns, mixes,
};
use super::results::{named, ordered_as_a_whole};
use super::rewrite::parse;
use super::values;
use crate::error::{Error, Result};

/// What is known of the columns of the tables that a query names, by their names.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// They are times.
    pub(super) times: BTreeSet<String>,
    /// They may have fractions.
    pub(super) floats: BTreeSet<String>,
    /// They have a value in each row.
    pub(super) full: BTreeSet<String>,
    /// All of them.
    pub(super) all: BTreeSet<String>,
    /// The tables of the output.
    pub(super) tables: BTreeSet<String>,
}

impl Known {
    fn of(query: &Query, tables: &BTreeMap<String, SchemaRef>) -> Self {
        let mut known = Self {
            tables: tables.keys().cloned().collect(),
            ..Self::default()
        };
        let mut nullable = BTreeSet::new();
        let _ = visit_relations(query, |name| {
            let name = name.0.last().and_then(|part| part.as_ident());
            let fields = name.and_then(|name| tables.get(&name.value));
            for field in fields.into_iter().flat_map(|schema| schema.fields()) {
                let name = || field.name().clone();
                known.all.insert(name());
                if field.is_nullable() {
                    nullable.insert(name());
                }
                match field.data_type() {
                    DataType::Timestamp(..) => known.times.insert(name()),
                    DataType::Float64 => known.floats.insert(name()),
                    _ => false,
                };
            }
            ControlFlow::<()>::Continue(())
        });
        known.full = known.all.difference(&nullable).cloned().collect();
        known
    }
}

/// Rewrites a query over tables of these schemas.
///
/// # Errors
/// What is no query, and what would be answered wrongly.
pub(super) fn rewrite(sql: &str, tables: &BTreeMap<String, SchemaRef>) -> Result<String> {
    let mut query = one_query(sql)?;
    let known = &Known::of(&query, tables);
    let _ = query.visit(&mut Conditions);
    check(&query, known)?;
    query = match query.body.as_ref() {
        SetExpr::Select(_) => named(query, known)?,
        SetExpr::SetOperation { .. } => ordered_as_a_whole(query)?,
        _ => query,
    };
    let _ = query.visit(&mut Rewriter(known));
    Ok(query.to_string())
}

/// How many words and signs a query has, but for values, commas and blanks; none if it cannot even be taken apart.
pub(super) fn words(sql: &str) -> usize {
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize();
    let counts = |token: &&Token| {
        !matches!(
            token,
            Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)
        )
    };
    tokens.map_or(0, |tokens| tokens.iter().filter(counts).count())
}

/// Whether a text is one condition, and nothing more.
pub fn check_condition(sql: &str) -> Result<()> {
    let told = |e: &dyn std::fmt::Display| Error::new(format!("\"{sql}\" is no condition: {e}"));
    let mut parser = Parser::new(&GenericDialect)
        .try_with_sql(sql)
        .map_err(|e| told(&e))?;
    parser.parse_expr().map_err(|e| told(&e))?;
    match parser.peek_token().token {
        Token::EOF => Ok(()),
        more => Err(told(&format!("it goes on with {more}"))),
    }
}

pub(super) fn one_query(sql: &str) -> Result<Query> {
    let mut statements = Parser::parse_sql(&GenericDialect, sql).map_err(|e| {
        let told = e.to_string();
        let told = told.strip_prefix("sql parser error: ").unwrap_or(&told);
        Error::new(format!("this is no SQL: {told}"))
    })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(*query),
        _ => Err(Error::new("this is no single SELECT").help(
            "an output is read by one SELECT, and never changed; `netcap tables` lists tables, `netcap tables TABLE` columns",
        )),
    }
}

/// Conditions of inner joins that are more than equal columns, and those of groups that are about their keys, are as
/// good in WHERE, where they are read rightly.
struct Conditions;

impl VisitorMut for Conditions {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let Some(having) = select.having.take() {
            let parts = conjuncts(&having).into_iter().cloned();
            let parts = parts.map(|part| of_results(part, select));
            let (of_keys, of_groups): (Vec<Expr>, Vec<Expr>) =
                parts.partition(|part| is_about_keys(part, select));
            select.having = of_groups.into_iter().reduce(and);
            and_where(select, of_keys);
        }
        // Rows that such a join adds would be lost.
        let joins = select.from.iter().flat_map(|from| &from.joins);
        if joins.into_iter().any(adds_rows) {
            return ControlFlow::Continue(());
        }
        let mut all = Vec::new();
        for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
            let (JoinOperator::Join(JoinConstraint::On(condition))
            | JoinOperator::Inner(JoinConstraint::On(condition))) = &mut join.join_operator
            else {
                continue;
            };
            let parts = conjuncts(condition).into_iter().cloned();
            let (joining, others): (Vec<Expr>, Vec<Expr>) = parts.partition(joins_columns);
            let Some(joining) = joining.into_iter().reduce(and) else {
                continue;
            };
            *condition = joining;
            all.extend(others);
        }
        and_where(select, all);
        ControlFlow::Continue(())
    }
}

fn and_where(select: &mut Select, conditions: Vec<Expr>) {
    if conditions.is_empty() {
        return;
    }
    let all = select.selection.take().into_iter().chain(conditions);
    select.selection = all.map(|part| Expr::Nested(Box::new(part))).reduce(and);
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    }
}

/// What Polars reads otherwise than DuckDB, wherever it stands.
struct Rewriter<'a>(&'a Known);

impl VisitorMut for Rewriter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = &mut query.order_by
        {
            keys.iter_mut().for_each(without_values_last);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        group_by_all(select);
        group_by_place(select);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                keys_of_groups(expr);
            }
        }
        select.having.iter_mut().for_each(keys_of_groups);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        values::rewrite(expression, self.0);
        ControlFlow::Continue(())
    }
}

/// Of a group, its keys are the values of its first row: the engine would make a list of those of all rows where they
/// stand beside a sum.
fn keys_of_groups(expression: &mut Expr) {
    if mixes(expression) {
        let _ = expression.visit(&mut Keys { within: 0 });
    }
}

struct Keys {
    /// How deep it is in aggregates and queries.
    within: usize,
}

impl VisitorMut for Keys {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        self.within += usize::from(is_call_of_many(expression));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if is_call_of_many(expression) {
            self.within -= 1;
        } else if self.within == 0
            && column(expression).is_some()
            && let Some(first) = parse(&format!("first({expression})"))
        {
            *expression = first;
        }
        ControlFlow::Continue(())
    }
}

/// A condition on groups, in which names of results that are made of many rows stand for what they are made of.
fn of_results(mut condition: Expr, select: &Select) -> Expr {
    let _ = visit_expressions_mut(&mut condition, |expression| {
        let made = column(expression).and_then(|name| {
            select.projection.iter().find_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias }
                    if alias.value == name && is_aggregate(expr) =>
                {
                    Some(expr.clone())
                }
                _ => None,
            })
        });
        if let Some(made) = made {
            *expression = Expr::Nested(Box::new(made));
        }
        ControlFlow::<()>::Continue(())
    });
    condition
}

fn without_values_last(key: &mut OrderByExpr) {
    key.options.nulls_first.get_or_insert(false);
}

/// GROUP BY ALL, with what it stands for: Polars does not know all functions of groups then.
fn group_by_all(select: &mut Select) {
    let GroupByExpr::All(modifiers) = &select.group_by else {
        return;
    };
    let keys = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            (!is_aggregate(expr)).then(|| expr.clone())
        }
        _ => None,
    });
    select.group_by = GroupByExpr::Expressions(keys.collect(), modifiers.clone());
}

/// Keys that are results with names, by their places: of two joined tables, columns of one name are not found otherwise,
/// and two keys of one column would have one name.
fn group_by_place(select: &mut Select) {
    let GroupByExpr::Expressions(keys, _) = &mut select.group_by else {
        return;
    };
    for key in keys {
        let place = select
            .projection
            .iter()
            .position(|item| matches!(item, SelectItem::ExprWithAlias { expr, .. } if expr == key));
        if let Some(place) = place {
            *key = Expr::value(Value::Number((place + 1).to_string(), false));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

    use super::rewrite;

    #[test]
    fn results_have_names_and_times_one_form() {
        let field = |(name, ty): (&str, DataType)| Field::new(name, ty, true);
        let columns = [
            ("ts", DataType::Timestamp(TimeUnit::Nanosecond, None)),
            ("rate", DataType::Float64),
            ("flow", DataType::Int64),
        ];
        let schema = Schema::new(columns.map(field).to_vec());
        let tables = [("t".to_owned(), Arc::new(schema))].into();
        let sql = |text: &str| rewrite(text, &tables).unwrap();
        for (given, wanted) in [
            (
                "SELECT a, t.b, c AS d FROM t",
                "SELECT a, t.b, c AS d FROM t",
            ),
            (
                "SELECT count(*), min(ts), max(ts) FROM t",
                "SELECT CAST(count(*) AS BIGINT) AS \"count_star()\", min(ts) AS \"min(ts)\", max(ts) AS \"max(ts)\" FROM t",
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
                "SELECT a, sum(b) AS \"sum(b)\" FROM t GROUP BY a ORDER BY \"sum(b)\" DESC NULLS LAST, a NULLS LAST",
            ),
            (
                "SELECT a / 1e3 + 2.5E-1 AS b FROM t",
                "SELECT a / 1000.0 + 0.25 AS b FROM t",
            ),
            (
                "SELECT a + B * 2, abs(b), a::text FROM t",
                "SELECT a + B * 2 AS \"(a + (B * 2))\", abs(b) AS \"abs(b)\", a::TEXT AS \"CAST(a AS TEXT)\" FROM t",
            ),
            (
                "SELECT a FROM t GROUP BY a ORDER BY count(*)",
                "SELECT \"a\" FROM (SELECT a, CAST(count(*) AS BIGINT) AS \"=0\" FROM t GROUP BY a) AS \"=groups\" ORDER BY \"=0\" NULLS LAST",
            ),
            (
                "SELECT a AS flow FROM t ORDER BY flow DESC LIMIT 3",
                "SELECT \"flow\" FROM (SELECT a AS flow FROM t) AS \"=groups\" ORDER BY flow DESC NULLS LAST LIMIT 3",
            ),
            (
                "SELECT count(*) AS n FROM t JOIN u ON t.a = u.a AND u.b = 1 WHERE t.c = 2 OR t.d",
                "SELECT CAST(count(*) AS BIGINT) AS n FROM t JOIN u ON t.a = u.a WHERE (t.c = 2 OR t.d) AND (u.b = 1)",
            ),
            (
                "SELECT a, max(b) AS m FROM t GROUP BY ALL HAVING a > 1 AND m > 2",
                "SELECT a, max(b) AS m FROM t GROUP BY a HAVING first(a) > 1 AND (max(b)) > 2",
            ),
            (
                "SELECT a, max(b) AS m FROM t GROUP BY a HAVING a > 1 AND m > 2",
                "SELECT a, max(b) AS m FROM t WHERE (a > 1) GROUP BY a HAVING (max(b)) > 2",
            ),
            (
                "SELECT CAST(rate AS INTEGER) AS a, CAST(b AS INTEGER) AS b, c IS NOT TRUE AS c, b % 3 AS d FROM t",
                "SELECT CAST(round(rate) AS INTEGER) AS a, CAST(b AS INTEGER) AS b, coalesce(NOT (c), true) AS c, (sign((b)) * mod(abs((b)), abs((3)))) AS d FROM t",
            ),
        ] {
            assert_eq!(sql(given), wanted);
        }
    }

    #[test]
    fn what_would_be_answered_wrongly_is_refused() {
        for (sql, told) in [
            (
                "SELEC",
                "this is no SQL: Expected: an SQL statement, found: SELEC at Line: 1, Column: 1",
            ),
            ("DELETE FROM t", "this is no single SELECT"),
            ("SELECT 1; SELECT 2", "this is no single SELECT"),
            (
                "SELECT a, count(*) FROM t",
                "a has a value for each row, and the result has a row for each group",
            ),
            (
                "SELECT a, b FROM t GROUP BY a",
                "b has a value for each row, and the result has a row for each group",
            ),
            ("SELECT a, t.a FROM t", "two results are called a"),
            (
                "SELECT sum(count(*)) OVER () FROM t GROUP BY a",
                "`netcap query` does not answer windows over groups",
            ),
            (
                "SELECT sum(a) OVER (ORDER BY b) FROM t",
                "`netcap query` does not answer sums and the like over windows with an order or a frame",
            ),
            (
                "SELECT row_number() OVER (ORDER BY a) FROM t",
                "`netcap query` does not answer windows in the order of what may have no value in some rows",
            ),
            (
                "SELECT 1 FROM t LEFT JOIN u ON t.a = u.a AND u.b = 1",
                "`netcap query` joins tables by columns that are equal, and \"u.b = 1\" is something else",
            ),
            (
                "SELECT 1 FROM t JOIN u ON t.a = u.a AND u.b = 1 FULL JOIN v ON v.a = u.a",
                "`netcap query` joins tables by columns that are equal, and \"u.b = 1\" is something else",
            ),
            (
                "SELECT medain(a) FROM t",
                "`netcap query` has no function medain",
            ),
        ] {
            let error = rewrite(sql, &std::collections::BTreeMap::new()).unwrap_err();
            let message = error.to_string();
            assert_eq!(message.lines().next(), Some(told), "{sql}");
        }
    }
}
