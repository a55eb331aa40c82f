//! What passes a flow point.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use cutthrough::PointReport;
use cutthrough_control::client::{Message, Sender};
use cutthrough_control::limits::STALL_MS;
use cutthrough_control::message::{Flows, ProblemKind, Request, Response, TapEnd, TapRequest};
use cutthrough_control::{Client, ErrorKind};
use cutthrough_lang::ast::OutputFormat;

use super::grid::{Grid, count, cut, rate};
use super::rates::{BETWEEN_LOOKS, Rates};
use super::{Outcome, Patient, TapArgs, connect, unexpected};
use crate::activity::Activity;
use crate::end::End;
use crate::files::write_all_waiting;
use crate::interrupt::{Interrupt, on_signals};
use crate::terminal::{self, Screen};

pub(super) fn tap(args: &TapArgs) -> Outcome {
    let mut client = connect(&args.network)?;
    let Some(flow) = &args.flow else {
        return list(&mut client);
    };
    let is_table = args.every.is_some() || io::stdout().is_terminal();
    let format = args
        .format
        .map(OutputFormat::name)
        .or(is_table.then_some("table"));
    let request = TapRequest {
        flow: flow.clone(),
        pipeline: args.pipeline.clone(),
        complete: args.complete,
        format: format.map(str::to_owned),
    };
    if let Some(every) = args.every {
        return again_and_again(args, client, request, every);
    }
    stop_when_interrupted(client.sender())?;
    client.send(&Request::Tap(request))?;
    let patient = Patient::new(&client, &args.wait, "the tap is attached");
    let (end, lines) = follow(&mut client, patient)?;
    let Some(end) = end else {
        return Ok(End::Done);
    };
    let exactly = if args.complete { ", complete" } else { "" };
    terminal::say(&format!(
        "tap: {} seen, {} missed, {} written{exactly}{}\n",
        count(end.seen),
        count(end.missed),
        count(end.written),
        match end.failure {
            // What came out of the tap has not all come here.
            Some(_) => format!("; {} lines came", count(lines)),
            None => String::new(),
        }
    ));
    match end.failure {
        Some(failure) => Err(anyhow!("the tap has failed: {failure}").into()),
        None => Ok(End::Done),
    }
}

/// Taps for so long each, and shows what the last one gave, until the user has seen enough, nobody
/// reads it any more, or the network has ended.
fn again_and_again(args: &TapArgs, mut client: Client, request: TapRequest, every: Duration) -> Outcome {
    let interrupt = Interrupt::new()?;
    interrupt.listen(&Activity::default())?;
    let is_page = io::stdout().is_terminal() && io::stdin().is_terminal();
    let screen = is_page.then(Screen::enter).transpose().context("the terminal")?;
    let mut has_shown = false;
    let last_words = loop {
        let begin = Instant::now();
        let (printed, end) = match once(&mut client, &request, every, args, &interrupt) {
            Ok(Some(found)) => found,
            Ok(None) if has_shown => break None,
            Ok(None) => break Some(anyhow!("`{}` has ended", client.welcome().name)),
            Err(super::Failure::Failed(error)) if !interrupt.is_requested() => break Some(error),
            Err(failure) if !interrupt.is_requested() => {
                drop(screen);
                return Err(failure);
            }
            Err(_) => break None,
        };
        if let Some(failure) = end.failure {
            break Some(anyhow!("the tap has failed: {failure}"));
        }
        let left = every.saturating_sub(begin.elapsed());
        let key = match &screen {
            Some(screen) => {
                draw(screen, &printed, &end).context("the terminal")?;
                screen.key(left, interrupt.woken())
            }
            None => {
                // Tables stand apart; rows of other formats follow each other.
                let gap = if is_table_of(&request) { "\n" } else { "" };
                if !terminal::print_to_reader(&format!("{printed}{gap}"))? {
                    break None;
                }
                pause(&mut client, left, &interrupt)?;
                None
            }
        };
        has_shown = true;
        if interrupt.is_requested() || matches!(key, Some(b'q' | b'Q' | 0x1b)) {
            break None;
        }
    };
    drop(screen);
    match last_words {
        Some(words) => Err(words.into()),
        None => Ok(End::Done),
    }
}

fn is_table_of(request: &TapRequest) -> bool {
    request.format.as_deref() == Some(OutputFormat::Table.name())
}

/// Waits between two tables, until the network ends or the user asks to stop.
fn pause(client: &mut Client, left: Duration, interrupt: &Interrupt) -> Result<(), super::Failure> {
    let until = Instant::now() + left;
    while Instant::now() < until && !interrupt.is_requested() {
        let left = until.saturating_duration_since(Instant::now());
        match client.receive(Some(left.min(LOOK))) {
            Ok(None) => {}
            Ok(Some(Message::Response(Response::Error(problem)))) => {
                return Err(cutthrough_control::client::RequestError::from(problem).into());
            }
            Ok(Some(_)) => return Err(unexpected()),
            // The next tap finds out.
            Err(_) => break,
        }
    }
    Ok(())
}

/// What a tap gives in so long, and what it came to; nothing when the network has ended before
/// the tap was attached.
fn once(
    client: &mut Client,
    request: &TapRequest,
    every: Duration,
    args: &TapArgs,
    interrupt: &Interrupt,
) -> Result<Option<(String, TapEnd)>, super::Failure> {
    client.send(&Request::Tap(request.clone()))?;
    let mut patient = Patient::new(client, &args.wait, "the tap is attached");
    let (mut printed, mut until) = (Vec::new(), Some(Instant::now() + every));
    let mut is_attached = false;
    loop {
        // A look at the interrupt in between, so that it ends soon.
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let wait = left.unwrap_or(LOOK).min(LOOK);
        let message = match client.receive(Some(wait)) {
            Ok(message) => message,
            Err(error) if error.kind() == ErrorKind::NotThere && !is_attached => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match message {
            Some(Message::Bytes(bytes)) => printed.extend_from_slice(&bytes),
            Some(Message::Response(Response::TapEnd(end))) => {
                return Ok(Some((String::from_utf8_lossy(&printed).into_owned(), end)));
            }
            Some(Message::Response(Response::Error(problem))) => {
                return Err(cutthrough_control::client::RequestError::from(problem).into());
            }
            Some(Message::Response(interim)) if interim.is_interim() => {
                is_attached |= matches!(interim, Response::Tapped(_));
                patient.note(&interim);
            }
            None if until.is_some_and(|until| interrupt.is_requested() || Instant::now() >= until) => {
                until = None;
                client.send(&Request::Stop)?;
            }
            None => {}
            Some(_) => return Err(unexpected()),
        }
    }
}

/// How long a live table goes without looking whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

fn draw(screen: &Screen, printed: &str, end: &TapEnd) -> io::Result<()> {
    let (columns, rows) = terminal::stdout_size().unwrap_or((80, 24));
    let mut lines: Vec<String> = printed.lines().map(|line| cut(line, columns)).collect();
    lines.truncate(rows.saturating_sub(2));
    let counts = format!("{} seen, {} missed; q ends", count(end.seen), count(end.missed));
    lines.push(cut(&counts, columns));
    screen.draw(&lines)
}

/// The flow points, with what passes them and what their columns are.
fn list(client: &mut Client) -> Outcome {
    let first = client.report()?;
    std::thread::sleep(BETWEEN_LOOKS);
    let second = client.report()?;
    let Response::Flows(Flows { flows }) = client.request(&Request::Flows, |_| true)? else {
        return Err(unexpected());
    };
    let rates = Rates::between(&first, &second);
    let points = &second.network.report.points;
    let mut grid = Grid::new(&["FLOW POINT", ">ELEMENTS", ">/S", "COLUMNS"]);
    let mut row = |point: &PointReport, columns: String| {
        let rate_of = rates.points.get(&point.id).copied();
        grid.row([point.name.clone(), count(point.put), rate(rate_of), columns]);
    };
    // A network without a program text knows the types of its elements only.
    if flows.is_empty() {
        points.iter().for_each(|point| row(point, point.element.clone()));
    }
    for flow in &flows {
        let columns = flow.columns.iter().map(|(name, ty)| format!("{name}: {ty}"));
        if let Some(point) = points.iter().find(|point| point.name == flow.name) {
            row(point, columns.collect::<Vec<String>>().join(", "));
        }
    }
    let lines = grid.lines(terminal::stdout_columns());
    Ok(terminal::print(&(lines.join("\n") + "\n"))?)
}

/// Writes what comes out; what the tap came to, unless nobody reads it any more, and how many lines came.
fn follow(client: &mut Client, mut patient: Patient) -> Result<(Option<TapEnd>, u64), super::Failure> {
    let mut lines = 0;
    // As long as the tap is not attached.
    let mut until = patient.patience().map(|patience| Instant::now() + patience);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let message = client.receive(left).map_err(|error| {
            anyhow!(
                "{error} before the end of the tap: the run was ended at once, or nothing was taken here for {} s",
                STALL_MS / 1000
            )
        })?;
        match message {
            Some(Message::Bytes(bytes)) => match write_all_waiting(io::stdout(), &bytes) {
                // The network detaches the tap when the connection is gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok((None, lines)),
                outcome => {
                    outcome.context("standard output")?;
                    lines += memchr::memchr_iter(b'\n', &bytes).count() as u64;
                }
            },
            Some(Message::Response(Response::TapEnd(end))) => return Ok((Some(end), lines)),
            None if until.take().is_some() => client.send(&Request::Stop)?,
            Some(Message::Response(Response::Error(problem))) if problem.kind == ProblemKind::Withdrawn => {
                // By the user, or for want of patience.
                return if until.is_some() || patient.waits {
                    Ok((None, lines))
                } else {
                    Err(patient.gave_up())
                };
            }
            Some(Message::Response(Response::Error(problem))) => {
                return Err(cutthrough_control::client::RequestError::from(problem).into());
            }
            Some(Message::Response(interim)) if interim.is_interim() => {
                if matches!(interim, Response::Tapped(_)) {
                    until = None;
                }
                patient.note(&interim);
            }
            _ => return Err(unexpected()),
        }
    }
}

/// The first signal detaches the tap, and what its pipeline holds comes out; the second
/// ends the OS process.
fn stop_when_interrupted(sender: Sender) -> anyhow::Result<()> {
    let asked = AtomicBool::new(false);
    let on_signal = move |signal| {
        if asked.swap(true, Ordering::Relaxed) || sender.send(&Request::Stop).is_err() {
            std::process::exit(End::Interrupted(signal).code());
        }
    };
    on_signals(on_signal)
}
