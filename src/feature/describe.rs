//! Feature sets described for people.

use std::fmt::Write as _;
use std::path::Path;

use netcap_proto::Type;

use super::set::{Feature, FeatureSet};
use super::shipped;
use crate::error::Result;
use crate::text::wrap;

/// The shipped sets with their dialects.
pub fn list(width: usize) -> Result<String> {
    let mut text = String::new();
    for name in shipped::names() {
        let set = FeatureSet::find(name, Path::new(""))?;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<14}{:>4} features", set.name, set.features.len());
        let _ = writeln!(text, "{}", wrap(&set.title, width, "    "));
        for (i, (dialect, description)) in set.dialects.iter().enumerate() {
            if set.dialects.len() > 1 {
                let default = if i == 0 { " (default)" } else { "" };
                let description = match description.as_str() {
                    "" => String::new(),
                    text => format!(": {text}"),
                };
                let line = format!("{name}:{dialect}{default}{description}");
                let _ = writeln!(text, "{}", wrap(&line, width, "      "));
            }
        }
    }
    text.push_str("\nnetcap features SET shows the columns of one, with definitions and traps.\n");
    Ok(text)
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Double => "double",
        Type::Text => "string",
        Type::Timestamp => "timestamp[us, UTC]",
        _ => "int64",
    }
}

/// A set and its columns, for a terminal.
pub fn text(set: &FeatureSet, width: usize) -> String {
    let mut text = wrap(&format!("{}: {}", named(set), set.title), width, "");
    text.push('\n');
    let about = [&set.description, &format!("Source: {}", set.source)];
    for paragraph in about.iter().filter(|p| !p.is_empty() && **p != "Source: ") {
        let _ = writeln!(text, "{}", wrap(paragraph, width, ""));
    }
    let flows = format!(
        "Flows by the policy {} (table {}). Version {} of the definitions.",
        set.policy, set.flows.name, set.version
    );
    let _ = writeln!(text, "{}", wrap(&flows, width, ""));
    for (name, (description, _)) in &set.namings {
        let _ = writeln!(text, "--naming {name}: {description}");
    }
    let parts = [
        ("ids, written with --with-ids", &set.ids),
        ("features", &set.features),
    ];
    for (title, features) in parts.into_iter().filter(|(_, f)| !f.is_empty()) {
        let _ = writeln!(text, "\n{} {title}", features.len());
        for feature in features {
            column(&mut text, feature, width);
        }
    }
    text
}

fn column(text: &mut String, feature: &Feature, width: usize) {
    let unit = match feature.unit.as_str() {
        "" => String::new(),
        unit => format!(", {unit}"),
    };
    let _ = writeln!(
        text,
        "\n{}  ({}{unit})",
        feature.name,
        type_name(feature.ty)
    );
    let lines = [
        ("", &feature.doc),
        ("= ", &feature.sql),
        ("departs: ", &feature.departs),
        ("trap: ", &feature.trap),
        ("source: ", &feature.source),
    ];
    for (what, line) in lines {
        if !line.is_empty() && *line != feature.name {
            let _ = writeln!(text, "{}", wrap(&format!("{what}{line}"), width, "    "));
        }
    }
}

fn named(set: &FeatureSet) -> String {
    match set.dialects.len() {
        1 => set.name.clone(),
        _ => format!("{}:{}", set.name, set.dialect),
    }
}

/// A set and its columns, for documentation.
pub fn markdown(set: &FeatureSet) -> String {
    let mut text = format!("## {}\n\n{}.\n", named(set), set.title);
    for paragraph in [&set.description, &set.source] {
        if !paragraph.is_empty() {
            let _ = writeln!(text, "\n{paragraph}");
        }
    }
    let _ = writeln!(
        text,
        "\nFlows by the policy `{}`. Version {} of the definitions.\n\n\
         | column | type | unit | meaning | definition | departs from the published tool | trap |\n|---|---|---|---|---|---|---|",
        set.policy, set.version
    );
    let cell = |text: &str| text.replace('|', "\\|");
    for (feature, id) in set
        .ids
        .iter()
        .map(|f| (f, " (id)"))
        .chain(set.features.iter().map(|f| (f, "")))
    {
        let _ = writeln!(
            text,
            "| `{}`{id} | {} | {} | {} | `{}` | {} | {} |",
            feature.name,
            type_name(feature.ty),
            feature.unit,
            cell(&feature.doc),
            cell(&feature.sql),
            cell(&feature.departs),
            cell(&feature.trap)
        );
    }
    text
}
