//! What there is to say afterwards.

use std::time::Duration;

use cutthrough::Report;
use cutthrough_formats::processes::{BadRow, Lines};
use cutthrough_lang::Running;

use crate::units::{Bytes, Grouped};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) rows_read: u64,
    pub(crate) rows_written: u64,
    pub(crate) bad_rows: u64,
    pub(crate) too_long: u64,
    /// Numbers that JSON has no words for.
    pub(crate) not_finite: u64,
    pub(crate) bad_lines: Vec<BadRow>,
    /// The formats of which no row was.
    pub(crate) not_of: Vec<&'static str>,
    pub(crate) bytes_read: u64,
    pub(crate) time: Duration,
    pub(crate) is_interrupted: bool,
    /// Bytes of lines whose end had not come by then.
    pub(crate) unfinished: u64,
    /// What came when its window of event time was over, or had no time.
    pub(crate) late: u64,
}

impl Summary {
    /// Adds up what the processes have counted.
    pub(crate) fn of(report: &Report, running: &Running) -> Summary {
        let mut summary = Summary::default();
        for process in report
            .processes
            .iter()
            .filter(|process| running.lines.contains(&process.id))
        {
            let too_long = process
                .dropped
                .iter()
                .filter(|(policy, _)| policy == Lines::POLICY);
            let too_long: u64 = too_long.map(|(_, count)| count).sum();
            summary.too_long += too_long;
            summary.rows_read += too_long + process.outputs[0].moved;
        }
        let elsewhere = running.lines_elsewhere;
        summary.rows_read += elsewhere.given;
        summary.too_long += elsewhere.too_long;
        summary.rows_read += elsewhere.too_long;
        for parsing in running.parses.iter().filter(|parsing| !parsing.is_of_lines) {
            let too_long = parsing.too_long(report);
            summary.too_long += too_long;
            summary.rows_read += too_long + parsing.rows(report).all;
        }
        // Several parsers may have the lines of one.
        let parses = running.parses.iter().filter(|parsing| parsing.is_of_lines);
        let headers = parses.map(|parsing| parsing.headers(report));
        summary.rows_read -= match running.lines.len() {
            1 => headers.max().unwrap_or_default(),
            _ => summary.rows_read.min(headers.sum()),
        };
        let dropped = report.processes.iter().flat_map(|process| &process.dropped);
        let late = dropped.filter(|(policy, _)| policy == "late");
        summary.late = late.map(|(_, count)| count).sum();
        for parsing in &running.parses {
            let rows = parsing.rows(report);
            if rows.dropped > 0 && rows.dropped == rows.all {
                summary.not_of.push(parsing.format);
            }
            summary.bad_rows += rows.dropped;
            summary.bad_lines.extend(parsing.bad_rows.first());
        }
        summary
    }

    /// Whether there is something that the user has to know.
    pub(crate) fn is_news(&self) -> bool {
        self.is_interrupted || self.not_finite > 0 || self.has_gaps()
    }

    /// Whether something of the input was left out.
    pub(crate) fn has_gaps(&self) -> bool {
        self.bad_rows > 0 || self.too_long > 0 || self.unfinished > 0 || self.late > 0
    }
}

impl Summary {
    /// Where the first bad rows are: ` (a.log: line 2, 7; b.log: line 1, ...)`.
    fn write_bad_lines(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.bad_lines.is_empty() {
            return Ok(());
        }
        let mut before: Option<&BadRow> = None;
        for row in &self.bad_lines {
            let is_same = before.is_some_and(|before| before.input == row.input);
            f.write_str(match before {
                None => " (",
                Some(_) if is_same => ", ",
                Some(_) => "; ",
            })?;
            if !is_same {
                let input = row.input.iter();
                input.clone().try_for_each(|input| write!(f, "{input}: "))?;
                f.write_str("line ")?;
            }
            write!(f, "{}", Grouped(row.number.unsigned_abs()))?;
            before = Some(row);
        }
        let is_more = self.bad_rows > self.bad_lines.len() as u64;
        f.write_str(if is_more { ", ...)" } else { ")" })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_interrupted {
            f.write_str("interrupted: ")?;
        }
        write!(
            f,
            "{} rows read, {} out",
            Grouped(self.rows_read),
            Grouped(self.rows_written)
        )?;
        if self.bad_rows > 0 {
            write!(f, ", {} bad", Grouped(self.bad_rows))?;
            self.write_bad_lines(f)?;
        }
        for format in &self.not_of {
            write!(f, ", none of them {format}")?;
        }
        if self.too_long > 0 {
            write!(f, ", {} too long", Grouped(self.too_long))?;
        }
        if self.late > 0 {
            write!(f, ", {} late", Grouped(self.late))?;
        }
        if self.unfinished > 0 {
            write!(
                f,
                ", an unfinished line of {} left out",
                Bytes(self.unfinished as f64)
            )?;
        }
        if self.not_finite > 0 {
            write!(f, ", {} infinite or NaN as null", Grouped(self.not_finite))?;
        }
        let seconds = self.time.as_secs_f64();
        write!(f, ", {seconds:.2} s")?;
        if self.bytes_read > 0 && seconds > 0.0 {
            write!(f, ", {}/s", Bytes(self.bytes_read as f64 / seconds))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said() {
        let summary = Summary {
            rows_read: 1_234_567,
            rows_written: 12,
            bytes_read: 50_000_000,
            time: Duration::from_millis(500),
            ..Summary::default()
        };
        assert!(!summary.is_news());
        assert_eq!(
            summary.to_string(),
            "1_234_567 rows read, 12 out, 0.50 s, 100 MB/s"
        );
        let summary = Summary {
            bad_rows: 3,
            bad_lines: [2, 1000].map(|number| BadRow { input: None, number }).to_vec(),
            too_long: 1,
            is_interrupted: true,
            ..summary
        };
        assert!(summary.is_news());
        let expected = "interrupted: 1_234_567 rows read, 12 out, 3 bad (line 2, 1_000, ...), 1 too long, 0.50 s, 100 MB/s";
        assert_eq!(summary.to_string(), expected);
        let row = |input: &str, number| BadRow {
            input: Some(input.to_owned()),
            number,
        };
        let summary = Summary {
            bad_lines: vec![row("a.log", 2), row("a.log", 7), row("b.log", 1)],
            ..summary
        };
        assert!(
            summary
                .to_string()
                .contains("3 bad (a.log: line 2, 7; b.log: line 1), 1 too long")
        );
    }
}
