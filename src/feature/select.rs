//! A feature set as one SELECT, which DuckDB and Spark run on an output of netcap as it is.

use std::fmt::Write as _;

use netcap_proto::Type;

use super::expression::Kind;
use super::history;
use super::set::{Feature, FeatureSet, KEYS};

/// The SELECT, with ids if they are asked for.
pub fn select(set: &FeatureSet, with_ids: bool) -> String {
    let ids: Vec<&Feature> = set.ids.iter().filter(|_| with_ids).collect();
    let mut sql = format!(
        "-- feature set {}, dialect {}, version {}; flows by the policy {}\n",
        set.name, set.dialect, set.version, set.policy
    );
    let _ = if set.grouped {
        let of_flow = selected(ids.iter().copied(), "  ");
        let of_packets = selected(set.features.iter(), "    ");
        let names: String = set.features.iter().fold(String::new(), |text, feature| {
            format!("{text},\n  {}", feature.name)
        });
        write!(
            sql,
            "SELECT\n  {keys}{of_flow}{names}\nFROM {flows}\nJOIN (\n  SELECT\n    flow AS of_flow{of_packets}\n  FROM {packets}\n  \
             GROUP BY flow\n) AS first_packets ON of_flow = flow;\n",
            keys = KEYS.join(",\n  "),
            flows = widened(set.flows.name, &ids, &[], set.flows),
            packets = widened(
                set.table().name,
                &set.features.iter().collect::<Vec<_>>(),
                &[],
                set.table()
            ),
        )
    } else {
        let all: Vec<&Feature> = ids.into_iter().chain(&set.features).collect();
        let from = match set.with_history {
            true => with_history(set, &all, &mut sql),
            false => widened(set.flows.name, &all, &[], set.flows),
        };
        write!(
            sql,
            "SELECT\n  {}{}\nFROM {from};\n",
            KEYS.join(",\n  "),
            selected(all.iter().copied(), "  "),
        )
    };
    sql
}

/// The flows with the columns of history beside their own; `sql` is told if only DuckDB can calculate them.
fn with_history(set: &FeatureSet, features: &[&Feature], sql: &mut String) -> String {
    let (history, for_duckdb) = history::sql_of(&set.used());
    if for_duckdb {
        sql.push_str("-- for DuckDB: other engines may not count what is different in a window\n");
    }
    let name = set.flows.name;
    let flows = widened(name, features, &history::NEEDED, set.flows);
    format!(
        "(\n  SELECT *{history}\n  FROM (\n    SELECT *, row_number() OVER (ORDER BY end_ns, flow) AS nth\n    \
         FROM (SELECT *, ts_ns + duration_ns AS end_ns FROM {flows}) AS ended\n  ) AS in_order\n) AS {name}_history"
    )
}

fn selected<'a>(features: impl Iterator<Item = &'a Feature>, indent: &str) -> String {
    features.fold(String::new(), |mut sql, feature| {
        let expression = typed(feature);
        // Writing to a String cannot fail.
        let _ = if expression == feature.name {
            write!(sql, ",\n{indent}{expression}")
        } else {
            write!(sql, ",\n{indent}{expression} AS {}", feature.name)
        };
        sql
    })
}

/// The definition, so that it has the declared type in every engine.
fn typed(feature: &Feature) -> String {
    let ty = match (feature.ty, feature.kind) {
        (Type::Double, Kind::Integer | Kind::Null) => "double",
        (Type::Int64, Kind::Null) => "bigint",
        (Type::Text, Kind::Null) => "string",
        _ => return feature.sql.clone(),
    };
    format!("cast({} as {ty})", feature.sql)
}

/// The columns that are used and `also` others, 32-bit integers as 64-bit ones: small types wrap in some engines and
/// not in others.
fn widened(
    name: &str,
    features: &[&Feature],
    also: &[&str],
    table: &netcap_proto::Table,
) -> String {
    let used = |column: &str| {
        KEYS.contains(&column)
            || also.contains(&column)
            || features.iter().any(|f| f.columns.contains(column))
    };
    let mut columns = Vec::new();
    for column in table.columns.iter().filter(|c| used(c.name)) {
        columns.push(match column.ty {
            Type::Int32 => format!("CAST({0} AS bigint) AS {0}", column.name),
            _ => column.name.to_owned(),
        });
    }
    let text = columns.join(", ");
    let text = crate::text::wrap(&text, 110, "    ");
    format!("(\n  SELECT\n{text}\n  FROM {name}\n) AS {name}_wide")
}
