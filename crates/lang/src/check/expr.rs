//! Expressions: names to columns, and the type of everything.

use cutthrough_expr::{Absence, Comparison, LogicalKind, LogicalType, NodeId, NodeKind, Scalar, Tree};
use cutthrough_formats::json::Path;
use cutthrough_formats::time::parse_time;

use super::Check;
use super::aggregate::{Aggregates, Share, is_aggregate};
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
    pub(super) fn value(mut self, expr: &Expr) -> Check<Tree> {
        let typed = self.expr(expr)?;
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
            ExprKind::Literal(literal) => Ok(self.literal(literal, expr.span)),
            ExprKind::Name(name) => self.name(name, expected),
            ExprKind::Path { root, steps } => self.path(root, steps, expected, expr.span),
            ExprKind::Unary { op, operand } => {
                let operand = self.expr(operand)?;
                self.unary(*op, operand, expr.span)
            }
            ExprKind::Binary { op, left, right } => {
                let (of_left, of_right) = expectations(*op, left, right);
                let left = self.expecting(left, of_left)?;
                let right = self.expecting(right, of_right)?;
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
            Literal::Text(bytes) => (NodeKind::Text(bytes.clone()), LogicalType::TEXT),
            Literal::Null => {
                let id = self.tree.add(NodeKind::Null, LogicalType::INT.or_null());
                return Typed { id, ty: None, span };
            }
        };
        self.typed(kind, ty, span)
    }

    fn name(&mut self, name: &Name, expected: Option<LogicalKind>) -> Check<Typed> {
        if let Some(column) = self.schema.find(&name.text) {
            let (id, ty) = (column.id, column.ty);
            return Ok(self.typed(NodeKind::Column(id), ty, name.span));
        }
        if let Some(record) = self.schema.open_for(&name.text) {
            let path = Path::key(&name.text);
            let (id, ty) = self.columns.open(record, &path, expected, name.span)?;
            return Ok(self.typed(NodeKind::Column(id), ty, name.span));
        }
        self.check_not_input(&name.text, &name.text, name.span)?;
        Err(self.schema.column(name).expect_err("it was not found"))
    }

    /// A column of a group that is no key cannot be named beside aggregates.
    fn check_not_input(&self, root: &str, text: &str, span: Span) -> Check<()> {
        let is_input = self.aggregates.as_ref().is_some_and(|aggregates| {
            let input = &aggregates.input;
            input.find(root).is_some() || input.open_for(root).is_some()
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
            let (id, ty) = (column.id, column.ty);
            return Ok(self.typed(NodeKind::Column(id), ty, span));
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

    fn unary(&mut self, op: UnaryOp, operand: Typed, span: Span) -> Check<Typed> {
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

    fn binary(&mut self, op: BinaryOp, left: Typed, right: Typed, span: Span) -> Check<Typed> {
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

    fn one_of(&mut self, value: &Expr, list: &[Expr], span: Span) -> Check<Typed> {
        let value = self.expr(value)?;
        let value = self.present(value)?;
        let mut found: Option<Typed> = None;
        for item in list {
            let typed = self.expr(item)?;
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

    fn nullable(&mut self, id: NodeId) -> NodeId {
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
            NodeKind::Int(0) => {
                let message = format!("{what} by zero");
                Err(Box::new(Diagnostic::new(
                    message,
                    divisor.span,
                    "the result is always null",
                )))
            }
            NodeKind::Int(_) => Ok(Absence::Never),
            NodeKind::Float(value) if value != 0.0 => Ok(Absence::Never),
            _ => Ok(Absence::Checked),
        }
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
        for argument in arguments {
            typed.push(self.expr(argument)?);
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

    fn untyped_null(span: Span) -> Box<Diagnostic> {
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

/// How to get a value out of JSON.
const JSON_HELP: &str = "of a value of JSON, `int(...)`, `float(...)` and `text(...)` take what it is; a field that is always of one type has that with `columns=\"name:type\"`";

/// What is expected of both sides of an operator.
fn expectations(op: BinaryOp, left: &Expr, right: &Expr) -> (Option<LogicalKind>, Option<LogicalKind>) {
    use BinaryOp as B;
    let literal = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Int(_) | Literal::Float(_) | Literal::ByteSize(_) => Some(LogicalKind::Float),
            Literal::Text(_) => Some(LogicalKind::Text),
            Literal::Bool(_) => Some(LogicalKind::Bool),
            Literal::Time(_) => Some(LogicalKind::Time),
            Literal::Duration(_) => Some(LogicalKind::Duration),
            Literal::Null => None,
        },
        _ => None,
    };
    match op {
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

pub(super) fn name_of(typed: Typed) -> &'static str {
    typed.ty.map_or("null", LogicalType::name)
}
