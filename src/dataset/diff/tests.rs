//! Outputs that differ in one known way.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int32Type;
use netcap_proto::{DNS, FLOW, TCP};

use super::{Diff, Example, TableDiff, diff};
use crate::dataset::fixture::{output, with};
use crate::output::Layout;
use crate::output::sample::sample;

fn compare(layout: &Layout, a: Vec<RecordBatch>, b: Vec<RecordBatch>) -> (TableDiff, Diff) {
    let folder = tempfile::tempdir().unwrap();
    let (path_a, path_b) = (folder.path().join("a"), folder.path().join("b"));
    output(&path_a, &[(layout, a)]);
    output(&path_b, &[(layout, b)]);
    let found = diff(&path_a, &path_b).unwrap();
    assert!(
        found
            .to_string()
            .lines()
            .all(|line| line.chars().count() <= 80),
        "{found}"
    );
    (found.tables[0].clone(), found)
}

/// `src_port` of the row plus one.
fn changed(batch: &RecordBatch, row: usize) -> RecordBatch {
    let ports = batch
        .column_by_name("src_port")
        .unwrap()
        .as_primitive::<Int32Type>();
    let ports: Int32Array = (0..ports.len())
        .map(|i| {
            let port = ports.is_valid(i).then(|| ports.value(i));
            if i == row {
                Some(port.map_or(0, |p| p.wrapping_add(1)))
            } else {
                port
            }
        })
        .collect();
    with(batch, "src_port", Arc::new(ports))
}

fn without(batch: &RecordBatch, row: usize) -> RecordBatch {
    let parts = [
        batch.slice(0, row),
        batch.slice(row + 1, batch.num_rows() - row - 1),
    ];
    concat_batches(&batch.schema(), &parts).unwrap()
}

#[test]
fn equal_outputs_are_equal() {
    let layout = Layout::plain(&TCP);
    let rows = sample(&layout, 0, 100);
    let (_, found) = compare(
        &layout,
        vec![rows.clone()],
        vec![rows.slice(0, 30), rows.slice(30, 70)],
    );
    assert!(found.is_equal());
    assert_eq!(
        found.to_string(),
        "equal: 1 table with 100 rows, 1 other file\n"
    );
}

#[test]
fn damaged_outputs_are_refused() {
    let layout = Layout::plain(&TCP);
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    for path in [&a, &b] {
        output(path, &[(&layout, vec![sample(&layout, 0, 100)])]);
    }
    assert!(diff(&a, &b).unwrap().is_equal());
    let table = b.join("tables/tcp/part-00000.parquet");
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    for error in [diff(&a, &b).unwrap_err(), diff(&b, &a).unwrap_err()] {
        let told = error.to_string();
        assert!(
            told.contains("not as its manifest says") && told.contains("netcap verify"),
            "{told}"
        );
    }
}

#[test]
fn one_changed_value_is_found() {
    let layout = Layout::plain(&TCP);
    let rows = sample(&layout, 0, 9000);
    // Row 8195 is in the second batch that is read.
    let (table, found) = compare(&layout, vec![rows.clone()], vec![changed(&rows, 8195)]);
    assert!(table.key.is_empty());
    assert_eq!(table.rows_only_a.rows + table.rows_only_b.rows, 0);
    let [column] = table.columns.as_slice() else {
        panic!("{:?}", table.columns)
    };
    assert_eq!((column.name.as_str(), column.rows), ("src_port", 1));
    let value = |batch: &RecordBatch| {
        let ports = batch.column_by_name("src_port").unwrap();
        Some(ports.as_primitive::<Int32Type>().value(8195).to_string())
    };
    let [example] = column.examples.as_slice() else {
        panic!("{:?}", column.examples)
    };
    assert!(
        example.key.starts_with("capture 0, packet 8196, layer "),
        "{}",
        example.key
    );
    assert_eq!(
        (&example.a, &example.b),
        (&value(&rows), &value(&changed(&rows, 8195)))
    );
    assert!(
        found.to_string().contains("  src_port differs in 1 row\n"),
        "{found}"
    );
}

#[test]
fn rows_of_packets_are_paired_by_their_keys() {
    let layout = Layout::plain(&TCP);
    let rows = sample(&layout, 0, 9000);
    let (table, _) = compare(
        &layout,
        vec![without(&rows, 100)],
        vec![without(&changed(&rows, 7), 8500)],
    );
    assert_eq!(table.key, ["capture", "packet", "layer", "index"]);
    assert_eq!((table.rows_only_a.rows, table.rows_only_b.rows), (1, 1));
    assert!(table.rows_only_a.examples[0].contains("packet 8501,"));
    assert!(table.rows_only_b.examples[0].contains("packet 101,"));
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.rows))
        .collect();
    assert_eq!(columns, [("src_port", 1)]);
}

#[test]
fn flows_are_paired_by_their_identifiers() {
    let layout = Layout::plain(&FLOW);
    let rows = sample(&layout, 0, 1000);
    let (table, found) = compare(
        &layout,
        vec![rows.clone()],
        vec![without(&changed(&rows, 500), 20)],
    );
    assert_eq!(table.key, ["flow_uid"]);
    assert_eq!((table.rows_a, table.rows_b), (1000, 999));
    assert_eq!((table.rows_only_a.rows, table.rows_only_b.rows), (1, 0));
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.rows))
        .collect();
    assert_eq!(columns, [("src_port", 1)]);
    assert!(
        found
            .to_string()
            .contains("tables/flow: 1000 rows in A, 999 in B\n  only in A: 1 row\n")
    );
}

#[test]
fn another_order_is_no_other_values() {
    let layout = Layout::plain(&FLOW);
    let rows = sample(&layout, 0, 300);
    let back: UInt64Array = (0..300).rev().collect();
    let (table, found) = compare(
        &layout,
        vec![rows.clone()],
        vec![take_record_batch(&rows, &back).unwrap()],
    );
    assert!(table.reordered && !found.is_equal());
    assert!(table.columns.is_empty());
    assert!(
        found
            .to_string()
            .contains("  the same rows in another order\n"),
        "{found}"
    );
}

#[test]
fn a_table_without_rows_is_compared() {
    let layout = Layout::plain(&TCP);
    let (table, _) = compare(&layout, vec![], vec![sample(&layout, 0, 5)]);
    assert_eq!((table.rows_only_a.rows, table.rows_only_b.rows), (0, 5));
    assert_eq!(table.rows_only_b.examples.len(), 3);
}

#[test]
fn lists_are_compared_and_shown_as_json() {
    let layout = Layout::plain(&DNS);
    let rows = sample(&layout, 0, 20);
    let questions = rows.column_by_name("questions").unwrap();
    let shifted: UInt64Array = (0..20).map(|row| if row == 4 { 5 } else { row }).collect();
    let questions = arrow::compute::take(questions, &shifted, None).unwrap();
    let (table, _) = compare(
        &layout,
        vec![rows.clone()],
        vec![with(&rows, "questions", questions)],
    );
    let [column] = table.columns.as_slice() else {
        panic!("{:?}", table.columns)
    };
    assert_eq!((column.name.as_str(), column.rows), ("questions", 1));
    assert!(column.examples[0].b.as_ref().unwrap().starts_with('['));
}

#[test]
fn tables_columns_and_files_of_only_one_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let (tcp, flow, dns) = (
        Layout::plain(&TCP),
        Layout::plain(&FLOW),
        Layout::plain(&DNS),
    );
    let labeled = Layout::labeled(&FLOW);
    let rows = |layout: &Layout| vec![sample(layout, 0, 10)];
    output(&a, &[(&tcp, rows(&tcp)), (&flow, rows(&flow))]);
    let mut manifest = output(&b, &[(&dns, rows(&dns)), (&labeled, rows(&labeled))]);
    manifest.stages.remove("exports/csv");
    manifest.netcap = "9.9.9".to_owned();
    manifest.write(&b).unwrap();
    let found = diff(&a, &b).unwrap();
    assert_eq!(
        (found.only_a.as_slice(), found.only_b.as_slice()),
        (
            &["tables/tcp".to_owned()][..],
            &["tables/dns".to_owned()][..]
        )
    );
    assert_eq!(found.tables[0].columns_only_b[..2], ["label", "attack"]);
    assert_eq!(found.files, ["exports/csv/flow.csv is only in A"]);
    assert!(found.to_string().starts_with("written by netcap "));
    assert!(diff(&a, Path::new("/nonexistent")).is_err());
    assert!(
        serde_json::to_string(&found)
            .unwrap()
            .contains("\"only_a\":[\"tables/tcp\"]")
    );
}

#[test]
fn the_text_fits_a_terminal() {
    let mut table = TableDiff {
        name: "tables/dns".to_owned(),
        rows_a: 2,
        rows_b: 2,
        ..Default::default()
    };
    table.columns.push(super::ColumnDiff {
        name: "query_name".to_owned(),
        rows: 1,
        examples: vec![Example {
            key: "capture 0, packet 12, layer 3, index 0".to_owned(),
            a: Some("\u{1b}[31mred\n".to_owned() + &"é".repeat(100)),
            b: None,
        }],
        ..Default::default()
    });
    let expected = format!(
        "tables/dns: 2 rows\n  query_name differs in 1 row\n    capture 0, packet 12, layer 3, index 0\n      A \\u{{1b}}[31mred\\n{}…\n      B null\n",
        "é".repeat(56)
    );
    assert_eq!(table.to_string(), expected);
}
