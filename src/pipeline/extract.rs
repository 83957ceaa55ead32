//! The packets of some flows, out of the captures that an output was made of, each with a comment that
//! names its flow and what ground truth said of it.
//!
//! Which packets they are says the table `packet`; if only flows were kept, the captures are decoded once more,
//! by the options of the output, which gives the same flows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::RecordBatch;
use netcap_proto::{CLAIM, FLOW, FLOW_LABEL, PACKET, PACKET_CLAIM};
use serde::Deserialize;

use super::decoded::{has_table, read_plain};
use super::label_sets::label_set;
use super::packet_labels::PACKET_CLAIMS;
use super::query::query_output;
use super::tables::TABLES_STAGE;
use crate::batch::{boolean, int32, int64, text};
use crate::capture::{Arrangement, Overlap, PcapngWriter, Reader, expand, order};
use crate::dataset::{Contents, Input, Manifest, describe, hash_inputs};
use crate::engine::{self, FIRST_PACKETS, InputFile, Options, Progress, Selection, Source};
use crate::error::{Error, Result};
use crate::flow::Policy;
use crate::output::{Layout, Stage, read_table, write_whole};
use crate::sql::check_condition;

/// Which flows are wanted.
#[derive(Debug, Clone)]
pub enum Flows {
    /// By their numbers.
    Numbers(BTreeSet<i64>),
    /// Those for which a condition in SQL holds, over the flow table with the labels of the set, if there is one.
    Where(String),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// Flows that have packets.
    pub flows: u64,
    /// Packets of them.
    pub packets: u64,
    /// Flows that were asked for and have none.
    pub without: Vec<i64>,
}

/// Packets of wanted flows, by ordinal of the capture and number of the packet.
type Wanted = BTreeMap<i32, BTreeMap<i64, i64>>;

/// Writes the packets of flows of the output at `input` to `out`. `captures` are the files, or folders with
/// the files, that it was made of.
pub fn extract(
    input: &Path,
    captures: &[PathBuf],
    flows: &Flows,
    set: Option<&str>,
    out: &Path,
    progress: &dyn Progress,
) -> Result<Extracted> {
    let contents = Arc::new(Contents::read(input)?);
    let manifest = contents.manifest();
    let flows = match flows {
        Flows::Numbers(numbers) => numbers.clone(),
        Flows::Where(condition) => numbers_where(&contents, condition, set)?,
    };
    if flows.is_empty() {
        return Err(Error::new("no flow is like that").in_file(input));
    }
    let comments = match set {
        Some(set) => comments(&contents, set, &flows)?,
        None => Comments::default(),
    };
    let files = find_files(&contents, captures)?;
    let is_out = |file: &&PathBuf| file.canonicalize().ok() == out.canonicalize().ok();
    if out.exists() && files.iter().any(|file| is_out(&file)) {
        return Err(Error::new("this is a capture that packets are taken from")
            .in_file(out)
            .help("name another file with --out"));
    }
    let wanted = if has_table(&contents, &PACKET) {
        wanted(read_plain(&contents, &PACKET)?, &flows)?
    } else {
        let stage = contents.stage(TABLES_STAGE);
        let options = stage.map(|stage| stage.options.clone()).unwrap_or_default();
        decode_again(manifest, options, &files, &flows, progress)?
    };
    if wanted.is_empty() {
        return Err(Error::new("no packet belongs to these flows").in_file(input).help(
            "`netcap query \"SELECT flow, src_ip, dst_ip FROM flow LIMIT 20\" --input DIR` shows some flows",
        ));
    }
    let packets = write(&files, &wanted, &comments, out)?;
    let found: BTreeSet<i64> = wanted
        .values()
        .flat_map(BTreeMap::values)
        .copied()
        .collect();
    Ok(Extracted {
        flows: found.len() as u64,
        packets,
        without: flows.difference(&found).copied().collect(),
    })
}

fn numbers_where(
    contents: &Arc<Contents>,
    condition: &str,
    set: Option<&str>,
) -> Result<BTreeSet<i64>> {
    let table = match set {
        Some(set) => format!("flow_{set}"),
        None => "flow".to_owned(),
    };
    check_condition(condition)?;
    let sql = format!("SELECT flow FROM \"{table}\" WHERE {condition}");
    let rows = query_output(contents, &sql)?;
    Ok(int64(&rows, "flow")?.iter().flatten().collect())
}

/// What ground truth claims, in words.
#[derive(Debug, Default)]
struct Comments {
    flows: BTreeMap<i64, String>,
    /// By capture and packet: of the packet itself.
    packets: BTreeMap<(i32, i64), String>,
}

/// What ground truth claims of each flow, and of their packets.
fn comments(contents: &Contents, set: &str, flows: &BTreeSet<i64>) -> Result<Comments> {
    let (stage, facts) = label_set(contents, set)?;
    let mut comments = Comments::default();
    for batch in contents.rows(&stage, FLOW.name, &Layout::plain(&FLOW_LABEL))? {
        let batch = batch?;
        let numbers = int64(&batch, "flow")?;
        let [labels, attacks, states] =
            ["label", "attack", "label_state"].map(|name| text(&batch, name));
        let (labels, attacks, states) = (labels?, attacks?, states?);
        let wanted = |row: &usize| flows.contains(&numbers.value(*row));
        for row in (0..batch.num_rows()).filter(wanted) {
            let class = [labels, attacks]
                .into_iter()
                .find(|class| class.is_valid(row));
            let class = class.map_or("", |class| class.value(row));
            let label = format!("\nlabel: {} {class}", states.value(row));
            comments
                .flows
                .insert(numbers.value(row), label.trim_end().to_owned());
        }
    }
    // Claims of other flows have their numbers.
    let policy = facts
        .options
        .get("policy")
        .and_then(|policy| policy.as_str());
    if policy.is_some_and(|policy| policy != FLOW.name) {
        return Ok(comments);
    }
    for (name, table) in [("claims", &CLAIM), (PACKET_CLAIMS, &PACKET_CLAIM)] {
        for batch in contents.rows(&stage, name, &Layout::plain(table))? {
            let batch = batch?;
            let numbers = int64(&batch, "flow")?;
            let lines = int32(&batch, "line")?;
            let won = boolean(&batch, "won")?;
            let (states, attacks) = (text(&batch, "state")?, text(&batch, "attack")?);
            let (rules, files) = (text(&batch, "rule")?, text(&batch, "file")?);
            let packets = match name {
                PACKET_CLAIMS => Some((int32(&batch, "capture")?, int64(&batch, "packet")?)),
                _ => None,
            };
            let wanted = |row: &usize| flows.contains(&numbers.value(*row));
            for row in (0..batch.num_rows()).filter(wanted) {
                let (of, comment) = match packets {
                    Some((captures, packets)) => {
                        let key = (captures.value(row), packets.value(row));
                        ("this packet: ", comments.packets.entry(key).or_default())
                    }
                    None => ("", comments.flows.entry(numbers.value(row)).or_default()),
                };
                let decided = if won.value(row) {
                    ""
                } else {
                    " (did not decide)"
                };
                *comment += &format!(
                    "\n{of}{} {}: rule {} ({}:{}){decided}",
                    states.value(row),
                    attacks.value(row),
                    rules.value(row),
                    files.value(row),
                    lines.value(row),
                );
            }
        }
    }
    Ok(comments)
}

/// The captures of an output, in the order of their ordinals.
fn find_files(contents: &Contents, captures: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let (paths, _) = expand(captures)?;
    let mut described = describe(&paths, captures, contents.cache())?;
    hash_inputs(described.iter_mut().zip(&paths), contents.cache())?;
    let known: BTreeMap<&str, &PathBuf> = described
        .iter()
        .zip(&paths)
        .filter_map(|(input, path)| Some((input.sha256.as_deref()?, path)))
        .collect();
    let find = |input: &Input| {
        if input.sha256.is_none() {
            return Err(Error::new(
                "the output was made of standard input, whose packets are gone",
            )
            .help("decode from a file to extract packets later"));
        }
        let path = input.sha256.as_deref().and_then(|hash| known.get(hash));
        path.map(|path| (*path).clone()).ok_or_else(|| {
            Error::new(format!("the capture {} of the output is not there", input.name)).help(
                "name the captures, or their folder, that the output was made of; they are known by their SHA-256",
            )
        })
    };
    contents.manifest().inputs.iter().map(find).collect()
}

/// The packets of flows, by the rows of a table `packet`.
fn wanted(
    packets: impl Iterator<Item = Result<RecordBatch>>,
    flows: &BTreeSet<i64>,
) -> Result<Wanted> {
    let mut wanted = Wanted::new();
    for batch in packets {
        let batch = batch?;
        let of = int64(&batch, "flow")?;
        let captures = int32(&batch, "capture")?;
        let packets = int64(&batch, "packet")?;
        for (row, flow) in of.iter().enumerate() {
            if let Some(flow) = flow.filter(|flow| flows.contains(flow)) {
                let packets_of = wanted.entry(captures.value(row)).or_default();
                packets_of.insert(packets.value(row), flow);
            }
        }
    }
    Ok(wanted)
}

/// Options of the stage of tables that decide which packets belong to a flow.
#[derive(Debug, Deserialize)]
struct Decided {
    flow: Policy,
    arrangement: Arrangement,
    time_ns: Option<(i64, i64)>,
    head: Option<u64>,
    streams: Vec<(Option<String>, usize, bool)>,
}

fn decode_again(
    manifest: &Manifest,
    options: serde_json::Value,
    files: &[PathBuf],
    flows: &BTreeSet<i64>,
    progress: &dyn Progress,
) -> Result<Wanted> {
    let decided: Decided = serde_json::from_value(options)
        .map_err(|e| Error::because("the options in the manifest cannot be read", e))?;
    let mut sources = Vec::new();
    let (mut paths, mut inputs) = (files, &manifest.inputs[..]);
    for (name, number, merge) in &decided.streams {
        let (of_stream, rest) = paths.split_at((*number).min(paths.len()));
        let (described, others) = inputs.split_at((*number).min(inputs.len()));
        (paths, inputs) = (rest, others);
        let overlap = if *merge {
            Overlap::Merge
        } else {
            Overlap::Refuse
        };
        for stream in order(name.as_deref(), of_stream, overlap)? {
            sources.push(Source {
                files: described.iter().map(InputFile::from).collect(),
                stream,
            });
        }
    }
    let options = Options {
        tables: Selection::only(&PACKET),
        policy: decided.flow,
        time: decided.time_ns,
        head: decided.head,
        arrangement: decided.arrangement,
        first_packets: FIRST_PACKETS,
        hashed: false,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let folder = std::env::temp_dir().join(format!("netcap-extract-{}", std::process::id()));
    // Never committed, so it is removed whatever happens.
    let stage = Stage::begin(&folder)?;
    engine::decode(&sources, stage.path(), &options, progress)?;
    let packets = stage.path().join(PACKET.name);
    wanted(read_table(&packets, &Layout::plain(&PACKET))?, flows)
}

fn write(files: &[PathBuf], wanted: &Wanted, comments: &Comments, out: &Path) -> Result<u64> {
    let failed = |e| Error::io(out, "write", e);
    write_whole(out, |file| {
        let mut writer = PcapngWriter::new(file).map_err(failed)?;
        let mut written = 0;
        for (ordinal, path) in (0..).zip(files) {
            let Some(of_file) = wanted.get(&ordinal) else {
                continue;
            };
            let last = of_file.last_key_value().map_or(0, |(number, _)| *number);
            let mut reader = Reader::open(path)?;
            while reader.advance()? {
                let meta = reader.meta();
                if let Some(flow) = of_file.get(&meta.number) {
                    let claims = comments.flows.get(flow).map_or("", String::as_str);
                    let own = comments.packets.get(&(ordinal, meta.number));
                    let own = own.map_or("", String::as_str);
                    let interfaces = &reader.facts().interfaces;
                    let interface = interfaces
                        .get(meta.interface as usize)
                        .ok_or_else(|| Error::new("a packet has no interface").in_file(path))?;
                    let comment = format!("flow {flow}, packet {}{claims}{own}", meta.number);
                    writer
                        .packet(ordinal, interface, meta, reader.data(), &comment)
                        .map_err(failed)?;
                    written += 1;
                }
                if meta.number >= last {
                    break;
                }
            }
        }
        Ok(written)
    })
}
