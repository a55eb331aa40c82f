//! Lines of which neither ident nor user are known and nothing is escaped: most of them.
//!
//! Each step stands for one of [`Parser::parse`](super::Parser::parse), and gives up where
//! that has more to consider.

use super::{Columns, Parser, Row, STAMP, nanos_of, split_request, unless_dash};
use crate::number::digits_at;
use crate::scan::find;

impl Parser {
    /// Parses the line that begins at `start`; `quotes` says where quotes and line ends lie
    /// from there on. Gives how many of these the line has.
    #[inline]
    pub(super) fn parse_plain<'a>(
        &mut self,
        block: &'a [u8],
        start: usize,
        quotes: &[u32],
        want: Columns,
        row: &mut Row<'a>,
    ) -> Option<usize> {
        let request_at = *quotes.first()? as usize;
        let remote_end = find(block, start, request_at, b' ').filter(|&end| end > start)?;
        let stamp_at = remote_end + b" - - [".len();
        if request_at != stamp_at + STAMP + b"] ".len()
            || !block[remote_end..].starts_with(b" - - [")
            || !block[stamp_at + STAMP..].starts_with(b"] \"")
        {
            return None;
        }
        row.remote = &block[start..remote_end];
        let stamp = block[stamp_at..].first_chunk::<STAMP>()?;
        if *stamp != self.stamp {
            self.time = nanos_of(stamp)?;
            self.stamp = *stamp;
        }
        row.time = self.time;

        let mut at = request_at;
        row.request = quoted(block, &mut at, quotes, 0)?;
        if want.meets(Columns::SPLIT) {
            split_request(block, request_at + 1, at - 1, want, row);
        }
        row.status = digits_after_space(block, &mut at)?;
        if block[at..].starts_with(b" -") {
            at += b" -".len();
        } else {
            row.bytes = digits_after_space(block, &mut at)?;
        }
        if is_line_end(block, at, quotes, 2) {
            return Some(3);
        }
        row.referer = unless_dash(quoted_after_space(block, &mut at, quotes, 2)?);
        row.agent = unless_dash(quoted_after_space(block, &mut at, quotes, 4)?);
        is_line_end(block, at, quotes, 6).then_some(7)
    }
}

/// The field between the quote at `at` and the next, which have to be those of these
/// numbers; goes on behind it.
#[inline]
fn quoted<'a>(block: &'a [u8], at: &mut usize, quotes: &[u32], number: usize) -> Option<&'a [u8]> {
    let [from, to] = *quotes.get(number..)?.first_chunk()?;
    let (from, to) = (from as usize, to as usize);
    // A line end, or a quote that may be escaped, is no closing quote.
    if from != *at || block[to] != b'"' || block[to - 1] == b'\\' {
        return None;
    }
    *at = to + 1;
    Some(&block[from + 1..to])
}

#[inline]
fn quoted_after_space<'a>(
    block: &'a [u8],
    at: &mut usize,
    quotes: &[u32],
    number: usize,
) -> Option<&'a [u8]> {
    if !block[*at..].starts_with(b" \"") {
        return None;
    }
    *at += 1;
    quoted(block, at, quotes, number)
}

#[inline]
fn digits_after_space(block: &[u8], at: &mut usize) -> Option<i64> {
    if *block.get(*at)? != b' ' {
        return None;
    }
    let (value, length) = digits_at(block, *at + 1)?;
    *at += 1 + length;
    Some(value)
}

/// Whether the line ends at `at`, with the end of this number.
#[inline]
fn is_line_end(block: &[u8], at: usize, ends: &[u32], number: usize) -> bool {
    let Some(&end) = ends.get(number) else {
        return false;
    };
    let end = end as usize;
    block[end] == b'\n' && (at == end || at + 1 == end && block[at] == b'\r')
}
