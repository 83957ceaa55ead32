//! `netcap label record`.

use crate::support::run;

#[test]
fn a_command_becomes_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("lab.yaml").to_str().unwrap().to_owned();
    let record = |rule: &str, more: &[&str], command: &[&str]| {
        let start = [
            "label",
            "record",
            "--labels",
            &labels,
            "--rule",
            rule,
            "--victim",
            "127.0.0.1",
        ];
        run(&[&start[..], more, &["--"], command].concat())
    };
    let (status, _, errors) = record(
        "nothing",
        &["--label", "Port scan", "--ports", "80/tcp"],
        &["true"],
    );
    assert_eq!(status, 0, "{errors}");
    let more = [
        "--victim",
        "127.0.0.2",
        "--mitre",
        "T1046",
        "--linger",
        "60ms",
    ];
    let begun = std::time::Instant::now();
    assert_eq!(record("two", &more, &["true"]).0, 0);
    assert!(begun.elapsed().as_millis() >= 60);
    // One that fails is taken down too.
    assert_eq!(record("fails", &[], &["false", "with", "two words"]).0, 1);
    let text = std::fs::read_to_string(&labels).unwrap();
    for expected in [
        "  - id: nothing\n    label: \"Port scan\"\n    time: 2",
        "attackers: \"127.0.0.1\"\n    victims: \"127.0.0.1\"\n    ports: \"80/tcp\"",
        "victims: [\"127.0.0.1\", \"127.0.0.2\"]\n    mitre: \"T1046\"\n    extra:",
        "command: \"false with 'two words'\"\n      exit_status: 1",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(run(&["label", "check", &labels]).0, 0);
    // What cannot be written is told before anything runs.
    let proof = folder.path().join("ran").to_str().unwrap().to_owned();
    let (status, _, errors) = record("nothing", &[], &["touch", &proof]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("the id `nothing` is used twice"),
        "{errors}"
    );
    assert!(!std::path::Path::new(&proof).exists());
    let (status, _, errors) = record("other", &["--ports", "22/tpc"], &["touch", &proof]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("these options make no rule: `tpc` is"),
        "{errors}"
    );
    assert!(!errors.contains("lab.yaml:"), "{errors}");
    let nowhere = folder.path().join("no/x.yaml");
    let nowhere = nowhere.to_str().unwrap();
    let start = [
        "label", "record", "--labels", nowhere, "--rule", "a", "--victim", "::1",
    ];
    assert_eq!(run(&[&start[..], &["--", "touch", &proof]].concat()).0, 2);
    assert!(!std::path::Path::new(&proof).exists());
    // A command that cannot be run is no attack.
    assert_eq!(record("other", &[], &["/no/such/program"]).0, 2);
    assert_eq!(std::fs::read_to_string(&labels).unwrap(), text);
}

#[test]
fn several_at_once_keep_all_rules() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("f.yaml");
    std::fs::write(&labels, "netcap-labels: 1\nzone: UTC\nrules: []\n").unwrap();
    let start = |n: usize| {
        let mut command = crate::support::netcap();
        command.args(["label", "record", "--labels", labels.to_str().unwrap()]);
        command.args(["--rule", &format!("p{n}"), "--victim", "127.0.0.1"]);
        command.args(["--", "sleep", "0.2"]);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let all: Vec<_> = (0..6).map(start).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    let text = std::fs::read_to_string(&labels).unwrap();
    for n in 0..6 {
        assert!(text.contains(&format!("- id: p{n}\n")), "{text}");
    }
}
