//! A network's wiring: for people, for Graphviz, for programs.

use std::fmt::Write;

use cutthrough::{PointReport, Port, ProcessReport, Report};
use cutthrough_control::message::Welcome;
use cutthrough_control::view::Snapshot;

use super::grid::count;
use super::rates::moved;
use super::top::{dropped, modes, point_mode};
use super::{GraphArgs, GraphFormat, Outcome, connect, program_lines, silence_of};

pub(super) fn graph(args: &GraphArgs) -> Outcome {
    let mut client = connect(&args.network)?;
    let snapshot = client.report()?;
    let text = match args.format {
        GraphFormat::Text => text(client.welcome(), &snapshot),
        GraphFormat::Dot => dot(client.welcome(), &snapshot),
        GraphFormat::Json => json(client.welcome(), &snapshot)?,
    };
    Ok(crate::terminal::print(&text)?)
}

fn json(welcome: &Welcome, snapshot: &Snapshot) -> anyhow::Result<String> {
    #[derive(serde::Serialize)]
    struct Whole<'a> {
        welcome: &'a Welcome,
        #[serde(flatten)]
        snapshot: &'a Snapshot,
    }
    Ok(serde_json::to_string_pretty(&Whole { welcome, snapshot })? + "\n")
}

/// Each process with what it writes to, upstream first.
fn text(welcome: &Welcome, snapshot: &Snapshot) -> String {
    let report = &snapshot.network.report;
    let modes = modes(report);
    let mut out = format!("{}: {}\n", welcome.name, program_lines(welcome).join("\n  "));
    if let Some(doing) = silence_of(snapshot) {
        let _ = writeln!(out, "{doing}; this is {} ms old", snapshot.age_ms);
    }
    for process in &report.processes {
        let mode = modes
            .get(&process.id)
            .map_or_else(String::new, |mode| format!(", {mode}"));
        let _ = writeln!(
            out,
            "{} ({}{mode}){}",
            process.name,
            process.status,
            counts(process)
        );
        for point in written(report, process) {
            let mode = match point_mode(report, point) {
                mode if mode.is_empty() => mode,
                mode => format!(", {mode}"),
            };
            let _ = writeln!(
                out,
                "  -> flow point {}: {}, {} in, {} out{}{mode}, {}",
                point.name,
                point.element,
                count(point.put),
                count(point.taken),
                held_and_lost(point),
                point.waits
            );
            for reader in &point.readers {
                let _ = writeln!(out, "     -> {}", name_of(report, &reader.0));
            }
        }
    }
    out
}

fn counts(process: &ProcessReport) -> String {
    let mut text = String::new();
    if !process.inputs.is_empty() {
        let _ = write!(text, ", {} in", count(moved(&process.inputs)));
    }
    if !process.outputs.is_empty() {
        let _ = write!(text, ", {} out", count(moved(&process.outputs)));
    }
    if process.held > 0 {
        let _ = write!(text, ", {} held", count(process.held));
    }
    if dropped(process) > 0 {
        for (policy, dropped) in process.dropped.iter().filter(|(_, dropped)| *dropped > 0) {
            let _ = write!(text, ", {} {policy}", count(*dropped));
        }
    }
    text
}

fn held_and_lost(point: &PointReport) -> String {
    let mut text = String::new();
    if point.in_deal > 0 {
        let _ = write!(text, ", {} held", count(point.in_deal));
    }
    if point.lost > 0 {
        let _ = write!(text, ", {} lost", count(point.lost));
    }
    text
}

/// The flow points that a process writes to.
fn written<'r>(report: &'r Report, process: &'r ProcessReport) -> impl Iterator<Item = &'r PointReport> {
    let points = process.outputs.iter().filter_map(|edge| edge.point);
    points.filter_map(|id| report.points.iter().find(|point| point.id == id))
}

fn name_of<'r>(report: &'r Report, port: &Port) -> &'r str {
    let process = report.processes.iter().find(|process| process.id == port.process);
    process.map_or("(left out)", |process| process.name.as_str())
}

/// Boxes for processes, circles for flow points; native code is filled.
fn dot(welcome: &Welcome, snapshot: &Snapshot) -> String {
    let report = &snapshot.network.report;
    let modes = modes(report);
    let mut out = format!("digraph \"{}\" {{\n  rankdir=LR;\n", escape(&welcome.name));
    for (k, process) in report.processes.iter().enumerate() {
        let mode = modes.get(&process.id);
        let style = if mode.is_some_and(|mode| mode.is_native()) {
            ", style=filled, fillcolor=palegreen"
        } else {
            ""
        };
        let mode = mode.map_or_else(String::new, |mode| format!("\n{mode}"));
        let label = format!("{}{}{mode}", process.name, counts(process));
        let _ = writeln!(out, "  p{k} [shape=box, label=\"{}\"{style}];", escape(&label));
    }
    for (k, point) in report.points.iter().enumerate() {
        let label = format!("{}{}", point.name, held_and_lost(point));
        let style = if point.polymorphic.is_some() {
            ", peripheries=2"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  f{k} [shape=ellipse, label=\"{}\"{style}];",
            escape(&label)
        );
        for (p, process) in report.processes.iter().enumerate() {
            for edge in process.outputs.iter().filter(|edge| edge.point == Some(point.id)) {
                let _ = writeln!(out, "  p{p} -> f{k} [label=\"{}\"];", count(edge.moved));
            }
            for edge in process.inputs.iter().filter(|edge| edge.point == Some(point.id)) {
                let _ = writeln!(out, "  f{k} -> p{p} [label=\"{}\"];", count(edge.moved));
            }
        }
    }
    out + "}\n"
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
