//! Times and durations: their arithmetic and their functions.

use cutthrough_expr::{LogicalKind, LogicalType, NodeId, NodeKind, Part, Scalar};

use super::Check;
use super::expr::{Expressions, Typed, name_of};
use super::types::list;
use crate::ast::BinaryOp;
use crate::diagnostic::{Diagnostic, quoted};
use crate::span::Span;
use crate::time::{CalendarUnit, check_format, zone};

use LogicalKind::{Duration, Float, Int, Text, Time};

/// How times and durations compute, for messages.
const RULES: &str = "`time - time` and `time + duration` compute, durations add up, and times or quotients of them by a number do";

impl Expressions<'_> {
    /// Arithmetic of which one side at least is a time or a duration.
    pub(super) fn temporal(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        use BinaryOp as B;
        let (left, right) = (self.present(left)?, self.present(right)?);
        let operands = vec![left.id, right.id];
        let words = Int.words();
        match (op, left.kind(), right.kind()) {
            (B::Add, Time, Duration) | (B::Add, Duration, Time) => {
                Ok(self.strict_as(Time, Scalar::Add(words), operands, span))
            }
            (B::Subtract, Time, Duration) => {
                Ok(self.strict_as(Time, Scalar::Subtract(words), operands, span))
            }
            (B::Add, Duration, Duration) => Ok(self.strict_as(Duration, Scalar::Add(words), operands, span)),
            (B::Subtract, Time, Time) | (B::Subtract, Duration, Duration) => {
                Ok(self.strict_as(Duration, Scalar::Subtract(words), operands, span))
            }
            (B::Multiply, Duration, Int) | (B::Multiply, Int, Duration) => {
                Ok(self.strict_as(Duration, Scalar::Multiply(words), operands, span))
            }
            (B::Multiply, Duration, Float) | (B::Multiply, Float, Duration) => {
                let operands = self.as_floats(operands);
                let product = self.strict(Scalar::Multiply(Float.words()), operands, span);
                Ok(self.whole_duration(product, span))
            }
            (B::Divide | B::DivideInt | B::Remainder, Duration, Duration) => {
                let absence = self.divisor(&quoted(op.spelling()), right)?;
                Ok(match op {
                    B::Divide => {
                        let operands = self.as_floats(operands);
                        self.strict(Scalar::Divide(absence), operands, span)
                    }
                    B::DivideInt => self.strict(Scalar::DivideInt(absence), operands, span),
                    _ => self.strict_as(Duration, Scalar::Remainder(absence), operands, span),
                })
            }
            (B::DivideInt, Duration, Int) => {
                let absence = self.divisor("`//`", right)?;
                Ok(self.strict_as(Duration, Scalar::DivideInt(absence), operands, span))
            }
            (B::Divide, Duration, Int | Float) => {
                let absence = self.divisor("`/`", right)?;
                let operands = self.as_floats(operands);
                let quotient = self.strict(Scalar::Divide(absence), operands, span);
                Ok(self.whole_duration(quotient, span))
            }
            _ => Err(self.no_arithmetic(op, left, right)),
        }
    }

    fn as_floats(&mut self, operands: Vec<NodeId>) -> Vec<NodeId> {
        let is_float = |id: NodeId| self.tree.nodes[id].ty.kind == Float;
        let which: Vec<bool> = operands.iter().map(|&id| is_float(id)).collect();
        let operands = operands.into_iter().zip(which);
        operands
            .map(|(id, is_float)| if is_float { id } else { self.as_float(id) })
            .collect()
    }

    /// A float of nanoseconds as a duration, to the nanosecond.
    pub(super) fn whole_duration(&mut self, nanos: Typed, span: Span) -> Typed {
        let nanos = self.strict(Scalar::Round, vec![nanos.id], span);
        self.strict_as(Duration, Scalar::IntOfFloat, vec![nanos.id], span)
    }

    fn no_arithmetic(&self, op: BinaryOp, left: Typed, right: Typed) -> Box<Diagnostic> {
        let (l, r) = (name_of(left), name_of(right));
        let message = format!("{} of {l} and {r}", quoted(op.spelling()));
        let label = format!("this is {r}, what is before it {l}");
        let diagnostic = Diagnostic::new(message, right.span, label);
        let help = self.temporal_help(left, right);
        Box::new(diagnostic.with_help(help.unwrap_or_else(|| RULES.to_owned())))
    }

    /// What to say where a time or a duration meets something else.
    pub(super) fn temporal_help(&self, left: Typed, right: Typed) -> Option<String> {
        let kinds = (left.ty?.kind, right.ty?.kind);
        let text = if kinds.0 == Text { left } else { right };
        Some(match kinds {
            (Time, Text) | (Text, Time) if self.spells_time(text) => {
                "a time is written `@2026-11-21T02:00`, without quotes; `time(...)` makes one of text"
                    .to_owned()
            }
            (Time, Text) | (Text, Time) => "`time(...)` makes a time of text".to_owned(),
            (Duration, Text) | (Text, Duration) => {
                "a duration is written `5m`, without quotes; `duration(...)` makes one of text".to_owned()
            }
            (Time | Duration, Int | Float) | (Int | Float, Time | Duration) => {
                let is_time = kinds.0 == Time || kinds.1 == Time;
                let other = if is_time {
                    "; a time of seconds since 1970 is `@1970-01-01 + n * 1s`"
                } else {
                    ""
                };
                format!("a duration has a unit, as in `5s`, or `n * 1s` for a number of seconds{other}")
            }
            (Time, Duration) | (Duration, Time) => {
                "a time is written `@2026-11-21T02:00`; `ago(5m)` is one too, and `time - time` a duration"
                    .to_owned()
            }
            _ => return None,
        })
    }

    /// What `bin` takes of times and durations: the size is a duration.
    pub(super) fn bin_temporal(&self, value: Typed, size: Typed) -> Check<()> {
        if value.is_temporal() && size.kind() == Duration {
            return Ok(());
        }
        let (of, by) = (name_of(value), name_of(size));
        let message = format!("`bin` of {of} by {by}");
        let diagnostic = Diagnostic::new(message, size.span, format!("this is {by}"));
        Err(Box::new(diagnostic.with_help(
            "a time or a duration goes by a duration, as in `bin(time, 5m)`; months and days by `trunc(time, \"month\")`",
        )))
    }

    /// Functions of times and durations, and those that give some.
    pub(super) fn temporal_function(&mut self, name: &str, arguments: &[Typed], span: Span) -> Check<Typed> {
        let what = quoted(name);
        match name {
            "now" => Ok(self.typed(NodeKind::Int(self.now), LogicalType::TIME, span)),
            "ago" => {
                let duration = self.duration(&what, arguments[0])?;
                let now = self.tree.add(NodeKind::Int(self.now), LogicalType::TIME);
                Ok(self.strict_as(Time, Scalar::Subtract(Int.words()), vec![now, duration], span))
            }
            "time" => self.time_of_text(arguments, span),
            "duration" => {
                if arguments[0].ty.is_some_and(|ty| ty.kind == Duration) {
                    return Ok(arguments[0]);
                }
                let text = self.text(&what, arguments[0])?;
                Ok(self.strict(Scalar::DurationOfText, vec![text], span))
            }
            "format_time" => {
                let time = self.time(&what, arguments[0])?;
                let format = self.format(&what, arguments[1], false)?;
                let zone = self.zone(&what, arguments.get(2))?;
                Ok(self.strict(Scalar::FormatTime, vec![time, format, zone], span))
            }
            "date" => {
                let time = self.time(&what, arguments[0])?;
                let format = self
                    .tree
                    .add(NodeKind::Text(b"%Y-%m-%d".to_vec()), LogicalType::TEXT);
                let zone = self.zone(&what, arguments.get(1))?;
                Ok(self.strict(Scalar::FormatTime, vec![time, format, zone], span))
            }
            "trunc" => {
                let time = self.time(&what, arguments[0])?;
                let unit = self.calendar_unit(arguments[1])?;
                let zone = self.zone(&what, arguments.get(2))?;
                Ok(self.strict(Scalar::Truncate, vec![time, unit, zone], span))
            }
            _ => {
                let part = Part::from_name(name).expect("INVARIANT: no other function comes here");
                let time = self.time(&what, arguments[0])?;
                let is_clock = matches!(part, Part::Hour | Part::Minute | Part::Second);
                if is_clock && arguments.len() == 1 {
                    return Ok(self.strict(Scalar::Clock(part), vec![time], span));
                }
                let zone = self.zone(&what, arguments.get(1))?;
                Ok(self.strict(Scalar::Calendar(part), vec![time, zone], span))
            }
        }
    }

    fn time_of_text(&mut self, arguments: &[Typed], span: Span) -> Check<Typed> {
        if arguments.len() == 1 && arguments[0].ty.is_some_and(|ty| ty.kind == Time) {
            return Ok(arguments[0]);
        }
        if arguments[0].is_number() {
            let message = "`time` takes text";
            let diagnostic = Diagnostic::new(message, arguments[0].span, "a number of what, since when?");
            return Err(Box::new(diagnostic.with_help(
                "of seconds since 1970, `@1970-01-01 + n * 1s`; of milliseconds, `n * 1ms`",
            )));
        }
        let text = self.text("`time`", arguments[0])?;
        let Some(&format) = arguments.get(1) else {
            return Ok(self.strict(Scalar::TimeOfText, vec![text], span));
        };
        let format = self.format("`time`", format, true)?;
        let zone = self.zone("`time`", arguments.get(2))?;
        Ok(self.strict(Scalar::TimeByFormat, vec![text, format, zone], span))
    }

    fn time(&self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            Time => Ok(operand.id),
            _ => Err(self.not_temporal(what, "a time", operand)),
        }
    }

    fn duration(&self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            Duration => Ok(operand.id),
            _ => Err(self.not_temporal(what, "a duration", operand)),
        }
    }

    fn not_temporal(&self, what: &str, takes: &str, operand: Typed) -> Box<Diagnostic> {
        let message = format!("{what} takes {takes}");
        let diagnostic = Diagnostic::new(message, operand.span, format!("this is {}", name_of(operand)));
        let is_text = operand.ty.is_some_and(|ty| ty.kind == Text);
        Box::new(match (takes, is_text) {
            ("a time", true) => diagnostic.with_help("`time(...)` makes one of text"),
            ("a time", _) => diagnostic.with_help("of seconds since 1970, `@1970-01-01 + n * 1s` makes one"),
            (_, true) => diagnostic.with_help("`duration(...)` makes one of text"),
            _ => diagnostic.with_help("a duration has a unit, as in `15m`"),
        })
    }

    /// A format of times: a constant, so that what is wrong with it is known now.
    fn format(&self, what: &str, operand: Typed, is_read_by: bool) -> Check<NodeId> {
        let format = self.constant_text(what, "the format", operand)?;
        check_format(format, is_read_by).map_err(|why| {
            let diagnostic = Diagnostic::new("this format cannot be used", operand.span, why);
            Box::new(diagnostic.with_help("formats are those of `strftime`, as in `%Y-%m-%d %H:%M:%S`"))
        })?;
        Ok(operand.id)
    }

    /// A time zone: a constant, and UTC where none is said.
    fn zone(&mut self, what: &str, operand: Option<&Typed>) -> Check<NodeId> {
        let Some(&operand) = operand else {
            return Ok(self.tree.add(NodeKind::Text(b"UTC".to_vec()), LogicalType::TEXT));
        };
        let name = self.constant_text(what, "the zone", operand)?;
        zone(name).map_err(|why| Box::new(Diagnostic::new("this zone is not known", operand.span, why)))?;
        Ok(operand.id)
    }

    fn calendar_unit(&self, operand: Typed) -> Check<NodeId> {
        let unit = self.constant_text("`trunc`", "the unit", operand)?;
        if CalendarUnit::from_name(unit).is_none() {
            let names = CalendarUnit::ALL.map(CalendarUnit::name);
            let message = format!("`trunc` knows no unit {}", quoted(&String::from_utf8_lossy(unit)));
            let diagnostic = Diagnostic::new(message, operand.span, "not a unit of the calendar");
            return Err(Box::new(
                diagnostic.with_help(format!("there are {}", list(&names))),
            ));
        }
        Ok(operand.id)
    }

    fn constant_text(&self, what: &str, which: &str, operand: Typed) -> Check<&[u8]> {
        match &self.tree.nodes[operand.id].kind {
            NodeKind::Text(text) => Ok(text),
            _ => {
                let message = format!("{what} takes a constant text for {which}");
                let label = format!("this is {}", name_of(operand));
                Err(Box::new(Diagnostic::new(message, operand.span, label)))
            }
        }
    }
}
