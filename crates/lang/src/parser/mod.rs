//! Tokens to tree, by recursive descent with one token in hand and one to peek at.
//!
//! Here: programs, statements, pipelines, names, and what all messages share. [`stage`] has the verbs, [`expr`] the
//! expressions. INVARIANT: only `expr` recurses, and it counts its depth.

mod expr;
mod help;
mod stage;

use crate::ast::{Name, Pipeline, Program, StageKind, Statement};
use crate::diagnostic::{Diagnostic, line_and_column, quoted};
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits;
use crate::span::Span;
use crate::suggest;

pub use stage::VERBS;
use stage::{Verb, verb_named};

/// Words that are names only in backquotes.
pub const RESERVED: [&str; 16] = [
    "and",
    "as",
    "asc",
    "by",
    "contains",
    "desc",
    "else",
    "endswith",
    "false",
    "in",
    "matches",
    "not",
    "null",
    "or",
    "startswith",
    "true",
];

/// Parses a program, up to its first error. An empty program has no statements and is none.
pub fn parse_program(source: &str) -> Result<Program, Diagnostic> {
    if source.len() > limits::PROGRAM_BYTES_MAX {
        let message = format!(
            "a program may be at most {} bytes long",
            limits::PROGRAM_BYTES_MAX
        );
        let label = format!("this one has {}", source.len());
        return Err(Diagnostic::new(message, Span::new(0, 0), label)
            .with_help("data goes into files, which the program reads"));
    }
    Parser::new(source)?.program()
}

type Parse<T> = Result<T, Diagnostic>;

struct Parser<'s> {
    source: &'s str,
    lexer: Lexer<'s>,
    current: Token,
    peeked: Option<Token>,
    /// Where the last token that was taken ends.
    last_end: u32,
    /// Nesting of the expression at hand.
    depth: usize,
    /// Operands so far of the expression at hand.
    operands: usize,
    /// Pipelines in parentheses so far, as statements, and how many are open.
    others: Vec<Statement>,
    within: usize,
}

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Parse<Parser<'s>> {
        let mut lexer = Lexer::new(source);
        let current = lexer.next_token()?;
        Ok(Parser {
            source,
            lexer,
            current,
            peeked: None,
            last_end: 0,
            depth: 0,
            operands: 0,
            others: Vec::new(),
            within: 0,
        })
    }

    fn program(&mut self) -> Parse<Program> {
        let mut statements = Vec::new();
        loop {
            while matches!(self.current.kind, TokenKind::Newline | TokenKind::Semicolon) {
                self.bump()?;
            }
            if self.at(&TokenKind::End) {
                return Ok(Program { statements });
            }
            if statements.len() >= limits::PROGRAM_STATEMENTS_MAX {
                let message = format!(
                    "a program may have at most {} statements",
                    limits::PROGRAM_STATEMENTS_MAX
                );
                return Err(self.error_here(message, "one too many"));
            }
            // A pipeline only ends where a statement may end, so no separator need be asked for.
            let statement = self.statement()?;
            // They go before: the last statement is the one that is written by itself.
            statements.append(&mut self.others);
            statements.push(statement);
        }
    }

    fn statement(&mut self) -> Parse<Statement> {
        let start = self.current.span;
        let mut target = None;
        if self.at_name() && self.peek()?.kind == TokenKind::Assign {
            if let Some(verb) = self.current_verb() {
                return Err(self.verb_as_flow_point(verb));
            }
            target = Some(self.name("the name of a flow point")?);
            self.bump()?;
            self.skip_newlines()?;
        }
        let pipeline = self.pipeline()?;
        if let (Some(target), Some(stage)) = (&target, pipeline.stages.last())
            && matches!(stage.kind, StageKind::Write { .. })
        {
            let message = "`write` leaves no elements to name";
            let help = format!(
                "leave out `{} =`, or `write` in a statement of its own",
                target.text
            );
            return Err(Diagnostic::new(message, stage.verb, "the flow ends here").with_help(help));
        }
        Ok(Statement {
            target,
            pipeline,
            span: self.span_from(start),
        })
    }

    fn pipeline(&mut self) -> Parse<Pipeline> {
        let start = self.current.span;
        let source = self.pipeline_source()?;
        let mut stages = Vec::new();
        if source.is_none() {
            stages.push(self.stage()?);
        }
        while self.at(&TokenKind::Pipe) {
            if let Some(last) = stages.last()
                && matches!(last.kind, StageKind::Write { .. })
            {
                return Err(self
                    .error_here("nothing follows `write`", "the flow ends before this")
                    .with_help(
                        "to use elements twice, give their flow point a name and start two pipelines from it",
                    ));
            }
            if stages.len() == limits::PIPELINE_STAGES_MAX {
                let message = format!(
                    "a pipeline may have at most {} stages",
                    limits::PIPELINE_STAGES_MAX
                );
                return Err(self.error_here(message, "one too many"));
            }
            self.bump()?;
            self.skip_newlines()?;
            let stage = self.stage()?;
            if matches!(stage.kind, StageKind::Read { .. } | StageKind::Generate { .. }) {
                let message = format!("`{}` can only come first", stage.kind.verb());
                return Err(Diagnostic::new(
                    message,
                    stage.verb,
                    "takes no elements from what is before it",
                ));
            }
            stages.push(stage);
        }
        Ok(Pipeline {
            source,
            stages,
            span: self.span_from(start),
        })
    }

    /// The flow point that a pipeline starts from, or nothing before a verb.
    fn pipeline_source(&mut self) -> Parse<Option<Name>> {
        const EXPECTED: &str = "a verb or a flow point";
        if self.current_verb().is_some() {
            return Ok(None);
        }
        if !self.at_name() {
            return Err(self.unexpected(EXPECTED));
        }
        let is_plain = self.at(&TokenKind::Name);
        let alone = ends_stage(&self.peek()?.kind);
        if alone {
            return self.name(EXPECTED).map(Some);
        }
        if is_plain && !self.at_reserved() {
            return Err(self.unknown_verb()?);
        }
        self.name(EXPECTED)?;
        Err(self.unexpected("`|`"))
    }

    fn verb_as_flow_point(&self, verb: Verb) -> Diagnostic {
        let verb = verb.name();
        self.error_here(format!("`{verb}` is a verb"), "cannot name a flow point")
            .with_help(format!(
                "choose another name, or put it in backquotes wherever it stands: `{verb}`"
            ))
    }

    /// The message for a word that stands where a verb should, and is none.
    fn unknown_verb(&mut self) -> Parse<Diagnostic> {
        let word = self.text(self.current.span);
        let verbs = VERBS.map(|(name, _)| name);
        let mut diagnostic = self.error_here(format!("unknown verb {}", quoted(word)), "not a verb");
        let close = suggest::did_you_mean(word, verbs);
        let meant = suggest::verb_elsewhere(word).map(|verb| format!("the verb for this is `{verb}`"));
        let next = self.peek()?.clone();
        let next_text = self.text(next.span);
        diagnostic.help = Some(match (meant, close) {
            (Some(help), _) | (None, Some(help)) => help,
            _ if next.kind == TokenKind::Name && verb_named(next_text).is_some() => {
                format!("if {} is a flow point, a `|` is missing after it", quoted(word))
            }
            _ if ends_stage(&next.kind) => {
                format!(
                    "if {} is a flow point, start a pipeline with it: it cannot be a later stage",
                    quoted(word)
                )
            }
            _ if starts_infix(&next.kind, next_text) => {
                "to keep only some elements, write `where ...`".to_string()
            }
            _ => format!("the verbs are {}", suggest::alternatives(&verbs)),
        });
        Ok(diagnostic)
    }

    /// Takes a name, in backquotes or not.
    fn name(&mut self, expected: &str) -> Parse<Name> {
        if !self.at_name() || self.at_reserved() {
            return Err(self.unexpected(expected));
        }
        let token = self.bump()?;
        Ok(Name {
            text: self.name_text(&token).to_string(),
            span: token.span,
        })
    }

    fn name_text(&self, token: &Token) -> &'s str {
        let text = self.text(token.span);
        if token.kind == TokenKind::QuotedName {
            &text[1..text.len() - 1]
        } else {
            text
        }
    }

    /// One or more of `item`, with commas between.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.at(&TokenKind::Comma) {
            if items.len() == limits::STAGE_ITEMS_MAX {
                let message = format!("a list may have at most {} items", limits::STAGE_ITEMS_MAX);
                return Err(self.error_here(message, "one too many"));
            }
            let comma = self.bump()?.span;
            self.skip_newlines()?;
            if self.at_word("by") {
                let diagnostic = Diagnostic::new("there is a comma before `by`", comma, "leave this out");
                return Err(diagnostic.with_help("as in `summarize count(), sum(bytes) by path`"));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Takes the `)` that matches the `(` at `open`.
    fn close_paren(&mut self, open: Span, expected: &str) -> Parse<()> {
        if self.at(&TokenKind::CloseParen) {
            self.bump()?;
            return Ok(());
        }
        if self.at(&TokenKind::End) {
            return Err(Diagnostic::new("this `(` is never closed", open, "no `)` for it"));
        }
        let (line, column) = line_and_column(self.source, open.start);
        let note = format!("the `(` in line {line}, column {column} is still open");
        Err(self.unexpected(expected).with_note(note))
    }

    fn bump(&mut self) -> Parse<Token> {
        let next = match self.peeked.take() {
            Some(token) => token,
            None => self.lexer.next_token()?,
        };
        self.last_end = self.current.span.end;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn peek(&mut self) -> Parse<&Token> {
        if self.peeked.is_none() {
            self.peeked = Some(self.lexer.next_token()?);
        }
        Ok(self.peeked.as_ref().expect("just filled"))
    }

    /// Skips line ends where the text is visibly unfinished.
    fn skip_newlines(&mut self) -> Parse<()> {
        while self.at(&TokenKind::Newline) {
            self.bump()?;
        }
        Ok(())
    }

    fn at(&self, kind: &TokenKind) -> bool {
        self.current.kind == *kind
    }

    fn at_name(&self) -> bool {
        matches!(self.current.kind, TokenKind::Name | TokenKind::QuotedName)
    }

    /// Whether the current token is this word, without backquotes.
    fn at_word(&self, word: &str) -> bool {
        self.at(&TokenKind::Name) && self.text(self.current.span) == word
    }

    fn at_reserved(&self) -> bool {
        self.at(&TokenKind::Name) && RESERVED.contains(&self.text(self.current.span))
    }

    fn eat_word(&mut self, word: &str) -> Parse<bool> {
        let found = self.at_word(word);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn current_verb(&self) -> Option<Verb> {
        if self.at(&TokenKind::Name) {
            verb_named(self.text(self.current.span))
        } else {
            None
        }
    }

    fn text(&self, span: Span) -> &'s str {
        span.text(self.source)
    }

    /// From `start` to the end of the last token that was taken.
    fn span_from(&self, start: Span) -> Span {
        Span::new(start.start, self.last_end.max(start.start))
    }

    fn error_here(&self, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.current.span, label)
    }

    /// The current token is not what it should be.
    fn unexpected(&self, expected: &str) -> Diagnostic {
        let text = self.text(self.current.span);
        let found = match &self.current.kind {
            TokenKind::Newline => "the end of the line".to_string(),
            TokenKind::End => "the end of the program".to_string(),
            TokenKind::Foreign { ours } => {
                let message = format!("{} is not an operator of this language", quoted(text));
                return self.error_here(message, format!("use `{ours}`"));
            }
            TokenKind::Unknown(c) => return self.unknown_character(*c),
            TokenKind::Dot => {
                return self
                    .unexpected_path("a field is named without a point before it: `user`, `user.plan`");
            }
            TokenKind::Star if self.stands_for_all() => {
                let help = "all columns are there without `select`, and `drop` leaves some out; `count()` counts all";
                return self
                    .error_here("`*` does not stand for all", "not expected here")
                    .with_help(help);
            }
            TokenKind::OpenBracket | TokenKind::CloseBracket => {
                return self.unexpected_path(
                    "lists are written with `(` and `)`; an index follows a field: `items[0]`",
                );
            }
            _ => quoted(text),
        };
        let label = match self.current.kind {
            TokenKind::Newline | TokenKind::End => "ends too early",
            _ => "not expected here",
        };
        let diagnostic = self.error_here(format!("expected {expected}, found {found}"), label);
        if let Some(help) = self.word_elsewhere() {
            return diagnostic.with_help(help);
        }
        if self.at_reserved() {
            return diagnostic.with_help(format!(
                "to use a reserved word as a name, put it in backquotes: `{text}`"
            ));
        }
        diagnostic
    }

    /// What to write for a word of other languages, where it does not fit.
    fn word_elsewhere(&self) -> Option<String> {
        if !self.at(&TokenKind::Name) {
            return None;
        }
        let text = self.text(self.current.span);
        let lower = text.to_lowercase();
        if text != lower && RESERVED.contains(&lower.as_str()) {
            return Some(format!("words are written in lower case: `{lower}`"));
        }
        suggest::operator_elsewhere(&lower).map(str::to_owned)
    }

    /// A part of a path where there is none.
    fn unexpected_path(&self, help: &str) -> Diagnostic {
        let text = self.text(self.current.span);
        self.error_here(format!("unexpected `{text}`"), "nothing that it belongs to")
            .with_help(help)
    }

    /// Whether the `*` at hand has nothing before it to multiply.
    fn stands_for_all(&self) -> bool {
        let before = self.source[..self.current.span.start as usize].trim_end();
        before.ends_with(['(', ',']) || VERBS.iter().any(|(verb, _)| before.ends_with(verb))
    }

    fn unknown_character(&self, c: char) -> Diagnostic {
        let shown = if c.is_control() {
            format!("U+{:04X}", c as u32)
        } else {
            format!("`{c}`")
        };
        let diagnostic = self.error_here(format!("unexpected character {shown}"), "means nothing here");
        match c {
            '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
                diagnostic.with_help("strings take straight quotes: \"...\"")
            }
            '~' => diagnostic.with_help("to search in a text, use `contains`, or `matches /pattern/`"),
            '$' | '@' => diagnostic.with_help("names have no sigil"),
            '{' if self.current.span.start == 0 => diagnostic.with_help(
                "a program is stages with `|` between them; awk's `{ print $1 }` is `select split_part(line, \" \", 0)`",
            ),
            '{' | '}' => diagnostic.with_help("lists and groups are written with `(` and `)`"),
            _ => diagnostic,
        }
    }
}

/// Whether a stage, and a flow point at the start of a pipeline, ends before this.
fn ends_stage(kind: &TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Pipe | TokenKind::Newline | TokenKind::Semicolon | TokenKind::End
    )
}

/// Whether what follows a word makes an expression of it.
fn starts_infix(kind: &TokenKind, text: &str) -> bool {
    use TokenKind as T;
    match kind {
        T::Name => matches!(
            text,
            "and" | "or" | "not" | "in" | "contains" | "startswith" | "endswith" | "matches"
        ),
        T::Equal | T::NotEqual | T::Less | T::LessEqual | T::Greater | T::GreaterEqual => true,
        T::Plus | T::Minus | T::Star | T::Slash | T::SlashSlash | T::Percent | T::Coalesce => true,
        T::Foreign { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
