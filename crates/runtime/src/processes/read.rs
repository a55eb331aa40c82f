use std::io;

use bytes::BytesMut;
use cutthrough_ir::{HostFunction, HostSig, Type};

use crate::process::{Fragment, Process, Shape};

/// How much is asked of the reader at once.
const BLOCK_BYTES: usize = 256 << 10;

/// Gives what a reader gives, in blocks of bytes of no particular size. An error of
/// the reader fails the process.
///
/// A block is a slab that who keeps a view of it can share
/// ([`HostContext::keep`](cutthrough_ir::HostContext::keep)); its memory is used again
/// when nobody does.
#[derive(Debug)]
pub struct Read {
    next: Option<HostFunction>,
}

impl Read {
    /// Gives what `reader` gives; `name` is for errors, unless it is empty, as for a
    /// reader that names what it reads itself.
    pub fn new(name: impl Into<String>, mut reader: impl io::Read + Send + 'static) -> Read {
        let name = name.into();
        let sig = HostSig { name: "read".to_owned(), params: Vec::new(), results: vec![Type::BOOL, Type::BYTES] };
        let mut spare = BytesMut::new();
        let mut current = bytes::Bytes::new();
        let next = Reading { read: Box::new(move |buffer| reader.read(buffer)), name, spare: std::mem::take(&mut spare), current: std::mem::take(&mut current) };
        Read { next: Some(HostFunction::new(sig, next)) }
    }
}

/// The reader, and the block given last.
struct Reading {
    read: Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>,
    name: String,
    spare: BytesMut,
    current: bytes::Bytes,
}

impl Reading {
    fn message(&self, error: &io::Error) -> String {
        if self.name.is_empty() { error.to_string() } else { format!("{}: {error}", self.name) }
    }
}

impl cutthrough_ir::Host for Reading {
    fn call<'a>(
        &'a mut self,
        _args: cutthrough_ir::Words<'a>,
        results: &mut cutthrough_ir::Results<'a>,
        context: &'a cutthrough_ir::HostContext,
    ) -> Result<(), String> {
        let last = std::mem::take(&mut self.current);
        // Views of the last block end with this call. A grant may take thousands of
        // blocks: it must not hold on to all of them.
        context.remove_slab(&last);
        if let Ok(free) = last.try_into_mut() {
            self.spare = free;
        }
        let mut block = std::mem::take(&mut self.spare);
        block.resize(BLOCK_BYTES, 0);
        let length = loop {
            match (self.read)(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome.map_err(|error| self.message(&error))?,
            }
        };
        self.current = block.freeze();
        if length > 0 {
            context.add_slab(self.current.clone());
            results.bool(0, true);
            results.bytes(1, &self.current[..length]);
        }
        Ok(())
    }
}

impl Process for Read {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("read");
        shape.output(Type::BYTES);
        shape.hosts_once(&mut self.next);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        let (_, ended) = f.br_new(next[0]);
        f.emit(0, &next[1..]);
        f.again();
        f.switch_to(ended);
        f.finish();
    }
}
