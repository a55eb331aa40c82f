//! Inputs that are compressed: recognised by how they begin, whatever they are called.
//!
//! A thread of its own decompresses into a pipe. So who reads never waits for it, and the work is on another core.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// What a decompressor may take for what it has to remember of its output, in bytes. (`xz -9` needs 64 MiB, `zstd
/// --ultra -22` 128 MiB.)
const WINDOW_BYTES_MAX: u32 = 256 << 20;

/// How much is moved at once, and the size of the pipe, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// A format that is decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    Xz,
}

/// What an input is, as far as its beginning tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// More of it has to be seen.
    Unknown,
    /// It is as it is.
    Plain,
    Compressed(Compression),
    /// A format of this name that is not read, and what reads it.
    Foreign(&'static str, &'static str),
}

impl Kind {
    /// What an input that begins so is.
    pub(crate) fn of(beginning: &[u8]) -> Kind {
        const MAGIC: [(&[u8], Kind); 6] = [
            (b"\x1f\x8b\x08", Kind::Compressed(Compression::Gzip)),
            (b"\x28\xb5\x2f\xfd", Kind::Compressed(Compression::Zstd)),
            (b"\xfd7zXZ\0", Kind::Compressed(Compression::Xz)),
            (b"BZh91AY&SY", Kind::Foreign("bzip2", "bzcat")),
            (b"PK\x03\x04", Kind::Foreign("zip", "unzip -p")),
            (b"\x04\x22\x4d\x18", Kind::Foreign("lz4", "lz4cat")),
        ];
        let found = MAGIC.iter().find(|(magic, _)| beginning.starts_with(magic));
        match found {
            Some((_, kind)) => *kind,
            None if MAGIC.iter().any(|(magic, _)| magic.starts_with(beginning)) => Kind::Unknown,
            None => Kind::Plain,
        }
    }
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
        }
    }
}

/// A decompressor at work.
#[derive(Debug)]
pub(crate) struct Decompressor {
    compression: Compression,
    /// How it has ended, once it has.
    outcome: Arc<Mutex<Option<Outcome>>>,
}

/// Why a decompressor has failed, if it has.
type Outcome = Result<(), (io::ErrorKind, String)>;

impl Decompressor {
    /// Decompresses what is in `beginning` and then in the file; the second is where to read it.
    pub(crate) fn start(
        compression: Compression,
        beginning: Vec<u8>,
        file: Arc<File>,
    ) -> io::Result<(Decompressor, File)> {
        let (reader, writer) = io::pipe()?;
        // A smaller pipe does as well.
        let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIECE_BYTES);
        let outcome = Arc::new(Mutex::new(None));
        let set = Arc::clone(&outcome);
        let work = move || {
            let mut writer = writer;
            let source = Cursor::new(beginning).chain(Waiting(file));
            let end = decompress(
                compression,
                BufReader::with_capacity(PIECE_BYTES, source),
                &mut writer,
            );
            *set.lock() = Some(end.map_err(|error| (error.kind(), error.to_string())));
            // The end of the pipe, which is seen only now that the outcome is.
            drop(writer);
        };
        std::thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(work)?;
        let decompressor = Decompressor { compression, outcome };
        Ok((decompressor, File::from(OwnedFd::from(reader))))
    }

    /// Whether all went well, at the end of the pipe.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let name = self.compression.name();
        let (kind, why) = match self.outcome.lock().clone() {
            Some(Ok(())) => return Ok(()),
            Some(Err(failure)) => failure,
            // It has panicked.
            None => (io::ErrorKind::Other, "the decompressor has failed".to_owned()),
        };
        let message = match kind {
            io::ErrorKind::UnexpectedEof => format!("the {name} data ends too early"),
            io::ErrorKind::OutOfMemory => {
                let most = WINDOW_BYTES_MAX >> 20;
                format!("to decompress the {name} data takes more than {most} MiB of memory")
            }
            io::ErrorKind::Unsupported => format!(
                "behind the {name} data comes something else, which is not read; cut it off, \
                 or pipe what `{name} -dcq` makes of it into cutthrough"
            ),
            _ => format!("the {name} data is damaged: {why}"),
        };
        Err(io::Error::new(kind, message))
    }
}

/// A file that is waited for, however it was opened.
struct Waiting(Arc<File>);

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match poll(&mut [PollFd::new(&*self.0, PollFlags::IN)], None) {
                Err(Errno::INTR) => continue,
                outcome => outcome?,
            };
            match (&*self.0).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }
}

fn decompress(compression: Compression, mut source: impl BufRead, out: &mut PipeWriter) -> io::Result<()> {
    match compression {
        Compression::Gzip => gzip_members(&mut source, out),
        Compression::Xz => copy(XzReader::new_mem_limit(source, true, WINDOW_BYTES_MAX >> 10), out),
        Compression::Zstd => {
            while !source.fill_buf()?.is_empty() {
                zstd_frame(&mut source, out)?;
            }
            Ok(())
        }
    }
}

/// The members that gzip data consists of, and zeros that fill up a block behind them.
fn gzip_members(source: &mut impl BufRead, out: &mut PipeWriter) -> io::Result<()> {
    let mut behind = 0;
    loop {
        let rest = source.fill_buf()?;
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        match (rest, zeros) {
            ([], _) => return Ok(()),
            (_, 1..) => {
                source.consume(zeros);
                behind += zeros;
            }
            ([0x1f, ..], 0) if behind == 0 => copy(GzDecoder::new(&mut *source), out)?,
            _ => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
    }
}

/// One of the frames that zstd data consists of.
fn zstd_frame(source: &mut impl BufRead, out: &mut PipeWriter) -> io::Result<()> {
    let mut frame = match StreamingDecoder::new_with_max_window_size(&mut *source, WINDOW_BYTES_MAX.into()) {
        Ok(frame) => frame,
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
            let skipped = io::copy(&mut source.take(length.into()), &mut io::sink())?;
            let is_whole = skipped == u64::from(length);
            return if is_whole {
                Ok(())
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        Err(error) => return Err(io::Error::other(error)),
    };
    copy(&mut frame, out)?;
    let said = frame.decoder.get_checksum_from_data();
    if said.is_some() && said != frame.decoder.get_calculated_checksum() {
        return Err(io::Error::other("its checksum is wrong"));
    }
    Ok(())
}

fn copy(mut from: impl Read, to: &mut PipeWriter) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            outcome => outcome?,
        };
        to.write_all(&piece[..length])?;
    }
}
