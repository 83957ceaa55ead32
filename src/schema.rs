//! The tables described for people and programs: what `netcap tables` prints and `schemas/` holds.
//!
//! All of it comes from the messages in `proto/`; nothing is written here twice.

use std::fmt::Write as _;

use netcap_proto::{Column, Kind, Table, Type};
use serde_json::{Value, json};

/// The type of a column in the words of SQL and Arrow readers: `int64`, `list<struct<…>>`.
pub fn type_name(column: &Column) -> String {
    let value = match column.ty {
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Double => "double".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Bytes => "binary".to_owned(),
        Type::Timestamp => "timestamp[us, UTC]".to_owned(),
        Type::Struct => {
            let fields: Vec<String> = column
                .children
                .iter()
                .map(|c| format!("{}: {}", c.name, type_name(c)))
                .collect();
            format!("struct<{}>", fields.join(", "))
        }
    };
    if column.repeated {
        format!("list<{value}>")
    } else {
        value
    }
}

/// A table as JSON.
pub fn json(table: &Table) -> Value {
    json!({
        "table": table.name,
        "message": table.message,
        "version": table.version,
        "title": table.title,
        "description": table.doc,
        "source": table.source,
        "columns": table.columns.iter().map(column_json).collect::<Vec<_>>(),
    })
}

fn column_json(column: &Column) -> Value {
    let mut value = json!({
        "name": column.name,
        "field_id": column.number,
        "type": type_name(column),
        "nullable": column.nullable,
        "description": column.doc,
    });
    let mut add = |key: &str, text: &str| {
        if !text.is_empty()
            && let Some(object) = value.as_object_mut()
        {
            object.insert(key.to_owned(), text.into());
        }
    };
    add("unit", column.unit);
    add("source", column.source);
    add(
        "kind",
        match column.kind {
            Kind::Ip => "ip address",
            Kind::Mac => "ethernet address",
            Kind::Term => "term",
            Kind::Name => "name",
            Kind::Plain => "",
        },
    );
    if let (Some(names), Some(object)) = (&column.names, value.as_object_mut()) {
        let values: serde_json::Map<String, Value> = names
            .values
            .iter()
            .map(|(n, text)| (n.to_string(), (*text).into()))
            .collect();
        object.insert("names_of".to_owned(), names.of.into());
        object.insert("names".to_owned(), values.into());
    }
    if let (false, Some(object)) = (column.children.is_empty(), value.as_object_mut()) {
        let children: Vec<Value> = column.children.iter().map(column_json).collect();
        object.insert("fields".to_owned(), children.into());
    }
    value
}

/// Tables as a Markdown reference.
pub fn markdown(tables: &[&Table]) -> String {
    let mut text = String::from("# Tables\n\n| table | what |\n|---|---|\n");
    for table in tables {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}) | {1} |",
            table.name,
            cell(table.title)
        );
    }
    for table in tables {
        let _ = write!(text, "\n## {}\n\n{}\n\n", table.name, table.doc);
        if !table.source.is_empty() {
            let _ = writeln!(text, "Source: {}. ", table.source);
        }
        let _ = writeln!(
            text,
            "Message `{}`, schema version {}.\n\n| column | type | unit | null | meaning |\n|---|---|---|---|---|",
            table.message, table.version
        );
        for column in table.columns {
            let null = if column.nullable { "yes" } else { "" };
            let mut meaning = cell(column.doc);
            if !column.source.is_empty() {
                let _ = write!(meaning, " ({})", cell(column.source));
            }
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {null} | {meaning} |",
                column.name,
                cell(&type_name(column)),
                cell(column.unit)
            );
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
