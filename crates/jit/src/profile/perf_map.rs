//! The map from addresses to names that `perf report` reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{CodeObserver, PublishedCode};

/// Writes a perf map: a line for each part of each chain's code.
///
/// `perf` looks up addresses of the whole recording in the map as it is in the end. So
/// what is retired stays in the map, until its address is used again: then the old name
/// goes and the map is written anew, as a name that is wrong would be worse than none.
/// A [`CodeMemory`](crate::code_memory::CodeMemory) that is
/// [spread](crate::code_memory::CodeMemory::spread) uses addresses again as late as it can.
///
/// The file stays when the OS process ends: it is read after that.
#[derive(Debug)]
pub struct PerfMap {
    path: PathBuf,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    file: File,
    /// By the address of the first byte. Entries do not overlap.
    entries: BTreeMap<usize, Entry>,
}

#[derive(Debug)]
struct Entry {
    bytes: usize,
    symbol: String,
}

impl PerfMap {
    /// The map of this OS process, where `perf` looks for it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn of_this_process() -> io::Result<PerfMap> {
        PerfMap::at(Path::new(&format!("/tmp/perf-{}.map", std::process::id())))
    }

    /// A map at this path, in place of what is there.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn at(path: &Path) -> io::Result<PerfMap> {
        let book = Book {
            file: create(path)?,
            entries: BTreeMap::new(),
        };
        Ok(PerfMap {
            path: path.to_owned(),
            book: Mutex::new(book),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn publish(&self, code: &PublishedCode<'_>) -> io::Result<()> {
        // A panic under this lock leaves a map that is short of a chain.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let is_reuse = book.forget(code.address, code.bytes.len());
        let mut lines = String::new();
        for part in &code.parts {
            let address = code.address + part.offset;
            let entry = Entry {
                bytes: part.bytes,
                symbol: part.symbol(code.chain),
            };
            entry.write(address, &mut lines);
            book.entries.insert(address, entry);
        }
        if is_reuse {
            lines.clear();
            for (address, entry) in &book.entries {
                entry.write(*address, &mut lines);
            }
            book.file = create(&self.path)?;
        }
        book.file.write_all(lines.as_bytes())
    }
}

impl CodeObserver for PerfMap {
    fn published(&self, code: &PublishedCode<'_>) {
        if let Err(error) = self.publish(code) {
            // The program is worth more than its profile.
            tracing::warn!(%error, path = %self.path.display(), "names will be missing there");
        }
    }

    fn retired(&self, _address: usize) {}
}

impl Book {
    /// Drops the entries that overlap; whether there were any.
    fn forget(&mut self, address: usize, bytes: usize) -> bool {
        let before = self.entries.range(..address).next_back();
        let before = before.filter(|(start, entry)| *start + entry.bytes > address);
        let within = self.entries.range(address..address + bytes);
        let stale: Vec<usize> = before
            .into_iter()
            .chain(within)
            .map(|(start, _)| *start)
            .collect();
        for start in &stale {
            self.entries.remove(start);
        }
        !stale.is_empty()
    }
}

impl Entry {
    fn write(&self, address: usize, lines: &mut String) {
        // To write to a string does not fail.
        let _ = writeln!(lines, "{address:x} {:x} {}", self.bytes, self.symbol);
    }
}

/// Makes a file anew, in a directory where others may have put a link of that name.
pub(super) fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::super::CodePart;
    use super::*;

    fn code<'c>(address: usize, chain: &'c str, parts: &[(usize, Option<&'c str>)]) -> PublishedCode<'c> {
        static BYTES: [u8; 256] = [0; 256];
        let mut offset = 0;
        let parts = parts.iter().map(|&(bytes, process)| {
            offset += bytes;
            CodePart {
                offset: offset - bytes,
                bytes,
                process,
            }
        });
        let parts: Vec<CodePart<'c>> = parts.collect();
        PublishedCode {
            address,
            bytes: &BYTES[..offset],
            chain,
            parts,
        }
    }

    #[test]
    fn a_name_is_there_until_its_address_is_used_again() {
        let path = std::env::temp_dir().join(format!("cutthrough-perf-{}.map", std::process::id()));
        let map = PerfMap::at(&path).unwrap();
        let check = |expected: &str| assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        map.published(&code(0x1000, "a", &[(16, None), (32, Some("where x\n (1:3)"))]));
        map.published(&code(0x2000, "b", &[(8, Some("read"))]));
        let first =
            "1000 10 cutthrough: chain of a\n1010 20 cutthrough: where x  (1:3)\n2000 8 cutthrough: read\n";
        check(first);
        map.retired(0x1000);
        check(first);
        // Begins in the middle of what was there.
        map.published(&code(0x1018, "c", &[(4, Some("c"))]));
        check("1000 10 cutthrough: chain of a\n1018 4 cutthrough: c\n2000 8 cutthrough: read\n");
        // Covers all of it, and ends where the next begins.
        map.published(&code(0x1000, "d", &[(100, Some("d"))]));
        check("1000 64 cutthrough: d\n2000 8 cutthrough: read\n");
        map.published(&code(0x1fff, "e", &[(1, Some("e"))]));
        check("1000 64 cutthrough: d\n2000 8 cutthrough: read\n1fff 1 cutthrough: e\n");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_link_is_not_followed() {
        let dir = std::env::temp_dir();
        let (link, victim) = (
            dir.join(format!("cutthrough-perf-link-{}", std::process::id())),
            dir.join(format!("cutthrough-perf-victim-{}", std::process::id())),
        );
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        PerfMap::at(&link).unwrap().published(&code(1, "a", &[(1, None)]));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        fs::remove_file(&victim).unwrap();
        fs::remove_file(&link).unwrap();
    }
}
