//! Damaged files: whatever stands in one, reading it ends with ground truth or with errors.

use super::*;

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Pieces that mean something somewhere.
const PIECES: &[&str] = &[
    "..",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    "'",
    "\"",
    "#",
    "&a ",
    "*a",
    "!x ",
    "<<: ",
    "\n",
    "  ",
    "\t",
    "except",
    "always",
    "any",
    "0",
    "99999999999999999999",
    "-",
    "/",
    "é",
    "\u{feff}",
    "\0",
    "|",
    ">",
    "%",
    "?",
    " and ",
    "not ",
    "null",
    "~",
    ".5",
    "1e9",
    "ms",
    "::",
    "/129",
    "2026-13-40",
    "24:00",
    "+99:99",
    "none",
];

fn mutate(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(2) {
        let at = random.below(chars.len() + 1);
        match random.below(4) {
            0 => {
                let piece = PIECES[random.below(PIECES.len())];
                chars.splice(at..at, piece.chars());
            }
            1 => {
                let end = (at + random.below(12)).min(chars.len());
                chars.drain(at..end);
            }
            2 => {
                let end = (at + random.below(40)).min(chars.len());
                let piece: Vec<char> = chars[at..end].to_vec();
                let to = random.below(chars.len() + 1);
                chars.splice(to..to, piece);
            }
            _ => {
                let other = random.below(chars.len() + 1);
                if at < chars.len() && other < chars.len() {
                    chars.swap(at, other);
                }
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn damaged_files_never_panic() {
    let mut random = Random(20_170_705);
    let table = "id,label,start,end,attackers,victims,ports,if\na,X,2026-05-04 10:00Z,10:05,\"10.0.0.1;10.0.0.2\",,22/tcp,fwd_packets > 1\n";
    let (mut read, mut refused) = (0, 0);
    for round in 0..3000 {
        let text = [LAB, CIC, table][round % 3];
        match parse(&mutate(text, &mut random), Path::new("f"), &columns()) {
            Ok(truth) => {
                read += 1;
                let labeler = Labeler::new(&[truth]).unwrap();
                let flow = flow("10.9.0.7:4000 10.0.1.5:22", "2026-05-04T08:30:00Z");
                flow.label(&labeler);
            }
            Err(errors) => {
                refused += 1;
                assert!(!errors.to_string().is_empty());
            }
        }
    }
    assert!(
        read > 200 && refused > 200,
        "{read} read, {refused} refused"
    );
}
