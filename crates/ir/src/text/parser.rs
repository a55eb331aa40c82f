//! The parser that all parts of the text form share: one token of foresight, and what is
//! read alike everywhere.

use crate::limits::TEXT_BYTES_MAX;
use crate::text::TextError;
use crate::text::lexer::{Lexer, Position, Token, error};
use crate::types::{Kind, Type};

pub(super) type Parsed<T> = Result<T, TextError>;

/// A parser with one token of foresight. It does not recur, so no text is too deep.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    pub(super) token: Token<'t>,
    pub(super) position: Position,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parsed<Parser<'t>> {
        if text.len() > TEXT_BYTES_MAX {
            let at = Position {
                line: 1,
                column: 1,
                first: true,
            };
            return Err(error(
                at,
                format!("{} bytes are more than {TEXT_BYTES_MAX}", text.len()),
            ));
        }
        let mut parser = Parser {
            lexer: Lexer::new(text),
            token: Token::End,
            position: Position::default(),
        };
        parser.advance()?;
        Ok(parser)
    }

    pub(super) fn advance(&mut self) -> Parsed<Token<'t>> {
        let (token, position) = self.lexer.next()?;
        self.position = position;
        Ok(std::mem::replace(&mut self.token, token))
    }

    pub(super) fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        Err(error(
            self.position,
            format!("expected {expected}, found {}", self.token),
        ))
    }

    /// Whether the line goes on.
    pub(super) fn in_line(&self) -> bool {
        !self.position.first && self.token != Token::End
    }

    pub(super) fn line_start(&self) -> Parsed<()> {
        if self.in_line() {
            self.unexpected("the end of the line")
        } else {
            Ok(())
        }
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.token == Token::Sign(sign)
    }

    /// Takes a sign if it comes next in this line.
    pub(super) fn take_sign(&mut self, sign: char) -> Parsed<bool> {
        let found = self.is_sign(sign) && self.in_line();
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect_sign(&mut self, sign: char) -> Parsed<()> {
        if self.is_sign(sign) {
            self.advance()?;
            return Ok(());
        }
        self.unexpected(&Token::Sign(sign).to_string())
    }

    pub(super) fn word(&mut self, expected: &str) -> Parsed<&'t str> {
        let Token::Word(word) = self.token else {
            return self.unexpected(expected);
        };
        self.advance()?;
        Ok(word)
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.token == Token::Word(word) {
            self.advance()?;
            return Ok(());
        }
        self.unexpected(&format!("`{word}`"))
    }

    /// Takes a word if it comes next in this line.
    pub(super) fn take_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.token == Token::Word(word) && self.in_line();
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// A number as Rust reads it.
    pub(super) fn number<N: std::str::FromStr>(&mut self, expected: &str) -> Parsed<N> {
        let Token::Number(text) = self.token else {
            return self.unexpected(expected);
        };
        match text.parse() {
            Ok(number) => {
                self.advance()?;
                Ok(number)
            }
            Err(_) => self.unexpected(expected),
        }
    }

    pub(super) fn index(&mut self) -> Parsed<u32> {
        self.number("an index")
    }

    /// A double, as its bits.
    pub(super) fn double(&mut self) -> Parsed<u64> {
        let expected = "a double";
        let bits = match self.token {
            Token::Word("inf") => Some(f64::INFINITY.to_bits()),
            Token::Word("nan") => Some(crate::types::CANONICAL_NAN),
            Token::Number("-inf") => Some(f64::NEG_INFINITY.to_bits()),
            Token::Number(text) => match text.strip_prefix("0x") {
                Some(bits) if !bits.starts_with('+') => u64::from_str_radix(bits, 16).ok(),
                Some(_) => None,
                // Rust reads names of infinities too, which are dealt with above.
                None if text.contains(['i', 'n', 'I', 'N']) => None,
                None => text.parse::<f64>().ok().map(f64::to_bits),
            },
            _ => None,
        };
        match bits {
            Some(bits) => {
                self.advance()?;
                Ok(bits)
            }
            None => self.unexpected(expected),
        }
    }

    pub(super) fn bool(&mut self) -> Parsed<bool> {
        match self.token {
            Token::Word(word @ ("true" | "false")) => {
                self.advance()?;
                Ok(word == "true")
            }
            _ => self.unexpected("`true` or `false`"),
        }
    }

    pub(super) fn ty(&mut self) -> Parsed<Type> {
        let kind = match self.token {
            Token::Word("i64") => Kind::I64,
            Token::Word("f64") => Kind::F64,
            Token::Word("bool") => Kind::Bool,
            Token::Word("bytes") => Kind::Bytes,
            _ => return self.unexpected("a type"),
        };
        self.advance()?;
        let ty = Type::new(kind);
        Ok(if self.take_sign('?')? { ty.or_null() } else { ty })
    }

    /// Items with commas between, up to a closing bracket.
    pub(super) fn list<T>(
        &mut self,
        (open, close): (char, char),
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect_sign(open)?;
        let mut items = Vec::new();
        if !self.is_sign(close) {
            items.push(item(self)?);
            while self.is_sign(',') {
                self.advance()?;
                items.push(item(self)?);
            }
        }
        self.expect_sign(close)?;
        Ok(items)
    }

    pub(super) fn bytes(&mut self) -> Parsed<Vec<u8>> {
        match &mut self.token {
            Token::Quoted(bytes) => {
                let bytes = std::mem::take(bytes);
                self.advance()?;
                Ok(bytes)
            }
            _ => self.unexpected("a quoted text"),
        }
    }

    pub(super) fn name(&mut self) -> Parsed<String> {
        let at = self.position;
        String::from_utf8(self.bytes()?).map_err(|_| error(at, "this text is not UTF-8"))
    }
}

/// The beginning of a word, for messages.
pub(super) fn cut(word: &str) -> &str {
    &word[..word.len().min(30)]
}
