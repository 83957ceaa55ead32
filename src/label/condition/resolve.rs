//! From the names in a condition to columns of the flow table: `duration`, and the names that
//! depend on the roles.

use super::Expr;
use super::types::{Kind, kind_of};
use crate::label::columns::{ColumnType, Columns};
use crate::label::problems::{Fault, suggest};

/// The column of a name, with its type.
pub(super) fn column(name: &str, columns: &Columns) -> Result<(Expr, Kind), Fault> {
    if let Some((index, column)) = columns.find(name) {
        return Ok((
            Expr::Column {
                forward: index,
                reverse: index,
            },
            kind_of(name, column),
        ));
    }
    let lower = name.to_lowercase();
    if lower == "duration"
        && let Some((index, ColumnType::Integer)) = columns.find("duration_ns")
    {
        return Ok((
            Expr::Column {
                forward: index,
                reverse: index,
            },
            Kind::Time,
        ));
    }
    let role = ["attacker_", "victim_"]
        .iter()
        .find_map(|role| Some((*role == "victim_", lower.strip_prefix(role)?)));
    if let Some((is_victim, rest)) = role
        && let Some((forward, reverse, column)) = sides(rest, columns)
    {
        let (forward, reverse) = if is_victim {
            (reverse, forward)
        } else {
            (forward, reverse)
        };
        return Ok((Expr::Column { forward, reverse }, kind_of(name, column)));
    }
    let fault = Fault::new(0, format!("the flow table has no column `{name}`"));
    let mut names: Vec<String> = columns.names().map(str::to_owned).collect();
    for column in columns.names() {
        let rest = column
            .strip_prefix("fwd_")
            .or_else(|| column.strip_prefix("src_"));
        names.extend(
            rest.into_iter()
                .flat_map(|r| [format!("attacker_{r}"), format!("victim_{r}")]),
        );
    }
    Err(match suggest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`netcap tables flow` lists the columns; text stands in single quotes"),
    })
}

/// The two columns of a value that each side of a flow has.
fn sides(rest: &str, columns: &Columns) -> Option<(usize, usize, ColumnType)> {
    [("fwd_", "bwd_"), ("src_", "dst_")]
        .iter()
        .find_map(|(forward, reverse)| {
            let (forward, kind) = columns.find(&format!("{forward}{rest}"))?;
            let (reverse, other) = columns.find(&format!("{reverse}{rest}"))?;
            (kind == other).then_some((forward, reverse, kind))
        })
}
