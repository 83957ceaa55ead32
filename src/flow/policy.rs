//! The rules by which packets become flows, as data; docs/flows.md has them in words.

use netcap_proto::{
    FLOW, FLOW_CICFLOWMETER_2017, FLOW_CICFLOWMETER_ENGELEN, FLOW_NFSTREAM, FLOW_OUTER, Table,
};
use serde::{Deserialize, Serialize};

/// When a flow begins and ends, and who opened it. All times are packet times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What its packets have in common.
    pub key: KeyRule,
    /// A gap of more than this ends the flow (nanoseconds); `None` for no such rule.
    pub idle_ns: Option<i64>,
    /// A packet at or after this from the start begins another flow (nanoseconds).
    pub active_ns: i64,
    /// How exactly the time-outs are compared.
    pub clock: Clock,
    /// What closes a TCP connection.
    pub close: Close,
    /// How the initiator is found.
    pub initiator: Initiator,
    /// Flows of fewer packets have no row.
    pub least_packets: i64,
    /// No more flows than about this many go on at a time; `None` for no bound.
    pub max_flows: Option<u64>,
}

/// What the packets of a flow have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyRule {
    /// All that netcap knows.
    Full,
    /// Addresses, ports (none for ICMP), protocol and the outermost VLAN.
    Nfstream,
    /// Addresses, ports of TCP and UDP, and the protocol, if it is one of five.
    Cicflowmeter,
    /// Addresses of IPv4, and ports and protocol of TCP and UDP.
    Published,
}

/// How time-outs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Idle: over; active: at or over; in nanoseconds.
    Exact,
    /// Idle and active: at or over; in whole milliseconds.
    Milliseconds,
    /// Active: over; in whole microseconds.
    Microseconds,
}

/// What closes a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Close {
    /// FIN of both sides or RST; it goes on until another connection begins.
    Linger,
    /// Nothing.
    Never,
    /// The state machine of CICFlowMeter as corrected by Engelen et al.
    Engelen,
    /// The responder's FIN or RST, at once, as CICFlowMeter was published.
    Published,
}

/// How the initiator is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Initiator {
    /// By evidence of the whole flow.
    Evidence,
    /// The sender of the first packet.
    FirstPacket,
    /// The sender of the first packet, or its receiver if that is a SYN-ACK.
    FirstPacketUnlessSynAck,
}

const SECOND: i64 = 1_000_000_000;

impl Default for Policy {
    /// netcap's own: idle 120 s and active 1,800 s.
    fn default() -> Self {
        Self {
            key: KeyRule::Full,
            idle_ns: Some(120 * SECOND),
            active_ns: 1800 * SECOND,
            clock: Clock::Exact,
            close: Close::Linger,
            initiator: Initiator::Evidence,
            least_packets: 1,
            max_flows: None,
        }
    }
}

impl Policy {
    /// NFStream 6, with its default time-outs.
    pub const NFSTREAM: Self = Self {
        key: KeyRule::Nfstream,
        idle_ns: Some(120 * SECOND),
        active_ns: 1800 * SECOND,
        clock: Clock::Milliseconds,
        close: Close::Never,
        initiator: Initiator::FirstPacket,
        least_packets: 1,
        max_flows: None,
    };

    /// CICFlowMeter as corrected by Engelen et al. 2021.
    pub const CICFLOWMETER_ENGELEN: Self = Self {
        key: KeyRule::Cicflowmeter,
        idle_ns: None,
        active_ns: 120 * SECOND,
        clock: Clock::Microseconds,
        close: Close::Engelen,
        initiator: Initiator::FirstPacketUnlessSynAck,
        least_packets: 1,
        max_flows: None,
    };

    /// CICFlowMeter as published, with its defects.
    pub const CICFLOWMETER_2017: Self = Self {
        key: KeyRule::Published,
        idle_ns: None,
        active_ns: 120 * SECOND,
        clock: Clock::Microseconds,
        close: Close::Published,
        initiator: Initiator::FirstPacket,
        least_packets: 2,
        max_flows: None,
    };

    /// The policies by the names that users give them, each with its table. `outer` has the rules of
    /// `netcap` for other packets: those around tunnels.
    pub const NAMED: [(&'static str, &'static Table); 5] = [
        ("netcap", &FLOW),
        ("nfstream", &FLOW_NFSTREAM),
        ("cicflowmeter-engelen", &FLOW_CICFLOWMETER_ENGELEN),
        ("cicflowmeter-2017", &FLOW_CICFLOWMETER_2017),
        ("outer", &FLOW_OUTER),
    ];

    /// The tables of flows, each with its policy; `own` is that of the table `flow`.
    pub fn of_tables(own: Self) -> [(&'static Table, Self); 5] {
        let bounded = |policy| Self {
            max_flows: own.max_flows,
            ..policy
        };
        [
            (&FLOW, own),
            (&FLOW_NFSTREAM, bounded(Self::NFSTREAM)),
            (
                &FLOW_CICFLOWMETER_ENGELEN,
                bounded(Self::CICFLOWMETER_ENGELEN),
            ),
            (&FLOW_CICFLOWMETER_2017, bounded(Self::CICFLOWMETER_2017)),
            (&FLOW_OUTER, own),
        ]
    }

    /// Whether a flow that was last seen at `last` has been idle too long at `now`.
    pub(super) fn is_idle(&self, last: i64, now: i64) -> bool {
        let Some(limit) = self.idle_ns else {
            return false;
        };
        match self.clock {
            Clock::Exact => now.saturating_sub(last) > limit,
            Clock::Milliseconds => whole(now, last, 1_000_000) >= limit / 1_000_000,
            Clock::Microseconds => whole(now, last, 1000) > limit / 1000,
        }
    }

    /// Whether a flow that began at `start` has lasted too long for a packet at `now`.
    pub(super) fn is_too_long(&self, start: i64, now: i64) -> bool {
        match self.clock {
            Clock::Exact => now.saturating_sub(start) >= self.active_ns,
            Clock::Milliseconds => whole(now, start, 1_000_000) >= self.active_ns / 1_000_000,
            Clock::Microseconds => whole(now, start, 1000) > self.active_ns / 1000,
        }
    }
}

/// A difference of times, each cut to whole units of `unit` nanoseconds.
fn whole(now: i64, then: i64, unit: i64) -> i64 {
    now.div_euclid(unit) - then.div_euclid(unit)
}
