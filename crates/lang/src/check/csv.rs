//! Separated values: their options, and the headers of their inputs.

use std::collections::HashSet;

use cutthrough_formats::csv;
use cutthrough_formats::limits::LINE_BYTES_MAX;

use super::Check;
use super::parse::{Guessed, check_count, declared_columns, unknown_option, wrong_option};
use super::pipeline::PipelineChecker;
use crate::ast::{Literal, Name, ParseOption};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::plan::{Format, Header, Input, Patience};
use crate::span::Span;

/// How many names of a header a message shows.
const NAMES_SHOWN_MAX: usize = 20;

const CSV_OPTIONS: [&str; 3] = ["columns", "header", "sep"];

/// What separates fields, and whether they have escapes, as those of tsv do.
type Separator = (u8, bool);

const CSV_HELP: &str = "for example `parse csv(columns=\"station:text,temp:float\")`";

impl PipelineChecker<'_, '_> {
    pub(super) fn csv(&mut self, format: &Name, options: &[ParseOption]) -> Check<Guessed> {
        let place = format.span;
        let is_tsv = format.text == "tsv";
        let (mut sep, mut declared, mut header) = (if is_tsv { b'\t' } else { b',' }, None, None);
        for option in options {
            match (option.key.text.as_str(), &option.value) {
                ("sep", _) if is_tsv => return Err(unknown_option("tsv", &option.key, &CSV_OPTIONS[..2])),
                ("sep", Literal::Text(text)) => match text[..] {
                    [byte] if !matches!(byte, b'\n' | b'\r' | b'"') => sep = byte,
                    _ => {
                        return Err(wrong_option(
                            option,
                            "one byte, as in `sep=\";\"` or `sep=\"\\t\"`",
                        ));
                    }
                },
                ("header", Literal::Bool(value)) => header = Some(*value),
                ("columns", Literal::Text(text)) => declared = Some(declared_columns(option, text)?),
                ("sep", _) => return Err(wrong_option(option, "one byte, as in `sep=\";\"`")),
                ("header", _) => return Err(wrong_option(option, "`true` or `false`")),
                ("columns", _) => {
                    return Err(wrong_option(
                        option,
                        "a text, as in `columns=\"name:text,age:int\"`",
                    ));
                }
                _ => return Err(unknown_option(&format.text, &option.key, &CSV_OPTIONS)),
            }
        }
        if declared.is_none() && header == Some(false) {
            let diagnostic = Diagnostic::new(
                "without a header, the columns have to be said",
                place,
                "of which columns?",
            );
            return Err(Box::new(diagnostic.with_help(CSV_HELP)));
        }
        let has_header = header.unwrap_or(declared.is_none());
        let (columns, unseen, header) = match (declared, has_header) {
            (Some(columns), false) => (columns, Vec::new(), Header::None),
            (declared, _) => self.csv_header(place, (sep, is_tsv), declared)?,
        };
        Ok(Guessed {
            format: Format::Csv {
                sep,
                is_tsv,
                columns: columns.clone(),
                header,
            },
            columns,
            unseen,
        })
    }

    /// Looks into the inputs for their headers: the first says the columns unless the program does, and all have to
    /// have them.
    fn csv_header(
        &self,
        place: Span,
        sep: Separator,
        declared: Option<Vec<csv::Column>>,
    ) -> Check<(Vec<csv::Column>, Vec<String>, Header)> {
        let inputs = self.state.inputs.as_deref().unwrap_or_default();
        let is_pattern = |path: &[u8]| path.iter().any(|byte| b"*?[".contains(byte));
        let followed = inputs.iter().find(|input| matches!(input, Input::Follow(_)));
        if let Some(Input::Follow(path)) = followed
            && (inputs.len() > 1 || is_pattern(path))
        {
            let message = "the headers of several files that are followed cannot be told from rows";
            let diagnostic = Diagnostic::new(message, place, "needs a header");
            let help = "follow one file, or write `parse csv(columns=\"a:text,b:int\", header=false)`";
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let Some((first, others)) = inputs.split_first() else {
            let diagnostic = Diagnostic::new(
                "there is no header to be read here",
                place,
                "not the lines of an input",
            );
            let help = "put `parse csv` right after `read`, or say the columns: `parse csv(columns=\"a:text,b:int\")`";
            return Err(Box::new(diagnostic.with_help(help)));
        };
        let (columns, unseen, line) = match declared {
            Some(columns) => {
                let line = self.header(place, first, sep.0, Patience::None)?;
                if let Some(line) = &line {
                    check_header(place, first, line, sep, &columns)?;
                }
                (columns, Vec::new(), line)
            }
            None => {
                // A header says nothing of types: those are known by what comes behind it.
                let beginning = self.beginning(place, first, Patience::Lines(2))?;
                let beginning = beginning.unwrap_or_default();
                check_line(place, &beginning)?;
                if beginning.is_empty() {
                    let message = format!("{} is empty: it has no header", input_name(first));
                    let diagnostic = Diagnostic::new(message, place, "has no columns");
                    return Err(Box::new(diagnostic.with_help(CSV_HELP)));
                }
                let (line, rest) = split_header(&beginning, sep.0);
                let names = column_names(place, first, line, sep)?;
                let sample = &rest[..rest.len().min(limits::SAMPLE_BYTES_MAX)];
                let inferred = csv::infer(sample, sep.0, names.len());
                let (columns, unseen) = self.guess(names, &inferred);
                (columns, unseen, Some(line.to_vec()))
            }
        };
        // The same for all inputs, or what a parser does not know that begins in the middle of one.
        let mut common = line;
        for input in others {
            let line = self.header(place, input, sep.0, Patience::None)?;
            if let Some(line) = line.as_ref().filter(|line| !line.is_empty()) {
                check_header(place, input, line, sep, &columns)?;
            }
            common = common.filter(|common| line.as_ref() == Some(common));
        }
        Ok((columns, unseen, Header::Each(common)))
    }

    fn header(&self, place: Span, input: &Input, sep: u8, patience: Patience) -> Check<Option<Vec<u8>>> {
        let beginning = self.beginning(place, input, patience)?;
        if let Some(beginning) = &beginning {
            check_line(place, beginning)?;
        }
        Ok(beginning.map(|beginning| split_header(&beginning, sep).0.to_vec()))
    }

    pub(super) fn beginning(&self, place: Span, input: &Input, patience: Patience) -> Check<Option<Vec<u8>>> {
        let Some(first_line) = &self.checker.environment.beginning else {
            if patience == Patience::None {
                return Ok(None);
            }
            let diagnostic = Diagnostic::new(
                "the columns have to be said here",
                place,
                "the header cannot be read",
            );
            return Err(Box::new(diagnostic.with_help(CSV_HELP)));
        };
        let line = first_line(input, patience).map_err(|why| {
            let diagnostic =
                Diagnostic::new("the header cannot be read", place, "needs the input's first line");
            Box::new(diagnostic.with_note(why))
        })?;
        Ok(line)
    }
}

/// A header has an end within reason.
fn check_line(place: Span, beginning: &[u8]) -> Check<()> {
    let is_cut = beginning.len() > LINE_BYTES_MAX && !beginning[..LINE_BYTES_MAX].contains(&b'\n');
    if !is_cut {
        return Ok(());
    }
    let diagnostic = Diagnostic::new("the header cannot be read", place, "needs the input's first line");
    Err(Box::new(diagnostic.with_note("its first line has no end")))
}

/// The record that an input begins with, and what follows.
fn split_header(beginning: &[u8], sep: u8) -> (&[u8], &[u8]) {
    let mut records = csv::split(beginning, sep);
    let (_, header) = records.next().unwrap_or_default();
    (header, records.rest())
}

/// The names of columns in the header of the first input.
fn column_names(place: Span, input: &Input, line: &[u8], sep: Separator) -> Check<Vec<String>> {
    let wrong =
        |message: String, label: &str| Box::new(Diagnostic::new(message, place, label).with_help(CSV_HELP));
    if line.is_empty() {
        let message = format!("{} has no header: its first line is empty", input_name(input));
        return Err(wrong(message, "has no columns"));
    }
    let names = header_names(place, input, line, sep)?;
    check_count(place, names.len())?;
    let mut known = HashSet::with_capacity(names.len());
    if let Some(name) = names.iter().find(|&name| !known.insert(name)) {
        let message = format!("the header of {} has {} twice", input_name(input), quoted(name));
        return Err(wrong(message, "which of them is meant?"));
    }
    Ok(names)
}

/// Whether the header of an input has the columns.
fn check_header(
    place: Span,
    input: &Input,
    line: &[u8],
    sep: Separator,
    columns: &[csv::Column],
) -> Check<()> {
    let names = header_names(place, input, line, sep)?;
    let Err(why) = csv::match_header(&names, columns) else {
        return Ok(());
    };
    let message = format!("the header of {} {why}", input_name(input));
    let diagnostic = Diagnostic::new(message, place, "columns go by their names, in every input");
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect();
    Err(Box::new(diagnostic.with_help(format!(
        "its columns are {}",
        super::types::list(&shown)
    ))))
}

fn header_names(place: Span, input: &Input, line: &[u8], (sep, is_tsv): Separator) -> Check<Vec<String>> {
    csv::parse_header(line, sep, is_tsv).map_err(|why| {
        let message = format!("the header of {} cannot be read: {why}", input_name(input));
        Box::new(Diagnostic::new(message, place, "needs a header").with_help(CSV_HELP))
    })
}

fn input_name(input: &Input) -> String {
    match input {
        Input::Path(path) | Input::Follow(path) => quoted(&String::from_utf8_lossy(path)),
        Input::Stdin => "the standard input".to_owned(),
    }
}
