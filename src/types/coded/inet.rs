//! `inet` and `cidr`: an address of a host and the width of its network.
//!
//! Bytes: the family (4 or 6), the network's address, the width, the host's address. So networks sort by family, by the
//! bits that they share, then by width, and hosts within them: PostgreSQL's network_cmp.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{Error, Result, SqlState};

/// An address in the program's hands: that of an IPv4 host in the high 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inet {
    pub v6: bool,
    pub bits: u8,
    pub address: u128,
}

/// PostgreSQL's numbers for the families on the wire.
const WIRE_V4: u8 = 2;
const WIRE_V6: u8 = 3;

impl Inet {
    /// The width of a host's own address.
    pub fn width(self) -> u8 {
        if self.v6 { 128 } else { 32 }
    }

    /// Ones for the network's part.
    pub fn mask(bits: u8) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
    }

    /// Ones for the bits that an address of the family has.
    pub fn all(self) -> u128 {
        Self::mask(self.width())
    }

    pub fn network(self) -> u128 {
        self.address & Self::mask(self.bits)
    }

    pub fn is_network(self) -> bool {
        self.network() == self.address
    }

    fn octets(address: u128, v6: bool, out: &mut Vec<u8>) {
        let bytes = address.to_be_bytes();
        out.extend_from_slice(if v6 { &bytes } else { &bytes[..4] });
    }

    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(34);
        out.push(if self.v6 { 6 } else { 4 });
        Self::octets(self.network(), self.v6, &mut out);
        out.push(self.bits);
        Self::octets(self.address, self.v6, &mut out);
        out
    }

    /// What [`Self::encode`] wrote; other bytes give some address.
    pub fn decode(bytes: &[u8]) -> Self {
        let v6 = bytes.first() == Some(&6);
        let length = if v6 { 16 } else { 4 };
        let mut address = [0u8; 16];
        if let Some(tail) = bytes.get(length + 2..).filter(|tail| tail.len() == length) {
            address[..length].copy_from_slice(tail);
        }
        let bits = bytes.get(length + 1).copied().unwrap_or(0).min(if v6 { 128 } else { 32 });
        Self { v6, bits, address: u128::from_be_bytes(address) }
    }

    /// `inet_in`, `cidr_in`.
    pub fn parse(text: &str, cidr: bool) -> Result<Self> {
        let name = if cidr { "cidr" } else { "inet" };
        let parsed = if text.contains(':') { parse_v6(text) } else { parse_v4(text, cidr) };
        let value = parsed.ok_or_else(|| super::super::text::invalid_syntax(name, text))?;
        if cidr && !value.is_network() {
            let message = format!("invalid cidr value: \"{text}\"");
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
                .detail("Value has bits set to right of mask."));
        }
        Ok(value)
    }

    /// A host's address by itself.
    pub fn host(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(a) => Self { v6: false, bits: 32, address: u128::from(u32::from(a)) << 96 },
            std::net::IpAddr::V6(a) => Self { v6: true, bits: 128, address: u128::from(a) },
        }
    }

    /// The address without the width.
    pub fn host_text(self) -> String {
        if self.v6 { v6_text(self.address) } else { Ipv4Addr::from((self.address >> 96) as u32).to_string() }
    }

    /// `inet_out`, `cidr_out`: an inet of a single host shows no width.
    pub fn text(self, cidr: bool) -> String {
        let host = self.host_text();
        if cidr || self.bits != self.width() { format!("{host}/{}", self.bits) } else { host }
    }

    /// `abbrev(cidr)`: without the octets that no bit of the network reaches. 0A000 for IPv6.
    pub fn abbreviated(self) -> Result<String> {
        if self.v6 {
            return Err(Error::unsupported("abbrev() of an IPv6 network").hint("Use text()."));
        }
        let octets = usize::from(self.bits).div_ceil(8).max(1);
        let bytes = self.address.to_be_bytes();
        let shown: Vec<String> = bytes[..octets].iter().map(u8::to_string).collect();
        Ok(format!("{}/{}", shown.join("."), self.bits))
    }

    /// `inet_send`, `cidr_send`.
    pub fn send(self, cidr: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&[
            if self.v6 { WIRE_V6 } else { WIRE_V4 },
            self.bits,
            u8::from(cidr),
            if self.v6 { 16 } else { 4 },
        ]);
        Self::octets(self.address, self.v6, out);
    }

    /// `inet_recv`, `cidr_recv`.
    pub fn receive(data: &[u8], cidr: bool) -> Result<Self> {
        let name = if cidr { "cidr" } else { "inet" };
        let invalid = |what: &str| Error::new(SqlState::INVALID_BINARY_REPRESENTATION, what.to_owned());
        let [family, bits, _, length, rest @ ..] = data else {
            return Err(super::super::binary::insufficient());
        };
        let v6 = match *family {
            WIRE_V4 => false,
            WIRE_V6 => true,
            _ => return Err(invalid(&format!("invalid address family in external \"{name}\" value"))),
        };
        let wanted: u8 = if v6 { 16 } else { 4 };
        if *bits > wanted * 8 {
            return Err(invalid(&format!("invalid bits in external \"{name}\" value")));
        }
        if *length != wanted {
            return Err(invalid(&format!("invalid length in external \"{name}\" value")));
        }
        if rest.len() < usize::from(wanted) {
            return Err(super::super::binary::insufficient());
        }
        if rest.len() > usize::from(wanted) {
            return Err(super::super::binary::left_over());
        }
        let mut address = [0u8; 16];
        address[..rest.len()].copy_from_slice(rest);
        let value = Self { v6, bits: *bits, address: u128::from_be_bytes(address) };
        if cidr && !value.is_network() {
            return Err(invalid("invalid external \"cidr\" value").detail("Value has bits set to right of mask."));
        }
        Ok(value)
    }
}

/// The longest run of zeros is left out; addresses that hold an IPv4 address end in it.
fn v6_text(address: u128) -> String {
    let words = Ipv6Addr::from(address).segments();
    let (mut best, mut run) = ((0usize, 0usize), (0usize, 0usize));
    for (i, word) in words.iter().enumerate() {
        run = match (*word, run.1) {
            (0, 0) => (i, 1),
            (0, n) => (run.0, n + 1),
            _ => (0, 0),
        };
        if run.1 > best.1 {
            best = run;
        }
    }
    if best.1 < 2 {
        best = (8, 0);
    }
    let dotted = best.0 == 0 && (best.1 == 6 || (best.1 == 7 && words[7] != 1) || (best.1 == 5 && words[5] == 0xffff));
    let mut out = String::new();
    let mut i = 0;
    while i < 8 {
        if i == best.0 && best.1 > 0 {
            out.push(':');
            i += best.1;
            if i == 8 {
                out.push(':');
            }
            continue;
        }
        if i > 0 {
            out.push(':');
        }
        if i == 6 && dotted {
            out.push_str(&Ipv4Addr::from(address as u32).to_string());
            break;
        }
        out.push_str(&format!("{:x}", words[i]));
        i += 1;
    }
    out
}

/// Digits without more: the width behind the slash.
fn width(text: &str, most: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0') && most == 128) {
        return None;
    }
    text.parse().ok().filter(|bits| *bits <= most)
}

fn parse_v6(text: &str) -> Option<Inet> {
    let (host, bits) = match text.split_once('/') {
        Some((host, bits)) => (host, width(bits, 128)?),
        None => (text, 128),
    };
    let address: Ipv6Addr = host.parse().ok()?;
    Some(Inet { v6: true, bits, address: u128::from(address) })
}

/// Octets may be missing at the end if a width is given, or for a cidr.
fn parse_v4(text: &str, cidr: bool) -> Option<Inet> {
    let (host, bits) = match text.split_once('/') {
        Some((host, bits)) => (host, Some(width(bits, 32)?)),
        None => (text, None),
    };
    let mut octets: Vec<u8> = Vec::with_capacity(4);
    for part in host.split('.') {
        if octets.len() == 4 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let trimmed = part.trim_start_matches('0');
        octets.push(if trimmed.is_empty() { 0 } else { trimmed.parse().ok()? });
    }
    let first = *octets.first()?;
    let bits = match bits {
        Some(bits) => bits,
        None if cidr => {
            // The class that the address would have had, or as many octets as there are.
            let class = match first {
                240.. => 32,
                224.. => 8,
                192.. => 24,
                128.. => 16,
                _ => 8,
            };
            let written = octets.len() as u8 * 8;
            match class.max(written) {
                8 if first == 224 => 4,
                bits => bits,
            }
        }
        None if octets.len() == 4 => 32,
        None => return None,
    };
    if !cidr && usize::from(bits) / 8 > octets.len() {
        return None;
    }
    octets.resize(4, 0);
    let address = octets.iter().fold(0u128, |all, octet| all << 8 | u128::from(*octet)) << 96;
    Some(Inet { v6: false, bits, address })
}
