//! Blocks of bytes to lines.
//!
//! A line ends with `\n`; a `\r` before it is not part of the line. A line that
//! goes on in the next block is carried over in a buffer; all others are views of
//! their block. A line longer than the bound is skipped to its end, and given once
//! with its beginning, flagged. An empty block stands between two inputs: no line goes
//! on beyond it, and lines are numbered from 1 again. A mark of the byte order at the
//! beginning of an input is no part of its first line.

use bytes::Bytes;
use memchr::memchr_iter;

use crate::limits::{BLOCK_BYTES_MAX, LINE_BYTES_MAX, LINE_HEAD_BYTES_MAX};

/// The mark of the byte order, in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes of the beginning of an input are marks of the byte order.
pub(crate) fn marks_len(text: &[u8]) -> usize {
    let marks = text.chunks_exact(BYTE_ORDER_MARK.len());
    BYTE_ORDER_MARK.len() * marks.take_while(|&mark| mark == BYTE_ORDER_MARK).count()
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its end; if it is too long, the first
    /// [`LINE_HEAD_BYTES_MAX`] bytes of it.
    pub bytes: &'a [u8],
    /// Its number; the first of each input is 1.
    pub number: i64,
    /// Whether it is longer than the bound.
    pub too_long: bool,
}

/// Splits a stream of blocks into lines.
///
/// Call [`accept`](Lines::accept) with a block, [`next`](Lines::next) until there
/// is none, and so on; at the end of input [`end`](Lines::end), and `next` until
/// there is none.
#[derive(Debug)]
pub struct Lines {
    block: Bytes,
    /// Where lines of the block end, and how many of them were taken.
    ends: Vec<u32>,
    taken: usize,
    /// Where the next line of the block begins.
    start: usize,
    /// The beginning of a line that goes on; after it was given, to be cleared.
    carry: Vec<u8>,
    carry_given: bool,
    /// Whether the line in `carry` is too long: the rest of it is skipped.
    skipping: bool,
    ended: bool,
    /// Whether the block is an empty one, and so the end of an input.
    input_ended: bool,
    number: i64,
    line_bytes_max: usize,
    too_long: u64,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines::new(LINE_BYTES_MAX)
    }
}

impl Lines {
    /// Lines of at most this many bytes.
    pub fn new(line_bytes_max: usize) -> Lines {
        Lines {
            block: Bytes::new(),
            ends: Vec::new(),
            taken: 0,
            start: 0,
            carry: Vec::new(),
            carry_given: false,
            skipping: false,
            ended: false,
            input_ended: false,
            number: 0,
            line_bytes_max,
            too_long: 0,
        }
    }

    /// How many lines were too long up to now.
    pub fn too_long(&self) -> u64 {
        self.too_long
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// When lines of the last block were not taken yet, after the end, or when the
    /// block is larger than [`BLOCK_BYTES_MAX`].
    pub fn accept(&mut self, block: Bytes) -> Result<(), String> {
        if self.taken < self.ends.len() || self.input_ended {
            return Err("lines: a block was given before all lines of the last were taken".to_owned());
        }
        if self.ended {
            return Err("lines: a block was given after the end".to_owned());
        }
        if block.len() > BLOCK_BYTES_MAX {
            return Err(format!(
                "lines: a block of {} bytes exceeds the {BLOCK_BYTES_MAX} allowed",
                block.len()
            ));
        }
        self.retire();
        self.input_ended = block.is_empty();
        // PERF: one pass over the block finds all ends, at the speed of memory; the
        // calls for each line then only look them up.
        self.ends.extend(memchr_iter(b'\n', &block).map(|end| end as u32));
        if self.number == 0 && !self.carries() {
            self.start = marks_len(&block);
        }
        self.block = block;
        Ok(())
    }

    /// Says that no block follows. A last line without an end is given by `next`.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next line, if there is one yet.
    #[expect(clippy::should_implement_trait, reason = "it lends, which an iterator cannot")]
    pub fn next(&mut self) -> Option<Line<'_>> {
        let from = self.start;
        let Some(&end) = self.ends.get(self.taken) else {
            return self.last();
        };
        let end = end as usize;
        self.taken += 1;
        self.start = end + 1;
        self.number += 1;
        if self.carries() {
            self.carry_on(from, end);
            return Some(self.carried(true));
        }
        let line = &self.block[from..end];
        if line.len() > self.line_bytes_max {
            self.too_long += 1;
            let bytes = &line[..line.len().min(LINE_HEAD_BYTES_MAX)];
            return Some(Line {
                bytes,
                number: self.number,
                too_long: true,
            });
        }
        let bytes = line.strip_suffix(b"\r").unwrap_or(line);
        Some(Line {
            bytes,
            number: self.number,
            too_long: false,
        })
    }

    /// When no line end is left: at the end of an input, the line without one.
    fn last(&mut self) -> Option<Line<'_>> {
        self.retire();
        let is_end = self.ended || self.input_ended;
        if is_end && self.number == 0 && marks_len(&self.carry) == self.carry.len() {
            self.carry.clear();
        }
        if !is_end || !self.carries() {
            if std::mem::take(&mut self.input_ended) {
                self.number = 0;
            }
            return None;
        }
        self.number += 1;
        Some(self.carried(false))
    }

    /// Whether the line that comes next began in an earlier block. Forgets the
    /// carried line that was given last.
    fn carries(&mut self) -> bool {
        if self.carry_given {
            self.carry_given = false;
            self.skipping = false;
            self.carry.clear();
            // One line near the bound should not hold its memory for good.
            self.carry.shrink_to(LINE_HEAD_BYTES_MAX);
        }
        !self.carry.is_empty() || self.skipping
    }

    /// Lets go of the block, all lines of which were taken; carries over its rest.
    fn retire(&mut self) {
        self.carries();
        self.carry_on(self.start, self.block.len());
        self.block = Bytes::new();
        self.ends.clear();
        self.taken = 0;
        self.start = 0;
    }

    /// Adds a range of the block to the carried line, within its bound.
    fn carry_on(&mut self, from: usize, to: usize) {
        let more = &self.block[from..to];
        self.skipping |= self.carry.len() + more.len() > self.line_bytes_max;
        if self.skipping {
            self.carry.truncate(LINE_HEAD_BYTES_MAX);
            let room = LINE_HEAD_BYTES_MAX - self.carry.len();
            self.carry.extend_from_slice(&more[..more.len().min(room)]);
        } else {
            self.carry.extend_from_slice(more);
        }
    }

    fn carried(&mut self, has_end: bool) -> Line<'_> {
        self.carry_given = true;
        self.too_long += u64::from(self.skipping);
        let mut bytes = match self.carry.strip_suffix(b"\r") {
            Some(bytes) if has_end && !self.skipping => bytes,
            _ => &self.carry,
        };
        if self.number == 1 {
            bytes = &bytes[marks_len(bytes)..];
        }
        Line {
            bytes,
            number: self.number,
            too_long: self.skipping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// Splits blocks with a bound; `!` marks a line that is too long.
    fn split(blocks: &[&[u8]], line_bytes_max: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(line_bytes_max);
        let mut found = Vec::new();
        let mut numbered = 0;
        let mut take = |lines: &mut Lines, is_end: bool| {
            while let Some(line) = lines.next() {
                let mut bytes = line.bytes.to_vec();
                bytes.extend(line.too_long.then_some(b'!'));
                found.push(bytes);
                numbered += 1;
                assert_eq!(line.number, numbered);
            }
            if is_end {
                numbered = 0;
            }
        };
        for block in blocks {
            lines.accept(Bytes::copy_from_slice(block)).unwrap();
            take(&mut lines, block.is_empty());
        }
        lines.end();
        take(&mut lines, false);
        take(&mut lines, false);
        found
    }

    fn check(blocks: &[&str], expected: &[&str]) {
        let blocks: Vec<&[u8]> = blocks.iter().map(|block| block.as_bytes()).collect();
        let expected: Vec<Vec<u8>> = expected.iter().map(|line| line.as_bytes().to_vec()).collect();
        assert_eq!(split(&blocks, 10), expected);
    }

    #[test]
    fn lines_end_with_a_newline_or_the_input() {
        check(&[], &[]);
        check(&["", ""], &[]);
        check(&["\n"], &[""]);
        check(&["a\nb\n"], &["a", "b"]);
        check(&["a\r\n\r\nb\r"], &["a", "", "b\r"]);
        check(&["a\r\r\n"], &["a\r"]);
        check(&["a\n\nb"], &["a", "", "b"]);
    }

    #[test]
    fn the_mark_of_an_input_is_no_text() {
        const MARKED: &str = "\u{feff}a\n\u{feff}b";
        for at in (0..5).map(|at| MARKED.as_bytes().split_at(at)) {
            let found = split(
                &[at.0, at.1, b"", b"\xef\xbb\xbf", b"", b"\xef\xbb", b"\xbfc\n"],
                10,
            );
            assert_eq!(found, [&b"a"[..], "\u{feff}b".as_bytes(), b"c"]);
        }
    }

    #[test]
    fn lines_go_on_in_later_blocks() {
        check(&["a", "b", "c\nd", "\n", "e\r", "\nf"], &["abc", "d", "e", "f"]);
        check(&["a\r", "\n"], &["a"]);
        check(&["a\n", "\n", "b"], &["a", "", "b"]);
    }

    #[test]
    fn no_line_goes_on_in_another_input() {
        check(
            &["a\nb", "", "c", "d\n", "", "", "e\r", "", "\nf"],
            &["a", "b", "cd", "e\r", "", "f"],
        );
        check(&["0123456789a", "", "b"], &["0123456789a!", "b"]);
    }

    #[test]
    fn long_lines_are_flagged_once() {
        check(&["0123456789\n"], &["0123456789"]);
        check(&["0123456789a\nb\n"], &["0123456789a!", "b"]);
        check(&["01234567", "89a", "bc\nd"], &["0123456789abc!", "d"]);
        check(&["0123456789a"], &["0123456789a!"]);
    }

    #[test]
    fn a_skipped_line_costs_its_head_only() {
        let mut lines = Lines::new(100_000);
        for _ in 0..1000 {
            lines.accept(Bytes::from(vec![b'x'; 10_000])).unwrap();
            assert_eq!(lines.next(), None);
            assert!(lines.carry.len() <= 100_000);
        }
        lines.accept(Bytes::from_static(b"\nshort\n")).unwrap();
        let line = lines.next().unwrap();
        assert_eq!(
            (line.bytes.len(), line.number, line.too_long),
            (LINE_HEAD_BYTES_MAX, 1, true)
        );
        assert_eq!(
            lines.next(),
            Some(Line {
                bytes: b"short",
                number: 2,
                too_long: false
            })
        );
        assert_eq!(lines.too_long(), 1);
    }

    #[test]
    fn where_blocks_end_does_not_matter() {
        for seed in 0..3000 {
            let mut random = Random::new(seed);
            let text = random.bytes(b"\n\n\rabcdefg", 60);
            let mut blocks = Vec::new();
            let mut rest = &text[..];
            while !rest.is_empty() {
                let (block, after) = rest.split_at(random.below(rest.len()) + 1);
                blocks.push(block);
                rest = after;
            }
            let mut expected: Vec<Vec<u8>> = Vec::new();
            for piece in text.split_inclusive(|&byte| byte == b'\n') {
                let line = piece.strip_suffix(b"\n").unwrap_or(piece);
                let stripped = line
                    .strip_suffix(b"\r")
                    .filter(|_| piece.ends_with(b"\n"))
                    .unwrap_or(line);
                expected.push(if line.len() > 12 {
                    [line, b"!"].concat()
                } else {
                    stripped.to_vec()
                });
            }
            assert_eq!(split(&blocks, 12), expected, "seed {seed}: {blocks:?}");
        }
    }
}
