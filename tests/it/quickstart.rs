//! The quickstart: the whole job on the capture in the repository.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::util::display::array_value_to_string;
use netcap::output::{Layout, read_table};
use sha2::{Digest, Sha256};

use crate::support::{compare, files, finished, netcap, root, run};

pub fn build(out: &Path, more: &[&str]) -> (i32, String, String) {
    let pipeline = root().join("pipelines/quickstart.yaml");
    let mut command = netcap();
    command
        .arg("build")
        .arg(pipeline)
        .arg("--out")
        .arg(out)
        .args(more);
    finished(command.output().unwrap())
}

#[test]
fn quickstart_gives_the_committed_bytes_for_any_number_of_threads() {
    for threads in ["1", "2", "8"] {
        let out = tempfile::tempdir().unwrap();
        let (status, _, errors) = build(out.path(), &["--threads", threads]);
        assert_eq!(status, 0, "{errors}");
        let hashes: BTreeMap<String, String> = files(out.path())
            .into_iter()
            .map(|(path, bytes)| (path, netcap::output::hex(&Sha256::digest(&bytes))))
            .collect();
        let text = serde_json::to_string_pretty(&hashes).unwrap() + "\n";
        compare("tests/it/quickstart.sha256.json", &text);
    }
}

#[test]
fn quickstart_is_not_made_twice_and_repairs_itself() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let first = files(out.path());
    let (status, _, errors) = build(out.path(), &[]);
    assert_eq!(status, 0);
    assert_eq!(errors.matches("unchanged").count(), 5, "{errors}");
    // Other options make what depends on them anew, and only that.
    let (status, _, errors) = build(
        out.path(),
        &["--set", "exports=[{format: csv, tables: flow}]"],
    );
    assert_eq!(status, 0, "{errors}");
    assert!(
        errors.contains("tables                   unchanged"),
        "{errors}"
    );
    assert!(!out.path().join("exports/protobuf").exists());
    assert_eq!(build(out.path(), &[]).0, 0);
    assert_eq!(files(out.path()), first);
}

#[test]
fn what_is_accepted_and_not_there_is_told() {
    let out = tempfile::tempdir().unwrap();
    let accept = "accept=[{code: rule-emty, rule: port-scan, because: x}]";
    let (status, _, errors) = build(out.path(), &["--set", accept]);
    assert_eq!(status, 0, "{errors}");
    assert!(
        errors.contains("`accept:` has rule-emty about port-scan, and there is no such finding"),
        "{errors}"
    );
}

#[test]
fn locked_build_refuses_other_options() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let manifest = out.path().join("manifest.json");
    let again = tempfile::tempdir().unwrap();
    let locked = ["--locked", manifest.to_str().unwrap()];
    assert_eq!(build(again.path(), &locked).0, 0);
    let other = [
        "--locked",
        manifest.to_str().unwrap(),
        "--set",
        "flow.idle-timeout=60s",
    ];
    let (status, _, errors) = build(again.path(), &other);
    assert_eq!(status, 2);
    let told = "option flow.idle_ns is 60000000000, and was ";
    assert!(errors.contains(told), "{errors}");
}

#[test]
fn dry_run_does_nothing() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("out");
    let (status, text, errors) = build(&target, &["--dry-run"]);
    assert_eq!(status, 0, "{errors}");
    assert!(text.contains("8,180 packets"), "{text}");
    assert!(!target.exists());
}

/// The labels equal the truth that the lab wrote while it recorded, flow by flow.
#[test]
fn quickstart_labels_equal_the_truth() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(build(out.path(), &[]).0, 0);
    let mut truth: HashMap<[String; 5], Vec<String>> = HashMap::new();
    let mut icmp: HashMap<[String; 2], Vec<String>> = HashMap::new();
    let mut reader = csv::Reader::from_path(root().join("tests/lab/quickstart.truth.csv")).unwrap();
    for record in reader.deserialize::<HashMap<String, String>>() {
        let record = record.unwrap();
        let label = record["expected_label"].clone();
        let get = |name: &str| record[name].clone();
        if record["proto"].starts_with("icmp") {
            for pair in [
                [get("src_ip"), get("dst_ip")],
                [get("dst_ip"), get("src_ip")],
            ] {
                icmp.entry(pair).or_default().push(label.clone());
            }
        } else {
            let key = ["proto", "src_ip", "src_port", "dst_ip", "dst_port"].map(get);
            truth.entry(key).or_default().push(label);
        }
    }
    let layout = Layout::labeled(&netcap_proto::FLOW);
    let mut seen = 0;
    for batch in read_table(&out.path().join("labeled/lab/flow"), &layout).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let text = |name: &str| {
                array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap()
            };
            let mut got = text("label");
            if text("label_state") == "attempted" {
                got = format!("attempted: {}", text("attack"));
            }
            let protocol = text("protocol_name");
            let expected = if protocol.contains("icmp") {
                &icmp[&[text("src_ip"), text("dst_ip")]]
            } else {
                let ends = [
                    text("src_ip"),
                    text("src_port"),
                    text("dst_ip"),
                    text("dst_port"),
                ];
                let [a, b, c, d] = ends;
                let key = [protocol.clone(), a, b, c, d];
                truth
                    .get(&key)
                    .unwrap_or_else(|| panic!("no truth for {key:?}"))
            };
            assert!(
                expected.contains(&got),
                "{protocol} {} -> {}: {got}, not {expected:?}",
                text("src_ip"),
                text("dst_ip")
            );
            seen += 1;
        }
    }
    assert!(seen > 1300);
}

#[test]
fn wrong_zone_is_told() {
    let out = tempfile::tempdir().unwrap();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let data = out.path().join("data");
    let (status, ..) = run(&[
        "decode",
        capture.to_str().unwrap(),
        "--out",
        data.to_str().unwrap(),
        "--tables",
        "flow",
    ]);
    assert_eq!(status, 0);
    let labels = std::fs::read_to_string(root().join("tests/lab/quickstart.labels.yaml")).unwrap();
    let wrong = out.path().join("wrong.yaml");
    std::fs::write(&wrong, in_zone(&labels, "+01:00")).unwrap();
    let (status, _, errors) = run(&[
        "label",
        "--labels",
        wrong.to_str().unwrap(),
        "--input",
        data.to_str().unwrap(),
    ]);
    assert_eq!(status, 1, "{errors}");
    let told = errors.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("if all times of the rules were 1 h later"),
        "{errors}"
    );
}

/// The lab's rules with the times of another zone.
fn in_zone(labels: &str, zone: &str) -> String {
    labels
        .replace("zone: UTC", &format!("zone: {zone}"))
        .replace("Z ..", " ..")
        .replace("Z\n", "\n")
}

/// The errors that people make in label files are found.
#[test]
fn wrong_variants_of_the_labels_are_told() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap().to_owned();
    let capture = root().join("tests/lab/quickstart.pcapng");
    let capture = capture.to_str().unwrap();
    let tables = ["decode", capture, "--out", &folder, "--tables", "flow"];
    assert_eq!(run(&tables).0, 0);
    let right = std::fs::read_to_string(root().join("tests/lab/quickstart.labels.yaml")).unwrap();
    let told = |name: &str, wrong: String| {
        assert_ne!(wrong, right);
        let file = out.path().with_extension(name);
        std::fs::write(&file, wrong).unwrap();
        let file = file.to_str().unwrap().to_owned();
        let (_, _, errors) = run(&[
            "label", "-v", "--labels", &file, "--input", &folder, "--set", name,
        ]);
        std::fs::remove_file(&file).unwrap();
        errors.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // One address of a host missing: the attacks over it are told.
    let host = "attacker: [10.77.0.66, \"fd77::66\"]";
    let errors = told("host", right.replace(host, "attacker: [10.77.0.67]"));
    assert!(
        errors.contains("rule-empty") && errors.contains("10.77.0.66"),
        "{errors}"
    );
    // From the side of the victims, and only so.
    let roles = "attackers: \"attacker\"\n    victims: [\"web\", \"admin\"]";
    let turned = "direction: forward\n    attackers: [web, admin]\n    victims: attacker";
    let errors = told("forward", right.replace(roles, turned));
    let why = "506 would match but for the direction (the victims opened them)";
    assert!(errors.contains(why), "{errors}");
    // Times in whole minutes, within which the attacker did other things, too.
    let seconds = regex::Regex::new(r"T(\d\d:\d\d):\d\d\.\d+Z").unwrap();
    let errors = told("minute", seconds.replace_all(&right, " $1").into_owned());
    assert!(
        errors.contains("all times of the rules (4) are whole minutes")
            && errors.contains("conflict port-scan / password-guessing"),
        "{errors}"
    );
}
