//! What the lexer makes of the text.

use crate::span::Span;

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// Kinds of tokens. Words are all [`TokenKind::Name`]; the parser knows which of them are verbs or reserved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A word; the text is that of the span.
    Name,
    /// A name in backquotes; the text is that of the span without its first and last byte.
    QuotedName,
    /// A whole number. One above `i64::MAX` is an error unless a minus precedes it: the parser's business.
    Int(u64),
    Float(f64),
    /// A string, escapes resolved.
    Text(Vec<u8>),
    /// A regular expression between slashes.
    Pattern(Vec<u8>),
    /// Nanoseconds.
    Duration(u64),
    /// Nanoseconds since 1970.
    Time(i64),
    /// A number of bytes.
    ByteSize(u64),
    Pipe,
    Assign,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Star,
    Slash,
    SlashSlash,
    Percent,
    Coalesce,
    OpenParen,
    CloseParen,
    /// Before a key of a value's object.
    Dot,
    /// Around an index or a key.
    OpenBracket,
    CloseBracket,
    Comma,
    Semicolon,
    /// One or more line ends that end a statement.
    Newline,
    /// How other languages write what we write as `ours`.
    Foreign {
        ours: &'static str,
    },
    /// A character that means nothing to us.
    Unknown(char),
    /// The end of the program, from here on for ever.
    End,
}
