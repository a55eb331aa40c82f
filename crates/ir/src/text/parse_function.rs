//! Reads functions.

use crate::function::{
    Block, BlockData, End, Function, FunctionKind, Imm, Inst, Item, ItemAt, Origin, Target, Terminator, Value,
};
use crate::op::{ImmKind, Op};
use crate::program::Tables;
use crate::text::lexer::{Position, Token, error};
use crate::text::names::{ENDS, ITEMS, said_type};
use crate::text::parser::{Parsed, Parser, cut};
use crate::types::Type;
use crate::verify::Role;

/// A value's definition as it was found.
struct Definition {
    value: Value,
    ty: Type,
    at: Position,
}

impl<'t> Parser<'t> {
    /// The blocks of a function up to the closing brace.
    pub(super) fn blocks(&mut self, tables: &Tables, role: Role) -> Parsed<Function> {
        let mut blocks = Vec::new();
        let mut definitions = Vec::new();
        while !self.is_sign('}') {
            self.line_start()?;
            let at = self.position;
            let index = self.numbered_word('b', "a block such as `b0:`")?;
            if index as usize != blocks.len() {
                return Err(error(
                    at,
                    format!("the next block is b{}, not b{index}", blocks.len()),
                ));
            }
            let block = self.block(tables, &mut definitions)?;
            blocks.push(block);
        }
        let values = types_of(definitions)?;
        let kind = role.kind();
        let returns = match kind {
            FunctionKind::Fragment => Vec::new(),
            FunctionKind::Expression | FunctionKind::Chain => vec![Type::I64],
        };
        Ok(Function {
            kind,
            values,
            blocks,
            returns,
        })
    }

    fn block(&mut self, tables: &Tables, definitions: &mut Vec<Definition>) -> Parsed<BlockData> {
        let mut params = Vec::new();
        if self.is_sign('(') {
            params = self.list(('(', ')'), |parser| {
                let at = parser.position;
                let value = parser.value()?;
                parser.expect_sign(':')?;
                let ty = parser.ty()?;
                definitions.push(Definition { value, ty, at });
                Ok(value)
            })?;
        }
        self.expect_sign(':')?;
        let mut insts = Vec::new();
        loop {
            self.line_start()?;
            let at = self.position;
            let Token::Word(word) = self.token else {
                return self.unexpected("an instruction or a terminator");
            };
            if let Some(terminator) = self.terminator(word)? {
                let origin = self.origin()?;
                return Ok(BlockData {
                    params,
                    insts,
                    terminator,
                    origin,
                });
            }
            let inst = self.inst(tables, at, definitions)?;
            insts.push(inst);
        }
    }

    fn inst(&mut self, tables: &Tables, at: Position, definitions: &mut Vec<Definition>) -> Parsed<Inst> {
        let (mut result, mut written) = (None, None);
        if let Token::Word(word) = self.token
            && let Some(value) = numbered(word, 'v')
        {
            self.advance()?;
            result = Some(Value(value));
            if self.take_sign(':')? {
                written = Some(self.ty()?);
            }
            self.expect_sign('=')?;
        }
        let op_at = self.position;
        let name = self.word("an operation")?;
        let op = Op::from_name(name).ok_or_else(|| {
            error(
                op_at,
                format!("`{}` is no operation and no terminator", cut(name)),
            )
        })?;
        let imm = self.imm(op)?;
        let mut args = Vec::new();
        let has_args = self.in_line() && (imm == Imm::None || self.is_sign(',')) && !self.is_sign('@');
        if has_args {
            if imm != Imm::None {
                self.expect_sign(',')?;
            }
            args = self.values()?;
        }
        if let Some(value) = result {
            let ty = written.or_else(|| said_type(op, imm, tables)).ok_or_else(|| {
                error(
                    at,
                    format!(
                        "write the type of v{}, as {name} does not say it: `v{0}: i64 = ...`",
                        value.0
                    ),
                )
            })?;
            definitions.push(Definition { value, ty, at });
        }
        Ok(Inst {
            op,
            imm,
            args,
            result,
            origin: self.origin()?,
        })
    }

    fn imm(&mut self, op: Op) -> Parsed<Imm> {
        Ok(match op.info().imm {
            ImmKind::None => Imm::None,
            ImmKind::I64 => Imm::I64(self.number("an integer")?),
            ImmKind::F64 => Imm::F64(self.double()?),
            ImmKind::Bool => Imm::Bool(self.bool()?),
            ImmKind::Type => Imm::Type(self.ty()?),
            ImmKind::Data
            | ImmKind::Slot
            | ImmKind::Rows
            | ImmKind::Output
            | ImmKind::Drop
            | ImmKind::Edge
            | ImmKind::Outbox => Imm::Index(self.index()?),
            ImmKind::Column => Imm::Column {
                rows: self.index()?,
                column: self.index()?,
            },
        })
    }

    /// `@3` at the end of the line.
    fn origin(&mut self) -> Parsed<Origin> {
        Ok(Origin(if self.take_sign('@')? { self.index()? } else { 0 }))
    }

    /// The terminator that this word begins, if it does.
    fn terminator(&mut self, word: &str) -> Parsed<Option<Terminator>> {
        if let Some((_, end)) = ENDS.iter().find(|(name, _)| *name == word) {
            self.advance()?;
            return Ok(Some(Terminator::End(*end)));
        }
        if !matches!(
            word,
            "jump"
                | "br"
                | "get"
                | "call"
                | "push"
                | "entry"
                | "take"
                | "fail"
                | "return"
                | "step"
                | "inbox"
                | "batch"
                | "lap"
        ) {
            return Ok(None);
        }
        self.advance()?;
        Ok(Some(match word {
            "jump" => Terminator::Jump(self.target()?),
            "br" => {
                let condition = self.value()?;
                Terminator::Br(condition, self.next_target("")?, self.next_target("")?)
            }
            "get" => {
                let ItemAt { item, view, index } = self.item_at()?;
                let (some, none) = (self.next_target("some")?, self.next_target("none")?);
                Terminator::Get {
                    item,
                    view,
                    index,
                    some,
                    none,
                }
            }
            "call" => {
                let host = self.index()?;
                let args = self.list(('(', ')'), Parser::value)?;
                let mut rows = Vec::new();
                if self.token == Token::Word("rows") {
                    self.advance()?;
                    rows = self.list(('(', ')'), Parser::index)?;
                }
                let (ok, failed) = (self.next_target("ok")?, self.next_target("failed")?);
                Terminator::Call {
                    host,
                    args,
                    rows,
                    ok,
                    failed,
                }
            }
            "entry" => {
                let rows = self.index()?;
                let args = self.list(('(', ')'), Parser::value)?;
                let (ok, failed) = (self.next_target("ok")?, self.next_target("failed")?);
                Terminator::Entry {
                    rows,
                    args,
                    ok,
                    failed,
                }
            }
            "push" => {
                let rows = self.index()?;
                let args = self.list(('(', ')'), Parser::value)?;
                let (ok, failed) = (self.next_target("ok")?, self.next_target("failed")?);
                Terminator::Push {
                    rows,
                    args,
                    ok,
                    failed,
                }
            }
            "take" => Terminator::Take {
                input: self.index()?,
                some: self.next_target("some")?,
                ended: self.next_target("ended")?,
                pending: self.next_target("pending")?,
            },
            "fail" => Terminator::End(End::Fail(self.index()?)),
            "return" => {
                let has_values = self.in_line() && !self.is_sign('@');
                Terminator::Return(if has_values { self.values()? } else { Vec::new() })
            }
            "step" => Terminator::Step {
                go: self.target()?,
                stop: self.next_target("")?,
            },
            "batch" => Terminator::Batch {
                items: self.list(('(', ')'), Parser::item_at)?,
                go: self.next_target("go")?,
                none: self.next_target("none")?,
            },
            "lap" => Terminator::Lap {
                index: self.value()?,
                limit: self.value()?,
                again: self.next_target("again")?,
                done: self.next_target("done")?,
            },
            _ => Terminator::Inbox {
                some: self.target()?,
                none: self.next_target("")?,
            },
        }))
    }

    /// `i64 v3[v2]`.
    fn item_at(&mut self) -> Parsed<ItemAt> {
        let item = self.item()?;
        let view = self.value()?;
        self.expect_sign('[')?;
        let index = self.value()?;
        self.expect_sign(']')?;
        Ok(ItemAt { item, view, index })
    }

    fn item(&mut self) -> Parsed<Item> {
        let found = ITEMS.iter().find(|(name, _)| self.token == Token::Word(name));
        match found {
            Some((_, item)) => {
                self.advance()?;
                Ok(*item)
            }
            None => self.unexpected("`u8`, `i64` or `f64`"),
        }
    }

    /// A comma, a label where there is one, and a target.
    fn next_target(&mut self, label: &str) -> Parsed<Target> {
        self.expect_sign(',')?;
        if !label.is_empty() {
            self.expect_word(label)?;
        }
        self.target()
    }

    fn target(&mut self) -> Parsed<Target> {
        let block = Block(self.numbered_word('b', "a block such as `b1`")?);
        let has_args = self.is_sign('(') && self.in_line();
        let args = if has_args {
            self.list(('(', ')'), Parser::value)?
        } else {
            Vec::new()
        };
        Ok(Target { block, args })
    }

    fn values(&mut self) -> Parsed<Vec<Value>> {
        let mut values = vec![self.value()?];
        while self.take_sign(',')? {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn value(&mut self) -> Parsed<Value> {
        Ok(Value(self.numbered_word('v', "a value such as `v0`")?))
    }

    fn numbered_word(&mut self, letter: char, expected: &str) -> Parsed<u32> {
        let Token::Word(word) = self.token else {
            return self.unexpected(expected);
        };
        let Some(number) = numbered(word, letter) else {
            return self.unexpected(expected);
        };
        self.advance()?;
        Ok(number)
    }
}

/// The number behind the letter, written as it would be printed.
fn numbered(word: &str, letter: char) -> Option<u32> {
    let digits = word.strip_prefix(letter)?;
    let plain = digits == "0" || !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// The types of all values. Each value up to the last must have been found, so that
/// the table is no longer than the text; the verifier rejects what was found twice.
fn types_of(mut definitions: Vec<Definition>) -> Parsed<Vec<Type>> {
    definitions.sort_by_key(|definition| definition.value);
    let mut types: Vec<Type> = Vec::new();
    for Definition { value, ty, at } in definitions {
        let index = value.index();
        if index == types.len() {
            types.push(ty);
        } else if index > types.len() {
            return Err(error(
                at,
                format!("v{index} is defined, but v{} is not", types.len()),
            ));
        } else if types[index] != ty {
            return Err(error(
                at,
                format!("v{index} has been defined as {} before", types[index]),
            ));
        }
    }
    Ok(types)
}
