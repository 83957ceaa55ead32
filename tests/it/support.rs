//! Running netcap, and files that tests compare with.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// netcap, with a hash cache of the test's own.
pub fn netcap() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netcap"));
    command.env(
        "NETCAP_CACHE",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
    );
    command
}

/// Runs it; gives exit status, standard output and standard error.
pub fn run(args: &[&str]) -> (i32, String, String) {
    finished(netcap().args(args).output().unwrap())
}

/// The parts of a finished run.
pub fn finished(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The folder of the public captures: `NETCAP_CAPTURES`, or beside the repository.
pub fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("NETCAP_CAPTURES")
        .map_or_else(|| root().join("../shared/captures"), PathBuf::from);
    if folder.join("MANIFEST.csv").is_file() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: no captures at {} (set NETCAP_CAPTURES)",
        folder.display()
    );
    None
}

/// Compares a text with a file of the repository, or rewrites the file if `NETCAP_BLESS` is set.
pub fn compare(path: &str, text: &str) {
    let path = root().join(path);
    if std::env::var_os("NETCAP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "{} is out of date: run NETCAP_BLESS=1 cargo test, and look at the difference",
        path.display()
    );
}

/// All files below a folder with their bytes, but `run.json` and hidden ones; by path.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, prefix: &str, out: &mut std::collections::BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{prefix}{name}");
            if name.starts_with('.') || path == "run.json" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{path}/"), out);
            } else {
                out.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut out = std::collections::BTreeMap::new();
    walk(folder, "", &mut out);
    out
}
