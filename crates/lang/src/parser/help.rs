//! What to say to what does not belong where it stands.

use super::stage::Verb;
use super::{Parser, RESERVED};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;
use crate::limits;

impl Parser<'_> {
    /// The message for what follows a stage that is complete.
    pub(super) fn after_stage(&self, verb: Verb) -> Diagnostic {
        let text = self.text(self.current.span);
        if let Some(next) = self.current_verb() {
            let message = format!("a `|` is missing before `{}`", next.name());
            return self.error_here(message, "a stage starts here");
        }
        let diagnostic = self.unexpected("`|` or the end of the statement");
        match (verb, &self.current.kind) {
            (_, TokenKind::CloseParen) => self.error_here("this `)` closes nothing", "no `(` for it"),
            (Verb::Where, TokenKind::Comma) => diagnostic.with_help("join conditions with `and` or `or`"),
            (Verb::Top, TokenKind::Comma) => {
                diagnostic.with_help("`top` takes one key; for several, use `sort a, b desc | head 10`")
            }
            (Verb::Write, TokenKind::Comma) => {
                diagnostic.with_help("`write` takes one target; write a second statement for the other")
            }
            (Verb::Write, TokenKind::Name) if text == "append" => {
                diagnostic.with_help("`append` stands before `as`: `write \"log.csv\" append as csv`")
            }
            (
                Verb::Where | Verb::Set | Verb::Select | Verb::Head | Verb::Skip | Verb::Tail,
                TokenKind::Name,
            ) if text == "by" => diagnostic.with_help("`by` goes with `summarize` and `top`"),
            (Verb::Select | Verb::Summarize | Verb::Distinct, TokenKind::Name)
                if text.eq_ignore_ascii_case("as") =>
            {
                diagnostic.with_help("a name goes before what it names: `name = ...`")
            }
            (Verb::Head | Verb::Skip | Verb::Tail | Verb::Drop | Verb::Rename, TokenKind::Name)
                if text.eq_ignore_ascii_case("as") =>
            {
                diagnostic.with_help("`rename new = old` gives a column another name")
            }
            (Verb::Count, TokenKind::OpenParen) => diagnostic
                .with_help("the stage is `count` alone; the aggregate goes with `summarize count()`"),
            (Verb::Count, TokenKind::Name) if text == "by" => {
                diagnostic.with_help("to count in groups: `summarize count() by ...`")
            }
            (Verb::Lines | Verb::Read, TokenKind::Name) if text == "else" => {
                diagnostic.with_help("`else` goes with `parse`")
            }
            (Verb::Read, TokenKind::Name) if text == "as" => {
                diagnostic.with_help("to say what the input is, write `| parse FORMAT`")
            }
            (Verb::Summarize, TokenKind::Name) if text.eq_ignore_ascii_case("group") => {
                diagnostic.with_help("groups go behind `by` alone: `summarize count() by path`")
            }
            (_, TokenKind::Name) if text.eq_ignore_ascii_case("from") => diagnostic.with_help(
                "what is read goes behind the program, as in `cutthrough '...' access.log`, or before it: `read \"access.log\" | ...`",
            ),
            (_, TokenKind::Name) if self.is_unit_apart() => {
                diagnostic.with_help("the unit of a duration stands at its number: `90s`, `1.5h`, `7d`")
            }
            (
                Verb::Select | Verb::Summarize | Verb::Sort | Verb::Drop | Verb::Distinct | Verb::Fill,
                TokenKind::Name | TokenKind::QuotedName,
            ) if diagnostic.help.is_none() => diagnostic.with_help("columns have commas between them: `name, age`"),
            _ => diagnostic,
        }
    }

    /// Whether the word at hand is a unit of time, behind a number.
    fn is_unit_apart(&self) -> bool {
        const UNITS: [&str; 10] = [
            "second", "seconds", "sec", "minute", "minutes", "min", "hour", "hours", "day", "days",
        ];
        let before = self.source[..self.current.span.start as usize].trim_end();
        UNITS.contains(&self.text(self.current.span)) && before.ends_with(|c: char| c.is_ascii_digit())
    }

    /// The message for something else than a string; the help quotes what looks like a path.
    pub(super) fn not_a_path(&self, expected: &str) -> Diagnostic {
        let from_here = &self.source[self.current.span.start as usize..];
        let is_end = |c: char| c.is_whitespace() || matches!(c, '|' | ',' | ';' | '"' | '\'' | '`' | '\\');
        let path: String = from_here
            .chars()
            .take(limits::QUOTED_CHARS_MAX)
            .take_while(|&c| !is_end(c))
            .collect();
        let diagnostic = self.unexpected(expected);
        let looks_like_path = path.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '~'))
            && path.chars().count() < limits::QUOTED_CHARS_MAX
            && !RESERVED.contains(&path.as_str());
        if looks_like_path {
            diagnostic.with_help(format!("write it in quotes: \"{path}\""))
        } else {
            diagnostic
        }
    }
}
