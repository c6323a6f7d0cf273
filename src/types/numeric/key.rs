//! A byte string whose order is the order of the numbers: what ORDER BY, GROUP BY and joins use for numeric text.

use num_bigint::Sign;

use super::Numeric;

impl Numeric {
    /// Equal numbers have equal keys whatever their display scale; bytewise order is PostgreSQL's order.
    ///
    /// One byte of class; for finite numbers the decimal exponent and pairs of digits, complemented when negative.
    pub fn sort_key(&self) -> Vec<u8> {
        match self {
            Self::NegInfinity => vec![0],
            Self::PosInfinity => vec![4],
            Self::NaN => vec![5],
            Self::Finite(d) if d.unscaled.sign() == Sign::NoSign => vec![2],
            Self::Finite(d) => {
                let negative = d.unscaled.sign() == Sign::Minus;
                let text = d.unscaled.magnitude().to_str_radix(10);
                let exponent = text.len() as i32 - d.dscale as i32;
                let digits = text.trim_end_matches('0').as_bytes();
                let mut key = Vec::with_capacity(6 + digits.len() / 2);
                key.push(if negative { 1 } else { 3 });
                // 18 bits of biased exponent in three bytes.
                key.extend_from_slice(&((exponent + (1 << 23)) as u32).to_be_bytes()[1..]);
                for pair in digits.chunks(2) {
                    let tens = pair[0] - b'0';
                    let ones = pair.get(1).map_or(0, |d| d - b'0');
                    // One more than the value: the end of the key sorts before any further digits.
                    key.push(tens * 10 + ones + 1);
                }
                if negative {
                    key[1..].iter_mut().for_each(|b| *b = !*b);
                    key.push(0xff);
                }
                key
            }
        }
    }
}
