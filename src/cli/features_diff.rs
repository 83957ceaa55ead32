//! `netcap features diff`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Done;
use super::values::Report;
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::feature::FeatureSet;
use crate::feature::compare::{Side, Zone, compare, read_csv};
use crate::pipeline::{FeatureRequest, duration_ns, feature_side};

/// Compare two feature sets or dialects, or netcap with CSV files of others
///
/// Flows are matched by addresses, ports and protocol, in either direction, and by
/// their start. Told are flows of both and of only one, by class, and for each
/// column in how many flows it is equal (to a millionth), the median of the
/// difference, and where it is greatest. The exit status is 0 if all is equal.
///
/// Examples:
///   netcap features diff cicflowmeter:fixed cicflowmeter:engelen --input data
///   netcap features diff cicflowmeter:engelen authors/*.csv --input data \
///     --zone America/Halifax --tolerance 1m
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct FeaturesDiff {
    /// A feature set: NAME, NAME:DIALECT, FILE.yaml.
    first: String,
    /// Another one, or CSV files with the columns of the first.
    #[arg(required = true, value_name = "SET|CSV")]
    second: Vec<String>,
    /// Output of netcap decode or netcap build.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// The label set whose classes are told.
    #[arg(long, value_name = "SET")]
    labels: Option<String>,
    /// How far the starts of one flow may be apart [default: 1s for CSV files, else 0].
    #[arg(long, value_name = "TIME")]
    tolerance: Option<String>,
    /// Zone of the times in CSV files that have none [default: UTC].
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Report,
}

/// Tolerance for the times of others.
const OF_FILES_NS: i64 = 1_000_000_000;

impl FeaturesDiff {
    pub(super) fn run(self) -> Result<Done> {
        let tolerance = self.tolerance.as_deref().map(duration_ns).transpose()?;
        let zone = match &self.zone {
            None => Zone::UTC,
            Some(name) => Zone::get(name).map_err(|_| {
                Error::new(format!("there is no time zone {name}"))
                    .help("write one such as America/Halifax")
            })?,
        };
        let contents = Contents::read(&self.input)?;
        let set = FeatureSet::find(&self.first, Path::new(""))?;
        let is_csv = |word: &String| word.to_ascii_lowercase().ends_with(".csv");
        let (first, second, default) = match &self.second[..] {
            [one] if !is_csv(one) => {
                let other = FeatureSet::find(one, Path::new(""))?;
                let second = self.side(&contents, other, false)?;
                (self.side(&contents, set, false)?, second, 0)
            }
            files => {
                if let Some(word) = files.iter().find(|word| !is_csv(word)) {
                    return Err(Error::new(format!("\"{word}\" is no CSV file"))
                        .help("name one other set, or files that end in .csv"));
                }
                let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
                let second = read_csv(&set, &files, &zone)?;
                (self.side(&contents, set, true)?, second, OF_FILES_NS)
            }
        };
        let found = compare(&first, &second, tolerance.unwrap_or(default))?;
        self.format.print(&found)?;
        Ok(match found.is_equal() {
            true => Done::Well,
            false => Done::WithWarnings,
        })
    }

    fn side(&self, contents: &Contents, set: FeatureSet, protocol_of_set: bool) -> Result<Side> {
        let request = FeatureRequest {
            name: set.full_name(),
            set,
            labels: self.labels.clone(),
            with_ids: true,
            naming: None,
        };
        feature_side(contents, &request, protocol_of_set)
    }
}
