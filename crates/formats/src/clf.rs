//! The common and the combined log formats of web servers.
//!
//! ```text
//! remote ident user [21/Nov/2026:01:18:20 +0000] "request" status bytes
//! remote ident user [21/Nov/2026:01:18:20 +0000] "request" status bytes "referer" "agent"
//! ```
//! A row is good when its line has this structure, whatever was requested. Quoted
//! fields are given raw: servers write a quote as `\"` or `\x22`, and both stay.
//! A request that is not `method target HTTP/...`, such as the TLS bytes that
//! scanners send, or an empty one, is a good row whose method, path, query and
//! protocol are null. The user may contain spaces. A `\r` at the end is tolerated.

use cutthrough_expr::LogicalType;
use cutthrough_ir::Type;
use memchr::{memchr, memrchr};

use crate::records::{ALL_NEEDED, Cells, Records, Verdict, is_needed};
use crate::scan::{Structure, find, find2};

mod plain;

/// The columns of a row, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `text`: the client's address.
    Remote,
    /// `text?`: who the client's identd says it is.
    Ident,
    /// `text?`: the authenticated user.
    User,
    /// `time`: when.
    Time,
    /// `text?`: of the request.
    Method,
    /// `text?`: the request's target, without the query.
    Path,
    /// `text?`: what follows the first `?` of the request's target.
    Query,
    /// `text?`: of the request.
    Protocol,
    /// `text`: the request line, raw.
    Request,
    /// `int`: the status that was answered.
    Status,
    /// `int`: how many bytes were answered; `-` counts as 0.
    Bytes,
    /// `text?`: null in the common format.
    Referer,
    /// `text?`: null in the common format.
    Agent,
}

impl Column {
    /// All columns, in order.
    pub const ALL: [Column; 13] = [
        Column::Remote,
        Column::Ident,
        Column::User,
        Column::Time,
        Column::Method,
        Column::Path,
        Column::Query,
        Column::Protocol,
        Column::Request,
        Column::Status,
        Column::Bytes,
        Column::Referer,
        Column::Agent,
    ];

    /// The name of the column.
    pub fn name(self) -> &'static str {
        match self {
            Column::Remote => "remote",
            Column::Ident => "ident",
            Column::User => "user",
            Column::Time => "time",
            Column::Method => "method",
            Column::Path => "path",
            Column::Query => "query",
            Column::Protocol => "protocol",
            Column::Request => "request",
            Column::Status => "status",
            Column::Bytes => "bytes",
            Column::Referer => "referer",
            Column::Agent => "agent",
        }
    }

    /// The column of this name.
    pub fn from_name(name: &str) -> Option<Column> {
        Column::ALL.into_iter().find(|column| column.name() == name)
    }

    /// The type of the column.
    pub fn ty(self) -> LogicalType {
        match self {
            Column::Remote | Column::Request => LogicalType::TEXT,
            Column::Time => LogicalType::TIME,
            Column::Status | Column::Bytes => LogicalType::INT,
            _ => LogicalType::TEXT.or_null(),
        }
    }
}

/// A set of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns(u16);

impl Columns {
    /// No column: lines are only checked.
    pub const NONE: Columns = Columns(0);
    /// All columns.
    pub const ALL: Columns = Columns((1 << Column::ALL.len()) - 1);
    const TARGET: Columns = Columns(1 << Column::Path as u16 | 1 << Column::Query as u16);
    const SPLIT: Columns =
        Columns(Columns::TARGET.0 | 1 << Column::Method as u16 | 1 << Column::Protocol as u16);

    /// The set with this column too.
    #[must_use]
    pub const fn with(self, column: Column) -> Columns {
        Columns(self.0 | 1 << column as u16)
    }

    /// Whether the column is in the set.
    pub const fn has(self, column: Column) -> bool {
        self.0 & 1 << column as u16 != 0
    }

    /// The columns in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Column> {
        Column::ALL.into_iter().filter(move |&column| self.has(column))
    }

    const fn meets(self, other: Columns) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<Column> for Columns {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Columns {
        columns.into_iter().fold(Columns::NONE, Columns::with)
    }
}

/// What a line says; see [`Column`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, at Column")]
pub struct Row<'a> {
    pub remote: &'a [u8],
    pub ident: Option<&'a [u8]>,
    pub user: Option<&'a [u8]>,
    pub time: i64,
    pub method: Option<&'a [u8]>,
    pub path: Option<&'a [u8]>,
    pub query: Option<&'a [u8]>,
    pub protocol: Option<&'a [u8]>,
    pub request: &'a [u8],
    pub status: i64,
    pub bytes: i64,
    pub referer: Option<&'a [u8]>,
    pub agent: Option<&'a [u8]>,
}

/// Parses one line. Gives whether it is good, which does not depend on the wanted
/// columns; what is not wanted may or may not be set in a row that was empty.
pub fn parse<'a>(line: &'a [u8], want: Columns, out: &mut Row<'a>) -> bool {
    Parser::default().parse(line, want, out)
}

/// A parser for many lines: it remembers the last time, which mostly comes again.
#[derive(Clone, Debug)]
pub struct Parser {
    stamp: [u8; STAMP],
    time: i64,
}

/// The length of a time between its brackets.
const STAMP: usize = 26;

impl Default for Parser {
    fn default() -> Parser {
        Parser {
            stamp: *b"01/Jan/1970:00:00:00 +0000",
            time: 0,
        }
    }
}

impl Parser {
    /// Parses one line, as [`parse`] does.
    pub fn parse<'a>(&mut self, line: &'a [u8], want: Columns, out: &mut Row<'a>) -> bool {
        self.try_parse(line, want, out).is_some()
    }

    fn try_parse<'a>(&mut self, line: &'a [u8], want: Columns, out: &mut Row<'a>) -> Option<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let stamp_at = parse_client(line, out)?;
        let stamp = line[stamp_at..].first_chunk::<STAMP>()?;
        if *stamp != self.stamp {
            self.time = nanos_of(stamp)?;
            self.stamp = *stamp;
        }
        out.time = self.time;

        let request_at = stamp_at + STAMP + b"] \"".len();
        let request_end = closing_quote(line, request_at)?;
        out.request = &line[request_at..request_end];
        let mut at = request_end + 1;
        out.status = number_after_space(line, &mut at)?;
        if line.get(at..)?.starts_with(b" -") {
            out.bytes = 0;
            at += 2;
        } else {
            out.bytes = number_after_space(line, &mut at)?;
        }
        (out.referer, out.agent) = (None, None);
        if at != line.len() {
            out.referer = unless_dash(quoted_after_space(line, &mut at)?);
            out.agent = unless_dash(quoted_after_space(line, &mut at)?);
            if at != line.len() {
                return None;
            }
        }
        if want.meets(Columns::SPLIT) {
            split_request(line, request_at, request_end, want, out);
        }
        Some(())
    }
}

/// Reads up to the opening bracket; gives where the time begins, and has seen that
/// its closing bracket and the opening quote of the request are in their places.
fn parse_client<'a>(line: &'a [u8], out: &mut Row<'a>) -> Option<usize> {
    let remote_end = memchr(b' ', line).filter(|&end| end > 0)?;
    out.remote = &line[..remote_end];
    let rest = &line[remote_end..];
    if rest.starts_with(b" - - [") && time_follows(rest, 6) {
        (out.ident, out.user) = (None, None);
        return Some(remote_end + 6);
    }
    let ident_at = remote_end + 1;
    let ident_end = ident_at + memchr(b' ', &line[ident_at..]).filter(|&length| length > 0)?;
    let user_at = ident_end + 1;
    // Users may have spaces and brackets; the time is where all of it fits.
    let mut bracket = user_at;
    loop {
        bracket += memchr(b'[', &line[bracket..])?;
        if bracket > user_at && line[bracket - 1] == b' ' && time_follows(line, bracket + 1) {
            break;
        }
        bracket += 1;
    }
    out.ident = unless_dash(&line[ident_at..ident_end]);
    out.user = unless_dash(&line[user_at..bracket - 1]);
    Some(bracket + 1)
}

fn time_follows(line: &[u8], at: usize) -> bool {
    line.get(at + STAMP..)
        .is_some_and(|rest| rest.starts_with(b"] \""))
}

fn unless_dash(field: &[u8]) -> Option<&[u8]> {
    (field != b"-").then_some(field)
}

/// Where the quoted field that begins at `from` ends.
fn closing_quote(line: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(b'"', line.get(at..)?)?;
        let escapes = line[from..at]
            .iter()
            .rev()
            .take_while(|&&byte| byte == b'\\')
            .count();
        if escapes % 2 == 0 {
            return Some(at);
        }
        at += 1;
    }
}

fn quoted_after_space<'a>(line: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    if !line[*at..].starts_with(b" \"") {
        return None;
    }
    let from = *at + 2;
    let end = closing_quote(line, from)?;
    *at = end + 1;
    Some(&line[from..end])
}

fn number_after_space(line: &[u8], at: &mut usize) -> Option<i64> {
    const DIGITS_MAX: usize = 18;
    let digits = line.get(*at..)?.strip_prefix(b" ")?;
    let mut value = 0;
    let mut count = 0;
    while let Some(digit) = digits
        .get(count)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|&digit| digit < 10)
    {
        value = value * 10 + i64::from(digit);
        count += 1;
        if count > DIGITS_MAX {
            return None;
        }
    }
    *at += 1 + count;
    (count > 0).then_some(value)
}

/// Splits the request line, which is `text[from..to]`, into what is wanted of it.
#[inline]
fn split_request<'a>(text: &'a [u8], from: usize, to: usize, want: Columns, out: &mut Row<'a>) {
    (out.method, out.path, out.query, out.protocol) = (None, None, None, None);
    let Some(method_end) = find(text, from, to, b' ').filter(|&end| end > from) else {
        return;
    };
    let target_at = method_end + 1;
    let target_end = last_space(&text[from..to]).map(|end| from + end);
    let Some(target_end) = target_end.filter(|&end| end > target_at) else {
        return;
    };
    let protocol = &text[target_end + 1..to];
    if !protocol.starts_with(b"HTTP/") {
        return;
    }
    let mut path_end = target_end;
    let mut query = None;
    match find2(text, target_at, target_end, b' ', b'?') {
        Some(at) if text[at] == b'?' => {
            if find(text, at, target_end, b' ').is_some() {
                return;
            }
            (path_end, query) = (at, Some(&text[at + 1..target_end]));
        }
        Some(_) => return,
        None => {}
    }
    out.method = Some(&text[from..method_end]);
    out.protocol = Some(protocol);
    if want.meets(Columns::TARGET) {
        (out.path, out.query) = (Some(&text[target_at..path_end]), query);
    }
}

/// Where the last space is; mostly before a protocol of eight bytes.
fn last_space(request: &[u8]) -> Option<usize> {
    match request.last_chunk::<9>() {
        Some([b' ', protocol @ ..]) if !protocol.contains(&b' ') => Some(request.len() - 9),
        _ => memrchr(b' ', request),
    }
}

/// The nanoseconds since 1970 of `21/Nov/2026:01:18:20 +0000`.
fn nanos_of(stamp: &[u8; STAMP]) -> Option<i64> {
    let pair = |at: usize| {
        let (high, low) = (stamp[at].wrapping_sub(b'0'), stamp[at + 1].wrapping_sub(b'0'));
        (high < 10 && low < 10).then(|| i64::from(high) * 10 + i64::from(low))
    };
    let separators = [2, 6, 11, 14, 17, 20].map(|at| stamp[at]);
    if separators != *b"//::: " {
        return None;
    }
    let month = month_of(&stamp[3..6])?;
    let (day, year) = (pair(0)?, pair(7)? * 100 + pair(9)?);
    let (hour, minute, second) = (pair(12)?, pair(15)?, pair(18)?);
    let zone = pair(22)? * 60 + pair(24)?;
    let east = match stamp[21] {
        b'+' => zone,
        b'-' => -zone,
        _ => return None,
    };
    // Years whose nanoseconds fit; second 60 is a leap second.
    let fits = (1678..=2261).contains(&year)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && zone < 24 * 60;
    if !fits {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - east;
    Some((minutes * 60 + second) * 1_000_000_000)
}

fn month_of(name: &[u8]) -> Option<i64> {
    const NAMES: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let index = NAMES.chunks_exact(3).position(|month| month == name)?;
    Some(index as i64 + 1)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar; years are counted from March, so that the leap
/// day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Lines of a log, and which columns of them are given.
#[derive(Clone, Debug)]
pub(crate) struct ClfRecords {
    /// The columns that are given, and their types.
    given: Vec<Column>,
    columns: Vec<Type>,
    needs: i64,
    /// The columns that are needed, with their numbers.
    puts: Vec<(usize, Column)>,
    want: Columns,
    parser: Parser,
}

impl ClfRecords {
    /// Gives these columns, in the order of [`Column::ALL`].
    pub(crate) fn new(want: Columns) -> ClfRecords {
        let given: Vec<Column> = want.iter().collect();
        ClfRecords {
            columns: given.iter().map(|column| column.ty().words()).collect(),
            needs: ALL_NEEDED,
            puts: given.iter().copied().enumerate().collect(),
            given,
            want,
            parser: Parser::default(),
        }
    }

    /// Puts the needed columns of a row.
    #[inline]
    fn put<'a>(&self, row: &Row<'a>, cells: &mut impl Cells<'a>) {
        for &(k, column) in &self.puts {
            let mut bytes = |value: Option<&'a [u8]>| {
                if let Some(value) = value {
                    cells.bytes(k, value);
                }
            };
            match column {
                Column::Remote => bytes(Some(row.remote)),
                Column::Ident => bytes(row.ident),
                Column::User => bytes(row.user),
                Column::Time => cells.i64(k, row.time),
                Column::Method => bytes(row.method),
                Column::Path => bytes(row.path),
                Column::Query => bytes(row.query),
                Column::Protocol => bytes(row.protocol),
                Column::Request => bytes(Some(row.request)),
                Column::Status => cells.i64(k, row.status),
                Column::Bytes => cells.i64(k, row.bytes),
                Column::Referer => bytes(row.referer),
                Column::Agent => bytes(row.agent),
            }
        }
    }
}

impl Records for ClfRecords {
    const NAME: &'static str = "parse clf";

    fn columns(&self) -> &[Type] {
        &self.columns
    }

    fn need(&mut self, columns: i64) {
        if self.needs != columns {
            self.needs = columns;
            let given = self.given.iter().copied().enumerate();
            self.puts = given.filter(|&(k, _)| is_needed(columns, k)).collect();
            self.want = self.puts.iter().map(|&(_, column)| column).collect();
        }
    }

    fn line<'a>(&'a mut self, line: &'a [u8], cells: &mut impl Cells<'a>) -> Verdict {
        let mut row = Row::default();
        let is_good = self.parser.parse(line, self.want, &mut row);
        if is_good {
            self.put(&row, cells);
        }
        Verdict::of(is_good)
    }

    fn structure(&self) -> Structure {
        Structure::OneOf(*b"\"\"\n")
    }

    #[inline]
    fn plain<'a>(
        &mut self,
        block: &'a [u8],
        start: usize,
        ends: &[u32],
        cells: &mut impl Cells<'a>,
    ) -> Option<usize> {
        let mut row = Row::default();
        let used = self.parser.parse_plain(block, start, ends, self.want, &mut row)?;
        self.put(&row, cells);
        Some(used)
    }

    fn row_bytes_min(&self) -> usize {
        br#"h - - [] "" 0 0"#.len() + STAMP + 1
    }
}

#[cfg(test)]
mod tests;
