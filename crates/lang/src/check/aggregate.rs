//! Aggregates, and the expressions around them.

use cutthrough::aggregate::{AggregateFunction, BasicAggregate};
use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, NodeKind, Scalar, Tree};

use super::Check;
use super::expr::{Expressions, Typed, name_of};
use super::types::Schema;
use crate::ast::{Expr, Name};
use crate::diagnostic::{Diagnostic, quoted};
use crate::span::Span;

/// The names of the aggregates.
pub const AGGREGATES: [&str; 6] = ["count", "countif", "sum", "avg", "min", "max"];

pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

/// The aggregates of one `summarize`, found in its expressions.
#[derive(Debug, Default)]
pub(super) struct Aggregates {
    /// What their arguments are about.
    pub(super) input: Schema,
    pub(super) uses: Vec<AggregateUse>,
}

/// One aggregate.
#[derive(Debug)]
pub(super) struct AggregateUse {
    pub(super) function: AggregateFunction,
    pub(super) input: Option<Tree>,
    pub(super) result: ColumnId,
}

impl Expressions<'_> {
    /// An aggregate: its argument is about the elements, its result a column of the groups.
    pub(super) fn aggregate(&mut self, name: &Name, arguments: &[Expr], span: Span) -> Check<Typed> {
        let Some(aggregates) = self.aggregates.as_deref_mut() else {
            let message = format!("{} is an aggregate", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, span, "cannot stand here");
            let help = match name.text.as_str() {
                "min" | "max" => {
                    "aggregates stand in `summarize`, not in each other; of several values, `min(a, b)`"
                }
                _ => "aggregates stand in `summarize`, and not in each other",
            };
            return Err(Box::new(diagnostic.with_help(help)));
        };
        let function = function_of(&name.text);
        let (least, most) = if function == AggregateFunction::Count {
            (0, 1)
        } else {
            (1, 1)
        };
        if arguments.len() < least || arguments.len() > most {
            let takes = if least == 0 {
                "at most one argument"
            } else {
                "one argument"
            };
            let message = format!("{} takes {takes}", quoted(&name.text));
            return Err(Box::new(Diagnostic::new(
                message,
                span,
                format!("here are {}", arguments.len()),
            )));
        }
        let mut inner = Expressions::new(&aggregates.input, self.columns, self.now);
        let typed = arguments
            .first()
            .map(|argument| inner.expr(argument))
            .transpose()?;
        let mut typed = typed.map(|typed| inner.present(typed)).transpose()?;
        if let (Some(condition), "countif") = (typed, name.text.as_str()) {
            let condition = inner.condition_operand("`countif`", condition)?;
            typed = Some(inner.strict(Scalar::IntOfBool, vec![condition], span));
        }
        if let Some(typed) = typed
            && matches!(function, AggregateFunction::Sum | AggregateFunction::Avg)
            && !matches!(
                typed.kind(),
                LogicalKind::Int | LogicalKind::Float | LogicalKind::Duration
            )
        {
            let message = format!("{} takes a number", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, typed.span, format!("this is {}", name_of(typed)));
            return Err(Box::new(match typed.kind() {
                LogicalKind::Bool => diagnostic.with_help("to count what is true, `sum(int(...))`"),
                _ => diagnostic.with_help("`int(...)` or `float(...)` makes a number of text"),
            }));
        }
        let input = typed.map(|typed| {
            let mut tree = inner.tree;
            tree.nodes.truncate(typed.id + 1);
            tree
        });
        let basic = BasicAggregate {
            function,
            input: input.as_ref().map(|tree| tree.ty().words()),
        };
        let mut ty = LogicalType::from(basic.result());
        let kind = input.as_ref().map(|tree| tree.ty().kind);
        // What is of the input's kind in words is so in meaning, but for a count.
        if let Some(kind) =
            kind.filter(|kind| function != AggregateFunction::Count && kind.words() == ty.kind.words())
        {
            ty.kind = kind;
        }
        let result = self.columns.add(name.text.as_str(), ty);
        aggregates.uses.push(AggregateUse {
            function,
            input,
            result,
        });
        let typed = self.typed(NodeKind::Column(result), ty, span);
        let is_mean = function == AggregateFunction::Avg && kind == Some(LogicalKind::Duration);
        Ok(if is_mean {
            self.whole_duration(typed, span)
        } else {
            typed
        })
    }
}

fn function_of(name: &str) -> AggregateFunction {
    match name {
        "count" => AggregateFunction::Count,
        "sum" | "countif" => AggregateFunction::Sum,
        "avg" => AggregateFunction::Avg,
        "min" => AggregateFunction::Min,
        _ => AggregateFunction::Max,
    }
}
