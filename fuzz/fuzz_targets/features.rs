//! Any text as a feature set file, in each of its dialects; what is read is printed in all ways.
//!
//! A file that is wrong gives an error; one that is right gives columns whose names are spelt alike and differ, and the
//! same text again from the same file.

#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netcap::feature::{FeatureSet, markdown, select, text};

/// Longer files only make an input slow.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(|data: &[u8]| {
    let Ok(file) = str::from_utf8(data) else {
        return;
    };
    if data.len() > MOST_BYTES {
        return;
    }
    let read = |dialect: Option<&str>| FeatureSet::read(file, Path::new("fuzz.yaml"), dialect);
    let set = match read(None) {
        Ok(set) => set,
        Err(error) => {
            assert!(error.to_string().starts_with("fuzz.yaml") || error.place().file.is_some());
            return;
        }
    };
    for (dialect, _) in &set.dialects {
        let Ok(set) = read(Some(dialect)) else {
            continue;
        };
        let mut names = BTreeSet::from(["flow", "flow_uid", "label"]);
        for feature in set.ids.iter().chain(&set.features) {
            assert!(names.insert(&feature.name), "{}", feature.name);
            assert!(
                !feature
                    .name
                    .contains(|c: char| c.is_ascii_uppercase() || c == '"')
            );
        }
        for with_ids in [false, true] {
            assert_eq!(select(&set, with_ids), select(&set, with_ids));
        }
        let _ = (markdown(&set), text(&set, 40));
    }
});
