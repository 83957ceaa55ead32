//! Ground truth: reads who attacked whom and when, checks it, labels flows by it, and reports what
//! came of it. No tables and no captures: flows come in as facts, verdicts go out.
//!
//! ```text
//! file ─ yaml, csv_form ─► tree ─ document, rule ─► GroundTruth ─► Labeler ─ label ─► Verdict
//!                (keys: the table of all keys; schema)      │ index, matching      │
//!                                                           └► Misses, Report ◄─ Tally
//! ```
//!
//! # The label file
//!
//! ```yaml
//! netcap-labels: 1
//! zone: Europe/Berlin                 # of every time below that names no other
//! clocks:
//!   notebook: {offset: +37s, unsure: 60s}
//! hosts:
//!   kali: 10.9.0.7
//!   nat: {ip: 192.0.2.1, is: kali, in: dmz*.pcap}   # what the firewall makes of kali there
//!   web: {ip: 10.0.1.5, is_also: ["192.0.2.10:8443 -> 443"]}
//!   office: 10.0.2.0/24
//! covers:
//!   - {hosts: [office, web], time: 2026-05-04 09:00 .. 17:00}
//! defaults: {clock: notebook, date: 2026-05-04, attackers: kali, victims: web}
//! rules:
//!   - id: ssh-brute
//!     label: SSH brute force
//!     time: 10:20 .. 11:05
//!     ports: 22/tcp
//!     attempted:
//!       - {category: 0, if: attacker_payload_bytes = 0}
//!   - id: scan
//!     label: Port scan
//!     time: [13:00 .. 13:04, 13:10 .. 13:12]
//!     victims: office except web
//! ```
//!
//! Every key is documented in the JSON Schema ([`json_schema`]), which editors show. An unknown key
//! is an error; notes go under `extra:`. Everything wrong in a file is told at once.
//!
//! **Time.** A range is `a .. b` with both ends inside. An end in minutes means to the end of that
//! minute, in seconds to the end of that second, with a fraction exactly that; a day means all of
//! it. A time has a date (its own, the `date:` of the rule or of `defaults:`; an end without one is
//! of the day of its start) and a zone (its own, that of the other end, `zone:` of the rule, of the
//! file). A local time that exists twice, or not at all, needs `fold: first` (the clock as it ran
//! before it was changed) or `second`. A rule needs a time; `always` is one. What of a flow has to
//! lie in it says `test:`; any overlap is enough by default. With `bounds: half-open` a time ends at
//! the moment that is written, which is outside. `slack` makes times longer, and the report says so; `grey` excludes flows that would be
//! claimed if the times were that much longer, unless another rule claims them.
//!
//! **Clocks.** `offset` is that clock minus the captures' clock; a rule's times are shifted by it.
//! Several offsets, each `at` a time that the clock showed, tell its drift: between two it is even,
//! beyond them it goes on. An `anchor` says what the clock showed at a packet, in place of an offset;
//! it is exact, so say `unsure` if it was read by eye. What would be decided differently if the bounds lay `unsure` earlier or later is `ambiguous`.
//!
//! **Hosts.** Addresses, networks, ranges (`10.0.0.5-10.0.0.9`), names, `any`, lists of these, and
//! `… except …`; `except` reaches over the text or list item that it stands in. An IPv4-mapped IPv6
//! address is the IPv4 address. A rule needs attackers or victims; the other side is then any. It
//! matches a flow whose two ends are one each. A MAC address is a host, too: that of the columns
//! `src_mac` and `dst_mac`, from the first packet of the flow's initiator.
//!
//! **Other names.** `is` makes an entry of `hosts:` another name of a host, with `in` only in some
//! captures; `is_also` gives a host more addresses, perhaps with one port that stands for another.
//! A rule that names the host is then about all of them, and its `ports:` are the host's own; `except`
//! takes all of them away. Claims say under which name a host was seen.
//!
//! **Captures.** `in:` limits rules, covers and names of hosts to captures, by the name of the file
//! where the flow began; rules for packets by that of the packet.
//!
//! **Direction.** `forward`: an attacker opened the flow; `reverse`: a victim did; `either` is the
//! default. `ports:` are those of the victim: the destination's of a forward flow, the source's of a
//! reverse one.
//!
//! **ICMP.** `icmp:` is the type, or type and code, of the message that the flow began with. With
//! `icmp_errors: yes` errors that quote a packet of the attack belong to it, by what they quote.
//!
//! **Packets.** With `test: packet` a rule claims packets by their own times, of flows that it would
//! claim otherwise; with `packets:` it claims them by number. A flow is claimed if one of its packets is.
//! What rules for packets claim counts for the packet before all that is said of its flow, whatever the
//! priority; between flows, such rules are as others. Packets that are not claimed have what the other
//! rules say of their flow. Packets without a flow (ARP)
//! are claimed by addresses and time. This is about flows of netcap's own policy.
//!
//! **Flows by name.** `flow_uid` and `community_id` name flows; such a rule, and one with `packets:`,
//! needs neither hosts nor time.
//!
//! **Unit.** With `unit: connection` each part of a connection that a time-out cut is tested by the
//! time of all of it. Conditions are still about the part.
//!
//! **Refinements.** Of the rule itself and the entries under `attempted:` or `refine:` the last
//! that matches decides the state; `none` means that the rule does not apply. Ports, protocol,
//! direction and time of an entry stand in place of the rule's, so an entry may reach flows that the
//! rule itself does not; an `if:` has to hold beside the rule's. A clock time in an entry is of the
//! day of the rule.
//!
//! **Conditions** (`if:`) are SQL over the columns of the flow table, with time literals
//! (`199.8 ms`), `duration`, and `attacker_…` and `victim_…` for the two sides.
//!
//! **Several rules.** Higher `priority` wins, then the order of the file as `conflicts:` says:
//! `first` (default), `last`, `all` (every rule of the highest priority wins; the columns show the
//! first) or `ambiguous` (where their labels differ). All that matched stay as claims.
//!
//! **The rest.** What no rule claims is `benign` if an entry of `covers:` vouches for one of its
//! ends during all of it, else `unknown`. Entries that leave no gap add up. Without `covers:`
//! nothing is benign; `covers: all` vouches for everything. A rule with the label `benign` is a
//! claim that the flow is none.
//!
//! **Columns.** `label` is a class or `benign`, and null unless the state is `malicious` or
//! `benign`; `attack` is the claimed class, also of attempted, ambiguous and excluded flows.
//! `label_episode` is the id of the rule, `#`, and which of its intervals it is (`scan#2`).
//!
//! The form as a table is described in `csv_form.rs`.

mod append;
mod asks;
mod captures;
mod carry;
mod clock;
mod columns;
mod condition;
mod csv_form;
mod diagnosis;
mod document;
mod duration;
mod explain;
mod fields;
mod flows;
mod host_set;
mod hosts;
mod import;
mod index;
mod interval;
mod join;
mod keys;
mod labeler;
mod matching;
mod mentions;
mod misses;
mod model;
mod moment;
mod names;
mod offsets;
mod packet_claims;
mod packet_rows;
mod packets;
mod problems;
mod report;
mod rule;
mod schema;
mod sensitivity;
mod service;
mod side;
mod slack;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod traffic;
mod values;
mod verdict;
mod yaml;

use std::path::Path;

pub use append::{NewRule, append};
pub use asks::Asks;
pub use carry::FlowLabels;
pub use clock::Captured;
pub use columns::{ColumnType, Columns, Value};
pub use diagnosis::{ClockSeen, SERIOUS, Surroundings};
pub use explain::Considered;
pub use flows::{Basis, Connections, flow_columns, needed_columns};
pub use import::{Commented, ImportOptions, Imported, format_names, import};
pub use join::{Explained, Labeled, explain_row, label_batch, look_batch, vary_batch};
pub use labeler::Labeler;
pub use misses::Misses;
pub use model::{GroundTruth, Rule, Unit};
pub use packet_claims::{PacketClaims, PacketRules, Said, label_without_flow};
pub use packet_rows::{PacketBatches, PacketRows};
pub use problems::Errors;
pub use report::Report;
pub use schema::json_schema;
pub use sensitivity::{ClassStability, Sensitivity, SensitivityTally, Setting, Stability};
pub use slack::Slacks;
pub use tally::Tally;
pub use traffic::Traffic;
pub use verdict::{Claim, Edge, End, FlowDirection, FlowFacts, PacketCount, State, Verdict};

use jiff::tz::TimeZone;

use crate::error::Error;
use problems::Problems;

/// Reads a zone: an IANA name, `UTC`, or an offset such as `+02:00`. It means the same on every machine.
///
/// # Errors
/// What is none, with the nearest name.
pub fn parse_zone(text: &str) -> Result<TimeZone, Error> {
    moment::parse_zone(text).map_err(|fault| {
        let error = Error::new(fault.message);
        match fault.help {
            Some(help) => error.help(help),
            None => error,
        }
    })
}

/// Reads a ground-truth file; whether it is YAML or CSV is told from its content, and so are the formats
/// of others that need no zone to be said.
///
/// `columns` are those that conditions may use, in the order by which [`FlowFacts::values`] is
/// asked for them. `captured` tells when packets were captured that clocks are anchored in; without it
/// such clocks are only checked.
///
/// # Errors
/// Everything that is wrong in the file, in its order, each with line, column, what was expected
/// and, for a misspelt word, the nearest one. A file that is no YAML at all gives one error.
pub fn read(
    path: &Path,
    columns: &Columns,
    captured: Option<&dyn Captured>,
) -> Result<GroundTruth, Errors> {
    let bytes = std::fs::read(path).map_err(|error| {
        let error = Error::io(path, "read the ground truth", error);
        Errors::one(match path.is_dir() {
            true => error.help("it is a folder: name the files in it"),
            false => error,
        })
    })?;
    if let Some(text) = import::as_label_file(path, &bytes).map_err(Errors::one)? {
        let mut truth = parse_in(&text, path, columns, captured)?;
        for rule in &mut truth.rules {
            rule.line = import::line_of(&rule.id).unwrap_or(rule.line);
        }
        return Ok(truth);
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let line = 1 + before.matches('\n').count();
        let in_line = before.chars().rev().take_while(|c| *c != '\n');
        let error = Error::new("this is no text in UTF-8")
            .in_file(path)
            .at_line(line, 1 + in_line.count());
        Errors::one(error.help("label files are YAML or CSV; save it as UTF-8"))
    })?;
    parse_in(text, path, columns, captured)
}

/// Reads ground truth from a text; `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, path: &Path, columns: &Columns) -> Result<GroundTruth, Errors> {
    parse_in(text, path, columns, None)
}

fn parse_in(
    text: &str,
    path: &Path,
    columns: &Columns,
    captured: Option<&dyn Captured>,
) -> Result<GroundTruth, Errors> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let mut problems = Problems::default();
    let truth = if csv_form::is_csv(text) {
        Some(csv_form::read(text, path, &name, columns, &mut problems).map_err(Errors::one)?)
    } else {
        let root = yaml::parse(text, path, &mut problems).map_err(Errors::one)?;
        document::read(&root, &name, columns, captured, &mut problems)
    };
    match problems.into_result(path, truth)? {
        Some(truth) => Ok(truth),
        None => Err(Errors::one(
            Error::new("this is no label file")
                .in_file(path)
                .help("the first line of one is `netcap-labels: 1`"),
        )),
    }
}
