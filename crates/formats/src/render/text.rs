//! Fields separated by tabs, a row a line: bytes as they are, null as nothing.

use cutthrough_ir::{Scalar, Words};

use crate::number::{push_f64, push_i64};

/// Renders rows as text.
#[derive(Debug)]
pub struct Text;

impl Text {
    /// Appends a row.
    pub fn row(&self, row: Words<'_>, out: &mut Vec<u8>) {
        for (k, value) in row.iter().enumerate() {
            if k > 0 {
                out.push(b'\t');
            }
            push_scalar(out, value);
        }
        out.push(b'\n');
    }
}

/// Appends a value as it is; nothing for null.
pub(super) fn push_scalar(out: &mut Vec<u8>, value: Option<Scalar<'_>>) {
    match value {
        None => {}
        Some(Scalar::I64(value)) => push_i64(out, value),
        Some(Scalar::F64(value)) => push_f64(out, value),
        Some(Scalar::Bool(value)) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Some(Scalar::Bytes(value)) => out.extend_from_slice(value),
    }
}

#[cfg(test)]
mod tests {
    use cutthrough_ir::Type;

    use crate::render::{Format, tests::render};
    use crate::testing::Value;

    #[test]
    fn rows() {
        let fields = [
            ("a", Type::BYTES),
            ("b", Type::I64.or_null()),
            ("c", Type::F64),
            ("d", Type::BOOL),
        ];
        let rows = [
            vec![
                Value::Bytes(b"x\xff".into()),
                Value::Null,
                Value::F64(2.0),
                Value::Bool(true),
            ],
            vec![
                "".into(),
                Value::I64(-7),
                Value::F64(f64::NAN),
                Value::Bool(false),
            ],
        ];
        assert_eq!(
            render(Format::Text, &fields, &rows),
            b"x\xff\t\t2.0\ttrue\n\t-7\tNaN\tfalse\n"
        );
        assert_eq!(render(Format::Text, &fields, &[]), b"");
    }
}
