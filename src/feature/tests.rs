//! Shipped sets are whole, mistakes in files of users are told with their line, and values come out as defined.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use netcap_proto::FLOW;

use super::table::layout;
use super::{Evaluator, FeatureSet, Form, names, select};

fn shipped() -> Vec<FeatureSet> {
    let find = |word: &str| FeatureSet::find(word, Path::new("")).unwrap();
    names()
        .flat_map(|name| {
            let dialects = find(name).dialects.into_iter();
            dialects.map(move |(dialect, _)| find(&format!("{name}:{dialect}")))
        })
        .collect()
}

#[test]
fn shipped_sets_are_whole() {
    for set in shipped() {
        for feature in set.ids.iter().chain(&set.features) {
            assert!(
                !feature.doc.is_empty(),
                "{}: {} has no doc",
                set.name,
                feature.name
            );
        }
        let namings = set.namings.keys().cloned().map(Some).chain([None]);
        for naming in namings {
            let form = Form {
                with_ids: true,
                labeled: true,
                naming,
            };
            // No two names are equal ignoring case, under any naming.
            layout(&set, &form).unwrap();
        }
        assert!(select(&set, true).contains(" FROM ") || select(&set, true).contains("\nFROM "));
    }
}

#[test]
fn sets_have_as_many_columns_as_published() {
    let columns = |word: &str| {
        let set = FeatureSet::find(word, Path::new("")).unwrap();
        set.ids.len() + set.features.len()
    };
    assert_eq!(columns("netflow-v1"), 12);
    // 49 with the two labels.
    assert_eq!(columns("unsw-nb15"), 47);
    assert_eq!(columns("netflow-v2"), 43);
    assert_eq!(columns("netflow-v3"), 53);
    // 93 with Flow ID, which is put together from others.
    assert_eq!(columns("cicflowmeter:engelen"), 92);
    let cic = FeatureSet::find("cicflowmeter", Path::new("")).unwrap();
    let spelt = |naming: &str| {
        let all = cic.ids.iter().chain(&cic.features);
        let names: BTreeSet<&String> = all.filter_map(|f| f.names.get(naming)).collect();
        names.len()
    };
    // 84 with Flow ID, and Label besides; CIC-IDS2017 has Fwd Header Length twice.
    assert_eq!((spelt("cic2017"), spelt("cic2018")), (82, 82));
    assert_eq!(spelt("fork"), 92);
}

const SET: &str = "\
netcap-features: 1
set: mine
version: 1
title: A few
dialects:
  - {name: a, policy: netcap}
  - {name: b, policy: nfstream}
namings:
  other: {}
ids:
  - base: [src_ip]
columns:
  - name: rate
    type: double
    sql: {a: 'packets / nullif(duration_ns, 0)', b: packets}
    names: {other: Rate}
";

fn read(text: &str, dialect: Option<&str>) -> Result<FeatureSet, String> {
    FeatureSet::read(text, Path::new("mine.yaml"), dialect).map_err(|e| e.to_string())
}

#[test]
fn mistakes_are_told_with_their_line() {
    assert!(read(SET, None).is_ok());
    for (old, new, expected) in [
        (
            "nullif(duration_ns, 0)",
            "duration_ns",
            "mine.yaml:13:5: rate: the divisor",
        ),
        ("b: packets", "b: packts", "did you mean packets?"),
        (
            "name: rate",
            "for: {n: {from: 0, to: 60000}}\n    name: rate",
            "more than 10000 columns",
        ),
        ("type: double", "type: dubble", "mine.yaml:14:11"),
        ("    sql:", "    sqll:", "did you mean `sql`?"),
        (
            "type: double",
            "type: int64",
            "is declared int64, and its definition gives double",
        ),
        ("policy: netcap", "policy: zeek", "there is no policy zeek"),
        (
            "name: rate",
            "name: Rate",
            "\"Rate\" is no name for a column",
        ),
        ("name: rate", "name: label", "two columns are called label"),
        (
            "name: rate",
            "name: src_ip",
            "two columns are called src_ip",
        ),
        ("name: rate", "name: \"{x}\"", "there is no word {x}"),
        (
            "other: Rate",
            "othr: Rate",
            "`namings` of the set has no othr",
        ),
        ("b: packets", "c: packets", "the set has no dialect c"),
        ("name: b,", "name: a,", "two dialects are called a"),
        (
            "netcap-features: 1",
            "netcap-features: 2",
            "version 2 of the format",
        ),
        (
            "title: A few\n",
            "title: A few\nfrom: flow_packets\n",
            "no column packets",
        ),
    ] {
        let text = SET.replacen(old, new, 1);
        assert_ne!(text, SET);
        let dialect = if old.starts_with("b:") {
            Some("b")
        } else {
            None
        };
        let error = read(&text, dialect).unwrap_err();
        assert!(error.contains(expected), "{new}: {error}");
    }
    let unknown = read(SET, Some("c")).unwrap_err();
    assert!(unknown.contains("no dialect c") && unknown.contains("it has a, b"));
    let unknown = FeatureSet::find("cicflowmetr", Path::new("")).unwrap_err();
    assert!(unknown.to_string().contains("did you mean cicflowmeter?"));
    let unknown = FeatureSet::find("missing.yaml", Path::new("")).unwrap_err();
    assert!(unknown.to_string().contains("missing.yaml: cannot read"));
}

#[test]
fn words_and_blocks_are_unfolded() {
    let text = SET.replace(
        "  - name: rate\n",
        "  - for: {side: [fwd, bwd], n: [Fwd, Bwd]}\n    name: \"{side}_rate\"\n",
    );
    let text = text
        .replace(
            "packets / nullif(duration_ns, 0)",
            "{side}_packets / nullif(duration_ns, 0)",
        )
        .replace("other: Rate", "other: \"{n} rate\"");
    let set = read(&text, None).unwrap();
    let names: Vec<&str> = set.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["fwd_rate", "bwd_rate"]);
    assert_eq!(set.features[1].names["other"], "Bwd rate");
    assert!(set.features[1].columns.contains("bwd_packets"));
}

#[cfg(feature = "sql")]
fn flows(evaluator: &Evaluator) -> RecordBatch {
    // Two flows: one of a second, one without duration.
    let schema = FLOW.schema();
    let wanted = evaluator.of_flows();
    let fields = schema
        .fields()
        .iter()
        .filter(|f| wanted.contains(&f.name().as_str()));
    let fields: Vec<_> = fields.cloned().collect();
    let columns = fields.iter().map(|field| -> arrow::array::ArrayRef {
        match field.name().as_str() {
            "flow_uid" => Arc::new(StringArray::from(vec!["x", "y"])),
            "duration_ns" => Arc::new(Int64Array::from(vec![1_000_000_000, 0])),
            "packets" => Arc::new(Int64Array::from(vec![10, 1])),
            "dst_port" => Arc::new(Int32Array::from(vec![Some(80), None])),
            _ => Arc::new(Int64Array::from(vec![1, 2])),
        }
    });
    let columns = columns.collect();
    let schema = arrow::datatypes::Schema::new(fields);
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[test]
#[cfg(feature = "sql")]
fn values_come_out_as_defined() {
    let text = "\
netcap-features: 1
set: mine
version: 1
title: A few
dialects: [{name: a, policy: netcap}]
columns:
  - {name: rate, type: double, sql: 'packets / nullif(duration_ns / 1000000000, 0)'}
  - {name: port, type: int64, sql: 'coalesce(dst_port, 0) * 65536 * 65536'}
  - {name: nothing, type: text, sql: 'null'}
  - {name: one, type: double, sql: '1'}
  - {name: packets, type: int64, sql: packets}
  - {name: huge, type: double, sql: exp(packets * 1000)}
";
    let set = read(text, None).unwrap();
    let form = Form {
        labeled: true,
        ..Form::default()
    };
    let evaluator = Evaluator::new(&set, &form).unwrap();
    let label = Arc::new(StringArray::from(vec![Some("benign"), None]));
    let out = evaluator
        .evaluate(&flows(&evaluator), None, Some(label))
        .unwrap();
    let names: Vec<_> = out
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "flow", "flow_uid", "rate", "port", "nothing", "one", "packets", "huge", "label"
        ]
    );
    let rate = out.column(2).as_primitive::<Float64Type>();
    assert_eq!((rate.value(0), rate.is_null(1)), (10.0, true));
    // 32-bit columns are widened before anything is calculated.
    let port = out.column(3).as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!((port.value(0), port.value(1)), (80 << 32, 0));
    assert_eq!(out.column(4).null_count(), 2);
    assert_eq!(out.column(5).as_primitive::<Float64Type>().value(1), 1.0);
    // No infinity comes out.
    assert_eq!(out.column(7).null_count(), 2);
}
