//! Addresses of the web: their parts, and the escapes in them.

use cutthrough::ir::Words;

use super::{Constants, Given, push};

/// The value of a parameter of a query, or of the query of an address; nothing for one without `=`.
pub(super) fn param(args: Words<'_>, _constants: &mut Constants, out: &mut Vec<u8>) -> Result<Given, String> {
    let (url, name) = (args.bytes(0), args.bytes(1));
    let url = before(url, b'#');
    let query = match memchr::memchr(b'?', url) {
        Some(at) => &url[at + 1..],
        None => url,
    };
    for pair in query.split(|&byte| byte == b'&') {
        let key = before(pair, b'=');
        out.clear();
        decode(key, true, out);
        if out == name {
            out.clear();
            decode(pair.get(key.len() + 1..).unwrap_or_default(), true, out);
            return Ok(Given::Text);
        }
    }
    Ok(Given::Null)
}

/// The host that an address names, without a user and a port.
pub(super) fn url_host(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    let url = args.bytes(0);
    let Some(at) = memchr::memmem::find(url, b"//") else {
        return Ok(Given::Null);
    };
    let rest = &url[at + 2..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    // An address of IPv6 stands in brackets, with colons of its own.
    let host = match (host.first(), memchr::memchr(b']', host)) {
        (Some(b'['), Some(end)) => &host[1..end],
        _ => before(host, b':'),
    };
    push(out, host)?;
    Ok(Given::text_if(!host.is_empty()))
}

pub(super) fn url_decode(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    decode(args.bytes(0), false, out);
    Ok(Given::Text)
}

pub(super) fn url_encode(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in args.bytes(0) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            push(out, &[byte])?;
        } else {
            push(
                out,
                &[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]],
            )?;
        }
    }
    Ok(Given::Text)
}

fn before(text: &[u8], end: u8) -> &[u8] {
    &text[..memchr::memchr(end, text).unwrap_or(text.len())]
}

/// Replaces escapes by their bytes; what is no escape stays as it is. In a query, `+` is a blank.
fn decode(text: &[u8], in_query: bool, out: &mut Vec<u8>) {
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        let escaped = match behind {
            [high, low, ..] if *byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match (escaped, byte) {
            (Some((high, low)), _) => {
                out.push(high << 4 | low);
                rest = &rest[3..];
                continue;
            }
            (None, b'+') if in_query => out.push(b' '),
            (None, &byte) => out.push(byte),
        }
        rest = behind;
    }
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|digit| digit as u8)
}
