//! Words in braces, and blocks that are repeated: what keeps feature set files short.

use std::collections::BTreeMap;

use super::document::{Base, ByDialect, Item, Values};

/// Words with their values, as they stand at one place of a file.
pub(super) type Words = BTreeMap<String, String>;

/// Puts the values of words in the place of `{word}`.
pub(super) fn fill(text: &str, words: &Words) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, after) = after
            .split_once('}')
            .ok_or_else(|| format!("a brace is not closed in \"{text}\""))?;
        let value = words.get(word).ok_or_else(|| {
            let known: Vec<&str> = words.keys().map(String::as_str).collect();
            let known = match known.is_empty() {
                true => "there are none here".to_owned(),
                false => format!("known are {}", known.join(", ")),
            };
            format!("there is no word {{{word}}}: {known}")
        })?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Columns, repetitions of empty blocks included, that one item may stand for.
const MOST: usize = 10_000;

/// The columns that an item stands for: its repetitions, each with its words filled in.
pub(super) fn unfold(item: &Item, words: &Words) -> Result<Vec<Item>, String> {
    let mut out = Vec::new();
    unfold_into(item, words, &mut 0, &mut out)?;
    Ok(out)
}

fn unfold_into(
    item: &Item,
    words: &Words,
    used: &mut usize,
    out: &mut Vec<Item>,
) -> Result<(), String> {
    for words in repetitions(item, words)? {
        *used += 1;
        if *used > MOST {
            return Err(format!("it stands for more than {MOST} columns"));
        }
        if item.columns.is_empty() {
            out.push(filled(item, &words)?);
            continue;
        }
        if item.name.is_some() || item.sql.is_some() || item.base.is_some() {
            return Err("a block with `columns` has only `for` beside them".into());
        }
        for column in &item.columns {
            unfold_into(column, &words, used, out)?;
        }
    }
    Ok(())
}

/// The words of each repetition.
fn repetitions(item: &Item, words: &Words) -> Result<Vec<Words>, String> {
    let Some(lists) = &item.r#for else {
        return Ok(vec![words.clone()]);
    };
    let lists: Vec<(&String, Vec<String>)> = lists
        .iter()
        .map(|(word, values)| match values {
            Values::List(list) => (word, list.clone()),
            Values::Range(range) => {
                let numbers = range.from..=range.to;
                (word, numbers.map(|n| n.to_string()).collect())
            }
        })
        .collect();
    let length = lists.first().map_or(0, |(_, list)| list.len());
    if length == 0 {
        return Err("`for` has no values".into());
    }
    if let Some((word, list)) = lists.iter().find(|(_, list)| list.len() != length) {
        return Err(format!(
            "the words of `for` have as many values each: {word} has {}, and {} has {length}",
            list.len(),
            lists.first().map_or("", |(word, _)| word.as_str())
        ));
    }
    let repetition = |i: usize| {
        let mut words = words.clone();
        for (word, list) in &lists {
            words.insert((*word).clone(), list.get(i).cloned().unwrap_or_default());
        }
        words
    };
    Ok((0..length).map(repetition).collect())
}

fn filled(item: &Item, words: &Words) -> Result<Item, String> {
    let text = |text: &Option<String>| text.as_deref().map(|t| fill(t, words)).transpose();
    let each = |texts: &BTreeMap<String, String>| -> Result<BTreeMap<String, String>, String> {
        let filled = texts
            .iter()
            .map(|(key, text)| Ok((key.clone(), fill(text, words)?)));
        filled.collect()
    };
    let by_dialect = |texts: &Option<ByDialect>| match texts {
        None => Ok(None),
        Some(ByDialect::All(text)) => fill(text, words).map(ByDialect::All).map(Some),
        Some(ByDialect::Each(texts)) => each(texts).map(ByDialect::Each).map(Some),
    };
    Ok(Item {
        name: text(&item.name)?,
        r#type: item.r#type,
        unit: text(&item.unit)?,
        doc: text(&item.doc)?,
        sql: by_dialect(&item.sql)?,
        departs: by_dialect(&item.departs)?,
        trap: by_dialect(&item.trap)?,
        source: text(&item.source)?,
        names: each(&item.names)?,
        only: item.only.clone(),
        base: match &item.base {
            Some(Base::Names(names)) => {
                let names = names.iter().map(|name| fill(name, words));
                Some(Base::Names(names.collect::<Result<_, _>>()?))
            }
            other => other.clone(),
        },
        r#for: None,
        columns: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Words, fill};

    #[test]
    fn words_are_filled_in() {
        let words = Words::from([("side".to_owned(), "fwd".to_owned())]);
        assert_eq!(
            fill("{side}_packets + {side}", &words).unwrap(),
            "fwd_packets + fwd"
        );
        assert!(
            fill("{seid}_packets", &words)
                .unwrap_err()
                .contains("known are side")
        );
        assert!(fill("{side", &words).unwrap_err().contains("not closed"));
    }
}
