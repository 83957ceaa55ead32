//! Every key that a ground-truth file may have: its name, what it means and what its value looks
//! like. The ONE table from which files are checked and the JSON Schema for editors is made.
//!
//! What a value means is decided where it is read ([`crate::label::rule`],
//! [`crate::label::document`]); a key that is missing here cannot be read there.

/// A mapping with a fixed set of keys.
#[derive(Debug)]
pub(super) struct Section {
    /// As messages call it: "a rule", "an entry of `covers:`".
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) keys: &'static [Key],
    /// Keys of the format that this version of netcap does not read yet.
    pub(super) planned: &'static [&'static str],
}

/// A key of a [`Section`].
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A text or a number.
    Text,
    /// A text or a number, or a list of them.
    Texts,
    Integer,
    /// The version of the format.
    Version,
    Choice(&'static [&'static str]),
    /// One choice, or one for each end of a range.
    Fold,
    Anything,
    /// Names, each with what a host may be.
    Names,
    /// Names, each with a mapping.
    NamesOf(&'static Section),
    ListOf(&'static Section),
    /// A mapping with these keys.
    Map(&'static Section),
    /// A list, or `all`.
    AllOrListOf(&'static Section),
    /// A rule without what must differ from rule to rule.
    Defaults,
}

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        shape,
        required: false,
    }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        shape,
        required: true,
    }
}

pub(super) const CONFLICTS: &[&str] = &["first", "last", "all", "ambiguous"];
pub(super) const TESTS: &[&str] = &[
    "overlap",
    "start",
    "end",
    "contained",
    "majority",
    "packet",
    "flow-start",
    "flow-end",
];
pub(super) const BOUNDS: &[&str] = &["closed", "half-open"];
pub(super) const UNITS: &[&str] = &["flow", "connection"];
pub(super) const DIRECTIONS: &[&str] = &["either", "forward", "reverse"];
pub(super) const STATES: &[&str] = &[
    "none",
    "malicious",
    "attempted",
    "benign",
    "unknown",
    "ambiguous",
    "excluded",
];
/// States that a rule itself may give.
pub(super) const RULE_STATES: &[&str] = &["malicious", "attempted", "ambiguous", "excluded"];
pub(super) const YES_NO: &[&str] = &["yes", "no"];
pub(super) const FOLDS: &[&str] = &["first", "second"];

const EXTRA: Key = key(
    "extra",
    Shape::Anything,
    "Anything else that is worth keeping; netcap does not read it.",
);
const ZONE: Key = key(
    "zone",
    Shape::Text,
    "Time zone of times that name none: an IANA name (Europe/Berlin) or an offset (+02:00).",
);
const DATE: Key = key(
    "date",
    Shape::Text,
    "Day of times that name none, as 2026-05-04.",
);
const FOLD: Key = key(
    "fold",
    Shape::Fold,
    "Which reading of a local time that exists twice or not at all is meant: `first` (the clock as it ran before the change) or `second`; a list of two for start and end.",
);
const CLOCK: Key = key(
    "clock",
    Shape::Text,
    "Name of the clock (under `clocks:`) that times were read from.",
);
const TIME: Key = key(
    "time",
    Shape::Texts,
    "When: `a .. b`, a list of such ranges, or `always`. Both ends are inside; an end written in minutes means to the end of that minute, in seconds to the end of that second, with a fraction exactly that.",
);
const PORTS: Key = key(
    "ports",
    Shape::Texts,
    "Ports of the victim: 22/tcp, 80, 6000-6100/udp, or a list; the destination of a forward flow, the source of a reverse one.",
);
const PROTOCOL: Key = key(
    "protocol",
    Shape::Texts,
    "Transport protocols, by name or number, or a list.",
);
const DIRECTION: Key = key(
    "direction",
    Shape::Choice(DIRECTIONS),
    "Who opened the flow: forward (an attacker), reverse (a victim) or either (default).",
);
const ICMP: Key = key(
    "icmp",
    Shape::Texts,
    "Types of ICMP messages, 8 or with a code 3/1, or a list; flows of other protocols do not match.",
);
const IN: Key = key(
    "in",
    Shape::Texts,
    "Captures, by name or pattern (dmz*.pcap); a pattern with `/` is one of the name with its folders.",
);
const CONDITION: Key = key(
    "if",
    Shape::Text,
    "A condition in SQL over the columns of the flow table, such as `fwd_payload_bytes = 0 and duration >= 199.8 ms`; attacker_… and victim_… stand for the side.",
);
const CATEGORY: Key = key(
    "category",
    Shape::Integer,
    "Category of the state, as the authors number it.",
);

/// The whole file.
pub(super) const FILE: Section = Section {
    name: "a label file",
    doc: "Ground truth for netcap: who attacked whom, and when.",
    keys: &[
        required("netcap-labels", Shape::Version, "Version of the format."),
        ZONE,
        key(
            "clocks",
            Shape::NamesOf(&CLOCKS),
            "Clocks that differed from that of the captures.",
        ),
        key(
            "hosts",
            Shape::Names,
            "Names for addresses: an address, network, range, a list of these or of names, `… except …`.",
        ),
        key(
            "covers",
            Shape::AllOrListOf(&COVERS),
            "What this file vouches for: flows inside that no rule claims are benign, all others unknown.",
        ),
        key(
            "conflicts",
            Shape::Choice(CONFLICTS),
            "Which of several rules of equal priority decides: the first (default) or last in the file, all, or none (ambiguous).",
        ),
        key(
            "defaults",
            Shape::Defaults,
            "Keys for all rules that do not have them themselves.",
        ),
        key(
            "unit",
            Shape::Choice(UNITS),
            "What is labeled: each flow by its own time (flow, default), or connections: parts of a connection that a time-out cut are tested by the time of all of it.",
        ),
        key("rules", Shape::ListOf(&RULE), "The attacks."),
        EXTRA,
    ],
    planned: &["rest", "include", "expected"],
};

/// An entry of `clocks:`.
pub(super) const CLOCKS: Section = Section {
    name: "a clock",
    doc: "A clock that differed from that of the captures.",
    keys: &[
        key(
            "offset",
            Shape::Texts,
            "This clock minus that of the captures: +37s if it was fast. If it drifted, a list: `+37s at 2026-05-04 09:00`, times as the clock showed them; between two the offset is interpolated, beyond them the drift goes on.",
        ),
        key(
            "anchor",
            Shape::Texts,
            "What the clock showed at a packet, in place of an offset: `packet 18234 of lab.pcap is 2026-05-04 10:00:05`; several tell its drift.",
        ),
        key(
            "unsure",
            Shape::Text,
            "How wrong the offset may be, as 60s; what happens so near to a bound is ambiguous.",
        ),
        EXTRA,
    ],
    planned: &["drift", "at", "zone", "offsets"],
};

/// A host that is more than an address.
pub(super) const HOST: Section = Section {
    name: "a host",
    doc: "A host.",
    keys: &[
        key("ip", Shape::Texts, "Its addresses, networks or ranges."),
        key(
            "mac",
            Shape::Texts,
            "Its MAC addresses, as 02:42:ac:11:00:02: whoever has one of them is the host, whatever the IP address. Behind a router all have the router's.",
        ),
        key(
            "is",
            Shape::Text,
            "The host that goes by these addresses, behind a NAT: rules that name it are about them, too.",
        ),
        key(
            "is_also",
            Shape::Texts,
            "Other addresses of this host: 192.0.2.10, or 192.0.2.10:8443 -> 443 where a port stands for one of its own.",
        ),
        IN,
        EXTRA,
    ],
    planned: &["asn"],
};

/// An entry of `covers:`.
pub(super) const COVERS: Section = Section {
    name: "an entry of `covers:`",
    doc: "Hosts and a time that the file vouches for.",
    keys: &[
        key(
            "hosts",
            Shape::Texts,
            "One end of the flow must be one of these; without, any.",
        ),
        key(
            "time",
            Shape::Texts,
            "The whole flow must lie inside; without, always.",
        ),
        DATE,
        ZONE,
        FOLD,
        CLOCK,
        IN,
        EXTRA,
    ],
    planned: &["by", "state"],
};

/// An entry of `rules:`. `defaults:` has the same keys without `id`.
pub(super) const RULE: Section = Section {
    name: "a rule",
    doc: "One attack: who, whom, when, and how it looks.",
    keys: &[
        required(
            "id",
            Shape::Text,
            "Name of the rule, unique; the label columns cite it.",
        ),
        required(
            "label",
            Shape::Text,
            "Class of the attack; `benign` for what only looks like one.",
        ),
        TIME,
        DATE,
        ZONE,
        FOLD,
        CLOCK,
        key(
            "test",
            Shape::Choice(TESTS),
            "What of a flow must lie in the time: any part (overlap, default), its start, its end, all of it (contained), or more than half of it (majority); `packet` claims packets by their own times, and a flow if it has one of them.",
        ),
        key(
            "bounds",
            Shape::Choice(BOUNDS),
            "Whether the end of a time is inside (closed, default) or not (half-open).",
        ),
        key(
            "slack",
            Shape::Texts,
            "How much longer the times are than written, at both ends: 30s, or a list of two, before and after.",
        ),
        key(
            "grey",
            Shape::Text,
            "How long before and after the times flows of these hosts are `excluded`, if no rule claims them: 10min, or `always`.",
        ),
        IN,
        key(
            "packets",
            Shape::Texts,
            "Packets by number, as in the column `packet`: 18-40, 77, or a list; with `in:` if there are several captures. The rule claims these packets, and flows that have one of them.",
        ),
        key(
            "capture_packets",
            Shape::Integer,
            "How many packets the capture of `packets:` has, if it is the one that was labeled: another number is told.",
        ),
        key(
            "flow_uid",
            Shape::Texts,
            "Flows by their column `flow_uid`.",
        ),
        key(
            "community_id",
            Shape::Texts,
            "Flows by their Community ID, at the rule's times.",
        ),
        key(
            "icmp_errors",
            Shape::Choice(YES_NO),
            "Whether ICMP errors that quote a packet of the attack belong to it (yes, or no by default). They are claimed packet by packet, by hosts, ports, protocol and time of what they quote; conditions are not asked.",
        ),
        key(
            "state",
            Shape::Choice(RULE_STATES),
            "State of the flows, if it is another than malicious.",
        ),
        key(
            "attackers",
            Shape::Texts,
            "Hosts that attack: names, addresses, networks, ranges, `any`, `… except …`.",
        ),
        key("victims", Shape::Texts, "Hosts that are attacked."),
        PORTS,
        PROTOCOL,
        ICMP,
        DIRECTION,
        CONDITION,
        key(
            "attempted",
            Shape::ListOf(&ATTEMPTED),
            "Flows of the attack that achieved nothing; the last entry that matches decides. An entry's own ports, protocol, direction and time replace those of the rule; its `if` has to hold beside the rule's.",
        ),
        key(
            "refine",
            Shape::ListOf(&REFINE),
            "The general form of `attempted:`, with a state in each entry.",
        ),
        key(
            "priority",
            Shape::Integer,
            "Rules of higher priority win over others; 0 if not given.",
        ),
        key(
            "mitre",
            Shape::Texts,
            "MITRE ATT&CK techniques or tactics, as T1110.001.",
        ),
        key(
            "expected_flows",
            Shape::Map(&EXPECTED),
            "How many flows the authors report for the rule, by state: `{malicious: 3972, attempted: 12}`. The report compares.",
        ),
        EXTRA,
    ],
    planned: &[],
};

/// An entry of `attempted:`.
pub(super) const ATTEMPTED: Section = Section {
    name: "an entry of `attempted:`",
    doc: "Flows of the attack that achieved nothing.",
    keys: &[
        CATEGORY, CONDITION, TIME, DATE, FOLD, PORTS, PROTOCOL, ICMP, DIRECTION, EXTRA,
    ],
    planned: &[],
};

/// What `expected_flows:` has.
pub(super) const EXPECTED: Section = Section {
    name: "`expected_flows:`",
    doc: "Flows by state.",
    keys: &[
        key("malicious", Shape::Integer, "Malicious flows."),
        key("attempted", Shape::Integer, "Flows of attempts."),
    ],
    planned: &[],
};

/// An entry of `refine:`.
pub(super) const REFINE: Section = Section {
    name: "an entry of `refine:`",
    doc: "Flows of the attack that get another state.",
    keys: &[
        required(
            "state",
            Shape::Choice(STATES),
            "The state; `none` if the rule does not apply.",
        ),
        CATEGORY,
        CONDITION,
        TIME,
        DATE,
        FOLD,
        PORTS,
        PROTOCOL,
        ICMP,
        DIRECTION,
        EXTRA,
    ],
    planned: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_documented_once_and_not_planned() {
        for section in [
            &FILE, &CLOCKS, &HOST, &COVERS, &RULE, &ATTEMPTED, &EXPECTED, &REFINE,
        ] {
            for (n, key) in section.keys.iter().enumerate() {
                assert!(key.doc.ends_with('.'), "{}: {}", section.name, key.name);
                assert!(
                    !section.planned.contains(&key.name),
                    "{}: {}",
                    section.name,
                    key.name
                );
                assert!(
                    section.keys[..n].iter().all(|k| k.name != key.name),
                    "{}",
                    key.name
                );
            }
        }
    }
}
