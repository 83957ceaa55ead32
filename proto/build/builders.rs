//! Column builders as Rust: their fields, how rows go to them, and the arrays that they give.

use std::fmt::Write as _;

use crate::generate::{
    borrows, column, constant, doc, ident, is_borrowed, is_identity, names_literal, row_type, set,
};
use crate::model::{Field, Message, Model, Type};

fn builder_type(field: &Field) -> String {
    let plain = match &field.ty {
        Type::Message(m) if m == "Identity" => return "AtColumns".to_owned(),
        Type::Message(m) => &format!("{m}Columns"),
        Type::Bool => "Bools",
        Type::Int32 => "Ints<Int32Type>",
        Type::Int64 if field.kind == "KIND_TIMESTAMP" => "Ints<TimestampMicrosecondType>",
        Type::Int64 => "Ints<Int64Type>",
        Type::Double => "Ints<Float64Type>",
        Type::String if field.kind == "KIND_PLAIN" => "Texts",
        Type::String => "SymbolColumn",
        Type::Bytes => "Bytes",
    };
    let is_optional = field.optional && !matches!(field.ty, Type::Message(_));
    let element = format!("{}{plain}", if is_optional { "Optional" } else { "" });
    match (&field.ty, field.repeated) {
        (Type::Message(_), true) => format!("Structs<{element}>"),
        (_, true) => format!("Lists<{element}>"),
        _ => element,
    }
}

/// The builder of a message: what it is made of, how it takes rows and gives arrays.
pub(crate) fn columns(model: &Model, message: &Message, out: &mut String) {
    let name = &message.name;
    let _ = writeln!(out, "/// Columns under construction. {}", doc(&message.doc));
    let _ = writeln!(
        out,
        "#[derive(Debug, Default)]\npub struct {name}Columns {{\n    len: usize,"
    );
    if message.table.is_some() {
        let _ = writeln!(out, "    waiting: Vec<{name}Waiting>,");
    }
    for field in set(message) {
        let _ = writeln!(out, "    {}: {},", ident(&field.name), builder_type(field));
    }
    out.push_str("}\n");

    appending(model, message, out);

    let pushes_rows = if borrows(model, message) {
        format!("{name}Row<'a>")
    } else {
        format!("{name}Row")
    };
    let _ = writeln!(
        out,
        "impl Group for {name}Columns {{\n    type Row<'a> = {pushes_rows};\n    fn push_row(&mut self, row: &{pushes_rows_anon}) {{ self.push(row); }}\n    fn fields() -> Fields {{ group_fields(&[{fields}]) }}\n    fn finish(&mut self, cx: &Finish<'_>, out: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {{\n        self.len = 0;{spread}",
        spread = if message.table.is_some() {
            "\n        self.spread();"
        } else {
            ""
        },
        pushes_rows_anon = pushes_rows.replace("'a", "'_"),
        fields = message
            .fields
            .iter()
            .filter(|f| !f.flatten && message.table.is_none())
            .map(|f| column(model, f, &[f.number]))
            .collect::<String>()
    );
    for field in message.fields.iter().filter(|f| !f.overlay) {
        let id = ident(&field.name);
        if let Some((of, names)) = &field.names {
            let _ = writeln!(
                out,
                "        let names = names_of({}_ints.as_ref(), {})?;\n        out.push(names);",
                of,
                names_literal(names)
            );
        } else if field.flatten {
            let _ = writeln!(out, "        self.{id}.finish(cx, out)?;");
        } else {
            let _ = writeln!(out, "        out.push(self.{id}.finish_array(cx)?);");
            if message
                .fields
                .iter()
                .any(|f| f.names.as_ref().is_some_and(|(of, _)| *of == field.name))
            {
                let _ = writeln!(
                    out,
                    "        let {}_ints = out.last().cloned().unwrap_or_else(|| new_null_array(&DataType::Int32, 0));",
                    field.name
                );
            }
        }
    }
    out.push_str("        Ok(())\n    }\n}\n");

    if message.table.is_some() {
        let _ = writeln!(
            out,
            "impl TableColumns for {name}Columns {{\n    fn table(&self) -> &'static Table {{ &{} }}\n    fn len(&self) -> usize {{ self.len }}\n    fn finish_batch(&mut self, cx: &Finish<'_>) -> Result<RecordBatch, ArrowError> {{\n        static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new({}.batch_schema()));\n        finish_batch(&SCHEMA, self, cx)\n    }}\n}}",
            constant(name),
            constant(name)
        );
    }
}

/// How rows are appended. Those of a table wait until there is a block of them, and then go to the columns one
/// column after the other: a row alone would write to a place of its own in each of a hundred columns, for all of
/// which the processor has to fetch memory. What a row borrows cannot wait.
fn appending(model: &Model, message: &Message, out: &mut String) {
    let name = &message.name;
    let lifetime = if borrows(model, message) { "<'_>" } else { "" };
    let is_table = message.table.is_some();
    let (waits, at_once): (Vec<&Field>, Vec<&Field>) =
        set(message).partition(|f| is_table && !is_borrowed(model, f));
    if is_table {
        let _ = writeln!(
            out,
            "/// What a row of [`{name}Columns`] does not borrow.\n#[derive(Debug, Clone, Copy)]\nstruct {name}Waiting {{"
        );
        for field in &waits {
            let (id, ty) = (ident(&field.name), row_type(model, field));
            let _ = writeln!(out, "    {id}: {ty},");
        }
        out.push_str("}\n");
    }
    if !is_table && lifetime.is_empty() {
        let _ = writeln!(
            out,
            "impl {name}Columns {{\n    /// Appends a row.\n    pub fn push(&mut self, row: &{name}Row) {{ self.extend(std::iter::once(row)); }}\n    /// Appends at most 64 rows.\n    pub(crate) fn extend<'r>(&mut self, rows: impl ExactSizeIterator<Item = &'r {name}Row> + Clone) {{\n        self.len += rows.len();"
        );
        for field in set(message) {
            extend(field, out);
        }
        out.push_str("    }\n}\n");
        return;
    }
    let _ = writeln!(
        out,
        "impl {name}Columns {{\n    /// Appends a row.\n    #[inline]\n    pub fn push(&mut self, row: &{name}Row{lifetime}) {{\n        self.len += 1;"
    );
    for field in at_once {
        let (id, by) = (ident(&field.name), reference(field));
        let call = if is_borrowed(model, field) {
            format!("push({by}row.{id})")
        } else {
            format!("extend(std::iter::once({by}row.{id}))")
        };
        let _ = writeln!(out, "        self.{id}.{call};");
    }
    if is_table {
        let _ = writeln!(out, "        self.waiting.push({name}Waiting {{");
        for field in &waits {
            let id = ident(&field.name);
            let _ = writeln!(out, "            {id}: row.{id},");
        }
        let _ = writeln!(
            out,
            "        }});\n        if self.waiting.len() >= block::<{name}Waiting>() {{ self.spread(); }}\n    }}\n    #[inline(never)]\n    fn spread(&mut self) {{\n        let rows = self.waiting.iter();"
        );
        for field in waits {
            extend(field, out);
        }
        out.push_str("        self.waiting.clear();\n");
    }
    out.push_str("    }\n}\n");
}

/// A group's rows are handed on by reference.
fn reference(field: &Field) -> &'static str {
    if field.flatten && !is_identity(field) {
        "&"
    } else {
        ""
    }
}

/// Appends a column of `rows`.
fn extend(field: &Field, out: &mut String) {
    let (id, by) = (ident(&field.name), reference(field));
    let _ = writeln!(
        out,
        "        self.{id}.extend(rows.clone().map(|row| {by}row.{id}));"
    );
}
