//! Interface descriptions of pcapng.

use pcap_parser::OptionCode;

use super::facts::Interface;
use super::options::{Options, u16_at, u32_at};
use super::time::Resolution;

/// Bytes in front of the options.
pub(super) const HEADER: usize = 8;
/// Option: length of the frame check sequence.
const IF_FCSLEN: OptionCode = OptionCode(13);
/// Bytes of a name or description that are kept, so that many interfaces cannot fill the memory.
const LONGEST_TEXT: usize = 255;

/// Reads the body of an interface description block; `None` if it is too short.
///
/// An option whose value has another length than it should have counts for nothing.
pub(super) fn read(body: &[u8], big_endian: bool) -> Option<Interface> {
    let mut interface = Interface {
        link_type: u16_at(body, 0, big_endian)?,
        snap_length: u32_at(body, 4, big_endian)?,
        name: None,
        description: None,
        resolution: Resolution::MICROSECONDS,
        offset_s: 0,
        fcs_length: None,
    };
    for (code, value) in Options::new(body.get(HEADER..)?, big_endian) {
        match OptionCode(code) {
            OptionCode::IfName => interface.name = Some(text(value)),
            OptionCode::IfDescription => interface.description = Some(text(value)),
            OptionCode::IfTsresol => {
                if let [resolution] = *value {
                    interface.resolution = Resolution(resolution);
                }
            }
            OptionCode::IfTsoffset => {
                if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                    interface.offset_s = if big_endian {
                        i64::from_be_bytes(bytes)
                    } else {
                        i64::from_le_bytes(bytes)
                    };
                }
            }
            IF_FCSLEN => interface.fcs_length = value.first().copied(),
            _ => {}
        }
    }
    Some(interface)
}

fn text(value: &[u8]) -> String {
    // Some writers end it with a zero byte, or with several.
    let value = value.split(|b| *b == 0).next().unwrap_or_default();
    let mut text = String::from_utf8_lossy(value.get(..LONGEST_TEXT).unwrap_or(value)).into_owned();
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text.shrink_to_fit();
    text
}
