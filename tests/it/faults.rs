//! Runs that are killed, and disks that are full: nothing half-written, and the same bytes after.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{files, finished, netcap, root};

#[test]
fn killed_builds_are_repaired_by_the_next() {
    let pipeline = root().join("pipelines/quickstart.yaml");
    let whole = tempfile::tempdir().unwrap();
    let build = |out: &Path| {
        let mut command = netcap();
        command
            .arg("build")
            .arg(&pipeline)
            .arg("--out")
            .arg(out)
            .arg("--quiet");
        command
    };
    let started = std::time::Instant::now();
    assert!(build(whole.path()).status().unwrap().success());
    let time = started.elapsed();
    let expected = files(whole.path());
    let broken = tempfile::tempdir().unwrap();
    let mut moment: u32 = 7;
    for round in 0..20 {
        // Spread over the run, in a fixed order that looks random.
        moment = (moment * 37 + 11) % 100;
        let mut child = build(broken.path())
            .arg("--force")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(time * moment / 100);
        child.kill().unwrap();
        child.wait().unwrap();
        if broken.path().join("manifest.json").exists() {
            // What the manifest names is whole. What it does not name yet, or no more, may lie there.
            let (_, text, errors) =
                finished(netcap().arg("verify").arg(broken.path()).output().unwrap());
            let harmless = |line: &str| {
                line.starts_with("views.sql: ") || line.ends_with(": is not in the manifest")
            };
            assert!(text.lines().all(harmless), "round {round}: {text}{errors}");
        }
    }
    assert!(build(broken.path()).status().unwrap().success());
    assert_eq!(files(broken.path()), expected);
}

/// Needs the right to mount a small file system.
#[test]
fn full_disk_is_an_error_that_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |args: &[&str]| {
        Command::new("mount")
            .args(args)
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
    };
    if !mount(&["-t", "tmpfs", "-o", "size=200k", "tmpfs"]).is_ok_and(|s| s.success()) {
        eprintln!("SKIPPED: no right to mount a tmpfs");
        return;
    }
    let out = folder.path().join("out");
    let capture = root().join("tests/lab/quickstart.pcapng");
    let result = netcap()
        .arg("decode")
        .arg(capture)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let left = files(folder.path());
    let partial = out.join(".tables.partial").exists();
    let unmounted = Command::new("umount").arg(folder.path()).status().unwrap();
    let (status, _, errors) = finished(result);
    assert!(unmounted.success());
    assert_eq!(status, 2, "{errors}");
    assert!(left.is_empty() && !partial, "{:?}", left.keys());
}
