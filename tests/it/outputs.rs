//! What becomes of an output that several commands write to: what stays, what goes, what is told of it.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{netcap, root, run};

/// A folder with a pipeline about the capture of the quickstart, and its path.
struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Writes a pipeline of one stream with those keys, and builds it.
    fn build(&self, keys: &str) -> (i32, String) {
        let capture = root().join("tests/lab/quickstart.pcapng");
        let text = format!(
            "netcap-pipeline: 1\ncaptures: {}\noutput: out\n{keys}",
            capture.display()
        );
        fs::write(self.path("pipeline.yaml"), text).unwrap();
        let (status, _, errors) = run(&["build", &self.path("pipeline.yaml")]);
        (status, errors)
    }

    fn has(&self, path: &str) -> bool {
        self.0.path().join("out").join(path).exists()
    }
}

fn truth() -> String {
    root()
        .join("tests/lab/quickstart.labels.yaml")
        .display()
        .to_string()
}

#[test]
fn what_cannot_be_checked_or_would_be_written_twice_is_refused() {
    let work = Work::new();
    let capture = "name: quickstart.pcapng";
    for (keys, message) in [
        (
            format!("tables: [flow]\nexpect: [{{{capture}, packets: 1}}]\n"),
            "`expect` with packets or times needs the table capture",
        ),
        (
            format!("expect: [{{{capture}, packets: -1}}]\n"),
            "cannot have -1 packets",
        ),
        (
            format!("expect: [{{{capture}, sha256: xyz}}]\n"),
            "\"xyz\" of quickstart.pcapng is no SHA-256",
        ),
        (
            "exports: [{format: csv, tables: [dns]}, {format: csv, tables: [flow]}]\n".to_owned(),
            "two exports would be written to exports/csv",
        ),
    ] {
        let (status, errors) = work.build(&keys);
        assert!(status == 2 && errors.contains(message), "{errors}");
        assert!(!work.has("tables"));
    }
    let (status, errors) = work.build(&format!(
        "tables: [flow, capture]\nexpect: [{{{capture}, packets: 1}}]\n"
    ));
    assert!(
        status == 1 && errors.contains("has 8180 packets, not 1"),
        "{errors}"
    );
}

#[test]
fn what_is_locked_to_has_to_be_a_manifest() {
    let work = Work::new();
    work.build("tables: [capture]\n");
    let pipeline = work.path("pipeline.yaml");
    let (status, _, errors) = run(&["build", &pipeline, "--locked", &pipeline]);
    let told = "this is no manifest";
    let help = "name the manifest.json of an output, or its folder";
    assert!(
        status == 2 && errors.contains(told) && errors.contains(help),
        "{errors}"
    );
}

#[test]
fn labels_that_stay_the_same_leave_what_was_made_of_them() {
    let work = Work::new();
    let truth = truth();
    let keys = format!(
        "tables: [flow, dns]\nlabels: [{{set: lab, files: {truth}, materialize: all}}]\n\
         exports: [{{format: csv, labels: lab, tables: [flow]}}]\n"
    );
    work.build(&keys);
    assert!(work.has("labeled/lab/dns") && work.has("exports/csv-lab"));
    let out = work.path("out");
    let (_, _, errors) = run(&["label", "--labels", &truth, "--input", &out, "--set", "lab"]);
    assert!(
        errors.contains("removed, as they had the labels of that set: labeled/lab/dns\n"),
        "{errors}"
    );
    assert!(!work.has("labeled/lab/dns") && work.has("exports/csv-lab"));

    // What others have added is not of the pipeline.
    run(&[
        "label", "--labels", &truth, "--input", &out, "--set", "extra",
    ]);
    assert!(work.has("labels/extra"));
    let (_, errors) = work.build(&keys);
    let told = "removed, as the pipeline does not have them: labeled/extra, labels/extra";
    assert!(errors.contains(told), "{errors}");
    assert!(!work.has("labels/extra") && work.has("labeled/lab/dns"));

    // Without a manifest nothing there is known.
    fs::remove_file(work.path("out/manifest.json")).unwrap();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let arguments = ["--tables", "dns", "--out", &out];
    run(&[&["decode", &capture.display().to_string()], &arguments[..]].concat());
    assert!(!work.has("labels") && !work.has("exports"));
    assert_eq!(run(&["verify", &out]).0, 0);
}

#[test]
fn streams_have_the_names_of_their_files_in_all_views() {
    let work = Work::new();
    let capture = root().join("tests/lab/quickstart.pcapng");
    for name in ["a=1%20.pcapng", "b.pcapng"] {
        fs::copy(&capture, work.path(name)).unwrap();
    }
    let out = work.path("out");
    let folder = work.0.path().display().to_string();
    let (status, _, errors) = run(&["decode", &folder, "--overlap", "separate", "--out", &out]);
    assert!(status < 2, "{errors}");
    assert!(work.has("tables/packet/stream=a%3D1%2520.pcapng"));
    let sql = "SELECT stream, count(*) AS n FROM packet GROUP BY stream ORDER BY stream";
    let (_, rows, _) = run(&["query", sql, "--input", &out, "--format", "csv"]);
    assert_eq!(rows, "stream,n\na=1%20.pcapng,8180\nb.pcapng,8180\n");
    // A table without rows has the column, too.
    let sql = "SELECT count(stream) AS n FROM malformed";
    assert_eq!(
        run(&["query", sql, "--input", &out, "--format", "csv"]).1,
        "n\n0\n"
    );
    let views = fs::read_to_string(work.path("out/views.sql")).unwrap();
    assert!(views.contains("hive_types_autocast = false"));
}

/// Waits until a folder is there.
fn wait_for(path: &Path) {
    for _ in 0..6000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} never came", path.display());
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_leaves_nothing_half_written() {
    let work = Work::new();
    // Standard input that never ends keeps the run going.
    let out = work.path("out");
    for (signal, partial) in [
        ("TERM", "out/.tables.partial"),
        ("INT", ".f.csv.netcap.partial"),
    ] {
        let file = work.path("f.csv");
        let arguments = match partial {
            "out/.tables.partial" => ["decode", "-", "--out", &out],
            _ => ["flows", "-", "--out", &file],
        };
        let mut child = netcap()
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let capture = fs::read(root().join("tests/lab/quickstart.pcapng")).unwrap();
        std::io::Write::write_all(&mut input, &capture).unwrap();
        let partial = work.0.path().join(partial);
        wait_for(&partial);
        let kill = format!("kill -{signal} {}", child.id());
        let killed = std::process::Command::new("sh")
            .args(["-c", &kill])
            .status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(!partial.exists());
    }
}

#[test]
fn queries_are_as_long_as_they_may_be_and_no_longer() {
    let work = Work::new();
    work.build("tables: [capture]\n");
    let out = work.path("out");
    let sum = |terms: usize| format!("SELECT {} AS n FROM capture", vec!["1"; terms].join("+"));
    let ask = |sql: &str| run(&["query", sql, "--input", &out, "--format", "csv"]);
    assert_eq!(ask(&sum(300)).1, "n\n300\n");
    let (status, _, errors) = ask(&sum(6000));
    assert!(
        status == 2 && errors.contains("at most 5000 are read"),
        "{errors}"
    );
    let list = vec!["8180"; 10_000].join(", ");
    let sql = format!("SELECT count(*) AS n FROM capture WHERE packets IN ({list})");
    assert_eq!(ask(&sql).1, "n\n1\n");
}
