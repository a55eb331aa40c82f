//! Functions that make text, as host functions.
//!
//! Each place in a program's text has one of its own, with a buffer that is used again for every element: what it
//! gives lives until it is called again, which is what the runtime asks for.

use cutthrough::ir::{Data, Host, HostContext, HostFunction, HostSig, Results, Type, Words};
use cutthrough_formats::number::{push_f64, push_i64};

use crate::check::Scalar;

/// Constant data of these bytes.
pub(super) fn data(bytes: &[u8]) -> Data {
    // `Data` takes text, but any bytes will do.
    match std::str::from_utf8(bytes) {
        Ok(text) => Data::from(text),
        Err(_) => Data::Bytes(bytes.to_vec().into()),
    }
}

/// The host function of a function with so many operands, if it needs one.
pub(super) fn host(function: Scalar, operands: usize) -> Option<HostFunction> {
    const TEXT: Type = Type::BYTES;
    let (params, result) = match function {
        Scalar::Lower | Scalar::Upper | Scalar::Trim => (vec![TEXT], TEXT),
        Scalar::Replace => (vec![TEXT; 3], TEXT),
        Scalar::SplitPart => (vec![TEXT, TEXT, Type::I64], TEXT.or_null()),
        Scalar::Concat => (vec![TEXT; operands], TEXT),
        Scalar::TextOfInt | Scalar::Date | Scalar::DateTime => (vec![Type::I64], TEXT),
        Scalar::TextOfFloat => (vec![Type::F64], TEXT),
        _ => return None,
    };
    let sig = HostSig {
        name: function.to_string(),
        params,
        results: vec![result],
        rows: Vec::new(),
    };
    Some(HostFunction::new(
        sig,
        TextHost {
            function,
            operands,
            buffer: Vec::new(),
        },
    ))
}

struct TextHost {
    function: Scalar,
    operands: usize,
    buffer: Vec<u8>,
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
        let out = &mut self.buffer;
        out.clear();
        out.shrink_to(BUFFER_BYTES_KEPT);
        match self.function {
            Scalar::Lower => lower(args.bytes(0), out),
            Scalar::Upper => upper(args.bytes(0), out),
            Scalar::Trim => {
                results.bytes(0, args.bytes(0).trim_ascii());
                return Ok(());
            }
            Scalar::Replace => replace(args.bytes(0), args.bytes(1), args.bytes(2), out),
            Scalar::SplitPart => {
                if let Some(part) = split_part(args.bytes(0), args.bytes(1), args.i64(2)) {
                    results.bytes(0, part);
                }
                return Ok(());
            }
            Scalar::Concat => (0..self.operands).for_each(|part| out.extend_from_slice(args.bytes(part))),
            Scalar::TextOfInt => push_i64(out, args.i64(0)),
            Scalar::TextOfFloat => push_f64(out, args.f64(0)),
            Scalar::Date => date(args.i64(0), out),
            Scalar::DateTime => date_time(args.i64(0), out),
            function => return Err(format!("{function} is not a host function")),
        }
        results.bytes(0, out);
        Ok(())
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

/// The parts between separators; with an empty separator, the text itself is the only one.
fn parts<'a>(text: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(text);
    let finder = memchr::memmem::Finder::new(separator).into_owned();
    std::iter::from_fn(move || {
        let here = rest?;
        let end = if separator.is_empty() {
            None
        } else {
            finder.find(here)
        };
        rest = end.map(|end| &here[end + separator.len()..]);
        Some(&here[..end.unwrap_or(here.len())])
    })
}

fn replace(text: &[u8], from: &[u8], to: &[u8], out: &mut Vec<u8>) {
    for (index, part) in parts(text, from).enumerate() {
        if index > 0 {
            out.extend_from_slice(to);
        }
        out.extend_from_slice(part);
    }
}

fn split_part<'a>(text: &'a [u8], separator: &'a [u8], n: i64) -> Option<&'a [u8]> {
    parts(text, separator).nth(usize::try_from(n).ok()?)
}

/// The day of a time in nanoseconds since 1970: `2026-11-21`.
fn date(time: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(time.div_euclid(86_400_000_000_000));
    out.extend_from_slice(format!("{year:04}-{month:02}-{day:02}").as_bytes());
}

/// Day and time, to the second: `2026-11-21T01:18:20Z`.
fn date_time(time: i64, out: &mut Vec<u8>) {
    date(time, out);
    let second = time.div_euclid(1_000_000_000).rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    out.extend_from_slice(format!("T{hour:02}:{minute:02}:{second:02}Z").as_bytes());
}

/// Year, month and day of a number of days since 1970. Years are counted from March, so that the leap day is the last
/// of its year; a cycle of 400 years has 146097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day)
}
