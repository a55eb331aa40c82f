//! Whole OS processes that do the same job, in turn.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// One way to do a job: a program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<String>,
}

impl Program {
    pub(crate) fn new<S: Into<String>>(name: &'static str, command: impl IntoIterator<Item = S>) -> Program {
        Program {
            name,
            command: command.into_iter().map(Into::into).collect(),
        }
    }

    /// Runs it; what it prints goes into a file.
    fn run(&self, output: &Path) -> Result<Duration> {
        let (program, arguments) = self.command.split_first().context("an empty command")?;
        let output = File::create(output)?;
        let start = Instant::now();
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .status()
            .with_context(|| format!("cannot start {program}"))?;
        let time = start.elapsed();
        ensure!(status.success(), "{}: {status}", self.name);
        Ok(time)
    }
}

/// What a program took, the median, and its answer.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) time: Duration,
    /// Whether its answer is that of the first program.
    pub(crate) agrees: bool,
}

/// Runs all programs so many times, each once in every round; one round more comes first, which is
/// not counted: its answers are compared.
pub(crate) fn take_turns(programs: &[Program], form: Form, rounds: usize) -> Result<Vec<Outcome>> {
    let output = std::env::temp_dir().join(format!("cutthrough-peers-{}", std::process::id()));
    let outcomes = turns(programs, form, rounds, &output);
    // What cannot be removed is a temporary file.
    let _ = std::fs::remove_file(&output);
    outcomes
}

fn turns(programs: &[Program], form: Form, rounds: usize, output: &Path) -> Result<Vec<Outcome>> {
    let mut times = vec![Vec::with_capacity(rounds); programs.len()];
    let mut agree = Vec::with_capacity(programs.len());
    let mut first = None;
    for program in programs {
        program.run(output)?;
        let answer = Answer::of(&std::fs::read(output)?, form);
        agree.push(first.get_or_insert_with(|| answer.clone()).agrees(&answer));
    }
    for _ in 0..rounds {
        for (program, times) in programs.iter().zip(&mut times) {
            times.push(program.run(output)?);
        }
    }
    let outcomes = programs.iter().zip(times).zip(agree);
    let outcomes = outcomes.map(|((program, mut times), agrees)| {
        times.sort_unstable();
        Outcome {
            name: program.name,
            time: times[times.len() / 2],
            agrees,
        }
    });
    Ok(outcomes.collect())
}

/// What an answer looks like, and what of it is the same in all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Cells between tabs. Which row comes first is nobody's promise.
    Rows,
    /// The same, in their order.
    Ordered,
    /// An object in each line, in their order.
    Json,
}

/// The rows of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    rows: Vec<Vec<String>>,
}

impl Answer {
    fn of(text: &[u8], form: Form) -> Answer {
        let text = String::from_utf8_lossy(text);
        let rows = text.lines().map(|line| match form {
            Form::Rows | Form::Ordered => line.split('\t').map(|cell| cell.trim().to_owned()).collect(),
            Form::Json => members(line),
        });
        let mut rows: Vec<Vec<String>> = rows.collect();
        if let Form::Rows = form {
            rows.sort();
        }
        Answer { rows }
    }

    /// Whether both say the same; numbers as far as a sum in another order can differ.
    fn agrees(&self, other: &Answer) -> bool {
        let same_cell = |(a, b): (&String, &String)| {
            a == b
                || matches!((a.parse::<f64>(), b.parse::<f64>()),
                    (Ok(a), Ok(b)) if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0))
        };
        let same_row =
            |(a, b): (&Vec<String>, &Vec<String>)| a.len() == b.len() && a.iter().zip(b).all(same_cell);
        self.rows.len() == other.rows.len()
            && !self.rows.is_empty()
            && self.rows.iter().zip(&other.rows).all(same_row)
    }
}

/// The names of an object and their values; what is no object is as it is.
fn members(line: &str) -> Vec<String> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line) {
        Ok(object) => object
            .into_iter()
            .flat_map(|(name, value)| [name, value.to_string()])
            .collect(),
        Err(_) => vec![line.to_owned()],
    }
}
