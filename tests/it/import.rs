//! `netcap label import`: small files in the forms of others, with their traps.

use std::path::Path;

use crate::support::run;

pub(crate) struct Imported {
    pub(crate) status: i32,
    pub(crate) told: String,
    pub(crate) errors: String,
    pub(crate) lines: Vec<String>,
}

/// Imports a file of that name and content.
pub(crate) fn import(name: &str, content: &[u8], more: &[&str]) -> Imported {
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
            "a.csv_2,Web Attack - Sql Injection,2017-07-06T13:40:00.000000000Z,2017-07-06T13:41:05.006126999Z,172.16.0.1,192.168.10.50,80/tcp,,either,attacker_port = 36196",
            "a.csv_3,Web Attack - XSS,2017-07-06T16:40:00.000000000Z,2017-07-06T16:41:05.006126999Z,172.16.0.1,192.168.10.50,80/tcp,,either,attacker_port = 36198",
        ]
    );
    assert!(
        found
            .told
            .contains("1 line, since they have no values; the first is a.csv:5")
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
            "gt.csv_2,Reconnaissance,2015-01-22T11:50:14.000000000Z,2015-01-22T11:50:16.999999999Z,175.45.176.0,149.171.126.16,80/tcp,,either,attacker_port = 13284",
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
    let ends = "192.168.1.195,185.244.25.235,80/tcp,,forward,attacker_port = 41040";
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
    let eve = br#"{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"pgsql","src_ip":"1.2.3.4","dest_ip":"5.6.7.8"}
{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"1.2.3.4","src_port":5,"dest_ip":"5.6.7.8","dest_port":80,"proto":"TCP","alert":{"signature":"ET SCAN x"}}
{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"::ffff:1.2.3.4","dest_ip":"5.6.7.8","proto":"ICMP","alert":{"signature":"ET ping"}}
{"timestamp":"2017-07-06T10:41
"#;
    let times = "2017-07-06T13:41:02.123456000Z,2017-07-06T13:41:02.123456999Z";
    let scan = format!("ET SCAN x,{times},1.2.3.4,5.6.7.8,80/tcp,,either,attacker_port = 5");
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
            "a.binetflow_3,Botnet,2011-08-10T09:04:59.607825000Z,2011-08-10T09:05:00.634364999Z,147.32.84.165,147.32.80.9,53/udp,,either,attacker_port = 1025",
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

#[test]
fn what_needs_no_import_is_told() {
    let own = import("own.yaml", b"netcap-labels: 1\nrules: []\n", &[]);
    assert!(
        own.errors.contains("a label file already"),
        "{}",
        own.errors
    );
    let table = b"label,start,end,victims\nX,2026-05-04 10:00Z,10:05,any\n";
    let own = import("own.csv", table, &[]);
    assert!(
        own.errors.contains("a label file already"),
        "{}",
        own.errors
    );
    let pcap = import("a.pcap", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], &[]);
    assert!(pcap.errors.contains("a capture in pcap"), "{}", pcap.errors);
    let quickstart = std::fs::read(crate::support::root().join("tests/lab/quickstart.pcapng"));
    let quickstart = quickstart.unwrap();
    for (name, bytes) in [
        ("a.pcapng", quickstart.clone()),
        ("a.pcapng.gz", gzip(&quickstart)),
    ] {
        let found = import(name, &bytes, &[]);
        assert!(
            found.errors.contains("no packet of this capture"),
            "{}",
            found.errors
        );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn compressed_ground_truth_is_as_if_it_were_not() {
    let plain = import("l.csv", b"1;0\r\n2;1\r\n", &["--format", "lemay"]);
    let zipped = import("l.csv", &gzip(b"1;0\r\n2;1\r\n"), &["--format", "lemay"]);
    assert!(!plain.lines.is_empty());
    assert_eq!(zipped.lines, plain.lines);
    let cut = import("l.csv", &gzip(b"1;0\r\n2;1\r\n")[..12], &[]);
    assert!(
        cut.errors.contains("the gzip data break off"),
        "{}",
        cut.errors
    );
}

#[test]
fn anomalies_of_mawilab() {
    let csv = b"anomalyID, srcIP, srcPort, dstIP, dstPort, taxonomy, heuristic, distance, nbDetectors, label
1,203.0.113.5,,,80,ntscSYN,20,4,suspicious
2,203.0.113.6,,198.51.100.7,,ptmp,500,3.1,2,anomalous
3,,,,,ptmp,500,3.1,2,anomalous
4,203.0.113.6,,,,ptmp,500,3.1,2,notice
";
    let found = import("m.csv", csv, &[]);
    // Most lines have no distance; `notice` says nothing, and of no host nothing can be said.
    assert_eq!(
        found.lines,
        [
            "m.csv_2,suspicious,always,203.0.113.5,any,80,,either,",
            "m.csv_3,anomalous,always,203.0.113.6,198.51.100.7,,,either,",
        ]
    );
    let xml = br#"<?xml version="1.0"?>
<admd:annotation xmlns:admd="http://www.nict.go.jp/admd">
 <anomaly type="anomalous" value="1,2,20,0,ntscSYN">
  <from sec="1267418701" usec="500000"/><to sec="1267418760" usec="0"/>
  <slice>
   <filter src_ip="203.0.113.5" dst_port="80" proto="tcp"/><filter dst_ip="198.51.100.7"/>
  </slice>
 </anomaly>
 <anomaly type="suspicious"><from sec="0"/><to sec="2147483645"/><slice><filter src_ip="203.0.113.9" src_port="53"/></slice></anomaly>
 <anomaly type="notice"><slice><filter src_ip="203.0.113.10"/></slice></anomaly>
</admd:annotation>
"#;
    let found = import("m.xml", xml, &[]);
    assert_eq!(
        found.lines,
        [
            "m.xml_6,anomalous,,2010-03-01T04:45:01.500000000Z,2010-03-01T04:46:00.999999999Z,203.0.113.5,any,80/tcp,,either,",
            "m.xml_6.2,anomalous,,2010-03-01T04:45:01.500000000Z,2010-03-01T04:46:00.999999999Z,any,198.51.100.7,,,either,",
            "m.xml_9,suspicious,always,,,203.0.113.9,any,,,either,attacker_port = 53",
        ],
        "{}",
        found.told
    );
    let broken = import(
        "m.xml",
        b"<a>\n<anomaly type='x'>\n</a>",
        &["--format", "mawilab-xml"],
    );
    assert!(
        broken.status == 2 && broken.errors.contains("m.xml:3:"),
        "{}",
        broken.errors
    );
}

#[test]
fn lists_of_the_go_netcap_and_of_pcapml() {
    let list = b"location: Canada/Atlantic
timeFormat: \"15:04\"
dateFormat: Monday-02-01-2006
attacks:
  - num: 1
    name: FTP
    category: bruteforce
    proto: FTP
    date: Wednesday-14-02-2018
    start: \"10:32\"
    end: \"12:09\"
    attackers: [18.221.219.4]
    victims: [172.31.69.25, 18.217.21.148]
  - name: Pairs
    category: dos
    proto: TCP
    date: Thursday-15-02-2018
    start: \"09:26\"
    end: \"10:09\"
    ips: [10.0.0.1, 10.0.0.2]
  - {name: X, category: y, date: Someday, start: \"1\", end: \"2\", ips: [10.0.0.1]}
";
    let found = import("a.yml", list, &[]);
    assert_eq!(
        found.lines,
        [
            "a.yml_5,bruteforce,2018-02-14T14:32:00.000000000Z,2018-02-14T16:09:59.999999999Z,18.221.219.4,172.31.69.25 18.217.21.148,,,either,",
            "a.yml_14,dos,2018-02-15T13:26:00.000000000Z,2018-02-15T14:09:59.999999999Z,10.0.0.1 10.0.0.2,10.0.0.1 10.0.0.2,,tcp,either,",
        ],
        "{}{}",
        found.told,
        found.errors
    );
    assert!(
        found
            .told
            .contains("the date is not written as dateFormat says"),
        "{}",
        found.told
    );
    let pcapml = b"# labels
BPF:host 10.0.0.1 and host 10.0.0.2 and tcp port 443|TS_START:1500000000|TS_END:1500000010,nordvpn,abc
BPF:udp and src host 10.0.0.3 and dst port 53,tunnel
BPF:host 10.0.0.1 or host 10.0.0.2,other
";
    let found = import("p.txt", pcapml, &[]);
    assert_eq!(
        found.lines,
        [
            "p.txt_2,nordvpn,,2017-07-14T02:40:00.000000000Z,2017-07-14T02:40:10.999999999Z,10.0.0.1,10.0.0.2,,tcp,either,(src_port = 443 or dst_port = 443)",
            "p.txt_3,tunnel,always,,,10.0.0.3,any,53/udp,,either,",
        ]
    );
    assert!(
        found.told.contains("more than hosts, ports and protocols"),
        "{}",
        found.told
    );
}

#[test]
fn files_of_others_label_without_import() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let capture = crate::support::root().join("tests/lab/quickstart.pcapng");
    let (out, labels) = (path("out"), path("list.yml"));
    assert_eq!(
        run(&[
            "decode",
            capture.to_str().unwrap(),
            "--out",
            &out,
            "--tables",
            "flow"
        ])
        .0,
        0
    );
    let list = "location: UTC\ntimeFormat: \"15:04\"\ndateFormat: 2006-01-02\nattacks:\n  - {name: x, category: scan, date: 2026-11-26, start: \"15:52\", end: \"15:52\", attackers: [10.77.0.66], victims: [10.77.0.30]}\n";
    std::fs::write(&labels, list).unwrap();
    let made = run(&[
        "label", "--labels", &labels, "--input", &out, "--set", "list",
    ]);
    assert!(made.0 < 2, "{}", made.2);
    let sql = "SELECT rule, line, count(*) AS n FROM claims_list GROUP BY rule, line";
    let rows = run(&["query", sql, "--input", &out, "--format", "csv"]).1;
    let row: Vec<&str> = rows.lines().nth(1).unwrap().split(',').collect();
    assert_eq!((row[0], row[1]), ("list.yml_5", "5"));
    assert!(row[2].parse::<u32>().unwrap() > 200, "{rows}");
    // Lines that are left out are told, here as by import.
    let broken = list.to_owned()
        + "  - {name: y, category: scan, date: 2026-11-26, start: noon, end: \"15:52\", attackers: [10.77.0.66], victims: [10.77.0.30]}\n";
    std::fs::write(&labels, broken).unwrap();
    let (status, _, errors) = run(&[
        "label", "--labels", &labels, "--input", &out, "--set", "list",
    ]);
    assert_eq!(status, 1);
    assert!(
        errors.contains("lines-left-out list.yml:6: 1 line of the ground truth"),
        "{errors}"
    );
    assert!(
        errors.contains("the set list, which was made of list.yml"),
        "{errors}"
    );
    // So is what was decided in reading them.
    let numbers = path("numbers.csv");
    std::fs::write(&numbers, "\"\",\"x\"\n\"0\",0\n\"1\",1\n").unwrap();
    let all = path("all");
    let decode = ["decode", capture.to_str().unwrap(), "--out", &all];
    assert_eq!(run(&decode).0, 0);
    run(&["label", "--labels", &numbers, "--input", &all]);
    let report = std::fs::read_to_string(folder.path().join("all/labels/numbers/report.json"));
    let report = report.unwrap();
    let told = "numbers.csv numbers packets from 0";
    assert!(
        report.contains("read-as") && report.contains(told),
        "{report}"
    );
    assert!(
        !report.contains(folder.path().to_str().unwrap()),
        "{report}"
    );
    std::fs::write(&labels, CIC).unwrap();
    let (status, _, errors) = run(&[
        "label", "--labels", &labels, "--input", &out, "--set", "list",
    ]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("netcap label import --zone ZONE"),
        "{errors}"
    );
}
