//! Parsers of formats whose columns are pieces of a line.

use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::Value;
use regex::bytes::Regex;

use super::BadRows;
use super::parse::{Parse, parser_process};
use crate::csv::Column;
use crate::logfmt::LogfmtPieces;
use crate::pieces::PieceRecords;
use crate::regex::RegexPieces;
use crate::syslog::{self, SyslogPieces};
use crate::template::{Template, TemplatePieces};

/// Makes columns of the groups of a regular expression: blocks of bytes, or [lines](ParseRegex::of_lines). Lines that
/// it does not match are bad rows, as those whose text is not of its column's type.
#[derive(Debug)]
pub struct ParseRegex(Parse<PieceRecords<RegexPieces>>);

impl ParseRegex {
    /// Gives these columns: groups by their names. A group that takes no part in a match is null.
    ///
    /// # Panics
    /// When there is no group of a name.
    pub fn new(pattern: &Regex, columns: &[Column]) -> ParseRegex {
        let pieces = RegexPieces::new(pattern, names(columns));
        ParseRegex(Parse::new(PieceRecords::new(pieces, columns)))
    }
}

parser_process!(ParseRegex);

/// Makes columns of what stands in the places of a template: blocks of bytes, or [lines](ParseTemplate::of_lines).
#[derive(Debug)]
pub struct ParseTemplate(Parse<PieceRecords<TemplatePieces>>);

impl ParseTemplate {
    /// Gives these columns, which are names of the template.
    pub fn new(template: &Template, columns: &[Column]) -> ParseTemplate {
        let pieces = TemplatePieces::new(template, names(columns));
        ParseTemplate(Parse::new(PieceRecords::new(pieces, columns)))
    }
}

parser_process!(ParseTemplate);

/// Makes columns of the fields of logfmt: blocks of bytes, or [lines](ParseLogfmt::of_lines).
#[derive(Debug)]
pub struct ParseLogfmt(Parse<PieceRecords<LogfmtPieces>>);

impl ParseLogfmt {
    /// Gives these columns, which are keys.
    pub fn new(columns: &[Column]) -> ParseLogfmt {
        let pieces = LogfmtPieces::new(names(columns));
        ParseLogfmt(Parse::new(PieceRecords::new(pieces, columns)))
    }
}

parser_process!(ParseLogfmt);

/// Makes columns of lines of system logs: blocks of bytes, or [lines](ParseSyslog::of_lines).
#[derive(Debug)]
pub struct ParseSyslog(Parse<PieceRecords<SyslogPieces>>);

impl ParseSyslog {
    /// Gives these columns.
    pub fn new(columns: &[syslog::Column]) -> ParseSyslog {
        let typed: Vec<Column> = columns
            .iter()
            .map(|column| Column {
                name: column.name().to_owned(),
                ty: column.ty(),
            })
            .collect();
        let pieces = SyslogPieces::new(columns);
        ParseSyslog(Parse::new(PieceRecords::new(pieces, &typed)))
    }
}

parser_process!(ParseSyslog);

fn names(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.name.as_str())
}
