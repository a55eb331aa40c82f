//! Separated values, by RFC 4180 with any separator.
//!
//! A record is a line, or several where line ends are in quotes (`csv/cut.rs` says when they are). A field
//! is quoted if it begins with a quote; elsewhere a quote is an ordinary byte. A row
//! is good when it has as many fields as there are columns and each can be what its
//! column is, wanted or not.
//!
//! | column | field |
//! |---|---|
//! | `text` | any bytes |
//! | `int`, `float` | a number, which may have blanks around it |
//! | `time`, `duration` | by ISO 8601; a duration also in units, as `1h30m` |
//! | `bool` | `true` or `false` in any case, `1` or `0` |
//! | `json` | any value of JSON, without blanks |
//! | with `?` | the same, or empty, which is null; for `text?`, `""` is present |
//!
//! Where there are escapes, as in tsv, `\t`, `\n`, `\r`, `\\` and `\"` in a field without quotes stand for what they do
//! elsewhere; other backslashes are themselves.
//!
//! With a header, fields are columns by name: each input may have them in another order, and more of them. A row is
//! then good when it has as many fields as the header of its input.

use std::collections::HashSet;

use cutthrough_expr::{LogicalKind, LogicalType};
use cutthrough_ir::Type;
use memchr::{memchr, memchr_iter};

use crate::infer::Inferred;
use crate::json;
use crate::number::{parse_f64, parse_i64};
use crate::records::{ALL_NEEDED, Cells, Cut, Open, Records, Verdict, is_needed};
use crate::scan::Structure;
use crate::time::{parse_duration, parse_time};

mod cut;
mod header;
mod plain;

pub use cut::{Split, split};
pub use header::{match_header, parse_header};

/// A column: its name and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: LogicalType,
}

/// Reads a declaration of columns, such as `station:text,temp:float?`. A column
/// without a type is `text`. (`str`, `i64` and `f64` are other names for types.)
///
/// # Errors
/// When a name is missing or there twice, or a type is no [`LogicalKind`].
pub fn parse_columns(declaration: &str) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = Vec::new();
    let mut known = HashSet::new();
    for column in declaration.split(',') {
        let (name, ty) = column.split_once(':').unwrap_or((column, "text"));
        let (name, ty) = (name.trim(), ty.trim());
        if name.is_empty() {
            return Err(format!("columns: `{column}` has no name; write name:type"));
        }
        if !known.insert(name) {
            return Err(format!("columns: `{name}` is there twice"));
        }
        let kind = match ty.strip_suffix('?').unwrap_or(ty) {
            "str" => LogicalKind::Text,
            "i64" => LogicalKind::Int,
            "f64" => LogicalKind::Float,
            known => LogicalKind::from_name(known).ok_or_else(|| {
                let names = LogicalKind::ALL.map(LogicalKind::name).join(", ");
                format!(
                    "columns: `{name}` has the unknown type `{ty}`; there are {names}, with `?` where it may be null"
                )
            })?,
        };
        let ty = LogicalType {
            kind,
            nullable: ty.ends_with('?'),
        };
        columns.push(Column {
            name: name.to_owned(),
            ty,
        });
    }
    Ok(columns)
}

/// A field as it lies in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawField<'a> {
    /// What is between the separators, or between the quotes.
    pub text: &'a [u8],
    /// Whether it was in quotes.
    pub quoted: bool,
    /// Whether there are doubled quotes in it.
    pub escaped: bool,
}

impl RawField<'_> {
    /// Writes the field with its doubled quotes made one; gives its length, which is
    /// at most that of the text. `out` must be as long as the text.
    pub fn unescape(&self, out: &mut [u8]) -> usize {
        if !self.escaped {
            out.copy_from_slice(self.text);
            return self.text.len();
        }
        let mut length = 0;
        let mut from = 0;
        for quote in memchr_iter(b'"', self.text) {
            // The second quote of a pair was written with the first.
            if quote < from {
                continue;
            }
            let piece = &self.text[from..=quote];
            out[length..length + piece.len()].copy_from_slice(piece);
            length += piece.len();
            from = quote + 2;
        }
        let rest = self.text.get(from..).unwrap_or_default();
        out[length..length + rest.len()].copy_from_slice(rest);
        length + rest.len()
    }

    /// The same where a field without quotes may have escapes.
    pub fn unescape_all(&self, out: &mut [u8]) -> usize {
        match self.quoted {
            true => self.unescape(out),
            false => unescape(self.text, out),
        }
    }
}

/// The fields of a record, one after another. A record has at least one.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    /// What follows; none after the last field.
    rest: Option<&'a [u8]>,
    sep: u8,
    bad: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a line that has no end.
    pub fn new(line: &'a [u8], sep: u8) -> Fields<'a> {
        Fields {
            rest: Some(line),
            sep,
            bad: false,
        }
    }

    /// Whether it ended because a quote was not closed, or something other than a
    /// separator followed a closing quote.
    pub fn is_bad(&self) -> bool {
        self.bad
    }

    fn quoted(&mut self, rest: &'a [u8]) -> Option<RawField<'a>> {
        let mut escaped = false;
        let mut at = 1;
        loop {
            let Some(length) = memchr(b'"', &rest[at..]) else {
                self.bad = true;
                return None;
            };
            at += length + 1;
            match rest.get(at) {
                Some(b'"') => {
                    escaped = true;
                    at += 1;
                }
                Some(&byte) if byte != self.sep => {
                    self.bad = true;
                    return None;
                }
                next => {
                    self.rest = next.map(|_| &rest[at + 1..]);
                    return Some(RawField {
                        text: &rest[1..at - 1],
                        quoted: true,
                        escaped,
                    });
                }
            }
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = RawField<'a>;

    fn next(&mut self) -> Option<RawField<'a>> {
        let rest = self.rest.take()?;
        if rest.first() == Some(&b'"') && self.sep != b'"' {
            return self.quoted(rest);
        }
        let text = match memchr(self.sep, rest) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                &rest[..end]
            }
            None => rest,
        };
        Some(RawField {
            text,
            quoted: false,
            escaped: false,
        })
    }
}

/// What the values of the columns are of the rows that a text begins with. What is no row of so many fields is left out.
pub fn infer(text: &[u8], sep: u8, columns: usize) -> Vec<Inferred> {
    let mut inferred = vec![Inferred::default(); columns];
    let mut records = split(text, sep).peekable();
    while let Some((_, record)) = records.next() {
        // What may be cut off counts only where nothing else is known.
        let may_be_cut = records.peek().is_none() && !text.ends_with(b"\n");
        let mut fields = Fields::new(record, sep);
        let texts: Vec<&[u8]> = fields.by_ref().map(|field| field.text).collect();
        if !fields.is_bad() && texts.len() == columns {
            let columns = inferred.iter_mut().zip(texts);
            for (inferred, text) in columns.filter(|(inferred, _)| !may_be_cut || !inferred.is_known()) {
                inferred.add(text);
            }
        }
    }
    inferred
}

/// How much of a header a message shows, in bytes.
const HEADER_SHOWN_BYTES: usize = 120;

/// Records of separated values, and what becomes of their fields.
#[derive(Clone, Debug)]
pub(crate) struct CsvRecords {
    sep: u8,
    has_escapes: bool,
    /// What becomes of each field of a record, if its column is needed.
    fields: Vec<Slot>,
    /// Which columns are needed, and what becomes of each field then.
    needs: i64,
    puts: Vec<Slot>,
    header: Option<Header>,
    /// The types of the wanted columns.
    columns: Vec<Type>,
    /// Where fields are put of which quotes were doubled.
    spare: Vec<u8>,
}

/// By which header the fields are columns.
#[derive(Clone, Debug)]
struct Header {
    columns: Vec<Column>,
    /// For each column, what becomes of its field.
    slots: Vec<Slot>,
    /// The header that `fields` are by; none at first.
    version: Option<i64>,
    /// The header of version 0, if there is one.
    first: Option<Vec<u8>>,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug)]
struct Slot {
    ty: LogicalType,
    /// The number of the wanted column that it is, if it is one.
    column: Option<usize>,
    /// Whether it may have escapes.
    has_escapes: bool,
}

impl CsvRecords {
    /// Gives the columns with these indices, in this order.
    ///
    /// # Panics
    /// When an index is not a column's, or there twice.
    pub(crate) fn new(sep: u8, columns: &[Column], want: &[usize]) -> CsvRecords {
        let slot = |column: &Column| Slot {
            ty: column.ty,
            column: None,
            has_escapes: false,
        };
        let mut fields: Vec<Slot> = columns.iter().map(slot).collect();
        for (number, &index) in want.iter().enumerate() {
            let slot = &mut fields[index];
            assert!(slot.column.is_none(), "column {index} is wanted once");
            slot.column = Some(number);
        }
        CsvRecords {
            sep,
            has_escapes: false,
            puts: fields.clone(),
            fields,
            needs: ALL_NEEDED,
            header: None,
            columns: want.iter().map(|&index| columns[index].ty.words()).collect(),
            spare: Vec::new(),
        }
    }

    /// The same of fields that have escapes.
    pub(crate) fn with_escapes(mut self) -> CsvRecords {
        self.has_escapes = true;
        let of_header = self.header.iter_mut().flat_map(|header| &mut header.slots);
        let slots = self.fields.iter_mut().chain(&mut self.puts).chain(of_header);
        slots.for_each(|slot| slot.has_escapes = true);
        self
    }

    /// Gives the columns with these indices, in this order, of records under a header. `first` is the header of
    /// records that come before any header, if it is known.
    ///
    /// # Panics
    /// As [`new`](CsvRecords::new).
    pub(crate) fn with_header(
        sep: u8,
        columns: &[Column],
        want: &[usize],
        first: Option<&[u8]>,
    ) -> CsvRecords {
        let mut records = CsvRecords::new(sep, columns, want);
        records.header = Some(Header {
            columns: columns.to_vec(),
            slots: std::mem::take(&mut records.fields),
            version: None,
            first: first.map(<[u8]>::to_vec),
        });
        records
    }

    /// Sorts the fields by the header of this version.
    fn turn_to(&mut self, version: i64, line: &[u8]) -> Result<(), String> {
        let header = self.header.as_mut().expect("INVARIANT: it has one");
        let line = match (version, &header.first) {
            (0, None) => {
                return Err("the header of this input went by before: its columns are not known".to_owned());
            }
            (0, Some(first)) => first,
            _ => line,
        };
        let wrong = |why: String| {
            let shown = String::from_utf8_lossy(&line[..line.len().min(HEADER_SHOWN_BYTES)]);
            format!("the header `{shown}` {why}")
        };
        let names = parse_header(line, self.sep, self.has_escapes)
            .map_err(|why| wrong(format!("cannot be read: {why}")))?;
        let columns = match_header(&names, &header.columns).map_err(wrong)?;
        let slot = |column: Option<usize>| column.map_or(Slot::IGNORED, |column| header.slots[column]);
        self.fields = columns.into_iter().map(slot).collect();
        self.puts = self.fields.iter().map(|slot| slot.needed(self.needs)).collect();
        header.version = Some(version);
        Ok(())
    }
}

impl Records for CsvRecords {
    const NAME: &'static str = "parse csv";

    fn columns(&self) -> &[Type] {
        &self.columns
    }

    fn need(&mut self, columns: i64) {
        if self.needs != columns {
            self.needs = columns;
            self.puts = self.fields.iter().map(|slot| slot.needed(columns)).collect();
        }
    }

    fn has_header(&self) -> bool {
        self.header.is_some()
    }

    fn sort_by(&mut self, version: i64, header: &[u8]) -> Result<(), String> {
        match &self.header {
            Some(known) if known.version != Some(version) => self.turn_to(version, header),
            _ => Ok(()),
        }
    }

    fn line<'a>(&'a mut self, line: &'a [u8], cells: &mut impl Cells<'a>) -> Verdict {
        let mut fields = Fields::new(line, self.sep);
        // All fields together are no longer than the line. (Not from the context:
        // that keeps what a grant's thousands of lines take until its end.)
        if self.spare.len() < line.len() {
            self.spare.resize(line.len(), 0);
        }
        let mut spare = &mut self.spare[..];
        for slot in &self.puts {
            let Some(field) = fields.next() else {
                return Verdict::Bad;
            };
            if !slot.put(field, cells, &mut spare) {
                return Verdict::Bad;
            }
        }
        Verdict::of(fields.next().is_none() && !fields.bad)
    }

    fn structure(&self) -> Structure {
        cut::structure(self.sep)
    }

    fn cut(&self, text: &[u8], from: usize, ends: &[u32], open: Open) -> Cut {
        cut::cut(text, from, ends, self.sep, open)
    }

    #[inline]
    fn plain<'a>(
        &mut self,
        block: &'a [u8],
        start: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        // Where these separate fields, they also mean something else.
        if matches!(self.sep, b'"' | b'\r' | b'\n') {
            return None;
        }
        self.plain_row(block, start, ends, cells)
    }

    fn row_bytes_min(&self) -> usize {
        // Separators, and the end of the line.
        self.fields.len().max(1)
    }
}

impl Slot {
    /// That of a field which is no column's.
    const IGNORED: Slot = Slot {
        ty: LogicalType::TEXT,
        column: None,
        has_escapes: false,
    };

    /// The same, if that is needed.
    fn needed(self, needs: i64) -> Slot {
        Slot {
            column: self.column.filter(|&column| is_needed(needs, column)),
            ..self
        }
    }

    fn put<'a>(self, field: RawField<'a>, cells: &mut impl Cells<'a>, spare: &mut &'a mut [u8]) -> bool {
        let present_if_empty = self.ty.kind == LogicalKind::Text && (field.quoted || !self.ty.nullable);
        if field.text.is_empty() && !present_if_empty {
            return self.ty.nullable;
        }
        let text = match self.has_escapes && !field.quoted && memchr(b'\\', field.text).is_some() {
            true => without_escapes(field.text, spare),
            false => plain(field, spare),
        };
        put_text(self.ty.kind, self.column, text, cells)
    }
}

/// What a field with escapes stands for, in spare memory.
fn without_escapes<'a>(text: &[u8], spare: &mut &'a mut [u8]) -> &'a [u8] {
    let (out, rest) = std::mem::take(spare).split_at_mut(text.len());
    *spare = rest;
    let length = unescape(text, out);
    &out[..length]
}

/// Writes what a text with escapes stands for; gives its length, at most that of the text.
fn unescape(text: &[u8], out: &mut [u8]) -> usize {
    let (mut from, mut length) = (0, 0);
    while let Some(&byte) = text.get(from) {
        let escaped = match (byte, text.get(from + 1)) {
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(&same @ (b'\\' | b'"'))) => Some(same),
            _ => None,
        };
        out[length] = escaped.unwrap_or(byte);
        length += 1;
        from += 1 + usize::from(escaped.is_some());
    }
    length
}

/// The bytes of a field; a copy in spare memory only where quotes were doubled.
fn plain<'a>(field: RawField<'a>, spare: &mut &'a mut [u8]) -> &'a [u8] {
    if !field.escaped {
        return field.text;
    }
    let (out, rest) = std::mem::take(spare).split_at_mut(field.text.len());
    *spare = rest;
    let length = field.unescape(out);
    &out[..length]
}

/// Puts what a text spells, if its column is wanted; whether it spells a value of this kind.
pub(crate) fn put_text<'a>(
    kind: LogicalKind,
    column: Option<usize>,
    text: &'a [u8],
    cells: &mut impl Cells<'a>,
) -> bool {
    fn set<T>(column: Option<usize>, value: Option<T>, put: impl FnOnce(usize, T)) -> bool {
        let is_good = value.is_some();
        if let (Some(column), Some(value)) = (column, value) {
            put(column, value);
        }
        is_good
    }
    match kind {
        LogicalKind::Text => set(column, Some(text), |column, value| cells.bytes(column, value)),
        LogicalKind::Int => set(column, parse_i64(text), |column, value| cells.i64(column, value)),
        LogicalKind::Time => set(column, parse_time(text), |column, value| cells.i64(column, value)),
        LogicalKind::Duration => set(column, parse_duration(text), |column, value| {
            cells.i64(column, value);
        }),
        LogicalKind::Float => set(column, parse_f64(text), |column, value| cells.f64(column, value)),
        LogicalKind::Bool => {
            let value = parse_bool(text.trim_ascii());
            set(column, value, |column, value| cells.bool(column, value))
        }
        LogicalKind::Json => {
            let value = json::is_compact(text).then_some(text);
            set(column, value, |column, value| cells.bytes(column, value))
        }
    }
}

fn parse_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"1" => Some(true),
        b"0" => Some(false),
        _ if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ if text.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
