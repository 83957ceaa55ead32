//! `netcap label record`.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::{Common, Done, values};
use crate::error::{Error, Result};
use crate::label::{NewRule, append, flow_columns, parse};
use crate::output::write_atomically;

/// Run a command, and take it down as an attack
///
/// Adds a rule to a label file when the command has ended: who, whom, from when to
/// when, with its arguments, its exit status and whether the clock of this machine is
/// synchronised. A new file is begun if there is none. Ctrl-C ends the command, and
/// it is taken down all the same.
///
/// Examples:
///   netcap label record --labels lab.yaml --rule scan --label "Port scan" \
///     --victim 10.0.1.5 -- nmap -sS 10.0.1.5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LabelRecord {
    /// The label file.
    #[arg(short, long, value_name = "FILE.yaml")]
    labels: PathBuf,
    /// Name of the rule.
    #[arg(long, value_name = "ID")]
    rule: String,
    /// Class of the attack [default: the name of the rule].
    #[arg(long, value_name = "CLASS")]
    label: Option<String>,
    /// Who is attacked: an address, a network, or a name of the file. May be repeated.
    #[arg(long = "victim", required = true, value_name = "HOST")]
    victims: Vec<String>,
    /// Who attacks [default: the address of this machine from which it reaches the victim].
    #[arg(long, value_name = "HOST")]
    attacker: Option<String>,
    /// Ports of the victim, as 22/tcp.
    #[arg(long, value_name = "PORTS")]
    ports: Option<String>,
    /// Technique of MITRE ATT&CK, as T1046. May be repeated.
    #[arg(long, value_name = "TECHNIQUE")]
    mitre: Vec<String>,
    /// How long after the command's end the attack goes on: the last answers may come later than
    /// it ends, as 500ms.
    #[arg(long, value_parser = values::duration_ns, value_name = "TIME")]
    linger: Option<i64>,
    /// The command with its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl LabelRecord {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let attackers = self
            .attacker
            .clone()
            .or_else(|| self.victims.iter().find_map(|victim| own_address(victim)));
        if attackers.is_none() {
            common.say(
                "who attacks is not known, so the rule is of every host: --attacker names one",
            );
        }
        // What could not be written in the end is told before anything runs.
        self.can_write()?;
        let now = Timestamp::now();
        self.write(
            &self.rule_of((now, now), attackers.clone(), Vec::new()),
            false,
        )?;
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| Error::new("there is no command"))?;
        // The command is in the same group and is told to end as well; its end is waited for.
        ctrlc::set_handler(|| {}).map_err(|e| Error::because("signals cannot be caught", e))?;
        let start = Timestamp::now();
        let status = Command::new(program)
            .args(arguments)
            .status()
            .map_err(|e| Error::because(format!("cannot run {program}"), e))?;
        if let Some(linger) = self.linger {
            std::thread::sleep(Duration::from_nanos(linger.unsigned_abs()));
        }
        let end = Timestamp::now();
        let extra = vec![
            ("command", Value::from(as_typed(&self.command))),
            (
                "exit_status",
                status.code().map_or(Value::Null, Value::from),
            ),
            ("clock_synchronised", synchronised()),
        ];
        let rule = self.rule_of((start, end), attackers, extra);
        self.write(&rule, true).map_err(|e| {
            Error::new(format!(
                "the command ran from {start:.6} to {end:.6}, and that could not be written: {e}"
            ))
        })?;
        common.say(&format!(
            "rule {} in {}: {start:.6} .. {end:.6}",
            self.rule,
            self.labels.display()
        ));
        Ok(if status.success() {
            Done::Well
        } else {
            common.say(&format!("the command ended with {status}"));
            Done::WithWarnings
        })
    }

    fn folder(&self) -> &Path {
        let folder = self.labels.parent().filter(|p| !p.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    fn can_write(&self) -> Result<()> {
        let folder = self.folder();
        let failed = |e| Error::io(&self.labels, "write", e);
        let metadata = std::fs::metadata(folder).map_err(failed)?;
        if !metadata.is_dir() || metadata.permissions().readonly() {
            return Err(Error::new("its folder cannot be written").in_file(&self.labels));
        }
        Ok(())
    }

    fn rule_of(
        &self,
        time: (Timestamp, Timestamp),
        attackers: Option<String>,
        extra: Vec<(&'static str, Value)>,
    ) -> NewRule {
        NewRule {
            id: self.rule.clone(),
            label: self.label.clone().unwrap_or_else(|| self.rule.clone()),
            time,
            attackers,
            victims: self.victims.clone(),
            ports: self.ports.clone(),
            mitre: self.mitre.clone(),
            extra,
        }
    }

    /// Adds the rule to the file, if that gives a right one; `really`, or just to see.
    fn write(&self, rule: &NewRule, really: bool) -> Result<()> {
        // Of several that run at once, one adds its rule after the other.
        let _lock = really.then(|| lock(self.folder())).transpose()?;
        let old = if self.labels.exists() {
            std::fs::read_to_string(&self.labels).map_err(|e| Error::io(&self.labels, "read", e))?
        } else {
            String::new()
        };
        let new = append(&old, rule).map_err(|e| e.in_file(&self.labels))?;
        let read = |text: &str| parse(text, Path::new(&self.labels), &flow_columns());
        let truth = match read(&new) {
            Ok(truth) => truth,
            Err(wrong) => {
                // What is wrong already is told by its own lines.
                if !old.trim().is_empty() {
                    read(&old)?;
                }
                // Its places are those in a file that is not there.
                let what: Vec<String> = wrong.iter().map(Error::without_place).collect();
                return Err(Error::new(format!(
                    "these options make no rule: {}",
                    what.join("; ")
                )));
            }
        };
        // In the microseconds that are written.
        let micros = |time: Timestamp| time.as_microsecond().saturating_mul(1000);
        let time = (micros(rule.time.0), micros(rule.time.1));
        let known = truth.rules().iter().find(|known| known.id() == rule.id);
        if known.is_none_or(|known| !known.is_plain(time, rule.ports.is_some())) {
            return Err(Error::new("`defaults:` would change what is recorded: all of it but hosts, date and zone must stand in the rules")
                .in_file(&self.labels)
                .help("move the other keys of `defaults:` to the rules that they are for"));
        }
        if really {
            write_atomically(&self.labels, new.as_bytes())?;
        }
        Ok(())
    }
}

/// Locks a folder, as long as the result lives; where folders cannot be locked, nobody waits.
fn lock(folder: &Path) -> Result<Option<File>> {
    let Ok(file) = File::open(folder) else {
        return Ok(None);
    };
    match file.lock() {
        Ok(()) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::Unsupported => Ok(None),
        Err(e) => Err(Error::io(folder, "lock", e)),
    }
}

/// A command as a shell reads it.
fn as_typed(command: &[String]) -> String {
    let words = command.iter().map(String::as_str);
    // Only a NUL cannot be quoted, and no argument has one.
    shlex::try_join(words).unwrap_or_else(|_| command.join(" "))
}

/// The address from which this machine would send to a host, or to a network. Nothing is sent.
fn own_address(victim: &str) -> Option<String> {
    let host = victim
        .split_once('/')
        .map_or(victim, |(network, _)| network);
    let victim: IpAddr = host.parse().ok()?;
    let any = if victim.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((victim, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

/// Whether the system says that its clock is synchronised; null if it does not say.
fn synchronised() -> Value {
    let asked = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output();
    let told = asked.ok().filter(|told| told.status.success());
    match told.as_ref().map(|told| told.stdout.trim_ascii()) {
        Some(b"yes") => Value::Bool(true),
        Some(b"no") => Value::Bool(false),
        _ => Value::Null,
    }
}
