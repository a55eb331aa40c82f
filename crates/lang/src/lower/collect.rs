//! The aggregate `collect`: all values of a group, as the text of a JSON array.

use cutthrough::aggregate::{Gather, Values};
use cutthrough::ir::{ColumnMut, Type};
use cutthrough_expr::LogicalType;
use cutthrough_formats::render::json::push_value;

use crate::limits::EXPRESSION_TEXT_BYTES_MAX;

/// Of values of this type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collect(pub(super) LogicalType);

impl Gather for Collect {
    fn input(&self) -> Type {
        self.0.words()
    }

    fn result(&self) -> Type {
        Type::BYTES
    }

    fn finish(&self, values: &mut Values<'_>, result: &mut ColumnMut<'_>, row: usize) -> Result<(), String> {
        let mut text = vec![b'['];
        for index in 0..values.len() {
            if index > 0 {
                text.push(b',');
            }
            push_value(&mut text, self.0.kind, Some(values.get(index)));
            if text.len() > EXPRESSION_TEXT_BYTES_MAX {
                return Err(format!(
                    "`collect`: the values of one group take more than {EXPRESSION_TEXT_BYTES_MAX} bytes; \
                     `dcount` counts them, and `head` before keeps fewer"
                ));
            }
        }
        text.push(b']');
        result.bytes(row, &text);
        Ok(())
    }
}
