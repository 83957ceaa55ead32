//! Ground truth in CSV.

use super::*;

const TABLE: &str = "\
id,label,start,end,attackers,victims,ports,protocol,zone
ssh,SSH brute force,2026-05-04 10:20,11:05,10.9.0.7;192.0.2.1,10.0.1.5,22/tcp,tcp,Europe/Berlin

# a comment
scan,\"Port scan, slow\",2026-05-04T12:00:00Z,2026-05-04T12:10:00Z,10.9.0.7,10.0.2.0/24 10.0.1.5,,,
";

#[test]
fn tables_label() {
    let labeler = labeler(TABLE);
    let lines: Vec<u32> = labeler.rules().iter().map(|rule| rule.line()).collect();
    assert_eq!(lines, [2, 5]);
    for (ends, start, says) in [
        (
            "192.0.2.1:1 10.0.1.5:22",
            "2026-05-04T08:20:00Z",
            "malicious SSH brute force",
        ),
        (
            "192.0.2.1:1 10.0.1.5:22",
            "2026-05-04T09:05:59.999999999Z",
            "malicious SSH brute force",
        ),
        (
            "192.0.2.1:1 10.0.1.5:22",
            "2026-05-04T09:06:00Z",
            "unknown -",
        ),
        (
            "10.9.0.7:1 10.0.1.5:99",
            "2026-05-04T12:05:00Z",
            "malicious Port scan, slow",
        ),
        (
            "10.9.0.7:1 10.0.3.5:99",
            "2026-05-04T12:05:00Z",
            "unknown -",
        ),
    ] {
        assert_eq!(flow(ends, start).says(&labeler), says, "{ends} {start}");
    }
}

#[test]
fn tables_have_many_headers() {
    for header in [
        "Attack,Start Time,End Time,Attacker,Victim",
        "LABEL\tstart_time\tStop-Time\tSrc IP\tTarget",
        "\u{feff}class,begin,to,Source,dst,",
    ] {
        let tab = if header.contains('\t') { "\t" } else { "," };
        let header = header.trim_end_matches(',');
        let line = ["DoS", "2026-05-04 10:00Z", "10:05", "10.9.0.7", "10.0.1.5"].join(tab);
        let truth = truth(&format!("{header}\r\n{line}\r\n"));
        let rule = &truth.rules()[0];
        assert_eq!((rule.id(), rule.label()), ("row-2", "DoS"), "{header}");
    }
}

#[test]
fn faults_of_tables_have_their_places() {
    let head = "id,label,start,end,attackers,victims,ports";
    for (text, wanted) in [
        (
            "label,start,end,vicitms\nX,2026-05-04 10:00Z,10:05,10.0.1.5\n".to_owned(),
            "1:17: `vicitms` is no column of a label table | did you mean `victims`?",
        ),
        (
            "label,start,victims\n".to_owned(),
            "1:1: this table has no columns `start` and `end`",
        ),
        (
            "start,end,victims\n".to_owned(),
            "1:1: this table has no column `label`",
        ),
        (
            "label,attack,start,end\n".to_owned(),
            "1:7: `attack` is the second column with this meaning",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00,10:05,10.0.0.1,,\n"),
            "2:5: this time has no zone | add a column `zone`",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,9:05,10.0.0.1,,\n"),
            "2:23: the end, 9:05, is before the start",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,10:05,\"10.0.0.1;10.0.0.x\",,\n"),
            "2:39: `10.0.0.x` is no IP address",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,10:05,10.0.0.1,, 22/tpc\n"),
            "2:43: `tpc` is no protocol",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,10:05,10.0.0.1\n"),
            "2:1: this line has 5 fields, and the header 7",
        ),
        (
            format!("{head}\na,X,05/04/2026 10:00Z,10:05,10.0.0.1,,\n"),
            "2:5: `05/04/2026 10:00Z` has its date in another form | write the day as 2026-04-05 or",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,10:05,kali,,\n"),
            "2:29: no host is named `kali` | tables have addresses",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,,10.0.0.1,,\n"),
            "2:1: this line has no end",
        ),
        (
            "label,time,,victims\n".to_owned(),
            "1:12: column 3 of this table has no name | A column that is only",
        ),
        (
            format!("{head}\na,,2026-05-04 10:00Z,10:05,10.0.0.1,,\n"),
            "2:1: this line has no label",
        ),
        (
            format!("{head}\na,X,2026-05-04 10:00Z,10:05,,,\n"),
            "2:1: this line has no attackers and no victims | for all hosts write `any` as attackers",
        ),
        (
            format!(
                "{head}\na,X,2026-05-04 10:00Z,10:05,10.0.0.1,,\na,X,2026-05-04 10:00Z,10:05,10.0.0.1,,\n"
            ),
            "3:1: the id `a` is used twice; first in line 2",
        ),
        (
            format!("{head}\n\n# c\na,\"X\nY\",2026-05-04 10:00Z,10:05,10.0.0.1,,99999\n"),
            "5:38: `99999` is no port",
        ),
    ] {
        let errors = errors(&text);
        assert!(
            errors.iter().any(|error| error.starts_with(wanted)),
            "{text}\n{errors:#?}"
        );
        // One mistake, one message; a label of two lines is the second one of that table.
        let two_lines = text.contains("\"X\nY");
        assert_eq!(errors.len(), 1 + usize::from(two_lines), "{errors:#?}");
        // Tables have columns, and no keys.
        assert!(
            !errors.iter().any(|error| error.contains(":`")),
            "{errors:#?}"
        );
    }
}

#[test]
fn columns_to_keep_are_no_error() {
    let text = "label,start,end,victims,extra: tool\nX,2026-05-04 10:00Z,10:05,any,hydra\n";
    assert_eq!(truth(text).rules().len(), 1);
}
