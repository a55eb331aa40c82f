use std::io;

use bytes::{Bytes, BytesMut};
use cutthrough_ir::{End, Host, HostContext, HostFunction, HostSig, Results, Type, Words};

use crate::process::{Fragment, Process, Shape};

/// How much is asked of the reader at once.
const BLOCK_BYTES: usize = 256 << 10;

/// What a [`Read`] reads: inputs one after another. Any reader is one input.
pub trait Inputs: Send {
    /// Reads from the present input, as [`io::Read::read`] does; 0 at its end.
    ///
    /// # Errors
    /// As those of [`io::Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Goes on to the next input, after the end of the present one; whether there is one.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn advance(&mut self) -> io::Result<bool>;
}

impl<R: io::Read + Send> Inputs for R {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(self, buffer)
    }

    fn advance(&mut self) -> io::Result<bool> {
        Ok(false)
    }
}

/// Gives what a reader gives, in blocks of bytes of no particular size. An error of
/// the reader fails the process, except [`WouldBlock`](io::ErrorKind::WouldBlock): then
/// the process waits until it is [woken](crate::Network::waker). So the network's thread
/// is free while there is no input, for other sources and for requests.
///
/// A block has bytes of one input only. An empty block stands between two inputs.
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
    pub fn new(name: impl Into<String>, reader: impl Inputs + 'static) -> Read {
        let sig = HostSig {
            name: "read".to_owned(),
            params: Vec::new(),
            results: vec![Type::BOOL, Type::BOOL, Type::BYTES],
            rows: Vec::new(),
        };
        let reading = Reading {
            reader,
            name: name.into(),
            block: Bytes::new(),
        };
        Read {
            next: Some(HostFunction::new(sig, reading)),
        }
    }
}

/// The reader, and the block given last.
struct Reading<R> {
    reader: R,
    name: String,
    block: Bytes,
}

impl<R: Inputs> Reading<R> {
    /// Reads the next block, into the last one's memory if nobody shares it; its length,
    /// or none while there is nothing to read.
    fn read(&mut self) -> Result<Option<usize>, String> {
        let mut block = std::mem::take(&mut self.block).try_into_mut().unwrap_or_default();
        block.resize(BLOCK_BYTES, 0);
        let length = loop {
            match self.reader.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break None,
                outcome => break Some(outcome.map_err(|error| self.message(&error))?),
            }
        };
        self.block = BytesMut::freeze(block);
        Ok(length)
    }

    /// What an error is reported as.
    fn message(&self, error: &io::Error) -> String {
        if self.name.is_empty() {
            error.to_string()
        } else {
            format!("{}: {error}", self.name)
        }
    }
}

impl<R: Inputs> Host for Reading<R> {
    fn call<'a>(
        &'a mut self,
        _args: Words<'a>,
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        // Views of the last block end with this call. A grant may take thousands of
        // blocks: it must not hold on to all of them.
        context.remove_slab(&self.block);
        match self.read()? {
            None => results.bool(1, true),
            Some(0) => {
                let goes_on = self.reader.advance().map_err(|error| self.message(&error))?;
                results.bool(0, goes_on);
            }
            Some(length) => {
                context.add_slab(self.block.clone());
                results.bool(0, true);
                results.bytes(2, &self.block[..length]);
            }
        }
        Ok(())
    }
}

impl Process for Read {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("read");
        shape.output(Type::BYTES);
        shape.host_once(&mut self.next);
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let next = f.call(0, &[]);
        let (_, nothing) = f.br_new(next[0]);
        f.emit(0, &next[2..]);
        f.again();
        f.switch_to(nothing);
        let (_, ended) = f.br_new(next[1]);
        f.end(End::Pending);
        f.switch_to(ended);
        f.finish();
    }
}
