//! `netcap label import` of labels of packets: files with a line for each, alerts by number, comments of captures.

use crate::import::import;

#[test]
fn labels_of_packets_become_ranges() {
    let kitsune = import(
        "a.csv",
        b"\"\",\"x\"\n\"1\",0\n\"2\",1\n\"3\",1\n\"4\",0\n\"5\",1\n",
        &["--capture", "SSDP_pcap.pcap"],
    );
    assert_eq!(kitsune.status, 0, "{}", kitsune.errors);
    assert_eq!(
        kitsune.lines,
        ["a.csv_attack,attack,always,any,any,,,either,,2-3 5,5,SSDP_pcap.pcap"]
    );
    assert!(
        kitsune.told.contains("5 packets are labeled in a.csv"),
        "{}",
        kitsune.told
    );
    // Without header the first line is the first packet; nothing but its user can tell what it is.
    let mirai = import("m.csv", b"0\n1\n1\n", &[]);
    assert_eq!(mirai.status, 2);
    let mirai = import(
        "m.csv",
        b"0\n1\n1\n",
        &["--format", "kitsune-mirai", "--with-benign"],
    );
    assert_eq!(
        mirai.lines,
        [
            "m.csv_Mirai,Mirai,always,any,any,,,either,,2-3,3",
            "m.csv_benign,benign,always,any,any,,,either,,1,3"
        ]
    );
    // The other variant: the number of a packet is no label.
    let other = import("m.csv", b"2,0\n3,1\n", &["--format", "kitsune-mirai"]);
    assert!(other.lines.is_empty(), "{:?}", other.lines);
    let told = other.told + &other.errors;
    assert!(told.contains("the format has no such label"), "{told}");
    let lemay = import("l.csv", b"1;0\r\n2;1\r\n4;1\r\n", &["--format", "lemay"]);
    assert_eq!(
        lemay.lines,
        ["l.csv_attack,attack,always,any,any,,,either,,2 4"]
    );
    let eve = br#"{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"alert","pcap_cnt":17,"src_ip":"172.16.0.1","src_port":36196,"dest_ip":"192.168.10.50","dest_port":80,"proto":"TCP","alert":{"signature":"SQLi"}}
{"timestamp":"2017-07-06T10:41:02.123456-0300","event_type":"flow","src_ip":"172.16.0.1","dest_ip":"192.168.10.50","proto":"TCP"}
"#;
    let found = import("eve.json", eve, &["--by-packet"]);
    assert_eq!(
        found.lines,
        ["eve.json_1,SQLi,always,172.16.0.1,192.168.10.50,80/tcp,,either,attacker_port = 36196,17"]
    );
    let none = import("z.csv", b"\"\",\"x\"\n\"a\",1\n", &[]);
    assert!(
        none.told.contains("the number of the packet is none"),
        "{}",
        none.told
    );
    // Numbers from 0.
    let zero = import("z.csv", b"\"\",\"x\"\n\"0\",0\n\"1\",1\n", &[]);
    assert_eq!(
        zero.lines,
        ["z.csv_attack,attack,always,any,any,,,either,,2,2"]
    );
    assert!(
        zero.told.contains("numbers packets from 0"),
        "{}",
        zero.told
    );
    // Numbers that are not those of all packets of a capture.
    for (file, told) in [
        ("\"2\",0\n\"3\",1\n", "2 lines about packets 2 to 3,"),
        ("\"1\",0\n\"3\",1\n", "2 lines about packets 1 to 3,"),
        (
            "\"1\",0\n\"2\",1\n\"2\",1\n",
            "3 lines about packets 1 to 2,",
        ),
    ] {
        let found = import("z.csv", format!("\"\",\"x\"\n{file}").as_bytes(), &[]);
        assert!(found.told.contains(told), "{}", found.told);
        assert!(!found.told.contains("have as many"), "{}", found.told);
    }
}

#[test]
fn comments_of_captures() {
    let option = |text: &str| {
        let mut bytes = [
            &1u16.to_le_bytes()[..],
            &(text.len() as u16).to_le_bytes(),
            text.as_bytes(),
        ]
        .concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let packet = |comment: &str| {
        let mut body = [0u32, 0, 1, 3, 3].map(u32::to_le_bytes).concat();
        // Three bytes and their padding.
        body.extend([1, 2, 3, 0]);
        body.extend(option(comment));
        body.extend([0; 4]);
        block(6, &body)
    };
    let section = [
        &0x1a2b_3c4d_u32.to_le_bytes()[..],
        &[1, 0, 0, 0],
        &[0xff; 8],
    ]
    .concat();
    let mut capture = block(0x0a0d_0d0a, &section);
    capture.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    for comment in [
        "17,nordvpn",
        "17,nordvpn",
        "s=18,proc=tor,dir=in",
        "of somebody",
        "19,nordvpn",
    ] {
        capture.extend(packet(comment));
    }
    let found = import("p.pcapng", &capture, &["--capture", "p.pcapng"]);
    assert_eq!(found.status, 0, "{}{}", found.told, found.errors);
    assert_eq!(
        found.lines,
        [
            "p.pcapng_nordvpn,nordvpn,always,any,any,,,either,,1-2 5,p.pcapng",
            "p.pcapng_tor,tor,always,any,any,,,either,,3,p.pcapng",
        ]
    );
    assert!(
        found
            .told
            .contains("they have no values; the first is p.pcapng:4"),
        "{}",
        found.told
    );
}
