//! A comparison told to a person.

use std::fmt;

use super::{ColumnDifference, Comparison};
use crate::text::count;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.names;
        writeln!(f, "first   {first}\nsecond  {second}")?;
        let how = match self.tolerance_ns {
            Some(ns) => format!(
                "by addresses, ports, protocol and start, at most {} s apart",
                ns as f64 / 1e9
            ),
            None => "by addresses, ports and protocol: there are no starts to compare".to_owned(),
        };
        writeln!(f, "matched {how}\n")?;
        writeln!(
            f,
            "{} matched, {} only in the first, {} only in the second",
            count(self.matched, "flow"),
            self.only_first,
            self.only_second
        )?;
        if self.reversed > 0 {
            writeln!(
                f,
                "{} of them have another initiator; their columns are not compared",
                self.reversed
            )?;
        }
        if self.unreadable > 0 {
            write!(f, "{} could not be read", count(self.unreadable, "row"))?;
            match &self.unreadable_first {
                Some(why) => writeln!(f, ", the first at {why}")?,
                None => writeln!(f)?,
            }
        }
        if let Some((offset, matched)) = self.better_offset {
            let hours = offset / 3_600_000_000_000;
            let way = if hours < 0 { "earlier" } else { "later" };
            writeln!(
                f,
                "if the times of the second were {} h {way}, {matched} would match: check --zone, and whether its clock has 12 hours",
                hours.abs()
            )?;
        }
        if !self.classes.is_empty() {
            writeln!(
                f,
                "\n{:<32} {:>10} {:>12} {:>12}",
                "class", "matched", "only first", "only second"
            )?;
            for (name, class) in &self.classes {
                writeln!(
                    f,
                    "{name:<32} {:>10} {:>12} {:>12}",
                    class.matched, class.only_first, class.only_second
                )?;
            }
        }
        if self.matched == self.reversed {
            return writeln!(f, "\nno columns are compared");
        }
        let different: Vec<&ColumnDifference> = self
            .columns
            .iter()
            .filter(|c| c.equal < c.compared)
            .collect();
        writeln!(
            f,
            "\n{} of {} are equal in all flows",
            self.columns.len() - different.len(),
            count(self.columns.len() as u64, "column")
        )?;
        if !different.is_empty() {
            writeln!(
                f,
                "\n{:<32} {:>8} {:>10}  {:>16}",
                "column", "equal", "null in 1", "median of 1st-2nd"
            )?;
        }
        for column in different {
            let median = column.median_difference.map_or_else(String::new, short);
            let share = column.equal as f64 / column.compared as f64 * 100.0;
            // What is not quite all is not shown as all.
            let share = (share * 10.0).floor() / 10.0;
            let line = format!(
                "{:<32} {share:>6.1} % {:>10}  {median:>16}",
                column.name, column.null_in_one
            );
            writeln!(f, "{}", line.trim_end())?;
            for worst in column.worst.iter().take(1) {
                let [a, b] = &worst.values;
                let [row, other] = &worst.rows;
                let rows = if row == other {
                    format!("flow {row}")
                } else {
                    format!("flow {row} and {other}")
                };
                writeln!(f, "    {a} and {b} in {rows}")?;
            }
        }
        if !self.only_in_one.is_empty() {
            writeln!(f, "\nonly in one: {}", self.only_in_one.join(", "))?;
        }
        Ok(())
    }
}

fn short(number: f64) -> String {
    match number.abs() {
        n if (1e-3..1e7).contains(&n) => format!("{number:.3}"),
        _ => format!("{number:.3e}"),
    }
}
