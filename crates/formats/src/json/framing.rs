//! Values to lines: how JSON comes that is not one value a line.
//!
//! A stream of JSON is one of these, which the beginning of an input tells:
//!
//! - one value a line, and nothing has to be done;
//! - values one after another, each over one line or many;
//! - arrays of values, whose items are the records.
//!
//! All but the first are made lines, a value each: line ends within a value are blanks, and so become spaces; what
//! parts values becomes a line end. Nothing is checked here but what lines cannot tell: items without a value between
//! commas, and arrays that are not closed, are lines that are no values.
//!
//! Where a value is not closed, the next one that begins a line as only a value can is taken for a new one.

use memchr::memchr3;

/// Where a stream is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Framing {
    form: Form,
    /// How many objects and arrays are open, and for the innermost 64 whether they are objects.
    depth: u32,
    objects: u64,
    in_string: bool,
    is_escaped: bool,
    /// Whether the outermost of what is open is an array of records.
    in_array: bool,
    /// In that array: whether there was a comma.
    has_comma: bool,
    /// Whether something stands in the line that is being made. Each of them is a record, and so there are no others.
    has_value: bool,
    /// Whether a record has ended, and no line end has come since.
    is_ended: bool,
    /// The last byte that is no blank, and whether it was the last in its line.
    last: u8,
    is_line_begin: bool,
}

/// How values come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// That is not known yet.
    #[default]
    Unknown,
    Lines,
    Values,
}

impl Framing {
    /// Makes lines of the next block of an input; in `out`, unless it has lines already.
    pub(crate) fn block<'b>(&mut self, mut block: &'b [u8], out: &'b mut Vec<u8>) -> &'b [u8] {
        if *self == Framing::default() {
            block = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block);
        }
        let before = *self;
        if self.form == Form::Unknown {
            self.decide(block);
            if self.form == Form::Values {
                *self = Framing {
                    form: Form::Values,
                    ..before
                };
            }
        }
        if self.form != Form::Values {
            return block;
        }
        out.clear();
        out.reserve(block.len() + block.len() / 8);
        self.values(block, out);
        out
    }

    /// Ends an input; whether something was open that its lines do not show.
    pub(crate) fn end(&mut self) -> bool {
        std::mem::take(self).in_array
    }

    /// Where a stream is at that is known to have one value a line, at the beginning of a line.
    pub(crate) fn of_lines() -> Framing {
        Framing {
            form: Form::Lines,
            ..Framing::default()
        }
    }

    /// Whether each value is one line.
    pub(crate) fn is_of_lines(&self) -> bool {
        self.form == Form::Lines
    }

    /// The same, as words.
    pub(crate) fn to_words(self) -> [i64; 2] {
        let flags = [
            self.form == Form::Lines,
            self.form == Form::Values,
            self.in_string,
            self.is_escaped,
            self.in_array,
            self.has_comma,
            self.has_value,
            self.is_ended,
            self.is_line_begin,
        ];
        let bits = flags
            .iter()
            .rev()
            .fold(0, |bits, &flag| bits << 1 | i64::from(flag));
        let word = i64::from(self.depth) << 32 | i64::from(self.last) << 16 | bits;
        [word, self.objects.cast_signed()]
    }

    /// What [`to_words`](Framing::to_words) has made.
    pub(crate) fn from_words([word, objects]: [i64; 2]) -> Framing {
        let flag = |bit: u32| word >> bit & 1 != 0;
        Framing {
            form: match (flag(0), flag(1)) {
                (false, false) => Form::Unknown,
                (true, _) => Form::Lines,
                (_, true) => Form::Values,
            },
            depth: (word >> 32) as u32,
            objects: objects.cast_unsigned(),
            in_string: flag(2),
            is_escaped: flag(3),
            in_array: flag(4),
            has_comma: flag(5),
            has_value: flag(6),
            is_ended: flag(7),
            last: (word >> 16) as u8,
            is_line_begin: flag(8),
        }
    }

    /// Looks how values come, up to the byte that tells.
    fn decide(&mut self, block: &[u8]) {
        for &byte in block {
            let is_begin = !self.in_string && self.depth == 0;
            let form = match byte {
                b'[' if is_begin => Form::Values,
                b'{' if is_begin && self.is_ended => Form::Values,
                b'\n' if self.in_string => Form::Lines,
                b'\n' if self.depth > 0 => Form::Values,
                b'\n' if self.last != 0 => Form::Lines,
                _ => Form::Unknown,
            };
            if form != Form::Unknown {
                self.form = form;
                return;
            }
            self.step(byte);
            self.has_value |= !byte.is_ascii_whitespace();
        }
    }

    /// Goes on by a byte of which nothing is made but itself.
    fn step(&mut self, byte: u8) {
        if self.in_string {
            let was_escaped = std::mem::take(&mut self.is_escaped);
            self.is_escaped = !was_escaped && byte == b'\\';
            self.in_string = was_escaped || byte != b'"';
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                self.objects = self.objects << 1 | u64::from(byte == b'{');
            }
            b'}' | b']' if self.depth > self.base() => {
                self.depth -= 1;
                self.objects >>= 1;
                self.is_ended = self.depth == self.base();
            }
            _ => {}
        }
        self.is_line_begin = byte == b'\n';
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
    }

    /// How deep records are.
    fn base(&self) -> u32 {
        u32::from(self.in_array)
    }

    /// Makes lines of values.
    fn values(&mut self, block: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(&byte) = block.get(at) {
            if self.in_string && !self.is_escaped {
                let rest = &block[at..];
                let length = memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..length]);
                at += length;
                if length > 0 {
                    continue;
                }
            }
            match byte {
                b'\n' if self.in_string => {
                    out.push(b'\n');
                    // The item of an array may go on.
                    self.has_value &= self.in_array;
                    self.give_up();
                }
                _ if self.in_string => out.push(byte),
                _ => self.outside(byte, out),
            }
            self.step(byte);
            at += 1;
        }
    }

    /// What is made of a byte that is in no string, before it is gone by.
    fn outside(&mut self, byte: u8, out: &mut Vec<u8>) {
        let is_new = byte == b'{' && self.is_line_begin && self.cannot_go_on();
        if is_new && self.depth > self.base() && !self.in_array {
            self.end_line(out);
            self.give_up();
        }
        if self.depth > self.base() {
            return out.push(if byte == b'\n' { b' ' } else { byte });
        }
        match byte {
            b'[' if self.depth == 0 => {
                self.end_line(out);
                (self.in_array, self.has_comma) = (true, false);
            }
            b']' if self.in_array => {
                self.end_item(self.has_comma, out);
                self.in_array = false;
            }
            b',' if self.in_array => {
                self.end_item(true, out);
                self.has_comma = true;
            }
            b'\n' if self.in_array => out.push(b' '),
            b'\n' => self.end_line(out),
            b' ' | b'\t' | b'\r' => out.push(byte),
            _ => {
                let is_next = self.is_ended || byte == b'{';
                if is_next && !self.in_array {
                    self.end_line(out);
                }
                self.has_value = true;
                out.push(byte);
            }
        }
    }

    /// Ends the line of a record, if there is one.
    fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.has_value {
            out.push(b'\n');
        }
        (self.has_value, self.is_ended) = (false, false);
    }

    /// Ends that of an item. Where there should be one and is none, a comma stands for it.
    fn end_item(&mut self, is_expected: bool, out: &mut Vec<u8>) {
        if is_expected && !self.has_value {
            out.push(b',');
            self.has_value = true;
        }
        self.end_line(out);
    }

    /// Whether what is open cannot go on with an object.
    fn cannot_go_on(&self) -> bool {
        match self.last {
            b',' => self.objects & 1 == 1,
            last => !matches!(last, b':' | b'['),
        }
    }

    /// Takes what is open for closed.
    fn give_up(&mut self) {
        (self.depth, self.in_string, self.is_ended) = (self.base(), false, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// The lines that an input becomes, blank ones left out.
    fn lines(blocks: &[&[u8]]) -> Vec<String> {
        let (mut framing, mut out, mut all) = (Framing::default(), Vec::new(), Vec::new());
        for block in blocks {
            all.extend_from_slice(framing.block(block, &mut out));
            framing = Framing::from_words(framing.to_words());
        }
        if framing.end() {
            all.extend_from_slice(b"\n[open");
        }
        let text = String::from_utf8(all).unwrap();
        let lines = text.split('\n').map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(lines(&[text.as_bytes()]), expected, "{text}");
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        if !text.starts_with('\u{feff}') {
            assert_eq!(lines(&bytes), expected, "{text}");
        }
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let (one, other) = text.as_bytes().split_at(random.below(text.len() + 1));
            if one.len() > 2 {
                assert_eq!(lines(&[one, other]), expected, "{text}");
            }
        }
    }

    #[test]
    fn lines_are_left_alone() {
        check("{\"a\":1}\n{\"b\":[\n2]}\n", &["{\"a\":1}", "{\"b\":[", "2]}"]);
        check("\n\n{} \n[1]\n{}{}\n", &["{}", "[1]", "{}{}"]);
        check(
            "cut off\":1}\n{\"a\":1}\n{\n",
            &["cut off\":1}", "{\"a\":1}", "{"],
        );
        check(
            "{\"a\":\"cut off\n{\"a\":1}\n",
            &["{\"a\":\"cut off", "{\"a\":1}"],
        );
        check("\u{feff}{}\n{}", &["{}", "{}"]);
    }

    #[test]
    fn values_become_lines() {
        check(
            "{\n \"a\": 1\n}\n{\n \"a\":\r\n [1,\n2]}\n",
            &["{  \"a\": 1 }", "{  \"a\":\r  [1, 2]}"],
        );
        check(
            "{\"a\":1}{\"a\":2} {\"a\":3}\n{\"a\":4}",
            &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"],
        );
        check("{\n\"a\":\"}\\\"{\\\\\"}{}", &["{ \"a\":\"}\\\"{\\\\\"}", "{}"]);
    }

    #[test]
    fn arrays_become_their_items() {
        check("[{\"a\":1},{\"a\":[2,3]}]", &["{\"a\":1}", "{\"a\":[2,3]}"]);
        check(" [\n {\"a\":\n1}\n,\n {}\n]\n", &["{\"a\": 1}", "{}"]);
        check("[]", &[]);
        check("[1,\"x,]\", [2,3]]", &["1", "\"x,]\"", "[2,3]"]);
        check("[{}][{}]\n{}", &["{}", "{}", "{}"]);
    }

    #[test]
    fn each_line_that_is_made_is_a_record() {
        let made = |text: &str| {
            let mut out = Vec::new();
            let lines = Framing::default().block(text.as_bytes(), &mut out).to_vec();
            String::from_utf8(lines).unwrap()
        };
        assert_eq!(made("[{\"a\":1},5]\n[1]\n\n[2]"), "{\"a\":1}\n5\n1\n2\n");
        assert_eq!(made("{\n}\n\n{}\n"), "{ }\n{}\n");
    }

    #[test]
    fn an_object_behind_a_scalar_is_a_record_of_its_own() {
        check(
            "{\"a\":\n1} null {\"a\":2}\n{\"a\":3}\n",
            &["{\"a\": 1}", "null", "{\"a\":2}", "{\"a\":3}"],
        );
        check("{\n} \"x\" {}", &["{ }", "\"x\"", "{}"]);
    }

    #[test]
    fn what_is_wrong_with_an_array_is_a_line() {
        check("[{},,{}]", &["{}", ",", "{}"]);
        check("[,{}]", &[",", "{}"]);
        check("[{},]", &["{}", ","]);
        check("[{},{}", &["{}", "{}", "[open"]);
        check("[{} {}]", &["{} {}"]);
        check("[{}}]", &["{}}"]);
    }

    #[test]
    fn a_value_that_is_not_closed_ends_where_the_next_begins() {
        check(
            "{\"a\":1,\n{\"a\":2}\n{\"a\":3}\n",
            &["{\"a\":1,", "{\"a\":2}", "{\"a\":3}"],
        );
        check(
            "{\n\"a\":{\"b\":1\n{\n\"a\":2\n}\n",
            &["{ \"a\":{\"b\":1", "{ \"a\":2 }"],
        );
        check("{\n\"a\":\"x\n{\n\"a\":2}", &["{ \"a\":\"x", "{ \"a\":2}"]);
        // As these may go on.
        check(
            "{\n\"a\":\n{\n}, \"b\":[\n{\n},\n{\n}\n]}",
            &["{ \"a\": { }, \"b\":[ { }, { } ]}"],
        );
    }
}
