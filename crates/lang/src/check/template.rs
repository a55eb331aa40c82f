//! `write ... as template("{a} {b}")`: each element as a text, which is one more column.

use cutthrough_formats::json::Path;

use super::Check;
use super::pipeline::PipelineChecker;
use super::types::Schema;
use crate::ast::{Expr, ExprKind, Literal, Name, Step, Text};
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::plan::Op;
use crate::span::Span;

/// A piece of a template.
enum Piece {
    Text(Vec<u8>),
    /// The name of a column, or a path.
    Column(String),
}

impl PipelineChecker<'_, '_> {
    /// Has elements be their texts by a template.
    pub(super) fn fill_in(&mut self, template: &Text) -> Check<()> {
        self.columns();
        let wrong =
            |why: &str| {
                let diagnostic = Diagnostic::new("this template cannot be read", template.span, why);
                Box::new(diagnostic.with_help(
                    "as in `write stdout as template(\"{time} {path}\")`; braces are `{{` and `}}`",
                ))
            };
        let text = std::str::from_utf8(&template.bytes).map_err(|_| wrong("it is not UTF-8"))?;
        let pieces = pieces_of(text).map_err(|why| wrong(&why))?;
        if pieces.len() > limits::EXPRESSION_OPERANDS_MAX {
            return Err(wrong("it has too many names"));
        }
        let span = template.span;
        let text_of = |text: Vec<u8>| Expr {
            kind: ExprKind::Literal(Literal::Text(text)),
            span,
        };
        let mut arguments = vec![text_of(Vec::new())];
        for piece in pieces {
            arguments.push(match piece {
                Piece::Text(text) => text_of(text),
                Piece::Column(name) => {
                    let value = call(
                        "text",
                        vec![
                            self.named(&name, span)
                                .ok_or_else(|| wrong("a name is missing"))?,
                        ],
                    );
                    // What is null is nothing.
                    call("coalesce", vec![value, text_of(Vec::new())])
                }
            });
        }
        let tree = self.value(&call("concat", arguments))?;
        let ty = tree.ty();
        let id = self.checker.columns.add("text", ty);
        let name = Name {
            text: "text".to_owned(),
            span,
        };
        self.state.schema = Schema::default();
        self.state.schema.set(&name, id, ty)?;
        self.push(Op::Compute(vec![(id, tree)]));
        Ok(())
    }

    /// The column of a name, or what is at a path.
    fn named(&self, name: &str, span: Span) -> Option<Expr> {
        let whole = |text: &str| Name {
            text: text.to_owned(),
            span,
        };
        let path = Path::parse(name).ok()?;
        let is_path = path.0.len() > 1 && self.state.schema.find(name).is_none();
        let kind = match path.0.split_first()? {
            (Step::Key(root), steps) if is_path => ExprKind::Path {
                root: whole(root),
                steps: steps.to_vec(),
            },
            _ => ExprKind::Name(whole(name)),
        };
        Some(Expr { kind, span })
    }
}

/// A call of a function by whoever has written none.
fn call(function: &str, arguments: Vec<Expr>) -> Expr {
    let span = arguments
        .first()
        .map_or_else(Span::default, |argument| argument.span);
    Expr {
        kind: ExprKind::Call {
            function: Name {
                text: function.to_owned(),
                span,
            },
            arguments,
        },
        span,
    }
}

fn pieces_of(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            plain.push(c);
            rest = &rest[2..];
        } else if c == '{' {
            let Some((name, after)) = rest[1..].split_once('}') else {
                return Err(format!("a `}}` is missing after `{rest}`"));
            };
            let name = name.trim();
            if name.is_empty() || name.contains('{') {
                return Err(format!("`{{{name}}}` is no name of a column"));
            }
            pieces.push(Piece::Text(std::mem::take(&mut plain).into_bytes()));
            pieces.push(Piece::Column(name.to_owned()));
            rest = after;
        } else if c == '}' {
            return Err("a `}` has no `{` before it; a brace itself is `}}`".to_owned());
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    pieces.push(Piece::Text(plain.into_bytes()));
    Ok(pieces)
}
