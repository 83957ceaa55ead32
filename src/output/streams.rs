//! Folders of streams in the folder of a table: `stream=<name>`, as readers of partitioned tables expect them.
//!
//! They tell a column from its value by `=` and read `%41` as a letter, so both are written as `%` and two digits.

use std::path::Path;

/// The column that readers make of the folders' names.
pub const STREAM: &str = "stream";

const PREFIX: &str = "stream=";

/// Name of the folder of a stream.
pub fn stream_folder(name: &str) -> String {
    let name = name.replace('%', "%25").replace('=', "%3D");
    format!("{PREFIX}{name}")
}

/// The stream whose folder is called so; `None` if it is none.
pub(super) fn stream_of(folder: &str) -> Option<String> {
    let name = folder.strip_prefix(PREFIX)?;
    Some(name.replace("%3D", "=").replace("%25", "%"))
}

/// The stream whose rows a file has: that of its folder.
pub(crate) fn stream_of_file(file: &Path) -> Option<String> {
    stream_of(file.parent()?.file_name()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::{stream_folder, stream_of};

    #[test]
    fn names_are_read_again() {
        for (name, folder) in [
            ("Monday 3", "stream=Monday 3"),
            ("a=1%20.pcap", "stream=a%3D1%2520.pcap"),
            ("%3D", "stream=%253D"),
        ] {
            assert_eq!(stream_folder(name), folder);
            assert_eq!(stream_of(folder).as_deref(), Some(name));
        }
        assert_eq!(stream_of("streams"), None);
    }
}
