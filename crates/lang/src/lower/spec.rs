//! What the processes of a program are, as data: made when they are needed, and compared when a program changes.

use std::fmt;

use cutthrough::Process;
use cutthrough::ir::{ElementType, Type};
use cutthrough::kernels::order::OrderSpec;
use cutthrough::processes::GroupSpec;
use cutthrough::processes::{
    BranchPolicy, Distinct, Group, Order, Skip, Take, Tee, Total, TotalSpec, Windows, WindowsSpec,
};
use cutthrough_formats::processes::{BadRows, JsonLines, Lines, Parse};
use cutthrough_formats::{InputName, clf, csv, json, syslog};

use super::Io;
use super::compute::Compute;
use super::explode::Explode;
use super::fill::Fill;
use super::generate::Generate;
use super::lookup::Lookup;
use crate::ast::OutputFormat;
use crate::pattern::compile_pattern;
use crate::plan::{Begin, Column, FieldsForm, Format, Header, Input, Target};

/// What lines are of, as far as that is known: for messages, so that it is nothing that tells processes apart.
#[derive(Clone)]
pub(crate) struct Origin(pub(super) Vec<Input>);

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

/// What a process is. Columns are where they are in an element, so that what does the same is the same, wherever in a
/// program it stands.
#[derive(Clone, Debug)]
pub(crate) enum Spec {
    Read(Vec<Input>),
    Lines {
        /// What has the names of its inputs with its lines, if they are wanted.
        file: Option<Vec<Input>>,
    },
    /// Values to lines.
    JsonLines {
        /// Whether its input begins within one whose values come one a line.
        begins_within: bool,
    },
    Parse {
        format: Format,
        /// Whether it takes lines, and not blocks.
        is_of_lines: bool,
        wanted: Vec<usize>,
        has_bad_output: bool,
        inputs: Origin,
        /// Whether rows have their numbers, and what has the names of its inputs with its rows.
        has_number: bool,
        file: Option<Vec<Input>>,
    },
    Compute(Compute),
    Head(ElementType, u64),
    Skip(ElementType, u64),
    Total(TotalSpec),
    Lookup(Lookup),
    Explode(Explode),
    /// Of these fields, and how many bytes they may take.
    Distinct(Vec<Type>, usize),
    Fill(Fill),
    Generate(Generate),
    Order(OrderSpec),
    Windows(WindowsSpec),
    Group(GroupSpec),
    Write {
        target: Target,
        append: bool,
        format: Option<OutputFormat>,
        columns: Vec<Column>,
    },
    Tee(ElementType, usize),
}

/// A process, and the handle on it if it parses.
pub(crate) struct Made {
    pub(crate) process: Box<dyn Process>,
    pub(crate) bad_rows: Option<BadRows>,
}

/// The parser of the wanted columns of a format.
fn parser(format: &Format, wanted: &[usize]) -> Result<Parse, String> {
    let columns_of = |columns: &[csv::Column]| -> Vec<csv::Column> {
        wanted.iter().map(|&index| columns[index].clone()).collect()
    };
    Ok(match format {
        Format::Clf => Parse::clf(wanted.iter().map(|&index| clf::Column::ALL[index]).collect()),
        Format::Syslog => {
            let columns: Vec<_> = wanted.iter().map(|&index| syslog::Column::ALL[index]).collect();
            Parse::syslog(&columns)
        }
        Format::Csv {
            sep,
            is_tsv,
            columns,
            header,
        } => match (header, is_tsv) {
            (Header::None, false) => Parse::csv(*sep, columns, wanted),
            (Header::None, true) => Parse::tsv(columns, wanted),
            (Header::Each(first), false) => Parse::csv_with_header(*sep, columns, wanted, first.as_deref()),
            (Header::Each(first), true) => Parse::tsv_with_header(columns, wanted, first.as_deref()),
        },
        Format::Fields { form, columns, .. } => {
            let columns: Vec<json::Column> = wanted.iter().map(|&index| columns[index].clone()).collect();
            match form {
                FieldsForm::Json => Parse::json(&columns),
                FieldsForm::Logfmt => Parse::logfmt(&flat(&columns)),
            }
        }
        Format::Regex { pattern, columns } => Parse::regex(&compile_pattern(pattern)?, &columns_of(columns)),
        Format::Template { template, columns } => Parse::template(template, &columns_of(columns)),
    })
}

/// What says the names of these inputs; where nobody knows them, they have none.
fn input_name(io: &dyn Io, inputs: &[Input]) -> InputName {
    io.input_name(inputs).unwrap_or_else(|| InputName::new(|| None))
}

/// Fields of records that have no values within values: a path is a key with points.
fn flat(columns: &[json::Column]) -> Vec<csv::Column> {
    let column = |column: &json::Column| csv::Column {
        name: column.path.to_string(),
        ty: column.ty,
    };
    columns.iter().map(column).collect()
}

impl Spec {
    /// Makes the process. A parser goes on to note bad rows where another has; what writes a file may go on with it.
    pub(crate) fn make(
        &self,
        io: &mut dyn Io,
        noted: Option<&BadRows>,
        goes_on: bool,
    ) -> Result<Made, String> {
        let mut bad_rows = None;
        let process: Box<dyn Process> = match self {
            Spec::Read(inputs) => io.read(inputs)?,
            Spec::Lines { file: None } => Box::new(Lines::new()),
            Spec::Lines { file: Some(inputs) } => Box::new(Lines::with_input(input_name(io, inputs))),
            Spec::JsonLines { begins_within: false } => Box::new(JsonLines::new()),
            Spec::JsonLines { begins_within: true } => Box::new(JsonLines::beginning_within()),
            Spec::Parse {
                format,
                is_of_lines,
                wanted,
                has_bad_output,
                inputs,
                has_number,
                file,
            } => {
                let noted = noted.cloned().unwrap_or_else(|| match io.input_name(&inputs.0) {
                    Some(name) => io.bad_rows().of_input(name),
                    None => io.bad_rows(),
                });
                bad_rows = Some(noted.clone());
                let mut parse = parser(format, wanted)?.with_bad_rows(noted);
                if *is_of_lines {
                    parse = parse.of_lines();
                }
                if *has_bad_output {
                    parse = parse.with_bad_output();
                }
                if *has_number {
                    parse = parse.with_number();
                }
                if let Some(inputs) = file {
                    parse = parse.with_input(input_name(io, inputs));
                }
                Box::new(parse)
            }
            Spec::Compute(compute) => Box::new(compute.clone()),
            Spec::Head(element, count) => Box::new(Take::new(element.clone(), *count)),
            Spec::Skip(element, count) => Box::new(Skip::new(element.clone(), *count)),
            Spec::Lookup(lookup) => Box::new(lookup.clone()),
            Spec::Explode(explode) => Box::new(explode.clone()),
            Spec::Distinct(fields, bytes_max) => Box::new(Distinct::new(fields.iter().copied(), *bytes_max)),
            Spec::Fill(fill) => Box::new(fill.clone()),
            Spec::Generate(generate) => Box::new(generate.clone()),
            Spec::Total(spec) => Box::new(Total::new(spec.clone())),
            Spec::Order(spec) => Box::new(Order::new(spec.clone())),
            Spec::Windows(spec) => Box::new(Windows::new(spec.clone())),
            Spec::Group(spec) => Box::new(Group::new(spec.clone())),
            Spec::Write {
                target,
                append,
                format,
                columns,
            } => {
                let begin = match (goes_on, append) {
                    (true, _) => Begin::GoOn,
                    (false, true) => Begin::Append,
                    (false, false) => Begin::Anew,
                };
                io.write(target, begin, *format, columns)?
            }
            Spec::Tee(element, branches) => {
                Box::new(Tee::new(element.clone(), vec![BranchPolicy::Block; *branches]))
            }
        };
        Ok(Made { process, bad_rows })
    }

    /// All there is to say, for comparing: equal texts are equal processes.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{self:?}")
    }

    /// Whether the process can go on with the program of another: it holds no more than slots do.
    pub(crate) fn swaps_for(&self, other: &Spec) -> bool {
        match (self, other) {
            // What filters counts what it drops.
            (Spec::Compute(old), Spec::Compute(new)) => old.filters() == new.filters(),
            (
                Spec::Parse {
                    format: old,
                    is_of_lines: true,
                    has_bad_output: old_output,
                    ..
                },
                Spec::Parse {
                    format: new,
                    is_of_lines: true,
                    has_bad_output: new_output,
                    ..
                },
            ) => {
                self.marks() == other.marks()
                    && old_output == new_output
                    && old.has_header() == new.has_header()
            }
            // Blocks are parsed in the same way; bad rows may go elsewhere.
            (
                Spec::Parse {
                    format: old,
                    is_of_lines: false,
                    wanted: old_wanted,
                    ..
                },
                Spec::Parse {
                    format: new,
                    is_of_lines: false,
                    wanted: new_wanted,
                    ..
                },
            ) => self.marks() == other.marks() && old == new && old_wanted == new_wanted,
            (Spec::Head(_, old), Spec::Head(_, new)) | (Spec::Skip(_, old), Spec::Skip(_, new)) => old == new,
            _ => false,
        }
    }

    /// What the rows of a parser have behind their columns.
    fn marks(&self) -> (bool, Option<&[Input]>) {
        match self {
            Spec::Parse { has_number, file, .. } => (*has_number, file.as_deref()),
            _ => (false, None),
        }
    }

    /// The file that the process writes, if it writes one.
    pub(crate) fn written_file(&self) -> Option<&[u8]> {
        match self {
            Spec::Write {
                target: Target::Path(path),
                ..
            } => Some(path),
            _ => None,
        }
    }

    /// Whether the process writes a file as another one does, and can go on with it.
    pub(crate) fn writes_like(&self, other: &Spec) -> bool {
        match (self, other) {
            (
                Spec::Write {
                    target,
                    format,
                    columns,
                    ..
                },
                Spec::Write {
                    target: other_target,
                    format: other_format,
                    columns: other_columns,
                    ..
                },
            ) => (target, format, columns) == (other_target, other_format, other_columns),
            _ => false,
        }
    }

    /// Whether both are the same kind of process.
    pub(crate) fn is_kind_of(&self, other: &Spec) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether it makes lines, or rows, of blocks: it keeps a line that goes on in the next.
    pub(crate) fn splits(&self) -> bool {
        matches!(
            self,
            Spec::Lines { .. }
                | Spec::JsonLines { .. }
                | Spec::Parse {
                    is_of_lines: false,
                    ..
                }
        )
    }
}
