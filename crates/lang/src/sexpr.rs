//! Syntax trees as s-expressions: one statement per line, no spans.

use crate::ast::Step;
use crate::ast::{
    Expr, ExprKind, Input, Item, Literal, Name, Pipeline, Program, SampleSize, SortKey, Stage, StageKind,
    Statement, Target, Text,
};
use crate::lexer::is_plain_name;
use crate::parser::RESERVED;
use std::fmt::{Display, Formatter, Result};

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.statements
            .iter()
            .try_for_each(|statement| writeln!(f, "{statement}"))
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.target {
            Some(target) => write!(f, "(= {target} {})", self.pipeline),
            None => self.pipeline.fmt(f),
        }
    }
}

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("(|")?;
        if let Some(source) = &self.source {
            write!(f, " {source}")?;
        }
        write!(f, "{})", Spaced(&self.stages))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            StageKind::Read { inputs, follow } => {
                let follow = if follow.is_some() { " follow" } else { "" };
                write!(f, "(read{}{follow})", Spaced(inputs))
            }
            StageKind::Lines => f.write_str("(lines)"),
            StageKind::Parse {
                format,
                argument,
                options,
                otherwise,
            } => {
                write!(f, "(parse {format}")?;
                argument
                    .iter()
                    .try_for_each(|argument| write!(f, " {argument}"))?;
                options
                    .iter()
                    .try_for_each(|option| write!(f, " :{} {}", option.key, option.value))?;
                otherwise
                    .iter()
                    .try_for_each(|name| write!(f, " (else {name})"))?;
                f.write_str(")")
            }
            StageKind::Where { condition } => write!(f, "(where {condition})"),
            StageKind::Set { assignments } => {
                f.write_str("(set")?;
                assignments
                    .iter()
                    .try_for_each(|set| write!(f, " (= {} {})", set.name, set.value))?;
                f.write_str(")")
            }
            StageKind::Select { items } => write!(f, "(select{})", Spaced(items)),
            StageKind::Head { count } => write!(f, "(head {})", count.value),
            StageKind::Skip { count } => write!(f, "(skip {})", count.value),
            StageKind::Explode { name, value, ty } => {
                write!(f, "(explode {name}")?;
                value.iter().try_for_each(|value| write!(f, " {value}"))?;
                ty.iter().try_for_each(|ty| write!(f, " (as {ty})"))?;
                f.write_str(")")
            }
            StageKind::Fill { names } => write!(f, "(fill{})", Spaced(names)),
            StageKind::Sample { size, .. } => match size {
                SampleSize::Count(count) => write!(f, "(sample {count})"),
                SampleSize::Share(share) => write!(f, "(sample {}%)", share * 100.0),
            },
            StageKind::Generate { count, every } => {
                f.write_str("(generate")?;
                count.iter().try_for_each(|count| write!(f, " {}", count.value))?;
                every
                    .iter()
                    .try_for_each(|(nanos, _)| write!(f, " (every {nanos}ns)"))?;
                f.write_str(")")
            }
            StageKind::Lookup { path, name, key } => {
                write!(f, "(lookup {path} {}", name.text)?;
                key.iter().try_for_each(|key| write!(f, " {key}"))?;
                f.write_str(")")
            }
            StageKind::Tail { count } => write!(f, "(tail {})", count.value),
            StageKind::Top { count, by } => write!(f, "(top {} {by})", count.value),
            StageKind::Drop { names } => write!(f, "(drop{})", Spaced(names)),
            StageKind::Rename { names } => {
                f.write_str("(rename")?;
                names
                    .iter()
                    .try_for_each(|(new, old)| write!(f, " (= {new} {old})"))?;
                f.write_str(")")
            }
            StageKind::Distinct { items } => write!(f, "(distinct{})", Spaced(items)),
            StageKind::Count => f.write_str("(count)"),
            StageKind::Sort { keys } => write!(f, "(sort{})", Spaced(keys)),
            StageKind::Summarize {
                aggregates,
                by,
                every,
            } => {
                write!(f, "(summarize{} (by{})", Spaced(aggregates), Spaced(by))?;
                every.iter().try_for_each(|window| {
                    write!(f, " (every {}", window.nanos)?;
                    window
                        .of
                        .iter()
                        .try_for_each(|of| write!(f, " (of {of} {})", window.late))?;
                    f.write_str(")")
                })?;
                f.write_str(")")
            }
            StageKind::Write {
                target,
                append,
                format,
                template,
            } => {
                write!(f, "(write {target}{}", if *append { " append" } else { "" })?;
                format
                    .iter()
                    .try_for_each(|format| write!(f, " {}", format.name()))?;
                template
                    .iter()
                    .try_for_each(|template| write!(f, " (template {template})"))?;
                f.write_str(")")
            }
        }
    }
}

impl Display for Input {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Input::Path(path) => path.fmt(f),
            Input::Stdin(_) => f.write_str("-"),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Target::Path(path) => path.fmt(f),
            Target::Stdout(_) => f.write_str("stdout"),
            Target::Stderr(_) => f.write_str("stderr"),
        }
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.name {
            Some(name) => write!(f, "(= {name} {})", self.value),
            None => self.value.fmt(f),
        }
    }
}

impl Display for SortKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(
            f,
            "({} {})",
            if self.descending { "desc" } else { "asc" },
            self.value
        )
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            ExprKind::Literal(literal) => literal.fmt(f),
            ExprKind::Name(name) => name.fmt(f),
            ExprKind::Path { root, steps } => {
                write!(f, "(path {root}")?;
                steps.iter().try_for_each(|step| match step {
                    Step::Key(key) => write!(f, " {key:?}"),
                    Step::Index(index) => write!(f, " {index}"),
                })?;
                f.write_str(")")
            }
            ExprKind::Unary { op, operand } => write!(f, "({} {operand})", op.spelling()),
            ExprKind::Binary { op, left, right } => write!(f, "({} {left} {right})", op.spelling()),
            ExprKind::In { value, list } => write!(f, "(in {value}{})", Spaced(list)),
            ExprKind::Call { function, arguments } => write!(f, "({function}{})", Spaced(arguments)),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Literal::Int(value) => value.fmt(f),
            Literal::Float(value) => write!(f, "{value:?}"),
            Literal::Text(bytes) => write_text(f, bytes),
            Literal::Pattern(bytes) => write!(f, "/{}/", bytes.escape_ascii()),
            Literal::Bool(value) => value.fmt(f),
            Literal::Null => f.write_str("null"),
            Literal::Duration(nanoseconds) => write!(f, "{nanoseconds}ns"),
            Literal::Time(nanoseconds) => write!(f, "@{nanoseconds}"),
            Literal::ByteSize(bytes) => write!(f, "{bytes}B"),
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if is_plain_name(&self.text) && !RESERVED.contains(&self.text.as_str()) {
            f.write_str(&self.text)
        } else {
            write!(f, "`{}`", self.text)
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write_text(f, &self.bytes)
    }
}

fn write_text(f: &mut Formatter<'_>, bytes: &[u8]) -> Result {
    match std::str::from_utf8(bytes) {
        Ok(text) => write!(f, "{text:?}"),
        Err(_) => write!(f, "\"{}\"", bytes.escape_ascii()),
    }
}

/// Each with a space before it.
struct Spaced<'a, T>(&'a [T]);

impl<T: Display> Display for Spaced<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.iter().try_for_each(|item| write!(f, " {item}"))
    }
}
