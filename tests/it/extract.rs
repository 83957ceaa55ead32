//! `netcap extract` on the quickstart capture.

use netcap::capture::Reader;

use crate::support::{netcap, root, run};

/// Time, length and bytes of each packet of a capture.
fn packets(path: &std::path::Path) -> Vec<(i64, u32, Vec<u8>)> {
    let mut reader = Reader::open(path).unwrap();
    let mut all = Vec::new();
    while let Some((meta, bytes)) = reader.next().unwrap() {
        all.push((meta.ts_ns, meta.original, bytes.to_vec()));
    }
    all
}

#[test]
fn the_packets_of_flows_are_found_with_and_without_their_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let lab = |name: &str| {
        root()
            .join("tests/lab")
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let (capture, labels) = (lab("quickstart.pcapng"), lab("quickstart.labels.yaml"));
    let (all, flows) = (path("all"), path("flows"));
    assert_eq!(
        run(&["decode", &capture, "--out", &all, "--tables", "packet,flow"]).0,
        0
    );
    assert_eq!(
        run(&["decode", &capture, "--out", &flows, "--tables", "flow"]).0,
        0
    );
    let made = run(&[
        "label", "--labels", &labels, "--input", &all, "--set", "lab",
    ]);
    assert!(made.0 < 2, "{}", made.2);

    // One flow by its number: the same packets, whatever was kept.
    let sql = "SELECT packets FROM flow WHERE flow = 3200";
    let rows = run(&["query", sql, "--input", &all, "--format", "csv"]).1;
    let wanted: usize = rows.lines().nth(1).unwrap().parse().unwrap();
    let mut found = Vec::new();
    for input in [&all, &flows] {
        let out = path("one.pcapng");
        let extract = [
            "extract", &capture, "--input", input, "--flow", "3200", "--out", &out,
        ];
        let (status, _, errors) = run(&[&extract[..], &["--force"]].concat());
        assert_eq!(status, 0, "{errors}");
        found.push(packets(out.as_ref()));
        let again = run(&extract);
        assert_eq!(again.0, 2, "a file is replaced only with --force");
    }
    assert_eq!(found[0].len(), wanted);
    assert_eq!(found[0], found[1]);
    let whole = packets(capture.as_ref());
    assert!(found[0].iter().all(|packet| whole.contains(packet)));

    // By a condition on labels, with what the rules claim as comments.
    let out = path("brute.pcapng");
    let condition = "label_rule = 'password-guessing' AND label_state = 'attempted'";
    let extract = [
        "extract", &capture, "--input", &all, "--labels", "lab", "--where", condition, "--out",
        &out,
    ];
    assert_eq!(run(&extract).0, 0);
    let sql = format!("SELECT sum(packets) AS n FROM flow_lab WHERE {condition}");
    let rows = run(&["query", &sql, "--input", &all, "--format", "csv"]).1;
    assert_eq!(rows, format!("n\n{}\n", packets(out.as_ref()).len()));
    let bytes = std::fs::read(&out).unwrap();
    let comment =
        b"attempted Password guessing: rule password-guessing (quickstart.labels.yaml:43)";
    assert!(bytes.windows(comment.len()).any(|window| window == comment));
}

#[test]
fn other_captures_and_flows_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let (capture, input, out) = (capture.to_str().unwrap(), path("out"), path("x.pcapng"));
    assert_eq!(
        run(&[
            "decode",
            capture,
            "--out",
            &input,
            "--tables",
            "packet,flow"
        ])
        .0,
        0
    );
    let extract = |capture: &str, which: &[&str]| {
        let start = ["extract", capture, "--input", &input, "--out", &out];
        run(&[&start[..], which].concat())
    };
    let (status, _, errors) = extract(capture, &["--flow", "7777777"]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("no packet belongs to these flows"),
        "{errors}"
    );
    let (status, _, errors) = extract(capture, &["--flow", "481,7777777"]);
    assert_eq!(status, 1, "{errors}");
    assert!(
        errors.contains("of 1 flow in") && errors.contains("1 flow without packets, 7777777"),
        "{errors}"
    );
    std::fs::remove_file(&out).unwrap();
    let other = root().join("Cargo.toml");
    let (status, _, errors) = extract(other.to_str().unwrap(), &["--flow", "481"]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("the capture quickstart.pcapng of the output is not there"),
        "{errors}"
    );
    let (status, _, errors) = extract(capture, &["--where", "flow_ = 1"]);
    assert_eq!(status, 2, "{errors}");
    assert!(!std::path::Path::new(&out).exists());
}

#[test]
fn what_came_by_standard_input_cannot_be_extracted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let input = std::fs::File::open(&capture).unwrap();
    let mut decode = netcap();
    decode.args(["decode", "-", "--out", &out]).stdin(input);
    assert!(decode.output().unwrap().status.success());
    let file = folder.path().join("x.pcapng").display().to_string();
    let capture = capture.display().to_string();
    let (status, _, errors) = run(&[
        "extract", &capture, "--input", &out, "--flow", "1", "--out", &file,
    ]);
    assert!(
        status == 2 && errors.contains("made of standard input"),
        "{errors}"
    );
}
