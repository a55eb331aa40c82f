//! Expressions, by precedence climbing.
//!
//! Each nesting (parentheses, call, list, prefix operator) counts towards [`limits::EXPRESSION_DEPTH_MAX`], each
//! operand towards [`limits::EXPRESSION_OPERANDS_MAX`]; so neither this recursion nor one over its result goes deep.

use super::{Parse, Parser};
use crate::ast::{BinaryOp, Expr, ExprKind, Literal, Name, Step, UnaryOp};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;
use crate::limits;
use crate::span::Span;

// How tightly operators bind, the loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const COALESCE: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const SIGN: u8 = 8;

#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    In,
    /// `not` before `in` or a text operator.
    Not,
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Parse<Expr> {
        self.depth = 0;
        self.operands = 0;
        self.binary(OR)
    }

    /// An expression of operators that bind at least as tightly as `loosest`.
    fn binary(&mut self, loosest: u8) -> Parse<Expr> {
        let mut left = self.prefix(loosest)?;
        loop {
            if self.at(&TokenKind::Assign) {
                return Err(self
                    .error_here("a single `=` does not compare", "use `==` to compare")
                    .with_help("`=` names a result, as in `set a = b` or `n = count()`"));
            }
            let Some((infix, level)) = self.infix() else {
                return Ok(left);
            };
            if level < loosest {
                return Ok(left);
            }
            left = self.infix_rest(left, infix, level)?;
            if level == COMPARISON
                && let Some((_, COMPARISON)) = self.infix()
            {
                return Err(self
                    .error_here("comparisons do not chain", "a second comparison")
                    .with_help("join them with `and`, as in `a < b and b < c`, or use parentheses"));
            }
        }
    }

    /// The infix operator at hand, and how tightly it binds.
    fn infix(&self) -> Option<(Infix, u8)> {
        let (op, level) = match self.current.kind {
            TokenKind::Equal => (BinaryOp::Equal, COMPARISON),
            TokenKind::NotEqual => (BinaryOp::NotEqual, COMPARISON),
            TokenKind::Less => (BinaryOp::Less, COMPARISON),
            TokenKind::LessEqual => (BinaryOp::LessEqual, COMPARISON),
            TokenKind::Greater => (BinaryOp::Greater, COMPARISON),
            TokenKind::GreaterEqual => (BinaryOp::GreaterEqual, COMPARISON),
            TokenKind::Coalesce => (BinaryOp::Coalesce, COALESCE),
            TokenKind::Plus => (BinaryOp::Add, SUM),
            TokenKind::Minus => (BinaryOp::Subtract, SUM),
            TokenKind::Star => (BinaryOp::Multiply, PRODUCT),
            TokenKind::Slash => (BinaryOp::Divide, PRODUCT),
            TokenKind::SlashSlash => (BinaryOp::DivideInt, PRODUCT),
            TokenKind::Percent => (BinaryOp::Remainder, PRODUCT),
            TokenKind::Name => match self.text(self.current.span) {
                "or" => (BinaryOp::Or, OR),
                "and" => (BinaryOp::And, AND),
                "in" => return Some((Infix::In, COMPARISON)),
                "not" => return Some((Infix::Not, COMPARISON)),
                "contains" => (BinaryOp::Contains, COMPARISON),
                "startswith" => (BinaryOp::StartsWith, COMPARISON),
                "endswith" => (BinaryOp::EndsWith, COMPARISON),
                "matches" => (BinaryOp::Matches, COMPARISON),
                _ => return None,
            },
            _ => return None,
        };
        Some((Infix::Binary(op), level))
    }

    /// Takes the operator at hand and its right side.
    fn infix_rest(&mut self, left: Expr, infix: Infix, level: u8) -> Parse<Expr> {
        self.bump()?;
        self.skip_newlines()?;
        match infix {
            Infix::In => self.in_list(left),
            Infix::Binary(op) => {
                let right = self.binary(level + 1)?;
                let span = left.span.to(right.span);
                Ok(Expr {
                    kind: ExprKind::Binary {
                        op,
                        left: Box::new(left),
                        right: Box::new(right),
                    },
                    span,
                })
            }
            Infix::Not => {
                use BinaryOp::{Contains, EndsWith, Matches, StartsWith};
                let Some((
                    infix @ (Infix::In | Infix::Binary(Contains | StartsWith | EndsWith | Matches)),
                    _,
                )) = self.infix()
                else {
                    return Err(self.unexpected("`in`, `contains`, `startswith`, `endswith` or `matches`"));
                };
                let operand = self.infix_rest(left, infix, level)?;
                let span = operand.span;
                Ok(Expr {
                    kind: ExprKind::Unary {
                        op: UnaryOp::Not,
                        operand: Box::new(operand),
                    },
                    span,
                })
            }
        }
    }

    fn in_list(&mut self, value: Expr) -> Parse<Expr> {
        let open = self.current.span;
        if !self.at(&TokenKind::OpenParen) {
            return Err(self
                .unexpected("`(`")
                .with_help("a list is written in parentheses: `in (1, 2)`"));
        }
        self.bump()?;
        if self.at(&TokenKind::CloseParen) {
            return Err(self.error_here("the list after `in` is empty", "nothing would ever be in it"));
        }
        let list = self.arguments(open)?;
        let span = self.span_from(value.span);
        Ok(Expr {
            kind: ExprKind::In {
                value: Box::new(value),
                list,
            },
            span,
        })
    }

    /// Expressions with commas between (and perhaps one after), up to the `)` that matches `open`.
    fn arguments(&mut self, open: Span) -> Parse<Vec<Expr>> {
        let mut arguments = Vec::new();
        self.nested(|parser| {
            while !parser.at(&TokenKind::CloseParen) {
                arguments.push(parser.binary(OR)?);
                if !parser.at(&TokenKind::Comma) {
                    break;
                }
                parser.bump()?;
            }
            parser.close_paren(open, "`,` or `)`")
        })?;
        Ok(arguments)
    }

    /// An operand with the prefix operators before it.
    fn prefix(&mut self, loosest: u8) -> Parse<Expr> {
        let start = self.current.span;
        if self.at_word("not") {
            if loosest > NOT {
                return Err(self
                    .error_here(
                        "`not` binds less tightly than the operator before it",
                        "needs parentheses",
                    )
                    .with_help("write `(not ...)`"));
            }
            self.bump()?;
            return self.nested(|parser| parser.unary(UnaryOp::Not, NOT, start));
        }
        if !self.at(&TokenKind::Minus) {
            return self.operand();
        }
        self.bump()?;
        match self.current.kind {
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Duration(_) | TokenKind::ByteSize(_) => {
                self.count_operand()?;
                let literal = self.number(true)?;
                Ok(Expr {
                    kind: ExprKind::Literal(literal),
                    span: self.span_from(start),
                })
            }
            _ => self.nested(|parser| parser.unary(UnaryOp::Negate, SIGN, start)),
        }
    }

    fn unary(&mut self, op: UnaryOp, loosest: u8, start: Span) -> Parse<Expr> {
        self.skip_newlines()?;
        let operand = self.binary(loosest)?;
        let span = start.to(operand.span);
        Ok(Expr {
            kind: ExprKind::Unary {
                op,
                operand: Box::new(operand),
            },
            span,
        })
    }

    fn operand(&mut self) -> Parse<Expr> {
        let start = self.current.span;
        self.count_operand()?;
        let kind = match &self.current.kind {
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Duration(_) | TokenKind::ByteSize(_) => {
                ExprKind::Literal(self.number(false)?)
            }
            TokenKind::Time(time) => {
                let literal = Literal::Time(*time);
                self.bump()?;
                ExprKind::Literal(literal)
            }
            TokenKind::Text(_) | TokenKind::Pattern(_) => match self.bump()?.kind {
                TokenKind::Text(bytes) => ExprKind::Literal(Literal::Text(bytes)),
                TokenKind::Pattern(bytes) => ExprKind::Literal(Literal::Pattern(bytes)),
                _ => unreachable!("just seen"),
            },
            TokenKind::OpenParen => {
                let inner = self.parenthesised()?;
                return Ok(Expr {
                    kind: inner.kind,
                    span: self.span_from(start),
                });
            }
            TokenKind::Name | TokenKind::QuotedName => self.name_or_call()?,
            _ => return Err(self.unexpected("an expression")),
        };
        Ok(Expr {
            kind,
            span: self.span_from(start),
        })
    }

    fn parenthesised(&mut self) -> Parse<Expr> {
        // The operand is what is within.
        self.operands -= 1;
        let open = self.bump()?.span;
        self.nested(|parser| {
            let inner = parser.binary(OR)?;
            if parser.at(&TokenKind::Comma) {
                let diagnostic = parser.error_here("a list can only follow `in`", "one expression ends here");
                return Err(diagnostic);
            }
            parser.close_paren(open, "an operator or `)`")?;
            Ok(inner)
        })
    }

    fn name_or_call(&mut self) -> Parse<ExprKind> {
        let constant = [
            ("true", Literal::Bool(true)),
            ("false", Literal::Bool(false)),
            ("null", Literal::Null),
        ]
        .into_iter()
        .find(|(word, _)| self.at_word(word));
        if let Some((_, literal)) = constant {
            self.bump()?;
            return Ok(ExprKind::Literal(literal));
        }
        let is_plain = self.at(&TokenKind::Name);
        let name: Name = self.name("an expression")?;
        if matches!(self.current.kind, TokenKind::Dot | TokenKind::OpenBracket) {
            return self.path(name);
        }
        if !is_plain || !self.at(&TokenKind::OpenParen) {
            return Ok(ExprKind::Name(name));
        }
        let open = self.bump()?.span;
        let arguments = self.arguments(open)?;
        Ok(ExprKind::Call {
            function: name,
            arguments,
        })
    }

    /// The keys and indices behind a name: `user.plan`, `items[0].sku`, `user["a b"]`.
    fn path(&mut self, root: Name) -> Parse<ExprKind> {
        let mut steps = Vec::new();
        loop {
            match self.current.kind {
                TokenKind::Dot => {
                    self.bump()?;
                    steps.push(self.key()?);
                }
                TokenKind::OpenBracket => {
                    self.bump()?;
                    steps.push(self.index()?);
                }
                _ => return Ok(ExprKind::Path { root, steps }),
            }
            if steps.len() > limits::PATH_STEPS_MAX {
                let message = format!("a path may have at most {} steps", limits::PATH_STEPS_MAX);
                return Err(Diagnostic::new(
                    message,
                    self.span_from(root.span),
                    "this has more",
                ));
            }
        }
    }

    /// The key behind a point: any word, or a name in backquotes.
    fn key(&mut self) -> Parse<Step> {
        if !self.at_name() {
            return Err(match self.current.kind {
                TokenKind::Int(_) | TokenKind::Float(_) => self
                    .error_here("a number is no key", "an index goes in brackets")
                    .with_help("as in `items[0]`"),
                _ => self.unexpected("a key"),
            });
        }
        let token = self.bump()?;
        Ok(Step::Key(self.name_text(&token).to_owned()))
    }

    /// What stands between brackets, the first of which has been taken.
    fn index(&mut self) -> Parse<Step> {
        let step = match &self.current.kind {
            TokenKind::Int(index) => Step::Index(usize::try_from(*index).unwrap_or(usize::MAX)),
            TokenKind::Text(key) => match String::from_utf8(key.clone()) {
                Ok(key) => Step::Key(key),
                Err(_) => return Err(self.error_here("a key is UTF-8", "this is not")),
            },
            TokenKind::Minus => {
                return Err(self
                    .unexpected("an index, as in `[0]`, or a key in quotes")
                    .with_help("items are counted from the first"));
            }
            _ => return Err(self.unexpected("an index, as in `[0]`, or a key in quotes")),
        };
        self.bump()?;
        if !self.at(&TokenKind::CloseBracket) {
            return Err(self.unexpected("`]`"));
        }
        self.bump()?;
        Ok(step)
    }

    /// The number at hand, with the minus before it.
    fn number(&mut self, negative: bool) -> Parse<Literal> {
        let signed = |value: u64| match value {
            _ if negative && value <= 1 << 63 => Some((value as i64).wrapping_neg()),
            _ => i64::try_from(value).ok(),
        };
        let literal = match self.current.kind {
            TokenKind::Float(value) => Some(Literal::Float(if negative { -value } else { value })),
            TokenKind::Int(value) => signed(value).map(Literal::Int),
            TokenKind::Duration(value) => signed(value).map(Literal::Duration),
            TokenKind::ByteSize(value) => signed(value).map(Literal::ByteSize),
            _ => unreachable!("the caller has seen a number"),
        };
        let Some(literal) = literal else {
            return Err(self
                .error_here("this number is too large", "does not fit 64 bits with a sign")
                .with_help("the largest is 9223372036854775807; with a point, `.0`, it is a float"));
        };
        self.bump()?;
        Ok(literal)
    }

    fn count_operand(&mut self) -> Parse<()> {
        if self.operands == limits::EXPRESSION_OPERANDS_MAX {
            let message = format!(
                "an expression may have at most {} operands",
                limits::EXPRESSION_OPERANDS_MAX
            );
            let help = "give parts of it a name with `set`, or read what it lists from a file";
            return Err(self.error_here(message, "one too many").with_help(help));
        }
        self.operands += 1;
        Ok(())
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == limits::EXPRESSION_DEPTH_MAX {
            let message = format!(
                "an expression may nest at most {} deep",
                limits::EXPRESSION_DEPTH_MAX
            );
            return Err(self
                .error_here(message, "one level too many")
                .with_help("give the inner part a name with `set` in a stage before"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
