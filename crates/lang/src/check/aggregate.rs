//! Aggregates, and the expressions around them.

use std::fmt;

use cutthrough_expr::{Absence, ColumnId, LogicalKind, LogicalType, NodeId, NodeKind, Scalar, Tree};

use super::Check;
use super::expr::{Expressions, Typed, name_of};
use super::types::Schema;
use crate::ast::{Expr, Name};
use crate::diagnostic::{Diagnostic, quoted};
use crate::span::Span;

/// The aggregates: how each is called, and what it gives.
pub const AGGREGATES: [(&str, &str); 17] = [
    ("argmax(x, by)", "x where `by` is the greatest"),
    ("argmin(x, by)", "x where `by` is the least"),
    ("avg(x)", "the mean of numbers or durations"),
    ("collect(x)", "all values, as the text of a JSON array"),
    (
        "count()",
        "how many; with an argument, how many that are not null",
    ),
    ("countif(x)", "how many times the condition is true"),
    ("dcount(x)", "how many different values"),
    ("first(x)", "the value of the first element that has one"),
    ("last(x)", "the value of the last element that has one"),
    ("max(x)", "the greatest"),
    ("median(x)", "as percentile(x, 50)"),
    ("min(x)", "the least"),
    (
        "percentile(x, p)",
        "below which p of 100 lie, between two values in proportion",
    ),
    ("share(x)", "the part that the sum is of the sum of all groups"),
    (
        "stddev(x)",
        "the standard deviation of a sample; null for fewer than two",
    ),
    ("sum(x)", "the sum of numbers or durations"),
    ("variance(x)", "the variance of a sample; null for fewer than two"),
];

/// The names of the aggregates.
pub(super) fn aggregate_names() -> impl Iterator<Item = &'static str> {
    let name = |usage: &'static str| usage.split('(').next().unwrap_or(usage);
    AGGREGATES.iter().map(move |(usage, _)| name(usage))
}

pub(super) fn is_aggregate(name: &str) -> bool {
    aggregate_names().any(|known| known == name)
}

/// What is computed over the elements of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AggregateKind {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
    ArgMin,
    ArgMax,
    Deviation,
    Variance,
    /// Below which this share lies, from 0 to 1.
    Percentile(f64),
    Distinct,
    Collect,
}

use AggregateKind as A;

/// As the plan shows it.
impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            A::Percentile(share) => write!(f, "percentile:{share}"),
            A::Distinct => f.write_str("dcount"),
            A::Deviation => f.write_str("stddev"),
            kind => f.write_str(&format!("{kind:?}").to_lowercase()),
        }
    }
}

impl AggregateKind {
    /// The type of the result; the aggregate of durations that are averaged gives nanoseconds.
    fn result(self, inputs: &[LogicalType]) -> LogicalType {
        match self {
            A::Count | A::Distinct => LogicalType::INT,
            A::Collect => LogicalType::JSON,
            A::Sum => inputs[0].present(),
            A::Avg | A::Deviation | A::Variance => LogicalType::FLOAT.or_null(),
            A::Percentile(_) => match inputs[0].kind {
                LogicalKind::Int | LogicalKind::Float => LogicalType::FLOAT.or_null(),
                kind => LogicalType::new(kind).or_null(),
            },
            A::Min | A::Max | A::First | A::Last | A::ArgMin | A::ArgMax => inputs[0].or_null(),
        }
    }
}

/// Of which kind the argument is mostly.
fn expected_by(name: &str) -> Option<LogicalKind> {
    match name {
        "countif" => Some(LogicalKind::Bool),
        "avg" | "median" | "percentile" | "share" | "stddev" | "sum" | "variance" => Some(LogicalKind::Float),
        _ => None,
    }
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
    pub(super) kind: AggregateKind,
    pub(super) inputs: Vec<Tree>,
    pub(super) result: ColumnId,
}

/// Something of which the sum over all elements is needed before any goes on.
#[derive(Debug)]
pub(super) struct Share {
    /// A float.
    pub(super) input: Tree,
    pub(super) total: ColumnId,
}

impl Expressions<'_> {
    /// An aggregate: its argument is about the elements, its result a column of the groups.
    pub(super) fn aggregate(&mut self, name: &Name, arguments: &[Expr], span: Span) -> Check<Typed> {
        let kind = self.kind_of(name, arguments, span)?;
        let Some(aggregates) = self.aggregates.as_deref_mut() else {
            return Err(misplaced(name, span));
        };
        let inputs = match kind {
            A::Percentile(_) => &arguments[..1],
            _ => arguments,
        };
        let mut trees = Vec::with_capacity(inputs.len());
        for argument in inputs {
            let mut inner = Expressions::new(&aggregates.input, self.columns, self.now);
            let typed = inner.expecting(argument, expected_by(&name.text))?;
            let typed = inner.present(typed)?;
            let id = match trees.is_empty() {
                true => inner.aggregate_input(kind, name, typed)?,
                false => typed.id,
            };
            let mut tree = inner.tree;
            tree.nodes.truncate(id + 1);
            trees.push((tree, typed));
        }
        let durations = trees.first().map(|(_, typed)| typed.kind()) == Some(LogicalKind::Duration);
        let trees: Vec<Tree> = trees.into_iter().map(|(tree, _)| tree).collect();
        let types: Vec<LogicalType> = trees.iter().map(Tree::ty).collect();
        let ty = kind.result(&types);
        let result = self.columns.add(name.text.as_str(), ty);
        if matches!(kind, A::Min | A::Max | A::First | A::Last | A::ArgMin | A::ArgMax) {
            self.columns.follow(result, &trees[0]);
        }
        aggregates.uses.push(AggregateUse {
            kind,
            inputs: trees,
            result,
        });
        let typed = self.typed(NodeKind::Column(result), ty, span);
        let is_mean = matches!(kind, A::Avg | A::Deviation) && durations;
        Ok(if is_mean {
            self.whole_duration(typed, span)
        } else {
            typed
        })
    }

    /// Which aggregate it is, if it has as many arguments as it takes.
    fn kind_of(&self, name: &Name, arguments: &[Expr], span: Span) -> Check<AggregateKind> {
        let (kind, least, most) = match name.text.as_str() {
            "count" => (A::Count, 0, 1),
            "sum" | "countif" => (A::Sum, 1, 1),
            "avg" => (A::Avg, 1, 1),
            "min" => (A::Min, 1, 1),
            "max" => (A::Max, 1, 1),
            "first" => (A::First, 1, 1),
            "last" => (A::Last, 1, 1),
            "argmin" => (A::ArgMin, 2, 2),
            "argmax" => (A::ArgMax, 2, 2),
            "stddev" => (A::Deviation, 1, 1),
            "variance" => (A::Variance, 1, 1),
            "median" => (A::Percentile(0.5), 1, 1),
            "percentile" => (A::Percentile(0.0), 2, 2),
            "dcount" => (A::Distinct, 1, 1),
            _ => (A::Collect, 1, 1),
        };
        if arguments.len() < least || arguments.len() > most {
            let takes = match (least, most) {
                (0, _) => "at most one argument",
                (1, _) => "one argument",
                _ => "two arguments",
            };
            let message = format!("{} takes {takes}", quoted(&name.text));
            let are = if arguments.len() == 1 { "is" } else { "are" };
            let diagnostic = Diagnostic::new(message, span, format!("here {are} {}", arguments.len()));
            let usage = AGGREGATES.iter().map(|&(usage, _)| usage);
            let usage = usage
                .into_iter()
                .find(|usage| usage.split('(').next() == Some(&*name.text));
            return Err(Box::new(
                diagnostic.with_help(format!("it is called as `{}`", usage.unwrap_or_default())),
            ));
        }
        if name.text == "percentile" {
            return share_of(&arguments[1]).map(A::Percentile);
        }
        Ok(kind)
    }

    /// The argument as the aggregate takes it.
    fn aggregate_input(&mut self, kind: AggregateKind, name: &Name, typed: Typed) -> Check<NodeId> {
        if name.text == "countif" {
            let condition = self.condition_operand("`countif`", typed)?;
            return Ok(self.strict(Scalar::IntOfBool, vec![condition], typed.span).id);
        }
        let takes = match kind {
            A::Sum | A::Avg | A::Deviation => "numbers or durations",
            A::Variance => "numbers",
            A::Percentile(_) => "numbers, durations or times",
            _ => return Ok(typed.id),
        };
        let is_fine = match typed.kind() {
            LogicalKind::Int | LogicalKind::Float => true,
            LogicalKind::Duration => kind != A::Variance,
            LogicalKind::Time => matches!(kind, A::Percentile(_)),
            _ => false,
        };
        if !is_fine {
            let message = format!("{} takes {takes}", quoted(&name.text));
            let diagnostic = Diagnostic::new(message, typed.span, format!("this is {}", name_of(typed)));
            return Err(Box::new(match typed.kind() {
                LogicalKind::Bool => diagnostic.with_help("to count what is true, `countif(...)`"),
                LogicalKind::Text => {
                    diagnostic.with_help("`int(...)` or `float(...)` makes a number of text")
                }
                _ => diagnostic,
            }));
        }
        let is_float = typed.kind() == LogicalKind::Float;
        Ok(match kind {
            A::Deviation | A::Variance if !is_float => self.as_float(typed.id),
            _ => typed.id,
        })
    }

    /// The part that a value is of the sum of all; in `summarize`, that a group's sum is of all groups'.
    pub(super) fn share(&mut self, name: &Name, arguments: &[Expr], span: Span) -> Check<Typed> {
        if self.shares.is_none() {
            let message = "`share` is of all elements";
            let diagnostic = Diagnostic::new(message, span, "cannot stand here");
            let help =
                "it stands in `set`, `select` and `summarize`: `set part = share(bytes) | where part > 0.1`";
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let [argument] = arguments else {
            let label = format!("here are {}", arguments.len());
            let diagnostic = Diagnostic::new("`share` takes one argument", span, label);
            return Err(Box::new(diagnostic.with_help("it is called as `share(x)`")));
        };
        let value = if self.aggregates.is_some() {
            let sum = Name {
                text: "sum".to_owned(),
                span: name.span,
            };
            self.aggregate(&sum, arguments, span)?
        } else {
            self.expr(argument)?
        };
        let value = self.present(value)?;
        let value = match value.kind() {
            LogicalKind::Float => value.id,
            LogicalKind::Int | LogicalKind::Duration => self.as_float(value.id),
            _ => return Err(self.wrong("`share`", "numbers", value)),
        };
        let mut input = self.tree.clone();
        input.nodes.truncate(value + 1);
        let total = self.columns.add("total", LogicalType::FLOAT);
        let shares = self.shares.as_deref_mut().expect("INVARIANT: seen above");
        shares.push(Share { input, total });
        let total = self.typed(NodeKind::Column(total), LogicalType::FLOAT, span);
        Ok(self.strict(Scalar::Divide(Absence::Checked), vec![value, total.id], span))
    }
}

/// A percentage, as a share.
fn share_of(argument: &Expr) -> Check<f64> {
    use crate::ast::{ExprKind, Literal};
    let percentage = match argument.kind {
        ExprKind::Literal(Literal::Int(value)) => Some(value as f64),
        ExprKind::Literal(Literal::Float(value)) => Some(value),
        _ => None,
    };
    match percentage {
        Some(percentage) if (0.0..=100.0).contains(&percentage) => Ok(percentage / 100.0),
        _ => {
            let message = "`percentile` takes a constant from 0 to 100";
            let diagnostic = Diagnostic::new(message, argument.span, "not such a number");
            Err(Box::new(diagnostic.with_help("as in `percentile(x, 95)`")))
        }
    }
}

fn misplaced(name: &Name, span: Span) -> Box<Diagnostic> {
    let message = format!("{} is an aggregate", quoted(&name.text));
    let diagnostic = Diagnostic::new(message, span, "cannot stand here");
    let help = match name.text.as_str() {
        "min" | "max" => "aggregates stand in `summarize`, not in each other; of several values, `min(a, b)`",
        _ => "aggregates stand in `summarize`, and not in each other",
    };
    Box::new(diagnostic.with_help(help))
}
