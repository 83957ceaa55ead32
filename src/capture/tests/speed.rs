//! How long a packet takes; run by hand, in release:
//! `NETCAP_BENCH=big.pcap cargo test --release -- --ignored --nocapture speed`.

use std::path::PathBuf;
use std::time::Instant;

use crate::capture::Reader;

#[test]
#[ignore = "needs a large capture and a quiet machine"]
fn speed() {
    let Some(path) = std::env::var_os("NETCAP_BENCH").map(PathBuf::from) else {
        println!("skipped: NETCAP_BENCH names no capture");
        return;
    };
    for _ in 0..5 {
        let start = Instant::now();
        let mut reader = Reader::open(&path).unwrap();
        let mut sum = 0_u64;
        while let Some((meta, data)) = reader.next().unwrap() {
            sum += u64::from(meta.captured) + u64::from(data.last().copied().unwrap_or_default());
        }
        let packets = reader.facts().packets;
        let ns = start.elapsed().as_nanos() / u128::from(packets.unsigned_abs().max(1));
        println!("{packets} packets, {ns} ns each ({sum})");
    }
}
