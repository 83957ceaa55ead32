//! What a query is made of: columns, aggregates and windows in an expression, and the conditions that AND puts together.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Join, JoinOperator, Query, Select, Visit, Visitor,
};

use super::functions::is_call_of_many;

/// Whether an expression is made of many rows, and not by a window.
pub(super) fn is_aggregate(expression: &Expr) -> bool {
    Parts::of(expression).aggregates
}

/// Whether an expression has columns outside of aggregates that have some as well.
pub(super) fn mixes(expression: &Expr) -> bool {
    let parts = Parts::of(expression);
    parts.aggregates && !parts.columns.is_empty()
}

/// The columns that an expression names, without those of queries and aggregates in it.
pub(super) fn columns(expression: &Expr) -> BTreeSet<String> {
    Parts::of(expression).columns
}

/// Whether a condition on groups is one on the keys that they have in common, and so on each of their rows.
pub(super) fn is_about_keys(condition: &Expr, select: &Select) -> bool {
    let GroupByExpr::Expressions(keys, _) = &select.group_by else {
        return false;
    };
    let parts = Parts::of(condition);
    let keys: BTreeSet<String> = keys.iter().filter_map(column).collect();
    let has_columns = !parts.columns.is_empty();
    has_columns && !parts.aggregates && !parts.windows && parts.columns.is_subset(&keys)
}

/// The name of a column, without that of its table.
pub(super) fn column(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
        _ => None,
    }
}

/// Whether a condition says that columns of two tables are equal.
pub(super) fn joins_columns(condition: &Expr) -> bool {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = condition
    else {
        return false;
    };
    match (left.as_ref(), right.as_ref()) {
        (Expr::CompoundIdentifier(a), Expr::CompoundIdentifier(b)) => a.first() != b.first(),
        _ => false,
    }
}

/// Whether a join has rows of its right side that fit none of the left.
pub(super) fn adds_rows(join: &Join) -> bool {
    matches!(
        join.join_operator,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
    )
}

/// The conditions that AND puts together.
pub(super) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => [conjuncts(left), conjuncts(right)].concat(),
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

/// What is in an expression, beside what is in queries within it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) aggregates: bool,
    pub(super) windows: bool,
    /// Columns outside of aggregates, by name.
    pub(super) columns: BTreeSet<String>,
    /// How deep the visitor is in aggregates, and in queries.
    within: [usize; 2],
}

impl Parts {
    /// All columns of the tables.
    pub(super) fn all_columns() -> Self {
        Self {
            columns: BTreeSet::from(["*".to_owned()]),
            ..Self::default()
        }
    }

    pub(super) fn of(expression: &Expr) -> Self {
        let mut parts = Self::default();
        let _ = expression.visit(&mut parts);
        parts
    }
}

impl Visitor for Parts {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.within[1] += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.within[1] -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        let is_outside = self.within[1] == 0;
        if is_call_of_many(expression) {
            self.aggregates |= is_outside;
            self.within[0] += 1;
        }
        self.windows |= is_outside && matches!(expression, Expr::Function(f) if f.over.is_some());
        if self.within == [0, 0] {
            self.columns.extend(column(expression));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if is_call_of_many(expression) {
            self.within[0] -= 1;
        }
        ControlFlow::Continue(())
    }
}
