//! Commands, messages and exit status.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::support::{compare, files, finished, netcap, root, run};

fn quickstart() -> String {
    root()
        .join("tests/lab/quickstart.pcapng")
        .display()
        .to_string()
}

#[test]
fn what_is_no_capture_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "this is no capture").unwrap();
    let out = folder.path().join("out");
    let (status, text, errors) = run(&[
        "decode",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!((status, text.as_str()), (2, ""));
    assert!(
        errors.contains("notes.txt") && errors.contains("found text"),
        "{errors}"
    );
    assert!(!out.join("manifest.json").exists() && !out.join("tables").exists());
}

#[test]
fn cut_capture_gives_its_packets_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(quickstart()).unwrap();
    let file = folder.path().join("cut.pcapng");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let out = folder.path().join("out");
    let (status, _, errors) = run(&[
        "decode",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(status, 1, "{errors}");
    assert!(
        errors.contains("capture-cut") && errors.contains("byte offset"),
        "{errors}"
    );
    assert!(out.join("tables/tcp/part-00000.parquet").exists());
}

#[test]
fn standard_input_and_output_carry_data_only() {
    let mut child = netcap()
        .args(["flows", "-", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = std::fs::read(quickstart()).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let (status, text, errors) = finished(child.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    assert_eq!(status, 0, "{errors}");
    assert!(text.starts_with("flow,flow_uid,community_id,"));
    assert!(text.lines().count() > 1300);
}

#[test]
fn flows_into_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["f.parquet", "f.csv", "f.arrow", "f.pb"] {
        let file = folder.path().join(name);
        let (status, _, errors) = run(&["flows", &quickstart(), "-o", file.to_str().unwrap()]);
        assert_eq!(status, 0, "{errors}");
        assert!(file.metadata().unwrap().len() > 10_000, "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 4);
    let (status, _, errors) = run(&["flows", &quickstart(), "-o", "flows.xlsx"]);
    assert_eq!(status, 2);
    assert!(errors.contains(".parquet"), "{errors}");
}

#[test]
fn wrong_label_file_is_told_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("l.yaml");
    std::fs::write(&file, "netcap-labels: 1\nzone: UTC\nruls: []\n").unwrap();
    let (status, _, errors) = run(&["label", "check", file.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("l.yaml:3:1") && errors.contains("rules"),
        "{errors}"
    );
}

#[test]
fn label_files_are_checked_for_what_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("l");
    let check = |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        let (status, _, errors) = run(&["label", "check", file.to_str().unwrap()]);
        (status, errors)
    };
    let table =
        "start;end;src_ip;label\n2026-01-01T00:00Z;2026-01-01T01:00Z;10.0.0.1 10.0.0.2;scan\n";
    let (status, errors) = check(table.as_bytes());
    assert_eq!(status, 0, "{errors}");
    let rule = |more: &str| format!("netcap-labels: 1\nzone: UTC\n{more}");
    let drift = "clocks:\n  c: {offset: [+1s at 2026-01-01 09:00, +2h at 2026-01-01 09:30]}\n";
    let ports = "rules:\n- {label: x, attackers: 10.0.0.1, ports: 22/icmp, time: always}\n";
    let anchor = "clocks:\n  c: {anchor: packet 0 of a.pcap is 2026-01-01 09:00}\n";
    for (text, told) in [
        (rule(""), "no rule in it"),
        (rule(drift), "no clock drifts"),
        (rule(ports), "has no ports"),
        (rule(anchor), "numbered from 1"),
        ("netcap-labels: 1\n# \u{e9}".to_owned(), "no rule in it"),
    ] {
        let (status, errors) = check(text.as_bytes());
        assert!(status == 2 && errors.contains(told), "{told}: {errors}");
    }
    let (status, errors) = check(b"netcap-labels: 1\nzone: \xff\n");
    assert!(
        status == 2 && errors.contains(":2:7: this is no text"),
        "{errors}"
    );
}

/// A label set of nothing would call every flow unknown.
#[test]
fn labels_without_rules_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, file) = (path("out"), path("l.yaml"));
    let decode = ["decode", &quickstart(), "--tables", "flow", "--out", &out];
    assert_eq!(run(&decode).0, 0);
    std::fs::write(&file, "netcap-labels: 1\nzone: UTC\nrules: []\n").unwrap();
    let (status, _, errors) = run(&["label", "--labels", &file, "--input", &out]);
    assert_eq!(status, 2);
    assert!(errors.contains("there is no rule in it"), "{errors}");
    for (name, content, told) in [
        (
            "l.csv",
            "a,b\n1,2\n",
            "does not name the columns of a label table",
        ),
        (
            "l.csv",
            "label,start,end,victims\n",
            "there is no rule in it",
        ),
    ] {
        std::fs::write(path(name), content).unwrap();
        let (status, _, errors) = run(&["label", "--labels", &path(name), "--input", &out]);
        assert_eq!(status, 2);
        assert!(errors.contains(told), "{errors}");
    }
    let (status, _, errors) = run(&["label", "--labels", &quickstart(), "--input", &out]);
    assert_eq!(status, 2);
    assert!(errors.contains("this is a capture (pcapng)"), "{errors}");
    assert!(!Path::new(&out).join("labels").exists());
}

#[test]
fn wrong_pipeline_file_is_told_with_line_and_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    std::fs::write(&file, "netcap-pipeline: 1\ncapturs: x.pcap\n").unwrap();
    let (status, _, errors) = run(&["build", file.to_str().unwrap(), "--out", "nowhere"]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("p.yaml:2") && errors.contains("did you mean `captures`"),
        "{errors}"
    );
}

#[test]
fn names_of_sets_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = folder.path().join("p.yaml");
    for (sets, told) in [
        (
            "[{set: a/b, files: [x.yaml]}]",
            "\"a/b\" is no name for a label set",
        ),
        (
            "[{set: nfstream, files: [x.yaml]}]",
            "would be read as flow_nfstream, which is the name of the table flow_nfstream",
        ),
        (
            "[{set: lab, files: [x.yaml]}, {set: LAB, files: [x.yaml]}]",
            "two label sets are called lab and LAB",
        ),
    ] {
        let text =
            format!("netcap-pipeline: 1\ncaptures: [none.pcap]\noutput: out\nlabels: {sets}\n");
        std::fs::write(&pipeline, text).unwrap();
        let (status, _, errors) = run(&["build", pipeline.to_str().unwrap()]);
        assert!(status == 2 && errors.contains(told), "{errors}");
    }
}

#[test]
fn overlapping_captures_are_refused_with_the_choices() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.pcapng");
    std::fs::copy(quickstart(), &copy).unwrap();
    let out = folder.path().join("out");
    let args = [
        "decode",
        &quickstart(),
        copy.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let (status, _, errors) = run(&args);
    assert_eq!(status, 2);
    assert!(
        errors.contains("merge") && errors.contains("separate"),
        "{errors}"
    );
    assert!(errors.contains("is it the same capture twice?"), "{errors}");
    // Done, with the warning that both have the same bytes.
    let (status, _, errors) = run(&[&args[..], &["--overlap", "separate"]].concat());
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("capture-twice"), "{errors}");
    assert!(
        out.join("tables/flow/stream=copy.pcapng/part-00000.parquet")
            .exists()
    );
    // The stream is a column, as in DuckDB.
    let query = |sql: &str| {
        let out = out.to_str().unwrap();
        let (status, text, errors) = run(&["query", sql, "--input", out, "--format", "csv"]);
        assert_eq!(status, 0, "{errors}");
        text
    };
    assert_eq!(
        query("SELECT stream, count(*) AS n FROM flow GROUP BY stream ORDER BY stream"),
        "stream,n\ncopy.pcapng,1389\nquickstart.pcapng,1389\n"
    );
    // Of no column of the files, too.
    assert_eq!(query("SELECT count(*) * 2 AS n FROM flow"), "n\n5556\n");
    assert_eq!(
        query("SELECT stream FROM capture ORDER BY stream"),
        "stream\ncopy.pcapng\nquickstart.pcapng\n"
    );
    let (status, _, errors) = run(&[&args[..], &["--overlap", "merge"]].concat());
    assert_eq!(status, 1, "{errors}");
}

/// What is removed because the tables it was made of are made anew is told.
#[test]
fn decoding_anew_tells_what_it_removes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let truth = root().join("tests/lab/quickstart.labels.yaml");
    let capture = quickstart();
    let decode = ["decode", &capture, "--out", out];
    assert_eq!(run(&decode).0, 0);
    let label = ["label", "--labels", truth.to_str().unwrap(), "--input", out];
    assert_eq!(run(&label).0, 0);
    let views = std::fs::read_to_string(Path::new(out).join("views.sql")).unwrap();
    for view in [
        "flow_quickstart",
        "flow_label_quickstart",
        "claims_quickstart",
    ] {
        let made = format!("VIEW \"{view}\" AS");
        assert_eq!(views.matches(&made).count(), 1, "{views}");
    }
    let (status, _, errors) = run(&[&decode[..], &["--head", "100"]].concat());
    assert_eq!(status, 0);
    assert!(errors.contains("labels/quickstart"), "{errors}");
    assert!(!Path::new(out).join("labels").exists());
    // Without the table flow there is no view of it, and nothing to label.
    assert_eq!(run(&[&decode[..], &["--tables", "tcp"]].concat()).0, 0);
    let views = std::fs::read_to_string(Path::new(out).join("views.sql")).unwrap();
    assert!(
        views.contains("\"tcp\"") && !views.contains("\"flow\""),
        "{views}"
    );
    assert_eq!(run(&label).0, 2);
    let export = [
        "export", "--input", out, "--format", "csv", "--tables", "dns",
    ];
    let (status, _, errors) = run(&[&export[..], &["--out", "nowhere"]].concat());
    assert_eq!(status, 2);
    assert!(errors.contains("no table dns"), "{errors}");
}

/// Hashes that are made while captures are decoded are those that the cache has after that, and before it.
#[test]
fn outputs_do_not_depend_on_known_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("captures")).unwrap();
    for name in ["a.pcapng", "b.pcapng"] {
        std::fs::copy(quickstart(), path(&format!("captures/{name}"))).unwrap();
    }
    let run = |args: &[&str]| {
        let mut command = netcap();
        command.env("NETCAP_CACHE", path("cache")).args(args);
        finished(command.output().unwrap())
    };
    let captures = path("captures");
    let start = ["decode", &captures, "--overlap", "merge", "--head", "5000"];
    for (out, more) in [("first", ""), ("second", ""), ("third", "--rehash")] {
        let out = path(out);
        let mut args = [&start[..], &["--out", &out]].concat();
        args.extend(Some(more).filter(|more| !more.is_empty()));
        let (status, _, errors) = run(&args);
        assert_eq!(status, 1, "{errors}");
        assert!(errors.contains("capture-twice"), "{errors}");
    }
    let first = files(Path::new(&path("first")));
    assert!(first.len() > 10);
    for other in ["second", "third"] {
        assert_eq!(files(Path::new(&path(other))), first);
    }
    let out = path("flows.csv");
    let (_, _, errors) = run(&["flows", &captures, "--overlap", "merge", "-o", &out]);
    assert!(errors.contains("capture-twice"), "{errors}");
}

#[test]
fn a_folder_with_other_files_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
    let (status, _, errors) = run(&[
        "decode",
        &quickstart(),
        "--out",
        folder.path().to_str().unwrap(),
    ]);
    assert_eq!(status, 2);
    assert!(errors.contains("thesis.tex"), "{errors}");
}

#[test]
fn tables_and_help_and_completions() {
    let (status, text, _) = run(&["tables"]);
    assert_eq!(status, 0);
    assert!(text.contains("tcp"));
    let (status, text, _) = run(&["tables", "dns"]);
    assert_eq!(status, 0);
    assert!(text.contains("query_name"));
    let (status, _, errors) = run(&["tables", "dsn"]);
    assert_eq!(status, 2);
    assert!(errors.contains("did you mean dns"), "{errors}");
    assert!(run(&["completions", "bash"]).1.contains("netcap"));
    for command in [
        "build", "decode", "flows", "label", "export", "tables", "inspect", "verify", "diff",
    ] {
        let (status, text, _) = run(&[command, "--help"]);
        assert_eq!(status, 0);
        assert!(text.contains("Examples:"), "{command} has no examples");
    }
}

#[test]
fn inspect_tells_what_a_capture_is() {
    let (status, text, errors) = run(&["inspect", &quickstart(), "--format", "json"]);
    assert_eq!(status, 0, "{errors}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["files"][0]["packets"], 8180);
    assert_eq!(value["files"][0]["link_types"][0]["name"], "ethernet");
}

#[test]
fn time_and_head_filter() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let args = [
        "decode",
        &quickstart(),
        "--out",
        out,
        "--time",
        "2026-11-26T15:52:20Z..2026-11-26T15:52:30Z",
    ];
    let (status, _, errors) = run(&args);
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("filtered"), "{errors}");
    let (_, _, errors) = run(&["decode", &quickstart(), "--out", out, "--head", "1k"]);
    assert!(errors.contains("1,000 packets: 1,000 decoded"), "{errors}");
}

/// `netcap flows … -o - | head` is no error.
#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let mut child = netcap()
        .args(["flows", &quickstart(), "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Less than there is, and less than a pipe holds.
    let mut some = [0; 100];
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut some).unwrap();
    drop(out);
    let (status, _, errors) = finished(child.wait_with_output().unwrap());
    assert_eq!(status, 0, "{errors}");
}

/// A policy has a table of its own, and `flows` writes it.
#[test]
fn flows_by_the_rules_of_others() {
    let count = |policy: &str| {
        let capture = quickstart();
        let (status, text, errors) = run(&["flows", &capture, "--policy", policy, "-o", "-"]);
        assert_eq!(status, 0, "{errors}");
        text.lines().count() - 1
    };
    // NFStream has no flows by the identifier of pings.
    assert!(count("netcap") > count("nfstream"));
    assert!(count("cicflowmeter-engelen") > 0);
    let (status, _, errors) = run(&["flows", "x", "--policy", "zeek", "-o", "-"]);
    assert_eq!(status, 2);
    assert!(errors.contains("nfstream"), "{errors}");
}

/// The help texts are read by people: a change of theirs is to be seen in review.
#[test]
fn help_texts_are_up_to_date() {
    let (status, list, _) = run(&["--help"]);
    assert_eq!(status, 0);
    let commands = list
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut text = String::new();
    for arguments in std::iter::once(vec!["--help"]).chain(commands.map(|c| vec![c, "--help"])) {
        let mut command = netcap();
        command.args(&arguments).env("COLUMNS", "80");
        let (status, help, errors) = finished(command.output().unwrap());
        assert_eq!((status, errors.as_str()), (0, ""));
        text += &format!("$ netcap {}\n{help}\n", arguments.join(" "));
    }
    compare("tests/it/help.txt", &text);
}

#[test]
fn inspect_tells_what_decode_skips() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wlan.pcap");
    // 802.11 (105), a packet of four bytes.
    let numbers = [
        0xa1b2_c3d4_u32,
        0x0004_0002,
        0,
        0,
        65_535,
        105,
        0,
        0,
        4,
        4,
        0,
    ];
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    std::fs::write(&file, bytes).unwrap();
    let (_, text, _) = run(&["inspect", file.to_str().unwrap()]);
    assert!(text.contains("(105): 1, which `decode` skips"), "{text}");
    let (_, text, _) = run(&["inspect", &quickstart()]);
    assert!(!text.contains("skips"), "{text}");
}
