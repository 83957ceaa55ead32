//! Bounds to the nanosecond, zones, repeated and skipped hours, time tests, clocks.

use super::*;

/// Whether an instant is inside of a rule with this time.
fn inside(keys: &str, instant: i64) -> bool {
    let mut one = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:00:00Z");
    (one.start, one.end) = (instant, instant);
    one.label(&labeler(&with(keys))).rule.is_some()
}

/// The bounds of a rule with this time.
fn bounds(keys: &str) -> (i64, i64) {
    truth(&with(keys)).rules()[0].intervals().next().unwrap()
}

#[test]
fn bounds_follow_the_resolution_to_the_nanosecond() {
    for (time, first, last) in [
        (
            "2026-05-04 10:20 .. 10:21",
            "2026-05-04T10:20:00Z",
            "2026-05-04T10:21:59.999999999Z",
        ),
        (
            "2026-05-04 10:20:00 .. 10:21:00",
            "2026-05-04T10:20:00Z",
            "2026-05-04T10:21:00.999999999Z",
        ),
        (
            "2026-05-04 10:20:00.5 .. 10:21:00.0",
            "2026-05-04T10:20:00.5Z",
            "2026-05-04T10:21:00Z",
        ),
        (
            "2026-05-04T10:20 .. 2026-05-05T00:10",
            "2026-05-04T10:20:00Z",
            "2026-05-05T00:10:59.999999999Z",
        ),
        (
            "2026-05-04 .. 2026-05-05",
            "2026-05-04T00:00:00Z",
            "2026-05-05T23:59:59.999999999Z",
        ),
        (
            "2026-05-04 10:20 .. 10:20",
            "2026-05-04T10:20:00Z",
            "2026-05-04T10:20:59.999999999Z",
        ),
        (
            "2026-05-04 9:05+02:00 .. 9:06",
            "2026-05-04T07:05:00Z",
            "2026-05-04T07:06:59.999999999Z",
        ),
        (
            "2026-05-04 9:05 .. 9:06 America/Moncton",
            "2026-05-04T12:05:00Z",
            "2026-05-04T12:06:59.999999999Z",
        ),
        (
            "2026-05-04 23:30-03 .. 2026-05-05 05:00Z",
            "2026-05-05T02:30:00Z",
            "2026-05-05T05:00:59.999999999Z",
        ),
    ] {
        let keys = format!("time: {time}");
        let (first, last) = (ns(first), ns(last));
        assert_eq!(bounds(&keys), (first, last), "{time}");
        assert!(inside(&keys, first) && inside(&keys, last), "{time}");
        assert!(
            !inside(&keys, first - 1) && !inside(&keys, last + 1),
            "{time}"
        );
    }
}

#[test]
fn dates_come_from_the_rule_or_the_defaults() {
    let text = "netcap-labels: 1\nzone: UTC\ndefaults: {date: 2026-05-04, victims: any, label: X}\nrules: [{id: a, time: 10:00 .. 10:01}, {id: b, date: 2026-05-05, time: 10:00 .. 10:01}]\n";
    let starts: Vec<i64> = truth(text)
        .rules()
        .iter()
        .flat_map(|r| r.intervals().map(|(s, _)| s).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        starts,
        [ns("2026-05-04T10:00:00Z"), ns("2026-05-05T10:00:00Z")]
    );
}

#[test]
fn repeated_hours_need_fold() {
    let base = "zone: Europe/Berlin\ntime: 2026-10-25 02:30 .. 02:31";
    let error = errors(&with(base)).remove(0);
    assert!(error.starts_with("9:11: 2026-10-25 02:30 on 2026-10-25 exists twice: the clocks were put back over it | say `fold: first` (the clock as it ran before it was changed, UTC+02) or `fold: second` (after, UTC+01)"), "{error}");
    let first = bounds(&format!("fold: first\n{base}"));
    assert_eq!(
        first,
        (
            ns("2026-10-25T00:30:00Z"),
            ns("2026-10-25T00:31:59.999999999Z")
        )
    );
    let second = bounds(&format!("fold: second\n{base}"));
    assert_eq!(
        second,
        (
            ns("2026-10-25T01:30:00Z"),
            ns("2026-10-25T01:31:59.999999999Z")
        )
    );
    let across = bounds(&format!("fold: [first, second]\n{base}"));
    assert_eq!(
        across,
        (
            ns("2026-10-25T00:30:00Z"),
            ns("2026-10-25T01:31:59.999999999Z")
        )
    );
    let written = bounds("time: 2026-10-25 02:30+02:00 .. 02:31+01:00");
    assert_eq!(written, across);
}

#[test]
fn skipped_hours_need_fold() {
    let base = "zone: Europe/Berlin\ntime: 2026-03-29 01:59 .. 02:30";
    let error = errors(&with(base)).remove(0);
    assert!(error.starts_with("9:31: 02:30 on 2026-03-29 does not exist: the clocks were put forward over it | say `fold: first`"), "{error}");
    assert_eq!(
        bounds(&format!("fold: first\n{base}")).1,
        ns("2026-03-29T01:30:59.999999999Z")
    );
    let whole = bounds("zone: Europe/Berlin\ntime: 2026-03-29 .. 2026-03-29");
    assert_eq!(
        whole,
        (
            ns("2026-03-28T23:00:00Z"),
            ns("2026-03-29T21:59:59.999999999Z")
        )
    );
}

#[test]
fn summer_and_winter_have_their_offsets() {
    assert_eq!(
        bounds("zone: Europe/Berlin\ntime: 2026-01-04 12:00 .. 12:01").0,
        ns("2026-01-04T11:00:00Z")
    );
    assert_eq!(
        bounds("zone: Europe/Berlin\ntime: 2026-07-04 12:00 .. 12:01").0,
        ns("2026-07-04T10:00:00Z")
    );
    assert_eq!(
        bounds("zone: UTC-3\ntime: 2026-07-04 12:00 .. 12:01").0,
        ns("2026-07-04T15:00:00Z")
    );
    assert_eq!(
        bounds("zone: +0530\ntime: 2026-07-04 12:00 .. 12:01").0,
        ns("2026-07-04T06:30:00Z")
    );
}

#[test]
fn times_that_are_none_are_refused_in_place() {
    for (time, message) in [
        (
            "10:20 .. 10:30",
            "8:11: this time has no date | write `2026-05-04 10:20`",
        ),
        (
            "2026-05-04 10:20",
            "8:11: `2026-05-04 10:20` is no range of time",
        ),
        (
            "2026-05-04 10:20 ... 10:30",
            "8:11: `2026-05-04 10:20 ... 10:30` is no range of time",
        ),
        (
            "2026-05-04 10:20 ..",
            "8:30: a time is missing | ranges have two ends",
        ),
        (
            "2026-05-04 25:20 .. 10:30",
            "8:22: `25:20` is no time of day | write it as 10:20",
        ),
        (
            "2026-05-04 10:20 .. 10:61",
            "8:31: `10:61` is no time of day",
        ),
        (
            "2026-05-04 10:20 .. 10:20:60",
            "8:31: `10:20:60` is no time of day",
        ),
        ("2026-05-04 10:20 .. 1030", "8:31: `1030` is no time of day"),
        (
            "2026-05-04 10:20 .. 10:20:01.0123456789",
            "8:31: `10:20:01.0123456789` is no time of day",
        ),
        (
            "2026-05-04 3:20 PM .. 4:20 PM",
            "8:27: `PM`: times are on a clock of 24 hours | write 15:20 for 3:20 PM",
        ),
        (
            "2026-02-30 10:20 .. 10:30",
            "8:11: there is no day 2026-02-30",
        ),
        (
            "04-05-2026 10:20 .. 10:30",
            "8:11: `04-05-2026 10:20` has its date in another form | write the day as 2026-04-05 or 2026-05-04",
        ),
        (
            "2026-05-04 10:20 CEST .. 10:30",
            "8:28: `CEST` is no time zone",
        ),
        (
            "2026-05-04 10:20 EST .. 10:30",
            "8:28: `EST` is no time zone | abbreviations mean several places",
        ),
        (
            "2026-05-04 10:20 GMT+1 .. 10:30",
            "8:28: `GMT+1` is no time zone | for a clock that shows 01:00 when it is 00:00 in UTC, write +01",
        ),
        (
            "2026-05-04 23:00 .. 24:00",
            "8:31: `24:00` is no time of day | a day ends with 23:59",
        ),
        (
            "\"2026-05-04 10:20:00,5 .. 10:30\"",
            "8:31: `,5` is no fraction of a second | write it with a point: 10:20:00.5",
        ),
        (
            "\"2026-05-04 10:20 .. 10:30, 11:00 .. 11:10\"",
            "8:37: one range ends here, and another one seems to begin | write several as a list",
        ),
        (
            "2026-05-04 10:20 Z .. 11:00 +02:00",
            "8:33: the end, 11:00 +02:00, is before the start, 2026-05-04 10:20 Z | their clocks show it otherwise",
        ),
        (
            "2026-05-04 10:20+25 .. 10:30",
            "8:27: `+25` is no offset from UTC",
        ),
        (
            "2026-05-04 23:50 .. 00:10",
            "8:31: the end, 00:10, is before the start, 2026-05-04 23:50 | a range that crosses midnight needs a date at its end too",
        ),
        (
            "2026-05-04 23:50 .. 2026-05-03 00:10",
            "8:31: the end, 2026-05-03 00:10, is before the start, 2026-05-04 23:50",
        ),
        (
            "2500-05-04 23:50 .. 23:51",
            "8:11: this time is outside of what nanoseconds",
        ),
        (
            "[2026-05-04 10:20 .. 10:30, 11:00]",
            "8:39: `11:00` is no range of time",
        ),
        ("[]", "8:11: the list of `time:` is empty"),
        (
            "{a: b}",
            "8:11: `time:` must be text, and this is a mapping",
        ),
    ] {
        let mut errors = errors(&with(&format!("time: {time}")));
        errors.retain(|error| error.starts_with(message));
        assert_eq!(errors.len(), 1, "{time}");
    }
}

#[test]
fn tests_of_time_are_as_named() {
    let window = "time: 2026-05-04 10:20 .. 10:29";
    for (test, [before, over_start, inside, over_end, around]) in [
        ("overlap", [false, true, true, true, true]),
        ("start", [false, false, true, true, false]),
        ("flow-start", [false, false, true, true, false]),
        ("end", [false, true, true, false, false]),
        ("contained", [false, false, true, false, false]),
    ] {
        let labeler = labeler(&with(&format!("test: {test}\n{window}")));
        for (start, end, matches, edge) in [
            ("10:19:00", "10:19:59.999999999", before, "inside"),
            ("10:19:00", "10:21:00", over_start, "crosses_start"),
            ("10:20:00", "10:29:59.999999999", inside, "inside"),
            ("10:29:00", "10:30:00", over_end, "crosses_end"),
            ("10:19:00", "10:30:00", around, "covers"),
        ] {
            let at = |time: &str| format!("2026-05-04T{time}Z");
            let flow = flow("10.9.0.7:1 10.0.1.5:1", &at(start)).until(&at(end));
            let claims = flow.label(&labeler).claims;
            assert_eq!(claims.len(), usize::from(matches), "{test} {start} {end}");
            assert!(claims.iter().all(|claim| claim.edge.as_str() == edge));
        }
    }
}

#[test]
fn distance_is_what_the_bound_may_move() {
    let one = labeler(&with("time: 2026-05-04 10:20:00 .. 10:29:59"));
    let claim = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:19:00Z")
        .until("2026-05-04T10:20:03Z")
        .label(&one)
        .claims[0];
    assert_eq!(claim.distance_ns, Some(3_000_000_000));
    let always = labeler(&with("time: always"));
    let claim = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:19:00Z")
        .label(&always)
        .claims[0];
    assert_eq!((claim.distance_ns, claim.edge.as_str()), (None, "inside"));
}

#[test]
fn clocks_shift_and_doubt() {
    let text = |rule: &str| {
        format!("clocks: {{fast: {{offset: +37s}}, slow: {{offset: -1 min}}, vague: {{unsure: 10s}}}}\n{}", with(rule)).replacen("netcap-labels: 1\n", "", 1)
    };
    let file = |rule: &str| format!("netcap-labels: 1\n{}", text(rule));
    let start = |rule: &str| truth(&file(rule)).rules()[0].intervals().next().unwrap().0;
    let time = "time: 2026-05-04 10:20 .. 10:30";
    assert_eq!(
        start(&format!("clock: fast\n{time}")),
        ns("2026-05-04T10:19:23Z")
    );
    assert_eq!(
        start(&format!("clock: slow\n{time}")),
        ns("2026-05-04T10:21:00Z")
    );
    let vague = labeler(&file(&format!("clock: vague\n{time}")));
    // A long flow surely meets the interval, wherever its bounds are.
    let long = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:10:00Z").until("2026-05-04T10:25:00Z");
    assert_eq!(long.says(&vague), "malicious X");
    let near = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T10:31:05Z");
    assert_eq!(near.says(&vague), "ambiguous X");
    let verdict = near.label(&vague);
    let claim = verdict.claims[0];
    assert_eq!(
        (claim.certain, claim.edge.as_str(), claim.won),
        (false, "outside", true)
    );
    assert_eq!(claim.distance_ns, Some(-5_000_000_001));
    assert_eq!(
        (verdict.label, verdict.attack, verdict.rule),
        (None, Some("X"), Some("r"))
    );
}

#[test]
fn majority_is_more_than_half_of_the_time() {
    let rule = labeler(&with(
        "time: 2026-05-04 10:00:00.000000 .. 11:00:00.000000\ntest: majority\n",
    ));
    let says = |start: &str, end: &str| {
        let flow = flow("10.9.0.7:1 10.0.1.5:1", &format!("2026-05-04T{start}Z"));
        flow.until(&format!("2026-05-04T{end}Z")).says(&rule)
    };
    assert_eq!(
        says("09:50:00", "10:10:00"),
        "unknown -",
        "a half is not more"
    );
    assert_eq!(says("09:50:00", "10:10:00.000001"), "malicious X");
    assert_eq!(says("10:50:00", "11:09:59"), "malicious X");
    assert_eq!(says("10:49:58", "11:10:01"), "malicious X");
    assert_eq!(says("10:51:00", "11:10:00"), "unknown -");
    assert_eq!(
        says("09:00:00", "12:00:00"),
        "unknown -",
        "longer than the window"
    );
    // Without length it is the start.
    assert_eq!(says("11:00:00", "11:00:00"), "malicious X");
    assert_eq!(says("11:00:00.000001", "11:00:00.000001"), "unknown -");
}

/// Of any flow: what lies in a window begins in it, and what begins in it overlaps it.
#[test]
fn tests_are_nested() {
    let by = |test: &str| {
        labeler(&with(&format!(
            "time: 2026-05-04 10:00:00 .. 10:59:59\ntest: {test}\n"
        )))
    };
    let tests = ["contained", "start", "overlap", "majority"].map(by);
    for start in (0..150).step_by(7) {
        for length in (0..90).step_by(11) {
            let at = |minute: i64| ns("2026-05-04T09:00:00Z") + minute * 60_000_000_000;
            let mut flow = flow("10.9.0.7:1 10.0.1.5:1", "2026-05-04T09:00:00Z");
            (flow.start, flow.end) = (at(start), at(start + length));
            let [contained, start, overlap, majority] = tests
                .each_ref()
                .map(|labeler| flow.says(labeler) == "malicious X");
            assert!(!contained || start && majority);
            assert!(!start || overlap);
            assert!(!majority || overlap);
        }
    }
}
