//! `netcap label import` of files that are cut, mixed, of Windows, or without what they need.

use crate::import::import;
use crate::support::run;

const CIC: &str = "Flow ID,Source IP,Source Port,Destination IP,Destination Port,Protocol,Timestamp,Flow Duration,Label";

#[test]
fn lines_are_counted_as_editors_do() {
    // With the line breaks of Windows, and a blank line.
    let flow = |second: u32| {
        format!("x,172.16.0.1,36196,192.168.10.50,80,6,6/7/2017 10:40:0{second},0,Bot")
    };
    let text = [
        CIC,
        &flow(1),
        "",
        &flow(2),
        &flow(3).replace("192.168.10.50", "x"),
    ]
    .join("\r\n");
    let found = import("a.csv", text.as_bytes(), &["--zone", "-03:00"]);
    let ids: Vec<&str> = found.lines.iter().map(|line| &line[..7]).collect();
    assert_eq!(ids, ["a.csv_2", "a.csv_4"]);
    assert!(
        found.told.contains("the first is a.csv:5"),
        "{}",
        found.told
    );
    // A time with seconds is exact to a second.
    let span = "2017-07-06T13:40:01.000000000Z,2017-07-06T13:40:01.999999999Z";
    assert!(found.lines[0].contains(span), "{}", found.lines[0]);
}

#[test]
fn what_is_cut_is_told() {
    let alert = r#"{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"1.2.3.4","src_port":5,"dest_ip":"5.6.7.8","dest_port":80,"proto":"TCP","alert":{"signature":"ET SCAN x"}}"#;
    let cut = &alert[..60];
    let text = [alert, alert, cut, cut].join("\n");
    let found = import("eve.json", text.as_bytes(), &[]);
    assert_eq!(
        (found.status, found.lines.len()),
        (1, 2),
        "{}",
        found.errors
    );
    let why = "2 lines, since they are not of the format, or were cut off; the first is eve.json:3";
    assert!(found.told.contains(why), "{}", found.told);
}

#[test]
fn lines_without_addresses_are_about_nothing() {
    let text = "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Label\n80,6,15/02/2018 08:33:25,7,1,Bot\n";
    let found = import("feb.csv", text.as_bytes(), &["--zone", "-04:00"]);
    assert_eq!((found.status, found.lines.len()), (2, 0));
    let told = "this file has no addresses";
    let help = "use one with the columns Src IP and Dst IP";
    assert!(
        found.errors.contains(told) && found.errors.contains(help),
        "{}",
        found.errors
    );
}

#[test]
fn a_header_alone_has_no_rules() {
    let found = import(
        "a.csv",
        format!("{CIC}\n").as_bytes(),
        &["--zone", "-03:00"],
    );
    assert_eq!(found.status, 1, "{}", found.errors);
    assert!(
        found.told.contains("cic-ids2017: 0 lines, 0 rules"),
        "{}",
        found.told
    );
}

#[test]
fn icmp_of_zeek_is_that_of_its_addresses() {
    let text = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\tlabel
1545403816.962094\tC1\tfe80::1\t136\tff02::1\t0\ticmp\t-\t-\tScan
1545403816.962094\tC2\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t-\t-\tScan
";
    let found = import("conn.log.labeled", text.as_bytes(), &[]);
    assert!(
        found.lines[0].ends_with("fe80::1,ff02::1,,icmpv6,forward,"),
        "{:?}",
        found.lines
    );
    assert!(
        found.lines[1].ends_with("10.0.0.1,10.0.0.2,,icmp,forward,"),
        "{:?}",
        found.lines
    );
}

#[test]
fn formats_are_named_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let alert = r#"{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","src_ip":"1.2.3.4","dest_ip":"5.6.7.8","proto":"TCP","alert":{"signature":"ET SCAN x"}}"#;
    let (csv, eve, out) = (path("a.csv"), path("eve.json"), path("out.csv"));
    let line = format!("{CIC}\nx,172.16.0.1,36196,192.168.10.50,80,6,6/7/2017 10:40,0,Bot\n");
    std::fs::write(&csv, line).unwrap();
    std::fs::write(&eve, alert).unwrap();
    let (_, told, errors) = run(&[
        "label", "import", &csv, &eve, "--zone", "-03:00", "--out", &out,
    ]);
    let counted = "cic-ids2017, suricata-eve: 2 lines, 2 rules";
    assert!(told.contains(counted), "{told}{errors}");
}

#[test]
fn patterns_tell_of_lines_that_they_do_not_fit() {
    let good = "07/06/2017-10:41:02.123456  [**] [1:2010:3] ET SCAN x [**] [Classification: y] [Priority: 2] {TCP} 1.2.3.4:5 -> 5.6.7.8:80";
    let dropped = good.replace("[**] [1", "[wDrop] [**] [1");
    let text = [good, &dropped, &good.replace("/2017", ""), "x", &good[..40]].join("\n");
    let found = import("fast.log", text.as_bytes(), &["--zone", "UTC"]);
    assert_eq!(
        (found.status, found.lines.len()),
        (1, 2),
        "{}",
        found.errors
    );
    assert!(
        found
            .told
            .contains("3 lines, since they are not of the format"),
        "{}",
        found.told
    );
}

#[test]
fn lines_that_end_before_their_label_are_cut() {
    let head = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label";
    let good = "2011/08/10 11:04:59.607825,1.026539,udp,147.32.84.165,1025,  <->,147.32.80.9,53,CON,0,0,2,203,64,flow=From-Botnet-V42-UDP-DNS";
    let text = [head, good, "2011/08/10 09:4"].join("\n");
    let found = import("a.binetflow", text.as_bytes(), &["--zone", "Europe/Prague"]);
    assert_eq!(
        (found.status, found.lines.len()),
        (1, 1),
        "{}",
        found.errors
    );
    assert!(
        found
            .told
            .contains("or were cut off; the first is a.binetflow:3"),
        "{}",
        found.told
    );
    // As a label file it is none either.
    let text = "Flow ID,Src IP,Dst IP,Timestamp,Label\nx,1.1.1.1,2.2.2.2,6/7/2017,Bot\n";
    let found = import("b.csv", text.as_bytes(), &[]);
    assert!(
        found.errors.contains("no known format has such lines"),
        "{}",
        found.errors
    );
}

#[test]
fn roles_of_cidds_are_those_of_its_lines() {
    let line = |src: &str, dst: &str, class: &str| {
        format!(
            "2017-03-15 00:01:16.632,0.000,TCP,{src},22,{dst},4451,1,108,1,.AP...,0,{class},bruteForce,1,x"
        )
    };
    let text = [
        "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flows,Flags,Tos,class,attackType,attackID,attackDescription",
        &line("192.168.220.15", "192.168.220.16", "attacker"),
        &line("192.168.220.16", "192.168.220.15", "victim"),
    ]
    .join("\n");
    let found = import("week.csv", text.as_bytes(), &["--zone", "Europe/Berlin"]);
    assert_eq!(found.status, 0, "{}", found.errors);
    assert_eq!(found.lines.len(), 1);
    assert!(
        found.lines[0].contains("192.168.220.15,192.168.220.16"),
        "{:?}",
        found.lines
    );
}

#[test]
fn ports_of_patterns_are_those_of_the_ends_that_they_are_of() {
    // Either end may have a port of a filter, but one that stands with its host's side.
    let found = import(
        "a.pcapml",
        b"BPF:host 10.77.0.20 and tcp port 80,web\nBPF:udp src port 53 and host 10.0.0.1,dns\nBPF:src host 10.0.0.3 and udp dst port 53,tunnel\n",
        &[],
    );
    let ends: Vec<&str> = found
        .lines
        .iter()
        .map(|line| line.split_once("always,").unwrap().1)
        .collect();
    assert_eq!(
        ends,
        [
            "10.77.0.20,any,,tcp,either,(src_port = 80 or dst_port = 80)",
            "10.0.0.1,any,,udp,either,(src_port = 53 or dst_port = 53)",
            "10.0.0.3,any,53/udp,,either,",
        ]
    );
}

#[test]
fn numbers_with_exponents_are_what_they_are() {
    let text =
        "ts,src_ip_zeek,src_port_zeek,dest_ip_zeek,dest_port_zeek,proto,duration,label_tactic
1.645000001E9,1.2.3.4,5,5.6.7.8,80,tcp,1.5e1,Recon
1645000001.25,1.2.3.4,5,5.6.7.8,80,sun-nd,0,Recon
";
    let found = import("u.csv", text.as_bytes(), &[]);
    assert_eq!(found.status, 0, "{}", found.told);
    let span = "2022-02-16T08:26:41.000000000Z,2022-02-16T08:26:56.000999999Z";
    assert!(found.lines[0].contains(span), "{}", found.lines[0]);
    assert!(
        found.lines[1].contains(",sun-nd,forward"),
        "{}",
        found.lines[1]
    );
}

#[test]
fn files_are_of_the_format_that_says_most_of_them() {
    let text = "Unnamed: 0,Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration,SimillarHTTP, Inbound, Label
1,x,172.16.0.5,634,192.168.50.1,60495,17,2018-12-01 10:51:39.813448,28415,0,1,DrDoS_DNS
";
    let found = import("d.csv", text.as_bytes(), &["--zone=-04:00"]);
    assert!(
        found.told.contains("cic-ddos2019: 1 line, 1 rule"),
        "{}{}",
        found.told,
        found.errors
    );
}

#[test]
fn columns_that_a_mapping_misspells_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mine.yaml");
    let text = "who;to;role;what;when\n10.0.0.1;10.0.0.2;victim;scan;1000\n";
    for (columns, told) in [
        (
            "columns: {start: [when], src: [who], dst: [too], label: [what]}",
            "names the column `too` for `dst`",
        ),
        (
            "columns: {start: [when], src: [who], label: [what]}\nskip: {rolle: [victim]}",
            "names the column `rolle` for `skip`",
        ),
    ] {
        let yaml = format!(
            "netcap-mapping: 1\nname: mine\ntitle: mine\nrows: {{form: csv, separator: ';'}}\n{columns}\ntime: {{forms: [epoch]}}\n"
        );
        std::fs::write(&mapping, yaml).unwrap();
        let found = import(
            "mine.csv",
            text.as_bytes(),
            &["--format", mapping.to_str().unwrap()],
        );
        assert!(
            found.status == 2 && found.errors.contains(told),
            "{}",
            found.errors
        );
        assert!(found.errors.contains("did you mean"), "{}", found.errors);
    }
}

#[test]
fn resolutions_are_what_times_leave_open() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mine.yaml");
    let end = |form: &str, resolution: &str, time: &str| {
        let yaml = format!(
            "netcap-mapping: 1\nname: mine\ntitle: mine\nrows: {{form: csv}}\ncolumns: {{start: [when], src: [who], label: [what]}}\ntime: {{forms: ['{form}'], zone: UTC, resolution: {resolution}}}\n"
        );
        std::fs::write(&mapping, yaml).unwrap();
        let text = format!("who,what,when\n10.0.0.1,scan,{time}\n");
        let found = import(
            "mine.csv",
            text.as_bytes(),
            &["--format", mapping.to_str().unwrap()],
        );
        let end = found.lines[0].split(',').nth(3).unwrap().to_owned();
        end.split('T').nth(1).unwrap().to_owned()
    };
    assert_eq!(end("epoch", "60s", "1525879800"), "15:30:59.999999999Z");
    assert_eq!(
        end("%Y-%m-%d %H:%M", "5s", "2018-05-09 15:30"),
        "15:30:59.999999999Z"
    );
    assert_eq!(
        end("%Y-%m-%d %H:%M:%S", "5s", "2018-05-09 15:30:00"),
        "15:30:04.999999999Z"
    );
}

#[test]
fn lines_without_ports_have_whole_addresses() {
    let alert = |ends: &str| {
        format!(
            "07/06/17-10:41:02.123456  [**] [1:2010:3] ping [**] [Classification: y] [Priority: 2] {{IPV6-ICMP}} {ends}"
        )
    };
    let text = [alert("2001:db8::5:1 -> 2001:db8::6:2"), alert("2001:0db8:0000:0000:0000:0000:0000:0001:128 -> 2001:0db8:0000:0000:0000:0000:0000:0002:0")].join("\n");
    let found = import("fast.log", text.as_bytes(), &["--zone", "UTC"]);
    assert_eq!(found.status, 0, "{}", found.told);
    assert!(
        found.lines[0].contains("2017-07-06T10:41:02")
            && found.lines[0].contains(",2001:db8::5:1,2001:db8::6:2,,icmpv6,"),
        "{}",
        found.lines[0]
    );
    assert!(
        found.lines[1].contains(",2001:db8::1,2001:db8::2,,icmpv6,"),
        "{}",
        found.lines[1]
    );
}

#[test]
fn files_of_one_name_have_rules_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let line = format!("{CIC}\nx,172.16.0.1,36196,192.168.10.50,80,6,6/7/2017 10:40,0,Bot\n");
    for day in ["mon", "tue"] {
        std::fs::create_dir(path(day)).unwrap();
        // The second begins with a line that says nothing.
        let line = if day == "tue" {
            line.replacen('\n', "\n,,,,,,,,\n", 1)
        } else {
            line.clone()
        };
        std::fs::write(path(&format!("{day}/a.csv")), &line).unwrap();
    }
    let (mon, tue, out) = (path("mon/a.csv"), path("tue/a.csv"), path("out.csv"));
    let (status, _, errors) = run(&[
        "label", "import", &mon, &tue, "--zone", "-03:00", "--out", &out,
    ]);
    assert_eq!(status, 0, "{errors}");
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(
        text.contains("\na.csv_2,Bot") && text.contains("\n2-a.csv_3,Bot"),
        "{text}"
    );
}
