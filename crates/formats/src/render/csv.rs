//! A header line, then a row a line, by RFC 4180: fields are quoted where they have
//! to be, and their bytes kept. Null is an empty field; so that it reads back as
//! something else, an empty byte string that could have been null is quoted.

use cutthrough_ir::{Scalar, Words};
use memchr::memchr_iter;

use super::{Field, plain_bytes, push_scalar};

/// Renders rows as comma-separated values.
#[derive(Debug)]
pub struct Csv {
    fields: Vec<Field>,
}

impl Csv {
    /// Rows of these fields.
    pub fn new(fields: Vec<Field>) -> Csv {
        Csv { fields }
    }

    /// Appends the header line.
    pub fn header(&self, out: &mut Vec<u8>) {
        for (k, field) in self.fields.iter().enumerate() {
            if k > 0 {
                out.push(b',');
            }
            push_field(out, field.name.as_bytes(), false);
        }
        out.push(b'\n');
    }

    /// Appends a row.
    pub fn row(&self, row: Words<'_>, out: &mut Vec<u8>) {
        for (k, (field, value)) in self.fields.iter().zip(row.iter()).enumerate() {
            if k > 0 {
                out.push(b',');
            }
            match value {
                // An empty line would not be a record to every reader.
                Some(Scalar::Bytes(value)) => {
                    let value = plain_bytes(field.ty.kind, value);
                    push_field(out, &value, field.ty.nullable || self.fields.len() == 1);
                }
                None => push_field(out, field.null(), false),
                value => push_scalar(out, field.ty.kind, value),
            }
        }
        out.push(b'\n');
    }
}

fn push_field(out: &mut Vec<u8>, value: &[u8], quote_empty: bool) {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let quoted = value.iter().any(special) || value.is_empty() && quote_empty;
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    let mut from = 0;
    for quote in memchr_iter(b'"', value) {
        out.extend_from_slice(&value[from..=quote]);
        from = quote;
    }
    out.extend_from_slice(&value[from..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;

    use crate::render::{Format, tests::render};
    use crate::testing::Value;

    fn check(fields: &[(&str, Type)], row: Vec<Value>, expected: &[u8]) {
        let out = render(Format::Csv, fields, &[row]);
        let header = out.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        assert_eq!(&out[header..], expected);
    }

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        let two = [("a", Type::BYTES), ("b", Type::BYTES.or_null())];
        check(&two, vec!["x y".into(), Value::Null], b"x y,\n");
        check(&two, vec!["".into(), "".into()], b",\"\"\n");
        check(
            &two,
            vec!["a,b".into(), "\"c\"\n".into()],
            b"\"a,b\",\"\"\"c\"\"\n\"\n",
        );
        check(
            &two,
            vec![Value::Bytes(b"\xff".into()), "\r".into()],
            b"\xff,\"\r\"\n",
        );
        check(&two[..1], vec!["".into()], b"\"\"\n");
        let numbers = [("a", Type::F64), ("b", Type::I64.or_null()), ("c", Type::BOOL)];
        check(
            &numbers,
            vec![Value::F64(1.0), Value::I64(-3), Value::Bool(true)],
            b"1.0,-3,true\n",
        );
    }

    #[test]
    fn the_header_is_there_without_rows() {
        assert_eq!(
            render(Format::Csv, &[("a", Type::I64), ("b,c", Type::I64)], &[]),
            b"a,\"b,c\"\n"
        );
    }
}
