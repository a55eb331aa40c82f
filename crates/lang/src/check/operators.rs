//! Operators: what they take and what they give.

use cutthrough_expr::{Absence, Comparison, LogicalKind, LogicalType, NodeId, NodeKind, Scalar};
use cutthrough_formats::time::parse_time;

use super::Check;
use super::expr::{Expressions, JSON_HELP, Typed, name_of, perhaps_a_text};
use crate::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::diagnostic::{Diagnostic, quoted};
use crate::span::Span;

impl Expressions<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, operand: Typed, span: Span) -> Check<Typed> {
        let scalar = match (op, operand.ty.map(|ty| ty.kind)) {
            (UnaryOp::Not, Some(LogicalKind::Bool)) => Scalar::Not,
            (UnaryOp::Negate, Some(LogicalKind::Duration)) => {
                let negate = Scalar::Negate(LogicalKind::Duration.words());
                return Ok(self.strict_as(LogicalKind::Duration, negate, vec![operand.id], span));
            }
            (UnaryOp::Negate, Some(kind @ (LogicalKind::Int | LogicalKind::Float))) => {
                Scalar::Negate(kind.words())
            }
            (UnaryOp::Not, _) => return Err(self.wrong("`not`", "a condition", operand)),
            (UnaryOp::Negate, _) => return Err(self.wrong("`-`", "a number", operand)),
        };
        Ok(self.strict(scalar, vec![operand.id], span))
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        use BinaryOp as B;
        match op {
            B::And | B::Or => self.logical(op, left, right, span),
            B::Equal | B::NotEqual if left.ty.is_none() || right.ty.is_none() => {
                self.presence(op == B::NotEqual, left, right, span)
            }
            B::Equal => self.compare(Comparison::Equal, left, right, span),
            B::NotEqual => self.compare(Comparison::NotEqual, left, right, span),
            B::Less => self.compare(Comparison::Less, left, right, span),
            B::LessEqual => self.compare(Comparison::LessEqual, left, right, span),
            B::Greater => self.compare(Comparison::Greater, left, right, span),
            B::GreaterEqual => self.compare(Comparison::GreaterEqual, left, right, span),
            B::Contains if left.ty.is_some_and(|ty| ty.kind == LogicalKind::Json) => {
                self.json_contains(left, right, span)
            }
            B::Contains | B::StartsWith | B::EndsWith => {
                let scalar = match op {
                    B::Contains => Scalar::Contains,
                    B::StartsWith => Scalar::StartsWith,
                    _ => Scalar::EndsWith,
                };
                let name = quoted(op.spelling());
                let operands = vec![self.text(&name, left)?, self.text(&name, right)?];
                Ok(self.strict(scalar, operands, span))
            }
            B::Matches => {
                let operands = vec![self.text("`matches`", left)?, self.pattern("`matches`", right)?];
                Ok(self.strict(Scalar::Matches, operands, span))
            }
            B::Coalesce => self.coalesce_two(left, right, span),
            B::Add | B::Subtract | B::Multiply | B::Divide | B::DivideInt | B::Remainder
                if left.is_temporal() || right.is_temporal() =>
            {
                self.temporal(op, left, right, span)
            }
            B::Add | B::Subtract | B::Multiply => self.arithmetic(op, left, right, span),
            B::Divide | B::DivideInt | B::Remainder => self.division(op, left, right, span),
        }
    }

    /// Whether a list has an item, or a text another.
    fn json_contains(&mut self, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let right = self.present(right)?;
        if right.is_number() {
            let number = self.float("`contains`", right)?;
            return Ok(self.strict(Scalar::JsonContainsNumber, vec![left.id, number], span));
        }
        let text = self.text("`contains`", right)?;
        Ok(self.strict(Scalar::JsonContainsText, vec![left.id, text], span))
    }

    fn logical(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let name = quoted(op.spelling());
        let (a, b) = (
            self.condition_operand(&name, left)?,
            self.condition_operand(&name, right)?,
        );
        let nullable = self.tree.nodes[a].ty.nullable || self.tree.nodes[b].ty.nullable;
        let kind = if op == BinaryOp::And {
            NodeKind::And(a, b)
        } else {
            NodeKind::Or(a, b)
        };
        Ok(self.typed(
            kind,
            LogicalType {
                nullable,
                ..LogicalType::BOOL
            },
            span,
        ))
    }

    /// `x == null` and `x != null`.
    fn presence(&mut self, is_present: bool, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let value = if left.ty.is_some() { left } else { right };
        if value.ty.is_none() {
            let diagnostic = Diagnostic::new("`null` is compared with itself", span, "always the same");
            return Err(Box::new(diagnostic));
        }
        let is_null = self.typed(NodeKind::IsNull(value.id), LogicalType::BOOL, span);
        Ok(if is_present {
            self.strict(Scalar::Not, vec![is_null.id], span)
        } else {
            is_null
        })
    }

    fn compare(&mut self, comparison: Comparison, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let name = quoted(comparison.spelling());
        let (left, right) = (self.present(left)?, self.present(right)?);
        let (a, b, kind) = self.alike(&name, left, right)?;
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if kind == LogicalKind::Bool && is_order {
            return Err(self.wrong(&name, "numbers or texts", left));
        }
        Ok(self.strict(Scalar::Compare(comparison, kind.words()), vec![a, b], span))
    }

    /// Two values as ones of the same kind: an int beside a float becomes one.
    pub(super) fn alike(
        &mut self,
        what: &str,
        left: Typed,
        right: Typed,
    ) -> Check<(NodeId, NodeId, LogicalKind)> {
        let (a, b) = (self.present(left)?.kind(), self.present(right)?.kind());
        match (a, b) {
            _ if a == b => Ok((left.id, right.id, a)),
            (LogicalKind::Int, LogicalKind::Float) => {
                Ok((self.as_float(left.id), right.id, LogicalKind::Float))
            }
            (LogicalKind::Float, LogicalKind::Int) => {
                Ok((left.id, self.as_float(right.id), LogicalKind::Float))
            }
            _ => {
                let (l, r) = (name_of(left), name_of(right));
                let message = format!("{what} of {l} and {r}");
                let label = format!("this is {r}, what is before it {l}");
                let diagnostic = Diagnostic::new(message, right.span, label);
                Err(Box::new(match (a, b) {
                    (LogicalKind::Text, LogicalKind::Int | LogicalKind::Float)
                    | (LogicalKind::Int | LogicalKind::Float, LogicalKind::Text) => {
                        let is_int = a == LogicalKind::Int || b == LogicalKind::Int;
                        let to = if is_int { "int" } else { "float" };
                        diagnostic.with_help(format!(
                            "`{to}(...)` makes a number of text, `text(...)` text of a number"
                        ))
                    }
                    (LogicalKind::Json, _) | (_, LogicalKind::Json) => diagnostic.with_help(JSON_HELP),
                    _ => match self.temporal_help(left, right) {
                        Some(help) => diagnostic.with_help(help),
                        None => diagnostic,
                    },
                }))
            }
        }
    }

    /// Whether it is a constant text that spells a time.
    pub(super) fn spells_time(&self, typed: Typed) -> bool {
        matches!(&self.tree.nodes[typed.id].kind, NodeKind::Text(text) if parse_time(text).is_some())
    }

    pub(super) fn one_of(&mut self, value: &Expr, list: &[Expr], span: Span) -> Check<Typed> {
        let literals = list.iter().map(literal_kind);
        let value = self.expecting(value, literals.flatten().next())?;
        let value = self.present(value)?;
        let mut found: Option<Typed> = None;
        for item in list {
            let typed = self.expr(item).map_err(|wrong| perhaps_a_text(wrong, item))?;
            if typed.ty.is_none() {
                let diagnostic = Diagnostic::new("a list cannot hold `null`", item.span, "equals nothing");
                return Err(Box::new(
                    diagnostic.with_help("test for it with `... == null or ...`"),
                ));
            }
            let equal = self.compare(Comparison::Equal, value, typed, span)?;
            found = Some(match found {
                Some(before) => self.logical(BinaryOp::Or, before, equal, span)?,
                None => equal,
            });
        }
        found.ok_or_else(|| Box::new(Diagnostic::new("an empty list holds nothing", span, "never true")))
    }

    pub(super) fn coalesce_two(&mut self, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let Some(ty) = left.ty else { return Ok(right) };
        if right.ty.is_none() {
            return Ok(left);
        }
        let (a, b, kind) = self.alike("`??`", left, right)?;
        if !ty.nullable {
            return Ok(Typed {
                id: a,
                ty: Some(LogicalType::new(kind)),
                span,
            });
        }
        let nullable = self.tree.nodes[b].ty.nullable;
        Ok(self.typed(NodeKind::Coalesce(a, b), LogicalType { kind, nullable }, span))
    }

    /// `if(c, a, b)`: either side may be `null`.
    pub(super) fn choice(&mut self, condition: NodeId, a: Typed, b: Typed, span: Span) -> Check<Typed> {
        let (a, b) = match (a.ty, b.ty) {
            (None, None) => return Err(Self::untyped_null(b.span)),
            (Some(ty), None) => (a, self.null_of(b, ty)),
            (None, Some(ty)) => (self.null_of(a, ty), b),
            (Some(_), Some(_)) => (a, b),
        };
        let (mut x, mut y, kind) = self.alike("`if`", a, b)?;
        let nullable = self.tree.nodes[x].ty.nullable || self.tree.nodes[y].ty.nullable;
        let ty = LogicalType { kind, nullable };
        if nullable {
            (x, y) = (self.nullable(x), self.nullable(y));
        }
        Ok(self.typed(NodeKind::If(condition, x, y), ty, span))
    }

    fn null_of(&mut self, null: Typed, ty: LogicalType) -> Typed {
        self.typed(NodeKind::Null, ty.or_null(), null.span)
    }

    pub(super) fn nullable(&mut self, id: NodeId) -> NodeId {
        let ty = self.tree.nodes[id].ty;
        if ty.nullable {
            id
        } else {
            self.tree.add(NodeKind::Some(id), ty.or_null())
        }
    }

    fn arithmetic(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let (left, right) = (self.present(left)?, self.present(right)?);
        let name = quoted(op.spelling());
        if op == BinaryOp::Add && left.kind() == LogicalKind::Text && right.kind() == LogicalKind::Text {
            return Ok(self.strict(Scalar::Concat, vec![left.id, right.id], span));
        }
        for operand in [left, right] {
            if !operand.is_number() {
                let is_concat = op == BinaryOp::Add
                    && (left.kind() == LogicalKind::Text || right.kind() == LogicalKind::Text);
                if is_concat {
                    self.alike(&name, left, right)?;
                }
                return Err(self.wrong(&name, "numbers", operand));
            }
        }
        let (a, b, kind) = self.alike(&name, left, right)?;
        let scalar = match op {
            BinaryOp::Add => Scalar::Add(kind.words()),
            BinaryOp::Subtract => Scalar::Subtract(kind.words()),
            _ => Scalar::Multiply(kind.words()),
        };
        Ok(self.strict(scalar, vec![a, b], span))
    }

    fn division(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
        let name = quoted(op.spelling());
        let absence = self.divisor(&name, right)?;
        if op == BinaryOp::Divide {
            let operands = vec![self.float(&name, left)?, self.float(&name, right)?];
            return Ok(self.strict(Scalar::Divide(absence), operands, span));
        }
        let operands = vec![self.int(&name, left)?, self.int(&name, right)?];
        let scalar = if op == BinaryOp::DivideInt {
            Scalar::DivideInt
        } else {
            Scalar::Remainder
        };
        Ok(self.strict(scalar(absence), operands, span))
    }

    /// Whether a quotient may be absent: not where the divisor is a constant.
    pub(super) fn divisor(&self, what: &str, divisor: Typed) -> Check<Absence> {
        match self.tree.nodes[divisor.id].kind {
            NodeKind::Int(0) | NodeKind::Float(0.0) => {
                let message = format!("{what} by zero");
                Err(Box::new(Diagnostic::new(
                    message,
                    divisor.span,
                    "the result is always null",
                )))
            }
            NodeKind::Int(_) => Ok(Absence::Never),
            NodeKind::Float(_) => Ok(Absence::Never),
            _ => Ok(Absence::Checked),
        }
    }
}

/// What is expected of both sides of an operator.
pub(super) fn expectations(
    op: BinaryOp,
    left: &Expr,
    right: &Expr,
) -> (Option<LogicalKind>, Option<LogicalKind>) {
    use BinaryOp as B;
    let literal = literal_kind;
    match op {
        B::DivideInt | B::Remainder => {
            let number = Some(LogicalKind::Int);
            let of = |other| {
                literal(other)
                    .filter(|&kind| kind != LogicalKind::Float)
                    .or(number)
            };
            (of(right), of(left))
        }
        B::And | B::Or => (Some(LogicalKind::Bool), Some(LogicalKind::Bool)),
        B::StartsWith | B::EndsWith | B::Matches => (Some(LogicalKind::Text), Some(LogicalKind::Text)),
        B::Contains => (None, Some(LogicalKind::Text)),
        B::Subtract | B::Multiply | B::Divide => {
            let number = Some(LogicalKind::Float);
            (literal(right).or(number), literal(left).or(number))
        }
        _ => (literal(right), literal(left)),
    }
}

/// Of which kind a constant mostly is, and what is compared with it.
pub(super) fn literal_kind(expr: &Expr) -> Option<LogicalKind> {
    let ExprKind::Literal(literal) = &expr.kind else {
        return None;
    };
    match literal {
        Literal::Int(_) | Literal::Float(_) | Literal::ByteSize(_) => Some(LogicalKind::Float),
        Literal::Text(_) | Literal::Pattern(_) => Some(LogicalKind::Text),
        Literal::Bool(_) => Some(LogicalKind::Bool),
        Literal::Time(_) => Some(LogicalKind::Time),
        Literal::Duration(_) => Some(LogicalKind::Duration),
        Literal::Null => None,
    }
}
