//! `netcap label import`: small files in the forms of others, with their traps.

use std::path::Path;

use crate::support::run;

struct Imported {
    status: i32,
    told: String,
    errors: String,
    lines: Vec<String>,
}

/// Imports a file of that name and content.
fn import(name: &str, content: &[u8], more: &[&str]) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path(name), content).unwrap();
    let out = path("out.csv");
    let (file, start) = (path(name), ["label", "import"]);
    let (status, told, errors) = run(&[&start[..], &[&file, "--out", &out], more].concat());
    let lines = if Path::new(&out).exists() {
        let text = std::fs::read_to_string(&out).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    Imported {
        status,
        told,
        errors,
        lines,
    }
}

const CIC: &[u8] = b" Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Label
x,172.16.0.1,36196,192.168.10.50,80,6,6/7/2017 10:40,5006127,Web Attack \x96 Sql Injection
x,172.16.0.1,36198,192.168.10.50,80,6,6/7/2017 1:40,5006127,Web Attack \x96 XSS
x,1.1.1.1,5,2.2.2.2,80,6,6/7/2017 10:40,1,BENIGN
,,,,,,,,
";

#[test]
fn twelve_hours_minutes_dashes_and_blank_lines() {
    let none = import("a.csv", CIC, &[]);
    assert_eq!(none.status, 2);
    assert!(none.errors.contains("have no zone"), "{}", none.errors);
    assert!(
        none.errors.contains("such as America/Moncton"),
        "{}",
        none.errors
    );
    let found = import("a.csv", CIC, &["--zone", "America/Moncton"]);
    assert_eq!(found.status, 0, "{}", found.errors);
    assert_eq!(
        found.lines,
        [
            "a.csv_2,Web Attack - Sql Injection,2017-07-06T13:40:00.000000000Z,2017-07-06T13:41:05.006126999Z,172.16.0.1,192.168.10.50,80/tcp,,either,src_port = 36196 or dst_port = 36196",
            "a.csv_3,Web Attack - XSS,2017-07-06T16:40:00.000000000Z,2017-07-06T16:41:05.006126999Z,172.16.0.1,192.168.10.50,80/tcp,,either,src_port = 36198 or dst_port = 36198",
        ]
    );
    assert!(
        found
            .told
            .contains("1 lines, since they have no values; the first is a.csv:5")
    );
    assert!(
        found
            .told
            .contains("hours from 1 to 6 are in the afternoon")
    );
    let benign = import("a.csv", CIC, &["--zone", "-03:00", "--with-benign"]);
    assert_eq!(benign.lines.len(), 3);
    assert!(benign.lines[2].starts_with("a.csv_4,benign,2017-07-06T13:40:00"));
}

#[test]
fn attacks_of_unsw_nb15() {
    let found = import(
        "gt.csv",
        b"Start time,Last time,Attack category,Attack subcategory,Protocol,Source IP,Source Port,Destination IP,Destination Port,Attack Name,Attack Reference,.
1421927414,1421927416,Reconnaissance,HTTP,tcp,175.45.176.0,13284,149.171.126.16,80,x,CVE,.
1421927414,1421927415, Fuzzers ,x,ospf,175.45.176.0,0,149.171.126.16,0,x,CVE,.
1421927414,1421927415,Exploits,x,unas,175.45.176.0,0,149.171.126.16,0,x,CVE,.
",
        &[],
    );
    assert_eq!(found.status, 1, "a line could not be read");
    assert_eq!(
        found.lines,
        [
            "gt.csv_2,Reconnaissance,2015-01-22T11:50:14.000000000Z,2015-01-22T11:50:16.999999999Z,175.45.176.0,149.171.126.16,80/tcp,,either,src_port = 13284 or dst_port = 13284",
            "gt.csv_3,Fuzzers,2015-01-22T11:50:14.000000000Z,2015-01-22T11:50:15.999999999Z,175.45.176.0,149.171.126.16,,ospf,either,",
        ]
    );
    assert!(
        found
            .told
            .contains("`unas` is no protocol of IP; the first is gt.csv:4"),
        "{}",
        found.told
    );
}

#[test]
fn connections_of_zeek_with_labels_after_three_blanks() {
    let found = import(
        "conn.log.labeled",
        b"#separator \\x09
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\ttunnel_parents   label   detailed-label
1545403816.962094\tC1\t192.168.1.195\t41040\t185.244.25.235\t80\ttcp\t-\t3.139211\t(empty)   Malicious   C&C-HeartBeat
1545403816.962094\tC2\t192.168.1.195\t41040\t185.244.25.235\t80\ttcp\t-\t-\t(empty)   Malicious   -
1545403816.962094\tC3\t192.168.1.195\t41040\t185.244.25.235\t80\ttcp\t-\t-\t(empty)   benign   -
",
        &[],
    );
    assert_eq!(found.status, 0, "{}", found.errors);
    let ends = "192.168.1.195,185.244.25.235,80/tcp,,forward,src_port = 41040";
    assert_eq!(
        found.lines,
        [
            format!(
                "conn.log.labeled_3,C&C-HeartBeat,2018-12-21T14:50:16.962094000Z,2018-12-21T14:50:20.102304999Z,{ends}"
            ),
            format!(
                "conn.log.labeled_4,Malicious,2018-12-21T14:50:16.962094000Z,2018-12-21T14:50:16.963093999Z,{ends}"
            ),
        ]
    );
}

#[test]
fn alerts_of_suricata_in_both_forms() {
    let eve = br#"{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"flow","src_ip":"1.2.3.4","dest_ip":"5.6.7.8"}
{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"1.2.3.4","src_port":5,"dest_ip":"5.6.7.8","dest_port":80,"proto":"TCP","alert":{"signature":"ET SCAN x"}}
{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"::ffff:1.2.3.4","dest_ip":"5.6.7.8","proto":"ICMP","alert":{"signature":"ET ping"}}
"#;
    let times = "2017-07-06T13:41:02.123456000Z,2017-07-06T13:41:02.123456999Z";
    let scan =
        format!("ET SCAN x,{times},1.2.3.4,5.6.7.8,80/tcp,,either,src_port = 5 or dst_port = 5");
    let found = import("eve.json", eve, &[]);
    assert_eq!(
        found.lines,
        [
            format!("eve.json_2,{scan}"),
            format!("eve.json_3,ET ping,{times},1.2.3.4,5.6.7.8,,icmp,either,"),
        ]
    );
    assert!(found.told.contains("what a detector says"));
    let fast = b"07/06/2017-10:41:02.123456  [**] [1:2010:3] ET SCAN x [**] [Classification: y] [Priority: 2] {TCP} 1.2.3.4:5 -> 5.6.7.8:80\n";
    assert_eq!(import("fast.log", fast, &[]).status, 2, "local time");
    let found = import("fast.log", fast, &["--zone", "-03:00"]);
    assert_eq!(found.lines, [format!("fast.log_1,{scan}")]);
}

#[test]
fn only_flows_from_bots_of_ctu_13() {
    let found = import(
        "a.binetflow",
        b"StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label
2011/08/10 09:46:59.607825,1.026539,tcp,94.44.127.113,1577,   ->,147.32.84.165,6881,S_RA,0,0,4,276,156,flow=To-Botnet-V42-TCP
2011/08/10 11:04:59.607825,1.026539,udp,147.32.84.165,1025,  <->,147.32.80.9,53,CON,0,0,2,203,64,flow=From-Botnet-V42-UDP-DNS
2011/08/10 11:04:59.607825,0,icmp,147.32.84.165,0x0008,  ->,147.32.80.9,0x4f31,ECO,0,,1,60,60,flow=From-Botnet-V42-ICMP
",
        &["--zone", "Europe/Prague"],
    );
    assert_eq!(
        found.lines,
        [
            "a.binetflow_3,Botnet,2011-08-10T09:04:59.607825000Z,2011-08-10T09:05:00.634364999Z,147.32.84.165,147.32.80.9,53/udp,,either,src_port = 1025 or dst_port = 1025",
            "a.binetflow_4,Botnet,2011-08-10T09:04:59.607825000Z,2011-08-10T09:04:59.607825999Z,147.32.84.165,147.32.80.9,,icmp,either,",
        ]
    );
}

#[test]
fn own_mappings_and_files_of_no_format() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mine.yaml");
    let text = "netcap-mapping: 1\nname: mine\ntitle: mine\nrows: {form: csv, separator: ';'}\ncolumns: {end: [until], duration: [took], src: [who], label: [what]}\ntime: {forms: [epoch], unit: ms, duration-unit: ms, resolution: 1ms}\n";
    std::fs::write(&mapping, text).unwrap();
    let mine = b"what;who;until;took\nscan;10.0.0.1;1000;250.5\nscan;router;1000;1\n";
    let format = mapping.to_str().unwrap();
    let found = import("mine.csv", mine, &["--format", format]);
    assert_eq!(found.status, 1);
    assert_eq!(
        found.lines,
        [
            "mine.csv_2,scan,1970-01-01T00:00:00.749500000Z,1970-01-01T00:00:01.000999999Z,10.0.0.1,any,,,either,"
        ]
    );
    let other = import("mine.csv", mine, &[]);
    assert_eq!(other.status, 2);
    assert!(
        other.errors.contains("no known format has such lines"),
        "{}",
        other.errors
    );
    std::fs::write(&mapping, text.replace("rows:", "row:")).unwrap();
    let wrong = import("mine.csv", mine, &["--format", format]);
    assert!(wrong.errors.contains("mine.yaml:4:1"), "{}", wrong.errors);
    let wrong = import("mine.csv", mine, &["--format", "ctu13"]);
    assert!(
        wrong.errors.contains("did you mean ctu-13?"),
        "{}",
        wrong.errors
    );
}
