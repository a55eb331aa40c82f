//! Records of formats that do not say which fields they have: what a program names of them becomes a column.

use std::collections::HashMap;
use std::sync::Arc;

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType};
use cutthrough_formats::json::{Path, Sample, Step};
use cutthrough_formats::{Inferred, json};

use super::Check;
use super::types::{Columns, Schema};
use crate::diagnostic::{Diagnostic, quoted};
use crate::plan::{Format, Op, Plan};
use crate::span::Span;
use crate::suggest;

/// The index of a record in [`Columns`].
pub(crate) type RecordId = usize;

/// Where a schema has columns from besides its own.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(super) record: RecordId,
    /// Names that have been taken away since.
    pub(super) hidden: Vec<Arc<str>>,
}

/// A record whose fields become columns when they are named.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    sampled: Sampled,
    /// The place of the `parse`.
    place: Span,
    columns: Vec<json::Column>,
    ids: Vec<ColumnId>,
    known: HashMap<Path, usize>,
}

/// What some records have.
#[derive(Clone, Debug)]
pub(super) enum Sampled {
    Json(Sample),
    /// The keys of flat records.
    Flat(Vec<(String, Inferred)>),
}

impl Sampled {
    /// The keys of the records themselves.
    pub(super) fn keys(&self) -> Vec<String> {
        match self {
            Sampled::Json(sample) => sample.keys().map(str::to_owned).collect(),
            Sampled::Flat(keys) => keys.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    fn ty(&self, path: &Path) -> Option<LogicalType> {
        match self {
            Sampled::Json(sample) => sample.kind(path).map(|kind| LogicalType::new(kind).or_null()),
            Sampled::Flat(keys) => {
                let [Step::Key(name)] = &path.0[..] else {
                    return None;
                };
                let known = keys.iter().find(|(key, _)| key == name);
                let known = known.filter(|(_, inferred)| inferred.is_known());
                known.map(|(_, inferred)| inferred.ty().or_null())
            }
        }
    }

    /// What a field may be of which nothing is known.
    fn unknown(&self) -> LogicalKind {
        match self {
            Sampled::Json(_) => LogicalKind::Json,
            Sampled::Flat(_) => LogicalKind::Text,
        }
    }

    /// The first key of the path that is not among those that there are, and these.
    fn missing_key<'p>(&self, path: &'p Path) -> Option<(&'p str, Vec<String>)> {
        let name_of = |step: &'p Step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        };
        let mut steps = path.0.iter().enumerate();
        steps.find_map(|(at, step)| {
            let key = name_of(step)?;
            let keys = match self {
                Sampled::Json(sample) => sample.keys_at(&path.0[..at])?,
                Sampled::Flat(_) => self.keys(),
            };
            let is_missing = !keys.is_empty() && !keys.iter().any(|known| known == key);
            is_missing.then_some((key, keys))
        })
    }
}

impl Record {
    pub(super) fn has(&self, id: ColumnId) -> bool {
        self.ids.contains(&id)
    }
}

impl Columns {
    /// Adds a record, of which these columns are known.
    pub(super) fn add_record(
        &mut self,
        sampled: Sampled,
        place: Span,
        declared: Vec<json::Column>,
    ) -> RecordId {
        let mut record = Record {
            sampled,
            place,
            columns: Vec::new(),
            ids: Vec::new(),
            known: HashMap::new(),
        };
        for column in declared {
            let id = self.add(first_name(&column.path), column.ty);
            record.known.insert(column.path.clone(), record.ids.len());
            record.columns.push(column);
            record.ids.push(id);
        }
        self.records.push(record);
        self.records.len() - 1
    }

    /// The column of a path. If neither the program nor the sample says what it is, it is of the kind that is
    /// expected, or what the format has for anything.
    ///
    /// # Errors
    /// When the sample has others there, one of them nearly of this name, but not this.
    pub(super) fn open(
        &mut self,
        record: RecordId,
        path: &Path,
        expected: Option<LogicalKind>,
        span: Span,
    ) -> Check<(ColumnId, LogicalType)> {
        let known = &self.records[record];
        if let Some(&column) = known.known.get(path) {
            let (id, ty) = (known.ids[column], known.columns[column].ty);
            let settled = expected.and_then(|kind| self.expect(id, kind));
            return Ok((id, settled.unwrap_or(ty)));
        }
        if let Some(ty) = known.sampled.ty(path) {
            return Ok((self.add_field(record, path.clone(), ty), ty));
        }
        if let Some((key, keys)) = known.sampled.missing_key(path) {
            match not_there(path, key, span, &keys) {
                NotThere::Slip(wrong) => return Err(Box::new(wrong)),
                NotThere::Perhaps(warning) => self.warnings.push(warning),
            }
        }
        let (place, name) = (self.records[record].place, path.to_string());
        let kind = self.kind_of_unseen(place, &name).or(expected);
        let default = self.records[record].sampled.unknown();
        let ty = LogicalType::new(kind.unwrap_or(default)).or_null();
        let id = self.add_field(record, path.clone(), ty);
        if kind.is_none() {
            self.add_unseen(id, place, &name);
        }
        Ok((id, ty))
    }

    /// Adds a column of a record that has none of this path yet.
    pub(super) fn add_field(&mut self, record: RecordId, path: Path, ty: LogicalType) -> ColumnId {
        let id = self.add(first_name(&path), ty);
        let record = &mut self.records[record];
        record.known.insert(path.clone(), record.ids.len());
        record.columns.push(json::Column { path, ty });
        record.ids.push(id);
        id
    }
}

/// What a column is called that is this field: the record itself is `record`, and what is carried for nothing `nothing`.
pub(super) fn first_name(path: &Path) -> String {
    match &path.0[..] {
        [] => "record".to_owned(),
        [Step::Key(key)] if key.is_empty() => "nothing".to_owned(),
        [Step::Key(key)] => key.clone(),
        _ => path.to_string(),
    }
}

/// What to say of a field that no record of the sample has.
enum NotThere {
    /// Another one has nearly its name.
    Slip(Diagnostic),
    /// It may come later.
    Perhaps(Diagnostic),
}

fn not_there(path: &Path, key: &str, span: Span, keys: &[String]) -> NotThere {
    let shown = path.to_string();
    let message = format!(
        "there is no {} in the records that begin the input",
        quoted(&shown)
    );
    let declared = format!("`columns=\"{shown}:text?\"`");
    if let Some(help) = suggest::did_you_mean(key, keys.iter().map(String::as_str)) {
        let diagnostic = Diagnostic::new(message, span, "not a field there").with_help(help);
        let note = format!("if it comes later, say what it is: {declared}");
        return NotThere::Slip(diagnostic.with_note(note));
    }
    let keys: Vec<&str> = keys.iter().take(20).map(String::as_str).collect();
    let diagnostic = Diagnostic::new(message, span, "null, unless it comes later")
        .with_help(format!("there are {}", super::types::list(&keys)))
        .with_note(format!("{declared} says what it is, and that it is meant so"));
    NotThere::Perhaps(diagnostic)
}

impl Schema {
    /// The record that a name may be a field of, if it is not a column of its own.
    pub(super) fn open_for(&self, name: &str) -> Option<RecordId> {
        let open = self.open.as_ref()?;
        let is_hidden = open.hidden.iter().any(|hidden| **hidden == *name);
        (!is_hidden).then_some(open.record)
    }

    /// Takes a name away: it is no field any more.
    pub(super) fn hide(&mut self, name: &str) {
        if let Some(open) = &mut self.open {
            open.hidden.push(name.into());
        }
    }
}

/// Tells parsers of such records which columns the program has named.
pub(super) fn settle(plan: &mut Plan) {
    let records = &plan.columns.records;
    let stages = plan
        .pipelines
        .iter_mut()
        .flat_map(|pipeline| &mut pipeline.stages);
    for stage in stages {
        let Op::Parse(parse) = &mut stage.op else { continue };
        if let Format::Fields { record, columns, .. } = &mut parse.format {
            columns.clone_from(&records[*record].columns);
            parse.columns.clone_from(&records[*record].ids);
        }
    }
}
