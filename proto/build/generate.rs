//! Rust from the model: for each message a borrowed row and a column builder (`builders`), for each table its
//! description. Plain text, one small function a shape; the shapes' behaviour is in `src/columns.rs`.

use std::fmt::Write as _;

use crate::builders::columns;
use crate::model::{Field, Message, Model, Type};

/// Everything that `src/lib.rs` includes.
pub(crate) fn tables(model: &Model) -> String {
    let mut out = String::new();
    for message in model.messages.values() {
        if message.name == "Identity" {
            continue; // by hand: filled from the batch
        }
        row(model, message, &mut out);
        columns(model, message, &mut out);
    }
    for name in &model.tables {
        table(model, &model.messages[name], &mut out);
    }
    for (list, of_labels, what) in [
        ("TABLES", false, "The tables that captures are decoded into"),
        (
            "LABEL_TABLES",
            true,
            "The tables that labels are written into",
        ),
    ] {
        let mut statics = Vec::new();
        for message in model.tables.iter().map(|name| &model.messages[name]) {
            let Some(options) = message.table.as_ref().filter(|o| o.of_labels == of_labels) else {
                continue;
            };
            let twins = options.twins.iter().map(|(name, _)| name);
            statics.extend(
                std::iter::once(&options.name)
                    .chain(twins)
                    .map(|table| format!("&{}", table_constant(message, table))),
            );
        }
        let _ = writeln!(
            out,
            "/// {what}, in listing order.\npub static {list}: &[&Table] = &[{}];",
            statics.join(", ")
        );
    }
    let mut label = String::new();
    for field in &model.messages["Label"].fields {
        label.push_str(&column(model, field, &[field.number]));
    }
    let _ = writeln!(
        out,
        "/// The columns that a label set adds to a table.\npub static LABEL_COLUMNS: &[Column] = &[{label}];"
    );
    out
}

/// Columns that a row sets: all but names, which follow from their numbers, and overlays.
pub(crate) fn set(message: &Message) -> impl Iterator<Item = &Field> {
    message
        .fields
        .iter()
        .filter(|f| f.names.is_none() && !f.overlay)
}

pub(crate) fn is_identity(field: &Field) -> bool {
    field.flatten && field.ty == Type::Message("Identity".to_owned())
}

pub(crate) fn borrows(model: &Model, message: &Message) -> bool {
    set(message).any(|f| is_borrowed(model, f))
}

pub(crate) fn is_borrowed(model: &Model, field: &Field) -> bool {
    field.repeated
        || (matches!(field.ty, Type::String) && field.kind == "KIND_PLAIN")
        || matches!(field.ty, Type::Bytes)
        || matches!(&field.ty, Type::Message(m) if m != "Identity" && borrows(model, &model.messages[m]))
}

pub(crate) fn row_type(model: &Model, field: &Field) -> String {
    let plain = match &field.ty {
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Double => "f64".to_owned(),
        Type::String if field.kind == "KIND_PLAIN" => "&'a str".to_owned(),
        Type::String => "Symbol".to_owned(),
        Type::Bytes => "&'a [u8]".to_owned(),
        Type::Message(m) if m == "Identity" => "At".to_owned(),
        Type::Message(m) if borrows(model, &model.messages[m]) => format!("{m}Row<'a>"),
        Type::Message(m) => format!("{m}Row"),
    };
    match (field.repeated, field.optional && !field.flatten) {
        (true, _) => format!("&'a [{plain}]"),
        (_, true) => format!("Option<{plain}>"),
        _ => plain,
    }
}

fn row(model: &Model, message: &Message, out: &mut String) {
    let lifetime = if borrows(model, message) { "<'a>" } else { "" };
    let _ = writeln!(
        out,
        "/// A row of [`{}Columns`]. {}",
        message.name,
        doc(&message.doc)
    );
    let _ = writeln!(
        out,
        "#[derive(Debug, Clone, Copy)]\npub struct {}Row{lifetime} {{",
        message.name
    );
    for field in set(message) {
        let unit = if field.unit.is_empty() {
            String::new()
        } else {
            format!(" Unit: {}.", field.unit)
        };
        let _ = writeln!(
            out,
            "    /// {}{unit}",
            doc(if is_identity(field) {
                "Where the row comes from."
            } else if field.doc.is_empty() {
                "Shared columns."
            } else {
                &field.doc
            })
        );
        let _ = writeln!(
            out,
            "    pub {}: {},",
            ident(&field.name),
            row_type(model, field)
        );
    }
    out.push_str("}\n");
}

fn table(model: &Model, message: &Message, out: &mut String) {
    let Some(options) = &message.table else {
        return;
    };
    let columns = format!("{}_COLUMNS", constant(&message.name));
    let _ = writeln!(
        out,
        "static {columns}: &[Column] = &[{}];",
        flat_columns(model, message)
    );
    let label_path = label_path(model, message).unwrap_or_default();
    let own = (&options.name, &options.title, options.on_request);
    let twins = options
        .twins
        .iter()
        .map(|(name, title)| (name, title, true));
    for (name, title, on_request) in std::iter::once(own).chain(twins) {
        let _ = writeln!(
            out,
            "/// {}\npub static {}: Table = Table {{ name: {name:?}, message: {:?}, version: {}, title: {title:?}, doc: {:?}, source: {:?}, on_request: {on_request}, label_path: &{label_path:?}, columns: {columns} }};",
            doc(&message.doc),
            table_constant(message, name),
            message.full_name,
            options.version,
            message.doc,
            options.source,
        );
    }
}

/// Name of a table's constant: that of the message, or of the twin.
fn table_constant(message: &Message, table: &str) -> String {
    match &message.table {
        Some(own) if own.name == table => constant(&message.name),
        _ => table.to_ascii_uppercase(),
    }
}

/// Field numbers down to the group of label columns, if the message has one.
fn label_path(model: &Model, message: &Message) -> Option<Vec<u32>> {
    message.fields.iter().find_map(|field| match &field.ty {
        Type::Message(_) if field.overlay => Some(vec![field.number]),
        Type::Message(inner) if field.flatten => {
            let rest = label_path(model, &model.messages[inner])?;
            Some([field.number].into_iter().chain(rest).collect())
        }
        _ => None,
    })
}

/// The columns of a table, groups spliced in, overlays left out.
fn flat_columns(model: &Model, message: &Message) -> String {
    fn add(model: &Model, message: &Message, path: &[u32], groups: &[&Field], out: &mut String) {
        for field in message.fields.iter().filter(|f| !f.overlay) {
            match &field.ty {
                Type::Message(inner) if field.flatten => {
                    let path: Vec<u32> = path.iter().copied().chain([field.number]).collect();
                    let groups: Vec<&Field> = groups.iter().copied().chain([field]).collect();
                    add(model, &model.messages[inner], &path, &groups, out);
                }
                _ => {
                    let groups = groups.iter().rev();
                    let as_included = groups.fold(field.clone(), |field, g| g.included(&field));
                    let path: Vec<u32> = path.iter().copied().chain([field.number]).collect();
                    out.push_str(&column(model, &as_included, &path));
                }
            }
        }
    }
    let mut out = String::new();
    add(model, message, &[], &[], &mut out);
    out
}

fn children(model: &Model, field: &Field) -> String {
    let Type::Message(inner) = &field.ty else {
        return "&[]".to_owned();
    };
    let inner = &model.messages[inner];
    let items: String = inner
        .fields
        .iter()
        .map(|f| column(model, f, &[f.number]))
        .collect();
    format!("&[{items}]")
}

/// The description of a column. `path` has the field numbers from the table's message down to it.
pub(crate) fn column(model: &Model, field: &Field, path: &[u32]) -> String {
    let children = children(model, field);
    let ty = match &field.ty {
        Type::Bool => "Bool",
        Type::Int32 => "Int32",
        Type::Int64 if field.kind == "KIND_TIMESTAMP" => "Timestamp",
        Type::Int64 => "Int64",
        Type::Double => "Double",
        Type::String => "Text",
        Type::Bytes => "Bytes",
        Type::Message(_) => "Struct",
    };
    let kind = match field.kind.as_str() {
        _ if field.names.is_some() => "Name",
        "KIND_IP" => "Ip",
        "KIND_MAC" => "Mac",
        "KIND_TERM" => "Term",
        _ => "Plain",
    };
    let encoding = match field.encoding.as_str() {
        "ENCODING_PLAIN" => "Plain",
        "ENCODING_DELTA" => "Delta",
        _ => "Default",
    };
    let names = match &field.names {
        Some((of, names)) => format!(
            "Some(Names {{ of: {of:?}, values: {} }})",
            names_literal(names)
        ),
        None => "None".to_owned(),
    };
    let path: Vec<String> = path.iter().map(u32::to_string).collect();
    format!(
        "Column {{ name: {:?}, number: {}, path: &[{}], ty: Type::{ty}, kind: Kind::{kind}, nullable: {}, repeated: {}, doc: {:?}, unit: {:?}, source: {:?}, encoding: Encoding::{encoding}, names: {names}, children: {children} }},",
        field.name,
        field.number,
        path.join(", "),
        field.optional,
        field.repeated,
        field.doc,
        field.unit,
        field.source
    )
}

pub(crate) fn names_literal(names: &[(i32, String)]) -> String {
    let items: Vec<String> = names.iter().map(|(n, t)| format!("({n}, {t:?})")).collect();
    format!("&[{}]", items.join(", "))
}

pub(crate) fn constant(message: &str) -> String {
    let mut out = String::new();
    for (i, c) in message.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// A column may be named by a Rust keyword.
pub(crate) fn ident(name: &str) -> String {
    if matches!(name, "type" | "class" | "ref" | "match" | "in" | "use") && name != "class" {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

/// Comments of columns are prose, not rustdoc: brackets and bare addresses are no links.
pub(crate) fn doc(text: &str) -> String {
    text.replace('[', "\\[")
        .replace("http", "`http")
        .replace("`http", "http")
}
