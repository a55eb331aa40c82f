//! The jobs in Rust, by hand, on one thread: what one would write for this job and no other.
//!
//! Files are trusted to be as [`data`](super::data) writes them.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Result, ensure};
use memchr::{memchr, memchr_iter, memmem};
use rustc_hash::{FxHashMap, FxHashSet};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Job {
    Stations,
    ServerErrors,
    JsonErrors,
    Word,
    Largest,
    Sort,
    DistinctPaths,
    DistinctTexts,
    CsvToJson,
}

impl Job {
    /// What it is called on the command line.
    pub(crate) fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self).expect("none is skipped");
        value.get_name().to_owned()
    }
}

pub(crate) fn run(job: Job, file: &Path) -> Result<()> {
    let text = fs::read(file)?;
    ensure!(text.ends_with(b"\n"), "the last line has no end");
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    match job {
        Job::Stations => stations(&text, &mut out)?,
        Job::ServerErrors => server_errors(&text, &mut out)?,
        Job::JsonErrors => json_errors(&text, &mut out)?,
        Job::Word => writeln!(out, "{}", word(&text))?,
        Job::Largest => largest(&text, &mut out)?,
        Job::Sort => sort(&text, &mut out)?,
        Job::DistinctPaths => writeln!(out, "{}", distinct(lines(&text).map(|line| logged(line).path)))?,
        Job::DistinctTexts => writeln!(out, "{}", distinct(lines(&text)))?,
        Job::CsvToJson => csv_to_json(&text, &mut out)?,
    }
    Ok(out.flush()?)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', text).map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line
    })
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

/// What a line of the log says.
struct Logged<'t> {
    path: &'t [u8],
    /// From the status on.
    rest: &'t [u8],
}

/// The end of the request is the second quote of a line; the status follows it.
fn logged(line: &[u8]) -> Logged<'_> {
    let open = memchr(b'"', line).expect("a request");
    let close = open + 1 + memchr(b'"', &line[open + 1..]).expect("a request's end");
    let request = &line[open + 1..close];
    let path = &request[memchr(b' ', request).expect("a path") + 1..];
    let length = memchr(b' ', path).expect("a protocol");
    Logged {
        path: &path[..length],
        rest: &line[close + 2..],
    }
}

/// The number that a text begins with.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn server_errors(text: &[u8], out: &mut impl Write) -> Result<()> {
    let mut paths: FxHashMap<&[u8], (u64, u64)> = FxHashMap::default();
    for Logged { path, rest } in lines(text).map(logged) {
        if rest[0] == b'5' {
            let (count, sum) = paths.entry(path).or_default();
            *count += 1;
            *sum += number(&rest[4..]);
        }
    }
    for (path, (count, sum)) in paths {
        out.write_all(path)?;
        writeln!(out, "\t{count}\t{sum}")?;
    }
    Ok(())
}

/// Keys come in the same order in every line.
fn json_errors(text: &[u8], out: &mut impl Write) -> Result<()> {
    let [service, status, ms] = ["\"service\":\"", "\"status\":", "\"ms\":"].map(memmem::Finder::new);
    let behind = |key: &memmem::Finder<'_>, line: &[u8]| {
        key.find(line).expect("each line has all keys") + key.needle().len()
    };
    let mut services: FxHashMap<&[u8], (u64, f64)> = FxHashMap::default();
    for line in lines(text) {
        let rest = &line[behind(&service, line)..];
        let status_at = behind(&status, rest);
        if rest[status_at] != b'5' {
            continue;
        }
        let name = &rest[..memchr(b'"', rest).expect("a text's end")];
        let rest = &rest[status_at..];
        let rest = &rest[behind(&ms, rest)..];
        let length = memchr(b',', rest).expect("a number's end");
        let (count, sum) = services.entry(name).or_default();
        *count += 1;
        *sum += std::str::from_utf8(&rest[..length])?.parse::<f64>()?;
    }
    for (name, (count, sum)) in services {
        out.write_all(name)?;
        writeln!(out, "\t{count}\t{}", sum / count as f64)?;
    }
    Ok(())
}

/// From one find to the end of its line, and on.
fn word(text: &[u8]) -> usize {
    let finder = memmem::Finder::new("/items/42 ");
    let (mut count, mut at) = (0, 0);
    while let Some(found) = finder.find(&text[at..]) {
        count += 1;
        at += found;
        at += memchr(b'\n', &text[at..]).expect("a line's end");
    }
    count
}

fn largest(text: &[u8], out: &mut impl Write) -> Result<()> {
    let mut sizes: Vec<u64> = lines(text).map(|line| number(&logged(line).rest[4..])).collect();
    let most = sizes.len().saturating_sub(1_000);
    if most > 0 {
        sizes.select_nth_unstable(most);
    }
    for size in &sizes[most..] {
        writeln!(out, "{size}")?;
    }
    Ok(())
}

fn distinct<'t>(texts: impl Iterator<Item = &'t [u8]>) -> usize {
    texts.collect::<FxHashSet<_>>().len()
}

/// By the last field, a number with three digits behind the point.
fn sort(text: &[u8], out: &mut impl Write) -> Result<()> {
    let mut rows = Vec::new();
    for line in lines(text).skip(1) {
        let amount = &line[memchr::memrchr(b',', line).expect("five fields") + 1..];
        let point = memchr(b'.', amount).expect("a point");
        rows.push((number(amount) * 1_000 + number(&amount[point + 1..]), line));
    }
    rows.sort_by_key(|(amount, _)| *amount);
    let mut cells = Vec::new();
    for (_, line) in rows {
        cells.clear();
        cells.extend(line.iter().map(|&byte| if byte == b',' { b'\t' } else { byte }));
        cells.push(b'\n');
        out.write_all(&cells)?;
    }
    Ok(())
}

/// No cell has quotes; the second and third are texts.
fn csv_to_json(text: &[u8], out: &mut impl Write) -> Result<()> {
    let mut row = Vec::new();
    for line in lines(text).skip(1) {
        row.clear();
        let mut cells = line.split(|&byte| byte == b',');
        for (name, quote) in [
            ("{\"id\":", ""),
            (",\"customer\":", "\""),
            (",\"item\":", "\""),
            (",\"count\":", ""),
            (",\"amount\":", ""),
        ] {
            let cell = cells.next().expect("five fields");
            for part in [name.as_bytes(), quote.as_bytes(), cell, quote.as_bytes()] {
                row.extend_from_slice(part);
            }
        }
        row.extend_from_slice(b"}\n");
        out.write_all(&row)?;
    }
    Ok(())
}
