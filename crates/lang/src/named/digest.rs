//! Other forms of a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cutthrough::ir::Words;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Constants, Given, push};

pub(super) fn md5(args: Words<'_>, _constants: &mut Constants, out: &mut Vec<u8>) -> Result<Given, String> {
    push_hex(&Md5::digest(args.bytes(0)), out);
    Ok(Given::Text)
}

pub(super) fn sha256(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    push_hex(&Sha256::digest(args.bytes(0)), out);
    Ok(Given::Text)
}

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = |&byte: &u8| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    out.extend(bytes.iter().flat_map(digits));
}

pub(super) fn base64_encode(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    push(out, STANDARD.encode(args.bytes(0)).as_bytes())?;
    Ok(Given::Text)
}

/// Null where the text is not of base64.
pub(super) fn base64_decode(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    Ok(Given::text_if(STANDARD.decode_vec(args.bytes(0), out).is_ok()))
}
