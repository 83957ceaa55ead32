//! Bursts and pauses of a flow, and bulk transfer of a side; docs/flows.md, "Activity".

use netcap_proto::BulkRow;

use super::numbers::Distribution;

const SECOND: u64 = 1_000_000_000;
/// A longer gap begins another sub-flow, and ends a bulk transfer.
const SUBFLOW_GAP: u64 = SECOND;
/// A longer gap ends a burst of activity.
const IDLE_GAP: u64 = 5 * SECOND;
/// Packets of a bulk transfer.
const BULK_PACKETS: u64 = 4;

/// Bursts and pauses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Activity {
    /// Bursts that a pause ended.
    closed: Distribution,
    pub(super) idle: Distribution,
    /// Gaps that begin a sub-flow.
    pub(super) subflow_gaps: u64,
    /// Length of the burst that goes on.
    burst: u64,
}

impl Activity {
    /// Adds the gap before a packet.
    #[inline]
    pub(super) fn add(&mut self, gap: u64) {
        if gap > SUBFLOW_GAP {
            self.subflow_gaps += 1;
        }
        if gap > IDLE_GAP {
            self.closed = self.active();
            self.idle.add(gap);
            self.burst = 0;
        } else {
            self.burst += gap;
        }
    }

    /// Bursts longer than zero, the last one included.
    pub(super) fn active(&self) -> Distribution {
        let mut all = self.closed;
        if self.burst > 0 {
            all.add(self.burst);
        }
        all
    }

    /// Bursts longer than zero that a pause ended.
    pub(super) fn closed(&self) -> &Distribution {
        &self.closed
    }
}

/// Bulk transfer of one side.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bulk {
    transfers: u64,
    packets: u64,
    bytes: u64,
    duration_ns: u64,
    run: Option<Run>,
    /// Time of the side's last packet with payload.
    last_data: Option<i64>,
}

/// Packets of one side after each other.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: i64,
    last: i64,
    /// The latest time, which is not the last packet's where packets are out of order.
    latest: i64,
    packets: u64,
    bytes: u64,
}

impl Bulk {
    /// Time of the side's last packet with payload.
    pub(super) fn last_data(&self) -> Option<i64> {
        self.last_data
    }

    /// Adds a packet with payload; `other` is when the other side last sent one.
    pub(super) fn add(&mut self, ts_ns: i64, payload: u64, other: Option<i64>) {
        self.last_data = Some(ts_ns);
        let run = self.run.filter(|run| {
            other.is_none_or(|other| other <= run.start)
                && ts_ns.saturating_sub(run.last) <= SUBFLOW_GAP.cast_signed()
        });
        let Some(mut run) = run else {
            self.run = Some(Run {
                start: ts_ns,
                last: ts_ns,
                latest: ts_ns,
                packets: 1,
                bytes: payload,
            });
            return;
        };
        let latest = run.latest.max(ts_ns);
        let since = |then: i64| u64::try_from(latest.saturating_sub(then)).unwrap_or(0);
        run.packets += 1;
        run.bytes += payload;
        if run.packets == BULK_PACKETS {
            self.transfers += 1;
            self.packets += run.packets;
            self.bytes += run.bytes;
            self.duration_ns += since(run.start);
        } else if run.packets > BULK_PACKETS {
            self.packets += 1;
            self.bytes += payload;
            self.duration_ns += since(run.latest);
        }
        run.last = ts_ns;
        run.latest = latest;
        self.run = Some(run);
    }

    pub(super) fn row(&self) -> BulkRow {
        let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        BulkRow {
            count: int(self.transfers),
            packets: int(self.packets),
            bytes: int(self.bytes),
            duration_ns: int(self.duration_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Bulk, SECOND};

    #[test]
    fn bursts_end_at_gaps_and_the_last_counts() {
        let mut activity = Activity::default();
        for gap in [1, 2, 0, 6, 5, 1, 9] {
            activity.add(gap * SECOND);
        }
        // 3 s, then 6 s, then a burst of one packet.
        assert_eq!(activity.active().times().mean, Some(4.5e9));
        assert_eq!(activity.closed().count, 2);
        assert_eq!((activity.idle.count, activity.subflow_gaps), (2, 4));
        activity.add(SECOND);
        assert_eq!((activity.active().count, activity.closed().count), (3, 2));
    }

    #[test]
    fn bulk_begins_with_the_fourth_packet() {
        let mut bulk = Bulk::default();
        for at in 0..3 {
            bulk.add(at, 10, None);
        }
        assert_eq!(bulk.row().count, 0);
        bulk.add(5, 10, None);
        bulk.add(9, 7, None);
        let row = bulk.row();
        assert_eq!(
            (row.count, row.packets, row.bytes, row.duration_ns),
            (1, 5, 47, 9)
        );
        // One that comes late adds no time, nor does the time that it went back.
        bulk.add(6, 1, None);
        bulk.add(8, 1, None);
        assert_eq!((bulk.row().packets, bulk.row().duration_ns), (7, 9));
        // The other side's data ends it.
        for at in 10..13 {
            bulk.add(at, 10, Some(10));
        }
        assert_eq!(bulk.row().packets, 7);
    }
}
