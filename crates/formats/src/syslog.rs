//! Lines of system logs, by RFC 5424 and by RFC 3164, as a file has them or with the priority before them.
//!
//! ```text
//! <34>1 2026-11-21T01:18:20.003Z host app 4711 ID47 [origin ip="10.0.0.1"] message
//! <34>Nov 21 01:18:20 host app[4711]: message
//! Nov 21 01:18:20 host app: message
//! 2026-11-21T01:18:20.003+01:00 host app[4711]: message
//! ```
//!
//! A line is good when it begins with a time of one of these forms, with or without a priority, and a host follows.

use cutthrough_expr::LogicalType;

use crate::pieces::{Piece, Pieces};

/// The columns of a row, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `int?`: what the message is about, from 0 to 23, and how severe it is, from 0 (most) to 7: priority / 8 and % 8.
    Priority,
    /// `text?`: when, as it stands there: by RFC 3164 without the year and the zone.
    Stamp,
    /// `text?`: the host.
    Host,
    /// `text?`: the program.
    App,
    /// `text?`: the process.
    Pid,
    /// `text?`: of which kind the message is; by RFC 5424 alone.
    MsgId,
    /// `text?`: structured data, as it stands there; by RFC 5424 alone.
    Data,
    /// `text`: the rest.
    Msg,
}

impl Column {
    /// All columns, in order.
    pub const ALL: [Column; 8] = [
        Column::Priority,
        Column::Stamp,
        Column::Host,
        Column::App,
        Column::Pid,
        Column::MsgId,
        Column::Data,
        Column::Msg,
    ];

    /// The type of the column.
    pub fn ty(self) -> LogicalType {
        match self {
            Column::Priority => LogicalType::INT.or_null(),
            Column::Msg => LogicalType::TEXT,
            _ => LogicalType::TEXT.or_null(),
        }
    }

    /// The name of the column.
    pub fn name(self) -> &'static str {
        match self {
            Column::Priority => "priority",
            Column::Stamp => "stamp",
            Column::Host => "host",
            Column::App => "app",
            Column::Pid => "pid",
            Column::MsgId => "msgid",
            Column::Data => "data",
            Column::Msg => "msg",
        }
    }
}

/// Lines of system logs.
#[derive(Clone, Debug)]
pub(crate) struct SyslogPieces {
    /// Where each column is put.
    places: [Option<usize>; Column::ALL.len()],
}

/// A line, from some place on.
#[derive(Clone, Copy)]
struct Rest<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Rest<'l> {
    fn bytes(self) -> &'l [u8] {
        &self.line[self.at..]
    }

    /// The text up to the next space, which is gone by; not empty.
    fn word(&mut self) -> Option<Piece> {
        let rest = self.bytes();
        let length = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let piece = Piece::At(self.at, self.at + length);
        self.at = (self.at + length + 1).min(self.line.len());
        (length > 0).then_some(piece)
    }

    /// The same, where `-` is nothing.
    fn word_or_dash(&mut self) -> Option<Piece> {
        let piece = self.word()?;
        let Piece::At(start, end) = piece else { return None };
        Some(match &self.line[start..end] {
            b"-" => Piece::Missing,
            _ => piece,
        })
    }
}

impl SyslogPieces {
    /// Gives these columns.
    pub(crate) fn new(columns: &[Column]) -> SyslogPieces {
        let place = |column: Column| columns.iter().position(|&wanted| wanted == column);
        SyslogPieces {
            places: Column::ALL.map(place),
        }
    }

    fn try_split(&self, line: &[u8], found: &mut [Piece]) -> Option<()> {
        let mut put = |column: Column, piece: Piece| {
            if let Some(place) = self.places[column as usize] {
                found[place] = piece;
            }
        };
        let mut rest = Rest { line, at: 0 };
        if line.first() == Some(&b'<') {
            let end = line.iter().take(5).position(|&byte| byte == b'>')?;
            let digits = &line[1..end];
            let is_priority =
                crate::number::parse_i64(digits).is_some_and(|priority| (0..192).contains(&priority));
            if !is_priority || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            put(Column::Priority, Piece::At(1, end));
            rest.at = end + 1;
        }
        if rest.at > 0 && rest.bytes().starts_with(b"1 ") {
            rest.at += 2;
            return rfc5424(rest, put);
        }
        let stamp = stamp_length(rest.bytes())?;
        put(Column::Stamp, Piece::At(rest.at, rest.at + stamp));
        rest.at = (rest.at + stamp + 1).min(line.len());
        put(Column::Host, rest.word()?);
        let (app, pid) = tag(&mut rest);
        put(Column::App, app);
        put(Column::Pid, pid);
        put(Column::Msg, Piece::At(rest.at, line.len()));
        Some(())
    }
}

/// What follows the version.
fn rfc5424(mut rest: Rest<'_>, mut put: impl FnMut(Column, Piece)) -> Option<()> {
    let stamp = rest.word_or_dash()?;
    if let Piece::At(start, end) = stamp
        && stamp_length(&rest.line[start..]) != Some(end - start)
    {
        return None;
    }
    put(Column::Stamp, stamp);
    for column in [Column::Host, Column::App, Column::Pid, Column::MsgId] {
        put(column, rest.word_or_dash()?);
    }
    let data = rest.at;
    let end = match rest.bytes() {
        [b'-', ..] => data + 1,
        _ => data_end(rest.line, data)?,
    };
    if rest.line[data] != b'-' {
        put(Column::Data, Piece::At(data, end));
    }
    let msg = match rest.line.get(end) {
        None => end,
        Some(b' ') => end + 1,
        Some(_) => return None,
    };
    let marked = rest.line[msg..].starts_with(b"\xef\xbb\xbf");
    put(
        Column::Msg,
        Piece::At(msg + 3 * usize::from(marked), rest.line.len()),
    );
    Some(())
}

/// Where structured data ends: elements in brackets, one after another, in whose quotes `\"`, `\\` and `\]` stand for
/// themselves.
fn data_end(line: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut in_quotes) = (from, false);
    while line.get(at) == Some(&b'[') {
        loop {
            at += 1;
            match line.get(at)? {
                b'\\' if in_quotes => at += 1,
                b'"' => in_quotes = !in_quotes,
                b']' if !in_quotes => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > from).then_some(at)
}

/// How long the time is that a line begins with: `Nov 21 01:18:20`, or by ISO 8601; a space or the end follows.
fn stamp_length(line: &[u8]) -> Option<usize> {
    const SHAPE: &[u8] = b"Aaa _d dd:dd:dd";
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'd' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || byte == b' ',
        shape => byte == shape,
    };
    let is_old = line.len() >= SHAPE.len() && line.iter().zip(SHAPE).all(fits);
    let is_iso = line.len() >= 19 && line[..19].iter().zip(b"dddd-dd-ddTdd:dd:dd").all(fits_iso);
    let length = memchr::memchr(b' ', line).unwrap_or(line.len());
    match (is_old, is_iso) {
        (true, _) => matches!(line.get(SHAPE.len()), None | Some(b' ')).then_some(SHAPE.len()),
        (_, true) => Some(length),
        _ => None,
    }
}

fn fits_iso((&byte, &shape): (&u8, &u8)) -> bool {
    match shape {
        b'd' => byte.is_ascii_digit(),
        shape => byte == shape,
    }
}

/// The program and the process of `app[4711]: `, if that is there.
fn tag(rest: &mut Rest<'_>) -> (Piece, Piece) {
    let text = rest.bytes();
    let length = text.iter().position(|&byte| matches!(byte, b' ' | b':' | b'['));
    let Some(length) = length.filter(|&length| length > 0 && text[length] != b' ') else {
        return (Piece::Missing, Piece::Missing);
    };
    let start = rest.at;
    let app = Piece::At(start, start + length);
    let (pid, end) = match text[length] {
        b'[' => match memchr::memchr(b']', text) {
            Some(close) => (Piece::At(start + length + 1, start + close), close + 1),
            None => return (Piece::Missing, Piece::Missing),
        },
        _ => (Piece::Missing, length),
    };
    if text.get(end) != Some(&b':') {
        return (Piece::Missing, Piece::Missing);
    }
    let space = usize::from(text.get(end + 1) == Some(&b' '));
    rest.at = start + end + 1 + space;
    (app, pid)
}

impl Pieces for SyslogPieces {
    const NAME: &'static str = "parse syslog";
    const HAS_BLANKS: bool = true;

    fn split(&mut self, line: &[u8], found: &mut [Piece]) -> bool {
        self.try_split(line, found).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let mut found = vec![Piece::Missing; Column::ALL.len()];
        let is_good = SyslogPieces::new(&Column::ALL).split(line.as_bytes(), &mut found);
        let shown: Vec<&str> = found
            .iter()
            .map(|piece| match *piece {
                Piece::At(start, end) => &line[start..end],
                _ => "-",
            })
            .collect();
        let shown = if is_good {
            shown.join("|")
        } else {
            "bad".to_owned()
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn lines_of_both_forms() {
        check(
            "<34>1 2026-11-21T01:18:20.003Z host app 4711 ID47 [a b=\"c]\\\"\"][d] it failed",
            "34|2026-11-21T01:18:20.003Z|host|app|4711|ID47|[a b=\"c]\\\"\"][d]|it failed",
        );
        check("<0>1 - - - - - -", "0|-|-|-|-|-|-|");
        check("<0>1 - - - - - - \u{feff}é", "0|-|-|-|-|-|-|é");
        check(
            "<34>Nov 21 01:18:20 host app[4711]: it failed",
            "34|Nov 21 01:18:20|host|app|4711|-|-|it failed",
        );
        check(
            "Nov  1 01:18:20 host kernel: [12.5] oops: x",
            "-|Nov  1 01:18:20|host|kernel|-|-|-|[12.5] oops: x",
        );
        check(
            "Nov 21 01:18:20 host some words: x",
            "-|Nov 21 01:18:20|host|-|-|-|-|some words: x",
        );
        check("Nov 21 01:18:20 host", "-|Nov 21 01:18:20|host|-|-|-|-|");
        check(
            "2026-11-21T01:18:20.003+01:00 host sshd[1]:x",
            "-|2026-11-21T01:18:20.003+01:00|host|sshd|1|-|-|x",
        );
    }

    #[test]
    fn lines_of_neither() {
        for line in [
            "",
            "x",
            "<",
            "<>Nov 21 01:18:20 host x",
            "<999>Nov 21 01:18:20 host x",
            "<+1>Nov 21 01:18:20 host x",
            "<34Nov 21 01:18:20 host x",
            "Nov 21 01:18:20",
            "Nov 21 01:18:20 ",
            "Nov 21 01:18:20x host",
            "<1>1 2026-11-21 host app - - - x",
            "<1>1 - host app - - [x",
            "<1>1 - host app - - x",
            "<1>1 - host app",
        ] {
            check(line, "bad");
        }
    }
}
