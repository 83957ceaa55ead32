//! A comparison as text for a terminal of 80 columns. The first output is A, the second B.

use std::fmt;

use super::{ColumnDiff, Diff, TableDiff, Unpaired};

/// Columns of the terminal.
const WIDTH: usize = 80;

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.netcap.0 != self.netcap.1 {
            let (a, b) = (&self.netcap.0, &self.netcap.1);
            line(f, 0, &format!("written by netcap {a} (A) and {b} (B)"))?;
        }
        for name in &self.only_a {
            line(f, 0, &format!("{name}: only in A"))?;
        }
        for name in &self.only_b {
            line(f, 0, &format!("{name}: only in B"))?;
        }
        let (equal, others): (Vec<_>, Vec<_>) = self.tables.iter().partition(|t| t.is_equal());
        for table in others {
            table.fmt(f)?;
        }
        for file in &self.files {
            line(f, 0, file)?;
        }
        let rows: u64 = equal.iter().map(|t| t.rows_a).sum();
        let tables = count(equal.len() as u64, "table");
        let mut last = format!("equal: {tables} with {}", count(rows, "row"));
        if self.equal_files > 0 {
            last.push_str(&format!(", {}", count(self.equal_files, "other file")));
        }
        line(f, 0, &last)
    }
}

impl fmt::Display for TableDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        if self.rows_a == self.rows_b {
            line(f, 0, &format!("{name}: {}", count(self.rows_a, "row")))?;
        } else {
            let (a, b) = (count(self.rows_a, "row"), self.rows_b);
            line(f, 0, &format!("{name}: {a} in A, {b} in B"))?;
        }
        if self.reordered {
            line(f, 1, "the same rows in another order")?;
        }
        unpaired(f, &self.rows_only_a, "A")?;
        unpaired(f, &self.rows_only_b, "B")?;
        for column in &self.columns_only_a {
            line(f, 1, &format!("the column {column} is only in A"))?;
        }
        for column in &self.columns_only_b {
            line(f, 1, &format!("the column {column} is only in B"))?;
        }
        self.columns.iter().try_for_each(|column| column.fmt(f))
    }
}

fn unpaired(f: &mut fmt::Formatter<'_>, rows: &Unpaired, side: &str) -> fmt::Result {
    if rows.rows == 0 {
        return Ok(());
    }
    line(
        f,
        1,
        &format!("only in {side}: {}", count(rows.rows, "row")),
    )?;
    rows.examples.iter().try_for_each(|key| line(f, 2, key))
}

impl fmt::Display for ColumnDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((a, b)) = &self.types {
            line(f, 1, &format!("{} has another type", self.name))?;
            line(f, 2, &format!("A {a}"))?;
            return line(f, 2, &format!("B {b}"));
        }
        line(
            f,
            1,
            &format!("{} differs in {}", self.name, count(self.rows, "row")),
        )?;
        for example in &self.examples {
            line(f, 2, &example.key)?;
            line(
                f,
                3,
                &format!("A {}", example.a.as_deref().unwrap_or("null")),
            )?;
            line(
                f,
                3,
                &format!("B {}", example.b.as_deref().unwrap_or("null")),
            )?;
        }
        Ok(())
    }
}

fn count(n: u64, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

/// A line, indented, cut to the width. Control characters of a value must not reach a terminal.
fn line(f: &mut fmt::Formatter<'_>, indent: usize, text: &str) -> fmt::Result {
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
    }
    let width = WIDTH - 2 * indent;
    if shown.chars().count() > width {
        shown = shown.chars().take(width - 1).chain(['…']).collect();
    }
    writeln!(f, "{:1$}{shown}", "", 2 * indent)
}
