//! The columns that conditions may use, and their values in one flow.
//!
//! The flow table itself is defined elsewhere; whoever labels passes its columns in.

use std::collections::BTreeMap;

/// Type of a column as conditions see it: the small integer types of a file are widened before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit integers. A name that ends in `_ns` makes them nanoseconds, which compare with time
    /// literals.
    Integer,
    /// Doubles.
    Float,
    /// UTF-8 text; addresses too.
    Text,
    /// Booleans.
    Boolean,
}

/// One value of a flow. Nothing known is [`Value::Null`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer, also a time in nanoseconds.
    Integer(i64),
    /// A double. NaN counts as NULL in comparisons.
    Float(f64),
    /// A text.
    Text(&'a str),
}

/// Names and types of the columns of the flow table. A condition refers to them by their place in
/// this list.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    list: Vec<(String, ColumnType)>,
    /// By name in lower case.
    by_name: BTreeMap<String, usize>,
}

impl Columns {
    /// The columns in the order by which [`crate::label::FlowFacts::values`] is asked for them.
    /// Of two names that differ in case only the first counts.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = (S, ColumnType)>) -> Self {
        let mut all = Self::default();
        for (name, kind) in columns {
            let name = name.into();
            all.by_name
                .entry(name.to_lowercase())
                .or_insert(all.list.len());
            all.list.push((name, kind));
        }
        all
    }

    /// The place and type of a column, by its name in any case.
    pub(super) fn find(&self, name: &str) -> Option<(usize, ColumnType)> {
        let index = *self.by_name.get(&name.to_lowercase())?;
        self.list.get(index).map(|(_, kind)| (index, *kind))
    }

    /// The names, without regard to order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.list.iter().map(|(name, _)| name.as_str())
    }
}
