//! Addresses of the internet, and networks of them.

use std::fmt::Write;
use std::net::IpAddr;

use cutthrough::ir::Words;

use super::{Constants, Given, push};

/// A network: the addresses that begin with so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// `10.0.0.0/8`, or an address, which is the network of itself.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn parse(text: &[u8]) -> Result<Network, String> {
        let text = String::from_utf8_lossy(text);
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (&*text, None),
        };
        let wrong = || "not of the form `10.0.0.0/8`".to_owned();
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = bits_of(address);
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| wrong())?,
            None => most,
        };
        if bits > most {
            return Err(format!("an address of this kind has {most} bits"));
        }
        Ok(Network { address, bits }.first())
    }

    /// The network with its first address.
    fn first(self) -> Network {
        let mask = |bits: u32, most: u32| u128::MAX.checked_shl(most - bits).unwrap_or(0);
        let address = match self.address {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() & mask(self.bits, 32) as u32).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & mask(self.bits, 128)).into()),
        };
        Network { address, ..self }
    }

    fn contains(self, address: IpAddr) -> bool {
        bits_of(address) == bits_of(self.address)
            && Network { address, ..self }.first().address == self.address
    }
}

fn bits_of(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// An address; one of IPv4 that is written as one of IPv6 is that of IPv4.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

pub(super) fn is_ip(
    args: Words<'_>,
    _constants: &mut Constants,
    _out: &mut Vec<u8>,
) -> Result<Given, String> {
    Ok(Given::Bool(parse(args.bytes(0)).is_some()))
}

pub(super) fn ip_in(args: Words<'_>, constants: &mut Constants, _out: &mut Vec<u8>) -> Result<Given, String> {
    let network = *constants.network.get(args.bytes(1), Network::parse)?;
    let address = parse(args.bytes(0));
    Ok(address.map_or(Given::Null, |address| Given::Bool(network.contains(address))))
}

pub(super) fn ip_net(
    args: Words<'_>,
    _constants: &mut Constants,
    out: &mut Vec<u8>,
) -> Result<Given, String> {
    let address = parse(args.bytes(0));
    let bits = u32::try_from(args.i64(1)).ok();
    let (Some(address), Some(bits)) = (address, bits) else {
        return Ok(Given::Null);
    };
    if bits > bits_of(address) {
        return Ok(Given::Null);
    }
    let network = Network { address, bits }.first();
    let mut text = String::new();
    write!(text, "{}/{bits}", network.address).expect("INVARIANT: a string takes all");
    push(out, text.as_bytes())?;
    Ok(Given::Text)
}
