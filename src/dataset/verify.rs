//! An output against its manifest: are all files there, as they were written, and no others; do
//! the tables have the rows and values that the manifest states.
//!
//! What is wrong is data, and all of it is listed. An error is only what keeps from looking: a
//! folder without a manifest.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::files::{Problem, check_file, extra_files, files_of, is_below};
use super::inputs::hash_file;
use super::manifest::Manifest;
use super::views::views;
use crate::error::{Error, Result};
use crate::output::{ColumnHasher, ParquetFiles, TableFacts, views_sql};

/// What the check of an output found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Files that the manifest names.
    pub files: u64,
    /// Their size by the manifest.
    pub bytes: u64,
    /// Tables that the manifest names.
    pub tables: u64,
    /// Their rows by the manifest.
    pub rows: u64,
    /// What is not as the manifest says, by path.
    pub problems: Vec<Problem>,
}

/// Checks the output in a folder, on the threads of the current pool.
pub fn verify(output: &Path) -> Result<Verification> {
    let manifest = Manifest::read(output)?;
    let files = files_of(&manifest);
    let mut tables: Vec<(String, &TableFacts)> = Vec::new();
    for (stage, facts) in &manifest.stages {
        let of_stage = facts.tables.iter();
        tables.extend(of_stage.map(|(table, facts)| (format!("{stage}/{table}"), facts)));
    }
    let (mut problems, (of_files, of_tables)) = (
        extra_files(output, &files)?,
        rayon::join(
            || {
                files
                    .par_iter()
                    .filter_map(|facts| check_file(output, facts, &hash_file))
                    .collect::<Vec<_>>()
            },
            || {
                let tables = tables.par_iter();
                let found = tables.flat_map_iter(|(name, facts)| check_table(output, name, facts));
                found.collect::<Vec<_>>()
            },
        ),
    );
    problems.extend(check_views(output, &manifest));
    problems.extend(of_files);
    problems.extend(of_tables);
    problems.sort();
    Ok(Verification {
        files: files.len() as u64,
        bytes: files.iter().map(|f| f.bytes).sum(),
        tables: tables.len() as u64,
        rows: tables.iter().map(|(_, facts)| facts.rows).sum(),
        problems,
    })
}

/// The views are what follows from the manifest. They are written last but for it: without them the run did not come to its
/// end.
fn check_views(output: &Path, manifest: &Manifest) -> Option<Problem> {
    let what = match std::fs::read(output.join("views.sql")) {
        Ok(found) if found == views_sql(&views(manifest)).as_bytes() => return None,
        Ok(_) => "is not what follows from the manifest: run again what made this output",
        Err(_) => "is missing: run again what made this output",
    };
    Some(Problem::new("views.sql", what))
}

/// Rows and values of a table, as far as its files can be read.
fn check_table(output: &Path, name: &str, facts: &TableFacts) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |what: String| problems.push(Problem::new(name, what));
    let paths: Vec<_> = facts.files.iter().map(|f| output.join(&f.path)).collect();
    // Without all of its files nothing can be said of a table; that they are missing is said of
    // the files.
    if !facts.files.iter().all(|f| is_below(&f.path)) || !paths.iter().all(|path| path.is_file()) {
        return problems;
    }
    let files = match ParquetFiles::open(paths) {
        Ok(files) => files,
        Err(e) => return vec![unreadable(output, name, &e)],
    };
    for (path, version) in files.schema_versions() {
        if version != Some(facts.schema_version.to_string().as_str()) {
            add(format!(
                "{} has version {} of the schema, the manifest says {}",
                path.strip_prefix(output).unwrap_or(path).display(),
                version.unwrap_or("(none)").escape_debug(),
                facts.schema_version
            ));
        }
    }
    if files.rows() != facts.rows {
        add(format!(
            "has {} rows, the manifest says {}",
            files.rows(),
            facts.rows
        ));
    }
    let Some(schema) = files.schema() else {
        // No files, no rows: nothing to hash.
        return problems;
    };
    let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let stated: Vec<&str> = facts
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let missing = stated.iter().filter(|name| !found.contains(name));
    missing.for_each(|column| add(format!("has no column {column}")));
    let extra = found.iter().filter(|name| !stated.contains(name));
    extra.for_each(|column| {
        add(format!(
            "has a column {column} that the manifest does not name"
        ))
    });
    let columns = facts
        .columns
        .par_iter()
        .filter(|(name, _)| found.contains(&name.as_str()));
    let wrong: Vec<Problem> = columns
        .filter_map(|(column, stated)| match column_hash(&files, column) {
            Ok(hash) if hash == *stated => None,
            Ok(_) => Some(Problem::new(
                name,
                format!("the values of {column} are not those of the manifest"),
            )),
            Err(e) => Some(unreadable(output, name, &e)),
        })
        .collect();
    problems.extend(wrong);
    problems
}

/// Each column is read by itself: so columns are the unit of parallel work, and a damaged one
/// does not hide what the others are.
fn column_hash(files: &ParquetFiles, column: &str) -> Result<String> {
    let batches = files.columns(&[column]);
    let schema = batches.schema();
    let Some(field) = schema.fields().first() else {
        return Err(Error::new(format!("there is no column {column}")));
    };
    let mut hasher = ColumnHasher::new(field.data_type());
    for batch in batches {
        if let Some(values) = batch?.columns().first() {
            hasher.update(values)?;
        }
    }
    Ok(hasher.finish())
}

/// What could not be read, with the file as the manifest has it.
fn unreadable(output: &Path, table: &str, error: &Error) -> Problem {
    let file = error
        .place()
        .file
        .as_deref()
        .and_then(|file| file.strip_prefix(output).ok());
    let file = file.map_or_else(
        || table.to_owned(),
        |file| file.to_string_lossy().into_owned(),
    );
    Problem::new(&file, format!("cannot be read as Parquet: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use arrow::compute::concat_batches;
    use netcap_proto::{FLOW, TCP, UDP};

    use super::{Verification, verify};
    use crate::dataset::Manifest;
    use crate::dataset::fixture::output;
    use crate::output::Layout;
    use crate::output::sample::{sample, write_table};

    /// Two tables with rows, one without, an export.
    fn make(folder: &Path) -> Manifest {
        let (tcp, flow, udp) = (
            Layout::plain(&TCP),
            Layout::plain(&FLOW),
            Layout::plain(&UDP),
        );
        let tables = [
            (&tcp, vec![sample(&tcp, 0, 400)]),
            (&flow, vec![sample(&flow, 0, 50)]),
            (&udp, vec![]),
        ];
        output(folder, &tables)
    }

    fn problems(folder: &Path) -> Vec<String> {
        verify(folder)
            .unwrap()
            .problems
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_output_as_it_was_written_has_no_problems() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        for known in ["run.json", ".lock", "tables/.udp.partial"] {
            fs::write(folder.path().join(known), "x").unwrap();
        }
        fs::create_dir_all(folder.path().join(".labels.partial/x")).unwrap();
        fs::write(folder.path().join(".labels.partial/x/y"), "x").unwrap();
        let found = verify(folder.path()).unwrap();
        let expected = Verification {
            files: 3,
            bytes: found.bytes,
            tables: 3,
            rows: 450,
            problems: vec![],
        };
        assert_eq!(found, expected);
        fs::write(folder.path().join("views.sql"), "x").unwrap();
        let found = verify(folder.path()).unwrap().problems;
        assert!(found[0].what.contains("not what follows from the manifest"));
        assert!(verify(&folder.path().join("tables")).is_err());
    }

    #[test]
    fn a_flipped_byte_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        let path = folder.path().join("tables/flow/part-00000.parquet");
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(131) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            let found = problems(folder.path());
            let wanted = "tables/flow/part-00000.parquet: has other bytes than were written";
            assert!(
                found.iter().any(|p| p.starts_with(wanted)),
                "{at}: {found:?}"
            );
        }
    }

    #[test]
    fn missing_cut_and_extra_files_are_all_listed() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        let at = |path: &str| folder.path().join(path);
        fs::remove_file(at("tables/tcp/part-00000.parquet")).unwrap();
        fs::write(at("exports/csv/flow.csv"), "flow\n").unwrap();
        fs::write(at("tables/tcp/part-00001.parquet"), "x").unwrap();
        fs::write(at("notes.txt"), "x").unwrap();
        fs::remove_file(at("views.sql")).unwrap();
        let expected = [
            "exports/csv/flow.csv: has 5 bytes, the manifest says 7",
            "notes.txt: is not in the manifest",
            "tables/tcp/part-00000.parquet: is missing",
            "tables/tcp/part-00001.parquet: is not in the manifest",
            "views.sql: is missing: run again what made this output",
        ];
        assert_eq!(problems(folder.path()), expected);
    }

    #[test]
    fn changed_rows_are_found_by_their_columns() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = make(folder.path());
        // A file that is whole but holds other rows, under a manifest that knows its hash.
        let layout = Layout::plain(&TCP);
        let rows = sample(&layout, 0, 400);
        let ports = sample(&layout, 1, 400)
            .column_by_name("src_port")
            .unwrap()
            .clone();
        let rows = crate::dataset::fixture::with(&rows, "src_port", ports);
        let path = folder.path().join("tables/tcp");
        let other = write_table(&layout, &path, "tables/tcp", std::slice::from_ref(&rows));
        let stage = manifest.stages.get_mut("tables").unwrap();
        stage.tables.get_mut("tcp").unwrap().files = other.files;
        manifest.write(folder.path()).unwrap();
        let expected = ["tables/tcp: the values of src_port are not those of the manifest"];
        assert_eq!(problems(folder.path()), expected);

        let rows = concat_batches(&rows.schema(), &[rows.clone(), rows.slice(0, 1)]).unwrap();
        let other = write_table(&layout, &path, "tables/tcp", &[rows]);
        let stage = manifest.stages.get_mut("tables").unwrap();
        stage.tables.get_mut("tcp").unwrap().files = other.files;
        manifest.write(folder.path()).unwrap();
        let found = problems(folder.path());
        assert!(found.contains(&"tables/tcp: has 401 rows, the manifest says 400".to_owned()));
        // Every hash counts the rows.
        assert_eq!(found.len(), 1 + TCP.columns.len());
    }

    #[test]
    fn a_manifest_cannot_lead_out_of_the_output() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = make(folder.path());
        for path in ["/etc/passwd", "../x", "exports/../../x", ""] {
            let stage = manifest.stages.get_mut("exports/csv").unwrap();
            path.clone_into(&mut stage.files[0].path);
            manifest.write(folder.path()).unwrap();
            let wanted =
                format!("{path}: the manifest names a path that is not below the output folder");
            let found = problems(folder.path());
            assert!(found.contains(&wanted), "{found:?}");
        }
    }
}
