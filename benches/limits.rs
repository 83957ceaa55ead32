//! What a decode cannot do without: hashing the capture, going through its packets, and encoding the columns
//! that come out. Each alone, in one thread, with what it needs in memory; `scripts/bench --limits` sets the
//! whole program beside them.
//!
//!     cargo bench --bench limits -- CAPTURE OUTPUT
//!
//! OUTPUT is a folder that `netcap decode CAPTURE` has filled. Prints a line of JSON with seconds. Without arguments
//! it decodes the capture of the quickstart first, so that the tests run it, too.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]
#![allow(clippy::print_stdout, reason = "its result")]

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use arrow::array::RecordBatch;
use netcap::capture::Reader;
use netcap::dataset::hash_file;
use netcap::output::{Layout, TableWriter, read_table, tables_in};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::json;

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Every packet, and nothing done with it but to look at its start.
fn walk(capture: &Path) {
    let mut reader = Reader::open(capture).unwrap();
    while let Some((meta, bytes)) = reader.next().unwrap() {
        black_box((meta.ts_ns, bytes.first()));
    }
}

/// As netcap encodes.
fn encode(layout: &Layout, batches: &[RecordBatch], folder: &Path) {
    let mut writer = TableWriter::new(layout.clone());
    writer.begin_folder(folder, "").unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
}

/// As the parquet crate encodes when it is told nothing but to compress.
fn encode_plainly(batches: &[RecordBatch], file: &Path) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = File::create(file).unwrap();
    let schema = batches[0].schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
}

fn main() {
    let given: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .filter(|argument| !argument.to_string_lossy().starts_with("--"))
        .map(PathBuf::from)
        .collect();
    let work = tempfile::tempdir().unwrap();
    let (capture, output) = match given.as_slice() {
        [capture, output] => (capture.clone(), output.clone()),
        _ => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let capture = root.join("tests/lab/quickstart.pcapng");
            let output = work.path().join("output");
            let decoded = Command::new(env!("CARGO_BIN_EXE_netcap"))
                .args(["decode", "--quiet", "--out"])
                .args([&output, &capture])
                .status();
            assert!(decoded.unwrap().success());
            (capture, output)
        }
    };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1);
    let one = one.build().unwrap();

    // Once before, so that all of it is in memory.
    walk(&capture);
    let hash = seconds(|| drop(black_box(hash_file(&capture).unwrap())));
    let walked = seconds(|| walk(&capture));
    let (mut own, mut plain) = (BTreeMap::new(), BTreeMap::new());
    let mut values = 0;
    let tables = output.join("tables");
    for table in tables_in(&tables).unwrap() {
        let layout = Layout::plain(table);
        let batches = read_table(&tables.join(table.name), &layout).unwrap();
        let batches: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
        if batches.is_empty() {
            continue;
        }
        values += batches
            .iter()
            .map(|batch| batch.num_rows() * batch.num_columns())
            .sum::<usize>();
        let folder = work.path().join(table.name);
        let file = work.path().join("plain.parquet");
        let took = one.install(|| seconds(|| encode(&layout, &batches, &folder)));
        own.insert(table.name, took);
        plain.insert(table.name, seconds(|| encode_plainly(&batches, &file)));
    }
    let result = json!({
        "hash_s": hash, "walk_s": walked, "values": values, "encode_s": own, "encode_plainly_s": plain,
    });
    println!("{result}");
}
