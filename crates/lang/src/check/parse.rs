//! Formats: their options and their columns.

use std::collections::HashSet;

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, NodeKind, Tree};
use cutthrough_formats::json::Path;
use cutthrough_formats::template::Template;
use cutthrough_formats::{Inferred, clf, csv, json, logfmt, regex, syslog};

use super::Check;
use super::pipeline::{FlowState, PipelineChecker};
use super::records::{Open, Sampled, first_name};
use super::types::{Schema, SchemaColumn};
use crate::ast::{Literal, Name, ParseOption, Step, Text};
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits;
use crate::pattern::compile_pattern;
use crate::plan::{FieldsForm, FlowId, Format, Op, ParseInput, ParseMarks, ParseOp, Patience};
use crate::span::Span;
use crate::suggest;

/// The names of the formats that `parse` knows.
pub const FORMATS: [&str; 8] = [
    "clf", "csv", "json", "logfmt", "regex", "syslog", "template", "tsv",
];

impl PipelineChecker<'_, '_> {
    pub(super) fn parse(
        &mut self,
        format: &Name,
        argument: Option<&Text>,
        options: &[ParseOption],
        bad: Option<FlowId>,
    ) -> Check<()> {
        let input = match self.state.block {
            Some(block) => ParseInput::Blocks(block),
            None => self.lines_to_parse(format)?,
        };
        if let (Some(argument), false) = (argument, matches!(format.text.as_str(), "regex" | "template")) {
            return Err(wrong_argument(format, argument));
        }
        let Parsed {
            format,
            mut schema,
            spare,
        } = match format.text.as_str() {
            "clf" => {
                no_options("clf", options)?;
                let columns = clf::Column::ALL.map(|column| column_of(column.name(), column.ty()));
                self.fixed(Format::Clf, &columns)?
            }
            "syslog" => {
                no_options("syslog", options)?;
                let columns = syslog::Column::ALL.map(|column| column_of(column.name(), column.ty()));
                self.fixed(Format::Syslog, &columns)?
            }
            "csv" | "tsv" => {
                let guessed = self.csv(format, options)?;
                self.guessed(guessed)?
            }
            "json" => self.fields(FieldsForm::Json, format, options)?,
            "logfmt" => self.fields(FieldsForm::Logfmt, format, options)?,
            "regex" => self.regex(format, argument, options)?,
            "template" => self.template(format, argument, options)?,
            _ => return Err(unknown_format(format)),
        };
        let columns = schema.columns.iter().map(|column| column.id).collect();
        let marks = self.marks(&mut schema);
        let inputs = self.state.origin.clone().unwrap_or_default();
        if let Some(bad) = bad {
            self.checker.states[bad] = Some(self.bad_lines(bad));
        }
        self.state = FlowState {
            schema,
            ..FlowState::default()
        };
        self.push(Op::Parse(Box::new(ParseOp {
            format,
            input,
            columns,
            bad,
            inputs,
            marks,
        })));
        if spare.is_some() {
            let stage = self.stages.last_mut().expect("INVARIANT: just added");
            stage.spare = spare;
        }
        Ok(())
    }

    /// What elements come from, which can be named where the format has no columns of these names.
    fn marks(&mut self, schema: &mut Schema) -> ParseMarks {
        let file_before = self.state.schema.named("file").filter(|file| file.hidden);
        let file_before = file_before.map(|file| file.id);
        let is_of_blocks = self.state.block.is_some();
        let number_before = self.state.schema.find("number");
        let has_number = is_of_blocks || number_before.is_some_and(|number| number.ty == LogicalType::INT);
        let has_file = is_of_blocks || file_before.is_some();
        let columns = &mut self.checker.columns;
        let [number, file] = [
            ("number", LogicalType::INT),
            ("file", LogicalType::TEXT.or_null()),
        ]
        .map(|(name, ty)| {
            let id = columns.add(name, ty);
            let mark = SchemaColumn {
                name: name.into(),
                id,
                ty,
                hidden: true,
            };
            let is_known = if name == "number" { has_number } else { has_file };
            if is_known && schema.find(name).is_none() {
                schema.marks.push(mark);
            }
            id
        });
        ParseMarks {
            number,
            file,
            file_before,
        }
    }

    /// A format whose columns are these.
    fn fixed(&mut self, format: Format, columns: &[csv::Column]) -> Check<Parsed> {
        check_count(self.span, columns.len())?;
        let columns = columns.iter().map(|column| SchemaColumn {
            id: self.checker.columns.add(column.name.as_str(), column.ty),
            name: column.name.as_str().into(),
            ty: column.ty,
            hidden: false,
        });
        let schema = Schema {
            columns: columns.collect(),
            ..Schema::default()
        };
        Ok(Parsed {
            format,
            schema,
            spare: None,
        })
    }

    /// The same, where of some columns nothing is known.
    fn guessed(&mut self, guessed: Guessed) -> Check<Parsed> {
        let parsed = self.fixed(guessed.format, &guessed.columns)?;
        let columns = &mut self.checker.columns;
        for column in &parsed.schema.columns {
            if guessed.unseen.iter().any(|unseen| **unseen == *column.name) {
                columns.add_unseen(column.id, self.span, &column.name);
            }
        }
        Ok(parsed)
    }

    /// The columns of these names: of what the sample has, or the program expects.
    pub(super) fn guess(&self, names: Vec<String>, inferred: &[Inferred]) -> (Vec<csv::Column>, Vec<String>) {
        let mut unseen = Vec::new();
        let columns = names.into_iter().zip(inferred).map(|(name, inferred)| {
            let kind = match inferred.is_known() {
                true => None,
                false => self.checker.columns.kind_of_unseen(self.span, &name),
            };
            if kind.is_none() && !inferred.is_known() {
                unseen.push(name.clone());
            }
            let ty = match kind {
                Some(kind) if kind != LogicalKind::Text => LogicalType::new(kind).or_null(),
                _ => inferred.ty(),
            };
            csv::Column { name, ty }
        });
        (columns.collect(), unseen)
    }

    /// A format whose records may have any fields: those that a sample has are columns, and what the program names.
    fn fields(&mut self, form: FieldsForm, format: &Name, options: &[ParseOption]) -> Check<Parsed> {
        let declared = self.declared_fields(&format.text, options)?;
        let patience = if declared.is_empty() {
            Patience::Lines(1)
        } else {
            Patience::None
        };
        let beginning = self.sample(format.span, patience)?;
        let sampled = match form {
            FieldsForm::Json => Sampled::Json(json::Sample::of(&beginning)),
            FieldsForm::Logfmt => Sampled::Flat(logfmt::infer(&beginning)),
        };
        let mut shown: Vec<Path> = sampled.keys().into_iter().map(Path::key).collect();
        let others = declared.iter().map(|column| column.path.clone());
        shown.extend(others.filter(|path| path.0.len() == 1 || !shown_has(&sampled, path)));
        let mut known = HashSet::new();
        shown.retain(|path| known.insert(path.clone()));
        check_count(self.span, shown.len())?;
        let columns = &mut self.checker.columns;
        let record = columns.add_record(sampled, self.span, declared);
        let mut schema = Schema {
            open: Some(Open {
                record,
                hidden: Vec::new(),
            }),
            ..Schema::default()
        };
        if shown.is_empty() && form == FieldsForm::Json {
            // Nothing is known of them: they are written as they are.
            shown.push(Path(Vec::new()));
        }
        for path in shown {
            let (id, ty) = columns.open(record, &path, None, self.span)?;
            let name = first_name(&path);
            schema.columns.push(SchemaColumn {
                name: name.into(),
                id,
                ty,
                hidden: false,
            });
        }
        // A field that is hardly ever there, and may be anything, so that no row is bad for it.
        let nothing = match form {
            FieldsForm::Json => LogicalType::JSON,
            FieldsForm::Logfmt => LogicalType::TEXT,
        };
        let spare = columns.add_field(record, Path::key(""), nothing.or_null());
        if schema.columns.is_empty() {
            // Elements have at least one column.
            schema.columns.push(SchemaColumn {
                name: first_name(&Path::key("")).into(),
                id: spare,
                ty: nothing.or_null(),
                hidden: false,
            });
        }
        let format = Format::Fields {
            form,
            record,
            columns: Vec::new(),
        };
        Ok(Parsed {
            format,
            schema,
            spare: Some(spare),
        })
    }

    /// The columns that the options declare.
    fn declared_fields(&self, format: &str, options: &[ParseOption]) -> Check<Vec<json::Column>> {
        let Some(columns) = columns_option(format, options)? else {
            return Ok(Vec::new());
        };
        let column = |(column, option): (csv::Column, &ParseOption)| {
            let path = Path::parse(&column.name).map_err(|why| {
                let diagnostic =
                    Diagnostic::new(format!("columns: {why}"), option.value_span, "cannot be read");
                Box::new(diagnostic.with_help("a path is, say, `user.plan` or `items[0].sku`"))
            })?;
            Ok(json::Column { path, ty: column.ty })
        };
        columns.into_iter().map(column).collect()
    }

    /// The beginning of the inputs, if that is what is parsed here.
    fn sample(&self, place: Span, patience: Patience) -> Check<Vec<u8>> {
        let inputs = self.state.origin.as_deref().unwrap_or_default();
        for (k, input) in inputs.iter().enumerate() {
            let patience = if k == 0 { patience } else { Patience::None };
            if self.checker.environment.beginning.is_none() {
                break;
            }
            let mut beginning = self.beginning(place, input, patience)?.unwrap_or_default();
            if !beginning.is_empty() {
                beginning.truncate(limits::SAMPLE_BYTES_MAX);
                return Ok(beginning);
            }
        }
        Ok(Vec::new())
    }

    fn regex(&mut self, format: &Name, argument: Option<&Text>, options: &[ParseOption]) -> Check<Parsed> {
        const HELP: &str = r"as in `parse regex(/^(?<day>\S+) (?<level>\w+) (?<msg>.*)$/)`";
        let Some(argument) = argument else {
            return Err(missing_argument(format, "a pattern", HELP));
        };
        let pattern = compile_pattern(&argument.bytes).map_err(|why| {
            let diagnostic = Diagnostic::new("this pattern cannot be read", argument.span, why);
            Box::new(diagnostic)
        })?;
        let names: Vec<String> = regex::group_names(&pattern).map(str::to_owned).collect();
        if names.is_empty() {
            let diagnostic = Diagnostic::new(
                "this pattern has no named groups",
                argument.span,
                "gives no columns",
            );
            return Err(Box::new(diagnostic.with_help(HELP)));
        }
        let beginning = self.sample_unless_declared(format, options)?;
        let inferred = regex::infer(&pattern, &names, &beginning);
        let (columns, unseen) = self.typed_columns(format, options, names, &inferred)?;
        self.guessed(Guessed {
            format: Format::Regex {
                pattern: argument.bytes.clone(),
                columns: columns.clone(),
            },
            columns,
            unseen,
        })
    }

    fn template(&mut self, format: &Name, argument: Option<&Text>, options: &[ParseOption]) -> Check<Parsed> {
        const HELP: &str = "as in `parse template(\"{time} [{level}] {msg}\")`";
        let Some(argument) = argument else {
            return Err(missing_argument(format, "a template", HELP));
        };
        let wrong = |why: String| {
            let diagnostic = Diagnostic::new("this template cannot be read", argument.span, why);
            Box::new(diagnostic.with_help(HELP))
        };
        let text = std::str::from_utf8(&argument.bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
        let template = Template::parse(text).map_err(wrong)?;
        let names: Vec<String> = template.names().map(str::to_owned).collect();
        let beginning = self.sample_unless_declared(format, options)?;
        let inferred = template.infer(&beginning);
        let (columns, unseen) = self.typed_columns(format, options, names, &inferred)?;
        self.guessed(Guessed {
            format: Format::Template {
                template,
                columns: columns.clone(),
            },
            columns,
            unseen,
        })
    }

    /// The beginning of the inputs, which is waited for if the options declare no columns.
    fn sample_unless_declared(&self, format: &Name, options: &[ParseOption]) -> Check<Vec<u8>> {
        let is_declared = columns_option(&format.text, options)?.is_some();
        let patience = if is_declared {
            Patience::None
        } else {
            Patience::Lines(1)
        };
        self.sample(format.span, patience)
    }

    /// Columns by their names, with the types that are declared or else guessed; and those of which nothing is known.
    fn typed_columns(
        &self,
        format: &Name,
        options: &[ParseOption],
        names: Vec<String>,
        inferred: &[Inferred],
    ) -> Check<(Vec<csv::Column>, Vec<String>)> {
        let (mut columns, mut unseen) = self.guess(names, inferred);
        for (declared, option) in columns_option(&format.text, options)?.unwrap_or_default() {
            let Some(at) = columns.iter().position(|column| column.name == declared.name) else {
                let message = format!("columns: there is no {}", quoted(&declared.name));
                let diagnostic = Diagnostic::new(message, option.value_span, "not a name there");
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                let help = format!("there are {}", super::types::list(&names));
                return Err(Box::new(diagnostic.with_help(help)));
            };
            columns[at].ty = declared.ty;
            unseen.retain(|unseen| *unseen != declared.name);
        }
        Ok((columns, unseen))
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
            ..FlowState::default()
        }
    }
}

fn column_of(name: &str, ty: LogicalType) -> csv::Column {
    csv::Column {
        name: name.to_owned(),
        ty,
    }
}

/// Bounds the columns of a format.
pub(super) fn check_count(place: Span, count: usize) -> Check<()> {
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

pub(super) fn declared_columns(option: &ParseOption, text: &[u8]) -> Check<Vec<csv::Column>> {
    let wrong = |message: String| Box::new(Diagnostic::new(message, option.value_span, "cannot be read"));
    let text = std::str::from_utf8(text).map_err(|_| wrong("the names of columns are UTF-8".to_owned()))?;
    csv::parse_columns(text).map_err(|why| {
        let diagnostic = wrong(why);
        Box::new(
            diagnostic.with_help("columns are `name:type`, with commas between: `station:text,temp:float?`; types are int, float, bool, text, time and duration"),
        )
    })
}

/// A format and its columns, of which some are not known but by what the program expects.
pub(super) struct Guessed {
    pub(super) format: Format,
    pub(super) columns: Vec<csv::Column>,
    pub(super) unseen: Vec<String>,
}

/// What comes of a format and its options.
struct Parsed {
    format: Format,
    schema: Schema,
    /// What elements carry where nothing is needed of them, if that is no column of the schema.
    spare: Option<ColumnId>,
}

/// Whether a path is a field within one that the sample has.
fn shown_has(sampled: &Sampled, path: &Path) -> bool {
    matches!(path.0.first(), Some(Step::Key(key)) if sampled.keys().contains(key))
}

/// The columns that are declared where nothing else can be said, each with its option.
fn columns_option<'o>(
    format: &str,
    options: &'o [ParseOption],
) -> Check<Option<Vec<(csv::Column, &'o ParseOption)>>> {
    let mut declared = None;
    for option in options {
        match (option.key.text.as_str(), &option.value) {
            ("columns", Literal::Text(text)) => {
                let columns = declared_columns(option, text)?;
                declared = Some(columns.into_iter().map(|column| (column, option)).collect());
            }
            ("columns", _) => {
                return Err(wrong_option(
                    option,
                    "a text, as in `columns=\"status:int,path:text\"`",
                ));
            }
            _ => return Err(unknown_option(format, &option.key, &["columns"])),
        }
    }
    Ok(declared)
}

fn no_options(format: &str, options: &[ParseOption]) -> Check<()> {
    match options.first() {
        Some(option) => Err(unknown_option(format, &option.key, &[])),
        None => Ok(()),
    }
}

fn wrong_argument(format: &Name, argument: &Text) -> Box<Diagnostic> {
    let message = format!("{} takes no text of its own", quoted(&format.text));
    let diagnostic = Diagnostic::new(message, argument.span, "not an option");
    Box::new(diagnostic.with_help("options have names: `parse csv(sep=\";\")`"))
}

fn missing_argument(format: &Name, what: &str, help: &str) -> Box<Diagnostic> {
    let message = format!("{} needs {what}", quoted(&format.text));
    Box::new(Diagnostic::new(message, format.span, "of which form?").with_help(help))
}

pub(super) fn wrong_option(option: &ParseOption, takes: &str) -> Box<Diagnostic> {
    let message = format!("the option {} takes {takes}", quoted(&option.key.text));
    Box::new(Diagnostic::new(message, option.value_span, "not this"))
}

pub(super) fn unknown_option(format: &str, key: &Name, options: &[&str]) -> Box<Diagnostic> {
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
        "ndjson" | "jsonl" | "jsonlines" => "`parse json` takes values however they come".to_owned(),
        "grok" | "pattern" | "extract" | "rex" => "`parse regex(/.../)` takes a pattern".to_owned(),
        "apache" | "nginx" | "combined" | "common" | "access" => "web servers' logs are `clf`".to_owned(),
        "text" | "raw" | "plain" => "for lines as they are, `lines` is enough".to_owned(),
        _ => suggest::did_you_mean(&format.text, FORMATS)
            .unwrap_or_else(|| format!("the formats are {}", super::types::list(&FORMATS))),
    };
    Box::new(diagnostic.with_help(help))
}
