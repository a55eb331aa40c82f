//! One JSON object a line, its keys in the order of the fields. Bytes that are not
//! UTF-8 become `\ufffd`; doubles that are not finite become null.

use cutthrough_ir::{Scalar, Words};

use super::{Field, push_scalar};
use cutthrough_expr::LogicalKind;

/// Renders rows as JSON.
#[derive(Debug)]
pub struct Json {
    /// What comes before each value.
    before: Vec<Vec<u8>>,
    kinds: Vec<LogicalKind>,
    not_finite: u64,
}

impl Json {
    /// Rows of these fields.
    pub fn new(fields: &[Field]) -> Json {
        let before = |(k, field): (usize, &Field)| {
            let mut before = vec![if k == 0 { b'{' } else { b',' }];
            push_string(&mut before, field.name.as_bytes());
            before.push(b':');
            before
        };
        Json {
            before: fields.iter().enumerate().map(before).collect(),
            kinds: fields.iter().map(|field| field.ty.kind).collect(),
            not_finite: 0,
        }
    }

    /// How many doubles were not finite, and so written as null.
    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// Appends a row.
    pub fn row(&mut self, row: Words<'_>, out: &mut Vec<u8>) {
        if self.before.is_empty() {
            out.push(b'{');
        }
        for ((before, &kind), value) in self.before.iter().zip(&self.kinds).zip(row.iter()) {
            out.extend_from_slice(before);
            if !push_value(out, kind, value) {
                self.not_finite += 1;
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends a value of a kind; whether JSON has it: a double that is not finite becomes null.
pub fn push_value(out: &mut Vec<u8>, kind: LogicalKind, value: Option<Scalar<'_>>) -> bool {
    match value {
        Some(Scalar::Bytes(value)) if kind == LogicalKind::Json => out.extend_from_slice(value),
        Some(Scalar::Bytes(value)) => push_string(out, value),
        Some(Scalar::F64(value)) if !value.is_finite() => {
            out.extend_from_slice(b"null");
            return false;
        }
        None => out.extend_from_slice(b"null"),
        value if matches!(kind, LogicalKind::Time | LogicalKind::Duration) => {
            out.push(b'"');
            push_scalar(out, kind, value);
            out.push(b'"');
        }
        value => push_scalar(out, kind, value),
    }
    true
}

/// Appends a string with its quotes.
pub fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    if std::str::from_utf8(bytes).is_ok() {
        push_escaped(out, bytes);
    } else {
        for chunk in bytes.utf8_chunks() {
            push_escaped(out, chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice(b"\\ufffd");
            }
        }
    }
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(at) = text.iter().position(|&byte| needs_escape(byte)) {
        out.extend_from_slice(&text[..at]);
        let byte = text[at];
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            // U+0080 to U+009F are control characters too: some terminals obey them.
            0xc2 if text[at + 1] < 0xa0 => {
                push_code(out, text[at + 1]);
                text = &text[at + 2..];
                continue;
            }
            0xc2 => out.push(byte),
            _ => push_code(out, byte),
        }
        text = &text[at + 1..];
    }
    out.extend_from_slice(text);
}

/// Whether a byte of UTF-8 has to be looked at: it, or one that it begins.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f | 0xc2)
}

fn push_code(out: &mut Vec<u8>, code: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&[HEX[usize::from(code >> 4)], HEX[usize::from(code & 15)]]);
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;

    use crate::render::{Format, tests::render};
    use crate::testing::Value;

    fn check(value: &[u8], expected: &str) {
        let out = render(
            Format::Json,
            &[("k\"", Type::BYTES)],
            &[vec![Value::Bytes(value.into())]],
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{{\"k\\\"\":{expected}}}\n")
        );
    }

    #[test]
    fn strings() {
        check(b"", r#""""#);
        check(b"a/b", r#""a/b""#);
        check(b"\"\\\n\r\t\x00\x1f\x7f", r#""\"\\\n\r\t\u0000\u001f\u007f""#);
        check("é中😀\u{a0}".as_bytes(), "\"é中😀\u{a0}\"");
        check("\u{85}x".as_bytes(), r#""\u0085x""#);
        check(b"a\xffb\xe4\xb8", r#""a\ufffdb\ufffd""#);
        check(b"\xc2", r#""\ufffd""#);
    }

    #[test]
    fn other_values() {
        let fields = [
            ("i", Type::I64),
            ("f", Type::F64),
            ("n", Type::F64.or_null()),
            ("b", Type::BOOL),
        ];
        let row = |f, n, b| {
            vec![
                Value::I64(1_795_223_900_000_000_000),
                Value::F64(f),
                n,
                Value::Bool(b),
            ]
        };
        let rows = [
            row(1.0, Value::Null, true),
            row(f64::NAN, Value::F64(0.1 + 0.2), false),
            row(f64::INFINITY, Value::F64(1e300), false),
        ];
        let expected = "{\"i\":1795223900000000000,\"f\":1.0,\"n\":null,\"b\":true}\n\
            {\"i\":1795223900000000000,\"f\":null,\"n\":0.30000000000000004,\"b\":false}\n\
            {\"i\":1795223900000000000,\"f\":null,\"n\":1e300,\"b\":false}\n";
        assert_eq!(
            String::from_utf8(render(Format::Json, &fields, &rows)).unwrap(),
            expected
        );
        assert_eq!(render::<Type>(Format::Json, &[], &[vec![]]), b"{}\n");
    }
}
