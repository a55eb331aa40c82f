//! Text to tokens, one at a time, so that the first error in the text is the first that is found.
//!
//! The lexer decides which line ends count: none within parentheses, and none before a line that starts with `|`.
//! That a line which ends in an operator goes on is the parser's business.

mod number;
mod text;
mod token;

pub(crate) use token::{Token, TokenKind};

use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::span::Span;

/// A cursor over the program text. The text is at most [`limits::PROGRAM_BYTES_MAX`] long.
pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
    parens: usize,
    /// Whether only an operand can follow the last token, so that a `/` begins a pattern.
    expects_operand: bool,
}

/// The operators behind which a pattern may stand, or might be thought to.
const TEXT_OPERATORS: [&str; 4] = ["matches", "contains", "startswith", "endswith"];

/// Reserved words that go on with what is before them.
const CONTINUING: [&str; 10] = [
    "by",
    "else",
    "as",
    "and",
    "or",
    "in",
    "contains",
    "startswith",
    "endswith",
    "matches",
];

impl<'s> Lexer<'s> {
    pub(crate) fn new(source: &'s str) -> Lexer<'s> {
        // A byte order mark is not part of the program.
        let at = if source.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Lexer {
            source,
            at,
            parens: 0,
            expects_operand: false,
        }
    }

    /// The next token; [`TokenKind::End`] at the end and ever after.
    pub(crate) fn next_token(&mut self) -> Result<Token, Diagnostic> {
        if let Some(newline) = self.skip_blank() {
            return Ok(newline);
        }
        let start = self.at;
        let Some(c) = self.peek_char() else {
            return Ok(self.token(start, TokenKind::End));
        };
        let expects_operand = std::mem::take(&mut self.expects_operand);
        let kind = match c {
            '/' if expects_operand => self.pattern()?,
            '@' => self.time()?,
            '"' | '\'' => self.text(c)?,
            '`' => self.quoted_name()?,
            '0'..='9' => self.number()?,
            c if is_name_start(c) => self.name()?,
            _ => self.symbol(c),
        };
        self.expects_operand = match &kind {
            TokenKind::OpenParen | TokenKind::Comma | TokenKind::Assign => true,
            TokenKind::Equal | TokenKind::NotEqual | TokenKind::Foreign { .. } => true,
            TokenKind::Name => TEXT_OPERATORS.contains(&&self.source[start..self.at]),
            _ => false,
        };
        Ok(self.token(start, kind))
    }

    /// Skips blanks and comments. Line ends that count come back as one token.
    fn skip_blank(&mut self) -> Option<Token> {
        let mut newline = None;
        while let Some(c) = self.peek_char() {
            match c {
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' => {
                    newline.get_or_insert(self.at);
                    self.at += 1;
                }
                c if c.is_whitespace() => self.at += c.len_utf8(),
                _ => break,
            }
        }
        let start = newline?;
        let counts = self.parens == 0 && !self.goes_on();
        counts.then(|| Token {
            kind: TokenKind::Newline,
            span: self.span(start, start + 1),
        })
    }

    /// Whether the line that begins here goes on with the statement before it: no statement begins so.
    fn goes_on(&self) -> bool {
        let rest = self.rest();
        let end = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        match word {
            "" => rest.starts_with('|'),
            "every" => behind.trim_start().starts_with(|c: char| c.is_ascii_digit()),
            word => CONTINUING.contains(&word),
        }
    }

    fn symbol(&mut self, c: char) -> TokenKind {
        use TokenKind as T;
        // Longest first.
        const SYMBOLS: [(&str, TokenKind); 35] = [
            ("===", T::Foreign { ours: "==" }),
            ("!==", T::Foreign { ours: "!=" }),
            ("==", T::Equal),
            ("!=", T::NotEqual),
            ("<>", T::Foreign { ours: "!=" }),
            ("=>", T::Foreign { ours: ">=" }),
            ("=<", T::Foreign { ours: "<=" }),
            ("=~", T::Foreign { ours: "matches" }),
            ("!~", T::Foreign { ours: "not matches" }),
            (":=", T::Foreign { ours: "=" }),
            ("&&", T::Foreign { ours: "and" }),
            ("||", T::Foreign { ours: "or" }),
            ("**", T::Foreign { ours: "*" }),
            ("??", T::Coalesce),
            ("<=", T::LessEqual),
            (">=", T::GreaterEqual),
            ("//", T::SlashSlash),
            ("|", T::Pipe),
            ("=", T::Assign),
            ("<", T::Less),
            (">", T::Greater),
            ("+", T::Plus),
            ("-", T::Minus),
            ("*", T::Star),
            ("/", T::Slash),
            ("%", T::Percent),
            ("(", T::OpenParen),
            (")", T::CloseParen),
            (".", T::Dot),
            ("[", T::OpenBracket),
            ("]", T::CloseBracket),
            (",", T::Comma),
            (";", T::Semicolon),
            ("!", T::Foreign { ours: "not" }),
            ("&", T::Foreign { ours: "and" }),
        ];
        let found = SYMBOLS
            .into_iter()
            .find(|(symbol, _)| self.rest().starts_with(symbol));
        let (length, kind) = match found {
            Some((symbol, kind)) => (symbol.len(), kind),
            None => (c.len_utf8(), T::Unknown(c)),
        };
        match kind {
            T::OpenParen => self.parens += 1,
            T::CloseParen => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
        self.at += length;
        kind
    }

    fn name(&mut self) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        self.skip_while(is_name_part);
        self.check_name_length(start, self.at - start)?;
        Ok(TokenKind::Name)
    }

    fn quoted_name(&mut self) -> Result<TokenKind, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let inner = self.rest();
        let length = inner.find(['`', '\n']).unwrap_or(inner.len());
        self.at += length;
        if self.peek_char() != Some('`') {
            let message = "this name in backquotes is not closed";
            return Err(Diagnostic::new(message, self.span(start, self.at), "starts here")
                .with_help("close it with a backquote on the same line"));
        }
        self.at += 1;
        if length == 0 {
            return Err(Diagnostic::new(
                "a name cannot be empty",
                self.span(start, self.at),
                "nothing in it",
            ));
        }
        self.check_name_length(start, length)?;
        Ok(TokenKind::QuotedName)
    }

    fn check_name_length(&self, start: usize, length: usize) -> Result<(), Diagnostic> {
        if length <= limits::NAME_BYTES_MAX {
            return Ok(());
        }
        let message = format!("a name may be at most {} bytes long", limits::NAME_BYTES_MAX);
        Err(Diagnostic::new(
            message,
            self.span(start, self.at),
            format!("this one has {length}"),
        ))
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        // INVARIANT: `parse_program` refuses texts above PROGRAM_BYTES_MAX, which fits u32.
        Span::new(start as u32, end as u32)
    }

    fn token(&self, start: usize, kind: TokenKind) -> Token {
        Token {
            kind,
            span: self.span(start, self.at),
        }
    }
}

/// Whether `text` can be written as a name without backquotes, reserved words aside.
pub(crate) fn is_plain_name(text: &str) -> bool {
    text.starts_with(is_name_start) && text.chars().all(is_name_part)
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(source: &str, expected: Expect) {
        let mut lexer = Lexer::new(source);
        let mut seen = Vec::new();
        loop {
            match lexer.next_token() {
                Ok(Token {
                    kind: TokenKind::End, ..
                }) => break,
                Ok(Token {
                    kind: TokenKind::Name,
                    span,
                }) => seen.push(span.text(source).to_string()),
                Ok(Token {
                    kind: TokenKind::Text(bytes),
                    ..
                }) => {
                    seen.push(format!("\"{}\"", bytes.escape_ascii()));
                }
                Ok(token) => seen.push(format!("{:?}", token.kind)),
                Err(diagnostic) => {
                    seen.push(format!("\n{}", diagnostic.render("test", source, false)));
                    break;
                }
            }
        }
        expected.assert_eq(&seen.join(" "));
    }

    #[test]
    fn symbols_and_names() {
        check(
            "a|b == größe ?? `weird field` // x/y",
            expect!["a Pipe b Equal größe Coalesce QuotedName SlashSlash x Slash y"],
        );
        check(
            "a && b || !c <> d === e ~",
            expect![[
                r#"a Foreign { ours: "and" } b Foreign { ours: "or" } Foreign { ours: "not" } c Foreign { ours: "!=" } d Foreign { ours: "==" } e Unknown('~')"#
            ]],
        );
        check("\u{feff}a", expect!["a"]);
        check(
            "`open\nend",
            expect![[r#"

            Error: this name in backquotes is not closed
               ╭─[ test:1:1 ]
               │
             1 │ `open
               │ ┬────
               │ ╰────── starts here
               │
               │ Help: close it with a backquote on the same line
            ───╯
        "#]],
        );
        check(
            "``",
            expect![[r#"

            Error: a name cannot be empty
               ╭─[ test:1:1 ]
               │
             1 │ ``
               │ ┬─
               │ ╰─── nothing in it
            ───╯
        "#]],
        );
    }

    #[test]
    fn newlines_that_count() {
        check(
            "\n\na # comment | x\n\r\n # more\nb",
            expect!["Newline a Newline b"],
        );
        check("a\n  # comment\n  | b\nc", expect!["a Pipe b Newline c"]);
        check("a (\n b \n) \n c", expect!["a OpenParen b CloseParen Newline c"]);
        check(
            "a ) \n b ; \n",
            expect!["a CloseParen Newline b Semicolon Newline"],
        );
    }

    #[test]
    fn numbers() {
        check(
            "0 1_000 0xFF_ff 18446744073709551615 1.5 1e3 2.5e-3 007",
            expect![
                "Int(0) Int(1000) Int(65535) Int(18446744073709551615) Float(1.5) Float(1000.0) Float(0.0025) Int(7)"
            ],
        );
        check(
            "7ns 3us 250ms 10s 5m 2h 1d 1.5s 0.25ms",
            expect![
                "Duration(7) Duration(3000) Duration(250000000) Duration(10000000000) Duration(300000000000) Duration(7200000000000) Duration(86400000000000) Duration(1500000000) Duration(250000)"
            ],
        );
        check(
            "64KiB 1MiB 2GiB 10kB 5MB 1GB 1.5KiB 3TB 9B",
            expect![
                "ByteSize(65536) ByteSize(1048576) ByteSize(2147483648) ByteSize(10000) ByteSize(5000000) ByteSize(1000000000) ByteSize(1536) ByteSize(3000000000000) ByteSize(9)"
            ],
        );
        check(
            "18446744073709551616",
            expect![[r#"

            Error: the number `18446744073709551616` is too large
               ╭─[ test:1:1 ]
               │
             1 │ 18446744073709551616
               │ ┬───────────────────
               │ ╰───────────────────── does not fit 64 bits
            ───╯
        "#]],
        );
        check(
            "10sec",
            expect![[r#"

            Error: unknown unit `sec`
               ╭─[ test:1:3 ]
               │
             1 │ 10sec
               │   ┬──
               │   ╰──── not a unit
               │
               │ Help: durations end in ns us ms s m h d, sizes in B kB MB GB TB KiB MiB GiB TiB
            ───╯
        "#]],
        );
        check(
            "64kb",
            expect![[r#"

            Error: unknown unit `kb`
               ╭─[ test:1:3 ]
               │
             1 │ 64kb
               │   ┬─
               │   ╰─── not a unit
               │
               │ Help: did you mean `kB`?
            ───╯
        "#]],
        );
        check(
            "0.5ns",
            expect![[r#"

            Error: a duration is a whole number of nanoseconds
               ╭─[ test:1:1 ]
               │
             1 │ 0.5ns
               │ ┬────
               │ ╰────── not a multiple of 1ns
            ───╯
        "#]],
        );
        check(
            "300000d",
            expect![[r#"

            Error: the number `300000d` is too large
               ╭─[ test:1:1 ]
               │
             1 │ 300000d
               │ ┬──────
               │ ╰──────── does not fit 64 bits
            ───╯
        "#]],
        );
        check(
            "0x",
            expect![[r#"

            Error: `0x` is not a number
               ╭─[ test:1:1 ]
               │
             1 │ 0x
               │ ┬─
               │ ╰─── hexadecimal digits follow `0x`
            ───╯
        "#]],
        );
        check(
            "0x1g",
            expect![[r#"

            Error: `0x1g` is not a number
               ╭─[ test:1:1 ]
               │
             1 │ 0x1g
               │ ┬───
               │ ╰───── hexadecimal digits follow `0x`
            ───╯
        "#]],
        );
        check(
            "1e999",
            expect![[r#"

            Error: the number `1e999` is too large
               ╭─[ test:1:1 ]
               │
             1 │ 1e999
               │ ┬────
               │ ╰────── does not fit 64 bits
            ───╯
        "#]],
        );
        check(
            "10.0.0.1",
            expect![[r#"

            Error: `10.0.0.1` is not a number
               ╭─[ test:1:1 ]
               │
             1 │ 10.0.0.1
               │ ┬───────
               │ ╰───────── a number has digits around one point
               │
               │ Help: an address or a version is written in quotes
            ───╯
        "#]],
        );
        check(
            "1.",
            expect![[r#"

            Error: `1.` is not a number
               ╭─[ test:1:1 ]
               │
             1 │ 1.
               │ ┬─
               │ ╰─── a number has digits around one point
               │
               │ Help: an address or a version is written in quotes
            ───╯
        "#]],
        );
    }

    #[test]
    fn strings() {
        check(
            r#" "a\tb\n\r\\\"\'" 'it"s' "\xff\u{e9}\u{1F600}é" "" "#,
            expect![[r#""a\tb\n\r\\\"\'" "it\"s" "\xff\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9" """#]],
        );
        check(
            "\"open\n\"",
            expect![[r#"

            Error: this string is not closed
               ╭─[ test:1:1 ]
               │
             1 │ "open
               │ ┬────
               │ ╰────── starts here
               │
               │ Help: close it with the quote it began with, on the same line; a line end is written \n
            ───╯
        "#]],
        );
        check(
            "'open\\",
            expect![[r#"

            Error: this string is not closed
               ╭─[ test:1:1 ]
               │
             1 │ 'open\
               │ ┬─────
               │ ╰─────── starts here
               │
               │ Help: close it with the quote it began with, on the same line; a line end is written \n
            ───╯
        "#]],
        );
        check(
            r#""C:\path""#,
            expect![[r#"

            Error: unknown escape `\p`
               ╭─[ test:1:4 ]
               │
             1 │ "C:\path"
               │    ┬─
               │    ╰─── not an escape
               │
               │ Help: write `\\` for a backslash
               │
               │ Note: the escapes are \n \t \r \\ \" \' \xNN \u{...}
            ───╯
        "#]],
        );
        check(
            r#""\x4""#,
            expect![[r#"

            Error: unknown escape `\x`
               ╭─[ test:1:2 ]
               │
             1 │ "\x4"
               │  ┬─
               │  ╰─── two hexadecimal digits follow `\x`
            ───╯
        "#]],
        );
        check(
            r#""\u{d800}""#,
            expect![[r#"

            Error: unknown escape `\u`
               ╭─[ test:1:2 ]
               │
             1 │ "\u{d800}"
               │  ┬─
               │  ╰─── `\u{...}` takes one to six hexadecimal digits of a character
            ───╯
        "#]],
        );
        check(
            r#""\u{1234567}""#,
            expect![[r#"

            Error: unknown escape `\u`
               ╭─[ test:1:2 ]
               │
             1 │ "\u{1234567}"
               │  ┬─
               │  ╰─── `\u{...}` takes one to six hexadecimal digits of a character
            ───╯
        "#]],
        );
        check(
            r#""\u12""#,
            expect![[r#"

            Error: unknown escape `\u`
               ╭─[ test:1:2 ]
               │
             1 │ "\u12"
               │  ┬─
               │  ╰─── `\u{...}` takes one to six hexadecimal digits of a character
            ───╯
        "#]],
        );
    }
}
