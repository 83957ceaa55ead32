//! Rules for attacks in public captures: who opened the flow, scans, brute force.

use std::path::PathBuf;

use crate::support::{captures, run};

/// A capture of the attacks, decoded; and how to label it.
struct Attack {
    folder: tempfile::TempDir,
    out: String,
}

impl Attack {
    /// `None` where the captures are not there.
    fn decoded(name: &str) -> Option<Self> {
        let capture: PathBuf = captures()?.join("attacks").join(name);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out").to_str().unwrap().to_owned();
        let decode = ["decode", capture.to_str().unwrap(), "--out", &out];
        let (status, _, errors) = run(&[&decode[..], &["--tables", "flow"]].concat());
        assert_eq!(status, 0, "{errors}");
        Some(Self { folder, out })
    }

    /// Flows by label under one rule; and the report.
    fn labeled(&self, rule: &str) -> (Vec<String>, serde_json::Value) {
        let file = self.folder.path().join("rule.yaml");
        let text =
            format!("netcap-labels: 1\nzone: UTC\nrules:\n  - {{id: r, label: X, {rule}}}\n");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let (status, _, errors) = run(&[
            "label", "--labels", file, "--input", &self.out, "--set", "x", "--force",
        ]);
        assert!(status < 2, "{errors}");
        let sql = "SELECT label_state, count(*) AS n FROM flow_x GROUP BY label_state ORDER BY label_state";
        let (_, rows, _) = run(&["query", sql, "--input", &self.out, "--format", "csv"]);
        let report = std::fs::read(self.folder.path().join("out/labels/x/report.json")).unwrap();
        let rows = rows.lines().skip(1).map(str::to_owned).collect();
        (rows, serde_json::from_slice(&report).unwrap())
    }
}

fn message(report: &serde_json::Value, code: &str) -> Option<String> {
    let mut findings = report["findings"].as_array().unwrap().iter();
    let found = findings.find(|f| f["code"] == code)?;
    Some(found["message"].as_str().unwrap().to_owned())
}

/// The exploit goes to the victim, which then fetches the code and connects back: three of four flows are opened
/// by the victim.
#[test]
fn log4shell_is_mostly_the_other_way_round() {
    let name =
        "Security-Datasets_pcap_log4shell_cve2021_44228_jndi_reference_2022-05-11181020.pcap";
    let Some(attack) = Attack::decoded(name) else {
        return;
    };
    let rule = "time: 2022-05-11 18:10 .. 18:11, attackers: 192.168.2.6, victims: 192.168.2.5";
    for (direction, flows) in [
        ("forward", &["malicious,1", "unknown,3"][..]),
        ("reverse", &["malicious,3", "unknown,1"]),
        ("either", &["malicious,4"]),
    ] {
        let (found, _) = attack.labeled(&format!("{rule}, direction: {direction}"));
        assert_eq!(found, flows, "{direction}");
    }
    // Nobody said which way: that most came the other way is told.
    let (_, report) = attack.labeled(rule);
    let flip = message(&report, "flip").unwrap();
    assert!(
        flip.starts_with("3 of 4 flows of this rule were opened by the victim"),
        "{flip}"
    );
}

#[test]
fn a_scan_is_seen_without_a_rule() {
    let Some(attack) = Attack::decoded("nDPI_synscan.pcap") else {
        return;
    };
    let scan = "time: 2010-07-04 20:24 .. 20:25, attackers: 172.16.0.8, victims: 64.13.134.52";
    let (found, report) = attack.labeled(scan);
    assert_eq!(found, ["malicious,1994"]);
    assert_eq!(message(&report, "unexplained-scan"), None);
    assert!(message(&report, "payloadless").is_some());
    // The scanner's address mistyped.
    let (found, report) = attack.labeled(&scan.replace("172.16.0.8", "172.16.0.9"));
    assert_eq!(found, ["unknown,1994"]);
    let scan = message(&report, "unexplained-scan").unwrap();
    assert!(scan.contains("64.13.134.52"), "{scan}");
    let empty = message(&report, "rule-empty").unwrap();
    assert!(
        empty.contains("1994 would match but for the attackers (there: 172.16.0.8 in 1994)"),
        "{empty}"
    );
}

#[test]
fn brute_force_by_ports_and_time() {
    let Some(attack) = Attack::decoded("zeek_bruteforce.pcap") else {
        return;
    };
    let hosts = "attackers: 192.168.56.1, victims: 192.168.56.101";
    let (found, report) = attack.labeled(&format!(
        "{hosts}, ports: 21/tcp, time: 2014-01-14 17:37 .. 17:38"
    ));
    assert_eq!(found, ["malicious,30"]);
    assert_eq!(message(&report, "offset-hint"), None);
    // Of another zone, and at another port.
    let (found, report) = attack.labeled(&format!(
        "{hosts}, ports: 21/tcp, zone: -05:00, time: 2014-01-14 17:37 .. 17:38"
    ));
    assert_eq!(found, ["unknown,30"]);
    let hint = message(&report, "offset-hint").unwrap();
    assert!(
        hint.starts_with("if all times of the rules were 5 h earlier, 30 flows"),
        "{hint}"
    );
    let (_, report) = attack.labeled(&format!(
        "{hosts}, ports: 22/tcp, zone: -05:00, time: 2014-01-14 17:37 .. 17:38"
    ));
    let empty = message(&report, "rule-empty").unwrap();
    assert!(
        empty.contains("30 would match but for the time and the ports"),
        "{empty}"
    );
}
