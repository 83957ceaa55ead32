//! Whether a file has the columns that its mapping names: rules without them would be about more than is meant.

use std::collections::BTreeSet;

use super::mapping::Mapping;
use super::rows::{Row, Rows};
use crate::error::{Error, Result};
use crate::text::nearest;

/// Lines that are looked at: in some formats each has fields of its own.
const FIRST: usize = 1000;

/// Looks at the first lines.
///
/// # Errors
/// No addresses at all; a column that a user's own mapping names and that is not there.
pub(super) fn check(mapping: &Mapping, rows: Rows<'_>) -> Result<()> {
    let some: Vec<Row> = rows.filter(|row| !row.is_empty()).take(FIRST).collect();
    if some.is_empty() {
        return Ok(());
    }
    if mapping.is_own {
        named(mapping, &some)?;
    }
    let (src, dst) = (&mapping.columns.src, &mapping.columns.dst);
    let has_hosts = |row: &Row| row.has_any(src) || row.has_any(dst);
    if src.is_empty() || dst.is_empty() || some.iter().any(has_hosts) {
        return Ok(());
    }
    Err(Error::new(
        "this file has no addresses, so that nothing tells which flows its lines are about",
    )
    .help(format!(
        "use one with the columns {} and {}",
        src.join(" or "),
        dst.join(" or ")
    )))
}

/// Columns that a mapping of a user names and none of the first lines has: rules would be about more than is meant.
fn named(mapping: &Mapping, some: &[Row]) -> Result<()> {
    let skipped = mapping.skip.keys().map(std::slice::from_ref);
    let skipped = skipped.map(|names| ("skip", names));
    let all = mapping.columns.named().into_iter().chain(skipped);
    let counted = |(what, names): &(&str, &[String])| {
        *what == "packet" && names.first().is_some_and(|n| n == "line")
    };
    for (what, names) in all.filter(|named| !named.1.is_empty() && !counted(named)) {
        if some.iter().any(|row| row.has_any(names)) {
            continue;
        }
        let there: BTreeSet<&str> = some.iter().flat_map(Row::names).collect();
        let name = names.join("` or `");
        let near = names
            .first()
            .and_then(|name| nearest(name, there.iter().copied()));
        return Err(Error::new(format!(
            "the mapping names the column `{name}` for `{what}`, and this file has none"
        ))
        .help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "its columns are {}",
                there.into_iter().collect::<Vec<_>>().join(", ")
            ),
        }));
    }
    Ok(())
}
