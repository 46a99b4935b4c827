//! Tables of ratios, for the terminal and for Markdown.

use super::results::{Results, Span, Statistic};

/// Cells by row; the first row is the header. The first column stands to the left, the others to the right.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    pub title: String,
    pub rows: Vec<Vec<String>>,
    /// How many rows at the end sum up the others.
    pub sums: usize,
    /// What stands below.
    pub note: Option<&'static str>,
}

/// Every program's best time in the base, in microseconds, and the other engines' ratios to it.
pub(super) fn of(results: &Results, span: Span) -> Table {
    let base = &results.engines[results.base];
    let others: Vec<usize> = (0..results.engines.len()).filter(|&engine| engine != results.base).collect();
    let mut rows = vec![vec!["program".to_owned(), format!("{base}, µs")]];
    rows[0].extend(others.iter().map(|&engine| results.engines[engine].clone()));
    for program in &results.programs {
        let time = program.figure(results.base, span, Statistic::Best);
        let mut row = vec![program.name.clone(), time.map_or_else(missing, |time| format!("{time:.0}"))];
        row.extend(others.iter().map(|&engine| cell(results.ratio(program, engine, span, Statistic::Best))));
        rows.push(row);
    }
    for (name, statistic) in [("geometric mean", Statistic::Best), ("mean of medians", Statistic::Median)] {
        let mut row = vec![name.to_owned(), String::new()];
        let mean = |&engine: &usize| cell(results.mean(engine, span, statistic)) + if results.is_partial(engine) { "*" } else { "" };
        row.extend(others.iter().map(mean));
        rows.push(row);
    }
    let note = others.iter().any(|&engine| results.is_partial(engine)).then_some("* without the programs that failed there");
    Table { title: format!("{}, ratio to {base}", span.title()), rows, sums: 2, note }
}

/// Three digits that count, or a dash.
fn cell(ratio: Option<f64>) -> String {
    ratio.map_or_else(missing, |ratio| match ratio {
        0.0..0.0995 => format!("{ratio:.4}"),
        0.0995..0.9995 => format!("{ratio:.3}"),
        0.9995..9.995 => format!("{ratio:.2}"),
        9.995..99.95 => format!("{ratio:.1}"),
        _ => format!("{ratio:.0}"),
    })
}

fn missing() -> String {
    "–".to_owned()
}

impl Table {
    /// Columns aligned by spaces.
    pub(super) fn text(&self) -> String {
        let columns = self.rows[0].len();
        let widths: Vec<usize> =
            (0..columns).map(|column| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
        let mut out = format!("{}\n", self.title);
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            out += format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end();
            out += "\n";
        }
        out + &self.note.map_or_else(String::new, |note| format!("  {note}\n"))
    }

    /// A Markdown table under a heading of the third level.
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("### {}\n\n", self.title);
        for (number, row) in self.rows.iter().enumerate() {
            let is_sum = number >= self.rows.len() - self.sums;
            for cell in row {
                let cell = cell.replace('|', "\\|");
                out += &if is_sum && !cell.is_empty() { format!("| **{}** ", cell.replace('*', "\\*")) } else { format!("| {cell} ") };
            }
            out += "|\n";
            if number == 0 {
                out += &format!("|---|{}\n", "---:|".repeat(row.len() - 1));
            }
        }
        out + &self.note.map_or_else(String::new, |note| format!("\n{}\n", note.replace('*', "\\*")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;

    #[test]
    fn ratios_keep_three_digits() {
        let shown = [0.001_234, 0.0996, 0.5, 0.9996, 1.0, 2.345, 12.34, 345.6].map(|ratio| cell(Some(ratio)));
        assert_eq!(shown, ["0.0012", "0.100", "0.500", "1.00", "1.00", "2.35", "12.3", "346"]);
        assert_eq!(cell(None), "–");
    }

    #[test]
    fn columns_are_aligned() {
        let text = of(&results(), Span::Run).text();
        let expected = "\
Run time of the code, ratio to old
  program          old, µs    new   lame
  first                  8   2.00    100
  a<b                   10  0.500      –
  geometric mean             1.00   100*
  mean of medians           0.972  88.9*
  * without the programs that failed there
";
        assert_eq!(text, expected);
    }

    #[test]
    fn markdown_has_a_rule_and_bold_sums() {
        let mut results = results();
        results.programs[1].name = "a|b".to_owned();
        let text = of(&results, Span::Compile).markdown();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "### Compile time, ratio to old");
        assert_eq!(lines[2], "| program | old, µs | new | lame |");
        assert_eq!(lines[3], "|---|---:|---:|---:|");
        assert_eq!(lines[4], "| first | 100 | 0.400 | 1.00 |");
        assert_eq!(lines[5], "| a\\|b | 200 | 0.100 | – |");
        assert_eq!(lines[6], "| **geometric mean** |  | **0.200** | **1.00\\*** |");
        assert_eq!(lines[9], "\\* without the programs that failed there");
        assert_eq!(lines.len(), 10);
    }
}
