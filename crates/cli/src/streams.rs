//! What a program reads and writes: files, standard input, standard output.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use cutthrough::Process;
use cutthrough::processes::Read as ReadProcess;
use cutthrough_formats::processes::{BadRows, Write as WriteProcess};
use cutthrough_formats::{Field, InputName};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Begin, Column, Input as PlanInput, Io, Target as PlanTarget, default_format};

use crate::compress::Compressor;
use crate::files::identity_of;
use crate::follow::Follow;
use crate::input::{Border, Input, Inputs, Peeked, Place};
use crate::output::{self, Identity, Target, Writer};
use crate::progress::Progress;
use crate::replacement::Replacement;
use crate::surroundings::Surroundings;

/// The surroundings of a run at a shell. While a plan is built, it opens what is read
/// and written; files that are there stay as they are until the flow has come to its end.
#[derive(Debug)]
pub(crate) struct Streams {
    shape: Shape,
    /// Whether nothing is to be opened: the plan is only looked at.
    is_rehearsal: bool,
    /// Whether a pipe is waited for that nobody reads yet.
    may_wait: bool,
    surroundings: Surroundings,
    peeked: Rc<Peeked>,
    progress: Progress,
    reads_stdin: bool,
    /// Where what is read ends for a while.
    border: Option<Arc<Border>>,
    /// The size of all inputs, as long as each has one.
    input_bytes: Option<u64>,
    opened: Opened,
    /// Which input each of the readers is at, by what it reads.
    places: Vec<(Vec<PlanInput>, Place)>,
}

/// How the command line wants output.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The format of output for which the program names none.
    pub(crate) format: Option<OutputFormat>,
    /// What null is written as.
    pub(crate) null: Option<Arc<str>>,
}

/// The files that a program reads and writes.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    files_read: Vec<(PathBuf, (u64, u64))>,
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
        let is_read = |identity: &Identity| {
            let mut files = self.files_read.iter().chain(&before.files_read);
            files.any(|(_, read)| *identity == Identity::There(*read))
        };
        let is_file_read = |&&(_, identity): &&(&str, (u64, u64))| is_read(&Identity::There(identity));
        if let Some((name, _)) = self.standard.iter().find(is_file_read) {
            return Err(read_and_written(name));
        }
        for (k, target) in self.targets.iter().enumerate() {
            let Some(identity) = &target.identity else {
                continue;
            };
            if is_read(identity) {
                return Err(read_and_written(&target.name()));
            }
            let mut standard = self.standard.iter().chain(&before.standard);
            if let Some((name, _)) = standard.find(|(_, other)| *identity == Identity::There(*other)) {
                let path = target.name();
                return Err(format!("{path}: is the {name} as well; write to another file"));
            }
            let mut others = self.targets[..k].iter().chain(&before.targets);
            if others.any(|other| other.identity.as_ref() == Some(identity)) {
                return Err(format!("{}: is written twice; write to two files", target.name()));
            }
        }
        let is_read = |target: &&Target| {
            let mut read = self.files_read.iter();
            read.any(|(_, read)| target.identity == Some(Identity::There(*read)))
        };
        before
            .targets
            .iter()
            .find(is_read)
            .map_or(Ok(()), |target| Err(read_and_written(&target.name())))
    }

    /// Forgets what is neither read nor written any more: all but these paths.
    pub(crate) fn retain(&mut self, read: &[PathBuf], written: &[PathBuf]) {
        self.files_read.retain(|(path, _)| read.contains(path));
        self.files_read.sort_unstable();
        self.files_read.dedup();
        self.targets
            .retain(|target| written.iter().any(|path| path == target.path()));
    }

    /// Adds what a further program reads and writes.
    pub(crate) fn add(&mut self, more: Opened) {
        self.files_read.extend(more.files_read);
        self.targets.extend(more.targets);
        self.standard.extend(more.standard);
        self.standard.dedup();
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
        shape: Shape,
        surroundings: Surroundings,
        peeked: Rc<Peeked>,
        progress: Progress,
        is_rehearsal: bool,
    ) -> Streams {
        Streams {
            shape,
            is_rehearsal,
            may_wait: true,
            surroundings,
            peeked,
            progress,
            reads_stdin: false,
            border: None,
            input_bytes: Some(0),
            opened: Opened::default(),
            places: Vec::new(),
        }
    }

    /// For a run of which other threads have what is behind this border; it has one source.
    pub(crate) fn with_border(self, border: Option<Arc<Border>>) -> Streams {
        Streams { border, ..self }
    }

    /// For a run that others wait for meanwhile.
    pub(crate) fn without_waiting(self) -> Streams {
        Streams {
            may_wait: false,
            ..self
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
        let place = Place::default();
        self.places.push((inputs.to_vec(), place.clone()));
        if inputs.iter().any(|input| matches!(input, PlanInput::Follow(_))) {
            let paths = inputs.iter().map(|input| path_of(input).to_owned());
            let follow = Follow::new(paths.collect(), place, self.surroundings.clone())?;
            self.opened.files_read.extend(follow.identities());
            self.input_bytes = None;
            return Ok(Box::new(ReadProcess::new("", follow)));
        }
        let inputs = inputs
            .iter()
            .map(|input| Input::of(path_of(input), Some(&self.peeked)));
        let inputs = inputs.collect::<Result<Vec<Input>, String>>()?;
        for input in &inputs {
            if input.is_stdin() && std::mem::replace(&mut self.reads_stdin, true) {
                return Err("standard input: is read twice; it can be read once".to_owned());
            }
            let path = PathBuf::from(input.path());
            self.opened
                .files_read
                .extend(input.identity.map(|identity| (path, identity)));
            self.input_bytes = self
                .input_bytes
                .zip(input.bytes)
                .map(|(total, bytes)| total + bytes);
        }
        if inputs.iter().any(Input::is_stdin) && io::stdin().is_terminal() && io::stderr().is_terminal() {
            crate::terminal::say("reading from the terminal; Ctrl-D ends the input\n");
        }
        let inputs = Inputs::new(inputs, place, self.surroundings.clone()).with_border(self.border.take());
        Ok(Box::new(ReadProcess::new("", inputs)))
    }

    fn sink(
        &mut self,
        target: &PlanTarget,
        begin: Begin,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        let format = format.unwrap_or_else(|| self.default_format(target));
        let fields = columns
            .iter()
            .map(|column| Field::new(&column.name, column.ty).with_null(self.shape.null.clone()))
            .collect();
        let write = match target {
            _ if self.is_rehearsal => WriteProcess::new("", format, fields, io::sink()),
            PlanTarget::Stdout => {
                note_standard(&mut self.opened.standard, "standard output", io::stdout());
                let writer = Writer::stdout(&self.progress, &self.surroundings)?;
                WriteProcess::new("standard output", format, fields, writer)
            }
            PlanTarget::Stderr => {
                note_standard(&mut self.opened.standard, "standard error", io::stderr());
                let writer = Writer::stderr(&self.progress, &self.surroundings)?;
                WriteProcess::new("standard error", format, fields, writer)
            }
            PlanTarget::Path(path) => {
                return self.file(Path::new(OsStr::from_bytes(path)), begin, format, fields);
            }
        };
        self.surroundings.outputs.lock().add(None, write.output());
        Ok(Box::new(write))
    }

    fn file(
        &mut self,
        path: &Path,
        begin: Begin,
        format: OutputFormat,
        fields: Vec<Field>,
    ) -> Result<Box<dyn Process>, String> {
        let mut outputs = self.surroundings.outputs.lock();
        if begin == Begin::GoOn && outputs.writes(path) {
            let name = path.display();
            return Err(format!(
                "{name}: the rest of what left the program is being written; try again"
            ));
        }
        let opened = output::open(path, begin, self.may_wait, &self.surroundings)?;
        let writer = Compressor::of(path, opened.writer);
        let mut write = WriteProcess::new(opened.target.name(), format, fields, writer.clone());
        if opened.goes_on {
            write = write.going_on();
        }
        let replacement = opened.replacement;
        write = write.at_end(move || {
            writer.finish()?;
            replacement.map_or(Ok(()), Replacement::finish)
        });
        outputs.add(Some(path), write.output());
        self.opened.targets.push(opened.target);
        Ok(Box::new(write))
    }

    /// The format where the program names none: for standard streams that of the
    /// command line.
    fn default_format(&self, target: &PlanTarget) -> OutputFormat {
        let is_terminal = match target {
            PlanTarget::Path(_) => return default_format(target, false),
            PlanTarget::Stdout => io::stdout().is_terminal(),
            PlanTarget::Stderr => io::stderr().is_terminal(),
        };
        self.shape
            .format
            .unwrap_or_else(|| default_format(target, is_terminal))
    }
}

impl Io for Streams {
    fn read(&mut self, inputs: &[PlanInput]) -> Result<Box<dyn Process>, String> {
        self.source(inputs)
    }

    fn write(
        &mut self,
        target: &PlanTarget,
        begin: Begin,
        format: Option<OutputFormat>,
        columns: &[Column],
    ) -> Result<Box<dyn Process>, String> {
        self.sink(target, begin, format, columns)
    }

    fn bad_rows(&self) -> BadRows {
        let bound = self.surroundings.bad_rows_bound.clone();
        bound.map_or_else(BadRows::default, |bound| BadRows::default().with_bound(bound))
    }

    fn input_name(&self, inputs: &[PlanInput]) -> Option<InputName> {
        let mut places = self.places.iter().rev();
        let (_, place) = places.find(|(read, _)| read == inputs)?;
        let place = place.clone();
        Some(InputName::new(move || place.name()))
    }
}

/// An input as the command line names it.
pub(crate) fn path_of(input: &PlanInput) -> &OsStr {
    match input {
        PlanInput::Path(path) | PlanInput::Follow(path) => OsStr::from_bytes(path),
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

/// The files of a path that may be a pattern.
pub(crate) fn files_of(path: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let files = crate::follow::expand(OsStr::from_bytes(path))?;
    let bytes = |file: PathBuf| file.into_os_string().into_encoded_bytes();
    Ok(files.into_iter().map(bytes).collect())
}

/// What is in a file that is looked up in.
pub(crate) fn whole_file(path: &[u8]) -> Result<Vec<u8>, String> {
    let path = OsStr::from_bytes(path);
    let bytes = std::fs::metadata(path).map(|metadata| metadata.len());
    match bytes.and_then(|bytes| {
        if bytes > LOOKUP_BYTES_MAX {
            Ok(None)
        } else {
            std::fs::read(path).map(Some)
        }
    }) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(format!(
            "{}: is larger than the {LOOKUP_BYTES_MAX} bytes that may be looked up in",
            path.display()
        )),
        Err(error) => Err(crate::files::message(path, &error)),
    }
}

/// The largest file to look up in.
const LOOKUP_BYTES_MAX: u64 = 1 << 30;
