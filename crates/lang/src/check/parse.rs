//! Formats: their options and their columns.

use std::collections::HashSet;

use cutthrough_expr::{LogicalType, NodeKind, Tree};
use cutthrough_formats::{clf, csv};

use super::Check;
use super::pipeline::{FlowState, PipelineChecker};
use super::types::{Schema, SchemaColumn};
use crate::ast::{Literal, Name, ParseOption};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::plan::{FlowId, Format, Header, Input, Op, ParseInput, ParseOp, Patience};
use crate::span::Span;
use crate::suggest;

/// The names of the formats that `parse` knows.
pub const FORMATS: [&str; 2] = ["clf", "csv"];

/// How many names of a header a message shows.
const NAMES_SHOWN_MAX: usize = 20;

const CSV_OPTIONS: [&str; 3] = ["columns", "header", "sep"];

impl PipelineChecker<'_, '_> {
    pub(super) fn parse(&mut self, format: &Name, options: &[ParseOption], bad: Option<FlowId>) -> Check<()> {
        let input = match self.state.block {
            Some(block) => ParseInput::Blocks(block),
            None => self.lines_to_parse(format)?,
        };
        let (format, named) = match format.text.as_str() {
            "clf" => {
                if let Some(option) = options.first() {
                    return Err(unknown_option("clf", &option.key, &[]));
                }
                let columns = clf::Column::ALL.map(|column| (column.name().to_owned(), column.ty()));
                (Format::Clf, columns.to_vec())
            }
            "csv" => self.csv(format.span, options)?,
            _ => return Err(unknown_format(format)),
        };
        check_count(self.span, named.len())?;
        let mut schema = Schema::default();
        let mut columns = Vec::with_capacity(named.len());
        for (name, ty) in named {
            let id = self.checker.columns.add(name.as_str(), ty);
            schema.columns.push(SchemaColumn {
                name: name.into(),
                id,
                ty,
                hidden: false,
            });
            columns.push(id);
        }
        if let Some(bad) = bad {
            self.checker.states[bad] = Some(self.bad_lines(bad));
        }
        self.state = FlowState {
            schema,
            block: None,
            inputs: None,
        };
        self.push(Op::Parse(Box::new(ParseOp {
            format,
            input,
            columns,
            bad,
        })));
        Ok(())
    }

    /// What is parsed: the column `line`, with its number if it still has one.
    fn lines_to_parse(&mut self, format: &Name) -> Check<ParseInput> {
        let line = self
            .state
            .schema
            .find("line")
            .filter(|column| column.ty == LogicalType::TEXT)
            .map(|column| column.id);
        let Some(line) = line else {
            let diagnostic = Diagnostic::new(
                "there is no `line` to parse here",
                format.span,
                "parses the column `line`",
            );
            let help = "`parse` comes after `read` or `lines`; a column `line` of type text will do as well";
            return Err(Box::new(diagnostic.with_help(help)));
        };
        let number = self
            .state
            .schema
            .find("number")
            .filter(|column| column.ty == LogicalType::INT)
            .map(|column| column.id);
        let number = number.unwrap_or_else(|| {
            let mut tree = Tree::default();
            tree.add(NodeKind::Int(0), LogicalType::INT);
            let number = self.checker.columns.add("number", LogicalType::INT);
            self.push(Op::Compute(vec![(number, tree)]));
            number
        });
        Ok(ParseInput::Lines { line, number })
    }

    /// The flow of lines that do not parse.
    fn bad_lines(&mut self, bad: FlowId) -> FlowState {
        let column = |name: &str, id, ty| SchemaColumn {
            name: name.into(),
            id,
            ty,
            hidden: false,
        };
        let line = self.checker.columns.add("line", LogicalType::TEXT);
        let number = self.checker.columns.add("number", LogicalType::INT);
        let columns = vec![
            column("line", line, LogicalType::TEXT),
            column("number", number, LogicalType::INT),
        ];
        self.checker.flows[bad].layout = vec![line, number];
        FlowState {
            schema: Schema {
                columns,
                ..Schema::default()
            },
            block: None,
            inputs: None,
        }
    }

    fn csv(&mut self, place: Span, options: &[ParseOption]) -> Check<(Format, Vec<(String, LogicalType)>)> {
        let (mut sep, mut declared, mut header) = (b',', None, None);
        for option in options {
            match (option.key.text.as_str(), &option.value) {
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
                _ => return Err(unknown_option("csv", &option.key, &CSV_OPTIONS)),
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
        let (columns, header) = match (declared, has_header) {
            (Some(columns), false) => (columns, Header::None),
            (declared, _) => self.csv_header(place, sep, declared)?,
        };
        let named = columns
            .iter()
            .map(|column| (column.name.clone(), column.ty))
            .collect();
        Ok((Format::Csv { sep, columns, header }, named))
    }

    /// Looks into the inputs for their headers: the first says the columns unless the program does, and all have to
    /// have them.
    fn csv_header(
        &self,
        place: Span,
        sep: u8,
        declared: Option<Vec<csv::Column>>,
    ) -> Check<(Vec<csv::Column>, Header)> {
        let inputs = self.state.inputs.as_deref().unwrap_or_default();
        let Some((first, others)) = inputs.split_first() else {
            let diagnostic = Diagnostic::new(
                "there is no header to be read here",
                place,
                "not the lines of an input",
            );
            let help = "put `parse csv` right after `read`, or say the columns: `parse csv(columns=\"a:text,b:int\")`";
            return Err(Box::new(diagnostic.with_help(help)));
        };
        let (columns, line) = match declared {
            Some(columns) => {
                let line = self.first_line(place, first, Patience::None)?;
                if let Some(line) = &line {
                    check_header(place, first, line, sep, &columns)?;
                }
                (columns, line)
            }
            None => {
                let line = self.first_line(place, first, Patience::Wait)?.unwrap_or_default();
                (header_columns(place, first, &line, sep)?, Some(line))
            }
        };
        // The same for all inputs, or what a parser does not know that begins in the middle of one.
        let mut common = line;
        for input in others {
            let line = self.first_line(place, input, Patience::None)?;
            if let Some(line) = line.as_ref().filter(|line| !line.is_empty()) {
                check_header(place, input, line, sep, &columns)?;
            }
            common = common.filter(|common| line.as_ref() == Some(common));
        }
        Ok((columns, Header::Each(common)))
    }

    fn first_line(&self, place: Span, input: &Input, patience: Patience) -> Check<Option<Vec<u8>>> {
        let Some(first_line) = &self.checker.environment.first_line else {
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
        Ok(line.map(|mut line| {
            if let Some(end) = line.iter().position(|&byte| byte == b'\n') {
                line.truncate(end);
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            line
        }))
    }
}

const CSV_HELP: &str = "for example `parse csv(columns=\"station:text,temp:float\")`";

/// The columns that the header of the first input names.
fn header_columns(place: Span, input: &Input, line: &[u8], sep: u8) -> Check<Vec<csv::Column>> {
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
    Ok(names
        .into_iter()
        .map(|name| csv::Column {
            name,
            ty: LogicalType::TEXT,
        })
        .collect())
}

/// Whether the header of an input has the columns.
fn check_header(place: Span, input: &Input, line: &[u8], sep: u8, columns: &[csv::Column]) -> Check<()> {
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

fn header_names(place: Span, input: &Input, line: &[u8], sep: u8) -> Check<Vec<String>> {
    csv::parse_header(line, sep).map_err(|why| {
        let message = format!("the header of {} cannot be read: {why}", input_name(input));
        Box::new(Diagnostic::new(message, place, "needs a header").with_help(CSV_HELP))
    })
}

fn input_name(input: &Input) -> String {
    match input {
        Input::Path(path) => quoted(&String::from_utf8_lossy(path)),
        Input::Stdin => "the standard input".to_owned(),
    }
}

/// Bounds the columns of a format.
fn check_count(place: Span, count: usize) -> Check<()> {
    if count <= limits::SCHEMA_COLUMNS_MAX {
        return Ok(());
    }
    let message = format!("a flow may have at most {} columns", limits::SCHEMA_COLUMNS_MAX);
    Err(Box::new(Diagnostic::new(
        message,
        place,
        format!("these are {count}"),
    )))
}

fn declared_columns(option: &ParseOption, text: &[u8]) -> Check<Vec<csv::Column>> {
    let wrong = |message: String| Box::new(Diagnostic::new(message, option.value_span, "cannot be read"));
    let text = std::str::from_utf8(text).map_err(|_| wrong("the names of columns are UTF-8".to_owned()))?;
    csv::parse_columns(text).map_err(|why| {
        let diagnostic = wrong(why);
        Box::new(
            diagnostic.with_help("columns are `name:type`, with commas between: `station:text,temp:float?`; types are int, float, bool, text, time and duration"),
        )
    })
}

fn wrong_option(option: &ParseOption, takes: &str) -> Box<Diagnostic> {
    let message = format!("the option {} takes {takes}", quoted(&option.key.text));
    Box::new(Diagnostic::new(message, option.value_span, "not this"))
}

fn unknown_option(format: &str, key: &Name, options: &[&str]) -> Box<Diagnostic> {
    let message = format!("`{format}` has no option {}", quoted(&key.text));
    let diagnostic = Diagnostic::new(message, key.span, "not an option");
    let help = suggest::did_you_mean(&key.text, options.iter().copied()).unwrap_or_else(|| match options {
        [] => "it has none".to_owned(),
        _ => format!("there are {}", super::types::list(options)),
    });
    Box::new(diagnostic.with_help(help))
}

fn unknown_format(format: &Name) -> Box<Diagnostic> {
    let message = format!("there is no format {}", quoted(&format.text));
    let diagnostic = Diagnostic::new(message, format.span, "not a format that is parsed");
    let help = match format.text.to_lowercase().as_str() {
        "tsv" => "`parse csv(sep=\"\\t\")` takes tabs".to_owned(),
        "apache" | "nginx" | "combined" | "common" | "access" => "web servers' logs are `clf`".to_owned(),
        "text" | "raw" | "plain" => "for lines as they are, `lines` is enough".to_owned(),
        _ => suggest::did_you_mean(&format.text, FORMATS)
            .unwrap_or_else(|| format!("the formats are {}", super::types::list(&FORMATS))),
    };
    Box::new(diagnostic.with_help(help))
}
