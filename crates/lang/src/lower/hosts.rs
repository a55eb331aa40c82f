//! Functions that make text, as host functions.
//!
//! Each place in a program's text has one of its own, with a buffer that is used again for every element: what it
//! gives lives until it is called again, which is what the runtime asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cutthrough::ir::{Host, HostContext, HostFunction, HostSig, Results, Type, Words};
use cutthrough_expr::Named;
use cutthrough_formats::json::{Path, value};
use cutthrough_formats::number::{push_f64, push_i64};
use cutthrough_formats::time::{parse_duration, parse_time, push_duration, push_time};
use jiff::tz::TimeZone;
use regex::bytes::Regex;

use crate::check::Scalar;
use crate::known::Known;
use crate::limits::STAGE_TEXT_BYTES_MAX;
use crate::named::{self, Constants, Given, check_length, parts, push};
use crate::pattern::matches;
use crate::time::{self, CalendarUnit};

/// The signature of the host function of a function with so many operands, if it needs one.
pub(super) fn signature(function: Scalar, operands: usize) -> Option<HostSig> {
    const TEXT: Type = Type::BYTES;
    let (params, result) = match function {
        Scalar::Lower | Scalar::Upper | Scalar::Trim => (vec![TEXT], TEXT),
        Scalar::Len => (vec![TEXT], Type::I64),
        Scalar::TimeOfText | Scalar::DurationOfText => (vec![TEXT], Type::I64.or_null()),
        Scalar::TimeByFormat => (vec![TEXT; 3], Type::I64.or_null()),
        Scalar::Truncate => (vec![Type::I64, TEXT, TEXT], Type::I64.or_null()),
        Scalar::FormatTime => (vec![Type::I64, TEXT, TEXT], TEXT),
        Scalar::Calendar(_) => (vec![Type::I64, TEXT], Type::I64),
        Scalar::Substr => (vec![TEXT, Type::I64, Type::I64], TEXT),
        Scalar::Replace => (vec![TEXT; 3], TEXT),
        Scalar::SplitPart => (vec![TEXT, TEXT, Type::I64], TEXT.or_null()),
        Scalar::Matches => (vec![TEXT; 2], Type::BOOL),
        Scalar::Extract => (vec![TEXT, TEXT, Type::I64], TEXT.or_null()),
        Scalar::Concat => (vec![TEXT; operands], TEXT),
        Scalar::TextOfInt | Scalar::TextOfTime | Scalar::TextOfDuration => (vec![Type::I64], TEXT),
        Scalar::TextOfFloat => (vec![Type::F64], TEXT),
        Scalar::JsonAt => (vec![TEXT; 2], TEXT.or_null()),
        Scalar::JsonContainsText => (vec![TEXT; 2], Type::BOOL),
        Scalar::JsonContainsNumber => (vec![TEXT, Type::F64], Type::BOOL),
        Scalar::JsonLen | Scalar::IntOfJson => (vec![TEXT], Type::I64.or_null()),
        Scalar::FloatOfJson => (vec![TEXT], Type::F64.or_null()),
        Scalar::TextOfJson => (vec![TEXT], TEXT),
        Scalar::ReplaceMatches => (vec![TEXT; 3], TEXT),
        Scalar::Named(Named { name, result }) => {
            let takes = named::find(name)?.takes.iter();
            (takes.map(|takes| takes.words()).collect(), result.words())
        }
        _ => return None,
    };
    Some(HostSig {
        name: function.to_string(),
        params,
        results: vec![result],
        rows: Vec::new(),
    })
}

/// The host function of a function with so many operands, if it needs one, for a stage that holds so many bytes.
pub(super) fn host(function: Scalar, operands: usize, held: &Held) -> Option<HostFunction> {
    let host = TextHost {
        function,
        operands,
        buffer: Vec::new(),
        constants: Constants::default(),
        zone: Known::default(),
        path: Known::default(),
        held: held.clone(),
        mine: 0,
    };
    let signature = signature(function, operands);
    debug_assert_eq!(signature.is_some(), function.is_host(), "{function}");
    Some(HostFunction::new(signature?, host))
}

/// How many bytes the buffers of one stage take together.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<AtomicUsize>);

struct TextHost {
    function: Scalar,
    operands: usize,
    buffer: Vec<u8>,
    constants: Constants,
    zone: Known<TimeZone>,
    path: Known<Path>,
    held: Held,
    /// What of it is this buffer's.
    mine: usize,
}

/// What a buffer keeps of its memory from element to element.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

impl Host for TextHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        if self.look(args, results)? {
            return Ok(());
        }
        match self.make(args)? {
            Given::Null => {}
            Given::Bool(given) => results.bool(0, given),
            Given::Float(given) => results.f64(0, given),
            Given::Text => {
                self.count()?;
                results.bytes(0, &self.buffer);
            }
        }
        Ok(())
    }
}

impl TextHost {
    /// Does what gives no new text; whether the function is such a one.
    fn look<'a>(&mut self, args: Words<'a>, results: &mut Results<'a>) -> Result<bool, String> {
        match self.function {
            Scalar::Trim => results.bytes(0, args.bytes(0).trim_ascii()),
            Scalar::Len => results.i64(0, characters(args.bytes(0)).count() as i64),
            Scalar::Substr => results.bytes(0, substr(args.bytes(0), args.i64(1), args.i64(2))),
            Scalar::TimeOfText => put_int(results, parse_time(args.bytes(0))),
            Scalar::DurationOfText => put_int(results, parse_duration(args.bytes(0))),
            Scalar::TimeByFormat => {
                let zone = self.zone.get(args.bytes(2), time::zone)?;
                put_int(results, time::parse_by(args.bytes(1), args.bytes(0), zone));
            }
            Scalar::Truncate => {
                let unit = CalendarUnit::from_name(args.bytes(1));
                let zone = self.zone.get(args.bytes(2), time::zone)?;
                put_int(results, unit.and_then(|unit| unit.start(args.i64(0), zone)));
            }
            Scalar::Calendar(part) => {
                let zone = self.zone.get(args.bytes(1), time::zone)?;
                results.i64(0, time::part_of(part, args.i64(0), zone));
            }
            Scalar::SplitPart => put(results, split_part(args.bytes(0), args.bytes(1), args.i64(2))),
            Scalar::Matches => {
                let pattern = self.constants.pattern(args.bytes(1))?;
                results.bool(0, pattern.regex.is_match(args.bytes(0)));
            }
            Scalar::Extract => {
                let group = usize::try_from(args.i64(2)).unwrap_or(usize::MAX);
                let pattern = self.constants.pattern(args.bytes(1))?;
                put(results, pattern.extract(args.bytes(0), group));
            }
            function => return self.look_at_json(function, args, results),
        }
        Ok(true)
    }

    /// The same for functions of JSON values.
    fn look_at_json<'a>(
        &mut self,
        function: Scalar,
        args: Words<'a>,
        results: &mut Results<'a>,
    ) -> Result<bool, String> {
        match function {
            Scalar::JsonAt => {
                let path = self.path.get(args.bytes(1), read_path)?;
                put(results, value::at(args.bytes(0), path));
            }
            Scalar::JsonContainsText => results.bool(0, value::contains_text(args.bytes(0), args.bytes(1))),
            Scalar::JsonContainsNumber => {
                results.bool(0, value::contains_number(args.bytes(0), args.f64(1)));
            }
            Scalar::JsonLen => put_int(results, value::len(args.bytes(0))),
            Scalar::IntOfJson => put_int(results, value::int(args.bytes(0))),
            Scalar::FloatOfJson => {
                if let Some(number) = value::float(args.bytes(0)) {
                    results.f64(0, number);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Makes a text in the buffer, or what else a function gives that is known by its name.
    fn make(&mut self, args: Words<'_>) -> Result<Given, String> {
        let out = &mut self.buffer;
        match self.function {
            Scalar::Lower => lower(args.bytes(0), out),
            Scalar::Upper => upper(args.bytes(0), out),
            Scalar::Replace => replace(args.bytes(0), args.bytes(1), args.bytes(2), out)?,
            Scalar::Concat => {
                (0..self.operands).try_for_each(|part| push(out, args.bytes(part)))?;
            }
            Scalar::TextOfInt => push_i64(out, args.i64(0)),
            Scalar::TextOfFloat => push_f64(out, args.f64(0)),
            Scalar::TextOfTime => push_time(out, args.i64(0)),
            Scalar::TextOfDuration => push_duration(out, args.i64(0)),
            Scalar::TextOfJson => push(out, &value::plain_text(args.bytes(0)))?,
            Scalar::FormatTime => {
                let zone = self.zone.get(args.bytes(2), time::zone)?;
                time::format_by(args.bytes(1), args.i64(0), zone, out)?;
            }
            Scalar::ReplaceMatches => {
                let pattern = self.constants.pattern(args.bytes(1))?;
                replace_matches(args.bytes(0), &pattern.regex, args.bytes(2), out)?;
            }
            Scalar::Named(Named { name, .. }) => {
                let function = named::find(name).ok_or_else(|| format!("there is no function {name}"))?;
                return (function.run)(args, &mut self.constants, out);
            }
            function => return Err(format!("{function} is not a host function")),
        }
        Ok(Given::Text)
    }

    /// Counts what the buffer takes, where that has changed.
    fn count(&mut self) -> Result<(), String> {
        let now = self.buffer.capacity();
        if now == self.mine {
            return Ok(());
        }
        let held = &self.held.0;
        let others = held.fetch_sub(self.mine, Ordering::Relaxed) - self.mine;
        held.fetch_add(now, Ordering::Relaxed);
        self.mine = now;
        if others + now > STAGE_TEXT_BYTES_MAX {
            return Err(format!(
                "the texts that this stage makes of one element take more than {STAGE_TEXT_BYTES_MAX} bytes"
            ));
        }
        Ok(())
    }
}

fn read_path(text: &[u8]) -> Result<Path, String> {
    let text = std::str::from_utf8(text).map_err(|_| "a path is UTF-8".to_owned())?;
    Path::parse_within(text)
}

/// Gives an int, or null.
fn put_int(results: &mut Results<'_>, value: Option<i64>) {
    if let Some(value) = value {
        results.i64(0, value);
    }
}

/// Gives a text, or null.
fn put<'a>(results: &mut Results<'a>, text: Option<&'a [u8]>) {
    if let Some(text) = text {
        results.bytes(0, text);
    }
}

/// Where the characters of a text begin: at the bytes that do not go on one of UTF-8. What is no UTF-8 is with the
/// character before it, or one of its own.
fn characters(text: &[u8]) -> impl Iterator<Item = usize> {
    let begins = |(at, byte): (usize, &u8)| (at == 0 || byte & 0xc0 != 0x80).then_some(at);
    text.iter().enumerate().filter_map(begins)
}

/// From the character `start` on, at most `length` characters; what lies outside of the text is left out.
fn substr(text: &[u8], start: i64, length: i64) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(0);
    let mut rest = characters(text).skip(start);
    match (rest.next(), length) {
        (None, _) | (_, 0) => &[],
        (Some(begin), length) => {
            let end = rest.nth(length - 1).unwrap_or(text.len());
            &text[begin..end]
        }
    }
}

/// Lower case: of all letters where they are UTF-8; other bytes stay.
fn lower(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.iter().map(u8::to_ascii_lowercase));
        return;
    }
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().to_lowercase().as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
}

fn upper(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.iter().map(u8::to_ascii_uppercase));
        return;
    }
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().to_uppercase().as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
}

fn replace(text: &[u8], from: &[u8], to: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    for (index, part) in parts(text, from).enumerate() {
        if index > 0 {
            push(out, to)?;
        }
        push(out, part)?;
    }
    Ok(())
}

/// Replaces every match; in the text that takes its place, `$1` and `$name` are groups.
fn replace_matches(text: &[u8], pattern: &Regex, to: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut behind = 0;
    for found in matches(pattern, text) {
        let all = found.get_match();
        push(out, &text[behind..all.start()])?;
        // No group is longer than the match.
        let groups = memchr::memchr_iter(b'$', to).count();
        check_length(out.len().saturating_add(to.len() + groups * all.len()))?;
        found.expand(to, out);
        behind = all.end();
    }
    push(out, &text[behind..])
}

fn split_part<'a>(text: &'a [u8], separator: &'a [u8], n: i64) -> Option<&'a [u8]> {
    parts(text, separator).nth(usize::try_from(n).ok()?)
}
