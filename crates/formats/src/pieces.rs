//! Formats whose columns are pieces of a line: what they have in common.

use std::fmt;

use cutthrough_expr::{LogicalKind, LogicalType};
use cutthrough_ir::Type;

use crate::csv::{Column, put_text};
use crate::infer::Inferred;
use crate::records::{Cells, NeededCells, Records, Verdict};
use crate::scan::Structure;

/// How a line falls into pieces.
pub(crate) trait Pieces: fmt::Debug + Send + 'static {
    /// What the host functions are called.
    const NAME: &'static str;

    /// Whether lines of blanks are no rows at all.
    const HAS_BLANKS: bool = false;

    /// Finds the piece for each column; whether the line is of the format. What is not found stays as it is: missing.
    fn split(&mut self, line: &[u8], found: &mut [Piece]) -> bool;

    /// Writes what a piece with escapes says; gives how long that is, at most the length of the piece.
    fn unescape(text: &[u8], out: &mut [u8]) -> usize {
        out[..text.len()].copy_from_slice(text);
        text.len()
    }
}

/// A piece of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Piece {
    /// There is none.
    #[default]
    Missing,
    /// From here to there.
    At(usize, usize),
    /// The same, with escapes in it.
    Escaped(usize, usize),
    /// What is not in the line.
    Word(&'static [u8]),
}

/// Lines, and which of their pieces are columns of which type.
#[derive(Clone, Debug)]
pub(crate) struct PieceRecords<P> {
    pieces: P,
    columns: Vec<LogicalType>,
    types: Vec<Type>,
    cells: NeededCells,
    found: Vec<Piece>,
    /// Where bytes are put that are not those of the line.
    spare: Vec<u8>,
}

impl<P: Pieces> PieceRecords<P> {
    /// Gives these columns, which are those of the pieces.
    pub(crate) fn new(pieces: P, columns: &[Column]) -> PieceRecords<P> {
        PieceRecords {
            pieces,
            columns: columns.iter().map(|column| column.ty).collect(),
            types: columns.iter().map(|column| column.ty.words()).collect(),
            cells: NeededCells::all(columns.len()),
            found: vec![Piece::Missing; columns.len()],
            spare: Vec::new(),
        }
    }
}

impl<P: Pieces> Records for PieceRecords<P> {
    const NAME: &'static str = P::NAME;
    const HAS_BLANKS: bool = P::HAS_BLANKS;

    fn columns(&self) -> &[Type] {
        &self.types
    }

    fn need(&mut self, columns: i64) {
        self.cells.need(columns);
    }

    fn line<'a>(&'a mut self, line: &'a [u8], cells: &mut impl Cells<'a>) -> Verdict {
        if P::HAS_BLANKS && line.trim_ascii().is_empty() {
            return Verdict::Nothing;
        }
        self.found.fill(Piece::Missing);
        if !self.pieces.split(line, &mut self.found) {
            return Verdict::Bad;
        }
        let escaped = self.found.iter().map(|piece| match *piece {
            Piece::Escaped(start, end) => end - start,
            _ => 0,
        });
        let escaped: usize = escaped.sum();
        if self.spare.len() < escaped {
            self.spare.resize(escaped, 0);
        }
        let mut spare = &mut self.spare[..];
        for ((&ty, &piece), cell) in self.columns.iter().zip(&self.found).zip(self.cells.iter()) {
            let text = match piece {
                Piece::Missing if ty.nullable => continue,
                Piece::Missing => return Verdict::Bad,
                Piece::At(start, end) => &line[start..end],
                Piece::Word(word) => word,
                Piece::Escaped(start, end) => {
                    let (out, rest) = std::mem::take(&mut spare).split_at_mut(end - start);
                    spare = rest;
                    let length = P::unescape(&line[start..end], out);
                    &out[..length]
                }
            };
            if text.is_empty() && ty.nullable && ty.kind != LogicalKind::Text {
                continue;
            }
            if !put_text(ty.kind, cell, text, cells) {
                return Verdict::Bad;
            }
        }
        Verdict::Row
    }

    fn structure(&self) -> Structure {
        Structure::OneOf([b'\n'; 3])
    }

    fn plain<'a>(
        &mut self,
        _block: &'a [u8],
        _start: usize,
        _ends: &[u32],
        _cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        None
    }

    fn row_bytes_min(&self) -> usize {
        1
    }
}

/// What the pieces of the lines of a text are.
pub(crate) fn infer(pieces: &mut impl Pieces, count: usize, text: &[u8]) -> Vec<Inferred> {
    let mut inferred = vec![Inferred::default(); count];
    let mut found = vec![Piece::Missing; count];
    for line in whole_lines(text) {
        found.fill(Piece::Missing);
        if !pieces.split(line, &mut found) {
            continue;
        }
        for (piece, inferred) in found.iter().zip(&mut inferred) {
            match *piece {
                Piece::Missing => inferred.add_missing(),
                Piece::At(start, end) | Piece::Escaped(start, end) => inferred.add(&line[start..end]),
                Piece::Word(word) => inferred.add(word),
            }
        }
    }
    inferred
}

/// The lines of the beginning of an input; the last one may be cut off, and is left out unless it is the first.
pub(crate) fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = memchr::memrchr(b'\n', text).unwrap_or(text.len());
    let lines = text[..end].split(|&byte| byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}
