//! What the processes of a program are, as data: made when they are needed, and compared when a program changes.

use cutthrough::ir::{ElementType, Op as IrOp, Value};
use cutthrough::kernels::group::GroupSpec;
use cutthrough::kernels::order::OrderSpec;
use cutthrough::processes::{BranchPolicy, Filter, Group, Order, Skip, Take, Tee};
use cutthrough::{Fragment, Process};
use cutthrough_formats::clf;
use cutthrough_formats::processes::{BadRows, Lines, ParseClf, ParseCsv};

use super::compute::Compute;
use super::{Io, hosts};
use crate::ast::OutputFormat;
use crate::plan::{Column, Format, Header, Input, Target};

/// What a process is. Columns are where they are in an element, so that what does the same is the same, wherever in a
/// program it stands.
#[derive(Clone, Debug)]
pub(crate) enum Spec {
    Read(Vec<Input>),
    Lines,
    /// Takes off the header of the input, and those of further ones, which are the same line.
    Header(Header, ElementType),
    Parse {
        format: Format,
        wanted: Vec<usize>,
        has_bad_output: bool,
    },
    Compute(Compute),
    Head(ElementType, u64),
    Skip(ElementType, u64),
    Order(OrderSpec),
    Group(GroupSpec),
    Write {
        target: Target,
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

impl Spec {
    /// Makes the process. A parser goes on to note bad rows where another has.
    pub(crate) fn make(&self, io: &mut dyn Io, noted: Option<&BadRows>) -> Result<Made, String> {
        let mut bad_rows = None;
        let process: Box<dyn Process> = match self {
            Spec::Read(inputs) => io.read(inputs)?,
            Spec::Lines => Box::new(Lines::new()),
            Spec::Header(header, element) => Box::new(skip_header(header.clone(), element.clone())),
            Spec::Parse {
                format,
                wanted,
                has_bad_output,
            } => {
                let noted = noted.cloned().unwrap_or_default();
                bad_rows = Some(noted.clone());
                match format {
                    Format::Clf => {
                        let want = wanted.iter().map(|&index| clf::Column::ALL[index]).collect();
                        let parse = ParseClf::new(want).with_bad_rows(noted);
                        match has_bad_output {
                            true => Box::new(parse.with_bad_output()),
                            false => Box::new(parse),
                        }
                    }
                    Format::Csv { sep, columns, .. } => {
                        let parse = ParseCsv::new(*sep, columns, wanted).with_bad_rows(noted);
                        match has_bad_output {
                            true => Box::new(parse.with_bad_output()),
                            false => Box::new(parse),
                        }
                    }
                }
            }
            Spec::Compute(compute) => Box::new(compute.clone()),
            Spec::Head(element, count) => Box::new(Take::new(element.clone(), *count)),
            Spec::Skip(element, count) => Box::new(Skip::new(element.clone(), *count)),
            Spec::Order(spec) => Box::new(Order::new(spec.clone())),
            Spec::Group(spec) => Box::new(Group::new(spec.clone())),
            Spec::Write {
                target,
                format,
                columns,
            } => io.write(target, *format, columns)?,
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
            (Spec::Header(..), Spec::Header(..)) => true,
            (
                Spec::Parse {
                    has_bad_output: old, ..
                },
                Spec::Parse {
                    has_bad_output: new, ..
                },
            ) => old == new,
            (Spec::Head(_, old), Spec::Head(_, new)) | (Spec::Skip(_, old), Spec::Skip(_, new)) => old == new,
            _ => false,
        }
    }

    /// Whether both are the same kind of process.
    pub(crate) fn is_kind_of(&self, other: &Spec) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether elements may stay in the process from one grant to the next.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Spec::Lines | Spec::Order(_) | Spec::Group(_))
    }
}

fn skip_header(header: Header, element: ElementType) -> impl Process {
    Filter::new(element, move |f: &mut Fragment<'_>, line: &[Value]| {
        let one = f.iconst(1);
        let follows = f.op(IrOp::Ine, &[line[1], one]);
        let Header::Each(text) = &header else {
            return follows;
        };
        let text = f.data(hosts::data(text));
        let is_header = f.op(IrOp::Seq, &[line[0], text]);
        let differs = f.op(IrOp::Not, &[is_header]);
        f.op(IrOp::And, &[follows, differs])
    })
}
