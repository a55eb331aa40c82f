//! Rows to text.
//!
//! A [`Renderer`] appends to a buffer and knows nothing of where it goes;
//! [`WriterHost`] is the host function that writes.
//!
//! | module | what |
//! |---|---|
//! | [`json`] | one object a line |
//! | [`csv`] | RFC 4180 with a header line |
//! | [`tsv`] | separated by tabs, with a header line and escapes |
//! | [`text`] | fields separated by tabs |
//! | [`table`] | aligned columns for a terminal |
//! | [`writer`] | the host function |

use std::borrow::Cow;
use std::sync::Arc;

use cutthrough_expr::{LogicalKind, LogicalType};
use cutthrough_ir::{Scalar, Words};

use crate::json::value::plain_text;
use crate::number::{push_f64, push_i64};
use crate::time::{push_duration, push_time};

pub mod csv;
pub mod json;
pub mod table;
pub mod text;
pub mod tsv;
pub mod writer;

pub use writer::WriterHost;

/// What rows are rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// Values separated by tabs, with a header line and escapes.
    Tsv,
    /// Fields separated by tabs.
    Text,
    /// Aligned columns with a header.
    Table,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 5] = [
        Format::Json,
        Format::Csv,
        Format::Tsv,
        Format::Text,
        Format::Table,
    ];

    /// The name in programs.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Text => "text",
            Format::Table => "table",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// A field of the rows: its name and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: LogicalType,
    /// What null is written as, where it is not what the format has for it; in JSON it is always `null`.
    pub null: Option<Arc<str>>,
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, ty: impl Into<LogicalType>) -> Field {
        Field {
            name: name.into(),
            ty: ty.into(),
            null: None,
        }
    }

    /// The same, where null is written as this, if it is said.
    #[must_use]
    pub fn with_null(self, null: Option<Arc<str>>) -> Field {
        Field { null, ..self }
    }

    /// What null is written as.
    fn null(&self) -> &[u8] {
        self.null.as_deref().unwrap_or_default().as_bytes()
    }
}

/// Renders rows: [`begin`](Renderer::begin) once, [`row`](Renderer::row) for each,
/// [`end`](Renderer::end) once. Every call appends what can be written by then.
#[derive(Debug)]
pub struct Renderer(Kind);

#[derive(Debug)]
enum Kind {
    Json(json::Json),
    Csv(csv::Csv),
    Tsv(tsv::Tsv),
    Text(text::Text),
    Table(table::Table),
}

impl Renderer {
    /// Renders rows of these fields.
    pub fn new(format: Format, fields: Vec<Field>) -> Renderer {
        Renderer(match format {
            Format::Json => Kind::Json(json::Json::new(&fields)),
            Format::Csv => Kind::Csv(csv::Csv::new(fields)),
            Format::Tsv => Kind::Tsv(tsv::Tsv::new(fields)),
            Format::Text => Kind::Text(text::Text::new(fields)),
            Format::Table => Kind::Table(table::Table::new(fields)),
        })
    }

    /// Appends what comes before the rows.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        match &self.0 {
            Kind::Csv(csv) => csv.header(out),
            Kind::Tsv(tsv) => tsv.header(out),
            Kind::Json(_) | Kind::Text(_) | Kind::Table(_) => {}
        }
    }

    /// Takes a row, whose words are of the fields' types.
    pub fn row(&mut self, row: Words<'_>, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Json(json) => json.row(row, out),
            Kind::Csv(csv) => csv.row(row, out),
            Kind::Tsv(tsv) => tsv.row(row, out),
            Kind::Text(text) => text.row(row, out),
            Kind::Table(table) => table.row(row, out),
        }
    }

    /// How many numbers the format has no words for, and has as null: infinite ones and NaN in JSON.
    pub fn not_finite(&self) -> u64 {
        match &self.0 {
            Kind::Json(json) => json.not_finite(),
            Kind::Csv(_) | Kind::Tsv(_) | Kind::Text(_) | Kind::Table(_) => 0,
        }
    }

    /// Appends the rows that were held back, as no row may come for long.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Table(table) => table.settle(out),
            Kind::Json(_) | Kind::Csv(_) | Kind::Tsv(_) | Kind::Text(_) => {}
        }
    }

    /// Appends what was held back.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Table(table) => table.end(out),
            Kind::Json(_) | Kind::Csv(_) | Kind::Tsv(_) | Kind::Text(_) => {}
        }
    }
}

/// Appends a value of a kind as it is; nothing for null.
fn push_scalar(out: &mut Vec<u8>, kind: LogicalKind, value: Option<Scalar<'_>>) {
    match value {
        None => {}
        Some(Scalar::I64(value)) => match kind {
            LogicalKind::Time => push_time(out, value),
            LogicalKind::Duration => push_duration(out, value),
            _ => push_i64(out, value),
        },
        Some(Scalar::F64(value)) => push_f64(out, value),
        Some(Scalar::Bool(value)) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Some(Scalar::Bytes(value)) => out.extend_from_slice(&plain_bytes(kind, value)),
    }
}

/// The bytes of a text, or of a value of JSON as people read it.
fn plain_bytes(kind: LogicalKind, value: &[u8]) -> Cow<'_, [u8]> {
    match kind {
        LogicalKind::Json => plain_text(value),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;

    use super::*;
    use crate::testing::{Random, Value, element};

    pub(super) fn render<T>(format: Format, fields: &[(&str, T)], rows: &[Vec<Value>]) -> Vec<u8>
    where
        T: Copy + Into<LogicalType>,
    {
        let fields = fields.iter().map(|&(name, ty)| Field::new(name, ty));
        let fields: Vec<Field> = fields.collect();
        let types: Vec<Type> = fields.iter().map(|field| field.ty.words()).collect();
        let mut renderer = Renderer::new(format, fields);
        let mut out = Vec::new();
        renderer.begin(&mut out);
        for row in rows {
            renderer.row(element(&types, row).get(0), &mut out);
        }
        renderer.end(&mut out);
        out
    }

    #[test]
    fn formats_have_names() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("xml"), None);
    }

    #[test]
    fn times_are_iso_8601_everywhere() {
        let fields = [
            ("at", LogicalType::TIME),
            ("took", LogicalType::DURATION.or_null()),
        ];
        let second = 1_000_000_000;
        let rows = [
            vec![
                Value::I64(1_795_223_900 * second),
                Value::I64(-90 * second - second / 4),
            ],
            vec![Value::I64(500_000_000), Value::Null],
        ];
        let shown = |format| String::from_utf8(render(format, &fields, &rows)).unwrap();
        let json = "{\"at\":\"2026-11-21T01:18:20Z\",\"took\":\"-PT1M30.25S\"}\n\
                    {\"at\":\"1970-01-01T00:00:00.5Z\",\"took\":null}\n";
        assert_eq!(shown(Format::Json), json);
        let csv = "at,took\n2026-11-21T01:18:20Z,-PT1M30.25S\n1970-01-01T00:00:00.5Z,\n";
        assert_eq!(shown(Format::Csv), csv);
        let text = "2026-11-21T01:18:20Z\t-PT1M30.25S\n1970-01-01T00:00:00.5Z\t\n";
        assert_eq!(shown(Format::Text), text);
        let table = "at                             took\n\
                     2026-11-21T01:18:20Z    -PT1M30.25S\n\
                     1970-01-01T00:00:00.5Z            -\n";
        assert_eq!(shown(Format::Table), table);
    }

    #[test]
    fn values_of_json_are_themselves_in_json_and_plain_elsewhere() {
        let fields = [("a", LogicalType::JSON), ("b", LogicalType::JSON.or_null())];
        let json = |text: &str| Value::Bytes(text.into());
        let rows = [
            vec![json(r#"{"k":[1,"x"]}"#), json(r#""a\"b\u00e9""#)],
            vec![json("1.50"), Value::Null],
            vec![json("true"), json(r#""x""#)],
        ];
        let shown = |format| String::from_utf8(render(format, &fields, &rows)).unwrap();
        let expected = "{\"a\":{\"k\":[1,\"x\"]},\"b\":\"a\\\"b\\u00e9\"}\n{\"a\":1.50,\"b\":null}\n{\"a\":true,\"b\":\"x\"}\n";
        assert_eq!(shown(Format::Json), expected);
        assert_eq!(shown(Format::Text), "{\"k\":[1,\"x\"]}\ta\"bé\n1.50\t\ntrue\tx\n");
        assert_eq!(
            shown(Format::Csv),
            "a,b\n\"{\"\"k\"\":[1,\"\"x\"\"]}\",\"a\"\"bé\"\n1.50,\ntrue,x\n"
        );
        assert!(shown(Format::Table).contains("a\"bé"));
    }

    #[test]
    fn any_bytes_are_rendered_safely() {
        for seed in 0..5000 {
            let mut random = Random::new(seed);
            let any: Vec<u8> = (0..random.below(12)).map(|_| random.next() as u8).collect();
            let picked = random.bytes("é\"\\\n\u{1b}\u{202e}中,\t".as_bytes(), 10);
            let row = vec![Value::Bytes(any.clone()), Value::Bytes(picked.clone())];
            let fields = [("a", Type::BYTES), ("b", Type::BYTES)];

            let json = String::from_utf8(render(Format::Json, &fields, std::slice::from_ref(&row))).unwrap();
            assert!(
                json.chars().filter(|c| c.is_control()).eq(['\n']),
                "seed {seed}: {json:?}"
            );

            let table =
                String::from_utf8(render(Format::Table, &fields, std::slice::from_ref(&row))).unwrap();
            let controls = table.chars().filter(|c| c.is_control()).count();
            assert_eq!(
                (controls, table.contains('\u{202e}')),
                (2, false),
                "seed {seed}: {table:?}"
            );

            let text = render(Format::Text, &fields, &[row]);
            assert_eq!(text, [&any[..], b"\t", &picked, b"\n"].concat());
        }
    }
}
