//! How many of the last 100 flows that ended, the flow itself among them, have something in common with it: the
//! counts of UNSW-NB15.

/// Flows that are looked at.
const MOST: u32 = 100;

/// A count over the last flows.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) name: &'static str,
    /// What they have in common, in words, and the columns.
    what: &'static str,
    pub(super) group: &'static [&'static str],
}

/// All of them.
pub(super) const ALL: [Recent; 5] = [
    Recent {
        name: "last_100_src",
        what: "the initiator",
        group: &["src_ip"],
    },
    Recent {
        name: "last_100_dst",
        what: "the responder",
        group: &["dst_ip"],
    },
    Recent {
        name: "last_100_src_dst",
        what: "initiator and responder",
        group: &["src_ip", "dst_ip"],
    },
    Recent {
        name: "last_100_src_dst_port",
        what: "the initiator and the responder's port",
        group: &["src_ip", "dst_port"],
    },
    Recent {
        name: "last_100_dst_src_port",
        what: "the responder and the initiator's port",
        group: &["dst_ip", "src_port"],
    },
];

impl Recent {
    /// What it means.
    pub(super) fn doc(&self) -> String {
        format!(
            "Flows, this one among them, that have {} in common with it, of the {MOST} that ended last.",
            self.what
        )
    }

    /// Its calculation in SQL, over a table with `nth`, the order in which flows ended.
    pub(super) fn sql(&self) -> String {
        format!(
            "count(*) OVER (PARTITION BY {} ORDER BY nth RANGE BETWEEN {} PRECEDING AND CURRENT ROW)",
            self.group.join(", "),
            MOST - 1
        )
    }
}

/// Counts for the flows `same` of a group, which are in the order in which they ended: `nth`.
pub(super) fn count(nth: &[u32], same: &[u32], values: &mut [i64]) {
    let nth = |row: u32| nth.get(row as usize).copied().unwrap_or(0);
    let mut oldest = same.iter().peekable();
    let mut among = 0_i64;
    for row in same {
        among += 1;
        while oldest
            .next_if(|old| nth(*row) - nth(**old) >= MOST)
            .is_some()
        {
            among -= 1;
        }
        if let Some(slot) = values.get_mut(*row as usize) {
            *slot = among;
        }
    }
}
