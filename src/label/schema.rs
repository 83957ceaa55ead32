//! The JSON Schema of label files, made from the table of keys, so that editors complete and
//! check what netcap itself accepts.
//!
//! A schema sees shapes; that a host is defined or a range ends after its start is checked by
//! [`crate::label::read`].

use serde_json::{Map, Value, json};

use crate::label::keys::{self, Key, Section, Shape};

/// JSON Schema (draft 2020-12) of a label file in YAML.
pub fn json_schema() -> Value {
    let mut schema = Map::new();
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!("netcap label file"));
    if let Value::Object(file) = section(&keys::FILE, &[]) {
        schema.extend(file);
    }
    Value::Object(schema)
}

/// Every key with what it means, a table for each mapping, in Markdown.
pub fn key_reference() -> String {
    let mut text = String::from(
        "# Keys of label files\n\nGenerated from the table of keys. docs/label-file.md tells how they work together.\n",
    );
    let sections = [
        &keys::FILE,
        &keys::RULE,
        &keys::REFINE,
        &keys::ATTEMPTED,
        &keys::EXPECTED,
        &keys::HOST,
        &keys::CLOCKS,
        &keys::COVERS,
    ];
    for section in sections {
        let name = section.name;
        text += &format!("\n## Keys of {name}\n\n| key | |\n|---|---|\n");
        for key in section.keys {
            let needed = if key.required { " (needed)" } else { "" };
            let doc = key.doc.replace('|', "\\|");
            text += &format!("| `{}` | {doc}{needed} |\n", key.name);
        }
    }
    text
}

fn section(section: &Section, without: &[&str]) -> Value {
    let keys = || {
        section
            .keys
            .iter()
            .filter(|key| !without.contains(&key.name))
    };
    let properties: Map<String, Value> = keys()
        .map(|key| (key.name.to_owned(), described(key)))
        .collect();
    let mut value = json!({
        "type": "object",
        "description": section.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    // A rule may have from `defaults:` what it must have.
    let needed: Vec<&str> = keys()
        .filter(|key| key.required && (section.name != keys::RULE.name || key.name == "id"))
        .map(|key| key.name)
        .collect();
    if !needed.is_empty()
        && let Value::Object(object) = &mut value
    {
        object.insert("required".into(), json!(needed));
    }
    value
}

fn described(key: &Key) -> Value {
    let mut value = shape(key.shape);
    if let Value::Object(object) = &mut value {
        object.insert("description".into(), json!(key.doc));
    }
    value
}

fn shape(shape: Shape) -> Value {
    let text = || json!({"type": ["string", "number"]});
    match shape {
        Shape::Text => text(),
        Shape::Texts => json!({"anyOf": [text(), {"type": "array", "items": text()}]}),
        Shape::Integer => json!({"type": "integer"}),
        Shape::Version => json!({"const": 1}),
        Shape::Choice(choices) => json!({"enum": choices}),
        Shape::Fold => json!({"anyOf": [
            {"enum": keys::FOLDS},
            {"type": "array", "items": {"enum": keys::FOLDS}, "minItems": 2, "maxItems": 2},
        ]}),
        Shape::Anything => json!({}),
        Shape::Names => json!({"type": "object", "additionalProperties": {"anyOf": [
            text(),
            {"type": "array", "items": text()},
            section(&keys::HOST, &[]),
        ]}}),
        Shape::NamesOf(of) => json!({"type": "object", "additionalProperties": section(of, &[])}),
        Shape::ListOf(of) => json!({"type": "array", "items": section(of, &[])}),
        Shape::Map(of) => section(of, &[]),
        Shape::AllOrListOf(of) => json!({"anyOf": [
            {"const": "all"},
            {"type": "array", "items": section(of, &[])},
        ]}),
        Shape::Defaults => section(&keys::RULE, &["id"]),
    }
}
