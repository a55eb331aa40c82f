//! The jobs: what each is called, what it reads, and what our command and the program by hand are
//! told. What the other tools are told stands in [`tools`](super::tools).

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::data;
use super::hand::Job;
use super::tools::Tools;
use crate::programs::{Form, Program};

pub(super) struct Case {
    pub(super) name: String,
    pub(super) rows: u64,
    /// How answers are compared.
    pub(super) form: Form,
    file: PathBuf,
    job: What,
}

#[derive(Clone, Copy)]
pub(super) enum What {
    /// Least, mean and greatest by station.
    Stations,
    /// Of responses in a log that are errors of the server, how many and how many bytes by path.
    ServerErrors,
    /// The same in JSON: how many and their mean duration by service.
    JsonErrors,
    /// How many lines have a word.
    Word,
    /// The thousand responses with most bytes.
    Largest,
    /// All rows, by a number.
    Sort,
    /// How many paths there are.
    DistinctPaths,
    /// How many lines there are, each counted once.
    DistinctTexts,
    /// Rows with a header, as JSON.
    CsvToJson,
}

/// All jobs; on a tenth of the rows if it is to be quick.
pub(super) fn all(quick: bool) -> Result<Vec<Case>> {
    let part = if quick { 10 } else { 1 };
    let (rows, lines) = (10_000_000 / part, 2_000_000 / part);
    let mut cases = Vec::new();
    let mut add = |name: &str, rows, form, file: &Path, job| {
        cases.push(Case {
            name: name.to_owned(),
            rows,
            form,
            file: file.to_owned(),
            job,
        });
    };
    for stations in [413, 10_000] {
        let file = data::stations(rows, stations)?;
        add(
            &format!("stations-{stations}"),
            rows,
            Form::Rows,
            &file,
            What::Stations,
        );
    }
    let log = data::access_log(lines)?;
    add("server-errors", lines, Form::Rows, &log, What::ServerErrors);
    add(
        "json-errors",
        lines,
        Form::Rows,
        &data::json(lines)?,
        What::JsonErrors,
    );
    add("word", lines, Form::Rows, &log, What::Word);
    add("largest", lines, Form::Rows, &log, What::Largest);
    let orders = data::orders(lines)?;
    add("sort", lines, Form::Ordered, &orders, What::Sort);
    add("distinct-paths", lines, Form::Rows, &log, What::DistinctPaths);
    add(
        "distinct-texts",
        lines,
        Form::Rows,
        &data::texts(lines)?,
        What::DistinctTexts,
    );
    add("csv-to-json", lines, Form::Json, &orders, What::CsvToJson);
    let small = data::access_log(1_000)?;
    add("small-log", 1_000, Form::Rows, &small, What::ServerErrors);
    Ok(cases)
}

impl Case {
    /// Ours first, then the program by hand, then those of the others that are there.
    pub(super) fn programs(&self, cutthrough: &Path, tools: &Tools) -> Result<Vec<Program>> {
        let file = self.file.display().to_string();
        let ours = cutthrough.display().to_string();
        let this = std::env::current_exe()?.display().to_string();
        let mut programs = vec![
            Program::new("ours", [ours.as_str(), "-q", self.ours(), &file]),
            Program::new("hand", [this.as_str(), "hand", &self.by_hand().name(), &file]),
        ];
        programs.extend(tools.programs(self.job, &file));
        Ok(programs)
    }

    fn ours(&self) -> &'static str {
        match self.job {
            What::Stations => {
                "parse csv(sep=\";\", columns=\"station:text,temp:float\", header=false) | summarize min(temp), avg(temp), max(temp) by station"
            }
            What::ServerErrors => {
                "parse clf | where status >= 500 | summarize n = count(), b = sum(bytes) by path"
            }
            What::JsonErrors => {
                "parse json | where status >= 500 | summarize n = count(), ms = avg(ms) by service"
            }
            What::Word => "where line contains \"/items/42 \" | summarize count()",
            What::Largest => "parse clf | select bytes | top 1000 by bytes",
            What::Sort => "parse csv | sort amount",
            What::DistinctPaths => "parse clf | distinct path | summarize count()",
            What::DistinctTexts => "distinct line | summarize count()",
            What::CsvToJson => "parse csv | write stdout as json",
        }
    }

    fn by_hand(&self) -> Job {
        match self.job {
            What::Stations => Job::Stations,
            What::ServerErrors => Job::ServerErrors,
            What::JsonErrors => Job::JsonErrors,
            What::Word => Job::Word,
            What::Largest => Job::Largest,
            What::Sort => Job::Sort,
            What::DistinctPaths => Job::DistinctPaths,
            What::DistinctTexts => Job::DistinctTexts,
            What::CsvToJson => Job::CsvToJson,
        }
    }
}
