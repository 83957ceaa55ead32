//! The label files and pipelines of public datasets.

use std::path::{Path, PathBuf};

use crate::support::{root, run};

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
}

#[test]
fn label_files_are_in_order() {
    let labels = files("labels");
    assert_eq!(labels.len(), 6);
    for file in labels {
        let (status, _, errors) = run(&["label", "check", &text(&file)]);
        assert_eq!(status, 0, "{errors}");
    }
}

/// A capture of that name with one packet.
fn one_packet(path: &Path, name: &str) {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend(word.to_le_bytes());
    }
    // 2017-07-03 11:55:58.598308 UTC.
    for word in [1_499_082_958u32, 598_308, 14, 14] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0; 14]);
    std::fs::write(path.join(name), bytes).unwrap();
}

#[test]
fn pipelines_need_only_the_folder_and_tell_what_is_missing_or_other() {
    for pipeline in files("pipelines") {
        if pipeline.ends_with("quickstart.yaml") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let captures = folder.path().join("captures");
        std::fs::create_dir(&captures).unwrap();
        one_packet(&captures, "Monday-WorkingHours.pcap");
        let set = format!("captures={}", text(&captures));
        let out = text(&folder.path().join("out"));
        let (status, _, errors) = run(&[
            "build",
            &text(&pipeline),
            "--set",
            &set,
            "--out",
            &out,
            "-v",
        ]);
        // No rule matched anything, and that is a warning.
        assert_eq!(status, 1, "{errors}");
        assert!(folder.path().join("out/features/cicflowmeter").is_dir());
        if pipeline.ends_with("cic-ids2017.yaml") {
            let missing = "[capture-missing]: Tuesday-WorkingHours.pcap";
            assert!(errors.contains(missing), "{errors}");
            let other = "[capture-other]: Monday-WorkingHours.pcap";
            assert!(errors.contains(other), "{errors}");
            assert!(
                errors.contains("it has 1 packets, not 11709971"),
                "{errors}"
            );
            let dry = [
                "build",
                &text(&pipeline),
                "--set",
                &set,
                "--out",
                &out,
                "--dry-run",
            ];
            assert!(run(&dry).1.contains("missing    Tuesday-WorkingHours.pcap"));
            // Its first packet is when it should be.
            assert!(!errors.contains("it begins"), "{errors}");
            assert!(
                errors.contains("it ends 2017-07-03T11:55:58.598308Z"),
                "{errors}"
            );
        }
    }
}

#[test]
fn the_excerpt_of_cic_ids2017_is_labeled_as_corrected() {
    let Some(captures) = crate::support::captures() else {
        return;
    };
    let capture = captures.join("attacks/nDPI_WebattackSQLinj.pcap");
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("out"));
    let tables = "flow,flow_cicflowmeter_engelen,clock";
    assert_eq!(
        run(&["decode", &text(&capture), "--out", &out, "--tables", tables]).0,
        0
    );
    let labels = text(&root().join("labels/cic-ids2017-corrected.yaml"));
    let (status, _, errors) = run(&["label", "--labels", &labels, "--input", &out, "--set", "c"]);
    // The rules of the other days match nothing.
    assert_eq!(status, 1, "{errors}");
    for table in ["flow_c", "flow_cicflowmeter_engelen_c"] {
        let sql = format!(
            "SELECT label, label_rule, count(*) AS n FROM {table} GROUP BY label, label_rule"
        );
        let (_, rows, _) = run(&["query", &sql, "--input", &out, "--format", "csv"]);
        assert_eq!(
            rows,
            "label,label_rule,n\nWeb Attack - SQL Injection,thu-web-sqli,9\n"
        );
    }
    // The dates of the responses say that the captures' clock was right.
    let report = folder.path().join("out/labels/c/report.json");
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let skew = findings.iter().find(|f| f["code"] == "clock-skew").unwrap();
    assert_eq!(skew["severity"], "information");
    let message = skew["message"].as_str().unwrap();
    assert!(message.contains("agree with that of the capture: they differ by -46.081 ms (median; 9 times of 1 servers"), "{message}");

    // Daylight saving forgotten: the same file with the zone an hour off.
    let wrong = std::fs::read_to_string(&labels).unwrap();
    let wrong = wrong.replace("zone: America/Moncton", "zone: -04:00");
    let file = folder.path().join("wrong.yaml");
    std::fs::write(&file, wrong).unwrap();
    let wrong = [
        "label",
        "--labels",
        &text(&file),
        "--input",
        &out,
        "--set",
        "wrong",
    ];
    let (_, _, errors) = run(&wrong);
    assert_eq!(run(&[&wrong[..], &["--force", "--strict"]].concat()).0, 2);
    let hint =
        "if all times of the rules were 1 h earlier, 9 flows would be attacks, and 0 are now";
    let told = errors.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(hint), "{errors}");
    let sql = "SELECT count(*) AS n FROM flow_wrong WHERE label LIKE '%SQL Injection'";
    let (_, rows, _) = run(&["query", sql, "--input", &out, "--format", "csv"]);
    assert_eq!(rows, "n\n0\n");
}
