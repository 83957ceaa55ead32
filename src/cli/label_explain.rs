//! `netcap label explain`.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use netcap_proto::Table;

use super::{Done, print_folded};
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::label::{Considered, Role};
use crate::pipeline::{FlowExplained, Wanted, explain_flow, flow_table};

/// Tell why a flow has its label: which rules were considered, and what kept them from it
///
/// The flow is named by its number or its flow_uid, or by an address (and port) of
/// each end and, where there are several, a time.
///
/// Examples:
///   netcap label explain --labels attacks.yaml --input data --flow 1842
///   netcap label explain --labels attacks.yaml --input data \
///     --ends 10.0.0.5:51322 10.0.0.9:80 --at 2026-05-04T10:20:00Z
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LabelExplain {
    /// Ground truth: YAML or CSV.
    #[arg(short, long, required = true, num_args = 1.., value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// Output of netcap decode.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// Number or flow_uid of the flow.
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "ends",
        conflicts_with = "ends"
    )]
    flow: Option<String>,
    /// Both ends: addresses, or ADDRESS:PORT ([ADDRESS]:PORT for IPv6).
    #[arg(long, num_args = 2, value_name = "END")]
    ends: Option<Vec<String>>,
    /// A time in or near the flow, with a zone.
    #[arg(long, value_name = "TIME", requires = "ends")]
    at: Option<String>,
    /// The flows of this policy [default: netcap].
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Show all rules, not only the nearest.
    #[arg(long)]
    all: bool,
}

/// Rules that are shown of those that do not apply.
const NEAREST: usize = 5;

impl LabelExplain {
    pub(super) fn run(self) -> Result<Done> {
        let wanted = self.wanted()?;
        let contents = Contents::read(&self.input)?;
        let table = policy_table(self.policy.as_deref())?;
        let flow = explain_flow(&contents, table, &self.labels, &wanted)?;
        print_folded(&told(&flow, self.all, self.at.is_some()), "filter: ")?;
        Ok(Done::Well)
    }

    fn wanted(&self) -> Result<Wanted> {
        if let Some(id) = &self.flow {
            return Ok(match id.parse() {
                Ok(number) => Wanted::Number(number),
                Err(_) => Wanted::Uid(id.clone()),
            });
        }
        let at_ns = match &self.at {
            None => None,
            Some(text) => {
                let time: Timestamp = text.parse().map_err(|_| {
                    Error::new(format!("\"{text}\" is no time with a zone"))
                        .help("write 2026-05-04T10:20:00Z")
                })?;
                i64::try_from(time.as_nanosecond()).ok()
            }
        };
        match self.ends.as_deref() {
            Some([a, b]) => Ok(Wanted::Ends {
                a: end(a)?,
                b: end(b)?,
                at_ns,
            }),
            _ => Err(Error::new("no flow is named").help("write --flow ID, or --ends A B")),
        }
    }
}

/// The flows of a policy; by default those of netcap.
pub(super) fn policy_table(name: Option<&str>) -> Result<&'static Table> {
    flow_table(name.unwrap_or("netcap"))
}

/// An address, perhaps with a port.
fn end(text: &str) -> Result<(IpAddr, Option<i64>)> {
    if let Ok(address) = text.trim_matches(['[', ']']).parse() {
        return Ok((address, None));
    }
    let socket: std::net::SocketAddr = text.parse().map_err(|_| {
        Error::new(format!("\"{text}\" is no address"))
            .help("write 10.0.0.5, 10.0.0.5:80 or [fd00::5]:80")
    })?;
    Ok((socket.ip(), Some(socket.port().into())))
}

fn told(flow: &FlowExplained, all: bool, is_timed: bool) -> String {
    let time = |ns: i64| {
        Timestamp::from_nanosecond(ns.into()).map_or_else(|_| ns.to_string(), |t| t.to_string())
    };
    let shown = |(address, port): &(String, Option<i64>)| match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.clone(),
    };
    let [src, dst] = &flow.ends;
    let mut text = format!(
        "flow {} ({}): {} -> {}, protocol {}\n{} .. {}\n{} and {} packets, {} and {} bytes of payload\nfilter: {}\n\n",
        flow.flow,
        flow.uid,
        shown(src),
        shown(dst),
        flow.protocol,
        time(flow.span_ns.0),
        time(flow.span_ns.1),
        flow.packets[0],
        flow.packets[1],
        flow.payload_bytes[0],
        flow.payload_bytes[1],
        filter(flow)
    );
    if flow.others > 0 {
        let others = crate::text::count(flow.others, "other flow");
        let _ = match is_timed {
            true => writeln!(
                text,
                "({others} between these ends as near to that time: name one with --flow)\n"
            ),
            false => writeln!(
                text,
                "({others} between these ends: name one with --flow, or a time with --at)\n"
            ),
        };
    }
    let explained = &flow.explained;
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "label {}",
        explained.label.as_deref().unwrap_or("none")
    );
    let _ = write!(text, ", {}", explained.state);
    if let Some(attack) = explained
        .attack
        .as_ref()
        .filter(|a| Some(*a) != explained.label.as_ref())
    {
        let _ = write!(text, " ({attack})");
    }
    let unknown = (String::new(), String::new(), 0);
    let of = |rule: &Considered| flow.rules.get(rule.rule).unwrap_or(&unknown);
    let disputing = explained
        .rules
        .iter()
        .filter(|r| r.role == Role::Contradicts);
    let disputing: Vec<&str> = disputing.map(|rule| of(rule).0.as_str()).collect();
    let _ = match &explained.rule {
        Some(_) if !disputing.is_empty() => {
            writeln!(
                text,
                ", since {} contradict each other",
                disputing.join(", ")
            )
        }
        Some(rule) => writeln!(text, ", by the rule {rule}"),
        None if explained.state == "unknown" => {
            writeln!(text, ", by no rule, and no `covers` vouches for it")
        }
        None => writeln!(text, ", by no rule: `covers` decides"),
    };
    let applies = |rule: &&Considered| rule.role != Role::No;
    let (applying, others): (Vec<_>, Vec<_>) = explained.rules.iter().partition(applies);
    let many = if all { others.len() } else { NEAREST };
    for rule in applying.iter().chain(others.iter().take(many)) {
        let (name, file, line) = of(rule);
        let _ = writeln!(text, "\n{:<8} {name} ({file}:{line})", rule.role.as_str());
        for because in &rule.because {
            let _ = writeln!(text, "         {because}");
        }
    }
    let left = others.len().saturating_sub(many);
    if left > 0 {
        let _ = writeln!(text, "\n{left} more rules do not apply; --all shows them");
    }
    text
}

/// A display filter for the flow's packets, as Wireshark and tshark take it.
fn filter(flow: &FlowExplained) -> String {
    let [src, dst] = &flow.ends;
    let ip = if src.0.contains(':') {
        "ipv6.addr"
    } else {
        "ip.addr"
    };
    let mut parts = vec![format!("{ip} == {} && {ip} == {}", src.0, dst.0)];
    let name = match flow.protocol {
        6 => Some("tcp"),
        17 => Some("udp"),
        132 => Some("sctp"),
        _ => None,
    };
    if let (Some(name), Some(a), Some(b)) = (name, src.1, dst.1) {
        parts.push(format!("{name}.port == {a} && {name}.port == {b}"));
    }
    let seconds = |ns: i64| {
        format!(
            "{}.{:09}",
            ns.div_euclid(1_000_000_000),
            ns.rem_euclid(1_000_000_000)
        )
    };
    parts.push(format!(
        "frame.time_epoch >= {} && frame.time_epoch <= {}",
        seconds(flow.span_ns.0),
        seconds(flow.span_ns.1)
    ));
    parts.join(" && ")
}
