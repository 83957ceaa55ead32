//! Exports read back: by protobuf's own rules from the descriptors that lie beside an export, and
//! by Arrow's reader; CSV against lines written by hand.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Field, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::ipc::reader::FileReader;
use netcap_proto::{CAPTURE, Column, DNS, FLOW, LABEL_TABLES, TABLES, TCP, Type, message};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};

use super::{Format, Texts, export, export_descriptors, write_to};
use crate::output::sample::sample;
use crate::output::{Layout, hex};

fn written(batches: &[RecordBatch], layout: &Layout, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let rows = write_to(batches.iter().cloned().map(Ok), layout, format, &mut out).unwrap();
    assert_eq!(
        rows,
        batches.iter().map(|b| b.num_rows() as u64).sum::<u64>()
    );
    out
}

/// Every layout there is.
fn layouts() -> Vec<Layout> {
    let plain = TABLES
        .iter()
        .chain(LABEL_TABLES)
        .map(|table| Layout::plain(table));
    let with_labels = TABLES.iter().filter(|table| !table.label_path.is_empty());
    plain
        .chain(with_labels.map(|table| Layout::labeled(table)))
        .collect()
}

fn messages(mut bytes: &[u8], layout: &Layout) -> Vec<DynamicMessage> {
    let pool = DescriptorPool::decode(netcap_proto::FILE_DESCRIPTOR_SET).unwrap();
    let descriptor = pool.get_message_by_name(layout.table.message).unwrap();
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let len = prost::encoding::decode_varint(&mut bytes).unwrap() as usize;
        let (message, rest) = bytes.split_at(len);
        messages.push(DynamicMessage::decode(descriptor.clone(), message).unwrap());
        bytes = rest;
    }
    messages
}

#[test]
fn protobuf_holds_the_values_of_every_column() {
    for layout in layouts() {
        let batch = sample(&layout, 0, 500);
        let bytes = written(std::slice::from_ref(&batch), &layout, Format::Protobuf);
        let messages = messages(&bytes, &layout);
        assert_eq!(messages.len(), batch.num_rows());
        for (row, message) in messages.iter().enumerate() {
            assert_eq!(message.unknown_fields().count(), 0);
            for (column, array) in layout.columns.iter().zip(batch.columns()) {
                let own = layout.table.columns.iter().any(|c| c.name == column.name);
                let prefix = if own { &[] } else { layout.table.label_path };
                let path: Vec<u32> = prefix.iter().chain(column.path).copied().collect();
                let (number, groups) = path.split_last().unwrap();
                let mut message = message.clone();
                for group in groups {
                    assert!(message.has_field_by_number(*group));
                    let group = message.get_field_by_number(*group).unwrap().into_owned();
                    message = group.as_message().unwrap().clone();
                }
                same(column, *number, array, row, &message);
            }
        }
    }
}

/// Compares a field of a message with a row of a column.
fn same(column: &Column, number: u32, array: &ArrayRef, row: usize, message: &DynamicMessage) {
    let field = message.descriptor().get_field(number).unwrap();
    // A group that is included with a prefix has columns of longer names.
    assert!(
        column.name.contains(field.name()),
        "{} {}",
        field.name(),
        column.name
    );
    if column.nullable {
        assert_eq!(
            message.has_field(&field),
            array.is_valid(row),
            "{}",
            column.name
        );
        if array.is_null(row) {
            return;
        }
    }
    let value = message.get_field(&field);
    if column.repeated {
        let elements = array.as_list::<i32>().value(row);
        let values = value.as_list().unwrap();
        assert_eq!(values.len(), elements.len());
        for (row, value) in values.iter().enumerate() {
            let children = column.children.iter().zip(elements.as_struct().columns());
            for (child, array) in children {
                same(child, child.number, array, row, value.as_message().unwrap());
            }
        }
        return;
    }
    let expected = match column.ty {
        Type::Bool => Value::Bool(array.as_boolean().value(row)),
        Type::Int32 => Value::I32(array.as_primitive::<Int32Type>().value(row)),
        Type::Int64 => Value::I64(array.as_primitive::<Int64Type>().value(row)),
        Type::Timestamp => Value::I64(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        Type::Double => Value::F64(array.as_primitive::<Float64Type>().value(row)),
        Type::Text => Value::String(array.as_string::<i32>().value(row).to_owned()),
        Type::Bytes => Value::Bytes(array.as_binary::<i32>().value(row).to_vec().into()),
        Type::Struct => unreachable!("structs are in lists"),
    };
    assert_eq!(*value, expected, "{} of row {row}", column.name);
}

#[test]
fn protobuf_is_as_protobuf_writes_it() {
    for layout in layouts() {
        let bytes = written(&[sample(&layout, 3, 200)], &layout, Format::Protobuf);
        let again: Vec<u8> = messages(&bytes, &layout)
            .iter()
            .flat_map(|message| message.encode_length_delimited_to_vec())
            .collect();
        assert!(bytes == again, "{}", layout.table.name);
    }
}

#[test]
fn protobuf_is_read_by_the_generated_messages() {
    let layout = Layout::labeled(&DNS);
    let batch = sample(&layout, 0, 100);
    let bytes = written(std::slice::from_ref(&batch), &layout, Format::Protobuf);
    let mut rest = bytes.as_slice();
    let mut again = Vec::new();
    for row in 0..batch.num_rows() {
        let message = message::Dns::decode_length_delimited(&mut rest).unwrap();
        message.encode_length_delimited(&mut again).unwrap();
        let id = message.id.unwrap();
        assert_eq!(id.packet, row as i64 + 1);
        let states = batch
            .column_by_name("label_state")
            .unwrap()
            .as_string::<i32>();
        assert_eq!(id.label.unwrap().label_state, states.value(row));
        let questions = batch.column_by_name("questions").unwrap().as_list::<i32>();
        assert_eq!(message.questions.len(), questions.value(row).len());
    }
    assert!(rest.is_empty());
    assert!(again == bytes);
}

#[test]
fn protobuf_bytes_of_a_flow() {
    // Only a few columns, so that the bytes can be followed by eye.
    let names = ["flow", "flow_uid", "src_port", "dst_port", "protocol"];
    let mut layout = Layout::plain(&FLOW);
    layout.columns.retain(|column| names.contains(&column.name));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![300])),
        Arc::new(StringArray::from(vec!["ab"])),
        Arc::new(arrow::array::Int32Array::from(vec![Some(0)])), // optional: zero is written
        Arc::new(arrow::array::Int32Array::from(vec![None])),
        Arc::new(arrow::array::Int32Array::from(vec![0])), // not optional: zero is not
    ];
    let batch = RecordBatch::try_new(layout.schema(), columns).unwrap();
    let bytes = written(&[batch], &layout, Format::Protobuf);
    assert_eq!(
        hex(&bytes),
        "0c".to_owned() + "a001ac02" + "aa01026162" + "800200"
    );
}

#[test]
fn protobuf_has_no_place_for_labels_of_captures() {
    let layout = Layout::labeled(&CAPTURE);
    let error = write_to([], &layout, Format::Protobuf, &mut Vec::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("netcap.v1.Capture has no field for labels"),
        "{error}"
    );
}

#[test]
fn texts_that_are_keys_in_memory_are_exported_as_texts() {
    for layout in [Layout::labeled(&DNS), Layout::plain(&TCP)] {
        let plain = sample(&layout, 0, 50);
        let columns = plain
            .columns()
            .iter()
            .zip(layout.batch_schema().fields().clone().iter())
            .map(|(column, field)| cast(column, field.data_type()).unwrap())
            .collect();
        let interned = RecordBatch::try_new(layout.batch_schema(), columns).unwrap();
        assert_ne!(interned.schema(), plain.schema());
        for format in Format::ALL {
            let expected = written(std::slice::from_ref(&plain), &layout, format);
            assert!(
                written(&[interned.slice(0, 50)], &layout, format) == expected,
                "{format}"
            );
        }
    }
}

#[test]
fn csv_lines() {
    let names = [
        "packet",
        "ts",
        "response",
        "query_name",
        "query_type",
        "questions",
    ];
    let mut layout = Layout::plain(&DNS);
    layout.columns.retain(|column| names.contains(&column.name));
    let questions = sample(&layout, 0, 4)
        .column_by_name("questions")
        .unwrap()
        .clone();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2, -3, i64::MAX])),
        Arc::new(
            TimestampMicrosecondArray::from(vec![1_764_031_199_382_586, 0, -1, i64::MAX])
                .with_timezone("UTC"),
        ),
        Arc::new(BooleanArray::from(vec![true, false, true, false])),
        Arc::new(StringArray::from(vec![
            Some("plain.example"),
            Some("a, \"b\"\nc"),
            Some("bücher.example"),
            None,
        ])),
        Arc::new(arrow::array::Int32Array::from(vec![
            Some(1),
            None,
            Some(0),
            None,
        ])),
        questions,
    ];
    let batch = RecordBatch::try_new(layout.schema(), columns).unwrap();
    let text = String::from_utf8(written(&[batch], &layout, Format::Csv)).unwrap();
    let mut lines = text.split_inclusive('\n');
    assert_eq!(
        lines.next().unwrap(),
        "packet,ts,response,query_name,query_type,questions\n"
    );
    let rest: String = lines.collect();
    let expected = r#"1,2025-11-25T00:39:59.382586Z,true,plain.example,1,"QUESTIONS"
2,1970-01-01T00:00:00.000000Z,false,"a, ""b""
c",,"QUESTIONS"
-3,1969-12-31T23:59:59.999999Z,true,bücher.example,0,"QUESTIONS"
9223372036854775807,9223372036854775807,false,,,"QUESTIONS"
"#;
    // The lists have a test of their own.
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let mut masked = expected.to_owned();
    for record in reader.records() {
        let questions = record.unwrap()[5].replace('"', "\"\"");
        let cell = if questions.contains(',') {
            format!("\"{questions}\"")
        } else {
            questions
        };
        masked = masked.replacen("\"QUESTIONS\"", &cell, 1);
    }
    assert_eq!(rest, masked);
}

#[test]
fn csv_lists_are_json() {
    let layout = Layout {
        table: &TCP,
        columns: TCP.columns.iter().filter(|c| c.repeated).collect(),
        says: Vec::new(),
    };
    let batch = sample(&layout, 0, 60);
    let bytes = written(std::slice::from_ref(&batch), &layout, Format::Csv);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
    let mut elements = 0;
    for (row, record) in reader.records().enumerate() {
        for ((cell, column), array) in record
            .unwrap()
            .iter()
            .zip(&layout.columns)
            .zip(batch.columns())
        {
            let json: serde_json::Value = serde_json::from_str(cell).unwrap();
            let list = array.as_list::<i32>().value(row);
            let json = json.as_array().unwrap();
            assert_eq!(json.len(), list.len());
            for (i, object) in json.iter().enumerate() {
                elements += 1;
                for (child, values) in column.children.iter().zip(list.as_struct().columns()) {
                    let expected: serde_json::Value = match child.ty {
                        Type::Bytes => hex(values.as_binary::<i32>().value(i)).into(),
                        Type::Int32 => values.as_primitive::<Int32Type>().value(i).into(),
                        Type::Int64 => values.as_primitive::<Int64Type>().value(i).into(),
                        other => panic!("{other:?} is new here"),
                    };
                    assert_eq!(object[child.name], expected);
                }
            }
        }
    }
    assert!(elements > 60);
}

fn texts(array: ArrayRef) -> Vec<Option<String>> {
    let field = Arc::new(Field::new("x", array.data_type().clone(), true));
    let mut texts = Texts::new(&field, &array).unwrap();
    let mut scratch = Vec::new();
    (0..array.len())
        .map(|row| {
            texts
                .get(row, &mut scratch)
                .map(|t| String::from_utf8(t.to_vec()).unwrap())
        })
        .collect()
}

#[test]
fn text_of_floats_and_bytes() {
    let floats = Float64Array::from(vec![
        Some(0.0),
        Some(-0.0),
        Some(0.1),
        Some(1e300),
        Some(1e-9),
        Some(f64::NAN),
        Some(f64::NEG_INFINITY),
        None,
    ]);
    let expected = ["0.0", "-0.0", "0.1", "1e300", "1e-9", "NaN", "-inf"];
    let mut expected: Vec<_> = expected
        .iter()
        .map(|text| Some((*text).to_owned()))
        .collect();
    expected.push(None);
    assert_eq!(texts(Arc::new(floats)), expected);
    let bytes = BinaryArray::from(vec![Some([0, 171, 255].as_slice()), None, Some(b"")]);
    let expected = [Some("00abff".to_owned()), None, Some(String::new())];
    assert_eq!(texts(Arc::new(bytes)), expected);
}

#[test]
fn arrow_is_read_back() {
    for layout in layouts() {
        let (first, second) = (sample(&layout, 0, 100), sample(&layout, 100, 17));
        let bytes = written(&[first.clone(), second.clone()], &layout, Format::Arrow);
        assert_eq!(
            bytes,
            written(&[first.clone(), second.clone()], &layout, Format::Arrow)
        );
        let reader = FileReader::try_new(Cursor::new(bytes), None).unwrap();
        assert_eq!(reader.schema(), layout.schema());
        let read: Vec<_> = reader.map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        let read = concat_batches(&layout.schema(), &read).unwrap();
        assert_eq!(
            read,
            concat_batches(&layout.schema(), &[first, second]).unwrap()
        );
    }
}

#[test]
fn files_are_written_with_their_facts() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::plain(&TCP);
    for format in Format::ALL {
        let path = folder.path().join(format.file_name("tcp"));
        let rows = sample(&layout, 0, 10);
        let facts = export([Ok(rows.clone())], &layout, format, &path, "exports/x/tcp").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes, written(&[rows], &layout, format));
        assert_eq!(
            (facts.path.as_str(), facts.bytes),
            ("exports/x/tcp", bytes.len() as u64)
        );
        assert_eq!(
            facts.sha256,
            hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes))
        );
    }
    let facts = export_descriptors(folder.path(), "exports/x").unwrap();
    assert_eq!(facts.path, "exports/x/netcap.v1.binpb");
    let path = folder.path().join("missing/tcp.csv");
    let error = export([], &layout, Format::Csv, &path, "x").unwrap_err();
    assert_eq!(error.place().file.as_deref(), Some(path.as_path()));
}

#[test]
fn tables_without_rows_are_files_without_rows() {
    let layout = Layout::plain(&FLOW);
    assert!(written(&[], &layout, Format::Protobuf).is_empty());
    assert_eq!(
        written(&[], &layout, Format::Csv)
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        1
    );
    let reader = FileReader::try_new(Cursor::new(written(&[], &layout, Format::Arrow)), None);
    assert_eq!(reader.unwrap().count(), 0);
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>().unwrap(), format);
        assert_eq!(serde_json::to_value(format).unwrap(), format.name());
    }
    assert!("CSV".parse::<Format>().is_err());
}
