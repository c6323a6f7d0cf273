//! Bit strings, which are carried as text of zeros and ones.

use std::any::Any;

use super::*;
use crate::engine::AggregateState;
use crate::engine::budget::spend;
use crate::types::text::bits::{length_mismatch, too_long};

pub(super) fn natives() -> Vec<Native> {
    let mut all = pairs();
    all.extend([
        native2::<str, i32, str>("dg_bitshiftleft", |bits, by| {
            // To the right if it is negative; what leaves is lost, zeros come in.
            let count = (by.unsigned_abs() as usize).min(bits.len());
            let zeros = "0".repeat(count);
            Ok(Some(match by < 0 {
                true => zeros + &bits[..bits.len() - count],
                false => bits[count..].to_owned() + &zeros,
            }))
        }),
        native2::<str, i32, i32>("dg_bit_get", |bits, n| Ok(Some(i32::from(bits.as_bytes()[index(bits, n)?] & 1)))),
        native3::<str, i32, i32, str>("dg_bit_set", |bits, n, value| {
            let at = index(bits, n)?;
            if !(0..=1).contains(&value) {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"));
            }
            Ok(Some(format!("{}{value}{}", &bits[..at], &bits[at + 1..])))
        }),
        native3::<i64, i32, i32, str>("dg_int_to_bit", |value, length, width| {
            // The lowest bits, after copies of the sign if more are asked for.
            let length = if length <= 0 { 1 } else { length };
            spend(length as usize)?;
            let bit = |i: i32| if value >> i.min(width - 1) & 1 == 1 { '1' } else { '0' };
            Ok(Some((0..length).rev().map(bit).collect()))
        }),
        native1::<str, i32>("dg_bit_to_int4", |bits| match bits.len() {
            0..=32 => Ok(Some(number(bits) as u32 as i32)),
            _ => Err(out_of_range("integer out of range")),
        }),
        native1::<str, i64>("dg_bit_to_int8", |bits| match bits.len() {
            0..=64 => Ok(Some(number(bits) as i64)),
            _ => Err(out_of_range("bigint out of range")),
        }),
        native3::<str, i32, bool, str>("dg_bit_length", |bits, length, explicit| {
            let declared = length.max(0) as usize;
            if length <= 0 || bits.len() == declared {
                return Ok(Some(bits.to_owned()));
            }
            if !explicit {
                return Err(length_mismatch(bits.len(), declared));
            }
            spend(declared.saturating_sub(bits.len()))?;
            let kept = &bits[..bits.len().min(declared)];
            Ok(Some(kept.to_owned() + &"0".repeat(declared - kept.len())))
        }),
        native3::<str, i32, bool, str>("dg_varbit_length", |bits, length, explicit| {
            let declared = length.max(0) as usize;
            if length <= 0 || bits.len() <= declared {
                return Ok(Some(bits.to_owned()));
            }
            if explicit { Ok(Some(bits[..declared].to_owned())) } else { Err(too_long(declared)) }
        }),
    ]);
    all
}

/// What joins two bit strings of one length.
#[derive(Clone, Copy)]
struct Joined {
    native: &'static str,
    aggregate: &'static str,
    word: &'static str,
    bit: fn(u8, u8) -> u8,
}

const JOINED: [Joined; 3] = [
    Joined { native: "dg_bitand", aggregate: "dg_bits_and", word: "AND", bit: |a, b| a & b },
    Joined { native: "dg_bitor", aggregate: "dg_bits_or", word: "OR", bit: |a, b| a | b },
    Joined { native: "dg_bitxor", aggregate: "dg_bits_xor", word: "XOR", bit: |a, b| a ^ b },
];

impl Joined {
    fn of(&self, a: &str, b: &str) -> Result<String> {
        if a.len() != b.len() {
            let message = format!("cannot {} bit strings of different sizes", self.word);
            return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
        }
        let bit = |(a, b): (u8, u8)| if (self.bit)(a & 1, b & 1) == 1 { '1' } else { '0' };
        Ok(a.bytes().zip(b.bytes()).map(bit).collect())
    }
}

fn pairs() -> Vec<Native> {
    let pair = |joined: Joined| native2::<str, str, str>(joined.native, move |a, b| joined.of(a, b).map(Some));
    let mut all: Vec<Native> = JOINED.into_iter().map(pair).collect();
    all.push(native2::<str, str, i32>("dg_bit_cmp", |a, b| Ok(Some(compare(a, b)))));
    all
}

/// PostgreSQL's bit_cmp: by how much the first bytes that differ do (memcmp), then by a sign which is longer.
fn compare(a: &str, b: &str) -> i32 {
    let byte = |bits: &[u8]| bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | i32::from(bit & 1) << (7 - i));
    let bytes = a.as_bytes().chunks(8).zip(b.as_bytes().chunks(8));
    bytes.map(|(x, y)| byte(x) - byte(y)).find(|distance| *distance != 0).unwrap_or(a.len().cmp(&b.len()) as i32)
}

pub(super) fn aggregates() -> Vec<NativeAggregate> {
    let aggregate = |how: Joined| NativeAggregate {
        name: how.aggregate,
        args: vec![Phys::Text],
        result: Phys::Text,
        new_state: Arc::new(move || Box::new(JoinedBits { how, bits: None })),
    };
    JOINED.into_iter().map(aggregate).collect()
}

struct JoinedBits {
    how: Joined,
    bits: Option<String>,
}

impl JoinedBits {
    fn add(&mut self, more: &str) -> Result<()> {
        self.bits = Some(match &self.bits {
            Some(bits) => self.how.of(bits, more)?,
            None => more.to_owned(),
        });
        Ok(())
    }
}

impl AggregateState for JoinedBits {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let Some(array) = args.first() else { return Ok(()) };
        match value_at(&**array, row, &Phys::Text) {
            Value::Text(bits) => self.add(&bits),
            _ => Ok(()),
        }
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        let Some(other) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        other.bits.as_deref().map_or(Ok(()), |bits| self.add(bits))
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.bits.as_deref().map_or(Value::Null, Value::text))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn number(bits: &str) -> u64 {
    bits.bytes().fold(0, |n, bit| n << 1 | u64::from(bit & 1))
}

fn index(bits: &str, n: i32) -> Result<usize> {
    usize::try_from(n).ok().filter(|at| *at < bits.len()).ok_or_else(|| {
        let message = format!("bit index {n} out of valid range (0..{})", bits.len() as i64 - 1);
        Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
    })
}
