//! What is complete in an output, read back: by its manifest, and only if the files are those that were written.
//!
//! Files that the manifest does not name are not read, wherever they lie. Hashes of files that have not changed
//! come from the user's cache, so looking at them costs little.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::files::first_wrong;
use super::inputs::HashCache;
use super::manifest::{Manifest, StageFacts};
use crate::error::{Error, Result};
use crate::output::{Layout, ParquetFiles, TableFacts};

/// An output to be read.
#[derive(Debug)]
pub struct Contents {
    path: PathBuf,
    pub(super) manifest: Manifest,
    cache: Arc<HashCache>,
}

impl Contents {
    /// Reads the manifest of an output folder; without one there is an error.
    pub fn read(path: &Path) -> Result<Self> {
        let manifest = Manifest::read(path)?;
        let cache = Arc::new(HashCache::open(false));
        Ok(Self::new(path, manifest, cache))
    }

    pub(super) fn new(path: &Path, manifest: Manifest, cache: Arc<HashCache>) -> Self {
        Self {
            path: path.to_path_buf(),
            manifest,
            cache,
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is complete.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Hashes of files that have not changed.
    pub fn cache(&self) -> &Arc<HashCache> {
        &self.cache
    }

    /// What is known of a stage, if it is complete.
    pub fn stage(&self, name: &str) -> Option<&StageFacts> {
        self.manifest.stages.get(name)
    }

    /// The files of a table, with what is known of them; nothing, if there is no such table or it has no rows. Files that
    /// are not as they were written are an error.
    pub fn table(&self, stage: &str, name: &str) -> Result<Option<(ParquetFiles, &TableFacts)>> {
        let facts = self.stage(stage).and_then(|stage| stage.tables.get(name));
        let Some(facts) = facts.filter(|facts| !facts.files.is_empty()) else {
            return Ok(None);
        };
        let known = |path: &Path| self.cache.hash(path);
        if let Some(problem) = first_wrong(&self.path, &facts.files, &known) {
            return Err(problem.refuse(&self.path));
        }
        let paths = facts.files.iter().map(|file| self.path.join(&file.path));
        let files = ParquetFiles::open(paths.collect())?;
        if files.rows() != facts.rows {
            return Err(Error::new(format!(
                "{stage}/{name} has {} rows, and the manifest says {}",
                files.rows(),
                facts.rows
            ))
            .in_file(&self.path));
        }
        Ok(Some((files, facts)))
    }

    /// The rows of a table in the form of a layout; none, if there is no such table or it has no rows.
    pub fn rows(
        &self,
        stage: &str,
        name: &str,
        layout: &Layout,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let batches = match self.table(stage, name)? {
            None => None,
            Some((files, _)) => {
                files.check(layout)?;
                Some(files.batches_as(layout.schema()))
            }
        };
        Ok(batches.into_iter().flatten())
    }
}
