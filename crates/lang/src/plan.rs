//! A checked program: what becomes a network.

use std::fmt;
use std::sync::Arc;

use cutthrough_expr::LogicalType;
use cutthrough_formats::template::Template;
use cutthrough_formats::{csv, json};

use crate::ast::OutputFormat;
use crate::check::{AggregateKind, ColumnId, Columns, RecordId, Schema, Tree};
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::lookup::Table;
use crate::span::Span;

/// Something that is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A file. Bytes, as names of files are.
    Path(Vec<u8>),
    /// The standard input.
    Stdin,
    /// A file, or all files of a pattern such as `logs/*.log`, read on as they grow, are replaced or come to be.
    Follow(Vec<u8>),
}

/// Somewhere to write to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A file. Bytes, as names of files are.
    Path(Vec<u8>),
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

/// What becomes of what is in a file that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It is replaced, when all has been written.
    Anew,
    /// It stays, and what is written comes behind it.
    Append,
    /// An earlier program of the run has written it, in the same format: what is written comes behind it.
    GoOn,
}

/// A column of what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: LogicalType,
}

/// How a target is written when the program does not say it.
///
/// A file goes by the end of its name: `.csv`, `.tsv`, and `.json`, `.jsonl` or `.ndjson`, behind which there may be
/// `.gz` or `.zst` where it is compressed. A terminal shows a table. All else
/// is text, as people who pipe into `sort`, `cut` and `awk` expect: fields with tabs between them, no header, and a
/// single column as it is, so that lines come out as they went in. Whoever wants names or types writes
/// `| write stdout as json`.
pub fn default_format(target: &Target, is_terminal: bool) -> OutputFormat {
    match target {
        Target::Path(path) => match path
            .rsplit(|&byte| byte == b'.')
            .find(|end| !matches!(end, [b'g', b'z'] | [b'z', b's', b't']))
        {
            Some(b"csv") => OutputFormat::Csv,
            Some(b"tsv") => OutputFormat::Tsv,
            Some(b"json" | b"jsonl" | b"ndjson") => OutputFormat::Json,
            _ => OutputFormat::Text,
        },
        Target::Stdout | Target::Stderr if is_terminal => OutputFormat::Table,
        Target::Stdout | Target::Stderr => OutputFormat::Text,
    }
}

/// Gives the beginning of an input: the lines that it is to wait for, as the second argument says, and as much more as
/// is there to be looked at. If it is not to wait, it gives none for an input that may have nothing to read yet.
pub type Beginning<'e> = dyn Fn(&Input, Patience) -> Result<Option<Vec<u8>>, String> + 'e;

/// Gives the files of a path, one at least.
pub type Expand<'e> = dyn Fn(&[u8]) -> Result<Vec<Vec<u8>>, String> + 'e;

/// Gives what is in a file.
pub type WholeFile<'e> = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + 'e;

/// Whether to wait for an input that has nothing to read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// So many of its lines are waited for, or its end.
    Lines(usize),
    /// It is left alone.
    None,
}

/// What a program is compiled for.
#[derive(Default)]
pub struct Environment<'e> {
    /// What a pipeline reads that does not begin with `read` or a flow point; without any, the standard input.
    pub inputs: Vec<Input>,
    /// Looks into an input for its columns and their types, where the program does not say them. What it looked at has
    /// to be read again later. Without this, programs are refused that need it.
    pub beginning: Option<Box<Beginning<'e>>>,
    /// The files of a path that may be a pattern, in order; without this, a path is one file.
    pub expand: Option<Box<Expand<'e>>>,
    /// What is in a file, as `lookup` needs it. Without this, such programs are refused.
    pub whole_file: Option<Box<WholeFile<'e>>>,
    /// What `now()` gives, in nanoseconds since 1970; without it, when the program is checked.
    pub now: Option<i64>,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

/// A checked program. [`build`](Plan::build) makes a network of it; its `Display` tells what it does.
#[derive(Debug)]
pub struct Plan {
    pub(crate) source_name: String,
    pub(crate) source: Arc<str>,
    pub(crate) columns: Columns,
    pub(crate) flows: Vec<Flow>,
    pub(crate) pipelines: Vec<PipelinePlan>,
    pub(crate) memory_bytes_max: usize,
}

impl Plan {
    /// What the program's text was called.
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// The program's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What may be a mistake in the program, but need not be.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.columns.warnings
    }

    /// Bounds what one `summarize`, `sort` or `top` may keep; beyond it, that stage fails.
    pub fn set_memory_bytes_max(&mut self, bytes: usize) {
        self.memory_bytes_max = bytes;
    }

    /// All that the program reads, in no particular order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.stages().flat_map(|stage| match &stage.op {
            Op::Read { inputs, .. } => &inputs[..],
            _ => &[],
        })
    }

    /// All that the program writes to, with the format if the text says one.
    pub fn targets(&self) -> impl Iterator<Item = (&Target, Option<OutputFormat>)> {
        self.stages().filter_map(|stage| match &stage.op {
            Op::Write { target, format, .. } => Some((target, *format)),
            _ => None,
        })
    }

    fn stages(&self) -> impl Iterator<Item = &StagePlan> {
        self.pipelines.iter().flat_map(|pipeline| &pipeline.stages)
    }
}

/// The index of a flow in its plan.
pub(crate) type FlowId = usize;

/// What pipelines are joined by: a name of the program, or the inputs of the command line.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) name: String,
    /// Where it is defined; nowhere, for the inputs.
    pub(crate) span: Span,
    /// The columns that it has, whether they are carried or not, or the one of its blocks.
    pub(crate) schema: Arc<Schema>,
    pub(crate) block: Option<ColumnId>,
    /// The columns that its elements carry, in order.
    pub(crate) layout: Vec<ColumnId>,
    /// What they carry where nothing is needed of them.
    pub(crate) spare: Option<ColumnId>,
    pub(crate) readers: usize,
}

#[derive(Debug)]
pub(crate) struct PipelinePlan {
    pub(crate) from: Option<FlowId>,
    pub(crate) stages: Vec<StagePlan>,
    pub(crate) to: Option<FlowId>,
    /// The place of the text; none, for the reading of the inputs.
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct StagePlan {
    pub(crate) op: Op,
    /// The text it came from, with the place.
    pub(crate) text: String,
    pub(crate) verb: &'static str,
    pub(crate) span: Span,
    /// The columns that can be named after it, whether they are carried or not.
    pub(crate) schema: Arc<Schema>,
    /// What its elements carry where nothing is needed of them.
    pub(crate) spare: Option<ColumnId>,
    /// The columns that its elements carry, in order; empty for `write`.
    pub(crate) layout: Vec<ColumnId>,
}

/// What a stage does.
#[derive(Debug)]
pub(crate) enum Op {
    Read {
        inputs: Vec<Input>,
        block: ColumnId,
    },
    Lines {
        block: ColumnId,
        line: ColumnId,
        number: ColumnId,
        /// What the input is called.
        file: ColumnId,
        inputs: Vec<Input>,
    },
    Parse(Box<ParseOp>),
    Where(Tree),
    /// Defines columns, in order, and leaves out or moves others.
    Compute(Vec<(ColumnId, Tree)>),
    Head(u64),
    Skip(u64),
    Tail(u64),
    /// Adds what a table has for a column, a text.
    Lookup {
        table: Arc<Table>,
        key: ColumnId,
        columns: Vec<ColumnId>,
    },
    /// For each element one for each item of a list, with the item.
    Explode {
        list: ColumnId,
        item: ColumnId,
    },
    /// Adds to each element what these columns have, or had last.
    Fill(Vec<(ColumnId, ColumnId)>),
    /// Numbers from 1 on.
    Generate {
        count: Option<u64>,
        /// How much time lies between two, in nanoseconds.
        every: Option<i64>,
        number: ColumnId,
        time: ColumnId,
    },
    /// Adds to all elements the sums of some of their columns, floats.
    Total {
        inputs: Vec<ColumnId>,
        totals: Vec<ColumnId>,
    },
    Order {
        keys: Vec<(ColumnId, bool)>,
        limit: Option<u64>,
    },
    /// The elements whose values in these columns, the only ones, have not come before.
    Distinct(Vec<ColumnId>),
    Group {
        keys: Vec<ColumnId>,
        aggregates: Vec<GroupColumn>,
        every: Option<Every>,
    },
    Write {
        target: Target,
        append: bool,
        format: Option<OutputFormat>,
        columns: Vec<(Arc<str>, ColumnId)>,
    },
}

#[derive(Debug)]
pub(crate) struct ParseOp {
    pub(crate) format: Format,
    pub(crate) input: ParseInput,
    /// All columns of the format, in its order.
    pub(crate) columns: Vec<ColumnId>,
    pub(crate) bad: Option<FlowId>,
    /// What the lines are of, as far as that is known.
    pub(crate) inputs: Vec<Input>,
    pub(crate) marks: ParseMarks,
}

impl ParseOp {
    /// What its elements have to carry, in order, where they are marked so.
    pub(crate) fn input_layout(&self, has_file: bool) -> Vec<ColumnId> {
        let mut layout = self.input.layout();
        if has_file {
            layout.extend(self.marks.file_before);
        }
        layout
    }
}

/// The columns that say what a row comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParseMarks {
    /// The number of its line.
    pub(crate) number: ColumnId,
    /// What its input is called; of lines, they have that in the other one.
    pub(crate) file: ColumnId,
    pub(crate) file_before: Option<ColumnId>,
}

/// What is parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ParseInput {
    /// Blocks of bytes, as they were read.
    Blocks(ColumnId),
    /// Lines, and their numbers.
    Lines { line: ColumnId, number: ColumnId },
}

impl ParseInput {
    /// What its elements have to carry, in order.
    pub(crate) fn layout(self) -> Vec<ColumnId> {
        match self {
            ParseInput::Blocks(block) => vec![block],
            ParseInput::Lines { line, number } => vec![line, number],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Clf,
    Csv {
        sep: u8,
        /// Whether it is tsv, whose fields have escapes.
        is_tsv: bool,
        columns: Vec<csv::Column>,
        header: Header,
    },
    /// Fields of records of which the program has named these.
    Fields {
        form: FieldsForm,
        record: RecordId,
        columns: Vec<json::Column>,
    },
    /// The named groups of a regular expression.
    Regex {
        pattern: Vec<u8>,
        columns: Vec<csv::Column>,
    },
    /// What stands in the places of a template.
    Template {
        template: Template,
        columns: Vec<csv::Column>,
    },
    Syslog,
}

/// How records are written whose fields are not known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldsForm {
    Json,
    Logfmt,
}

impl Format {
    /// The name in programs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Format::Clf => "clf",
            Format::Csv { .. } => "csv",
            Format::Fields {
                form: FieldsForm::Json,
                ..
            } => "json",
            Format::Fields {
                form: FieldsForm::Logfmt,
                ..
            } => "logfmt",
            Format::Regex { .. } => "regex",
            Format::Template { .. } => "template",
            Format::Syslog => "syslog",
        }
    }

    /// Whether it is JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(
            self,
            Format::Fields {
                form: FieldsForm::Json,
                ..
            }
        )
    }

    /// Whether only those of its columns are carried that are needed: what its fields are is not known beforehand.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Format::Fields { .. })
    }

    /// The same with these columns alone, where a format has columns of its own.
    pub(crate) fn with_columns(&self, wanted: &[usize]) -> Format {
        match self {
            Format::Fields { form, columns, .. } => Format::Fields {
                form: *form,
                // What it was in the plan.
                record: 0,
                columns: wanted.iter().map(|&index| columns[index].clone()).collect(),
            },
            other => other.clone(),
        }
    }

    /// Whether the first line of each input is a header.
    pub(crate) fn has_header(&self) -> bool {
        matches!(
            self,
            Format::Csv {
                header: Header::Each(_),
                ..
            }
        )
    }
}

/// Whether the first line of each input is a header, and no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    None,
    /// It is. Rows that are read before any header has been seen, by a parser that begins in the middle of an input,
    /// have this one, if it is known.
    Each(Option<Vec<u8>>),
}

/// Windows of arrival time, or of event time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Every {
    pub(crate) nanos: i64,
    /// When the window of a group has begun.
    pub(crate) window: ColumnId,
    /// In event time.
    pub(crate) of: Option<EventTime>,
}

/// The time of elements that says which window they are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventTime {
    pub(crate) time: ColumnId,
    /// In nanoseconds.
    pub(crate) lateness: i64,
    /// Whether an element is the last of its window.
    pub(crate) is_last: ColumnId,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupColumn {
    pub(crate) kind: AggregateKind,
    pub(crate) inputs: Vec<ColumnId>,
    pub(crate) result: ColumnId,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pipeline in &self.pipelines {
            if let Some(from) = pipeline.from {
                writeln!(f, "from {}", self.flows[from].name)?;
            }
            for stage in &pipeline.stages {
                let indent = if pipeline.from.is_none() && matches!(stage.op, Op::Read { .. }) {
                    ""
                } else {
                    "  "
                };
                write!(f, "{indent}")?;
                self.show_op(f, &stage.op)?;
                if !matches!(stage.op, Op::Write { .. } | Op::Read { .. }) {
                    write!(f, " -> ")?;
                    self.show_layout(f, &stage.layout)?;
                }
                writeln!(f)?;
            }
            if let Some(to) = pipeline.to {
                writeln!(f, "  to {}", self.flows[to].name)?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn show_layout(&self, f: &mut fmt::Formatter<'_>, layout: &[ColumnId]) -> fmt::Result {
        for (k, &id) in layout.iter().enumerate() {
            let info = self.columns.get(id);
            write!(f, "{}{}: {}", if k > 0 { ", " } else { "" }, info.name, info.ty)?;
        }
        Ok(())
    }

    fn show_op(&self, f: &mut fmt::Formatter<'_>, op: &Op) -> fmt::Result {
        let name = |id: ColumnId| self.columns.get(id).name.clone();
        match op {
            Op::Read { inputs, .. } => {
                write!(f, "read")?;
                inputs.iter().try_for_each(|input| match input {
                    Input::Path(path) => write!(f, " \"{}\"", path.escape_ascii()),
                    Input::Stdin => write!(f, " -"),
                    Input::Follow(path) => write!(f, " \"{}\" follow", path.escape_ascii()),
                })
            }
            Op::Lines { .. } => write!(f, "lines"),
            Op::Parse(parse) => {
                write!(f, "parse {}", parse.format.name())?;
                parse
                    .bad
                    .iter()
                    .try_for_each(|&bad| write!(f, " else {}", self.flows[bad].name))
            }
            Op::Where(tree) => write!(f, "where {}", tree.show(|id| &*self.columns.get(id).name)),
            Op::Compute(define) if define.is_empty() => write!(f, "select"),
            Op::Compute(define) => {
                for (k, (id, tree)) in define.iter().enumerate() {
                    let start = if k > 0 { ", " } else { "compute " };
                    write!(
                        f,
                        "{start}{} = {}",
                        name(*id),
                        tree.show(|id| &*self.columns.get(id).name)
                    )?;
                }
                Ok(())
            }
            Op::Head(count) => write!(f, "head {count}"),
            Op::Skip(count) => write!(f, "skip {count}"),
            Op::Lookup { key, columns, .. } => {
                let columns: Vec<Arc<str>> = columns.iter().map(|&column| name(column)).collect();
                write!(f, "lookup {} ({})", name(*key), columns.join(", "))
            }
            Op::Tail(count) => write!(f, "tail {count}"),
            Op::Explode { list, .. } => write!(f, "explode {}", name(*list)),
            Op::Fill(columns) => {
                write!(f, "fill")?;
                columns
                    .iter()
                    .try_for_each(|&(column, _)| write!(f, " {}", name(column)))
            }
            Op::Generate { count, every, .. } => {
                write!(f, "generate")?;
                count.iter().try_for_each(|count| write!(f, " {count}"))?;
                every.iter().try_for_each(|every| write!(f, " every {every}ns"))
            }
            Op::Total { inputs, .. } => {
                write!(f, "total")?;
                inputs.iter().try_for_each(|&input| write!(f, " {}", name(input)))
            }
            Op::Order { keys, limit } => {
                write!(f, "{}", if limit.is_some() { "top" } else { "sort" })?;
                limit.iter().try_for_each(|limit| write!(f, " {limit}"))?;
                keys.iter().try_for_each(|&(key, descending)| {
                    write!(f, " {}{}", name(key), if descending { " desc" } else { "" })
                })
            }
            Op::Distinct(keys) => {
                write!(f, "distinct")?;
                keys.iter().try_for_each(|&key| write!(f, " {}", name(key)))
            }
            Op::Group {
                keys,
                aggregates,
                every,
            } => {
                write!(f, "group")?;
                keys.iter().try_for_each(|&key| write!(f, " {}", name(key)))?;
                aggregates.iter().try_for_each(|aggregate| {
                    let inputs: Vec<Arc<str>> = aggregate.inputs.iter().map(|&input| name(input)).collect();
                    write!(f, " {}({})", aggregate.kind, inputs.join(", "))
                })?;
                every.iter().try_for_each(|every| {
                    write!(f, " every {}ns", every.nanos)?;
                    every
                        .of
                        .iter()
                        .try_for_each(|of| write!(f, " of {} late {}ns", name(of.time), of.lateness))
                })
            }
            Op::Write {
                target,
                append,
                format,
                columns,
            } => {
                match target {
                    Target::Path(path) => write!(f, "write \"{}\"", path.escape_ascii())?,
                    Target::Stdout => write!(f, "write stdout")?,
                    Target::Stderr => write!(f, "write stderr")?,
                }
                if *append {
                    write!(f, " append")?;
                }
                format
                    .iter()
                    .try_for_each(|format| write!(f, " as {}", format.name()))?;
                let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
                write!(f, " ({})", names.join(", "))
            }
        }
    }
}

/// The name of a process: the stage's text in one line, cut, with its place.
pub(crate) fn process_name(source: &str, span: Span) -> String {
    let (line, column) = crate::diagnostic::line_and_column(source, span.start);
    let mut text = String::new();
    let mut characters = span.text(source).chars().peekable();
    let mut count = 0;
    while let Some(c) = characters.next() {
        if c.is_whitespace() {
            while characters.next_if(|c| c.is_whitespace()).is_some() {}
        }
        if count == limits::PROCESS_NAME_CHARS_MAX {
            text.push('…');
            break;
        }
        text.push(match c {
            _ if c.is_whitespace() => ' ',
            _ if c.is_control() => '\u{fffd}',
            _ => c,
        });
        count += 1;
    }
    format!("{text} ({line}:{column})")
}
