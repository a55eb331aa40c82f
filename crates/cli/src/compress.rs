//! Outputs that are compressed: by the end of their names.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::write::GzEncoder;
use parking_lot::Mutex;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::output::Writer;

/// Writes to a file, compressed if its name ends so.
#[derive(Clone)]
pub(crate) struct Compressor(Arc<Mutex<Form>>);

enum Form {
    Plain(Writer),
    Gzip(Box<GzEncoder<Writer>>),
    /// Each piece is a frame of its own: frames one after another are zstd data.
    Zstd {
        writer: Writer,
        has_frame: bool,
    },
}

impl Compressor {
    /// What is written to the path by this writer. Behind what is there already, it is gzip or zstd data as well.
    pub(crate) fn of(path: &Path, writer: Writer) -> Compressor {
        let form = match path.extension().and_then(OsStr::to_str) {
            Some("gz") => Form::Gzip(Box::new(GzEncoder::new(writer, flate2::Compression::default()))),
            Some("zst") => Form::Zstd {
                writer,
                has_frame: false,
            },
            _ => Form::Plain(writer),
        };
        Compressor(Arc::new(Mutex::new(form)))
    }

    /// Writes what has to come at the end.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match &mut *self.0.lock() {
            Form::Gzip(encoder) => encoder.try_finish(),
            Form::Zstd {
                writer,
                has_frame: false,
            } => write_frame(writer, b""),
            Form::Plain(_) | Form::Zstd { .. } => Ok(()),
        }
    }
}

fn write_frame(writer: &mut Writer, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(&compress_to_vec(bytes, CompressionLevel::Fastest))
}

impl Write for Compressor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.lock() {
            Form::Plain(writer) => writer.write(bytes),
            Form::Gzip(encoder) => encoder.write(bytes),
            Form::Zstd { writer, has_frame } => {
                write_frame(writer, bytes)?;
                *has_frame = true;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *self.0.lock() {
            Form::Plain(writer) | Form::Zstd { writer, .. } => writer.flush(),
            Form::Gzip(encoder) => encoder.flush(),
        }
    }
}
