//! The file by which `perf inject --jit` knows code by address *and time*: names are
//! right however often an address is used again, and `perf annotate` has the
//! instructions. The format is that of `tools/perf/Documentation/jitdump-specification.txt`
//! in Linux.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::perf_map::create;
use super::{CodeObserver, PublishedCode};
use crate::code_memory::{Marker, monotonic_ns};

/// Writes a jitdump. `perf record -k mono` has to record the run, and
/// `perf inject --jit -i perf.data -o jitted.data` merges both.
///
/// The file stays when the OS process ends: it is read after that.
#[derive(Debug)]
pub struct JitDump {
    path: PathBuf,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    file: File,
    codes: u64,
    /// Tells `perf` of the file: it records that an executable file is mapped.
    _marker: Marker,
}

const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_BYTES: u32 = 40;
const CODE_LOAD: u32 = 0;
/// The record's own fields, and those of a code load, before the name.
const CODE_LOAD_BYTES: usize = 16 + 40;

#[cfg(target_arch = "x86_64")]
const ELF_MACHINE: u32 = 62;
#[cfg(not(target_arch = "x86_64"))]
const ELF_MACHINE: u32 = 183;

impl JitDump {
    /// `jit-PID.dump` in a directory.
    ///
    /// # Errors
    /// When the file cannot be made or mapped.
    pub fn in_directory(directory: &Path) -> io::Result<JitDump> {
        let path = directory.join(format!("jit-{}.dump", std::process::id()));
        let mut file = create(&path)?;
        let mut header = Vec::new();
        for word in [MAGIC, VERSION, HEADER_BYTES, ELF_MACHINE, 0, std::process::id()] {
            header.extend(word.to_ne_bytes());
        }
        header.extend(monotonic_ns().to_ne_bytes());
        header.extend(0u64.to_ne_bytes());
        file.write_all(&header)?;
        let marker = Marker::of(&file)?;
        Ok(JitDump {
            // What `perf` is told is the path without links.
            path: fs::canonicalize(&path)?,
            book: Mutex::new(Book {
                file,
                codes: 0,
                _marker: marker,
            }),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn publish(&self, code: &PublishedCode<'_>) -> io::Result<()> {
        // A panic under this lock leaves a dump that ends early.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = Vec::new();
        for part in &code.parts {
            let bytes = &code.bytes[part.offset..part.offset + part.bytes];
            let address = (code.address + part.offset) as u64;
            record(&mut records, book.codes, address, &part.symbol(code.chain), bytes);
            book.codes += 1;
        }
        book.file.write_all(&records)
    }
}

fn record(out: &mut Vec<u8>, index: u64, address: u64, symbol: &str, bytes: &[u8]) {
    let total = CODE_LOAD_BYTES + symbol.len() + 1 + bytes.len();
    out.extend(CODE_LOAD.to_ne_bytes());
    out.extend(u32::try_from(total).unwrap_or(u32::MAX).to_ne_bytes());
    out.extend(monotonic_ns().to_ne_bytes());
    let id = std::process::id();
    out.extend(id.to_ne_bytes());
    out.extend(id.to_ne_bytes());
    for word in [address, address, bytes.len() as u64, index] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(symbol.as_bytes());
    out.push(0);
    out.extend(bytes);
}

impl CodeObserver for JitDump {
    fn published(&self, code: &PublishedCode<'_>) {
        if let Err(error) = self.publish(code) {
            // The program is worth more than its profile.
            tracing::warn!(%error, path = %self.path.display(), "names will be missing there");
        }
    }

    /// Nothing: `perf` goes by the time at which other code comes to be at an address.
    fn retired(&self, _address: usize) {}
}
