//! One message with its place, and its rendering for a terminal.
//!
//! What is rendered is bounded, whatever the source: the one line on which the place starts, cut to a window of
//! [`limits::EXCERPT_COLUMNS_MAX`] columns, and texts cut to [`limits::MESSAGE_COLUMNS_MAX`]. Control and
//! direction-changing characters never reach the terminal.

use crate::limits;
use crate::span::Span;
use ariadne::{Config, IndexType, Label, LabelAttach, Report, ReportKind, Source};

/// What is wrong with a program, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// The place.
    pub span: Span,
    /// What is written under the place.
    pub label: String,
    /// The way out.
    pub help: Option<String>,
    /// Further remarks, each one line.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic without help or notes.
    pub fn new(message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            span,
            label: label.into(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// Says the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// The message with the place underlined, as a terminal shows it; ends with a newline.
    ///
    /// `source` is the whole program text. A span that does not fit it is moved to where it does.
    pub fn render(&self, source_name: &str, source: &str, color: bool) -> String {
        self.render_as(ReportKind::Error, source_name, source, color)
    }

    /// The same for what need not be a mistake.
    pub fn render_warning(&self, source_name: &str, source: &str, color: bool) -> String {
        self.render_as(ReportKind::Warning, source_name, source, color)
    }

    fn render_as(&self, kind: ReportKind<'_>, source_name: &str, source: &str, color: bool) -> String {
        let excerpt = Excerpt::new(source, self.span);
        let name = cut(source_name, limits::SOURCE_NAME_COLUMNS_MAX);
        let config = Config::default()
            .with_color(color)
            .with_index_type(IndexType::Byte)
            .with_label_attach(LabelAttach::Start);
        let error_color = config_color(color);
        let id = name.as_str();
        let mut label =
            Label::new((id, excerpt.mark.clone())).with_message(cut(&self.label, limits::LABEL_COLUMNS_MAX));
        if let Some(color) = error_color {
            label = label.with_color(color);
        }
        let mut report = Report::build(kind, (id, excerpt.mark.clone()))
            .with_config(config)
            .with_message(cut(&self.message, limits::MESSAGE_COLUMNS_MAX))
            .with_label(label);
        report.with_helps(
            self.help
                .iter()
                .map(|text| cut(text, limits::MESSAGE_COLUMNS_MAX)),
        );
        report.with_notes(
            self.notes
                .iter()
                .take(limits::DIAGNOSTIC_NOTES_MAX)
                .map(|text| cut(text, limits::MESSAGE_COLUMNS_MAX)),
        );

        let mut out = Vec::new();
        let cache = (id, Source::from(excerpt.text.as_str()));
        // Writing to a vector does not fail; should ariadne refuse, the message itself is still worth showing.
        if report.finish().write(cache, &mut out).is_err() {
            return format!(
                "error: {} ({id}:{}:{})\n",
                cut(&self.message, limits::MESSAGE_COLUMNS_MAX),
                excerpt.line,
                excerpt.column
            );
        }
        let rendered = String::from_utf8_lossy(&out);
        // ariadne counts columns from the start of the window.
        let shown = format!("{id}:{}:{}", excerpt.line, excerpt.shown_column);
        let meant = format!("{id}:{}:{}", excerpt.line, excerpt.column);
        let rendered = rendered.replacen(&shown, &meant, 1);
        rendered
            .lines()
            .fold(String::with_capacity(rendered.len()), |text, line| {
                text + line.trim_end() + "\n"
            })
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// `text` in backquotes, fit to stand in a message: cut, and with control characters escaped.
pub fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == limits::QUOTED_CHARS_MAX {
            shown.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            _ => shown.push(printable(c)),
        }
    }
    shown.push('`');
    shown
}

/// The line and column (both from 1, in characters) of a byte of the source.
pub fn line_and_column(source: &str, offset: u32) -> (usize, usize) {
    let offset = source.floor_char_boundary(offset as usize);
    let before = &source[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// A piece of one line of the source, safe to print, with the place to mark in it.
struct Excerpt {
    text: String,
    mark: std::ops::Range<usize>,
    line: usize,
    column: usize,
    shown_column: usize,
}

impl Excerpt {
    fn new(source: &str, span: Span) -> Excerpt {
        let start = source.floor_char_boundary(span.start as usize);
        let end = source.floor_char_boundary((span.end as usize).max(start));
        let (line, column) = line_and_column(source, span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);

        // The window: from a little before the mark; from the line's start where that is no further away.
        let (head, tail) = (&source[line_start..start], &source[start..line_end]);
        let fits = fitting(source[line_start..line_end].chars(), limits::EXCERPT_COLUMNS_MAX)
            == line_end - line_start;
        let lead = if fits {
            limits::EXCERPT_COLUMNS_MAX
        } else {
            limits::EXCERPT_LEAD_COLUMNS
        };
        let lead_start = head.len() - fitting(head.chars().rev(), lead);

        // Empty lines stand for those before, so that ariadne numbers this one as the source does.
        let mut text = "\n".repeat(line - 1);
        if lead_start > 0 {
            text.push('…');
        }
        text.extend(head[lead_start..].chars().map(printable));
        let shown_column = text.chars().count() + 2 - line;
        let mut mark = text.len()..text.len();
        let room = if fits {
            lead
        } else {
            limits::EXCERPT_COLUMNS_MAX - limits::EXCERPT_LEAD_COLUMNS
        };
        let tail_end = fitting(tail.chars(), room);
        for (at, c) in tail[..tail_end].char_indices() {
            text.push(printable(c));
            if start + at < end {
                mark.end = text.len();
            }
        }
        if tail_end < tail.len() {
            text.push('…');
        }
        if mark.is_empty() {
            // An empty span, or one at the line's end: mark one place.
            let after = text[mark.start..].chars().next().map(char::len_utf8);
            mark.end = mark.start + after.unwrap_or(1);
            if after.is_none() {
                text.push(' ');
            }
        }
        Excerpt {
            text,
            mark,
            line,
            column,
            shown_column,
        }
    }
}

fn config_color(color: bool) -> Option<ariadne::Color> {
    color.then_some(ariadne::Color::Red)
}

/// `text` as one line that is safe to print and at most `columns_max` wide.
fn cut(text: &str, columns_max: usize) -> String {
    let fitting = fitting(text.chars(), columns_max);
    let mut line: String = text[..fitting].chars().map(printable).collect();
    if fitting < text.len() {
        line.push('…');
    }
    line
}

/// How many bytes of these characters fit into so many columns.
fn fitting(characters: impl Iterator<Item = char>, columns_max: usize) -> usize {
    let (mut columns, mut bytes) = (0, 0);
    for c in characters {
        // Wide characters all lie above; that some narrow ones do as well costs them half the room.
        columns += if c >= '\u{1100}' { 2 } else { 1 };
        if columns > columns_max {
            break;
        }
        bytes += c.len_utf8();
    }
    bytes
}

/// A character that neither moves the cursor, nor reorders its neighbours, nor starts a line in ariadne's eyes.
fn printable(c: char) -> char {
    match c {
        '\t' | '\r' | '\n' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(source: &str, span: Span, expected: Expect) {
        let diagnostic = Diagnostic::new("something is wrong", span, "here")
            .with_help("do something else")
            .with_note("it was like this before");
        expected.assert_eq(&diagnostic.render("test.flow", source, false));
    }

    #[test]
    fn renders_place_help_and_note() {
        check(
            "a = read \"x\"\na | where b = 5\n",
            Span::new(25, 26),
            expect![[r#"
                Error: something is wrong
                   ╭─[ test.flow:2:13 ]
                   │
                 2 │ a | where b = 5
                   │             ┬
                   │             ╰── here
                   │
                   │ Help: do something else
                   │
                   │ Note: it was like this before
                ───╯
            "#]],
        );
        check(
            "at the end",
            Span::new(10, 10),
            expect![[r#"
            Error: something is wrong
               ╭─[ test.flow:1:11 ]
               │
             1 │ at the end
               │           ┬
               │           ╰── here
               │
               │ Help: do something else
               │
               │ Note: it was like this before
            ───╯
        "#]],
        );
        check(
            "",
            Span::new(0, 0),
            expect![[r#"
            Error: something is wrong
               ╭─[ test.flow:1:1 ]
               │
             1 │
               │ ┬
               │ ╰── here
               │
               │ Help: do something else
               │
               │ Note: it was like this before
            ───╯
        "#]],
        );
        check(
            "tab\there \u{1b}[31m\u{202e} größe",
            Span::new(17, 25),
            expect![[r#"
            Error: something is wrong
               ╭─[ test.flow:1:16 ]
               │
             1 │ tab here �[31m� größe
               │                ┬─────
               │                ╰─────── here
               │
               │ Help: do something else
               │
               │ Note: it was like this before
            ───╯
        "#]],
        );
        check(
            "several\nlines\nmarked",
            Span::new(3, 18),
            expect![[r#"
            Error: something is wrong
               ╭─[ test.flow:1:4 ]
               │
             1 │ several
               │    ┬───
               │    ╰───── here
               │
               │ Help: do something else
               │
               │ Note: it was like this before
            ───╯
        "#]],
        );
        // A span of another text.
        check(
            "é",
            Span::new(1, 900),
            expect![[r#"
            Error: something is wrong
               ╭─[ test.flow:1:1 ]
               │
             1 │ é
               │ ┬
               │ ╰── here
               │
               │ Help: do something else
               │
               │ Note: it was like this before
            ───╯
        "#]],
        );
    }

    #[test]
    fn cuts_long_lines() {
        let source = format!("{}WRONG{}", "x ".repeat(100_000), " y".repeat(100_000));
        check(
            &source,
            Span::new(200_000, 200_005),
            expect![[r#"
                Error: something is wrong
                   ╭─[ test.flow:1:200001 ]
                   │
                 1 │ …x x x x x x x x x x x x x x x x x x x x WRONG y y y y y y y y y y y y y y y y y y y y y y y y y y y …
                   │                                          ┬────
                   │                                          ╰────── here
                   │
                   │ Help: do something else
                   │
                   │ Note: it was like this before
                ───╯
            "#]],
        );
        check(
            &source,
            Span::new(200_000, 300_005),
            expect![[r#"
                Error: something is wrong
                   ╭─[ test.flow:1:200001 ]
                   │
                 1 │ …x x x x x x x x x x x x x x x x x x x x WRONG y y y y y y y y y y y y y y y y y y y y y y y y y y y …
                   │                                          ┬───────────────────────────────────────────────────────────
                   │                                          ╰───────────────────────────────────────────────────────────── here
                   │
                   │ Help: do something else
                   │
                   │ Note: it was like this before
                ───╯
            "#]],
        );
        for (text, columns) in [("漢", 2), ("x", 1)] {
            let text = text.repeat(10_000);
            let long = Diagnostic::new(&text, Span::new(9_000, 9_300), &text)
                .with_help(&text)
                .with_note(&text);
            let rendered = long.render(&text, &text, false);
            assert!(rendered.lines().count() <= 20, "{rendered}");
            let widest = rendered
                .lines()
                .map(|line| line.matches(text.chars().next().unwrap()).count() * columns);
            assert!(widest.max() <= Some(limits::MESSAGE_COLUMNS_MAX), "{rendered}");
            assert!(
                rendered.lines().all(|line| line.chars().count() <= 200),
                "{rendered}"
            );
        }
    }

    #[test]
    fn color_is_only_where_asked() {
        let diagnostic = Diagnostic::new("wrong", Span::new(0, 1), "here");
        assert!(diagnostic.render("x", "abc", true).contains('\u{1b}'));
        assert!(!diagnostic.render("x", "abc", false).contains('\u{1b}'));
    }
}
