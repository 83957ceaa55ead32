//! The rules by which packets become flows, as data.

use serde::{Deserialize, Serialize};

/// When a flow ends. All times are packet times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A gap of more than this ends the flow (nanoseconds).
    pub idle_ns: i64,
    /// A packet at or after this from the start begins another flow (nanoseconds).
    pub active_ns: i64,
}

impl Default for Policy {
    /// Idle 120 s and active 1,800 s.
    fn default() -> Self {
        Self {
            idle_ns: 120_000_000_000,
            active_ns: 1_800_000_000_000,
        }
    }
}
