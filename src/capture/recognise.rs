//! What a file is that is no capture: named for the error message, with what to do about it.
//!
//! From its first bytes alone. A list of what people hand to such a program by mistake or in hope,
//! and not a general recogniser.

/// What was found instead of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// "an xz archive"
    pub(super) what: String,
    /// What the user can do.
    pub(super) help: Option<&'static str>,
    /// Whether packets are likely to be in it, so that leaving it out needs a warning.
    pub(super) packets_likely: bool,
}

const CONVERT: &str = "convert it with Wireshark's `editcap -F pcapng IN OUT.pcapng`";
const UNPACK: &str = "unpack it first, or compress it with gzip, zstd or lz4 instead";

/// First bytes, name, help. With help, it is taken to hold packets.
const KNOWN: &[(&[u8], &str, Option<&str>)] = &[
    (
        b"\xfd7zXZ\0",
        "xz-compressed data",
        Some("unpack it first with `xz -dk FILE`"),
    ),
    (
        b"BZh",
        "bzip2-compressed data",
        Some("unpack it first with `bunzip2 -k FILE`"),
    ),
    (b"PK\x03\x04", "a zip archive", Some(UNPACK)),
    (b"PK\x05\x06", "an empty zip archive", None),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", Some(UNPACK)),
    (b"Rar!", "a rar archive", Some(UNPACK)),
    (b"\x1f\x9d", "data of Unix compress", Some(UNPACK)),
    (b"\x1f\x8b", "gzip data of an unknown method", Some(UNPACK)),
    (b"LZIP", "lzip-compressed data", Some(UNPACK)),
    (b"\x89LZO\0", "lzop-compressed data", Some(UNPACK)),
    (b"\xff\x06\0\0sNaPpY", "snappy-framed data", Some(UNPACK)),
    (
        b"\x02\x21\x4c\x18",
        "data of the old lz4 format",
        Some("unpack it first with `lz4 -d FILE`"),
    ),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data", Some(UNPACK)),
    (b"\x04\x22\x4d\x18", "lz4-compressed data", Some(UNPACK)),
    (b"snoop\0\0\0", "a snoop capture (Solaris)", Some(CONVERT)),
    (
        b"GMBU",
        "a Microsoft Network Monitor capture",
        Some(CONVERT),
    ),
    (
        b"RTSS",
        "a Microsoft Network Monitor 1 capture",
        Some(CONVERT),
    ),
    (b"TRSNIFF data", "a Sniffer capture", Some(CONVERT)),
    (b"XCP\0", "a NetXray or Sniffer capture", Some(CONVERT)),
    (b"iptrace ", "an AIX iptrace capture", Some(CONVERT)),
    (b"\x7fver", "an OmniPeek capture", Some(CONVERT)),
    (b"btsnoop\0", "a Bluetooth btsnoop capture", Some(CONVERT)),
    (b"\x1c\0\x01\xab", "an IXIA capture", Some(CONVERT)),
    (b"\x1c\0\x01\xac", "an IXIA capture", Some(CONVERT)),
    (b"\xab\x01\0\x1c", "an IXIA capture", Some(CONVERT)),
    (b"\xac\x01\0\x1c", "an IXIA capture", Some(CONVERT)),
    (b"PAR1", "a Parquet file", None),
    (b"ARROW1", "an Arrow file", None),
    (b"\x7fELF", "a program (ELF)", None),
    (b"MZ", "a program (Windows)", None),
    (b"%PDF", "a PDF document", None),
    (b"\x89PNG", "a PNG image", None),
    (b"\xff\xd8\xff", "a JPEG image", None),
    (b"GIF8", "a GIF image", None),
    (b"SQLite format 3", "an SQLite database", None),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Microsoft Office document",
        None,
    ),
    (b"ElfFile\0", "a Windows event log", None),
    (b"\x89HDF", "an HDF5 file", None),
    (b"\x93NUMPY", "a NumPy array", None),
];

/// Names what begins with `head`, some hundred bytes of a file, or all of a shorter one.
pub(super) fn recognise(head: &[u8]) -> Found {
    if let Some((_, name, help)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Found {
            what: (*name).into(),
            help: *help,
            packets_likely: help.is_some(),
        };
    }
    if head.get(257..262) == Some(b"ustar") {
        return Found {
            what: "a tar archive".into(),
            help: Some(UNPACK),
            packets_likely: true,
        };
    }
    if let Some(found) = text(head) {
        return found;
    }
    if head.iter().all(|b| *b == 0) {
        return Found {
            what: "nothing but zero bytes".into(),
            help: None,
            packets_likely: true,
        };
    }
    let begin: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
    Found {
        what: format!("unknown data that begin with {}", begin.join(" ")),
        help: Some(
            "if it is a capture of another kind (ERF has no mark of its own), convert it with \
             Wireshark's `editcap -F pcapng IN OUT.pcapng`",
        ),
        packets_likely: false,
    }
}

/// Text of some kind, if it is text.
fn text(head: &[u8]) -> Option<Found> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(head.get(..e.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let start = text
        .trim_start()
        .get(..64)
        .unwrap_or(text.trim_start())
        .to_ascii_lowercase();
    let line = text.lines().next().unwrap_or_default();
    // What a name follows is a section of a settings file (`[package]`), and no list.
    let is_list = start
        .strip_prefix('[')
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '['));
    let (what, help) = if start.starts_with('{') || is_list {
        ("JSON text", None)
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        (
            "a web page (HTML)",
            Some("the download has failed, or was of the page around the file"),
        )
    } else if start.starts_with('<') {
        ("XML text", None)
    } else if start.starts_with("version https://git-lfs") {
        (
            "a pointer of Git LFS, not the file itself",
            Some("fetch it with `git lfs pull`"),
        )
    } else if line.contains(',') && line.matches(',').count() >= 2 {
        ("text (CSV)", None)
    } else {
        (
            "text",
            Some("packets that were printed cannot be read: capture with `tcpdump -w FILE`"),
        )
    };
    Some(Found {
        what: what.into(),
        help,
        packets_likely: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognise_names_common_files() {
        let cases: &[(&[u8], &str, bool)] = &[
            (b"\xfd7zXZ\0\0", "xz-compressed data", true),
            (b"snoop\0\0\0\0\0\0\x02", "a snoop capture (Solaris)", true),
            (b"PAR1\x15\x04", "a Parquet file", false),
            (b"{\"a\": 1}", "JSON text", false),
            (b"[{\"a\": 1}]", "JSON text", false),
            (b"[package]\nname = 1\n", "text", false),
            (b"\xef\xbb\xbfa,b,c\n1,2,3\n", "text (CSV)", false),
            (b"<!DOCTYPE html><p>", "a web page (HTML)", false),
            (b"12:00:01.1 IP a > b", "text", false),
            ("gr\u{fc}n".as_bytes().split_at(3).0, "text", false),
            (&[0; 40], "nothing but zero bytes", true),
            (
                b"\x01\x02\xff",
                "unknown data that begin with 01 02 ff",
                false,
            ),
        ];
        for (head, what, likely) in cases {
            let found = recognise(head);
            assert_eq!(
                (found.what.as_str(), found.packets_likely),
                (*what, *likely)
            );
        }
    }
}
