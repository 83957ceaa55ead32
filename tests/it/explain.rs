//! `netcap label explain` and `netcap label compare` on the quickstart capture.

use crate::support::{root, run};

#[test]
fn a_label_is_explained_rule_by_rule() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let path = |name: &str| root().join(name).to_str().unwrap().to_owned();
    let capture = path("tests/lab/quickstart.pcapng");
    let labels = path("tests/lab/quickstart.labels.yaml");
    let decode = ["decode", &capture, "--out", &out, "--tables", "flow"];
    assert_eq!(run(&decode).0, 0);
    let explain = |more: &[&str]| {
        let mut arguments = vec!["label", "explain", "--labels", &labels, "--input", &out];
        arguments.extend(more);
        run(&arguments)
    };

    // A guess that found the port closed.
    let (status, told, errors) = explain(&["--flow", "3200"]);
    assert_eq!(status, 0, "{errors}");
    for expected in [
        "label none, attempted (Password guessing), by the rule password-guessing",
        "decides  password-guessing (quickstart.labels.yaml:43)",
        "a refinement makes it attempted (category 0), since fwd_payload_bytes = 0",
        "no       port-scan (quickstart.labels.yaml:30)",
        "tcp.port == 8080",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }

    // The same by its ends, the other way round, at a time.
    let uid = told.split(['(', ')']).nth(1).unwrap().to_owned();
    let (_, by_uid, _) = explain(&["--flow", &uid]);
    assert_eq!(by_uid, told);
    let at = told.lines().nth(1).unwrap().split(' ').next().unwrap();
    let ends = ["--ends", "10.77.0.20:8080", "10.77.0.66", "--at", at];
    assert_eq!(explain(&ends).1, told);

    // Several flows fit: that is said.
    let (_, several, _) = explain(&["--ends", "10.77.0.66", "10.77.0.20"]);
    assert!(
        several.contains("other flows between these ends"),
        "{several}"
    );

    // A ping, which no rule is about.
    let (_, told, _) = explain(&["--flow", "481"]);
    for expected in [
        "label benign, benign, by no rule: `covers` decides",
        "attackers: 10.77.0.10 is not among attacker (10.77.0.66)",
        "time: the flow is 1.260 s before 2026-11-26T15:52:21.8886Z",
        "ports: the flow has none",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }

    // What is asked for is told with what is there.
    let elsewhere = folder.path().join("elsewhere.yaml");
    let rule = "netcap-labels: 1\nrules:\n  - {id: a, label: a, time: always, victims: any, ports: [22/tcp, 6000-6100]}\n  - {id: b, label: b, time: always, victims: any, protocol: [udp, sctp]}\n";
    std::fs::write(&elsewhere, rule).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    let (_, told, _) = run(&[
        "label", "explain", "--labels", elsewhere, "--input", &out, "--flow", "3200",
    ]);
    for expected in [
        "ports: 8080/tcp of the victim is none of 22/tcp, 6000-6100",
        "protocol: tcp is none of udp, sctp",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }

    // Of two rules that apply one decides.
    let twice = folder.path().join("twice.yaml");
    let rule = |id: &str| {
        format!("  - {{id: {id}, label: {id}, time: always, victims: any, attackers: any}}\n")
    };
    let both = format!(
        "netcap-labels: 1\nconflicts: last\nrules:\n{}{}",
        rule("a"),
        rule("b")
    );
    std::fs::write(&twice, both).unwrap();
    let twice = twice.to_str().unwrap();
    let (_, told, _) = run(&[
        "label", "explain", "--labels", twice, "--input", &out, "--flow", "481",
    ]);
    assert!(
        told.contains("decides  b (")
            && told.contains("applies  a (")
            && told.contains("b goes before it, since of equal priority the last one decides"),
        "{told}"
    );
    let under = |mode: &str| {
        let third = rule("c").replace("time", "priority: -1, time");
        let text = format!(
            "netcap-labels: 1\nconflicts: {mode}\nrules:\n{}{}{third}",
            rule("a"),
            rule("b")
        );
        std::fs::write(twice, text).unwrap();
        let told = run(&[
            "label", "explain", "--labels", twice, "--input", &out, "--flow", "481",
        ]);
        told.1
    };
    for (mode, expected) in [
        (
            "first",
            vec![
                "decides  a (",
                "applies  b (",
                "a goes before it, since of equal priority the first one decides",
                "since its `priority:` is 0, and here it is -1",
            ],
        ),
        (
            "all",
            vec![
                "decides  a (",
                "counts   b (",
                "`conflicts: all` counts it beside a",
                "applies  c (",
            ],
        ),
        (
            "ambiguous",
            vec![
                "label none, ambiguous (a), since a, b contradict each other",
                "disputes a (",
                "disputes b (",
                "applies  c (",
                "a goes before it, since its `priority:` is 0, and here it is -1",
            ],
        ),
    ] {
        let told = under(mode);
        for expected in expected {
            assert!(told.contains(expected), "{mode}: {expected}: {told}");
        }
    }

    // Against itself, and against a set that knows of no scan.
    let compare = |a: &str, b: &str| run(&["label", "compare", a, b, "--input", &out]);
    let text = std::fs::read_to_string(&labels).unwrap();
    let other = folder.path().join("other.yaml");
    std::fs::write(
        &other,
        text.replace("victims: [\"web\", \"admin\"]", "victims: [admin]"),
    )
    .unwrap();
    let other = other.to_str().unwrap();
    for (file, set) in [(labels.as_str(), "lab"), (other, "other")] {
        assert_eq!(
            run(&["label", "--labels", file, "--input", &out, "--set", set]).0,
            0
        );
    }
    let (status, told, _) = compare("lab", "lab");
    assert!(
        status == 0 && told.contains("1389 flows, of 1389 of which lab and lab say the same"),
        "{told}"
    );
    let (status, told, _) = compare("lab", "other");
    assert!(
        status == 1 && told.contains("by port-scan and no rule"),
        "{told}"
    );
    let (status, _, errors) = compare("lab", "nix");
    assert!(
        status == 2 && errors.contains("there are lab, other"),
        "{errors}"
    );

    for (more, expected) in [
        (&["--flow", "1"][..], "has no such flow"),
        (
            &["--ends", "10.77.0.10", "nowhere"],
            "\"nowhere\" is no address",
        ),
        (
            &["--flow", "481", "--policy", "zeek"],
            "there is no policy \"zeek\"",
        ),
        (
            &["--flow", "481", "--policy", "nfstream"],
            "has no such flow",
        ),
    ] {
        let (status, _, errors) = explain(more);
        assert_eq!(status, 2);
        assert!(errors.contains(expected), "{errors}");
    }
}
