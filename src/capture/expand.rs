//! From arguments to capture files: folders are looked through, and what is no capture is named.
//!
//! The result depends on names and contents only, never on the order in which a folder lists its
//! files. Explicit files are taken as they are: what is wrong with one is an error when it is opened.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::reader::{Reader, Refusal};
use super::stream::STANDARD_INPUT;
use crate::error::{Error, Finding, Result};

/// Enough to recognise a file.
const WINDOW: usize = 4 << 10;

/// Replaces each folder by the captures in it and its subfolders, sorted by path; hidden files
/// and folders are left out. A file that is met twice is taken once. The findings name what was left
/// out: a warning for what packets are likely to be in (an unsupported or empty capture, an
/// archive), information for the rest.
pub fn expand(args: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Finding>)> {
    let mut found = Expanded::default();
    for arg in args {
        if arg.as_os_str() == STANDARD_INPUT {
            found.files.push(arg.clone());
            continue;
        }
        let metadata = fs::metadata(arg).map_err(|e| Error::io(arg, "read this file", e))?;
        if !metadata.is_dir() {
            found.add(arg.clone());
            continue;
        }
        let before = found.files.len() + found.repeated;
        found.folder(arg)?;
        if found.files.len() + found.repeated == before {
            return Err(Error::new("no capture is in this folder")
                .in_file(arg)
                .help("netcap reads pcap and pcapng, plain or in gzip, zstd or lz4"));
        }
    }
    Ok((found.files, found.findings))
}

#[derive(Default)]
struct Expanded {
    files: Vec<PathBuf>,
    findings: Vec<Finding>,
    seen: HashSet<PathBuf>,
    repeated: usize,
}

impl Expanded {
    fn add(&mut self, path: PathBuf) {
        // What has no canonical path (a pipe) is never the same as another one.
        if let Ok(canonical) = fs::canonicalize(&path)
            && !self.seen.insert(canonical)
        {
            self.repeated += 1;
            let finding = Finding::information("input-repeated", "given more than once, read once");
            self.findings
                .push(finding.about(path.display().to_string()));
            return;
        }
        self.files.push(path);
    }

    fn skip(&mut self, path: &Path, warn: bool, why: impl Into<String>) {
        let finding = if warn {
            Finding::warning("input-skipped", why)
        } else {
            Finding::information("input-skipped", why)
        };
        self.findings
            .push(finding.about(path.display().to_string()));
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        let failed = |e| Error::io(folder, "list this folder", e);
        let mut paths = fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_none_or(|n| n.as_encoded_bytes().starts_with(b"."));
            if !hidden {
                self.entry(path)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf) -> Result<()> {
        let failed = |e| Error::io(&path, "read this file", e);
        let itself = fs::symlink_metadata(&path).map_err(failed)?;
        if itself.is_dir() {
            return self.folder(&path);
        }
        match fs::metadata(&path) {
            Ok(target) if target.is_file() => {}
            Ok(target) if target.is_dir() => {
                // Followed, a link to a folder above would never end.
                self.skip(
                    &path,
                    true,
                    "a link to a folder, which is not followed: name the folder",
                );
                return Ok(());
            }
            Ok(_) => {
                self.skip(&path, false, "not a regular file");
                return Ok(());
            }
            Err(_) => {
                self.skip(&path, true, "a link that leads nowhere");
                return Ok(());
            }
        }
        match Reader::try_open(&path, WINDOW, false) {
            Ok(_) => self.add(path),
            Err(Refusal::NoCapture {
                error,
                packets_likely,
            }) => {
                let text = error.to_string();
                let place = format!("{}: ", error.place());
                let text = text
                    .strip_prefix(&place)
                    .unwrap_or(&text)
                    .replace("\n  help: ", "; ");
                self.skip(&path, packets_likely || is_named_capture(&path), text);
            }
            Err(Refusal::Failed(error)) => return Err(error),
        }
        Ok(())
    }
}

/// Whether the file is called a capture, whatever it is.
fn is_named_capture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["pcap", "pcapng", "cap", "dmp", "erf", "ntar"]
        .iter()
        .any(|name| extension == *name)
}
