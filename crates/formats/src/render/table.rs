//! Aligned columns with a header, for a terminal.
//!
//! Rows are held back until the end, so that each column is as wide as what is in
//! it; after [`TABLE_ROWS_MAX`] rows or [`TABLE_BYTES_MAX`] bytes the widths are
//! settled, and rows are written as they come. What could drive a terminal is
//! shown as an escape: control characters (`\n`, `\x1b`), bytes that are not UTF-8
//! (`\xff`), and characters that are invisible or turn the direction of text
//! (`\u{202e}`). Null is `-`.

use std::fmt::Write;
use std::mem;

use cutthrough_expr::LogicalKind;
use cutthrough_ir::{Scalar, Words};
use unicode_width::UnicodeWidthStr;

use super::{Field, plain_bytes, push_scalar};
use crate::limits::{TABLE_BYTES_MAX, TABLE_COLUMN_WIDTH_MAX, TABLE_ROWS_MAX};

const GAP: usize = 2;

/// Renders rows as a table.
#[derive(Debug)]
pub struct Table {
    fields: Vec<Field>,
    widths: Vec<usize>,
    held: Cells,
    settled: bool,
}

/// The cells of rows, one after another.
#[derive(Debug, Default)]
struct Cells {
    text: String,
    /// For each cell, where it ends in the text and how wide it is.
    ends: Vec<(usize, usize)>,
}

impl Table {
    /// Rows of these fields.
    pub fn new(fields: Vec<Field>) -> Table {
        let mut table = Table {
            widths: vec![0; fields.len()],
            fields,
            held: Cells::default(),
            settled: false,
        };
        for k in 0..table.fields.len() {
            let name = mem::take(&mut table.fields[k].name);
            push_safe(&mut table.held.text, name.as_bytes());
            table.close_cell(k);
        }
        table
    }

    /// Takes a row; appends it if the widths are settled.
    pub fn row(&mut self, row: Words<'_>, out: &mut Vec<u8>) {
        for (k, value) in row.iter().enumerate() {
            match (value, &self.fields[k].null) {
                (None, Some(null)) => push_safe(&mut self.held.text, null.as_bytes()),
                _ => push_cell(&mut self.held.text, self.fields[k].ty.kind, value),
            }
            self.close_cell(k);
        }
        let rows = self.held.ends.len() / self.fields.len().max(1);
        if self.settled || rows > TABLE_ROWS_MAX || self.held.text.len() > TABLE_BYTES_MAX {
            self.settled = true;
            self.write(out);
        }
    }

    /// Appends the rows that were held back, and keeps to their widths from here on.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        let has_rows = self.held.ends.len() > self.fields.len();
        if has_rows {
            self.end(out);
        }
    }

    /// Appends what was held back.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.settled = true;
        self.write(out);
    }

    fn close_cell(&mut self, column: usize) {
        let from = self.held.ends.last().map_or(0, |&(end, _)| end);
        let width = self.held.text[from..].width();
        self.held.ends.push((self.held.text.len(), width));
        if !self.settled {
            self.widths[column] = self.widths[column].max(width.min(TABLE_COLUMN_WIDTH_MAX));
        }
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        let columns = self.fields.len();
        let mut from = 0;
        for (k, &(end, width)) in self.held.ends.iter().enumerate() {
            let column = k % columns;
            let pad = self.widths[column].saturating_sub(width);
            let is_last = column + 1 == columns;
            let right = matches!(
                self.fields[column].ty.kind,
                LogicalKind::Int | LogicalKind::Float | LogicalKind::Duration
            );
            if right {
                out.resize(out.len() + pad, b' ');
            }
            out.extend_from_slice(&self.held.text.as_bytes()[from..end]);
            if !right && !is_last {
                out.resize(out.len() + pad, b' ');
            }
            out.resize(out.len() + if is_last { 0 } else { GAP }, b' ');
            if is_last {
                out.push(b'\n');
            }
            from = end;
        }
        self.held.text.clear();
        self.held.ends.clear();
    }
}

fn push_cell(out: &mut String, kind: LogicalKind, value: Option<Scalar<'_>>) {
    let mut plain = Vec::new();
    match value {
        None => out.push('-'),
        Some(Scalar::Bytes(value)) => push_safe(out, &plain_bytes(kind, value)),
        value => push_scalar(&mut plain, kind, value),
    }
    out.extend(plain.iter().map(|&byte| char::from(byte)));
}

/// Appends text that a terminal only shows.
fn push_safe(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut before = '\0';
        let mut characters = chunk.valid().chars().peekable();
        while let Some(c) = characters.next() {
            let last = std::mem::replace(&mut before, c);
            match c {
                c if is_joiner(c) && joins(last) && characters.peek().copied().is_some_and(joins) => {
                    out.push(c);
                }
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_ascii_control() => push_code(out, format_args!("\\x{:02x}", u32::from(c))),
                c if is_unsafe(c) => push_code(out, format_args!("\\u{{{:x}}}", u32::from(c))),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            push_code(out, format_args!("\\x{byte:02x}"));
        }
    }
}

fn push_code(out: &mut String, code: std::fmt::Arguments<'_>) {
    out.write_fmt(code).expect("a string takes all");
}

/// What joins the letters of some scripts, and the parts of one emoji, or keeps them apart.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a joiner beside this means something: beside ASCII, it only hides.
fn joins(c: char) -> bool {
    !c.is_ascii() && !is_unsafe(c)
}

/// Control characters beyond ASCII; what is invisible, ends a line or turns the
/// direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::render::{Format, tests::render};
    use crate::testing::Value;

    fn check(fields: &[(&str, Type)], rows: &[Vec<Value>], expected: Expect) {
        expected.assert_eq(&String::from_utf8(render(Format::Table, fields, rows)).unwrap());
    }

    const FIELDS: [(&str, Type); 3] = [
        ("path", Type::BYTES.or_null()),
        ("n", Type::I64),
        ("mean", Type::F64.or_null()),
    ];

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["/a".into(), Value::I64(12_345), Value::F64(1.0)],
            vec!["/中文/b".into(), Value::I64(-1), Value::Null],
            vec![Value::Null, Value::I64(7), Value::F64(0.125)],
        ];
        check(
            &FIELDS,
            &rows,
            expect![[r#"
                path         n   mean
                /a       12345    1.0
                /中文/b     -1      -
                -            7  0.125
            "#]],
        );
        check(
            &FIELDS,
            &[],
            expect![[r#"
            path  n  mean
        "#]],
        );
        check(&[], &[vec![]], expect![[""]]);
    }

    #[test]
    fn joiners_stay_where_they_join() {
        let shown = |text: &str| {
            let mut out = String::new();
            push_safe(&mut out, text.as_bytes());
            out
        };
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(shown(family), family);
        assert_eq!(shown("\u{646}\u{200c}\u{647}"), "\u{646}\u{200c}\u{647}");
        assert_eq!(shown("a\u{200d}b\u{e9}\u{200d}"), "a\\u{200d}b\u{e9}\\u{200d}");
        assert_eq!(
            shown("\u{e9}\u{200d}\u{200d}\u{e9}"),
            "\u{e9}\\u{200d}\\u{200d}\u{e9}"
        );
    }

    #[test]
    fn terminals_are_safe() {
        let evil = Value::Bytes(b"\x1b[31m\n\t\xff\xe2\x80\xae\xc2\x9b\\x22".into());
        check(
            &FIELDS[..1],
            &[vec![evil], vec!["ok".into()]],
            expect![[r#"
                path
                \x1b[31m\n\t\xff\u{202e}\u{9b}\x22
                ok
            "#]],
        );
    }

    #[test]
    fn widths_settle_after_a_bound() {
        let mut renderer = super::super::Renderer::new(
            Format::Table,
            vec![Field::new("a", Type::BYTES), Field::new("b", Type::I64)],
        );
        let types = [Type::BYTES, Type::I64];
        let row = |text: &str| crate::testing::element(&types, &[text.into(), Value::I64(1)]);
        let mut out = Vec::new();
        for _ in 0..TABLE_ROWS_MAX - 1 {
            renderer.row(row("xx").get(0), &mut out);
        }
        assert!(out.is_empty());
        renderer.row(row("xx").get(0), &mut out);
        assert_eq!(out.len(), (TABLE_ROWS_MAX + 1) * "xx  1\n".len());
        out.clear();
        renderer.row(row("wider").get(0), &mut out);
        renderer.row(row("").get(0), &mut out);
        renderer.end(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "wider  1\n    1\n");
    }

    #[test]
    fn one_wide_cell_does_not_pad_all_rows() {
        let wide = "x".repeat(10 * TABLE_COLUMN_WIDTH_MAX);
        let fields = [("a", Type::BYTES), ("b", Type::I64)];
        let rows = [
            vec![wide.as_str().into(), Value::I64(1)],
            vec!["".into(), Value::I64(1)],
        ];
        let out = render(Format::Table, &fields, &rows);
        assert!(out.len() < 13 * TABLE_COLUMN_WIDTH_MAX, "{}", out.len());
    }
}
