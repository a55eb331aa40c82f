//! Fields separated by tabs, a row a line: bytes as they are, null as nothing.

use cutthrough_ir::Words;

use super::{Field, push_scalar};

/// Renders rows as text.
#[derive(Debug)]
pub struct Text {
    fields: Vec<Field>,
}

impl Text {
    /// Rows of these fields.
    pub fn new(fields: Vec<Field>) -> Text {
        Text { fields }
    }

    /// Appends a row.
    pub fn row(&self, row: Words<'_>, out: &mut Vec<u8>) {
        for (k, (field, value)) in self.fields.iter().zip(row.iter()).enumerate() {
            if k > 0 {
                out.push(b'\t');
            }
            match value {
                None => out.extend_from_slice(field.null()),
                value => push_scalar(out, field.ty.kind, value),
            }
        }
        out.push(b'\n');
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
