//! Strings and their escapes.

use super::{Lexer, TokenKind};
use crate::diagnostic::{Diagnostic, quoted};
use cutthrough_formats::time::parse_time;

const ESCAPES: &str = r#"the escapes are \n \t \r \\ \" \' \xNN \u{...}"#;

impl Lexer<'_> {
    /// A pattern between slashes, as it stands, but for `\\/`.
    pub(super) fn pattern(&mut self) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        let mut bytes = Vec::new();
        let mut characters = self.source[start + 1..].char_indices();
        while let Some((at, c)) = characters.next() {
            let piece = match c {
                '/' => {
                    self.at = start + 1 + at + 1;
                    return Ok(TokenKind::Pattern(bytes));
                }
                '\n' => break,
                '\\' => match characters.next() {
                    Some((_, '/')) => "/".to_owned(),
                    Some((_, next)) if next != '\n' => format!("\\{next}"),
                    _ => break,
                },
                c => c.to_string(),
            };
            bytes.extend_from_slice(piece.as_bytes());
        }
        let place = self.span(start, start + 1);
        Err(
            Diagnostic::new("this pattern is not closed", place, "starts here")
                .with_help("close it with a `/` on the same line; a slash within it is written `\\/`"),
        )
    }

    /// A time: `@2026-11-21`, `@2026-11-21T02:00`.
    pub(super) fn time(&mut self) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        self.at += 1;
        self.skip_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '+' | '-'));
        let text = &self.source[start + 1..self.at];
        if text.is_empty() {
            return Ok(TokenKind::Unknown('@'));
        }
        parse_time(text.as_bytes()).map(TokenKind::Time).ok_or_else(|| {
            Diagnostic::new("this is no time", self.span(start, self.at), "cannot be read")
                .with_help("a time is written `@2026-11-21` or `@2026-11-21T02:00:00+01:00`; without an offset it is UTC")
        })
    }

    /// A string; the cursor is at its opening `quote`.
    pub(super) fn text(&mut self, quote: char) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = self.rest();
            let plain = rest.find([quote, '\\', '\n']).unwrap_or(rest.len());
            bytes.extend_from_slice(&rest.as_bytes()[..plain]);
            self.at += plain;
            match self.peek_char() {
                Some('\\') => self.escape(start, &mut bytes)?,
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(TokenKind::Text(bytes));
                }
                _ => return Err(self.not_closed(start)),
            }
        }
    }

    /// One escape of the string that begins at `text_start`; the cursor is at the backslash.
    fn escape(&mut self, text_start: usize, bytes: &mut Vec<u8>) -> Result<(), Diagnostic> {
        let start = self.at;
        let mut rest = self.rest().chars().skip(1);
        let Some(c) = rest.next().filter(|&c| c != '\n') else {
            return Err(self.not_closed(text_start));
        };
        self.at += 1 + c.len_utf8();
        match c {
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            'r' => bytes.push(b'\r'),
            '\\' | '"' | '\'' => bytes.push(c as u8),
            'x' => {
                let digits = self
                    .rest()
                    .get(..2)
                    .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(Ok(byte)) = digits.map(|d| u8::from_str_radix(d, 16)) else {
                    return Err(self.bad_escape(start, r"two hexadecimal digits follow `\x`"));
                };
                self.at += 2;
                bytes.push(byte);
            }
            'u' => {
                let character = self.code_point().ok_or_else(|| {
                    self.bad_escape(
                        start,
                        r"`\u{...}` takes one to six hexadecimal digits of a character",
                    )
                })?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => {
                return Err(self
                    .bad_escape(start, "not an escape")
                    .with_help(r"write `\\` for a backslash")
                    .with_note(ESCAPES));
            }
        }
        Ok(())
    }

    /// The character of `{...}` at the cursor, which moves past it.
    fn code_point(&mut self) -> Option<char> {
        let inner = self.rest().strip_prefix('{')?;
        // Six digits and the brace: no need to look further for it.
        let length = inner.bytes().take(7).position(|b| b == b'}')?;
        let digits = &inner[..length];
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        self.at += length + 2;
        Some(character)
    }

    fn bad_escape(&self, start: usize, label: &str) -> Diagnostic {
        let span = self.span(start, self.at);
        Diagnostic::new(
            format!("unknown escape {}", quoted(span.text(self.source))),
            span,
            label,
        )
    }

    fn not_closed(&self, start: usize) -> Diagnostic {
        let rest = &self.source[start..];
        let end = start + rest.find('\n').unwrap_or(rest.len());
        Diagnostic::new("this string is not closed", self.span(start, end), "starts here")
            .with_help(r"close it with the quote it began with, on the same line; a line end is written \n")
    }
}
