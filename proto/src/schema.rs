//! Descriptions of the tables, generated from the messages, and the Arrow schemas that follow.
//!
//! Everything that is the same for all tables (Parquet, CSV, protobuf, listings, SQL views) is
//! written once, over these.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name and that of its folder, such as `tcp`.
    pub name: &'static str,
    /// The protobuf message, such as `netcap.v1.Tcp`.
    pub message: &'static str,
    /// Version of the schema; one more with each column added.
    pub version: i32,
    /// What it is in the words of the field.
    pub title: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Where the format is defined.
    pub source: &'static str,
    /// Filled only when it is asked for by name.
    pub on_request: bool,
    /// Protobuf field numbers from the table's message down to its group of label columns; empty
    /// if it has none.
    pub label_path: &'static [u32],
    /// The columns, in order, groups spliced in.
    pub columns: &'static [Column],
}

/// A column of a table, or a field of a struct in one.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Parquet `field_id`, and number of the protobuf field.
    pub number: u32,
    /// Protobuf field numbers from the table's message down to this field.
    pub path: &'static [u32],
    /// Type of a value.
    pub ty: Type,
    /// Kind of value.
    pub kind: Kind,
    /// May be null.
    pub nullable: bool,
    /// Is a list of values.
    pub repeated: bool,
    /// What it means.
    pub doc: &'static str,
    /// Unit of the value; empty without one.
    pub unit: &'static str,
    /// Where it is defined, when more exact than the table's source.
    pub source: &'static str,
    /// How Parquet stores it.
    pub encoding: Encoding,
    /// For a column that names the values of another one: which, and the names.
    pub names: Option<Names>,
    /// Fields of a struct.
    pub children: &'static [Column],
}

/// Names of the values of another column.
#[derive(Debug, Clone)]
pub struct Names {
    /// The column whose values are named.
    pub of: &'static str,
    /// Value and name, in the order of the values.
    pub values: &'static [(i32, &'static str)],
}

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 64-bit float.
    Double,
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// Microseconds since 1970-01-01 UTC.
    Timestamp,
    /// A struct of [`Column::children`].
    Struct,
}

/// Kinds of value, beyond their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the type says.
    Plain,
    /// An IP address as text.
    Ip,
    /// An Ethernet address as text.
    Mac,
    /// Text from a small vocabulary.
    Term,
    /// The name of a number in another column.
    Name,
}

/// Parquet encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Dictionary for numbers and text, plain for all else.
    Default,
    /// Values as they are.
    Plain,
    /// Differences.
    Delta,
}

impl Table {
    /// The table of that name, those of labels included.
    pub fn find(name: &str) -> Option<&'static Table> {
        let all = crate::TABLES.iter().chain(crate::LABEL_TABLES);
        all.copied().find(|t| t.name == name)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The schema of the table as readers see it.
    pub fn schema(&self) -> Schema {
        let fields: Vec<Field> = self.columns.iter().map(|c| c.field(false)).collect();
        Schema::new(fields)
    }

    /// The schema of a batch in memory: repeated text is dictionary-encoded.
    pub fn batch_schema(&self) -> Schema {
        let fields: Vec<Field> = self.columns.iter().map(|c| c.field(true)).collect();
        Schema::new(fields)
    }
}

impl Column {
    /// The Arrow field, with its `field_id`. `interned` asks for the form in memory, in which
    /// repeated text is dictionary-encoded.
    pub fn field(&self, interned: bool) -> Field {
        let value = self.value_type(interned);
        let ty = if self.repeated {
            DataType::List(Arc::new(element(value)))
        } else {
            value
        };
        let id = HashMap::from([("PARQUET:field_id".to_owned(), self.number.to_string())]);
        Field::new(self.name, ty, self.nullable).with_metadata(id)
    }

    fn value_type(&self, interned: bool) -> DataType {
        match self.ty {
            Type::Bool => DataType::Boolean,
            Type::Int32 => DataType::Int32,
            Type::Int64 => DataType::Int64,
            Type::Double => DataType::Float64,
            Type::Text if interned && self.kind != Kind::Plain => dictionary(),
            Type::Text => DataType::Utf8,
            Type::Bytes => DataType::Binary,
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::Struct => DataType::Struct(
                self.children
                    .iter()
                    .map(|c| FieldRef::new(c.field(interned)))
                    .collect(),
            ),
        }
    }
}

/// Text as keys into a dictionary: the form of repeated text in memory.
pub fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The element of a list, named as the Parquet format asks.
pub(crate) fn element(ty: DataType) -> Field {
    Field::new("element", ty, false)
}
