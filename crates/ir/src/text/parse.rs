//! Reads programs and chains: the order of their parts, and what all parts need.

use crate::function::Function;
use crate::limits::TEXT_BYTES_MAX;
use crate::program::{InputProgram, Program, Tables};
use crate::text::lexer::{Lexer, Position, Token, error};
use crate::text::parse_tables::Declared;
use crate::text::{ChainText, TextError};
use crate::types::{Kind, Type};
use crate::verify::Role;

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

    pub(super) fn program(mut self) -> Parsed<Program> {
        self.expect_word("process")?;
        let name = self.name()?;
        self.expect_sign('{')?;
        let Declared {
            tables,
            optional,
            origins: _,
        } = self.tables(false)?;
        let mut inputs: Vec<InputProgram> = Vec::new();
        let mut write_ok = None;
        while !self.is_sign('}') {
            self.line_start()?;
            let at = self.position;
            let word = self.word("a table entry, a function or `}`")?;
            if write_ok.is_some() {
                return Err(error(at, "write_ok is the last function"));
            }
            if word == "write_ok" {
                write_ok = Some(self.function(&tables, Role::WriteOk)?);
                continue;
            }
            if !matches!(word, "read_ok" | "ask" | "end") {
                return Err(error(
                    at,
                    format!("`{}` is no table entry and no function here", cut(word)),
                ));
            }
            let index = self.index()? as usize;
            let count = inputs.len();
            let input = inputs.last_mut().filter(|_| index + 1 == count);
            match (word, input) {
                ("read_ok", _) if index == count => {
                    let read_ok = self.function(&tables, Role::ReadOk(index))?;
                    inputs.push(InputProgram {
                        read_ok,
                        ask: None,
                        end: None,
                    });
                }
                (
                    "ask",
                    Some(InputProgram {
                        ask: ask @ None,
                        end: None,
                        ..
                    }),
                ) => {
                    *ask = Some(self.function(&tables, Role::Ask(index))?);
                }
                ("end", Some(InputProgram { end: end @ None, .. })) => {
                    *end = Some(self.function(&tables, Role::End(index))?);
                }
                _ => {
                    return Err(error(
                        at,
                        "functions come in the order read_ok, ask, end of each input",
                    ));
                }
            }
        }
        self.finish()?;
        Ok(Program {
            name,
            tables,
            inputs,
            write_ok,
            optional,
        })
    }

    pub(super) fn chain(mut self) -> Parsed<ChainText> {
        self.expect_word("chain")?;
        let name = self.name()?;
        self.expect_sign('{')?;
        let Declared { tables, origins, .. } = self.tables(true)?;
        self.line_start()?;
        self.expect_word("run")?;
        let function = self.function(&tables, Role::Run)?;
        self.finish()?;
        Ok(ChainText {
            name,
            function,
            tables,
            origins,
        })
    }

    fn function(&mut self, tables: &Tables, role: Role) -> Parsed<Function> {
        self.expect_sign('{')?;
        let function = self.blocks(tables, role)?;
        self.line_start()?;
        self.expect_sign('}')?;
        Ok(function)
    }

    /// The brace that closes everything, and the end.
    fn finish(&mut self) -> Parsed<()> {
        self.line_start()?;
        self.expect_sign('}')?;
        match self.token {
            Token::End => Ok(()),
            _ => self.unexpected("the end of the text"),
        }
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
