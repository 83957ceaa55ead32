//! How far a column of one table is from that of another.

use serde::Serialize;

use super::{Side, Values};

/// Values this near to each other, relative to the greater one, are equal: files of others have few digits.
const NEAR: f64 = 1e-6;
/// Rows that are shown of a column.
const WORST: usize = 3;

/// A column of two tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub name: String,
    /// Flows that were compared.
    pub compared: u64,
    /// Flows in which it is equal: numbers to a millionth.
    pub equal: u64,
    /// Flows in which one of the two has no value, and the other has.
    pub null_in_one: u64,
    /// The median of first less second, over the flows in which it is not equal; `None` for texts and without any.
    pub median_difference: Option<f64>,
    /// The rows that differ most.
    pub worst: Vec<Worst>,
}

/// A row in which a column differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worst {
    /// What the row is called in each table.
    pub rows: [String; 2],
    /// The value in each.
    pub values: [String; 2],
}

/// Compares a column over pairs of rows.
pub(super) fn compare(
    name: &str,
    ours: &Values,
    theirs: &Values,
    pairs: &[(usize, usize)],
    first: &Side,
    second: &Side,
) -> ColumnDifference {
    let mut out = ColumnDifference {
        name: name.to_owned(),
        compared: pairs.len() as u64,
        equal: 0,
        null_in_one: 0,
        median_difference: None,
        worst: Vec::new(),
    };
    let mut differences: Vec<f64> = Vec::new();
    // How bad, and which pair.
    let mut wrong: Vec<(f64, usize)> = Vec::new();
    for (number, (a, b)) in pairs.iter().enumerate() {
        let how = match (ours, theirs) {
            (Values::Numbers(ours), Values::Numbers(theirs)) => {
                let value = |values: &[Option<f64>], row: usize| values.get(row).copied().flatten();
                numbers(value(ours, *a), value(theirs, *b))
            }
            _ => match text(ours, *a) == text(theirs, *b) {
                true => How::Equal,
                false => How::Other,
            },
        };
        match how {
            How::Equal => out.equal += 1,
            How::By(difference) => {
                differences.push(difference);
                wrong.push((difference.abs(), number));
            }
            How::NullInOne => {
                out.null_in_one += 1;
                wrong.push((0.0, number));
            }
            How::Other => wrong.push((0.0, number)),
        }
    }
    out.median_difference = median(&mut differences);
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let worst = wrong.iter().take(WORST).filter_map(|(_, number)| {
        let (a, b) = *pairs.get(*number)?;
        let shown = |values: &Values, row| text(values, row).unwrap_or_else(|| "null".to_owned());
        Some(Worst {
            rows: [first.rows.get(a)?.clone(), second.rows.get(b)?.clone()],
            values: [shown(ours, a), shown(theirs, b)],
        })
    });
    out.worst = worst.collect();
    out
}

/// How two values differ.
enum How {
    Equal,
    By(f64),
    NullInOne,
    /// Texts.
    Other,
}

fn numbers(a: Option<f64>, b: Option<f64>) -> How {
    match (a, b) {
        (None, None) => How::Equal,
        (Some(a), Some(b)) if (a - b).abs() <= NEAR * a.abs().max(b.abs()) => How::Equal,
        (Some(a), Some(b)) => How::By(a - b),
        _ => How::NullInOne,
    }
}

fn text(values: &Values, row: usize) -> Option<String> {
    match values {
        Values::Numbers(numbers) => numbers.get(row).copied().flatten().map(|n| n.to_string()),
        Values::Texts(texts) => texts.get(row).cloned().flatten(),
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(lower / 2.0 + upper / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{compare, median};
    use crate::feature::compare::{Side, Values};

    #[test]
    fn columns_are_compared_flow_by_flow() {
        let numbers = |values: &[Option<f64>]| Values::Numbers(values.to_vec());
        let ours = numbers(&[Some(1.0), Some(2.0), None, None, Some(1e9), Some(5.0)]);
        let theirs = numbers(&[
            Some(1.0),
            Some(3.0),
            None,
            Some(0.0),
            Some(1e9 + 1.0),
            Some(9.0),
        ]);
        let rows: Vec<String> = (0..6).map(|n| n.to_string()).collect();
        let side = Side {
            rows,
            ..Side::default()
        };
        let pairs: Vec<_> = (0..6).map(|n| (n, n)).collect();
        let found = compare("x", &ours, &theirs, &pairs, &side, &side);
        assert_eq!((found.compared, found.equal, found.null_in_one), (6, 3, 1));
        assert_eq!(found.median_difference, Some(-2.5));
        let worst: Vec<&str> = found.worst.iter().map(|w| w.rows[0].as_str()).collect();
        assert_eq!(worst, ["5", "1", "3"]);
        assert_eq!(found.worst[0].values, ["5", "9"]);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
    }
}
