//! Numbers as bytes that sort as they do: the bounds of ranges.

/// Sorts as PostgreSQL sorts floats: NaN behind all, the two zeros as one.
pub(super) fn float_bytes(f: f64) -> Vec<u8> {
    if f.is_nan() {
        return u64::MAX.to_be_bytes().to_vec();
    }
    let bits = if f == 0.0 { 0 } else { f.to_bits() };
    (if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }).to_be_bytes().to_vec()
}

pub(super) fn float_of(bytes: &[u8]) -> f64 {
    let bits = bytes.try_into().map_or(0, u64::from_be_bytes);
    match bits {
        u64::MAX => f64::NAN,
        bits if bits >> 63 == 1 => f64::from_bits(bits & !(1 << 63)),
        bits => f64::from_bits(!bits),
    }
}

const NEGATIVE_INFINITY: u8 = 1;
const NEGATIVE: u8 = 2;
const ZERO: u8 = 3;
const POSITIVE: u8 = 4;
const INFINITY: u8 = 5;
const NAN: u8 = 6;

/// Sign, power of ten of the first digit, digits: what is greater has the greater bytes.
pub(super) fn numeric_bytes(text: &str) -> (Vec<u8>, u16) {
    match text {
        "NaN" => return (vec![NAN], 0),
        "Infinity" => return (vec![INFINITY], 0),
        "-Infinity" => return (vec![NEGATIVE_INFINITY], 0),
        _ => {}
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = u16::try_from(fraction.len()).unwrap_or(u16::MAX);
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b.wrapping_sub(b'0')).collect();
    let Some(first) = all.iter().position(|d| *d != 0) else { return (vec![ZERO], scale) };
    let last = all.iter().rposition(|d| *d != 0).unwrap_or(first);
    let power = whole.len() as i64 - 1 - first as i64;
    let mut body = ((power as i32 as u32) ^ (1 << 31)).to_be_bytes().to_vec();
    body.extend(all[first..=last].iter().map(|d| d + 1));
    body.push(0);
    if negative {
        body.iter_mut().for_each(|b| *b = !*b);
    }
    body.insert(0, if negative { NEGATIVE } else { POSITIVE });
    (body, scale)
}

pub(super) fn numeric_text(bytes: &[u8], scale: usize) -> String {
    let zeros = |n: usize| "0".repeat(n);
    let (sign, body) = match bytes.split_first() {
        Some((&NEGATIVE_INFINITY, _)) => return "-Infinity".into(),
        Some((&INFINITY, _)) => return "Infinity".into(),
        Some((&NAN, _)) => return "NaN".into(),
        Some((&NEGATIVE, body)) => ("-", body.iter().map(|b| !b).collect::<Vec<u8>>()),
        Some((&POSITIVE, body)) => ("", body.to_vec()),
        _ => return if scale > 0 { format!("0.{}", zeros(scale)) } else { "0".into() },
    };
    let Some((head, digits)) = body.split_first_chunk::<4>() else { return "0".into() };
    let power = i64::from((u32::from_be_bytes(*head) ^ (1 << 31)) as i32);
    let digits: String =
        digits.iter().take_while(|d| **d != 0).map(|d| char::from(b'0' + d.saturating_sub(1).min(9))).collect();
    // The place of the point among the digits.
    let point = power + 1;
    let (mut whole, mut fraction) = if point <= 0 {
        ("0".to_owned(), zeros(point.unsigned_abs() as usize) + &digits)
    } else if point as usize >= digits.len() {
        (digits.clone() + &zeros(point as usize - digits.len()), String::new())
    } else {
        (digits[..point as usize].to_owned(), digits[point as usize..].to_owned())
    };
    fraction += &zeros(scale.saturating_sub(fraction.len()));
    if !fraction.is_empty() {
        whole.push('.');
    }
    format!("{sign}{whole}{fraction}")
}
