//! Turns the messages under `netcap/v1` into rows, column builders and table descriptions.
//!
//! `model` reads the descriptors (documentation and custom options included) into a plain tree and
//! checks the rules that all tables keep; `generate` writes Rust from it. No `protoc` is needed.

#![allow(
    clippy::print_stdout,
    reason = "a build script speaks to cargo this way"
)]

mod builders;
mod generate;
mod model;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=netcap");
    println!("cargo::rerun-if-changed=build");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    for file in proto_files(&root.join("netcap/v1"))? {
        compiler.open_file(root.join(file))?;
    }
    let pool = compiler.descriptor_pool();
    let tables = model::read(&pool)?;
    fs::write(out.join("tables.rs"), generate::tables(&tables))?;

    if env::var_os("CARGO_FEATURE_MESSAGES").is_some() {
        prost_build::Config::new()
            .out_dir(&out)
            .compile_fds(compiler.file_descriptor_set())?;
    }
    // What readers in other languages get: without the positions of the comments.
    compiler.include_source_info(false);
    fs::write(
        out.join("netcap.v1.binpb"),
        compiler.encode_file_descriptor_set(),
    )?;
    Ok(())
}

/// The `.proto` files in the order in which their tables are listed.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let ordered = ["capture", "link", "ip", "transport", "dns", "flow", "label"];
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(".proto") {
            names.push(stem.to_owned());
        }
    }
    // Known files first, in layer order; all others after them by name, so that a new file needs
    // no entry.
    names.sort_by_key(|name| {
        (
            ordered
                .iter()
                .position(|o| o == name)
                .unwrap_or(ordered.len()),
            name.clone(),
        )
    });
    Ok(names
        .into_iter()
        .map(|name| folder.join(format!("{name}.proto")))
        .collect())
}
