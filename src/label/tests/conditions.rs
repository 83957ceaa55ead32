//! Conditions: what they are worth, NULLs, roles, and what is wrong with them.

use super::*;
use crate::label::condition;

/// Whether a condition holds of a flow with 1.5 s, 5 packets and 0 bytes forward, 7 packets and
/// NULL bytes back, service `http`.
fn holds(text: &str, reverse: bool) -> bool {
    let one = flow("10.9.0.7:40000 10.0.1.5:80", "2026-05-04T10:00:00Z")
        .until("2026-05-04T10:00:01.5Z")
        .with("fwd_packets", Value::Integer(5))
        .with("bwd_packets", Value::Integer(7))
        .with("fwd_payload_bytes", Value::Integer(0))
        .with("packets_per_s", Value::Float(8.0))
        .with("service", Value::Text("it's http"))
        .with("is_cut", Value::Boolean(true))
        .with("src_ip", Value::Text("10.9.0.7"));
    let condition = condition::parse(text, &columns()).unwrap_or_else(|f| panic!("{text}: {f:?}"));
    condition.holds(&|index| one.value(index), reverse)
}

#[test]
fn conditions_hold_as_in_sql() {
    for (text, wanted) in [
        ("fwd_packets = 5", true),
        ("FWD_PACKETS <> 5 OR false", false),
        ("fwd_packets != 4", true),
        (
            "fwd_packets < 6 and fwd_packets <= 5 and fwd_packets > 4 and fwd_packets >= 5",
            true,
        ),
        ("fwd_packets in (1, 5)", true),
        ("fwd_packets not in (1, 5)", false),
        (
            "fwd_packets between 5 and 7 and bwd_packets not between 1 and 6",
            true,
        ),
        ("not fwd_packets = 4 and true", true),
        ("not (fwd_packets = 5 and bwd_packets = 7)", false),
        // `and` binds tighter than `or`.
        ("true or false and false", true),
        ("fwd_packets + 2 * 3 = 11", true),
        ("(fwd_packets + 2) * 3 = 21", true),
        ("fwd_packets - 1 - 1 = 3", true),
        ("fwd_packets / 2 = 2.5", true),
        ("-fwd_packets = -5 and - 5 < 0", true),
        ("packets_per_s > 7.9e0 and packets_per_s = 8", true),
        ("service = 'it''s http'", true),
        ("is_cut and not is_cut = false", true),
        ("src_ip = '10.9.0.7'", true),
        (
            "duration = 1.5 s and duration_ns = 1500000000 and duration_ns > 1499.9 ms",
            true,
        ),
        ("duration > 1 s + 499 ms", true),
        ("duration / 2 < 1 s and duration / 500 ms = 3", true),
        ("duration between 1 s and 2 s", true),
    ] {
        assert_eq!(holds(text, false), wanted, "{text}");
    }
}

#[test]
fn null_is_neither_true_nor_false() {
    for (text, wanted) in [
        ("bwd_payload_bytes = 0", false),
        ("bwd_payload_bytes <> 0", false),
        ("not bwd_payload_bytes = 0", false),
        ("bwd_payload_bytes is null", true),
        ("bwd_payload_bytes is not null", false),
        ("bwd_payload_bytes = null", false),
        ("bwd_payload_bytes = 0 or fwd_packets = 5", true),
        ("bwd_payload_bytes = 0 and fwd_packets = 4", false),
        ("not (bwd_payload_bytes = 0 and fwd_packets = 4)", true),
        ("not (bwd_payload_bytes = 0 and fwd_packets = 5)", false),
        ("bwd_payload_bytes in (0, 1)", false),
        ("bwd_payload_bytes not in (0, 1)", false),
        ("fwd_packets in (5, null)", true),
        ("fwd_packets not in (4, null)", false),
        ("bwd_payload_bytes + 1 > 0", false),
        ("fwd_packets / fwd_payload_bytes > 0", false),
        ("(fwd_packets / 0) is null", true),
        ("fwd_packets between 9 and bwd_payload_bytes", false),
        ("fwd_packets not between 9 and bwd_payload_bytes", true),
        ("9223372036854775807 + fwd_packets is null", true),
        ("null", false),
    ] {
        assert_eq!(holds(text, false), wanted, "{text}");
    }
}

#[test]
fn roles_follow_who_opened_the_flow() {
    assert!(holds("attacker_packets = 5 and victim_packets = 7", false));
    assert!(holds("attacker_packets = 7 and victim_packets = 5", true));
    assert!(holds("attacker_port = 40000 and victim_port = 80", false));
    assert!(holds("attacker_port = 80 and Victim_Port = 40000", true));
}

#[test]
fn wrong_conditions_are_refused_in_place() {
    for (text, offset, message) in [
        (
            "fwd_packts > 1",
            0,
            "the flow table has no column `fwd_packts` | did you mean `fwd_packets`?",
        ),
        (
            "1 < attacker_payload_byte",
            4,
            "the flow table has no column `attacker_payload_byte` | did you mean `attacker_payload_bytes`?",
        ),
        ("service = http", 10, "the flow table has no column `http`"),
        ("fwd_packets", 0, "this is a number, and no condition"),
        (
            "fwd_packets > ",
            14,
            "the condition ends where a value was expected",
        ),
        (
            "fwd_packets > 1 and",
            19,
            "the condition ends where a value was expected",
        ),
        ("(fwd_packets > 1", 16, "`)` was expected, and not the end"),
        (
            "fwd_packets > 1)",
            15,
            "`)` was not expected here | there is no `(` for it",
        ),
        (
            "fwd_packets > 1 fwd_packets < 3",
            16,
            "`fwd_packets` was not expected here | `and` or `or` joins two conditions",
        ),
        (
            "1 < fwd_packets < 5",
            16,
            "`<` was not expected here | comparisons do not chain",
        ),
        (
            "fwd_packets == 1",
            12,
            "`==` is no operator of SQL | the word for it is `=`",
        ),
        (
            "is_cut && is_cut",
            7,
            "`&&` is no operator of SQL | the word for it is `and`",
        ),
        (
            "!is_cut",
            0,
            "`!` is no operator of SQL | the word for it is `not`",
        ),
        (
            "service = \"http\"",
            10,
            "text stands in single quotes in SQL",
        ),
        ("service = 'http", 10, "this text has no closing quote"),
        ("service > 5", 10, "a text cannot be compared with a number"),
        (
            "duration > 5",
            11,
            "a length of time cannot be compared with a number | a length of time needs its unit",
        ),
        (
            "fwd_packets > 5 ms",
            14,
            "a number cannot be compared with a length of time",
        ),
        (
            "fwd_packets and is_cut",
            0,
            "`and` joins conditions, and this is a number",
        ),
        ("service + 1 = 2", 8, "`+` cannot join a text and a number"),
        ("fwd_packets in 5", 15, "`(` was expected, and not `5`"),
        (
            "fwd_packets in (5",
            17,
            "`,` or `)` was expected, and not the end",
        ),
        (
            "fwd_packets between 1 or 5",
            22,
            "`and` was expected, and not `or`",
        ),
        ("fwd_packets is 5", 15, "`null` was expected, and not `5`"),
        (
            "fwd_packets not like 5",
            16,
            "`in` or `between` was expected, and not `like`",
        ),
        (
            "abs(fwd_packets) = 1",
            0,
            "`abs(…)`: conditions of this version of netcap have no functions",
        ),
        (
            "fwd_packets = 0.1 ns",
            14,
            "`0.1 ns` is too long, or finer than a nanosecond",
        ),
        (
            "fwd_packets = 99999999999999999999",
            14,
            "`99999999999999999999` is no number that fits",
        ),
        ("fwd_packets = 1.2.3", 14, "`1.2.3` is no number that fits"),
        ("fwd_packets = $1", 14, "`$` has no meaning in a condition"),
        ("", 0, "the condition ends where a value was expected"),
    ] {
        let fault = condition::parse(text, &columns()).unwrap_err();
        let shown = match &fault.help {
            Some(help) => format!("{} | {help}", fault.message),
            None => fault.message.clone(),
        };
        assert_eq!(fault.offset, offset, "{text}: {shown}");
        assert!(shown.starts_with(message), "{text}: {shown}");
    }
}

#[test]
fn conditions_cannot_overflow_the_stack() {
    let deep = format!("{}is_cut{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(
        condition::parse(&deep, &columns()).unwrap_err().message,
        "this condition is nested too deeply"
    );
    let nots = "not ".repeat(5000) + "is_cut";
    assert!(condition::parse(&nots, &columns()).is_err());
    let long = vec!["is_cut"; 5000].join(" or ");
    assert_eq!(
        condition::parse(&long, &columns()).unwrap_err().message,
        "this condition has more than 512 operators"
    );
    let list = format!("fwd_packets in ({})", vec!["1"; 5000].join(", "));
    assert!(condition::parse(&list, &columns()).is_ok());
}
