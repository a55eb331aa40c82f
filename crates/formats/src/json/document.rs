//! A whole document, checked as `serde_json` does, and the wanted values noted on the way.

use super::path::{NodeId, Wanted};
use super::text::{DEPTH_MAX, number, skip_blanks, string, unescape, word};

/// What a wanted value is, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) what: What,
    /// The place of its text; of a string, without the quotes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a value is, as far as a scan tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum What {
    /// There is none.
    #[default]
    Missing,
    Null,
    Bool(bool),
    /// An integer whose value is known.
    Int(i64),
    /// A number without a point or an exponent.
    Whole,
    /// A number with them.
    Fraction,
    Text {
        has_escapes: bool,
    },
    /// An object or an array.
    Nested {
        has_blanks: bool,
    },
}

/// Scans documents for what is wanted of them.
#[derive(Debug)]
pub(super) struct Scanner<'s> {
    text: &'s [u8],
    wanted: &'s Wanted,
    found: &'s mut [Found],
    depth: usize,
    /// How many blanks there have been within values.
    blanks: usize,
}

/// Where a value ends; none if it is no value.
type End = Option<usize>;

impl<'s> Scanner<'s> {
    /// A scanner of a text that is UTF-8.
    pub(super) fn new(text: &'s [u8], wanted: &'s Wanted, found: &'s mut [Found]) -> Scanner<'s> {
        Scanner {
            text,
            wanted,
            found,
            depth: 0,
            blanks: 0,
        }
    }

    /// Scans a text that has to be one object, with blanks around it.
    pub(super) fn record(mut self) -> Option<()> {
        let start = skip_blanks(self.text, 0);
        if self.text.get(start) != Some(&b'{') {
            return None;
        }
        let end = self.value(start, Some(Wanted::ROOT))?;
        (skip_blanks(self.text, end) == self.text.len()).then_some(())
    }

    /// Scans the value that begins at `at`, has so many objects and arrays around it, and is this node's.
    pub(super) fn value_within(&mut self, at: usize, depth: usize, node: Option<NodeId>) -> End {
        self.depth = depth;
        self.value(at, node)
    }

    /// Whether there have been blanks within values.
    pub(super) fn has_blanks(&self) -> bool {
        self.blanks > 0
    }

    fn value(&mut self, at: usize, node: Option<NodeId>) -> End {
        if let Some(node) = node {
            self.forget(node);
        }
        let blanks = self.blanks;
        let (what, start, end, next) = match *self.text.get(at)? {
            b'"' => {
                let end = string(self.text, at + 1)?;
                let what = What::Text {
                    has_escapes: end.has_escapes,
                };
                (what, at + 1, end.quote, end.quote + 1)
            }
            b'{' | b'[' => {
                let end = self.nested(at, node)?;
                let has_blanks = self.blanks > blanks;
                (What::Nested { has_blanks }, at, end, end)
            }
            b'-' | b'0'..=b'9' => {
                let number = number(self.text, at)?;
                let what = if number.is_whole {
                    What::Whole
                } else {
                    What::Fraction
                };
                (what, at, number.end, number.end)
            }
            first => {
                let end = word(self.text, at)?;
                let what = match first {
                    b'n' => What::Null,
                    first => What::Bool(first == b't'),
                };
                (what, at, end, end)
            }
        };
        if let Some(column) = node.and_then(|node| self.wanted.column(node)) {
            self.found[column] = Found { what, start, end };
        }
        Some(next)
    }

    /// Of keys that come again, the last counts: what was found within an earlier one is not there.
    fn forget(&mut self, node: NodeId) {
        for &column in self.wanted.within(node) {
            self.found[column] = Found::default();
        }
    }

    fn nested(&mut self, at: usize, node: Option<NodeId>) -> End {
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let end = match self.text[at] {
            b'{' => self.object(at, node),
            _ => self.array(at, node),
        };
        self.depth -= 1;
        end
    }

    fn object(&mut self, open: usize, node: Option<NodeId>) -> End {
        let mut at = self.skip_blanks(open + 1);
        if self.text.get(at) == Some(&b'}') {
            return Some(at + 1);
        }
        loop {
            if self.text.get(at) != Some(&b'"') {
                return None;
            }
            let key = string(self.text, at + 1)?;
            let child = node
                .and_then(|node| child_of(self.wanted, node, &self.text[at + 1..key.quote], key.has_escapes));
            at = self.skip_blanks(key.quote + 1);
            if self.text.get(at) != Some(&b':') {
                return None;
            }
            at = self.skip_blanks(at + 1);
            at = self.value(at, child)?;
            at = self.skip_blanks(at);
            match self.text.get(at)? {
                b',' => at = self.skip_blanks(at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn array(&mut self, open: usize, node: Option<NodeId>) -> End {
        let mut at = self.skip_blanks(open + 1);
        if self.text.get(at) == Some(&b']') {
            return Some(at + 1);
        }
        for index in 0.. {
            let child = node.and_then(|node| self.wanted.item(node, index));
            at = self.value(at, child)?;
            at = self.skip_blanks(at);
            match self.text.get(at)? {
                b',' => at = self.skip_blanks(at + 1),
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
        None
    }

    fn skip_blanks(&mut self, at: usize) -> usize {
        let end = skip_blanks(self.text, at);
        self.blanks += end - at;
        end
    }
}

/// The node of a key of an object, by its text between the quotes.
pub(super) fn child_of(wanted: &Wanted, node: NodeId, key: &[u8], has_escapes: bool) -> Option<NodeId> {
    if !has_escapes {
        return wanted.key(node, key);
    }
    let mut plain = vec![0; key.len()];
    let length = unescape(key, &mut plain);
    wanted.key(node, &plain[..length])
}

/// Writes a value that was scanned without its blanks; gives how long that is.
pub(super) fn compact(text: &[u8], out: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        let end = match text[at] {
            b'"' => {
                string(text, at + 1)
                    .expect("INVARIANT: the value has been scanned")
                    .quote
                    + 1
            }
            b' ' | b'\n' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            _ => at + 1,
        };
        out[length..length + end - at].copy_from_slice(&text[at..end]);
        length += end - at;
        at = end;
    }
    length
}
