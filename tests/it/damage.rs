//! Outputs whose files are no longer those that were written: what makes stages makes them again, what reads refuses.

use std::fs::{self, FileTimes};
use std::path::Path;

use crate::quickstart::build;
use crate::support::{files, root, run};

const FLOWS: &str = "tables/flow/part-00000.parquet";

/// Changes one bit in the middle, and leaves the time of change as it was.
fn flip(path: &Path) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(before))
        .unwrap();
}

#[test]
fn what_is_damaged_is_made_again() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let first = files(out.path());
    let (dns, report) = (
        out.path().join("labeled/lab/dns/part-00000.parquet"),
        out.path().join("labels/lab/report.json"),
    );
    // As long as before, and its time of change is another one.
    let mut bytes = std::fs::read(&dns).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&dns, bytes).unwrap();
    std::fs::remove_file(&report).unwrap();
    let (status, _, errors) = build(out.path(), &[]);
    assert_eq!(status, 0, "{errors}");
    for told in [
        "made again: labeled/lab/dns/part-00000.parquet in the output has other bytes",
        "made again: labels/lab/report.json in the output is missing",
        "tables                   unchanged",
    ] {
        assert!(errors.contains(told), "{told}: {errors}");
    }
    assert_eq!(files(out.path()), first);
    // Tables are again what they were, so what was made of them stays.
    std::fs::remove_file(out.path().join("tables/tcp/part-00000.parquet")).unwrap();
    let (status, _, errors) = build(out.path(), &[]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(errors.matches("unchanged").count(), 4, "{errors}");
    assert!(
        errors.contains("labels/lab               unchanged"),
        "{errors}"
    );
    assert_eq!(files(out.path()), first);
}

#[test]
fn what_reads_damaged_tables_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    assert_eq!(build(&out, &[]).0, 0);
    let (flows, input) = (out.join(FLOWS), out.to_str().unwrap());
    let truth = root().join("tests/lab/quickstart.labels.yaml");
    let (truth, new) = (truth.to_str().unwrap(), folder.path().join("new"));
    let new = new.to_str().unwrap();
    let readers: [&[&str]; 9] = [
        &["label", "--labels", truth, "--set", "own"],
        &["label", "--labels", truth, "--set", "other"],
        &["label", "--labels", truth, "--sensitivity"],
        &["label", "explain", "--labels", truth, "--flow", "1"],
        &["features", "cicflowmeter"],
        &["features", "cicflowmeter", "--out", new],
        &[
            "export", "--format", "csv", "--tables", "flow", "--out", new,
        ],
        &["query", "SELECT count(*) AS n FROM flow"],
        &["diff", input],
    ];
    let read = |args: &&[&str]| {
        let mut all = args.to_vec();
        match args[0] {
            "diff" => all.push(input),
            _ => all.extend(["--input", input]),
        }
        run(&all)
    };
    // There before the damage, so there is nothing to be done but to look.
    let (status, _, errors) = read(&readers[0]);
    assert_eq!(status, 0, "{errors}");
    let whole = fs::read(&flows).unwrap();
    let damages: [(&str, &dyn Fn()); 3] = [
        ("is missing", &|| fs::remove_file(&flows).unwrap()),
        ("has other bytes than were written", &|| flip(&flows)),
        ("bytes, the manifest says", &|| {
            fs::write(&flows, &whole[..whole.len() / 2]).unwrap();
        }),
    ];
    for (told, damage) in damages {
        damage();
        let before = files(folder.path());
        for args in &readers {
            let (status, text, errors) = read(args);
            assert_eq!(status, 2, "{args:?}: {text} {errors}");
            let wanted = format!("this output is not as its manifest says: {FLOWS} ");
            assert!(errors.contains(&wanted), "{args:?}: {errors}");
            assert!(errors.contains(told), "{args:?}: {errors}");
            assert!(errors.contains("netcap verify"), "{args:?}: {errors}");
            assert_eq!(text, "", "{args:?}");
        }
        assert_eq!(files(folder.path()), before);
        // Other tables can be read.
        let (status, _, errors) = read(&(&["query", "SELECT count(*) AS n FROM dns"][..]));
        assert_eq!(status, 0, "{errors}");
        fs::write(&flows, &whole).unwrap();
    }
    let (status, _, errors) = read(&readers[0]);
    assert!(errors.contains("nothing has changed"), "{status} {errors}");
    // Of a damaged label set, too.
    flip(&out.join("labels/lab/flow/part-00000.parquet"));
    for args in [
        &["export", "--format", "csv", "--labels", "lab", "--out", new][..],
        &["label", "compare", "lab", "lab"],
        &["query", "SELECT count(*) AS n FROM flow_label_lab"],
    ] {
        let (status, _, errors) = read(&args);
        assert_eq!(status, 2, "{errors}");
        assert!(errors.contains("has other bytes"), "{errors}");
    }
}

#[test]
fn files_that_are_not_of_an_output_are_told_and_not_read() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let count = || {
        let input = out.path().to_str().unwrap();
        let (status, text, errors) = run(&[
            "query",
            "SELECT count(*) AS n FROM flow",
            "--input",
            input,
            "--format",
            "csv",
        ]);
        assert_eq!(status, 0, "{errors}");
        text
    };
    let before = count();
    let stray = out.path().join("tables/flow/part-00001.parquet");
    fs::copy(out.path().join(FLOWS), &stray).unwrap();
    assert_eq!(count(), before);
    let views = fs::read_to_string(out.path().join("views.sql")).unwrap();
    assert!(
        views.contains(&format!("read_parquet('{FLOWS}'")),
        "{views}"
    );
    let (status, _, errors) = build(out.path(), &[]);
    assert_eq!(status, 0, "{errors}");
    let told = "tables/flow/part-00001.parquet in the output is no part of it";
    assert!(errors.contains(told), "{errors}");
    assert!(stray.exists());
}

#[test]
fn broken_manifest_can_be_got_past() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let first = files(out.path());
    let manifest = out.path().join("manifest.json");
    fs::write(&manifest, "{").unwrap();
    let (status, _, errors) = build(out.path(), &["--force"]);
    assert_eq!(status, 2, "{errors}");
    assert!(
        errors.contains("manifest.json:1:1: this is no manifest"),
        "{errors}"
    );
    assert!(
        errors.contains("delete it and run the command again"),
        "{errors}"
    );
    fs::remove_file(&manifest).unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    assert_eq!(files(out.path()), first);
}
