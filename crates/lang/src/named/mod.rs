//! Functions that are a line of a table: what they take, what they give, and the Rust function that computes it.
//!
//! | file | of what |
//! |---|---|
//! | `url.rs` | addresses of the web |
//! | `ip.rs` | addresses of the internet |
//! | `digest.rs` | other forms of a text: digests, base64 |
//! | `pieces.rs` | pieces of a text, as a list |
//! | `random.rs` | numbers of nothing |

mod digest;
mod ip;
mod pieces;
mod random;
mod url;

use cutthrough::ir::{Type, Words};
use cutthrough_expr::{LogicalType, Named};

use crate::known::Known;
use crate::limits::EXPRESSION_TEXT_BYTES_MAX;
use crate::pattern::Pattern;

pub(crate) use ip::Network;
pub(crate) use pieces::parts;
use random::Random;

/// Such a function.
pub(crate) struct NamedFunction {
    pub(crate) name: &'static str,
    pub(crate) takes: &'static [Takes],
    pub(crate) gives: LogicalType,
    pub(crate) run: Run,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Text,
    Int,
    /// A regular expression, which is a constant.
    Pattern,
    /// A network, which is a constant: `10.0.0.0/8`.
    Network,
}

impl Takes {
    pub(crate) fn words(self) -> Type {
        match self {
            Takes::Int => Type::I64,
            _ => Type::BYTES,
        }
    }
}

type Run = fn(Words<'_>, &mut Constants, &mut Vec<u8>) -> Result<Given, String>;

/// What a call has come to.
pub(crate) enum Given {
    Null,
    Bool(bool),
    Float(f64),
    /// What is in the buffer.
    Text,
}

impl Given {
    fn text_if(is_there: bool) -> Given {
        if is_there { Given::Text } else { Given::Null }
    }
}

/// What a function keeps from element to element.
#[derive(Default)]
pub(crate) struct Constants {
    pattern: Known<Pattern>,
    network: Known<Network>,
    random: Random,
}

impl Constants {
    pub(crate) fn pattern(&mut self, text: &[u8]) -> Result<&mut Pattern, String> {
        self.pattern.get(text, Pattern::read)
    }
}

const TEXT: LogicalType = LogicalType::TEXT;

/// Every one of them.
pub(crate) const NAMED: &[NamedFunction] = &[
    row(
        "base64_decode",
        &[Takes::Text],
        TEXT.or_null(),
        digest::base64_decode,
    ),
    row("base64_encode", &[Takes::Text], TEXT, digest::base64_encode),
    row(
        "extract_all",
        &[Takes::Text, Takes::Pattern],
        LogicalType::JSON,
        pieces::extract_all,
    ),
    row(
        "ip_in",
        &[Takes::Text, Takes::Network],
        LogicalType::BOOL.or_null(),
        ip::ip_in,
    ),
    row("ip_net", &[Takes::Text, Takes::Int], TEXT.or_null(), ip::ip_net),
    row("is_ip", &[Takes::Text], LogicalType::BOOL, ip::is_ip),
    row("md5", &[Takes::Text], TEXT, digest::md5),
    row("param", &[Takes::Text, Takes::Text], TEXT.or_null(), url::param),
    row("random", &[], LogicalType::FLOAT, random::random),
    row("sha256", &[Takes::Text], TEXT, digest::sha256),
    row(
        "split",
        &[Takes::Text, Takes::Text],
        LogicalType::JSON,
        pieces::split,
    ),
    row("url_decode", &[Takes::Text], TEXT, url::url_decode),
    row("url_encode", &[Takes::Text], TEXT, url::url_encode),
    row("url_host", &[Takes::Text], TEXT.or_null(), url::url_host),
    row("words", &[Takes::Text], LogicalType::JSON, pieces::words),
];

const fn row(name: &'static str, takes: &'static [Takes], gives: LogicalType, run: Run) -> NamedFunction {
    NamedFunction {
        name,
        takes,
        gives,
        run,
    }
}

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static NamedFunction> {
    NAMED.iter().find(|function| function.name == name)
}

impl NamedFunction {
    /// As expressions know it.
    pub(crate) fn scalar(&self) -> Named {
        Named {
            name: self.name,
            result: self.gives,
        }
    }
}

/// Adds to a text, within its bound.
pub(crate) fn push(out: &mut Vec<u8>, more: &[u8]) -> Result<(), String> {
    check_length(out.len() + more.len())?;
    out.extend_from_slice(more);
    Ok(())
}

/// Whether a text of this length is within the bound.
pub(crate) fn check_length(length: usize) -> Result<(), String> {
    if length > EXPRESSION_TEXT_BYTES_MAX {
        return Err(format!(
            "a text would be longer than {EXPRESSION_TEXT_BYTES_MAX} bytes"
        ));
    }
    Ok(())
}
