//! Functions of network addresses, over the bytes that carry them.

use super::*;
use crate::types::coded::inet::Inet;

type Bytes = [u8];

pub(super) fn natives() -> Vec<Native> {
    let mut all = texts();
    all.extend(parts());
    all.extend(pairs());
    all.extend(macs());
    all
}

fn texts() -> Vec<Native> {
    vec![
        native1::<Bytes, str>("dg_inet_text", |a| Ok(Some(Inet::decode(a).text(false)))),
        native1::<Bytes, str>("dg_inet_abbrev", |a| Inet::decode(a).abbreviated().map(Some)),
        native1::<Bytes, str>("dg_inet_show", |a| Ok(Some(Inet::decode(a).text(true)))),
        native1::<Bytes, str>("dg_inet_host", |a| Ok(Some(Inet::decode(a).host_text()))),
    ]
}

/// A function of one address that gives another.
fn map(name: &'static str, f: fn(Inet) -> Inet) -> Native {
    native1::<Bytes, Bytes>(name, move |a| Ok(Some(f(Inet::decode(a)).encode())))
}

fn parts() -> Vec<Native> {
    vec![
        native1::<Bytes, i32>("dg_inet_family", |a| Ok(Some(if Inet::decode(a).v6 { 6 } else { 4 }))),
        native1::<Bytes, i32>("dg_inet_masklen", |a| Ok(Some(i32::from(Inet::decode(a).bits)))),
        map("dg_inet_broadcast", |a| Inet { address: a.address | (a.all() & !Inet::mask(a.bits)), ..a }),
        map("dg_inet_netmask", |a| Inet { address: Inet::mask(a.bits), bits: a.width(), ..a }),
        map("dg_inet_hostmask", |a| Inet { address: a.all() & !Inet::mask(a.bits), bits: a.width(), ..a }),
        map("dg_inet_network", |a| Inet { address: a.network(), ..a }),
        map("dg_inet_not", |a| Inet { address: a.all() & !a.address, ..a }),
        native2::<Bytes, i32, Bytes>("dg_inet_set_masklen", |a, n| set_masklen(a, n, false)),
        native2::<Bytes, i32, Bytes>("dg_cidr_set_masklen", |a, n| set_masklen(a, n, true)),
        native2::<Bytes, i64, Bytes>("dg_inet_add", |a, n| add(a, i128::from(n))),
        native2::<Bytes, i64, Bytes>("dg_inet_minus", |a, n| add(a, i128::from(n.wrapping_neg()))),
    ]
}

fn set_masklen(a: &[u8], bits: i32, cidr: bool) -> Result<Option<Vec<u8>>> {
    let a = Inet::decode(a);
    let bits = match bits {
        -1 => a.width(),
        n => u8::try_from(n)
            .ok()
            .filter(|n| *n <= a.width())
            .ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid mask length: {n}")))?,
    };
    let address = if cidr { a.address & Inet::mask(bits) } else { a.address };
    Ok(Some(Inet { bits, address, ..a }.encode()))
}

/// How far an address's bits stand to the left.
fn shift(a: Inet) -> u32 {
    128 - u32::from(a.width())
}

fn add(a: &[u8], n: i128) -> Result<Option<Vec<u8>>> {
    let a = Inet::decode(a);
    let moved = match u128::try_from(n) {
        Ok(n) => (a.address >> shift(a)).checked_add(n),
        Err(_) => (a.address >> shift(a)).checked_sub(n.unsigned_abs()),
    };
    match moved.filter(|n| *n <= a.all() >> shift(a)) {
        Some(n) => Ok(Some(Inet { address: n << shift(a), ..a }.encode())),
        None => Err(super::out_of_range("result is out of range")),
    }
}

/// Is the left network within the right one?
fn within(a: Inet, b: Inet) -> bool {
    a.v6 == b.v6 && a.bits >= b.bits && a.address & Inet::mask(b.bits) == b.network()
}

/// PostgreSQL's network_cmp: not a sign, but by how much what differs first differs.
fn compare(a: Inet, b: Inet) -> i32 {
    if a.v6 != b.v6 {
        return i32::from(a.v6) - i32::from(b.v6);
    }
    let shared = leading(a, b, a.bits.min(b.bits));
    if shared != 0 {
        return shared;
    }
    let wider = i32::from(a.bits) - i32::from(b.bits);
    if wider != 0 { wider } else { leading(a, b, a.width()) }
}

/// The first so many bits, as PostgreSQL's bitncmp tells them apart: the bytes by their distance, the bits of a last one by a sign.
fn leading(a: Inet, b: Inet, bits: u8) -> i32 {
    let (whole, rest) = (usize::from(bits / 8), bits % 8);
    let (x, y) = (a.address.to_be_bytes(), b.address.to_be_bytes());
    if let Some((l, r)) = x.iter().zip(&y).take(whole).find(|(l, r)| l != r) {
        return i32::from(*l) - i32::from(*r);
    }
    let part = |bytes: &[u8; 16]| bytes.get(whole).map_or(0, |byte| byte & !(0xff >> rest));
    (part(&x).cmp(&part(&y))) as i32
}

fn combine(name: &'static str, word: &'static str, f: fn(u128, u128) -> u128) -> Native {
    native2::<Bytes, Bytes, Bytes>(name, move |a, b| {
        let (a, b) = (Inet::decode(a), Inet::decode(b));
        if a.v6 != b.v6 {
            let message = format!("cannot {word} inet values of different sizes");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Ok(Some(Inet { bits: a.bits.max(b.bits), address: f(a.address, b.address), ..a }.encode()))
    })
}

fn pairs() -> Vec<Native> {
    let test = |name: &'static str, f: fn(Inet, Inet) -> bool| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(Inet::decode(a), Inet::decode(b)))))
    };
    vec![
        test("dg_inet_same_family", |a, b| a.v6 == b.v6),
        test("dg_inet_sub", |a, b| within(a, b) && a.bits > b.bits),
        test("dg_inet_subeq", within),
        test("dg_inet_overlap", |a, b| within(a, b) || within(b, a)),
        native2::<Bytes, Bytes, i32>("dg_inet_cmp", |a, b| Ok(Some(compare(Inet::decode(a), Inet::decode(b))))),
        combine("dg_inet_and", "AND", |a, b| a & b),
        combine("dg_inet_or", "OR", |a, b| a | b),
        native2::<Bytes, Bytes, Bytes>("dg_inet_merge", |a, b| {
            let (a, b) = (Inet::decode(a), Inet::decode(b));
            if a.v6 != b.v6 {
                let message = "cannot merge addresses from different families";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            let common = (a.address ^ b.address).leading_zeros() as u8;
            let bits = common.min(a.bits).min(b.bits);
            Ok(Some(Inet { bits, address: a.address & Inet::mask(bits), ..a }.encode()))
        }),
        native2::<Bytes, Bytes, i64>("dg_inet_distance", |a, b| {
            let (a, b) = (Inet::decode(a), Inet::decode(b));
            if a.v6 != b.v6 {
                let message = "cannot subtract inet values of different sizes";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            let (x, y) = (a.address >> shift(a), b.address >> shift(b));
            let distance = match x >= y {
                true => i64::try_from(x - y).ok(),
                false => i128::try_from(y - x).ok().and_then(|n| i64::try_from(-n).ok()),
            };
            distance.map(Some).ok_or_else(|| super::out_of_range("result is out of range"))
        }),
    ]
}

fn macs() -> Vec<Native> {
    let both = |name: &'static str, f: fn(u8, u8) -> u8| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| Ok(Some(a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect())))
    };
    vec![
        native1::<Bytes, Bytes>("dg_mac_not", |a| Ok(Some(a.iter().map(|b| !b).collect()))),
        both("dg_mac_and", |a, b| a & b),
        both("dg_mac_or", |a, b| a | b),
        native1::<Bytes, Bytes>("dg_mac_trunc", |a| {
            Ok(Some(a.iter().enumerate().map(|(i, b)| if i < 3 { *b } else { 0 }).collect()))
        }),
        native1::<Bytes, Bytes>("dg_mac_widen", |a| {
            let mut wide = a.to_vec();
            if wide.len() == 6 {
                wide.splice(3..3, [0xff, 0xfe]);
            }
            Ok(Some(wide))
        }),
        native1::<Bytes, Bytes>("dg_mac_narrow", |a| {
            match a {
            [a, b, c, 0xff, 0xfe, d, e, f] => Ok(Some(vec![*a, *b, *c, *d, *e, *f])),
            _ => Err(super::out_of_range("macaddr8 data out of range to convert to macaddr").hint(
                "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
            )),
        }
        }),
        native1::<Bytes, Bytes>("dg_mac_set7bit", |a| {
            let mut a = a.to_vec();
            if let Some(first) = a.first_mut() {
                *first |= 0x02;
            }
            Ok(Some(a))
        }),
    ]
}
