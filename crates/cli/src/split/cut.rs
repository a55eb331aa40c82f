//! Where inputs are cut into parts: behind line ends, about equally long.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use cutthrough_formats::limits::LINE_BYTES_MAX;
use cutthrough_lang::Input;

use crate::decompress::Kind;
use crate::streams::path_of;

/// How much is looked at to find the end of a line.
const PIECE_BYTES: usize = 64 << 10;

/// The longest header of which a copy is put before a part, in bytes.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// What a line must not begin with that begins a part: there it would be no mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A part of the inputs.
#[derive(Debug)]
pub(crate) struct Part {
    /// One at least.
    pub(crate) pieces: Vec<Piece>,
}

/// A part of an input, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The number of the input.
    pub(crate) input: usize,
    pub(crate) path: OsString,
    pub(crate) file: Arc<File>,
    pub(crate) start: u64,
    /// None, if it goes to the end of the file, wherever that is then.
    pub(crate) end: Option<u64>,
    /// What stands before it: the header of the file, unless it begins with that.
    pub(crate) header: Vec<u8>,
}

impl Part {
    /// Whether it begins within an input.
    pub(crate) fn is_within(&self) -> bool {
        self.pieces[0].start > 0
    }
}

/// Cuts inputs into at most so many parts of at least so many bytes. There are none if they are not all files that can be
/// cut, or if there is little to read.
pub(crate) fn cut(
    inputs: &[Input],
    has_header: bool,
    parts: usize,
    part_bytes: u64,
) -> io::Result<Vec<Part>> {
    let mut files = Vec::new();
    for input in inputs {
        let Input::Path(path) = input else {
            return Ok(Vec::new());
        };
        let path = Path::new(OsStr::from_bytes(path));
        if !std::fs::metadata(path)?.is_file() {
            return Ok(Vec::new());
        }
        let file = File::open(path)?;
        let mut beginning = [0; 16];
        let length = file.read_at(&mut beginning, 0)?;
        if !matches!(Kind::of(&beginning[..length]), Kind::Plain | Kind::Unknown) {
            return Ok(Vec::new());
        }
        let bytes = file.metadata()?.len();
        files.push((Arc::new(file), bytes));
    }
    let total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let parts = (parts as u64).min(total / part_bytes.max(1));
    let mut cuts = vec![(0, 0)];
    for part in 1..parts {
        let at = (u128::from(total) * u128::from(part) / u128::from(parts)) as u64;
        let Some(cut) = cut_near(&files, at)? else { break };
        if cuts.last().is_some_and(|last| *last < cut) {
            cuts.push(cut);
        }
    }
    if cuts.len() < 2 {
        return Ok(Vec::new());
    }
    let mut headers = Vec::new();
    for (file, _) in files.iter().filter(|_| has_header) {
        match header(file)? {
            Some(header) => headers.push(header),
            None => return Ok(Vec::new()),
        }
    }
    let ends = cuts.iter().skip(1).copied().chain([(files.len(), 0)]);
    let part = |(&start, end): (&(usize, u64), (usize, u64))| Part {
        pieces: pieces(inputs, &files, &headers, start, end),
    };
    Ok(cuts.iter().zip(ends).map(part).collect())
}

/// The pieces between two places.
fn pieces(
    inputs: &[Input],
    files: &[(Arc<File>, u64)],
    headers: &[Vec<u8>],
    (first, start): (usize, u64),
    (last, end): (usize, u64),
) -> Vec<Piece> {
    let files = files.iter().enumerate().skip(first);
    let files = files.take_while(|&(input, _)| input < last || (input == last && end > 0));
    let piece = |(input, (file, _)): (usize, &(Arc<File>, u64))| {
        let start = if input == first { start } else { 0 };
        let header = headers.get(input).filter(|_| start > 0);
        Piece {
            input,
            path: path_of(&inputs[input]).to_owned(),
            file: Arc::clone(file),
            start,
            end: (input == last).then_some(end),
            header: header.cloned().unwrap_or_default(),
        }
    };
    files.map(piece).collect()
}

/// The beginning of the first line behind a place of all files one after another: the number of the file, and where it is there.
fn cut_near(files: &[(Arc<File>, u64)], at: u64) -> io::Result<Option<(usize, u64)>> {
    let mut before = 0;
    for (input, (file, bytes)) in files.iter().enumerate() {
        if at <= before {
            return Ok(Some((input, 0)));
        }
        if at - before < *bytes {
            let next = (input + 1 < files.len()).then_some((input + 1, 0));
            return Ok(line_behind(file, at - before)?.map_or(next, |at| Some((input, at))));
        }
        before += bytes;
    }
    Ok(None)
}

/// Where the next line begins in a file; none if that is far away, or there is none.
fn line_behind(file: &File, from: u64) -> io::Result<Option<u64>> {
    let mut piece = vec![0; PIECE_BYTES + BYTE_ORDER_MARK.len()];
    // A line that begins there begins behind a line end.
    let mut at = from - 1;
    while at < from + LINE_BYTES_MAX as u64 {
        let length = read_at(file, &mut piece, at)?;
        let ends = memchr::memchr_iter(b'\n', &piece[..length.min(PIECE_BYTES)]);
        for end in ends {
            let rest = &piece[end + 1..length];
            if rest.is_empty() {
                return Ok(None);
            }
            if !rest.starts_with(BYTE_ORDER_MARK) {
                return Ok(Some(at + end as u64 + 1));
            }
        }
        if length < piece.len() {
            return Ok(None);
        }
        at += PIECE_BYTES as u64;
    }
    Ok(None)
}

/// The first line of a file, if it is one record.
fn header(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut beginning = vec![0; HEADER_BYTES_MAX];
    let length = read_at(file, &mut beginning, 0)?;
    let end = memchr::memchr(b'\n', &beginning[..length]);
    beginning.truncate(end.map_or(0, |end| end + 1));
    let quotes = memchr::memchr_iter(b'"', &beginning).count();
    Ok((end.is_some() && quotes.is_multiple_of(2)).then_some(beginning))
}

/// Reads as much as there is.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], at + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
