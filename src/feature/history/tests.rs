use super::{BTreeSet, Ended, History};

const SECOND: i64 = 1_000_000_000;

/// Of the row's number.
fn numbered(flows: &[Ended]) -> Vec<Ended> {
    let numbered = (0..).zip(flows);
    numbered.map(|(flow, f)| Ended { flow, ..*f }).collect()
}

fn flow(end_s: i64, src: u32, dst: u32, port: i32, failed: bool) -> Ended {
    Ended {
        flow: 0,
        end_ns: end_s * SECOND,
        packets: 10,
        bytes: 100 + end_s,
        src,
        dst,
        ports: [-1, port],
        protocol: 6,
        failed,
    }
}

fn counted(flows: &[Ended], name: &str) -> Vec<i64> {
    let mut history = History {
        flows: numbered(flows),
        ..History::default()
    };
    history.finish(&BTreeSet::from([name]));
    history.columns.remove(0).1
}

#[test]
fn only_flows_that_ended_before_and_within_the_window_count() {
    // Not in the order of their ends, as in a table of flows.
    let flows = [
        flow(60, 1, 2, 80, false),
        flow(0, 1, 2, 80, true),
        flow(60, 1, 3, 80, true),
        flow(61, 1, 3, 81, false),
        flow(30, 9, 2, 80, false),
        flow(62, 1, 2, -1, false),
    ];
    // What ended at the same time is not seen; what ended exactly a window before is.
    assert_eq!(counted(&flows, "src_60s_flows"), [1, 0, 1, 2, 0, 3]);
    assert_eq!(counted(&flows, "src_60s_peers"), [1, 0, 1, 2, 0, 2]);
    assert_eq!(counted(&flows, "src_60s_ports"), [1, 0, 1, 1, 0, 2]);
    assert_eq!(counted(&flows, "src_60s_failed"), [1, 0, 1, 1, 0, 1]);
    assert_eq!(counted(&flows, "dst_60s_peers"), [2, 0, 0, 1, 1, 2]);
    assert_eq!(counted(&flows, "pair_2s_flows"), [0, 0, 0, 1, 0, 1]);
    assert_eq!(counted(&flows, "service_60s_flows"), [2, 0, 0, 0, 1, 0]);
    assert_eq!(
        counted(&flows, "src_600s_bytes"),
        [100, 0, 100, 420, 0, 581]
    );
}

#[test]
fn the_last_hundred_count_with_the_flow_itself() {
    let mut flows: Vec<Ended> = (0..150).map(|n| flow(n, 1, 2, 80, false)).collect();
    flows[120].src = 9;
    let counts = counted(&flows, "last_100_src");
    assert_eq!((counts[0], counts[98], counts[119]), (1, 99, 100));
    assert_eq!((counts[120], counts[121], counts[149]), (1, 99, 99));
    // Of flows that ended at the same time, the one with the smaller number ended first.
    let same = [flow(5, 1, 2, 80, false), flow(5, 1, 2, 81, false)];
    assert_eq!(counted(&same, "last_100_src"), [1, 2]);
    assert_eq!(counted(&same, "last_100_src_dst_port"), [1, 1]);
}

#[test]
fn without_flows_there_is_no_history() {
    assert!(counted(&[], "src_60s_flows").is_empty());
}
