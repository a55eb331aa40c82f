//! The jobs in Rust, by hand, on one thread: what one would write for this job and no other.
//!
//! Files are trusted to be as [`data`](super::data) writes them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Result, ensure};
use memchr::{memchr, memchr_iter};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Job {
    Stations,
    Errors,
}

pub(crate) fn run(job: Job, file: &Path) -> Result<()> {
    let text = fs::read(file)?;
    ensure!(text.ends_with(b"\n"), "the last line has no end");
    let mut out = BufWriter::new(std::io::stdout().lock());
    match job {
        Job::Stations => stations(&text, &mut out)?,
        Job::Errors => errors(&text, &mut out)?,
    }
    Ok(out.flush()?)
}

#[derive(Clone, Copy)]
struct Station<'t> {
    name: &'t [u8],
    least: i32,
    most: i32,
    sum: i64,
    count: u32,
}

/// Open addressing over a power of two, a multiplicative hash of the first and last eight bytes;
/// temperatures as tenths, in integers.
fn stations(text: &[u8], out: &mut impl Write) -> Result<()> {
    const SLOTS: usize = 1 << 16;
    let nobody = Station {
        name: b"",
        least: i32::MAX,
        most: i32::MIN,
        sum: 0,
        count: 0,
    };
    let mut table = vec![nobody; SLOTS];
    let mut at = 0;
    while at < text.len() {
        let name_end = at + memchr(b';', &text[at..]).expect("each row has a temperature");
        let name = &text[at..name_end];
        let (tenths, next) = tenths(text, name_end + 1);
        at = next;
        let mut slot = hash(name) as usize & (SLOTS - 1);
        loop {
            let station = &mut table[slot];
            if station.count == 0 {
                station.name = name;
            }
            if station.name == name {
                station.least = station.least.min(tenths);
                station.most = station.most.max(tenths);
                station.sum += i64::from(tenths);
                station.count += 1;
                break;
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
    }
    for station in table.iter().filter(|station| station.count > 0) {
        out.write_all(station.name)?;
        writeln!(
            out,
            "\t{}\t{}\t{}",
            f64::from(station.least) / 10.0,
            station.sum as f64 / 10.0 / f64::from(station.count),
            f64::from(station.most) / 10.0
        )?;
    }
    Ok(())
}

fn hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let (first, last) = match name.len() {
        0..=8 => (word(name), 0),
        length => (
            u64::from_le_bytes(name[..8].try_into().expect("eight bytes")),
            u64::from_le_bytes(name[length - 8..].try_into().expect("eight bytes")),
        ),
    };
    let hash = (first ^ last.rotate_left(29) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash >> 40
}

/// The temperature at a place, and where the next row begins.
fn tenths(text: &[u8], mut at: usize) -> (i32, usize) {
    let is_negative = text[at] == b'-';
    at += usize::from(is_negative);
    let digit = |at: usize| i32::from(text[at] - b'0');
    let (value, next) = if text[at + 1] == b'.' {
        (digit(at) * 10 + digit(at + 2), at + 4)
    } else {
        (digit(at) * 100 + digit(at + 1) * 10 + digit(at + 3), at + 5)
    };
    (if is_negative { -value } else { value }, next)
}

/// The end of the request is the second quote of a line; the status follows it.
fn errors(text: &[u8], out: &mut impl Write) -> Result<()> {
    let mut paths: HashMap<&[u8], (u64, u64)> = HashMap::new();
    let mut start = 0;
    for end in memchr_iter(b'\n', text) {
        let line = &text[start..end];
        start = end + 1;
        let open = memchr(b'"', line).expect("a request");
        let close = open + 1 + memchr(b'"', &line[open + 1..]).expect("a request's end");
        if line[close + 2] != b'5' {
            continue;
        }
        let request = &line[open + 1..close];
        let path = memchr(b' ', request).expect("a path") + 1;
        let length = memchr(b' ', &request[path..]).expect("a protocol");
        let bytes = line[close + 6..].iter().take_while(|byte| byte.is_ascii_digit());
        let bytes = bytes.fold(0, |bytes, digit| bytes * 10 + u64::from(digit - b'0'));
        let (count, sum) = paths.entry(&request[path..path + length]).or_default();
        *count += 1;
        *sum += bytes;
    }
    for (path, (count, sum)) in paths {
        out.write_all(path)?;
        writeln!(out, "\t{count}\t{sum}")?;
    }
    Ok(())
}
