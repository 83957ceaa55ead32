//! Each thing that can be wrong with a file is reported with its place and what to do.

use super::*;
use crate::error::Error;

/// The one error of a file.
fn error(text: &str) -> String {
    let mut errors = errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

#[test]
fn one_mistake_is_told_once_and_where_it_is() {
    let two = "rules: [{id: a, label: X, victims: 10.0.0.1, time: 10:00 .. 11:00}, {id: b, label: X, victims: 10.0.0.1, time: 12:00 .. 13:00}]\n";
    assert_eq!(
        errors(&format!(
            "netcap-labels: 1\nzone: UTC\ndefaults: {{date: 2026-13-04}}\n{two}"
        )),
        ["3:18: there is no day 2026-13-04"]
    );
    assert_eq!(
        errors(
            "netcap-labels: 1\nzone: UTC\nrules:\n  - id: a\n    label: X\n\tvictims: 10.0.0.1\n"
        ),
        [
            "6:1: this line begins with a tab, and YAML takes blanks only | put as many blanks there as in the lines around"
        ]
    );
    let table = "id,label,victims,start,end\na,X,\"10.0.0.1,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z\nb,X,10.0.0.2,2026-05-04T10:00:00Z,2026-05-04T11:00:00Z\n";
    assert_eq!(
        errors(table),
        [
            "2:1: this line has 3 fields, and the header 5 | one of them goes on in the next line: a double quote may be missing at its end"
        ]
    );
}

#[test]
fn everything_wrong_is_reported_at_once_in_order() {
    let text = "\
netcap-labels: 1
zone: Europe/Berlim
host: {a: 10.0.0.1}
defaults: {date: 2026-05-04}
rules:
  - id: a
    label: A
    time: 10:20 .. 10:10
    attackers: kali
    prots: 22
  - id: a
    label: B
    time: 10:20 - 10:30
    victims: 10.0.0.300
";
    assert_eq!(
        errors(text),
        [
            "2:7: `Europe/Berlim` is no time zone | did you mean `Europe/Berlin`?",
            "3:1: `host` is no key of a label file | did you mean `hosts`? Notes go under `extra:`",
            "8:20: the end, 10:10, is before the start, 10:20 | a range that crosses midnight needs a date at its end too",
            "9:16: no host is named `kali` | define it under `hosts:`",
            "10:5: `prots` is no key of a rule | did you mean `ports`? Notes go under `extra:`",
            "11:9: the id `a` is used twice; first in line 6",
            "13:11: `10:20 - 10:30` is no range of time | write it as `10:20 .. 11:05`, both ends included; `always` stands for all times",
            "14:14: `10.0.0.300` is no IP address, network, range or name of a host | write 10.0.0.5, 10.0.0.0/24, 10.0.0.5-10.0.0.20, or a name defined under `hosts:`",
        ]
    );
}

#[test]
fn several_errors_become_one_that_lists_them() {
    let errors = parse("netcap-labels: 1\na: 1\nb: 2\n", Path::new("f"), &columns()).unwrap_err();
    let text = Error::from(errors).to_string();
    assert!(
        text.starts_with("2 errors in the ground truth\nf:2:1: `a` is no key"),
        "{text}"
    );
}

#[test]
fn files_that_are_none_are_told_apart() {
    for (text, message) in [
        (
            "",
            "1:1: this does not say that it is a label file | the first line of one is `netcap-labels: 1`",
        ),
        (
            "just text",
            "1:1: this does not say that it is a label file",
        ),
        (
            "rules: []",
            "1:1: this does not say that it is a label file | the first line of one is `netcap-labels: 1`",
        ),
        (
            "netcap-labels: 2",
            "1:16: this version of netcap reads version 1 of label files",
        ),
        ("netcap-labels: 1\nrules: [", "this is no valid YAML: "),
        (
            "netcap-labels: 1\n rules: 2",
            "2:7: this is no valid YAML: mapping values are not allowed in this context | look for",
        ),
        (
            "netcap-labels: 1\nrules: {}",
            "2:8: `rules:` must be a list, and this is a mapping | begin each rule with `- id: …`",
        ),
        (
            "netcap-labels: 1\nrules: [x]",
            "2:9: a rule must be a mapping, and this is text",
        ),
        (
            "netcap-labels: 1\n? [a]\n: b",
            "2:3: a key must be plain text, and this is a list",
        ),
        (
            "netcap-labels: 1\nzone: UTC\nzone: UTC",
            "3:1: `zone` is given twice; first in line 2",
        ),
        (
            "netcap-labels: 1\nrest: benign",
            "2:1: `rest` belongs to the format, but this version of netcap does not read it yet",
        ),
        (
            "netcap-labels: 1\nconflicts: frist",
            "2:12: `frist` is no value of `conflicts:` | did you mean `first`?",
        ),
        (
            "netcap-labels: 1\ncovers: some",
            "2:9: `covers:` must be a list or `all`, and this is text",
        ),
        (
            "netcap-labels: 1\nclocks: [a]",
            "2:9: `clocks:` must be a mapping of names, and this is a list",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {offset: 37}}",
            "2:22: `37` has no unit | write it as",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {unsure: -3s}}",
            "2:22: `unsure:` is a length of time, and not negative",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {drift: 1s}}",
            "2:14: `drift` belongs to the format",
        ),
        (
            "netcap-labels: 1\nhosts: [a]",
            "2:8: `hosts:` must be a mapping of names to addresses, and this is a list",
        ),
        (
            "netcap-labels: 1\nhosts: {10.0.0.1: 10.0.0.2}",
            "2:9: `10.0.0.1` cannot be the name of a host",
        ),
        (
            "netcap-labels: 1\nhosts: {a: b, b: a}",
            "2:18: `b` and `a` are defined by each other",
        ),
        (
            "netcap-labels: 1\nhosts: {web: 10.0.0.1, a: wep}",
            "2:27: no host is named `wep` | did you mean `web`?",
        ),
        (
            "netcap-labels: 1\nhosts: {a: {mac: x}}",
            "2:18: `x` is no MAC address | write it as 02:42:ac:11:00:02",
        ),
        (
            "netcap-labels: 1\nhosts: {a: {in: x.pcap}}",
            "2:12: a host needs `ip:` or `mac:`",
        ),
        (
            "netcap-labels: 1\nhosts: {a: 10.0.0.1, b: {ip: 10.0.0.2, is: c}}",
            "2:44: no host is named `c`",
        ),
        (
            "netcap-labels: 1\nhosts: {a: 10.0.0.1, b: {ip: 10.0.0.2, is: a}, c: {ip: 10.0.0.3, is: b}}",
            "2:70: `b` is itself another name of a host | say which host it is in the end",
        ),
        (
            "netcap-labels: 1\nhosts: {a: {ip: 10.0.0.1, is_also: \"192.0.2.1 -> 443\"}}",
            "2:37: `192.0.2.1` is no address with a port",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {offset: [1s, 2s]}}",
            "2:23: of several offsets each needs its time",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {anchor: packet x of y is 10:00}}",
            "2:22: `packet x of y is 10:00` does not tell what the clock showed at a packet",
        ),
        (
            "netcap-labels: 1\nclocks: {a: {anchor: packet 1 of y is 10:00, offset: 1s}}",
            "2:22: a clock has `offset:` or `anchor:`, and this one has both",
        ),
        (
            "netcap-labels: 1\nhosts: {a: [10.0.0.0/8, !10.0.0.3]}",
            "2:34: a host must be text, and this is nothing | exclude with `… except …`",
        ),
        (
            "netcap-labels: 1\ndefaults: {id: x}",
            "2:16: `id:` differs from rule to rule and has no default",
        ),
    ] {
        let errors = errors(text);
        assert!(
            errors.iter().any(|e| e.starts_with(message)
                || e.contains("no valid YAML") && message.starts_with("this is no valid")),
            "{text}\n{errors:#?}"
        );
    }
}

#[test]
fn faults_of_a_rule_have_their_places() {
    let base = "date: 2026-05-04\ntime: 10:00 .. 10:01\n";
    for (rule, message) in [
        (
            "ports: 22/tpc",
            "10:15: `tpc` is no protocol | did you mean `tcp`?",
        ),
        ("ports: [22, 99999]", "10:17: `99999` is no port"),
        ("ports: ssh", "10:12: `ssh` is no port"),
        (
            "ports: 22/tcp\n    protocol: udp".trim(),
            "10:12: these ports are of tcp, and the protocol is udp | such a flow does not exist; leave one of the two out",
        ),
        (
            "protocol: tcq",
            "10:15: `tcq` is no protocol | did you mean `tcp`?",
        ),
        (
            "direction: fwd",
            "10:16: `fwd` is no value of `direction:` | expected one of either, forward, reverse",
        ),
        (
            "test: stert",
            "10:11: `stert` is no value of `test:` | did you mean `start`?",
        ),
        (
            "test: mostly",
            "10:11: `mostly` is no value of `test:` | expected one of",
        ),
        (
            "priority: high",
            "10:15: `priority:` must be an integer, and this is `high`",
        ),
        (
            "mitre: 1110",
            "10:12: `1110` is no technique or tactic of MITRE ATT&CK | write it as",
        ),
        (
            "clock: watch",
            "10:12: no clock is named `watch` | define it under `clocks:`",
        ),
        (
            "attempted: {category: 1}",
            "10:16: refinements must be a list, and this is a mapping | begin each entry with `- `",
        ),
        (
            "attempted: [{categry: 1}]",
            "10:18: `categry` is no key of an entry of `attempted:` | did you mean `category`?",
        ),
        (
            "refine: [{category: 1}]",
            "10:14: an entry of `refine:` needs `state:`",
        ),
        (
            "refine: [{state: attemptd}]",
            "10:22: `attemptd` is no value of `state:` | did you mean `attempted`?",
        ),
        (
            "refine: []\n    attempted: []",
            "10:13: a rule has `attempted:` or `refine:`, and this one has both",
        ),
        (
            "attempted: [{if: \"src_prot = 1\"}]",
            "10:23: the flow table has no column `src_prot` | did you mean `src_port`?",
        ),
        (
            "attempted: [{if: src_port = 1 and fwd_packts = 2}]",
            "10:39: the flow table has no column `fwd_packts` | did you mean `fwd_packets`?",
        ),
        (
            "attempted: [{if: src_port in (1, 2)}]",
            "10:22: this value was cut at its comma, inside of a parenthesis | inside of { } a comma separates keys; put the value in quotes: `if: \"src_port in (1, 2)\"`",
        ),
        (
            "attempted: [{category: 1, ports: 22, 80}]",
            "10:42: `80` is no key of an entry of `attempted:` | it has no value: inside of { } a comma separates keys",
        ),
        (
            "slack: -3s",
            "10:12: `slack:` is a length of time, and not negative",
        ),
        (
            "fold: third",
            "10:11: `third` is no value of `fold:` | expected one of first, second",
        ),
        (
            "extra:\n  a: 1\nextra: 2",
            "12:5: `extra` is given twice; first in line 10",
        ),
    ] {
        let error = error(&with(&format!("{base}{}", rule.replace("\n    ", "\n"))));
        assert!(error.starts_with(message), "{rule}\n{error}");
    }
}

#[test]
fn rules_say_what_they_miss() {
    let text = "netcap-labels: 1\nzone: UTC\nrules:\n  - {id: a}\n";
    let errors = errors(text);
    let starts = [
        "4:5: a rule needs `attackers:` or `victims:` | for all hosts write `attackers: any`",
        "4:5: a rule needs `label:`",
        "4:5: a rule needs `time:`",
    ];
    assert_eq!(errors.len(), starts.len());
    for (error, start) in errors.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}");
    }
    // Of a misspelt key it is not said that the right one is missing.
    let misspelt = "netcap-labels: 1\nrules:\n  - {id: a, lable: X, tmie: always, victim: any}\n";
    let misspelt = super::errors(misspelt);
    assert_eq!(misspelt.len(), 3, "{misspelt:?}");
    assert!(misspelt.iter().all(|error| error.contains("did you mean")));
    let bad = "netcap-labels: 1\nrules:\n  - {id: a b, label: X, time: always, victims: any}\n";
    assert_eq!(
        error(bad),
        "3:10: the id `a b` has a space or `#` in it | write `a-b`"
    );
}

#[test]
fn a_fault_in_the_defaults_is_reported_once() {
    let text = "\
netcap-labels: 1
defaults: {ports: 22/tpc, time: always, victims: any, label: X}
rules: [{id: a}, {id: b}, {id: c}]
";
    assert_eq!(
        error(text),
        "2:22: `tpc` is no protocol | did you mean `tcp`?"
    );
}

#[test]
fn a_missing_zone_is_reported_once() {
    let text = "\
netcap-labels: 1
defaults: {date: 2026-05-04, victims: any, label: X}
rules: [{id: a, time: 10:00 .. 10:01}, {id: b, time: 11:00 .. 11:01}]
";
    let start = "3:23: this time has no zone | say `zone: Europe/Berlin` (or +02:00) at the top of the file";
    assert!(error(text).starts_with(start), "{}", error(text));
}

#[test]
fn ids_are_unique_over_files() {
    let one = truth(&with("time: always"));
    let mut two = one.clone();
    two.set_file("b.yaml");
    let errors = Labeler::new(&[one, two]).unwrap_err();
    assert!(
        errors
            .to_string()
            .starts_with("b.yaml:4:1: the id `r` is also used in labels.yaml"),
        "{errors}"
    );
}
