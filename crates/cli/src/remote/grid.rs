//! Columns of text.

/// Rows of cells; the first row is the header.
#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: Vec<Vec<String>>,
    /// Which columns are numbers.
    right: Vec<bool>,
}

impl Grid {
    /// Columns by their headers; those that begin with `>` are aligned to the right.
    pub(super) fn new(headers: &[&str]) -> Grid {
        let right = headers.iter().map(|header| header.starts_with('>')).collect();
        let header = headers
            .iter()
            .map(|header| header.trim_start_matches('>').to_owned());
        Grid {
            rows: vec![header.collect()],
            right,
        }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The lines. On a terminal of this width the first column gives way, and what is
    /// still too long is cut.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let columns = self.right.len();
        let length = |cell: &str| cell.chars().count();
        let mut widths: Vec<usize> = (0..columns)
            .map(|k| self.rows.iter().map(|row| length(&row[k])).max().unwrap_or(0))
            .collect();
        const GAP: usize = 2;
        const FIRST_COLUMN_MIN: usize = 16;
        if let Some(width) = width {
            let whole: usize = widths.iter().sum::<usize>() + GAP * (columns - 1);
            let over = whole.saturating_sub(width);
            widths[0] = widths[0]
                .saturating_sub(over)
                .max(FIRST_COLUMN_MIN.min(widths[0]));
        }
        let lines = self.rows.iter().map(|row| {
            let cells = row.iter().enumerate().map(|(k, cell)| {
                let cell = cut(cell, widths[k]);
                match self.right[k] {
                    true => format!("{cell:>0$}", widths[k]),
                    false => format!("{cell:<0$}", widths[k]),
                }
            });
            let line = cells.collect::<Vec<String>>().join("  ");
            let line = line.trim_end();
            width.map_or_else(|| line.to_owned(), |width| cut(line, width))
        });
        lines.collect()
    }
}

/// Text in so many characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// A number for people: `1_234`.
pub(super) fn count(n: u64) -> String {
    crate::units::Grouped(n).to_string()
}

/// A rate for people: `12.3k`.
pub(super) fn rate(per_second: Option<f64>) -> String {
    let Some(rate) = per_second else {
        return "-".to_owned();
    };
    match rate {
        r if r >= 1e9 => format!("{:.1}G", r / 1e9),
        r if r >= 1e6 => format!("{:.1}M", r / 1e6),
        r if r >= 1e4 => format!("{:.1}k", r / 1e3),
        r => format!("{r:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cut() {
        let mut grid = Grid::new(&["NAME", ">N"]);
        grid.row(["a long name of something".to_owned(), count(1234)]);
        grid.row(["b".to_owned(), count(5)]);
        let lines = grid.lines(None);
        assert_eq!(
            lines,
            [
                "NAME                          N",
                "a long name of something  1_234",
                "b                             5"
            ]
        );
        let cut = grid.lines(Some(26));
        assert_eq!(
            cut,
            [
                "NAME                     N",
                "a long name of som…  1_234",
                "b                        5"
            ]
        );
        assert!(grid.lines(Some(3)).iter().all(|line| line.chars().count() <= 3));
    }

    #[test]
    fn rates_are_short() {
        let rates = [
            None,
            Some(0.4),
            Some(9999.0),
            Some(12_345.0),
            Some(2.5e7),
            Some(3e9),
        ];
        assert_eq!(rates.map(rate), ["-", "0", "9999", "12.3k", "25.0M", "3.0G"]);
    }
}
