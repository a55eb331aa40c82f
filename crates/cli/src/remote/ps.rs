//! Which networks run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cutthrough_control::message::Welcome;
use cutthrough_control::view::Snapshot;
use cutthrough_control::{Client, Directory};

use super::grid::{Grid, rate};
use super::rates::{BETWEEN_LOOKS, Rates};
use super::{Outcome, program_lines, silence_of};
use crate::terminal;

pub(super) fn ps() -> Outcome {
    let directory = Directory::of_user()?;
    let mut found = Vec::new();
    for name in directory.names()? {
        match Client::connect(&directory, &name) {
            Ok(mut client) => {
                let first = client.report().ok();
                found.push((name, Ok((client, first))));
            }
            Err(problem) => found.push((name, Err(problem.to_string()))),
        }
    }
    if found.iter().any(|(_, found)| found.is_ok()) {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    let mut grid = Grid::new(&["NAME", ">PID", ">UP", ">ELEMENTS/S", "PROGRAM"]);
    for (name, found) in found {
        match found {
            Ok((mut client, first)) => {
                let second = client.report().ok();
                let speed = speed(first.as_ref(), second.as_ref());
                let welcome = client.welcome();
                let mut lines = program_lines(welcome).into_iter();
                let first = lines.next().unwrap_or_default();
                grid.row([name, welcome.pid.to_string(), up(welcome), speed, first]);
                for line in lines {
                    let nothing = String::new;
                    grid.row([nothing(), nothing(), nothing(), nothing(), line]);
                }
            }
            Err(problem) => grid.row([name, "-".to_owned(), "-".to_owned(), "-".to_owned(), problem]),
        }
    }
    let lines = grid.lines(terminal::stdout_columns());
    Ok(crate::terminal::print(&(lines.join("\n") + "\n"))?)
}

fn speed(first: Option<&Snapshot>, second: Option<&Snapshot>) -> String {
    let (Some(first), Some(second)) = (first, second) else {
        return "-".to_owned();
    };
    silence_of(second).unwrap_or_else(|| rate(Rates::between(first, second).elements))
}

/// For how long a network has been running.
pub(super) fn up(welcome: &Welcome) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let up = now
        .saturating_sub(Duration::from_millis(welcome.since_unix_ms))
        .as_secs();
    match up {
        0..60 => format!("{up}s"),
        60..3600 => format!("{}m{:02}s", up / 60, up % 60),
        3600..86_400 => format!("{}h{:02}m", up / 3600, up % 3600 / 60),
        _ => format!("{}d{:02}h", up / 86_400, up % 86_400 / 3600),
    }
}
