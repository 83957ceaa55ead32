//! What is accepted, with which type; what is refused, and why.

use super::{Kind, Names, check};

struct Flow;

impl Names for Flow {
    fn kind(&self, name: &str) -> Option<Kind> {
        match name {
            "packets" | "duration_ns" => Some(Kind::Integer),
            "mean" => Some(Kind::Double),
            "history" => Some(Kind::Text),
            "ts" => Some(Kind::Timestamp),
            _ => None,
        }
    }

    fn near(&self, _: &str) -> Option<&str> {
        Some("packets")
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    check(text, &Flow, false).map(|checked| checked.kind)
}

#[test]
fn types_follow_from_columns() {
    assert_eq!(kind("packets + 1"), Ok(Kind::Integer));
    assert_eq!(
        kind("packets / nullif(duration_ns / 1000000000, 0)"),
        Ok(Kind::Double)
    );
    assert_eq!(kind("duration_ns / 1000"), Ok(Kind::Double));
    assert_eq!(
        kind("case when history like '^%' then 1 else mean end"),
        Ok(Kind::Double)
    );
    assert_eq!(kind("cast(floor(mean) as bigint)"), Ok(Kind::Integer));
    assert_eq!(kind("coalesce(packets, -1)"), Ok(Kind::Integer));
    assert_eq!(kind("ts"), Ok(Kind::Timestamp));
    assert_eq!(kind("null"), Ok(Kind::Null));
    let checked = check("packets / nullif(duration_ns, 0)", &Flow, false).unwrap();
    assert_eq!(
        checked.columns.into_iter().collect::<Vec<_>>(),
        ["duration_ns", "packets"]
    );
}

#[test]
fn what_is_not_alike_is_refused() {
    for (text, why) in [
        (
            "packet + 1",
            "there is no column packet; did you mean packets?",
        ),
        ("packets / duration_ns", "write nullif(duration_ns, 0)"),
        ("packets / 0", "may be zero"),
        ("packets % 2", "write mod(a, b)"),
        ("round(mean)", "the function round"),
        ("cast(mean as bigint)", "cast(floor(x) as bigint)"),
        ("cast(packets as varchar)", "not alike"),
        ("packets + 1.5", "write a fraction"),
        ("packets * 1e9", "write a fraction"),
        ("packets / nullif(duration_ns, 1)", "may be zero"),
        ("packets + 99999999999999999999", "64 bits"),
        ("cast(packets as int)", "not alike"),
        ("packets -- all", "a comment"),
        ("packets || 'a'", "a text is needed"),
        ("ts + 1", "a number is needed"),
        ("case when packets then 1 end", "a truth value is needed"),
        ("case packets when 1 then 2 end", "case when x = 1"),
        ("max(packets)", "of many rows"),
        ("packets, 1", "it ends before"),
        ("packets +", "no SQL expression"),
        ("(select 1)", "not in the part of SQL"),
        ("sum(packets) over ()", "windows"),
        ("packets[1]", "not in the part of SQL"),
    ] {
        let error = kind(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn aggregates_are_of_many_rows() {
    let grouped = |text| check(text, &Flow, true).map(|checked| checked.kind);
    assert_eq!(
        grouped("max(case when packets = 1 then mean end)"),
        Ok(Kind::Double)
    );
    assert!(grouped("sum(mean)").is_err());
    assert!(
        grouped("max(packets) + packets")
            .unwrap_err()
            .contains("of one packet")
    );
    assert!(grouped("max(min(packets))").is_err());
}
