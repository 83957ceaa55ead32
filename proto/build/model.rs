//! The tables as a plain tree, read from the descriptors, with the rules that all tables keep.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind as ProtoKind,
    MessageDescriptor, ReflectMessage, Value,
};

/// A message: a table, a group of columns, or the element of a list.
pub(crate) struct Message {
    /// Its name in Rust and protobuf, such as `Tcp`.
    pub name: String,
    pub full_name: String,
    pub doc: String,
    /// Present on tables.
    pub table: Option<TableOptions>,
    pub fields: Vec<Field>,
}

pub(crate) struct TableOptions {
    pub name: String,
    pub version: i32,
    pub title: String,
    pub source: String,
    pub of_labels: bool,
    pub on_request: bool,
    /// Name and title of each further table with the same columns.
    pub twins: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) struct Field {
    pub name: String,
    pub number: u32,
    pub doc: String,
    pub ty: Type,
    pub kind: String,
    pub optional: bool,
    pub repeated: bool,
    pub unit: String,
    pub encoding: String,
    pub source: String,
    /// The column that this one names, and the values.
    pub names: Option<(String, Vec<(i32, String)>)>,
    pub flatten: bool,
    pub overlay: bool,
    /// What the names of a flattened group's columns begin and end with.
    pub prefix: String,
    pub suffix: String,
}

impl Field {
    /// A column of the group that this field includes, as the table has it.
    pub(crate) fn included(&self, column: &Field) -> Field {
        if self.prefix.is_empty() {
            return column.clone();
        }
        Field {
            name: format!("{}{}{}", self.prefix, column.name, self.suffix),
            number: self.number * 100 + column.number,
            doc: if self.doc.is_empty() {
                column.doc.clone()
            } else {
                format!("{}: {}", self.doc.trim_end_matches('.'), column.doc)
            },
            unit: if column.unit.is_empty() {
                self.unit.clone()
            } else {
                column.unit.clone()
            },
            ..column.clone()
        }
    }
}

#[derive(Clone, PartialEq)]
pub(crate) enum Type {
    Bool,
    Int32,
    Int64,
    Double,
    String,
    Bytes,
    Message(String),
}

/// All messages by name, those of tables in listing order first.
pub(crate) struct Model {
    pub messages: BTreeMap<String, Message>,
    pub tables: Vec<String>,
}

pub(crate) fn read(pool: &DescriptorPool) -> Result<Model, Box<dyn Error>> {
    let mut model = Model {
        messages: BTreeMap::new(),
        tables: Vec::new(),
    };
    for file in pool.files().filter(|f| f.package_name() == "netcap.v1") {
        if file.name().ends_with("options.proto") {
            continue;
        }
        for descriptor in file.messages() {
            let message = read_message(pool, &descriptor)
                .map_err(|e| format!("{}: message {}: {e}", file.name(), descriptor.name()))?;
            if message.table.is_some() {
                model.tables.push(message.name.clone());
            }
            model.messages.insert(message.name.clone(), message);
        }
    }
    check(&model)?;
    Ok(model)
}

fn read_message(
    pool: &DescriptorPool,
    descriptor: &MessageDescriptor,
) -> Result<Message, Box<dyn Error>> {
    let options = extension(pool, &descriptor.options(), "netcap.v1.table");
    let table = options.map(|o| TableOptions {
        name: text(&o, "name"),
        version: int(&o, "version"),
        title: text(&o, "title"),
        source: text(&o, "source"),
        of_labels: flag(&o, "of_labels"),
        on_request: flag(&o, "on_request"),
        twins: messages(&o, "twins")
            .iter()
            .map(|twin| (text(twin, "name"), text(twin, "title")))
            .collect(),
    });
    let mut fields = Vec::new();
    for field in descriptor.fields() {
        fields.push(read_field(pool, &field).map_err(|e| format!("field {}: {e}", field.name()))?);
    }
    // Declaration order, which `fields()` does not promise.
    let order: Vec<&str> = descriptor
        .descriptor_proto()
        .field
        .iter()
        .map(|f| f.name())
        .collect();
    fields.sort_by_key(|f: &Field| order.iter().position(|n| *n == f.name));
    Ok(Message {
        name: descriptor.name().to_owned(),
        full_name: descriptor.full_name().to_owned(),
        doc: comment(
            descriptor.parent_file().file_descriptor_proto(),
            descriptor.path(),
        ),
        table,
        fields,
    })
}

fn read_field(pool: &DescriptorPool, field: &FieldDescriptor) -> Result<Field, Box<dyn Error>> {
    let options = extension(pool, &field.options(), "netcap.v1.column");
    let option_text = |name: &str| options.as_ref().map(|o| text(o, name)).unwrap_or_default();
    let option_bool = |name: &str| options.as_ref().is_some_and(|o| flag(o, name));
    let ty = match field.kind() {
        ProtoKind::Bool => Type::Bool,
        ProtoKind::Int32 => Type::Int32,
        ProtoKind::Int64 => Type::Int64,
        ProtoKind::Double => Type::Double,
        ProtoKind::String => Type::String,
        ProtoKind::Bytes => Type::Bytes,
        ProtoKind::Message(m) => Type::Message(m.name().to_owned()),
        other => return Err(format!("type {other:?} is not used: unsigned and small types wrap or lose digits in some readers").into()),
    };
    let name_of = option_text("name_of");
    let names = if name_of.is_empty() {
        None
    } else {
        let wanted = format!("netcap.v1.{}", option_text("names"));
        let descriptor = pool
            .get_enum_by_name(&wanted)
            .ok_or_else(|| format!("there is no enumeration {wanted}"))?;
        Some((name_of, enum_names(pool, &descriptor)))
    };
    Ok(Field {
        name: field.name().to_owned(),
        number: field.number(),
        doc: comment(
            field.parent_message().parent_file().file_descriptor_proto(),
            field.path(),
        ),
        ty,
        kind: options
            .as_ref()
            .map_or_else(|| "KIND_PLAIN".to_owned(), |o| enumerator(o, "kind")),
        optional: field.supports_presence() && !field.is_list(),
        repeated: field.is_list(),
        unit: option_text("unit"),
        encoding: options.as_ref().map_or_else(
            || "ENCODING_DEFAULT".to_owned(),
            |o| enumerator(o, "encoding"),
        ),
        source: option_text("source"),
        names,
        flatten: option_bool("flatten"),
        overlay: option_bool("overlay"),
        prefix: option_text("prefix"),
        suffix: option_text("suffix"),
    })
}

fn enum_names(pool: &DescriptorPool, descriptor: &EnumDescriptor) -> Vec<(i32, String)> {
    let extension = pool.get_extension_by_name("netcap.v1.text");
    let mut names: Vec<(i32, String)> = descriptor
        .values()
        .filter_map(|value| {
            let options = value.options();
            let text = options.get_extension(extension.as_ref()?);
            let text = text.as_str()?.to_owned();
            (!text.is_empty()).then_some((value.number(), text))
        })
        .collect();
    names.sort();
    names
}

/// The rules that all tables keep.
fn check(model: &Model) -> Result<(), String> {
    for name in &model.tables {
        let mut columns = HashSet::new();
        let mut numbers = HashSet::new();
        let mut add = |field: &Field| {
            // DuckDB and Spark hold names that differ in case only for equal.
            if !columns.insert(field.name.to_lowercase()) {
                return Err(format!("two columns are named {}", field.name));
            }
            if !numbers.insert(field.number) {
                return Err(format!("{}: number {} is taken", field.name, field.number));
            }
            Ok(())
        };
        check_columns(model, &model.messages[name], &mut add)
            .map_err(|e| format!("table {name}: {e}"))?;
    }
    for message in model.messages.values() {
        if message.doc.is_empty() {
            return Err(format!("message {} has no comment", message.name));
        }
        for field in &message.fields {
            if field.doc.is_empty() && !field.flatten {
                return Err(format!("{}.{} has no comment", message.name, field.name));
            }
            if let Some((of, _)) = &field.names
                && !message
                    .fields
                    .iter()
                    .any(|f| f.name == *of && f.ty == Type::Int32)
            {
                return Err(format!(
                    "{}.{}: there is no int32 column {of}",
                    message.name, field.name
                ));
            }
        }
    }
    Ok(())
}

fn check_columns(
    model: &Model,
    message: &Message,
    add: &mut dyn FnMut(&Field) -> Result<(), String>,
) -> Result<(), String> {
    for field in &message.fields {
        if !field.flatten {
            add(field)?;
            continue;
        }
        let Type::Message(inner) = &field.ty else {
            return Err(format!("{}: only a message can be flattened", field.name));
        };
        check_columns(model, &model.messages[inner], &mut |column| {
            if !field.prefix.is_empty() && column.names.is_some() {
                return Err(format!(
                    "{}: a group with a prefix names nothing",
                    field.name
                ));
            }
            add(&field.included(column))
        })?;
    }
    Ok(())
}

fn extension(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    name: &str,
) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name)?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    match message.get_field_by_name(field).as_deref() {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    }
}

fn messages(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    match message.get_field_by_name(field).as_deref() {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| item.as_message().cloned())
            .collect(),
        _ => Vec::new(),
    }
}

fn int(message: &DynamicMessage, field: &str) -> i32 {
    match message.get_field_by_name(field).as_deref() {
        Some(Value::I32(number)) => *number,
        _ => 0,
    }
}

fn flag(message: &DynamicMessage, field: &str) -> bool {
    matches!(
        message.get_field_by_name(field).as_deref(),
        Some(Value::Bool(true))
    )
}

fn enumerator(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    let number = value
        .as_deref()
        .and_then(Value::as_enum_number)
        .unwrap_or_default();
    let descriptor = message.descriptor().get_field_by_name(field);
    match descriptor.map(|d| d.kind()) {
        Some(ProtoKind::Enum(e)) => e
            .get_value(number)
            .map(|v| v.name().to_owned())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn comment(file: &prost_reflect::prost_types::FileDescriptorProto, path: &[i32]) -> String {
    file.source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .find(|location| location.path == path)
        .map(|location| {
            location
                .leading_comments()
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(" ")
                .trim()
                .to_owned()
        })
        .unwrap_or_default()
}
