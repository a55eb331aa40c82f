//! Reads programs and chains: the order of their parts.

use crate::function::Function;
use crate::program::{InputProgram, Program, Tables};
use crate::text::ChainText;
use crate::text::lexer::{Token, error};
use crate::text::parse_tables::Declared;
use crate::text::parser::{Parsed, Parser, cut};
use crate::verify::Role;

impl Parser<'_> {
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
}
