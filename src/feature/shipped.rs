//! The feature sets that come with netcap: the files in `features/`.

use std::path::PathBuf;

use crate::error::Error;
use crate::text::nearest;

/// Name and text of each, in listing order.
pub(super) const SETS: [(&str, &str); 9] = [
    ("flow", include_str!("../../features/flow.yaml")),
    (
        "cicflowmeter",
        include_str!("../../features/cicflowmeter.yaml"),
    ),
    ("nfstream", include_str!("../../features/nfstream.yaml")),
    ("netflow-v1", include_str!("../../features/netflow-v1.yaml")),
    ("netflow-v2", include_str!("../../features/netflow-v2.yaml")),
    ("netflow-v3", include_str!("../../features/netflow-v3.yaml")),
    ("unsw-nb15", include_str!("../../features/unsw-nb15.yaml")),
    ("host", include_str!("../../features/host.yaml")),
    ("sequence", include_str!("../../features/sequence.yaml")),
];

/// Names of the shipped sets, in listing order.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|(name, _)| *name)
}

/// The file of a set.
pub(super) fn text(name: &str) -> Option<&'static str> {
    SETS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The file's path, for messages.
pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("features/{name}.yaml"))
}

/// No set has that name.
pub(super) fn unknown(name: &str) -> Error {
    let help = match nearest(name, names()) {
        Some(near) => format!(
            "did you mean {near}? `netcap features` lists them; a file of your own is named with its path"
        ),
        None => {
            "`netcap features` lists them; a file of your own is named with its path".to_owned()
        }
    };
    Error::new(format!("there is no feature set {name}")).help(help)
}
