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
                known.map(|(_, inferred)| inferred.ty().or_null())
            }
        }
    }

    /// The keys among which the last key of the path should be, if it is not among those.
    fn keys_without(&self, path: &Path) -> Option<Vec<String>> {
        let (last, before) = path.0.split_last()?;
        let Step::Key(last) = last else { return None };
        let keys = match self {
            Sampled::Json(sample) => sample.keys_at(before)?,
            Sampled::Flat(_) => self.keys(),
        };
        (!keys.is_empty() && !keys.contains(last)).then_some(keys)
    }
}

impl Record {
    pub(super) fn has(&self, id: ColumnId) -> bool {
        self.ids.contains(&id)
    }
}

impl Columns {
    /// Adds a record, of which these columns are known.
    pub(super) fn add_record(&mut self, sampled: Sampled, declared: Vec<json::Column>) -> RecordId {
        let mut record = Record {
            sampled,
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
    /// expected, or may be anything.
    ///
    /// # Errors
    /// When the sample has others there, but not this.
    pub(super) fn open(
        &mut self,
        record: RecordId,
        path: &Path,
        expected: Option<LogicalKind>,
        span: Span,
    ) -> Check<(ColumnId, LogicalType)> {
        let known = &self.records[record];
        if let Some(&column) = known.known.get(path) {
            return Ok((known.ids[column], known.columns[column].ty));
        }
        let ty = match known.sampled.ty(path) {
            Some(ty) => ty,
            None => {
                if let Some(keys) = known.sampled.keys_without(path) {
                    return Err(Box::new(unknown(path, span, &keys)));
                }
                LogicalType::new(expected.unwrap_or(LogicalKind::Json)).or_null()
            }
        };
        Ok((self.add_field(record, path.clone(), ty), ty))
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

/// The message for a field that the sample has not.
fn unknown(path: &Path, span: Span, keys: &[String]) -> Diagnostic {
    let shown = path.to_string();
    let message = format!(
        "there is no {} in the records that begin the input",
        quoted(&shown)
    );
    let diagnostic = Diagnostic::new(message, span, "not a field there");
    let last = match path.0.last() {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    let help = suggest::did_you_mean(last, keys.iter().map(String::as_str));
    let help = help.unwrap_or_else(|| {
        let keys: Vec<&str> = keys.iter().take(20).map(String::as_str).collect();
        format!("there are {}", super::types::list(&keys))
    });
    let note = format!("if it comes later, say what it is: `columns=\"{shown}:text?\"`");
    diagnostic.with_help(help).with_note(note)
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
