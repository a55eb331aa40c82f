//! One network, as it runs.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use cutthrough::{ChainReport, Mode, PointReport, ProcessId, ProcessReport, Report};
use cutthrough_control::Client;
use cutthrough_control::client::RequestError;
use cutthrough_control::view::Snapshot;

use super::grid::{Grid, count, cut, rate};
use super::rates::{Rates, moved};
use super::why::why;
use super::{Failure, Outcome, TopArgs, connect, program_lines, ps, silence_of};
use crate::activity::Activity;
use crate::end::End;
use crate::interrupt::Interrupt;
use crate::terminal::{self, Screen};
use crate::units::Bytes;

/// What is between the two looks that a single table is made of.
const ONCE_BETWEEN: Duration = Duration::from_millis(500);

/// Invalidations that are listed.
const INVALIDATIONS_SHOWN: usize = 5;

pub(super) fn top(args: &TopArgs) -> Outcome {
    let mut client = connect(&args.network)?;
    let first = client.report()?;
    if args.once || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        std::thread::sleep(ONCE_BETWEEN);
        let second = client.report()?;
        let lines = page(&client, &first, &second, terminal::stdout_columns());
        return Ok(crate::terminal::print(&(lines.join("\n") + "\n"))?);
    }
    live(client, first, Duration::from_secs_f64(args.every))
}

/// Draws until the user has seen enough, or the network has ended.
fn live(mut client: Client, first: Snapshot, every: Duration) -> Outcome {
    let interrupt = Interrupt::new()?;
    interrupt.listen(&Activity::default())?;
    let screen = Screen::enter().context("the terminal")?;
    let (mut before, mut wait) = (first, ONCE_BETWEEN);
    let last_words = loop {
        match screen.key(wait, interrupt.woken()) {
            Some(b'q' | b'Q' | 0x1b) => break None,
            _ if interrupt.is_requested() => break None,
            _ => {}
        }
        wait = every;
        let now = match client.report() {
            Ok(now) => now,
            Err(error @ RequestError::Connection(_)) => break Some(error),
            Err(error) => return Err(error.into()),
        };
        let (columns, rows) = terminal::stdout_size().unwrap_or((80, 24));
        let mut lines = page(&client, &before, &now, Some(columns));
        lines.truncate(rows.saturating_sub(1));
        lines.push(cut("q ends", columns));
        screen.draw(&lines).context("the terminal")?;
        if now.at_us > before.at_us {
            before = now;
        }
    };
    drop(screen);
    if let Some(words) = last_words {
        terminal::say(&format!("{words}\n"));
    }
    Ok(End::Done)
}

/// The page for two reports.
fn page(client: &Client, before: &Snapshot, now: &Snapshot, width: Option<usize>) -> Vec<String> {
    let rates = Rates::between(before, now);
    let report = &now.network.report;
    let mut lines = heading(client, before, now, &rates);
    lines.push(String::new());
    lines.extend(processes(report, &rates, width));
    lines.push(String::new());
    lines.extend(points(now, &rates, width));
    lines.push(String::new());
    lines.extend(footing(now));
    if let Some(width) = width {
        lines.iter_mut().for_each(|line| *line = cut(line, width));
    }
    lines
}

/// What the network is and how fast, and why it is so fast; then its program.
fn heading(client: &Client, before: &Snapshot, now: &Snapshot, rates: &Rates) -> Vec<String> {
    let welcome = client.welcome();
    let state = match silence_of(now) {
        Some(doing) => {
            let bytes = now.activity.as_ref().map_or_else(String::new, |activity| {
                let [read, written] =
                    [activity.bytes_read, activity.bytes_written].map(|bytes| Bytes(bytes as f64));
                format!("; {read} read, {written} written")
            });
            format!(
                "stuck {doing}{bytes}; what follows is {:.1} s old",
                now.age_ms as f64 / 1000.0
            )
        }
        None => {
            let why = why(before, now).map_or_else(String::new, |why| format!("  {why}"));
            format!("{} elements/s{why}", rate(rates.elements))
        }
    };
    let up = ps::up(welcome);
    let mut lines = vec![format!("{}  pid {}  up {up}  {state}", welcome.name, welcome.pid)];
    lines.extend(program_lines(welcome));
    lines
}

fn processes(report: &Report, rates: &Rates, width: Option<usize>) -> Vec<String> {
    let mut grid = Grid::new(&[
        "PROCESS", "STATE", ">IN", ">OUT", ">/S", ">HELD", ">DROPPED", "MODE",
    ]);
    let modes = modes(report);
    for process in &report.processes {
        let edge = |edges: &[cutthrough::EdgeReport]| match edges {
            [] => "-".to_owned(),
            edges => count(moved(edges)),
        };
        let mode = modes
            .get(&process.id)
            .map_or_else(String::new, |mode| mode_text(mode));
        grid.row([
            process.name.clone(),
            process.status.to_string(),
            edge(&process.inputs),
            edge(&process.outputs),
            rate(rates.processes.get(&process.id).copied()),
            count(process.held),
            count(dropped(process)),
            mode,
        ]);
    }
    grid.lines(width)
}

fn points(now: &Snapshot, rates: &Rates, width: Option<usize>) -> Vec<String> {
    let mut grid = Grid::new(&[
        "FLOW POINT",
        ">IN",
        ">OUT",
        ">/S",
        ">HELD",
        ">LOST",
        "WHO WAITS",
        "MODE",
    ]);
    let report = &now.network.report;
    for point in &report.points {
        grid.row([
            point.name.clone(),
            count(point.put),
            count(point.taken),
            rate(rates.points.get(&point.id).copied()),
            count(point.in_deal),
            count(point.lost),
            point.waits.to_string(),
            point_mode(report, point),
        ]);
    }
    grid.lines(width)
}

fn footing(now: &Snapshot) -> Vec<String> {
    let report = &now.network.report;
    let agreement = match &now.network.miscounted {
        None => "conserved: in = out + held + dropped, at every process and flow point".to_owned(),
        Some(what) => format!("MISCOUNTED: {what}"),
    };
    let counts = &report.specialisations;
    let causes = report
        .causes
        .iter()
        .map(|(cause, count)| format!("{cause} {count}"));
    let causes = match causes.collect::<Vec<String>>().join(", ") {
        causes if causes.is_empty() => causes,
        causes => format!(" ({causes})"),
    };
    let mut lines = vec![
        agreement,
        format!(
            "chains: {} compiled, {} refused, {} too late, {} dropped{causes}",
            counts.compiled, counts.refused, counts.stale, counts.invalidated
        ),
    ];
    let latest = report.invalidations.iter().rev().take(INVALIDATIONS_SHOWN);
    lines.extend(latest.map(|invalidation| format!("dropped {invalidation}")));
    if now.network.left_out > 0 {
        lines.push(format!(
            "{} more processes, points and chains",
            count(now.network.left_out as u64)
        ));
    }
    lines
}

/// How each process is executed: by the chain that it is the root of, or else the first
/// that it is in.
pub(super) fn modes(report: &Report) -> HashMap<ProcessId, &Mode> {
    let mut modes = HashMap::new();
    for chain in &report.chains {
        for process in &chain.processes {
            modes.entry(*process).or_insert(&chain.mode);
        }
    }
    for chain in &report.chains {
        modes.insert(chain.root, &chain.mode);
    }
    modes
}

/// How elements pass a flow point.
pub(super) fn point_mode(report: &Report, point: &PointReport) -> String {
    let chains = report
        .chains
        .iter()
        .filter(|chain: &&ChainReport| chain.points.contains(&point.id) || chain.ends_at.contains(&point.id));
    let mode = chains.map(|chain| mode_text(&chain.mode)).next();
    match (&point.polymorphic, mode) {
        (Some(why), _) => why.to_string(),
        (None, Some(mode)) => mode,
        (None, None) => String::new(),
    }
}

fn mode_text(mode: &Mode) -> String {
    match mode {
        // The size is the chain's; it would stand here once for each member.
        Mode::Native(tier, _) => format!("native ({tier})"),
        other => other.to_string(),
    }
}

pub(super) fn dropped(process: &ProcessReport) -> u64 {
    process.dropped.iter().map(|(_, count)| count).sum()
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Failed(error.into())
    }
}
