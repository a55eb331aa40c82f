//! What passes a flow point.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, anyhow};
use cutthrough::PointReport;
use cutthrough_control::Client;
use cutthrough_control::client::{Message, Sender};
use cutthrough_control::limits::STALL_MS;
use cutthrough_control::message::{Flows, ProblemKind, Request, Response, TapEnd, TapRequest};
use cutthrough_lang::ast::OutputFormat;

use super::grid::{Grid, count, rate};
use super::rates::{BETWEEN_LOOKS, Rates};
use super::{Outcome, Patient, TapArgs, connect, unexpected};
use crate::end::End;
use crate::interrupt::on_signals;
use crate::terminal;

pub(super) fn tap(args: &TapArgs) -> Outcome {
    let mut client = connect(&args.network)?;
    let Some(flow) = &args.flow else {
        return list(&mut client);
    };
    let format = args.format.map(OutputFormat::name).or_else(|| {
        use std::io::IsTerminal;
        io::stdout().is_terminal().then_some("table")
    });
    let request = TapRequest {
        flow: flow.clone(),
        pipeline: args.pipeline.clone(),
        complete: args.complete,
        format: format.map(str::to_owned),
    };
    stop_when_interrupted(client.sender())?;
    client.send(&Request::Tap(request))?;
    let patient = Patient::new(&client, &args.wait, "the tap is attached");
    let end = follow(&mut client, patient)?;
    let Some(end) = end else {
        return Ok(End::Done);
    };
    let exactly = if args.complete { ", complete" } else { "" };
    terminal::say(&format!(
        "tap: {} seen, {} missed, {} written{exactly}\n",
        count(end.seen),
        count(end.missed),
        count(end.written)
    ));
    match end.failure {
        Some(failure) => Err(anyhow!("the tap has failed: {failure}").into()),
        None => Ok(End::Done),
    }
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
    Ok(crate::terminal::print(&(lines.join("\n") + "\n"))?)
}

/// Writes what comes out; what the tap came to, unless nobody reads it any more.
fn follow(client: &mut Client, mut patient: Patient) -> Result<Option<TapEnd>, super::Failure> {
    let mut stdout = io::stdout().lock();
    // As long as the tap is not attached.
    let mut until = patient.patience().map(|patience| Instant::now() + patience);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let message = client.receive(left).map_err(|error| {
            anyhow!(
                "{error}; it ends a tap for which nothing is taken for {} s",
                STALL_MS / 1000
            )
        })?;
        match message {
            Some(Message::Bytes(bytes)) => match stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
                // The network detaches the tap when the connection is gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
                outcome => outcome.context("standard output")?,
            },
            Some(Message::Response(Response::TapEnd(end))) => return Ok(Some(end)),
            None if until.take().is_some() => client.send(&Request::Stop)?,
            Some(Message::Response(Response::Error(problem))) if problem.kind == ProblemKind::Withdrawn => {
                // By the user, or for want of patience.
                return if until.is_some() || patient.waits {
                    Ok(None)
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
