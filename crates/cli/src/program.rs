//! The text of a program, wherever it is.

use std::io::{self, Read};
use std::path::PathBuf;

use crate::files::{message, name};

/// Where the program's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// On the command line.
    Text(String),
    /// In a file; `-` is the standard input.
    File(PathBuf),
}

impl Program {
    /// Its name for messages, and its text.
    ///
    /// # Errors
    /// When it cannot be read, or is no text; the message names it.
    pub(crate) fn read(&self) -> Result<(String, String), String> {
        match self {
            Program::Text(text) => Ok(("the command line".to_owned(), text.clone())),
            Program::File(path) => {
                let read = match path.as_os_str() == "-" {
                    true => read_stdin(),
                    false => std::fs::read(path),
                };
                let bytes = read.map_err(|error| message(path.as_os_str(), &error))?;
                let name = name(path.as_os_str()).into_owned();
                match String::from_utf8(bytes) {
                    Ok(text) => Ok((name, text)),
                    Err(error) => {
                        let at = error.utf8_error().valid_up_to();
                        Err(format!("{name}: byte {at} is not UTF-8 text; programs are"))
                    }
                }
            }
        }
    }
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
