//! Feature sets and queries on a real output, as a user sees them.

use std::path::Path;
use std::process::Command;

use crate::support::{root, run};

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An output of the quickstart capture with these tables.
fn decoded(out: &Path, tables: &str) {
    let capture = text(&root().join("tests/lab/quickstart.pcapng"));
    let (status, _, errors) = run(&["decode", &capture, "--out", &text(out), "--tables", tables]);
    assert_eq!(status, 0, "{errors}");
}

#[test]
fn a_table_that_is_missing_is_told_with_the_command_that_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    decoded(&out, "flow");
    for (set, table) in [
        ("cicflowmeter:engelen", "flow_cicflowmeter_engelen"),
        ("cicflowmeter:2017", "flow_cicflowmeter_2017"),
        ("nfstream", "flow_nfstream"),
        ("sequence", "flow_packets"),
    ] {
        let (status, _, errors) = run(&["features", set, "--input", &text(&out)]);
        assert_eq!(status, 2);
        assert!(errors.contains(&format!("--tables +{table}")), "{errors}");
        assert!(!out.join("features").exists() || !out.join("features").join(set).exists());
    }
}

#[test]
fn fewer_first_packets_than_a_set_names_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("out"));
    let capture = text(&root().join("tests/lab/quickstart.pcapng"));
    let decode = [
        "decode",
        &capture,
        "--out",
        &out,
        "--tables",
        "flow,flow_packets",
    ];
    assert_eq!(run(&[&decode[..], &["--first-packets", "5"]].concat()).0, 0);
    let (status, _, errors) = run(&["features", "sequence", "--input", &out]);
    let told = "names the first 20 packets of each flow, and the table flow_packets has 5";
    assert!(status == 2 && errors.contains(told), "{errors}");
}

#[test]
fn features_are_made_once_and_go_with_their_tables() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    decoded(&out, "flow,flow_packets");
    let make = |set: &str| run(&["features", set, "--input", &text(&out)]);
    let (status, _, errors) = make("sequence");
    assert_eq!(status, 0, "{errors}");
    assert!(make("sequence").2.contains("nothing has changed"));
    assert_eq!(make("netflow-v3").0, 0);
    let (status, table, _) = run(&[
        "query",
        "SELECT count(*) AS n, max(size_0) AS m FROM features_sequence",
        "--input",
        &text(&out),
        "--format",
        "csv",
    ]);
    assert_eq!((status, table.as_str()), (0, "n,m\n1389,203\n"));
    assert_eq!(run(&["verify", &text(&out)]).0, 0);
    decoded(&out, "flow");
    assert!(!out.join("features").exists());
}

#[test]
fn a_table_compared_with_itself_as_csv_is_equal() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    decoded(&out, "flow,flow_cicflowmeter_engelen");
    let csv = folder.path().join("csv");
    let set = "cicflowmeter:engelen";
    let spelt = ["--with-ids", "--naming", "fork", "--format", "csv"];
    let (input, files) = (text(&out), text(&csv));
    let mut arguments = vec!["features", set, "--input", &input, "--out", &files];
    arguments.extend(spelt);
    assert_eq!(run(&arguments).0, 0);
    let file = csv.join("cicflowmeter-engelen.csv");
    let path = text(&file);
    let diff = || run(&["features", "diff", set, &path, "--input", &input]);
    let (status, told, errors) = diff();
    assert_eq!(status, 0, "{told}{errors}");
    assert!(
        told.contains("91 of 91 columns are equal in all flows"),
        "{told}"
    );
    // One number more, one flow less.
    let whole = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    let column = lines[0]
        .split(',')
        .position(|name| name == "Total Fwd Packet");
    let mut cells: Vec<String> = lines[1].split(',').map(str::to_owned).collect();
    cells[column.unwrap()] = "77".into();
    lines[1] = cells.join(",");
    lines.remove(5);
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (status, told, _) = diff();
    assert_eq!(status, 1);
    assert!(
        told.contains("1364 flows matched, 1 only in the first, 0 only in the second"),
        "{told}"
    );
    assert!(
        told.contains("90 of 91 columns") && told.contains("total_fwd_packet"),
        "{told}"
    );
    // A zone that is wrong, and days behind months.
    let off: String = whole.replace('Z', "-04:00");
    std::fs::write(&file, off).unwrap();
    let (_, told, _) = diff();
    let hint = "if the times of the second were 4 h earlier, 1365 would match";
    assert!(
        told.contains(hint) && told.contains("no columns are compared"),
        "{told}"
    );
    std::fs::write(&file, whole.replace("2026-11-26", "11/26/2026")).unwrap();
    let (_, told, _) = diff();
    let why = "1365 rows could not be read, the first at cicflowmeter-engelen.csv:2: 10.77.0.";
    assert!(told.contains(why), "{told}");
    let (status, _, errors) = run(&["features", "diff", set, "no.csv", "--input", &input]);
    assert_eq!(status, 2, "{errors}");
    let zone = ["--zone", "Atlantis"];
    let mut arguments = vec!["features", "diff", set, &path, "--input", &input];
    arguments.extend(zone);
    assert!(run(&arguments).2.contains("there is no time zone Atlantis"));
}

#[test]
fn queries_are_answered_and_mistakes_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    decoded(&out, "flow,dns,udp,arp");
    let input = text(&out);
    let ask = |sql: &str| run(&["query", sql, "--input", &input, "--format", "csv"]);
    let (status, rows, _) =
        ask("SELECT service, count(*) AS n FROM flow GROUP BY service ORDER BY n LIMIT 1");
    assert_eq!((status, rows.as_str()), (0, "service,n\ndns,569\n"));
    let (status, rows, _) = ask("SELECT ts FROM flow ORDER BY ts LIMIT 1");
    assert!(status == 0 && rows.ends_with("Z\n"), "{rows}");
    let (_, rows, _) = ask("SELECT dst_port, src_ip, packets FROM flow LIMIT 2");
    assert_eq!(
        (rows.lines().count(), rows.lines().next()),
        (3, Some("dst_port,src_ip,packets"))
    );
    let joined = "SELECT count(*) AS n FROM udp JOIN dns ON udp.packet = dns.packet";
    assert_eq!(ask(joined).0, 0);
    let (status, _, errors) = ask("SELECT * FROM flows");
    assert!(
        status == 2 && errors.contains("there is no table flows"),
        "{errors}"
    );
    for sql in [
        "SELECT src_iq FROM flow",
        "SELECT packet FROM flow WHERE src_iq = 'x'",
    ] {
        let (status, _, errors) = ask(sql);
        assert_eq!(status, 2);
        assert!(errors.contains("no column src_iq"), "{errors}");
        assert!(errors.contains("did you mean src_ip?"), "{errors}");
        assert!(errors.lines().count() < 5, "{errors}");
    }
    assert_eq!(ask("SELECT 1 FROM nowhere").0, 2);
    assert_eq!(ask("SELEKT").0, 2);
    for sql in [
        "DROP TABLE dns",
        "DELETE FROM flow WHERE 1 = 1",
        "SELECT 1; SELECT 2",
    ] {
        let (status, _, errors) = ask(sql);
        assert!(
            status == 2 && errors.contains("no single SELECT"),
            "{errors}"
        );
    }
    // As Parquet, and nested columns too.
    let file = folder.path().join("rows.parquet");
    let path = text(&file);
    let sql = "SELECT packet, questions FROM dns LIMIT 3";
    assert_eq!(run(&["query", sql, "--input", &input, "-o", &path]).0, 0);
    assert!(file.metadata().unwrap().len() > 0);
    assert!(ask(sql).2.contains("CSV has none"));
}

#[test]
fn printed_sets_are_told_without_an_output() {
    let (status, list, _) = run(&["features"]);
    assert_eq!(status, 0);
    assert!(list.contains("cicflowmeter:fixed (default)"), "{list}");
    let (status, sql, _) = run(&["features", "netflow-v1", "--sql"]);
    assert!(
        status == 0 && sql.contains("fwd_ip_bytes AS in_bytes"),
        "{sql}"
    );
    // A reader that has had enough is no error.
    let program = env!("CARGO_BIN_EXE_netcap");
    let command = format!("{program} features flow | head -1");
    let done = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty());
}
