//! One run, from the program's text to the exit code.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use cutthrough::{Network, Options, Progress};
use cutthrough_control::{ErrorKind, Server};
use cutthrough_formats::processes::BadRowsBound;
use cutthrough_lang::{Diagnostic, Environment, Plan, Running, compile};

use crate::args::{Engine, Purpose, Request};
use crate::dump::Stage;
use crate::end::End;
use crate::input::Peeked;
use crate::interrupt::{Interrupt, survive_file_size_limit};
use crate::live::Live;
use crate::progress::Progress as ProgressLine;
use crate::split::{Parts, Split};
use crate::streams::{Shape, Streams, input_of, path_of};
use crate::summary::Summary;
use crate::surroundings::Surroundings;
use crate::terminal;

/// Does what the command line asks for.
pub(crate) fn run(request: &Request) -> anyhow::Result<End> {
    let options = &request.options;
    let (source_name, source) = match request.program.read() {
        Ok(named) => named,
        Err(message) => {
            terminal::complain(options.color, &message);
            return Ok(End::Wrong);
        }
    };
    let show = |diagnostic: &Diagnostic| {
        terminal::say(&diagnostic.render(&source_name, &source, terminal::has_color(options.color)));
    };
    let peeked = Rc::new(Peeked::default());
    let beginnings = peeked.beginnings();
    let mut plan = match compile(&source_name, &source, &environment(request, &peeked)) {
        Ok(plan) => plan,
        Err(diagnostic) => {
            show(&diagnostic);
            return Ok(End::Wrong);
        }
    };
    if !options.quiet {
        let color = terminal::has_color(options.color);
        for warning in plan.warnings() {
            terminal::say(&warning.render_warning(&source_name, &source, color));
        }
    }
    if request.purpose == Purpose::Check {
        return Ok(End::Done);
    }
    plan.set_memory_bytes_max(crate::memory::stage_bytes_max());
    if options.engine == Engine::Interpreter && options.perf.is_some() {
        let message = "--perf is about native code, and the interpreter has none";
        terminal::complain(options.color, message);
        return Ok(End::Wrong);
    }
    let explained = (request.purpose == Purpose::Explain).then(|| explain(&plan));
    let mut network = Network::new(network_options(request)?);
    survive_file_size_limit()?;
    let mut surroundings = Surroundings::new(Interrupt::new()?);
    surroundings.bad_rows_bound = options.bad_rows_max().map(BadRowsBound::new);
    let progress = ProgressLine::new(options.progress());
    let is_rehearsal = explained.is_some() || !options.dump.is_empty();
    let parts = if is_rehearsal { None } else { parts(request, &plan) };
    let shape = Shape {
        format: options.format,
        null: options.null.as_deref().map(Into::into),
    };
    let mut streams = Streams::new(
        shape.clone(),
        surroundings.clone(),
        peeked,
        progress.clone(),
        is_rehearsal,
    )
    .with_border(parts.as_ref().map(Parts::border));
    let running = match plan.build(&mut network, &mut streams) {
        Ok(running) => running,
        Err(error) if error.has_place() => {
            show(&error.diagnostic());
            return Ok(End::Failed);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(explained) = explained {
        let chains = crate::dump::dump(&mut network, &running, &[Stage::Chain])?;
        return terminal::print(&format!("{explained}\n{chains}"));
    }
    if is_rehearsal {
        return terminal::print(&crate::dump::dump(&mut network, &running, &options.dump)?);
    }
    let input_bytes = streams.input_bytes();
    let split = match parts {
        Some(parts) => {
            let options = || network_options(request);
            let Surroundings {
                activity, interrupt, ..
            } = &surroundings;
            Some(parts.start(options, since_1970(), activity, interrupt)?)
        }
        None => None,
    };
    let live = Live::new(
        running,
        streams.into_opened(),
        environment(request, &Rc::default()).inputs,
        beginnings,
        shape,
        surroundings.clone(),
        progress.clone(),
    )
    .with_others(split.as_ref().map(Split::alone));
    let server = match crate::control::serve(request, &source, &mut network, &live, &surroundings) {
        Ok(server) => server,
        Err(error) => {
            terminal::complain(options.color, &error.to_string());
            return Ok(match error.kind() {
                ErrorKind::Name => End::Wrong,
                _ => End::Failed,
            });
        }
    };
    surroundings.interrupt.listen(&surroundings.activity)?;
    live.check().map_err(|message| anyhow!(message))?;
    progress.follow(&surroundings.activity, input_bytes);
    drive(
        &mut network,
        server,
        &live,
        split.as_ref(),
        &surroundings,
        &progress,
        options,
    )
}

/// What a network of the run is like.
fn network_options(request: &Request) -> anyhow::Result<Options> {
    Ok(match (request.options.engine, request.options.perf) {
        (Engine::Jit, None) => Options::default(),
        (Engine::Jit, Some(how)) => crate::perf::options(how)?,
        (Engine::Interpreter, _) => Options::interpreted(),
    })
}

/// What a program does, in words.
fn explain(plan: &Plan) -> String {
    let threads = match plan.front() {
        Ok(front) => format!(
            "several may read a large file, each a part of it, up to `{}`",
            front.last().0
        ),
        Err(why) => format!("one, as {why}"),
    };
    format!("{plan}threads: {threads}\n")
}

/// The parts of the input, if several threads are to share the work.
fn parts(request: &Request, plan: &Plan) -> Option<Parts> {
    let options = &request.options;
    let threads = match options.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    // What `perf` is told of native code is of one network.
    if threads == 1 || options.perf.is_some() {
        return None;
    }
    match plan.front() {
        Ok(front) => Parts::of(front, threads, options.part_bytes),
        Err(why) => {
            if options.threads.is_some() && !options.quiet {
                terminal::say(&format!("one thread: {why}\n"));
            }
            None
        }
    }
}

/// What a program is compiled for: the inputs of the command line.
fn environment<'e>(request: &Request, peeked: &Rc<Peeked>) -> Environment<'e> {
    let peeked = Rc::clone(peeked);
    Environment {
        inputs: request.inputs.iter().map(|path| input_of(path)).collect(),
        beginning: Some(Box::new(move |input, patience| {
            peeked.beginning(path_of(input), patience)
        })),
        expand: Some(Box::new(crate::streams::files_of)),
        whole_file: Some(Box::new(crate::streams::whole_file)),
        ..Environment::default()
    }
}

/// Runs to the end, and says what there is to say.
fn drive(
    network: &mut Network,
    mut server: Option<Server>,
    live: &Live,
    split: Option<&Split>,
    surroundings: &Surroundings,
    progress: &ProgressLine,
    options: &crate::args::Options,
) -> anyhow::Result<End> {
    let bad_rows_max = options.bad_rows_max();
    let begin = Instant::now();
    let outcome = run_to_end(network, &mut server, live, split, surroundings, bad_rows_max);
    // If they have not come together, the user has asked to stop, or the run has failed.
    if let Some(split) = split {
        split.alone().go();
    }
    crate::control::end(server, network, &surroundings.interrupt);
    // What was written so far is worth something also where it did not come to its end; but
    // files are whole, or as they were.
    let (ended, rows_written, not_finite) = {
        let mut outputs = surroundings.outputs.lock();
        let is_whole = match &outcome {
            Ok(progress) => *progress == Progress::Done || surroundings.interrupt.is_requested(),
            Err(_) => false,
        };
        (outputs.end(is_whole), outputs.rows(), outputs.not_finite())
    };
    progress.clear();
    let report = network.report();
    tracing::debug!("{report}");
    let summary = Summary {
        rows_written,
        not_finite,
        bytes_read: surroundings.activity.bytes_read(),
        time: begin.elapsed(),
        is_interrupted: surroundings.interrupt.is_requested(),
        unfinished: surroundings.unfinished.load(Ordering::Relaxed),
        ..Summary::of(&report, &live.running())
    };
    let is_told = !options.quiet && (summary.is_news() || terminal::is_there());
    if is_told || summary.has_gaps() {
        terminal::say(&format!("{summary}\n"));
    }
    let how = outcome?;
    ended.map_err(|message| anyhow!("write: {message}"))?;
    if bad_rows_max.is_some_and(|most| summary.too_long > most) {
        return Err(anyhow!("{} lines are too long to be read", summary.too_long));
    }
    match how {
        _ if summary.is_interrupted => Ok(surroundings.interrupt.end()),
        Progress::Done => Ok(End::Done),
        Progress::Waiting | Progress::Steps => {
            Err(anyhow!("the network stands still: nothing in it can move"))
        }
    }
}

/// Runs, and waits in between: for input, or for clients that the flow waits for. When the
/// user asks to stop, the inputs end, what is held comes out, and nobody is waited for.
fn run_to_end(
    network: &mut Network,
    server: &mut Option<Server>,
    live: &Live,
    split: Option<&Split>,
    surroundings: &Surroundings,
    bad_rows_max: Option<u64>,
) -> anyhow::Result<Progress> {
    let (mut generates, mut steps) = (true, STEPS_MIN);
    loop {
        network.set_time(since_1970());
        if generates && surroundings.interrupt.is_requested() {
            generates = false;
            end_generators(network, &live.running());
        }
        let begin = Instant::now();
        let progress = network.run_steps(steps)?;
        steps = match begin.elapsed() {
            took if took > 2 * TURN => (steps / 2).max(STEPS_MIN),
            took if took < TURN => (steps * 2).min(STEPS_MAX),
            _ => steps,
        };
        match progress {
            Progress::Waiting => {}
            Progress::Steps => continue,
            Progress::Done => return Ok(progress),
        }
        if let Some(split) = split
            && split.come_together(network, &mut live.running(), bad_rows_max)
        {
            wake_sources(network, live);
            continue;
        }
        // In this order: a client that has gone has rung before it was counted as gone.
        let has_clients = server.as_ref().is_some_and(Server::has_clients);
        if !surroundings.is_waiting() && surroundings.interrupt.handle_wake() {
            continue;
        }
        let timer = network.next_timer();
        let has_parts = split.is_some_and(Split::is_waiting);
        if !surroundings.is_waiting() && !has_clients && !has_parts && timer.is_none() {
            return Ok(progress);
        }
        if !surroundings.is_waiting() && !has_parts && surroundings.interrupt.is_requested() {
            crate::control::end(server.take(), network, &surroundings.interrupt);
            continue;
        }
        let timeout = timer.map(|at| at.saturating_sub(since_1970()));
        let what = match surroundings.is_waiting() {
            true => "waiting for input",
            false if has_parts => "waiting for the other threads",
            false if timer.is_some() => "waiting for the time",
            false => "waiting for whoever taps it",
        };
        let woken = surroundings.activity.spend(what, || surroundings.wait(timeout));
        if woken.context("waiting for input")? {
            wake_sources(network, live);
        }
    }
}

/// Has all that reads look for input.
fn wake_sources(network: &mut Network, live: &Live) {
    for &source in &live.running().sources {
        // One that has finished and been removed has nothing to be woken for.
        if let Ok(waker) = network.waker(source) {
            waker.wake();
        }
    }
}

/// What makes elements of nothing has no input that ends.
fn end_generators(network: &mut Network, running: &Running) {
    for &generator in &running.generators {
        // One that has come to its end by itself is gone.
        let _ = network.rewire(|rewire| rewire.remove(generator));
    }
}

/// How many elements pass before the network learns again what time it is, and it is looked
/// whether the user asks to stop: as many as take about a [`TURN`], which are few where the
/// output is slow.
const STEPS_MIN: u64 = 1 << 8;
const STEPS_MAX: u64 = 1 << 20;

/// How long the network runs between two looks, about.
const TURN: Duration = Duration::from_millis(20);

/// What time it is, for timers: windows of arrival time begin at whole numbers of their length.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
