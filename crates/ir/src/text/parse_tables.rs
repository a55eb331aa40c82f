//! Reads the tables.

use std::sync::Arc;

use bytes::Bytes;

use crate::data::Data;
use crate::program::{AtBound, HostSig, RowsDecl, RowsParam, SlotDecl, Tables};
use crate::text::lexer::{Token, error};
use crate::text::parser::{Parsed, Parser};
use crate::types::{ElementType, Kind, Type, Word};

/// What stands before the functions.
pub(super) struct Declared {
    pub(super) tables: Tables,
    pub(super) optional: Vec<bool>,
    pub(super) origins: Vec<String>,
}

impl<'t> Parser<'t> {
    /// All entries up to the first function or the closing brace.
    pub(super) fn tables(&mut self, in_chain: bool) -> Parsed<Declared> {
        let mut declared = Declared {
            tables: Tables::default(),
            optional: Vec::new(),
            origins: Vec::new(),
        };
        let Declared {
            tables,
            optional,
            origins,
        } = &mut declared;
        loop {
            self.line_start()?;
            let Token::Word(word) = self.token else {
                return Ok(declared);
            };
            match word {
                "slot" => {
                    self.numbered(tables.slots.len())?;
                    let slot = self.slot()?;
                    tables.slots.push(slot);
                }
                "rows" => {
                    self.numbered(tables.rows.len())?;
                    let rows = self.rows()?;
                    tables.rows.push(rows);
                }
                "host" => {
                    self.numbered(tables.hosts.len())?;
                    let host = self.host()?;
                    tables.hosts.push(host);
                }
                "data" => {
                    self.numbered(tables.data.len())?;
                    let data = self.data()?;
                    tables.data.push(data);
                }
                "input" => {
                    self.numbered(tables.inputs.len())?;
                    let element = self.element()?;
                    tables.inputs.push(element);
                }
                "output" => {
                    self.numbered(tables.outputs.len())?;
                    let is_optional = !in_chain && self.token == Token::Word("optional");
                    if is_optional {
                        self.advance()?;
                    }
                    let element = self.element()?;
                    tables.outputs.push(element);
                    optional.push(is_optional);
                }
                "drop" => self.named(&mut tables.drops)?,
                "error" => self.named(&mut tables.errors)?,
                "edges" if in_chain && tables.edges == 0 => {
                    self.advance()?;
                    tables.edges = self.index()? as usize;
                }
                "origin" if in_chain => self.named(origins)?,
                _ => return Ok(declared),
            }
        }
    }

    /// The word of an entry and its index, which counts up.
    fn numbered(&mut self, next: usize) -> Parsed<()> {
        self.advance()?;
        let at = self.position;
        let index = self.index()?;
        if index as usize == next {
            return Ok(());
        }
        Err(error(
            at,
            format!("the next entry of this table is {next}, not {index}"),
        ))
    }

    fn named(&mut self, table: &mut Vec<String>) -> Parsed<()> {
        self.numbered(table.len())?;
        let name = self.name()?;
        table.push(name);
        Ok(())
    }

    fn types(&mut self) -> Parsed<Vec<Type>> {
        self.list(('(', ')'), Parser::ty)
    }

    fn element(&mut self) -> Parsed<ElementType> {
        self.expect_sign(':')?;
        Ok(ElementType::new(self.types()?))
    }

    fn host(&mut self) -> Parsed<HostSig> {
        let name = self.name()?;
        self.expect_sign(':')?;
        let params = self.types()?;
        self.expect_sign('>')?;
        let results = self.types()?;
        let mut rows = Vec::new();
        while matches!(self.token, Token::Word("reads" | "writes")) && self.in_line() {
            let writes = self.token == Token::Word("writes");
            self.advance()?;
            let columns = self.types()?;
            rows.push(RowsParam { columns, writes });
        }
        Ok(HostSig {
            name,
            params,
            results,
            rows,
        })
    }

    fn rows(&mut self) -> Parsed<RowsDecl> {
        let mut decl = RowsDecl::new(self.name()?, [], 0);
        if self.take_word("key")? {
            decl.key = self.index()? as usize;
        }
        if self.take_word("rows")? {
            decl.rows_max = self.number("a number of rows")?;
        }
        if self.take_word("evicts")? {
            decl.at_bound = AtBound::EvictOldest;
        }
        self.expect_word("max")?;
        decl.bytes_max = self.number("a number of bytes")?;
        self.expect_sign(':')?;
        decl.columns = self.list(('(', ')'), Parser::slot)?;
        Ok(decl)
    }

    fn data(&mut self) -> Parsed<Data> {
        self.expect_sign('=')?;
        match self.token {
            Token::Word("bytes") => {
                self.advance()?;
                Ok(Data::Bytes(Bytes::from(self.bytes()?)))
            }
            Token::Word("i64") => {
                self.advance()?;
                let items: Vec<i64> = self.list(('[', ']'), |parser| parser.number("an integer"))?;
                Ok(Data::I64(Arc::from(items)))
            }
            Token::Word("f64") => {
                self.advance()?;
                let items = self.list(('[', ']'), |parser| Ok(f64::from_bits(parser.double()?)))?;
                Ok(Data::F64(Arc::from(items)))
            }
            _ => self.unexpected("`bytes`, `i64` or `f64`"),
        }
    }

    fn slot(&mut self) -> Parsed<SlotDecl> {
        let name = self.name()?;
        self.expect_sign(':')?;
        let ty = self.ty()?;
        let init = if self.take_sign('=')? {
            self.init(ty)?
        } else {
            vec![0; ty.words()]
        };
        Ok(SlotDecl { name, ty, init })
    }

    fn init(&mut self, ty: Type) -> Parsed<Vec<Word>> {
        if self.token == Token::Word("words") {
            self.advance()?;
            return self.list(('[', ']'), |parser| parser.number("a word"));
        }
        let word = match ty.kind {
            Kind::I64 => self.number::<i64>("an integer")?.cast_unsigned(),
            Kind::F64 => self.double()?,
            Kind::Bool => self.bool()?.into(),
            Kind::Bytes => {
                return Err(error(
                    self.position,
                    "slots of bytes begin empty, so leave out ` = ...`",
                ));
            }
        };
        Ok(if ty.nullable { vec![word, 1] } else { vec![word] })
    }
}
