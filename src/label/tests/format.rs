//! Each key of the format does what it says.

use super::*;
use crate::label::json_schema;

#[test]
fn examples_of_the_format_parse() {
    let lab = truth(LAB);
    assert_eq!(lab.file(), "labels.yaml");
    let ids: Vec<&str> = lab.rules().iter().map(|rule| rule.id()).collect();
    assert_eq!(ids, ["ssh-brute", "scan"]);
    let [ssh, scan] = lab.rules() else { panic!() };
    assert_eq!(
        (ssh.label(), ssh.line(), ssh.mitre()),
        ("SSH brute force", 14, &["T1110.001".to_owned()][..])
    );
    // Berlin is two hours ahead in May, and the clock was 37 s fast.
    assert_eq!(
        ssh.intervals().collect::<Vec<_>>(),
        [(
            ns("2026-05-04T08:19:23Z"),
            ns("2026-05-04T09:05:22.999999999Z")
        )]
    );
    assert_eq!(scan.intervals().count(), 2);
    assert_eq!(truth(CIC).rules().len(), 2);
}

#[test]
fn example_of_the_documentation_parses() {
    let docs: Vec<&str> = include_str!("../../../docs/label-file.md")
        .lines()
        .skip_while(|line| *line != "```yaml")
        .skip(1)
        .take_while(|line| *line != "```")
        .collect();
    assert_eq!(truth(&docs.join("\n")).rules().len(), 2);
}

#[test]
fn lab_example_labels() {
    let labeler = labeler(LAB);
    for (ends, start, says) in [
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T08:30:00Z",
            "malicious SSH brute force",
        ),
        (
            "192.0.2.1:4000 10.0.1.5:22",
            "2026-05-04T08:30:00Z",
            "malicious SSH brute force",
        ),
        // Not the port of the rule, but inside of what the file covers.
        (
            "10.9.0.7:4000 10.0.1.5:80",
            "2026-05-04T08:30:00Z",
            "benign benign",
        ),
        // The address of the web server is outside of the office.
        (
            "10.9.0.7:4000 10.0.2.9:1",
            "2026-05-04T11:02:00Z",
            "malicious Port scan",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:1",
            "2026-05-04T11:02:00Z",
            "benign benign",
        ),
        (
            "10.9.0.7:4000 10.0.3.9:1",
            "2026-05-04T11:02:00Z",
            "unknown -",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:80",
            "2026-05-04T15:01:00Z",
            "unknown -",
        ),
        // The notebook is unsure by a minute on both sides of both bounds.
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T08:18:22.999999999Z",
            "benign benign",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T08:18:23Z",
            "ambiguous SSH brute force",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T08:20:22.999999999Z",
            "ambiguous SSH brute force",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T08:20:23Z",
            "malicious SSH brute force",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T09:06:22.999999999Z",
            "ambiguous SSH brute force",
        ),
        (
            "10.9.0.7:4000 10.0.1.5:22",
            "2026-05-04T09:06:23Z",
            "benign benign",
        ),
    ] {
        assert_eq!(flow(ends, start).says(&labeler), says, "{ends} {start}");
    }
    let second = flow("10.9.0.7:1 10.0.2.9:1", "2026-05-04T11:11:00Z")
        .label(&labeler)
        .episode;
    assert_eq!(second, Some("scan#2"));
}

#[test]
fn published_example_labels() {
    let labeler = labeler(CIC);
    let at = "2017-07-05T13:00:00Z";
    let slow = |ends: &str| {
        flow(ends, at)
            .until("2017-07-05T13:00:00.1998Z")
            .with("bwd_payload_bytes", Value::Integer(0))
    };
    for (flow, says) in [
        (
            slow("172.16.0.1:4000 192.168.10.50:80"),
            "malicious DoS Slowloris",
        ),
        (
            slow("172.16.0.1:33360 192.168.10.50:80"),
            "attempted DoS Slowloris 2",
        ),
        // The victim opened it: its own port is still the one of the rule.
        (
            slow("192.168.10.50:80 172.16.0.1:4000"),
            "attempted DoS Slowloris 6",
        ),
        (slow("192.168.10.50:80 172.16.0.1:33358"), "unknown -"),
        (
            slow("192.168.10.50:80 172.16.0.1:4000").until("2017-07-05T13:00:00.199799999Z"),
            "unknown -",
        ),
        (slow("172.16.0.1:80 192.168.10.50:4000"), "unknown -"),
    ] {
        assert_eq!(flow.says(&labeler), says, "{flow:?}");
    }
    let bf = |port: u16, packets, payload, at: &str| {
        flow(&format!("172.16.0.1:{port} 192.168.10.50:80"), at)
            .with("fwd_packets", Value::Integer(packets))
            .with("fwd_payload_bytes", Value::Integer(payload))
    };
    for (flow, says) in [
        (
            bf(5000, 21, 9, "2017-07-06T12:30:00Z"),
            "malicious Web Attack - Brute Force",
        ),
        (bf(5000, 20, 9, "2017-07-06T12:30:00Z"), "unknown -"),
        (
            bf(5000, 20, 0, "2017-07-06T12:30:00Z"),
            "attempted Web Attack - Brute Force 0",
        ),
        (
            bf(44464, 9, 9, "2017-07-06T12:30:00Z"),
            "malicious Web Attack - Brute Force",
        ),
        // The refinement's own time, on the day of the rule; its end is a minute's end, and it
        // begins before the rule.
        (
            bf(44464, 9, 9, "2017-07-06T12:21:59.999999999Z"),
            "attempted Web Attack - Brute Force 4",
        ),
        (
            bf(44464, 9, 9, "2017-07-06T12:22:00Z"),
            "malicious Web Attack - Brute Force",
        ),
        (
            bf(44464, 9, 9, "2017-07-06T12:19:00Z"),
            "attempted Web Attack - Brute Force 4",
        ),
        (
            bf(44464, 9, 9, "2017-07-06T12:18:59.999999999Z"),
            "unknown -",
        ),
    ] {
        assert_eq!(flow.says(&labeler), says, "{flow:?}");
    }
    let early = bf(44464, 9, 9, "2017-07-06T12:19:00Z")
        .label(&labeler)
        .episode;
    assert_eq!(early, Some("thu-web-bf#1"));
}

#[test]
fn scalars_are_read_as_written() {
    // A reader of YAML 1.1 makes 620 of the first time; 1_000 and 0x50 are numbers to most.
    let text = with(
        "date: 2026-05-04\ntime: 10:20 .. 10:21\nextra: {a: 10:20, b: 0x50, c: 1_000, d: [yes, ~]}",
    );
    let truth = truth(&text);
    let extra = truth.rules()[0].extra().unwrap();
    assert_eq!(
        extra.to_string(),
        r#"{"a":"10:20","b":"0x50","c":"1_000","d":["yes",null]}"#
    );
}

#[test]
fn anchors_and_merges_work() {
    let text = "\
netcap-labels: 1
zone: UTC
extra: {common: &common {attackers: 10.9.0.7, victims: any, date: 2026-05-04}}
rules:
  - {<<: *common, id: a, label: A, time: 10:00 .. 10:01}
  - {<<: *common, id: b, label: B, time: 10:02 .. 10:03, victims: 10.0.1.5}
";
    assert_eq!(truth(text).rules().len(), 2);
}

#[test]
fn hosts_and_groups_mean_their_addresses() {
    let text = "\
netcap-labels: 1
zone: UTC
hosts:
  all: lab except printer
  lab: [net, 10.2.0.5-10.2.0.6, v6]
  net: 10.1.0.0/30
  printer: 10.1.0.2
  v6: {ip: [2001:db8::1, \"::ffff:10.3.0.1\"]}
rules:
  - {id: r, label: X, time: always, attackers: any, victims: all, direction: forward}
";
    let labeler = labeler(text);
    for (host, inside) in [
        ("10.1.0.1", true),
        ("10.1.0.2", false),
        ("10.2.0.6", true),
        ("10.2.0.7", false),
        ("2001:db8::1", true),
        ("10.3.0.1", true),
        ("::ffff:10.3.0.1", true),
    ] {
        let mut flow = flow("10.9.0.7:1 10.9.0.8:1", "2026-05-04T10:00:00Z");
        flow.dst.0 = host.parse().unwrap();
        assert_eq!(
            flow.says(&labeler),
            if inside { "malicious X" } else { "unknown -" },
            "{host}"
        );
    }
}

#[test]
fn covers_need_one_end_and_all_of_the_flow() {
    let text = "\
netcap-labels: 1
zone: UTC
hosts: {web: 10.0.1.5}
covers:
  - {hosts: web, time: 2026-05-04 09:00 .. 11:59}
  - {hosts: 10.0.1.0/24, time: [2026-05-04 12:00 .. 12:59, 2026-05-04 14:00 .. 15:00]}
rules: []
";
    let one = labeler(text);
    let over = |start, end| flow("10.9.0.7:1 10.0.1.5:1", start).until(end).says(&one);
    assert_eq!(
        over("2026-05-04T09:00:00Z", "2026-05-04T09:10:00Z"),
        "benign benign"
    );
    assert_eq!(
        over("2026-05-04T08:59:59.999999999Z", "2026-05-04T09:10:00Z"),
        "unknown -"
    );
    // Two entries that leave no gap cover what lies over both.
    assert_eq!(
        over("2026-05-04T09:00:00Z", "2026-05-04T12:59:59.999999999Z"),
        "benign benign"
    );
    assert_eq!(
        over("2026-05-04T09:00:00Z", "2026-05-04T14:10:00Z"),
        "unknown -"
    );
    let other = flow("10.0.1.6:1 10.9.0.7:1", "2026-05-04T11:00:00Z");
    assert_eq!(other.says(&one), "unknown -");
    let all = labeler("netcap-labels: 1\ncovers: all\n");
    assert_eq!(other.says(&all), "benign benign");
    let always = labeler("netcap-labels: 1\ncovers: [{hosts: 10.0.1.6}]\n");
    assert_eq!(other.says(&always), "benign benign");
    let unsure = labeler(
        "netcap-labels: 1\nzone: UTC\nclocks: {n: {unsure: 1 min}}\ncovers: [{clock: n, time: 2026-05-04 11:00 .. 12:00}]\n",
    );
    assert_eq!(other.says(&unsure), "unknown -");
    assert_eq!(
        flow("10.0.1.6:1 10.9.0.7:1", "2026-05-04T11:01:00Z").says(&unsure),
        "benign benign"
    );
}

#[test]
fn schema_has_every_key_and_is_closed() {
    let schema = json_schema();
    assert_eq!(
        schema["properties"]["rules"]["items"]["required"],
        serde_json::json!(["id"])
    );
    assert_eq!(schema["additionalProperties"], false);
    let rule = &schema["properties"]["rules"]["items"]["properties"];
    assert!(rule["if"]["description"].as_str().unwrap().contains("SQL"));
    assert!(
        schema["properties"]["defaults"]["properties"]
            .get("id")
            .is_none()
    );
    assert!(
        schema["properties"]["defaults"]["properties"]
            .get("ports")
            .is_some()
    );
    assert_eq!(
        rule["refine"]["items"]["properties"]["state"]["enum"][0],
        "none"
    );
}
