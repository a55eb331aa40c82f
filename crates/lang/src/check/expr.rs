//! Expressions: names to columns, and the type of everything.

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, NodeId, NodeKind, Scalar, Tree};
use cutthrough_formats::json::Path;

use super::Check;
use super::aggregate::{Aggregates, Share, is_aggregate};
use super::operators::expectations;
use super::types::{Columns, Schema};
use crate::ast::{BinaryOp, Expr, ExprKind, Literal, Name, Step, UnaryOp};
use crate::diagnostic::{Diagnostic, quoted};
use crate::pattern::compile_pattern;
use crate::span::Span;

/// A checked expression; the literal `null` has no type until something gives it one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    pub(super) id: NodeId,
    pub(super) ty: Option<LogicalType>,
    pub(super) span: Span,
}

/// Checks one expression into a tree.
pub(super) struct Expressions<'c> {
    pub(super) schema: &'c Schema,
    pub(super) columns: &'c mut Columns,
    /// Where aggregates may stand: in `summarize`, outside of another aggregate.
    pub(super) aggregates: Option<&'c mut Aggregates>,
    /// Where `share` may stand: where a stage can wait for all elements.
    pub(super) shares: Option<&'c mut Vec<Share>>,
    pub(super) tree: Tree,
    /// What `now()` gives.
    pub(super) now: i64,
}

impl<'c> Expressions<'c> {
    pub(super) fn new(schema: &'c Schema, columns: &'c mut Columns, now: i64) -> Expressions<'c> {
        Expressions {
            schema,
            columns,
            aggregates: None,
            shares: None,
            tree: Tree::default(),
            now,
        }
    }

    /// Checks a whole expression, which must have a type.
    pub(super) fn value(self, expr: &Expr) -> Check<Tree> {
        self.value_expecting(expr, None)
    }

    /// The same, where a kind is expected.
    pub(super) fn value_expecting(mut self, expr: &Expr, expected: Option<LogicalKind>) -> Check<Tree> {
        let typed = self.expecting(expr, expected)?;
        self.present(typed)?;
        // What follows the root is not needed: `x ?? null` is `x`.
        self.tree.nodes.truncate(typed.id + 1);
        Ok(self.tree)
    }

    /// Checks a whole expression that must be a condition.
    pub(super) fn condition(mut self, expr: &Expr, verb: &str) -> Check<Tree> {
        let typed = self.expecting(expr, Some(LogicalKind::Bool))?;
        if typed.ty.is_none_or(|ty| ty.kind != LogicalKind::Bool) {
            let message = format!("{verb} needs a condition: something that is true or false");
            let diagnostic = Diagnostic::new(message, expr.span, format!("this is {}", name_of(typed)));
            return Err(Box::new(match typed.ty.map(|ty| ty.kind) {
                Some(LogicalKind::Int | LogicalKind::Float) => {
                    diagnostic.with_help("compare it, as in `... != 0`")
                }
                Some(_) => diagnostic.with_help("compare it, as in `... != \"\"` or `... != null`"),
                None => diagnostic,
            }));
        }
        self.tree.nodes.truncate(typed.id + 1);
        Ok(self.tree)
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Check<Typed> {
        self.expecting(expr, None)
    }

    /// The same, where a kind is expected: that of a field of which nothing else is known.
    pub(super) fn expecting(&mut self, expr: &Expr, expected: Option<LogicalKind>) -> Check<Typed> {
        match &expr.kind {
            ExprKind::Literal(Literal::Pattern(_)) => Err(misplaced_pattern(expr.span)),
            ExprKind::Literal(literal) => Ok(self.literal(literal, expr.span)),
            ExprKind::Name(name) => self.name(name, expected),
            ExprKind::Path { root, steps } => self.path(root, steps, expected, expr.span),
            ExprKind::Unary { op, operand } => {
                let kind = match op {
                    UnaryOp::Not => LogicalKind::Bool,
                    UnaryOp::Negate => LogicalKind::Float,
                };
                let operand = self.expecting(operand, Some(kind))?;
                self.unary(*op, operand, expr.span)
            }
            ExprKind::Binary { op, left, right } => {
                let (of_left, of_right) = expectations(*op, left, right);
                let left = self.expecting(left, of_left)?;
                let right = match (op, &right.kind) {
                    (BinaryOp::Matches, ExprKind::Literal(pattern)) => self.literal(pattern, right.span),
                    _ => self
                        .expecting(right, of_right)
                        .map_err(|wrong| perhaps_a_text(wrong, right))?,
                };
                let (left, right) = self.unify(left, right);
                self.binary(*op, left, right, expr.span)
            }
            ExprKind::In { value, list } => self.one_of(value, list, expr.span),
            ExprKind::Call { function, arguments } => self.call(function, arguments, expr.span),
        }
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Typed {
        let (kind, ty) = match literal {
            Literal::Int(value) | Literal::ByteSize(value) => (NodeKind::Int(*value), LogicalType::INT),
            Literal::Time(value) => (NodeKind::Int(*value), LogicalType::TIME),
            Literal::Duration(value) => (NodeKind::Int(*value), LogicalType::DURATION),
            Literal::Float(value) => (NodeKind::Float(*value), LogicalType::FLOAT),
            Literal::Bool(value) => (NodeKind::Bool(*value), LogicalType::BOOL),
            Literal::Text(bytes) | Literal::Pattern(bytes) => {
                (NodeKind::Text(bytes.clone()), LogicalType::TEXT)
            }
            Literal::Null => {
                let id = self.tree.add(NodeKind::Null, LogicalType::INT.or_null());
                return Typed { id, ty: None, span };
            }
        };
        self.typed(kind, ty, span)
    }

    fn name(&mut self, name: &Name, expected: Option<LogicalKind>) -> Check<Typed> {
        if let Some(column) = self.schema.named(&name.text) {
            return Ok(self.column(column.id, column.ty, expected, name.span));
        }
        if let Some(record) = self.schema.open_for(&name.text) {
            let path = Path::key(&name.text);
            let (id, ty) = self.columns.open(record, &path, expected, name.span)?;
            return Ok(self.typed(NodeKind::Column(id), ty, name.span));
        }
        self.check_not_input(&name.text, &name.text, name.span)?;
        let unknown = self.schema.column(name).expect_err("it was not found");
        if self.aggregates.is_some() && is_aggregate(&name.text) {
            let help = format!("the aggregate is called with parentheses: `{}(...)`", name.text);
            return Err(Box::new(unknown.with_help(help)));
        }
        Err(unknown)
    }

    /// A column, which is of the kind that is expected if nothing else is known of it.
    fn column(&mut self, id: ColumnId, ty: LogicalType, expected: Option<LogicalKind>, span: Span) -> Typed {
        let settled = expected.and_then(|kind| self.columns.expect(id, kind));
        self.typed(NodeKind::Column(id), settled.unwrap_or(ty), span)
    }

    /// Two values that go together: a column of which nothing is known is as the other one.
    fn unify(&mut self, left: Typed, right: Typed) -> (Typed, Typed) {
        let (of_left, of_right) = (left.ty, right.ty);
        (self.settle(left, of_right), self.settle(right, of_left))
    }

    fn settle(&mut self, typed: Typed, other: Option<LogicalType>) -> Typed {
        let (Some(other), &NodeKind::Column(id)) = (other, &self.tree.nodes[typed.id].kind) else {
            return typed;
        };
        if typed.ty.is_none_or(|ty| ty.kind == other.kind) {
            return typed;
        }
        match self.columns.expect(id, other.kind) {
            Some(ty) => self.typed(NodeKind::Column(id), ty, typed.span),
            None => typed,
        }
    }

    /// A column of a group that is no key cannot be named beside aggregates.
    fn check_not_input(&self, root: &str, text: &str, span: Span) -> Check<()> {
        let is_input = self.aggregates.as_ref().is_some_and(|aggregates| {
            let input = &aggregates.input;
            input.named(root).is_some() || input.open_for(root).is_some()
        });
        if !is_input {
            return Ok(());
        }
        let message = format!("{} differs within a group", quoted(text));
        let diagnostic = Diagnostic::new(message, span, "neither aggregated nor a key");
        let help = format!("take it into an aggregate, as in `max({text})`, or group by it: `by {text}`");
        Err(Box::new(diagnostic.with_help(help)))
    }

    /// A value within a field: a column of that name, what lies within a column, or a field of a record.
    fn path(
        &mut self,
        root: &Name,
        steps: &[Step],
        expected: Option<LogicalKind>,
        span: Span,
    ) -> Check<Typed> {
        let path = Path(
            std::iter::once(Step::Key(root.text.clone()))
                .chain(steps.iter().cloned())
                .collect(),
        );
        let whole = path.to_string();
        if let Some(column) = self.schema.find(&whole) {
            return Ok(self.column(column.id, column.ty, expected, span));
        }
        let is_own = self.schema.open_for(&root.text).is_some_and(|_| {
            let own = self.schema.find(&root.text);
            own.is_none_or(|own| self.columns.is_field(own.id))
        });
        if let (true, Some(record)) = (is_own, self.schema.open_for(&root.text)) {
            let (id, ty) = self.columns.open(record, &path, expected, span)?;
            return Ok(self.typed(NodeKind::Column(id), ty, span));
        }
        if self.schema.find(&root.text).is_none() {
            self.check_not_input(&root.text, &whole, span)?;
        }
        let value = self.name(root, None)?;
        if value.kind() != LogicalKind::Json {
            let message = format!("{} has no fields", quoted(&root.text));
            let label = format!("{} is {}", quoted(&root.text), name_of(value));
            let diagnostic = Diagnostic::new(message, span, label);
            let help = format!("a column of such a name is written in backquotes: `` `{whole}` ``");
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let within = Path(steps.to_vec()).to_within();
        let within = self.typed(NodeKind::Text(within.into_bytes()), LogicalType::TEXT, span);
        Ok(self.strict(Scalar::JsonAt, vec![value.id, within.id], span))
    }

    fn call(&mut self, function: &Name, arguments: &[Expr], span: Span) -> Check<Typed> {
        let spare = arguments.len() >= 2 && matches!(function.text.as_str(), "min" | "max");
        if function.text == "share" {
            return self.share(function, arguments, span);
        }
        if is_aggregate(&function.text) && !spare {
            return self.aggregate(function, arguments, span);
        }
        let known = Self::known(function)?;
        let mut typed = Vec::with_capacity(arguments.len());
        let mut has_pattern = false;
        for (index, argument) in arguments.iter().enumerate() {
            typed.push(match &argument.kind {
                ExprKind::Literal(pattern @ Literal::Pattern(_)) if known.takes_pattern(index) => {
                    has_pattern = true;
                    self.literal(pattern, argument.span)
                }
                _ => self.expecting(argument, known.expects(index, arguments))?,
            });
        }
        if let ("replace", true, [text, pattern, to]) = (known.name, has_pattern, &typed[..]) {
            return self.replace_matches(*text, *pattern, *to, span);
        }
        self.function(known, function, &typed, span)
    }

    pub(super) fn typed(&mut self, kind: NodeKind, ty: LogicalType, span: Span) -> Typed {
        Typed {
            id: self.tree.add(kind, ty),
            ty: Some(ty),
            span,
        }
    }

    /// Applies a function that is null where an operand is.
    pub(super) fn strict(&mut self, scalar: Scalar, operands: Vec<NodeId>, span: Span) -> Typed {
        let result = scalar.result();
        let nullable = result.nullable
            || operands
                .iter()
                .any(|&operand| self.tree.nodes[operand].ty.nullable);
        self.typed(
            NodeKind::Strict(scalar, operands),
            LogicalType { nullable, ..result },
            span,
        )
    }

    /// The same, of a result that is the words of another kind: a duration, say, that was computed as an int.
    pub(super) fn strict_as(
        &mut self,
        kind: LogicalKind,
        scalar: Scalar,
        operands: Vec<NodeId>,
        span: Span,
    ) -> Typed {
        let typed = self.strict(scalar, operands, span);
        let node = &mut self.tree.nodes[typed.id];
        debug_assert_eq!(node.ty.kind.words(), kind.words());
        node.ty.kind = kind;
        Typed {
            ty: Some(node.ty),
            ..typed
        }
    }

    pub(super) fn as_float(&mut self, id: NodeId) -> NodeId {
        // A node of its own: others may use the one that is there as what it is.
        if let NodeKind::Int(value) = self.tree.nodes[id].kind {
            return self.tree.add(NodeKind::Float(value as f64), LogicalType::FLOAT);
        }
        self.strict(Scalar::FloatOfInt, vec![id], Span::default()).id
    }

    /// The operand as a float, of a number.
    pub(super) fn float(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            LogicalKind::Float => Ok(operand.id),
            LogicalKind::Int => Ok(self.as_float(operand.id)),
            _ => Err(self.wrong(what, "numbers", operand)),
        }
    }

    pub(super) fn int(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            LogicalKind::Int => Ok(operand.id),
            _ => Err(self.wrong(what, "whole numbers (int)", operand)),
        }
    }

    pub(super) fn text(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            LogicalKind::Text => Ok(operand.id),
            _ => Err(self.wrong(what, "text", operand)),
        }
    }

    /// A regular expression: a constant, so that what is wrong with it is known now.
    pub(super) fn pattern(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        let id = self.text(what, operand)?;
        let NodeKind::Text(pattern) = &self.tree.nodes[id].kind else {
            let message = format!("{what} takes a constant for the pattern");
            let diagnostic = Diagnostic::new(message, operand.span, "not a constant");
            return Err(Box::new(
                diagnostic.with_help("for other texts, there is `contains`"),
            ));
        };
        match compile_pattern(pattern) {
            Ok(_) => Ok(id),
            Err(why) => {
                let diagnostic = Diagnostic::new("this pattern cannot be read", operand.span, why);
                Err(Box::new(diagnostic))
            }
        }
    }

    pub(super) fn condition_operand(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        match self.present(operand)?.kind() {
            LogicalKind::Bool => Ok(operand.id),
            _ => Err(self.wrong(what, "a condition", operand)),
        }
    }

    /// The same, where it is not the literal `null`.
    pub(super) fn present(&self, typed: Typed) -> Check<Typed> {
        if typed.ty.is_none() {
            Err(Self::untyped_null(typed.span))
        } else {
            Ok(typed)
        }
    }

    pub(super) fn untyped_null(span: Span) -> Box<Diagnostic> {
        let diagnostic = Diagnostic::new("`null` has no type here", span, "of which type?");
        let help = "`null` can be compared with `==` and `!=`, and be one side of `if(...)`";
        Box::new(diagnostic.with_help(help))
    }

    /// The message for an operand of a wrong type.
    pub(super) fn wrong(&self, what: &str, takes: &str, operand: Typed) -> Box<Diagnostic> {
        let message = format!("{what} takes {takes}");
        let diagnostic = Diagnostic::new(message, operand.span, format!("this is {}", name_of(operand)));
        let is_text = operand.ty.is_some_and(|ty| ty.kind == LogicalKind::Text);
        if operand.ty.is_some_and(|ty| ty.kind == LogicalKind::Json) {
            return Box::new(diagnostic.with_help(JSON_HELP));
        }
        Box::new(match takes {
            "text" if !is_text => diagnostic.with_help("`text(...)` makes text of it"),
            "numbers" | "a number" if is_text => {
                diagnostic.with_help("`int(...)` or `float(...)` makes a number of it")
            }
            "whole numbers (int)" => diagnostic.with_help("`int(...)` makes one of it"),
            "a condition" => diagnostic.with_help("compare it with something, as in `... == 1`"),
            _ => diagnostic,
        })
    }
}

impl Typed {
    /// The kind, where it is known not to be the literal `null`.
    pub(super) fn kind(self) -> LogicalKind {
        self.ty.expect("INVARIANT: seen to be typed").kind
    }

    /// Whether it is a time or a duration.
    pub(super) fn is_temporal(self) -> bool {
        let kind = self.ty.map(|ty| ty.kind);
        matches!(kind, Some(LogicalKind::Time | LogicalKind::Duration))
    }

    pub(super) fn is_number(self) -> bool {
        self.ty
            .is_some_and(|ty| matches!(ty.kind, LogicalKind::Int | LogicalKind::Float))
    }
}

/// What to say besides where a name is compared with that is none of a column.
pub(super) fn perhaps_a_text(wrong: Box<Diagnostic>, operand: &Expr) -> Box<Diagnostic> {
    match &operand.kind {
        ExprKind::Name(name) if wrong.notes.is_empty() && wrong.span == name.span => {
            Box::new(wrong.with_note(format!("a text stands in quotes: \"{}\"", name.text)))
        }
        _ => wrong,
    }
}

fn misplaced_pattern(span: Span) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::new("a pattern is no value", span, "cannot stand here");
    let help =
        "it goes behind `matches`, and into `extract`, `extract_all` and `replace`; a text stands in quotes";
    Box::new(diagnostic.with_help(help))
}

/// How to get a value out of JSON.
pub(super) const JSON_HELP: &str = "of a value of JSON, `int(...)`, `float(...)` and `text(...)` take what it is; a field that is always of one type has that with `columns=\"name:type\"`";

pub(super) fn name_of(typed: Typed) -> &'static str {
    typed.ty.map_or("null", LogicalType::name)
}
