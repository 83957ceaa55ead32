//! Which columns a file has: those of a table, and those of a label set where it is labeled.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use netcap_proto::{Column, LABEL_COLUMNS, Table};

/// The columns of a file.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The table.
    pub table: &'static Table,
    /// Its columns, in order.
    pub columns: Vec<&'static Column>,
    /// What a file says of itself beside the table's name and version: pairs of key and value.
    pub says: Vec<(&'static str, String)>,
}

impl Layout {
    /// The table as it was decoded.
    pub fn plain(table: &'static Table) -> Self {
        Self {
            table,
            columns: table.columns.iter().collect(),
            says: Vec::new(),
        }
    }

    /// The table with its label columns.
    pub fn labeled(table: &'static Table) -> Self {
        Self {
            table,
            columns: table.columns.iter().chain(LABEL_COLUMNS).collect(),
            says: Vec::new(),
        }
    }

    /// The schema that readers see.
    pub fn schema(&self) -> SchemaRef {
        self.with(false)
    }

    /// The schema of a batch in memory: repeated text is dictionary-encoded.
    pub fn batch_schema(&self) -> SchemaRef {
        self.with(true)
    }

    fn with(&self, interned: bool) -> SchemaRef {
        let fields: Vec<Field> = self.columns.iter().map(|c| c.field(interned)).collect();
        Arc::new(Schema::new(fields))
    }

    /// Whether `schema`, as read from a file, is that of this layout: names, types and nullability.
    pub fn fits(&self, schema: &Schema) -> bool {
        let plain = |f: &FieldRef| (f.name().clone(), f.data_type().clone());
        self.schema()
            .fields()
            .iter()
            .map(plain)
            .eq(schema.fields().iter().map(plain))
    }
}
