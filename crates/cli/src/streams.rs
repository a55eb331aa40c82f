//! What a program reads and writes: files, standard input, standard output.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cutthrough::Process;
use cutthrough::processes::Read as ReadProcess;
use cutthrough_formats::processes::{BadRows, Write as WriteProcess};
use cutthrough_formats::{Field, Format};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Column, Input as PlanInput, Io, Target as PlanTarget, default_format};

use crate::input::{Input, Inputs, Peeked, Surroundings, identity_of};
use crate::output::{Target, Writer};
use crate::progress::Progress;

/// The surroundings of a run at a shell. While a plan is built, it opens what is read
/// and written; nothing is changed before [`Opened::clear`].
#[derive(Debug)]
pub(crate) struct Streams {
    /// The format of output for which the program names none, from the command line.
    format: Option<OutputFormat>,
    /// Whether nothing is to be opened: the plan is only looked at.
    is_rehearsal: bool,
    surroundings: Surroundings,
    peeked: Rc<Peeked>,
    progress: Progress,
    reads_stdin: bool,
    /// The size of all inputs, as long as each has one.
    input_bytes: Option<u64>,
    opened: Opened,
}

/// The files that a program reads and writes.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    files_read: Vec<(u64, u64)>,
    targets: Vec<Target>,
    /// Standard streams that are files, with their names.
    standard: Vec<(&'static str, (u64, u64))>,
}

impl Opened {
    /// Whether all of it can be read and written beside what is already.
    ///
    /// # Errors
    /// When a file would be written twice, or read and written.
    pub(crate) fn check(&self, before: &Opened) -> Result<(), String> {
        let is_read = |identity| {
            let mut files = self.files_read.iter().chain(&before.files_read);
            files.any(|read| *read == identity)
        };
        if let Some((name, _)) = self.standard.iter().find(|(_, identity)| is_read(*identity)) {
            return Err(read_and_written(name));
        }
        for (k, target) in self.targets.iter().enumerate() {
            let Some(identity) = target.identity else { continue };
            if is_read(identity) {
                return Err(read_and_written(&target.name()));
            }
            let mut standard = self.standard.iter().chain(&before.standard);
            if let Some((name, _)) = standard.find(|(_, other)| *other == identity) {
                let path = target.name();
                return Err(format!("{path}: is the {name} as well; write to another file"));
            }
            let mut others = self.targets[..k].iter().chain(&before.targets);
            if others.any(|other| other.identity == Some(identity)) {
                return Err(format!("{}: is written twice; write to two files", target.name()));
            }
        }
        let is_read = |target: &&Target| {
            target
                .identity
                .is_some_and(|identity| self.files_read.contains(&identity))
        };
        before
            .targets
            .iter()
            .find(is_read)
            .map_or(Ok(()), |target| Err(read_and_written(&target.name())))
    }

    /// Empties the files to be written, now that it is certain that they are.
    ///
    /// # Errors
    /// When one cannot be; the message names it.
    pub(crate) fn clear(&self) -> Result<(), String> {
        self.targets.iter().try_for_each(Target::clear)
    }

    /// Forgets the files to be written, but these.
    pub(crate) fn retain_targets(&mut self, written: &[PathBuf]) {
        self.targets
            .retain(|target| written.iter().any(|path| path == target.path()));
    }

    /// Adds what a further program reads and writes.
    pub(crate) fn add(&mut self, more: Opened) {
        self.files_read.extend(more.files_read);
        self.targets.extend(more.targets);
        self.standard.extend(more.standard);
    }
}

fn read_and_written(name: &str) -> String {
    format!("{name}: is read and written; write to another file")
}

/// Notes a standard stream if it is a file, whose name nobody says here.
fn note_standard(standard: &mut Vec<(&'static str, (u64, u64))>, name: &'static str, fd: impl AsFd) {
    if let Some(identity) = identity_of(fd) {
        standard.push((name, identity));
    }
}

impl Streams {
    pub(crate) fn new(
        format: Option<OutputFormat>,
        surroundings: Surroundings,
        peeked: Rc<Peeked>,
        progress: Progress,
        is_rehearsal: bool,
    ) -> Streams {
        Streams {
            format,
            is_rehearsal,
            surroundings,
            peeked,
            progress,
            reads_stdin: false,
            input_bytes: Some(0),
            opened: Opened::default(),
        }
    }

    /// The size of all inputs, if it is known.
    pub(crate) fn input_bytes(&self) -> Option<u64> {
        self.input_bytes
    }

    /// What has been opened.
    pub(crate) fn into_opened(self) -> Opened {
        self.opened
    }

    fn source(&mut self, inputs: &[PlanInput]) -> Result<Box<dyn Process>, String> {
        if self.is_rehearsal {
            return Ok(Box::new(ReadProcess::new("", io::empty())));
        }
        let inputs = inputs
            .iter()
            .map(|input| Input::of(path_of(input), Some(&self.peeked)));
        let inputs = inputs.collect::<Result<Vec<Input>, String>>()?;
        for input in &inputs {
            if input.is_stdin() && std::mem::replace(&mut self.reads_stdin, true) {
                return Err("standard input: is read twice; it can be read once".to_owned());
            }
            self.opened.files_read.extend(input.identity);
            self.input_bytes = self
                .input_bytes
                .zip(input.bytes)
                .map(|(total, bytes)| total + bytes);
        }
        if inputs.iter().any(Input::is_stdin) && io::stdin().is_terminal() && io::stderr().is_terminal() {
            crate::terminal::say("reading from the terminal; Ctrl-D ends the input\n");
        }
        let inputs = Inputs::new(inputs, self.surroundings.clone());
        Ok(Box::new(ReadProcess::new("", inputs)))
    }

    fn sink(
        &mut self,
        target: &PlanTarget,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        let format = format.unwrap_or_else(|| self.default_format(target));
        let fields = columns
            .iter()
            .map(|column| Field::new(&column.name, column.ty))
            .collect();
        let (name, writer) = self.open(target)?;
        let write = WriteProcess::new(name, format_of(format), fields, writer);
        self.surroundings.outputs.lock().push(write.output());
        Ok(Box::new(write))
    }

    fn open(&mut self, target: &PlanTarget) -> Result<(String, Box<dyn Write + Send>), String> {
        if self.is_rehearsal {
            let name = match target {
                PlanTarget::Stdout => "standard output".to_owned(),
                PlanTarget::Stderr => "standard error".to_owned(),
                PlanTarget::Path(path) => String::from_utf8_lossy(path).into_owned(),
            };
            return Ok((name, Box::new(io::sink())));
        }
        Ok(match target {
            PlanTarget::Stdout => {
                note_standard(&mut self.opened.standard, "standard output", io::stdout());
                let stdout = Writer::stdout(&self.progress, &self.surroundings)?;
                ("standard output".to_owned(), Box::new(stdout))
            }
            PlanTarget::Stderr => {
                note_standard(&mut self.opened.standard, "standard error", io::stderr());
                let stderr = Writer::stderr(&self.progress, &self.surroundings)?;
                ("standard error".to_owned(), Box::new(stderr))
            }
            PlanTarget::Path(path) => {
                let target = Target::open(Path::new(OsStr::from_bytes(path)))?;
                let opened = (
                    target.name(),
                    Box::new(target.writer(&self.surroundings)?) as Box<dyn Write + Send>,
                );
                self.opened.targets.push(target);
                opened
            }
        })
    }

    /// The format where the program names none: for standard streams that of the
    /// command line.
    fn default_format(&self, target: &PlanTarget) -> OutputFormat {
        let is_terminal = match target {
            PlanTarget::Path(_) => return default_format(target, false),
            PlanTarget::Stdout => io::stdout().is_terminal(),
            PlanTarget::Stderr => io::stderr().is_terminal(),
        };
        self.format.unwrap_or_else(|| default_format(target, is_terminal))
    }
}

impl Io for Streams {
    fn read(&mut self, inputs: &[PlanInput]) -> Result<Box<dyn Process>, String> {
        self.source(inputs)
    }

    fn write(
        &mut self,
        target: &PlanTarget,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        self.sink(target, format, columns)
    }

    fn bad_rows(&self) -> BadRows {
        let bound = self.surroundings.bad_rows_bound.clone();
        bound.map_or_else(BadRows::default, |bound| BadRows::default().with_bound(bound))
    }
}

/// An input as the command line names it.
pub(crate) fn path_of(input: &PlanInput) -> &OsStr {
    match input {
        PlanInput::Path(path) => OsStr::from_bytes(path),
        PlanInput::Stdin => OsStr::new("-"),
    }
}

/// An input that the command line names.
pub(crate) fn input_of(path: &OsStr) -> PlanInput {
    if path == "-" {
        PlanInput::Stdin
    } else {
        PlanInput::Path(path.as_bytes().to_vec())
    }
}

fn format_of(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Csv => Format::Csv,
        OutputFormat::Text => Format::Text,
        OutputFormat::Table => Format::Table,
    }
}
