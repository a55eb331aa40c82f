//! Runs programs on inputs in memory, interpreted and as native code, which must print the same.

#![allow(dead_code, reason = "every test file uses some of it")]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Cursor};
use std::sync::{Arc, Mutex};

use cutthrough::processes::{Inputs, Read};
use cutthrough::{EdgeReport, Network, Options, PointId, Process, ProcessReport, Progress};
use cutthrough_formats::Field;
use cutthrough_formats::processes::Write;
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{
    Begin, BuildError, Column, Environment, Input, Io, Patience, Plan, Running, Target, compile,
    default_format,
};
use expect_test::Expect;

/// What a program wrote, by target.
pub(crate) type Outputs = BTreeMap<String, String>;

/// Inputs in memory.
#[derive(Clone, Default)]
pub(crate) struct World {
    files: HashMap<Vec<u8>, Vec<u8>>,
    stdin: Vec<u8>,
    inputs: Vec<Input>,
    /// Those that have nothing to read before the program runs.
    late: Vec<Input>,
}

impl World {
    pub(crate) fn stdin(text: impl AsRef<[u8]>) -> World {
        World {
            stdin: text.as_ref().to_vec(),
            ..World::default()
        }
    }

    /// A file that programs may `read`.
    pub(crate) fn with_file(mut self, name: &str, text: impl AsRef<[u8]>) -> World {
        self.files.insert(name.into(), text.as_ref().to_vec());
        self
    }

    /// A file that is named on the command line.
    pub(crate) fn with_input(self, name: &str, text: impl AsRef<[u8]>) -> World {
        let mut world = self.with_file(name, text);
        world.inputs.push(Input::Path(name.into()));
        world
    }

    /// An input that has nothing to read before the program runs.
    pub(crate) fn with_late_input(self, name: &str, text: impl AsRef<[u8]>) -> World {
        let mut world = self.with_input(name, text);
        world.late.extend(world.inputs.last().cloned());
        world
    }

    fn bytes(&self, input: &Input) -> Result<&[u8], String> {
        match input {
            Input::Stdin => Ok(&self.stdin),
            Input::Path(path) | Input::Follow(path) => {
                let name = String::from_utf8_lossy(path);
                self.files
                    .get(path)
                    .map(Vec::as_slice)
                    .ok_or_else(|| format!("{name}: no such file"))
            }
        }
    }

    pub(crate) fn compile(&self, source: &str) -> Result<Plan, String> {
        let plan = compile("test", source, &self.environment());
        plan.map_err(|diagnostic| diagnostic.render("test", source, false))
    }

    pub(crate) fn environment(&self) -> Environment<'static> {
        let world = self.clone();
        let files = self.clone();
        let beginning = move |input: &Input, _: Patience| {
            if world.late.contains(input) {
                return Ok(None);
            }
            world.bytes(input).map(|bytes| Some(bytes.to_vec()))
        };
        Environment {
            inputs: self.inputs.clone(),
            beginning: Some(Box::new(beginning)),
            whole_file: Some(Box::new(move |path| {
                files.bytes(&Input::Path(path.to_vec())).map(<[u8]>::to_vec)
            })),
            // 2026-11-21T01:18:20Z
            now: Some(1_795_223_900_000_000_000),
            ..Environment::default()
        }
    }

    /// Runs a program; what it wrote, or the message.
    pub(crate) fn run(&self, source: &str) -> Result<Outputs, String> {
        let interpreted = self.run_with(source, Options::interpreted());
        let native = self.run_with(source, Options::native());
        assert_eq!(interpreted, native, "interpreted and native differ: {source}");
        native
    }

    pub(crate) fn run_with(&self, source: &str, options: Options) -> Result<Outputs, String> {
        let mut live = self.start(source, options)?;
        let progress = live.network.run().map_err(|error| error.to_string())?;
        assert_eq!(progress, Progress::Done, "{source}");
        live.network.check_conservation().unwrap();
        let report = live.network.report();
        let mut outputs = live.outputs();
        for parse in &live.running.parses {
            let rows = parse.rows(&report);
            if rows.dropped > 0 {
                let first = parse.bad_rows.first();
                let first: Vec<i64> = first.iter().map(|row| row.number).collect();
                outputs.insert(
                    format!("bad rows of {}", parse.text),
                    format!("{} of {}, first {first:?}\n", rows.dropped, rows.all),
                );
            }
        }
        Ok(outputs)
    }

    /// Builds a program, ready to run.
    pub(crate) fn start(&self, source: &str, options: Options) -> Result<Live, String> {
        let plan = self.compile(source)?;
        let mut network = Network::new(options);
        let mut io = Memory {
            world: self.clone(),
            written: Arc::default(),
        };
        let running = plan
            .build(&mut network, &mut io)
            .map_err(|error| error.to_string())?;
        Ok(Live { network, running, io })
    }
}

/// A program that runs.
pub(crate) struct Live {
    pub(crate) network: Network,
    pub(crate) running: Running,
    pub(crate) io: Memory,
}

/// The wiring: every process and what it is attached to.
pub(crate) fn graph(network: &mut Network) -> Vec<String> {
    let report = network.report();
    let name = |point: Option<PointId>| {
        let point = report.points.iter().find(|known| Some(known.id) == point);
        point.map_or("-", |point| &point.name)
    };
    let edges = |edges: &[EdgeReport]| {
        let names: Vec<&str> = edges.iter().map(|edge| name(edge.point)).collect();
        names.join(", ")
    };
    let show = |process: &ProcessReport| {
        let (inputs, outputs) = (edges(&process.inputs), edges(&process.outputs));
        format!("{inputs} -> {} -> {outputs}", process.name)
    };
    let mut lines: Vec<String> = report.processes.iter().map(show).collect();
    lines.push(format!("{} points", report.points.len()));
    lines.sort();
    lines
}

impl Live {
    /// Makes another program of it; what is done for that.
    pub(crate) fn change(&mut self, world: &World, source: &str) -> Result<String, String> {
        let change = self.running.plan_change("test", source, &world.environment());
        let change = change.map_err(|diagnostic| diagnostic.render("test", source, false))?;
        let shown = change.to_string();
        let render = |error: BuildError| error.diagnostic().render("test", source, false);
        let open = change.open(&self.running, &mut self.io).map_err(render)?;
        open.apply(&mut self.running, &mut self.network).map_err(render)?;
        Ok(shown)
    }

    /// What has been written so far.
    pub(crate) fn outputs(&self) -> Outputs {
        let written = self.io.written.lock().unwrap();
        written
            .iter()
            .map(|(name, bytes)| (name.clone(), readable(bytes)))
            .collect()
    }
}

pub(crate) struct Memory {
    world: World,
    written: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

/// Inputs one after another.
struct Texts {
    current: Cursor<Vec<u8>>,
    texts: VecDeque<Vec<u8>>,
}

impl Inputs for Texts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.current, buffer)
    }

    fn advance(&mut self) -> io::Result<bool> {
        let next = self.texts.pop_front();
        let goes_on = next.is_some();
        self.current = Cursor::new(next.unwrap_or_default());
        Ok(goes_on)
    }
}

impl Io for Memory {
    fn read(&mut self, inputs: &[Input]) -> Result<Box<dyn Process>, String> {
        let texts = inputs
            .iter()
            .map(|input| self.world.bytes(input).map(<[u8]>::to_vec));
        let mut texts: VecDeque<Vec<u8>> = texts.collect::<Result<_, String>>()?;
        let current = Cursor::new(texts.pop_front().unwrap_or_default());
        Ok(Box::new(Read::new("memory", Texts { current, texts })))
    }

    fn write(
        &mut self,
        target: &Target,
        begin: Begin,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        let name = match target {
            Target::Path(path) => String::from_utf8_lossy(path).into_owned(),
            Target::Stdout => "stdout".to_owned(),
            Target::Stderr => "stderr".to_owned(),
        };
        let format = format.unwrap_or_else(|| default_format(target, false));
        let fields = columns
            .iter()
            .map(|column| Field::new(&column.name, column.ty))
            .collect();
        let mut written = self.written.lock().unwrap();
        let file = written.entry(name.clone()).or_default();
        let goes_on = begin == Begin::GoOn || !file.is_empty();
        if begin == Begin::Anew {
            file.clear();
        }
        drop(written);
        let writer = Writer {
            name: name.clone(),
            written: self.written.clone(),
        };
        let write = Write::new(name, format, fields, writer);
        Ok(match goes_on && begin != Begin::Anew {
            true => Box::new(write.going_on()),
            false => Box::new(write),
        })
    }
}

struct Writer {
    name: String,
    written: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written
            .lock()
            .unwrap()
            .get_mut(&self.name)
            .unwrap()
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that are not UTF-8 as `\xNN`.
fn readable(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks
        .map(|chunk| format!("{}{}", chunk.valid(), chunk.invalid().escape_ascii()))
        .collect()
}

/// All that a program wrote, with headings where it is not standard output alone.
pub(crate) fn show(outputs: &Result<Outputs, String>) -> String {
    match outputs {
        Err(message) => message.clone(),
        Ok(outputs) => match outputs.iter().collect::<Vec<_>>()[..] {
            [(name, text)] if name == "stdout" => text.clone(),
            ref several => several
                .iter()
                .map(|(name, text)| format!("--- {name}\n{text}"))
                .collect(),
        },
    }
}

/// Runs a program, and compares all that it wrote.
pub(crate) fn check(world: &World, source: &str, expected: Expect) {
    expected.assert_eq(&show(&world.run(source)));
}

/// Checks expressions over one row of these columns: each with its value, as JSON writes it.
pub(crate) fn check_expressions(columns: &str, row: &[u8], expected: &[(&str, &str)]) {
    let world = World::stdin([row, b"\n"].concat());
    for (expression, value) in expected {
        let program =
            format!("parse csv(columns=\"{columns}\") | select r = {expression} | write stdout as json");
        let outputs = world
            .run(&program)
            .unwrap_or_else(|message| panic!("{expression}: {message}"));
        assert_eq!(outputs.len(), 1, "{expression}: {outputs:?}");
        let line = outputs["stdout"].trim_end();
        let found = line.trim_start_matches("{\"r\":").trim_end_matches('}');
        assert_eq!(found, *value, "{expression} for {}", row.escape_ascii());
    }
}

/// Runs a test with options for each engine, in small grants.
pub(crate) fn on_both_engines(test: impl Fn(Options)) {
    let small = |options: Options| Options {
        quantum_steps: 50,
        ..options
    };
    test(small(Options::interpreted()));
    test(small(Options::native()));
}

/// The first fields of lines, which are numbers.
pub(crate) fn numbers(text: &str) -> Vec<usize> {
    let first = |line: &str| line.split('\t').next().unwrap().parse().unwrap();
    text.lines().map(first).collect()
}
