//! Text to tokens, one at a time.

use std::fmt;

use crate::text::TextError;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// A word: a letter or `_`, then letters, digits and `_`.
    Word(&'t str),
    /// A number: what begins with a digit or `-`.
    Number(&'t str),
    /// The bytes of a text in quotes.
    Quoted(Vec<u8>),
    /// A sign, or the arrow (as `>`).
    Sign(char),
    /// The end of the text.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The text may be anything, so of long ones only the beginning.
            Token::Word(text) | Token::Number(text) => {
                let cut = text.char_indices().nth(30).map_or(text.len(), |(at, _)| at);
                let dots = if cut < text.len() { "..." } else { "" };
                write!(f, "`{}{dots}`", &text[..cut])
            }
            Token::Quoted(_) => f.write_str("a quoted text"),
            Token::Sign('>') => f.write_str("`->`"),
            Token::Sign(sign) => write!(f, "`{sign}`"),
            Token::End => f.write_str("the end of the text"),
        }
    }
}

/// Where a token begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
    /// Whether the token is the first of its line.
    pub(super) first: bool,
}

pub(super) fn error(at: Position, message: impl Into<String>) -> TextError {
    TextError {
        line: at.line,
        column: at.column,
        message: message.into(),
    }
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    /// Where the line begins; and how far columns have been counted from there.
    counted_to: usize,
    column: usize,
    first: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer {
            text,
            at: 0,
            line: 1,
            counted_to: 0,
            column: 1,
            first: true,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn position(&mut self) -> Position {
        self.column += self.text[self.counted_to..self.at].chars().count();
        self.counted_to = self.at;
        Position {
            line: self.line,
            column: self.column,
            first: self.first,
        }
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    (self.counted_to, self.column, self.first) = (self.at, 1, true);
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b';' => {
                    let end = self.text[self.at..].find('\n');
                    self.at = end.map_or(self.text.len(), |end| self.at + end);
                }
                _ => return,
            }
        }
    }

    /// The next token and where it begins.
    pub(super) fn next(&mut self) -> Result<(Token<'t>, Position), TextError> {
        self.skip_blank();
        let position = self.position();
        self.first = false;
        let start = self.at;
        let token = match self.peek() {
            None => Token::End,
            Some(b'"') => Token::Quoted(self.quoted(position)?),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Token::Word(&self.text[start..self.at])
            }
            Some(b'-') if self.text.as_bytes().get(start + 1) == Some(&b'>') => {
                self.at += 2;
                Token::Sign('>')
            }
            Some(b'0'..=b'9' | b'-') => {
                self.at += 1;
                self.number();
                Token::Number(&self.text[start..self.at])
            }
            Some(byte @ (b'(' | b')' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'=' | b'@' | b'?')) => {
                self.at += 1;
                Token::Sign(byte.into())
            }
            Some(_) => {
                let sign = self.text[start..].chars().next().unwrap_or_default();
                return Err(error(position, format!("{sign:?} has no meaning here")));
            }
        };
        Ok((token, position))
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&accept) {
            self.at += 1;
        }
    }

    /// The rest of a number: digits of any kind, a point, and a sign that follows an
    /// `e` (which in hexadecimal is a digit, but no sign follows there).
    fn number(&mut self) {
        let mut last = b'0';
        while let Some(byte) = self.peek() {
            let signed = matches!(byte, b'+' | b'-') && last == b'e';
            if !byte.is_ascii_alphanumeric() && byte != b'.' && !signed {
                return;
            }
            last = byte;
            self.at += 1;
        }
    }

    fn quoted(&mut self, start: Position) -> Result<Vec<u8>, TextError> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
            let Some(plain) = plain.filter(|&plain| rest[plain] != b'\n') else {
                return Err(error(start, "this text has no closing quote on its line"));
            };
            bytes.extend_from_slice(&rest[..plain]);
            self.at += plain;
            if rest[plain] == b'"' {
                self.at += 1;
                return Ok(bytes);
            }
            let (byte, length) = escape(&rest[plain + 1..]).ok_or_else(|| {
                error(
                    self.position(),
                    "no such escape; there are \\n \\r \\t \\\" \\\\ and \\x1b",
                )
            })?;
            bytes.push(byte);
            self.at += 1 + length;
        }
    }
}

/// The byte that an escape stands for, and the escape's length behind the backslash.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let digit = |index: usize| (*text.get(index)? as char).to_digit(16);
    Some(match text.first()? {
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'"' => (b'"', 1),
        b'\\' => (b'\\', 1),
        b'x' => ((digit(1)? * 16 + digit(2)?) as u8, 3),
        _ => return None,
    })
}
