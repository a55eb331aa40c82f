//! Where the lines of a block lie, all at once: for IR that then takes one line after
//! another without a host call.
//!
//! What a line is, see [`lines`](crate::lines): both modules agree, and a test holds
//! them to it.

use cutthrough_ir::{Host, HostContext, HostSig, Results, Scalar, Type, Words};
use memchr::memchr_iter;

use crate::limits::{LINE_BYTES_MAX, LINE_HEAD_BYTES_MAX, SPAN_BLOCK_BYTES_MAX};
use crate::lines::marks_len;
use crate::marks::InputName;

/// The span of a line that is too long.
pub const TOO_LONG: i64 = -1;

/// How far the beginning of a line is shifted in its span.
pub const START_SHIFT: i64 = 32;

/// What to mask a span with for the end of the line.
pub const END_MASK: i64 = (1 << START_SHIFT) - 1;

/// Finds the lines of a stream of blocks, as a host function:
/// `(op: i64, block: bytes) -> (is_carried: bool, carried: bytes, is_too_long: bool,
/// number: i64, spans: bytes)`, and what the input is called, if that is wanted.
///
/// The first argument says what to do; the second counts for [`SpansHost::BLOCK`]
/// only. If the first line that ends in the block began in an earlier one, it is
/// `carried`. The spans are 64-bit integers in native byte order, one for each
/// further line that ends in the block: its beginning and its end there, or
/// [`TOO_LONG`]. `number` is the number of the line before the first of them.
/// At the end, the spans are of `carried`, which has what is left. An empty block
/// stands between two inputs: it ends the carried line, and numbers begin anew.
#[derive(Debug)]
pub struct SpansHost {
    /// The beginning of a line that goes on.
    carry: Vec<u8>,
    /// Whether that line is too long: the rest of it is skipped.
    skipping: bool,
    /// The carried line that was given last.
    given: Vec<u8>,
    spans: Vec<u8>,
    number: i64,
    line_bytes_max: usize,
    input: Option<InputName>,
    /// What the input of the lines is called that were given last.
    name: Option<String>,
}

impl Default for SpansHost {
    fn default() -> SpansHost {
        SpansHost::new(LINE_BYTES_MAX)
    }
}

impl SpansHost {
    /// Takes a block.
    pub const BLOCK: i64 = 0;
    /// Says that no block follows, which gives a last line without an end.
    pub const END: i64 = 1;

    /// Lines of at most this many bytes.
    pub fn new(line_bytes_max: usize) -> SpansHost {
        SpansHost {
            carry: Vec::new(),
            skipping: false,
            given: Vec::new(),
            spans: Vec::new(),
            number: 0,
            line_bytes_max,
            input: None,
            name: None,
        }
    }

    /// Gives what the input is called as well.
    #[must_use]
    pub fn with_input(self, name: Option<InputName>) -> SpansHost {
        SpansHost { input: name, ..self }
    }

    /// The signature.
    pub fn sig(&self) -> HostSig {
        let results = [Type::BOOL, Type::BYTES, Type::BOOL, Type::I64, Type::BYTES];
        let input = self.input.as_ref().map(|_| Type::BYTES.or_null());
        HostSig {
            name: "find lines".to_owned(),
            params: vec![Type::I64, Type::BYTES],
            results: results.into_iter().chain(input).collect(),
            rows: Vec::new(),
        }
    }

    /// Gives up what is carried as a line; whether it is too long.
    fn give(&mut self) -> bool {
        std::mem::swap(&mut self.given, &mut self.carry);
        if self.number == 0 {
            self.given.drain(..marks_len(&self.given));
        }
        self.carry.clear();
        // One line near the bound should not hold its memory for good.
        self.carry.shrink_to(LINE_HEAD_BYTES_MAX);
        std::mem::take(&mut self.skipping)
    }

    /// Makes the line without an end, if there is one, a block of one line.
    fn last(&mut self) {
        self.spans.clear();
        if !self.carries_mark() && (!self.carry.is_empty() || self.skipping) {
            let span = if self.give() {
                TOO_LONG
            } else {
                self.given.len() as i64
            };
            self.spans.extend_from_slice(&span.to_ne_bytes());
        }
    }

    /// Ends the line that the present input ends with; whether there is one, and if it
    /// is too long.
    fn input_ends(&mut self) -> (bool, bool) {
        self.spans.clear();
        if self.carries_mark() {
            self.carry.clear();
        }
        if self.carry.is_empty() && !self.skipping {
            return (false, false);
        }
        let is_too_long = self.give();
        self.number += 1;
        (true, is_too_long)
    }

    /// Whether an input has had nothing yet but what is no text.
    fn carries_mark(&self) -> bool {
        self.number == 0 && !self.skipping && marks_len(&self.carry) == self.carry.len()
    }

    /// Adds to the carried line, within its bound.
    fn carry_on(&mut self, more: &[u8]) {
        self.skipping |= self.carry.len() + more.len() > self.line_bytes_max;
        if self.skipping {
            self.carry.truncate(LINE_HEAD_BYTES_MAX);
            let room = LINE_HEAD_BYTES_MAX - self.carry.len();
            self.carry.extend_from_slice(&more[..more.len().min(room)]);
        } else {
            self.carry.extend_from_slice(more);
        }
    }

    /// Finds the lines of a block; whether the first is carried and, if so, too long.
    fn block(&mut self, block: &[u8]) -> (bool, bool) {
        self.spans.clear();
        let mut ends = memchr_iter(b'\n', block);
        let mut start = 0;
        let mut carried = (false, false);
        if self.number == 0 && self.carry.is_empty() && !self.skipping {
            start = marks_len(block);
        }
        if !self.carry.is_empty() || self.skipping {
            let Some(end) = ends.next() else {
                self.carry_on(block);
                return carried;
            };
            self.carry_on(&block[..end]);
            start = end + 1;
            let is_too_long = self.give();
            if !is_too_long && self.given.last() == Some(&b'\r') {
                self.given.pop();
            }
            self.number += 1;
            carried = (true, is_too_long);
        }
        for end in ends {
            let span = if end - start > self.line_bytes_max {
                TOO_LONG
            } else {
                let is_cr = end > start && block[end - 1] == b'\r';
                (start as i64) << START_SHIFT | (end - usize::from(is_cr)) as i64
            };
            self.spans.extend_from_slice(&span.to_ne_bytes());
            start = end + 1;
        }
        self.carry_on(&block[start..]);
        carried
    }
}

impl Host for SpansHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let (is_carried, is_too_long) = match args.i64(0) {
            SpansHost::BLOCK => {
                let block = args.bytes(1);
                if block.len() > SPAN_BLOCK_BYTES_MAX {
                    let length = block.len();
                    return Err(format!(
                        "a block of {length} bytes exceeds the {SPAN_BLOCK_BYTES_MAX} allowed"
                    ));
                }
                if block.is_empty() {
                    self.input_ends()
                } else {
                    self.block(block)
                }
            }
            SpansHost::END => {
                self.last();
                (false, false)
            }
            op => return Err(format!("there is no operation {op}")),
        };
        results.i64(3, self.number);
        self.number += (self.spans.len() / size_of::<i64>()) as i64;
        if args.i64(0) == SpansHost::BLOCK && args.bytes(1).is_empty() {
            self.number = 0;
        }
        results.bool(0, is_carried);
        results.bytes(1, &self.given);
        results.bool(2, is_too_long);
        results.bytes(4, &self.spans);
        if let Some(input) = &self.input {
            self.name = input.get();
            let name = self.name.as_deref();
            results.set(5, name.map(|name| Scalar::Bytes(name.as_bytes())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cutthrough_ir::HostFunction;

    use super::*;
    use crate::lines::Lines;
    use crate::testing::{Random, Value, call};

    /// A line: its bytes unless it is too long, and its number.
    type Line = (Option<Vec<u8>>, i64);

    fn by_spans(blocks: &[&[u8]], line_bytes_max: usize) -> Vec<Line> {
        let mut host = {
            let host = SpansHost::new(line_bytes_max);
            HostFunction::new(host.sig(), host)
        };
        let mut found = Vec::new();
        let ends = [(SpansHost::END, &b""[..]); 2];
        for (op, block) in blocks.iter().map(|&block| (SpansHost::BLOCK, block)).chain(ends) {
            let args = [Value::I64(op), Value::Bytes(block.to_vec())];
            let results = call(&mut host, &args, &HostContext::default()).unwrap();
            let [
                is_carried,
                Value::Bytes(carried),
                is_too_long,
                Value::I64(number),
                Value::Bytes(spans),
            ] = &results[..]
            else {
                panic!("{results:?}")
            };
            if *is_carried == Value::Bool(true) {
                let line = (*is_too_long == Value::Bool(false)).then(|| carried.clone());
                found.push((line, *number));
            }
            for (k, span) in spans.as_chunks::<8>().0.iter().enumerate() {
                let span = i64::from_ne_bytes(*span);
                let block = if op == SpansHost::END { carried } else { block };
                let range = (span >> START_SHIFT) as usize..(span & END_MASK) as usize;
                let line = (span != TOO_LONG).then(|| block[range].to_vec());
                found.push((line, number + 1 + k as i64));
            }
        }
        found
    }

    fn by_lines(blocks: &[&[u8]], line_bytes_max: usize) -> Vec<Line> {
        let mut lines = Lines::new(line_bytes_max);
        let mut found = Vec::new();
        for block in blocks.iter().map(Some).chain([None]) {
            match block {
                Some(block) => lines.accept(Bytes::copy_from_slice(block)).unwrap(),
                None => lines.end(),
            }
            while let Some(line) = lines.next() {
                found.push(((!line.too_long).then(|| line.bytes.to_vec()), line.number));
            }
        }
        found
    }

    #[test]
    fn lines_are_what_the_state_machine_says() {
        for seed in 0..5000 {
            let mut random = Random::new(seed);
            let alphabet = *random.pick(&[&b"\n\n\rabcdefg"[..], b"\n\xef\xbb\xbfa"]);
            let mut text = b"\xef\xbb\xbf"[..3 * random.below(2)].to_vec();
            text.extend(random.bytes(alphabet, 80));
            let mut blocks = Vec::new();
            let mut rest = &text[..];
            while !rest.is_empty() {
                let (block, after) = rest.split_at(random.below(rest.len()) + 1);
                blocks.push(block);
                if random.below(4) == 0 {
                    blocks.push(b"");
                }
                rest = after;
            }
            assert_eq!(
                by_spans(&blocks, 12),
                by_lines(&blocks, 12),
                "seed {seed}: {blocks:?}"
            );
        }
    }

    #[test]
    fn a_line_without_an_end_costs_its_head_only() {
        let mut host = SpansHost::new(100_000);
        for _ in 0..1000 {
            host.block(&[b'x'; 10_000]);
            assert!(host.carry.len() <= 100_000);
        }
        assert_eq!(host.block(b"\nshort\n"), (true, true));
        assert_eq!(host.given.len(), LINE_HEAD_BYTES_MAX);
    }
}
