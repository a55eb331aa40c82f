//! Processes that do the same job, in turn.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// One way to do a job: a program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<String>,
}

impl Contender {
    pub(crate) fn new<S: Into<String>>(
        name: &'static str,
        command: impl IntoIterator<Item = S>,
    ) -> Contender {
        Contender {
            name,
            command: command.into_iter().map(Into::into).collect(),
        }
    }

    fn run(&self) -> Result<(Duration, Vec<u8>)> {
        let (program, arguments) = self.command.split_first().context("an empty command")?;
        let start = Instant::now();
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        let time = start.elapsed();
        ensure!(output.status.success(), "{}: {}", self.name, output.status);
        Ok((time, output.stdout))
    }
}

/// What a contender took, the median, and its answer.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) time: Duration,
    pub(crate) answer: Answer,
}

/// Has all contenders do the job so many times, each once in every round; one round more comes
/// first, which is not counted.
pub(crate) fn hold(contenders: &[Contender], rounds: usize) -> Result<Vec<Outcome>> {
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut answers = Vec::with_capacity(contenders.len());
    for contender in contenders {
        answers.push(Answer::of(&contender.run()?.1));
    }
    for _ in 0..rounds {
        for (contender, times) in contenders.iter().zip(&mut times) {
            times.push(contender.run()?.0);
        }
    }
    let results = contenders.iter().zip(times).zip(answers);
    let results = results.map(|((contender, mut times), answer)| {
        times.sort_unstable();
        Outcome {
            name: contender.name,
            time: times[times.len() / 2],
            answer,
        }
    });
    Ok(results.collect())
}

/// The rows of an answer, in an order of their own: which row comes first is nobody's promise,
/// unless the job is to sort.
#[derive(Debug)]
pub(crate) struct Answer {
    rows: Vec<Vec<String>>,
}

impl Answer {
    fn of(text: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(text);
        let rows = text
            .lines()
            .map(|line| line.split('\t').map(|cell| cell.trim().to_owned()).collect());
        let mut rows: Vec<Vec<String>> = rows.collect();
        rows.sort();
        Answer { rows }
    }

    /// Whether both say the same; numbers as far as a sum in another order can differ.
    pub(crate) fn agrees(&self, other: &Answer) -> bool {
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
