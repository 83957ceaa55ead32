//! Adds a rule to the text of a label file, as a person would write it below the others.

use jiff::Timestamp;
use serde_json::{Value, to_string};

use crate::error::{Error, Result};

/// A rule to be added.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// Its id.
    pub id: String,
    /// Class of the attack.
    pub label: String,
    /// First and last moment.
    pub time: (Timestamp, Timestamp),
    /// Who attacked, if the file has no default.
    pub attackers: Option<String>,
    /// Who was attacked.
    pub victims: Vec<String>,
    /// Ports of the victim.
    pub ports: Option<String>,
    /// Techniques of MITRE ATT&CK.
    pub mitre: Vec<String>,
    /// What else is known, in order.
    pub extra: Vec<(&'static str, Value)>,
}

const NEW_FILE: &str =
    "# Ground truth, written while the attacks ran.\nnetcap-labels: 1\nzone: UTC\nrules:\n";

/// The text of a label file with one more rule; of an empty one, a new file.
pub fn append(text: &str, rule: &NewRule) -> Result<String> {
    let top = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let last = |text: &str| {
        text.lines()
            .rfind(|line| top(line))
            .unwrap_or_default()
            .to_owned()
    };
    let old = if text.trim().is_empty() {
        NEW_FILE.to_owned()
    } else if last(text)
        .split('#')
        .next()
        .unwrap_or_default()
        .replace(' ', "")
        == "rules:[]"
    {
        let (head, tail) = text.rsplit_once("rules:").unwrap_or((text, ""));
        format!(
            "{head}rules:{}",
            tail.split_once(']').map_or("", |(_, rest)| rest)
        )
    } else {
        text.to_owned()
    };
    let last = last(&old);
    if last.split('#').next().map(str::trim_end) != Some("rules:") {
        return Err(Error::new(format!(
            "a rule can only be added to a file whose last key is `rules:` with a rule on each line below it, and here it is `{last}`"
        ))
        .help("move `rules:` to the end of the file"));
    }
    let item = old
        .lines()
        .rfind(|line| line.trim_start().starts_with("- id:"));
    let indent = item.map_or(2, |line| line.len() - line.trim_start().len());
    let (dash, more) = (" ".repeat(indent), " ".repeat(indent + 2));
    let quoted = |text: &str| to_string(text).unwrap_or_default();
    let list = |texts: &[String]| match texts {
        [one] => quoted(one),
        several => {
            let several: Vec<String> = several.iter().map(|text| quoted(text)).collect();
            format!("[{}]", several.join(", "))
        }
    };
    let (start, end) = rule.time;
    // An empty line before the new rule stays, where there is one.
    let gap = if old.ends_with("\n\n") { "\n" } else { "" };
    let mut new = format!("{}\n{gap}", old.trim_end());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let id = if rule.id.starts_with(|c: char| c.is_ascii_alphabetic()) && rule.id.chars().all(plain)
    {
        rule.id.clone()
    } else {
        quoted(&rule.id)
    };
    new += &format!("{dash}- id: {id}\n");
    new += &format!("{more}label: {}\n", quoted(&rule.label));
    new += &format!("{more}time: {start:.6} .. {end:.6}\n");
    if let Some(attackers) = &rule.attackers {
        new += &format!("{more}attackers: {}\n", quoted(attackers));
    }
    new += &format!("{more}victims: {}\n", list(&rule.victims));
    if let Some(ports) = &rule.ports {
        new += &format!("{more}ports: {}\n", quoted(ports));
    }
    if !rule.mitre.is_empty() {
        new += &format!("{more}mitre: {}\n", list(&rule.mitre));
    }
    if !rule.extra.is_empty() {
        new += &format!("{more}extra:\n");
    }
    for (name, value) in &rule.extra {
        new += &format!("{more}  {name}: {value}\n");
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{Columns, parse};

    fn rule(id: &str) -> NewRule {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        NewRule {
            id: id.to_owned(),
            label: "Port scan: \"all\"".to_owned(),
            time: (
                time("2026-05-04T10:00:00.5Z"),
                time("2026-05-04T10:00:01.25Z"),
            ),
            attackers: Some("10.0.0.7".to_owned()),
            victims: vec!["10.0.0.5".to_owned(), "10.0.0.6".to_owned()],
            ports: Some("22/tcp".to_owned()),
            mitre: vec!["T1046".to_owned()],
            extra: vec![
                ("command", "nmap -sS 10.0.0.5".into()),
                ("exit_status", 0.into()),
            ],
        }
    }

    #[test]
    fn a_list_without_rules_is_one_to_be_filled() {
        let text = "netcap-labels: 1\nzone: UTC\nrules: []  # while they run\n";
        let one = append(text, &rule("a")).unwrap();
        assert!(
            one.starts_with("netcap-labels: 1\nzone: UTC\nrules:  # while they run\n  - id: a\n"),
            "{one}"
        );
    }

    #[test]
    fn rules_are_added_to_new_and_old_files() {
        let one = append("", &rule("a")).unwrap();
        let odd = append(&one, &rule("scan #2: a")).unwrap();
        let odd = parse(
            &odd,
            "x.yaml".as_ref(),
            &Columns::new(std::iter::empty::<(&str, _)>()),
        );
        assert!(odd.unwrap_err().to_string().contains("has a space or `#`"));
        let two = append(&one, &rule("b")).unwrap();
        let columns = Columns::new(std::iter::empty::<(&str, _)>());
        let truth = parse(&two, "x.yaml".as_ref(), &columns).unwrap();
        let ids: Vec<&str> = truth.rules().iter().map(|rule| rule.id()).collect();
        assert_eq!(ids, ["a", "b"]);
        let (start, end) = truth.rules()[1].intervals().next().unwrap();
        assert_eq!(end - start, 750_000_000);
        assert_eq!(truth.rules()[1].label(), "Port scan: \"all\"");
        assert_eq!(truth.rules()[1].mitre(), ["T1046"]);
        assert!(
            two.contains("victims: [\"10.0.0.5\", \"10.0.0.6\"]\n"),
            "{two}"
        );
        // As it stands there.
        let apart = append(&format!("{one}\n"), &rule("b")).unwrap();
        assert!(apart.contains("\n\n  - id: b\n"), "{apart}");
        let four = "netcap-labels: 1\nrules:  # all\n    - id: x\n      label: X\n";
        assert!(
            append(four, &rule("b"))
                .unwrap()
                .contains("\n    - id: b\n      label:")
        );
        for other in [
            "netcap-labels: 1\nrules: [{id: a}]\n",
            "rules:\n  - id: a\ncovers: all\n",
        ] {
            assert!(append(other, &rule("b")).is_err(), "{other}");
        }
    }
}
