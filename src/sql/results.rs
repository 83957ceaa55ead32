//! The results of a query: their names, and the order of rows by them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, Expr, FunctionArguments, Ident, LimitClause, ObjectName, OrderBy, OrderByKind, Query,
    SelectItem, SetExpr, With, visit_expressions_mut,
};

use super::functions;
use super::parts::{column, columns, is_aggregate};
use super::select::{Known, one_query};
use crate::error::{Error, Result};

/// A SELECT whose results all have names, and whose rows are in the order of results.
pub(super) fn named(mut query: Query, known: &Known) -> Result<Query> {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Ok(query);
    };
    let mut names = BTreeSet::new();
    for item in &mut select.projection {
        name(item);
        if let Some(name) = result(item).filter(|name| !names.insert(name.value.clone())) {
            return Err(Error::new(format!("two results are called {}", name.value))
                .help("give one of them another name with AS"));
        }
    }
    let Some(OrderBy {
        kind: OrderByKind::Expressions(keys),
        ..
    }) = &mut query.order_by
    else {
        return Ok(query);
    };
    for key in keys.iter_mut() {
        of_result(&mut key.expr, &select.projection);
    }
    // A result that is called as another column is: the engine would take that one.
    let is_hidden = |name: &Ident| {
        let is_it = |item: &SelectItem| match item {
            SelectItem::ExprWithAlias { expr, alias } => {
                alias.value == name.value && column(expr).as_ref() != Some(&name.value)
            }
            _ => false,
        };
        known.all.contains(&name.value) && select.projection.iter().any(is_it)
    };
    let is_elsewhere = |key: &Expr| match key {
        Expr::Identifier(name) => is_hidden(name),
        key => {
            is_aggregate(key)
                || columns(key)
                    .into_iter()
                    .any(|name| is_hidden(&Ident::new(name)))
        }
    };
    match keys.iter().any(|key| is_elsewhere(&key.expr)) {
        true => ordered_by_results(query),
        false => Ok(query),
    }
}

/// Rows of several SELECTs in the order of their results, whose names the engine does not see there.
pub(super) fn ordered_as_a_whole(mut query: Query) -> Result<Query> {
    if query.order_by.is_none() {
        return Ok(query);
    }
    let outer = Outer::of(&mut query);
    outer.around(&format!("SELECT * FROM ({query}) AS \"=all\""))
}

/// What stands around a query that becomes a part of another one.
struct Outer {
    with: Option<With>,
    order_by: Option<OrderBy>,
    limit: Option<LimitClause>,
}

impl Outer {
    /// Takes it out of a query.
    fn of(query: &mut Query) -> Self {
        Self {
            with: query.with.take(),
            order_by: query.order_by.take(),
            limit: query.limit_clause.take(),
        }
    }

    /// A query with it.
    fn around(self, sql: &str) -> Result<Query> {
        Ok(Query {
            with: self.with,
            order_by: self.order_by,
            limit_clause: self.limit,
            ..one_query(sql)?
        })
    }
}

/// A SELECT whose order is that of its results, or of more: a SELECT of these and what decides the order, and around it
/// one of the results alone.
fn ordered_by_results(mut query: Query) -> Result<Query> {
    let mut outer = Outer::of(&mut query);
    let refused = || {
        Error::new("rows can only be in the order of what is selected")
            .help("select what is in ORDER BY as well")
    };
    let (SetExpr::Select(select), Some(order_by)) = (query.body.as_mut(), &mut outer.order_by)
    else {
        return Err(refused());
    };
    let results: Option<Vec<Ident>> = select.projection.iter().map(result).collect();
    let results = results
        .filter(|_| select.distinct.is_none())
        .ok_or_else(refused)?;
    let OrderByKind::Expressions(keys) = &mut order_by.kind else {
        return Err(refused());
    };
    for (i, key) in keys.iter_mut().enumerate() {
        let is_result = |name: &String| results.iter().any(|result| result.value == *name);
        let place: Option<usize> = key.expr.to_string().parse().ok();
        let of_place = place.and_then(|place| results.get(place.checked_sub(1)?));
        let name = match of_place {
            Some(name) => name.clone(),
            None if matches!(&key.expr, Expr::Identifier(name) if is_result(&name.value)) => {
                continue;
            }
            None => {
                let alias = Ident::with_quote('"', format!("={i}"));
                select.projection.push(SelectItem::ExprWithAlias {
                    expr: key.expr.clone(),
                    alias: alias.clone(),
                });
                alias
            }
        };
        key.expr = Expr::Identifier(name);
    }
    let quoted = |name: &Ident| Ident::with_quote('"', &name.value).to_string();
    let results: Vec<String> = results.iter().map(quoted).collect();
    outer.around(&format!(
        "SELECT {} FROM ({query}) AS \"=groups\"",
        results.join(", ")
    ))
}

/// The name of a result; none of all columns.
fn result(item: &SelectItem) -> Option<Ident> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().cloned(),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
        _ => None,
    }
}

/// Gives a result the name that DuckDB gives it.
fn name(item: &mut SelectItem) {
    let SelectItem::UnnamedExpr(expression) = item else {
        return;
    };
    if column(expression).is_some() {
        return;
    }
    *item = SelectItem::ExprWithAlias {
        expr: expression.clone(),
        alias: Ident::with_quote('"', shown(expression)),
    };
}

/// An expression as DuckDB shows it.
fn shown(expression: &Expr) -> String {
    let mut shown = expression.clone();
    let _ = visit_expressions_mut(&mut shown, |expression| {
        match expression {
            Expr::BinaryOp { .. } => *expression = Expr::Nested(Box::new(expression.clone())),
            // The operation within has them already.
            Expr::Nested(inner) => *expression = inner.as_ref().clone(),
            Expr::Cast { kind, .. } if *kind == CastKind::DoubleColon => *kind = CastKind::Cast,
            Expr::Function(function) => {
                let mut name = functions::name(function);
                if function.args.to_string() == "(*)" && name == "count" {
                    "count_star".clone_into(&mut name);
                    if let FunctionArguments::List(list) = &mut function.args {
                        list.args.clear();
                    }
                }
                function.name = ObjectName::from(vec![Ident::new(name)]);
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    shown.to_string()
}

/// What a result is made of stands for that result: rows in the order of `sum(bytes)`, which was selected.
fn of_result(expression: &mut Expr, results: &[SelectItem]) {
    // The name of a result is that result, whatever else is called so.
    if let Expr::Identifier(own) = &*expression
        && results
            .iter()
            .filter_map(result)
            .any(|name| own.value == name.value)
    {
        return;
    }
    let alias = results.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if expr == expression => Some(alias),
        _ => None,
    });
    if let Some(alias) = alias {
        *expression = Expr::Identifier(alias.clone());
    }
}
