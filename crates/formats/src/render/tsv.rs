//! Values separated by tabs, a row a line, with a header line. A tab, a line end and a backslash within a value are
//! escaped: `\t`, `\n`, `\r`, `\\`; so is a quote at its beginning, `\"`. Null is nothing; so that it reads back as
//! something else, an empty text that could have been null is `""`.

use cutthrough_ir::{Scalar, Words};

use super::{Field, push_scalar};

/// Renders rows as values separated by tabs.
#[derive(Debug)]
pub struct Tsv {
    fields: Vec<Field>,
}

impl Tsv {
    /// Rows of these fields.
    pub fn new(fields: Vec<Field>) -> Tsv {
        Tsv { fields }
    }

    /// Appends the header line.
    pub fn header(&self, out: &mut Vec<u8>) {
        for (k, field) in self.fields.iter().enumerate() {
            if k > 0 {
                out.push(b'\t');
            }
            push_escaped(out, field.name.as_bytes(), false);
        }
        out.push(b'\n');
    }

    /// Appends a row.
    pub fn row(&self, row: Words<'_>, out: &mut Vec<u8>) {
        for (k, (field, value)) in self.fields.iter().zip(row.iter()).enumerate() {
            if k > 0 {
                out.push(b'\t');
            }
            match value {
                // An empty line would not be a record to every reader.
                Some(Scalar::Bytes(value)) => {
                    push_escaped(out, value, field.ty.nullable || self.fields.len() == 1);
                }
                None => out.extend_from_slice(field.null()),
                value => push_scalar(out, field.ty.kind, value),
            }
        }
        out.push(b'\n');
    }
}

fn push_escaped(out: &mut Vec<u8>, value: &[u8], quote_empty: bool) {
    if value.is_empty() && quote_empty {
        out.extend_from_slice(b"\"\"");
    }
    if value.first() == Some(&b'"') {
        out.push(b'\\');
    }
    for &byte in value {
        match byte {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;

    use crate::render::{Format, tests::render};
    use crate::testing::Value;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        let fields = [("a\tb", Type::BYTES), ("n", Type::I64.or_null())];
        let rows = [
            vec!["x\ty\n\\".into(), Value::I64(-3)],
            vec![Value::Bytes(b"\xff\r".into()), Value::Null],
        ];
        let expected = b"a\\tb\tn\nx\\ty\\n\\\\\t-3\n\xff\\r\t\n";
        assert_eq!(render(Format::Tsv, &fields, &rows), expected);
    }
}
