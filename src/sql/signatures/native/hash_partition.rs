//! PostgreSQL's hash functions: Jenkins' lookup3 with a seed. HASH partitions have a seed of their own, and take the hashes of a
//! key's columns together.

use crate::engine::Native;
use crate::engine::vector::{
    Date, Oid, Timestamp, TimestampTz, native_values, native_values_or_null, native1, native2, native3,
};
use crate::error::Error;
use crate::types::{Phys, Value};

/// HASH_PARTITION_SEED
const SEED: u64 = 0x7A5B_2236_7996_DCFD;

/// Days and microseconds from 1970 to 2000, where PostgreSQL's moments begin.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;

pub(super) fn natives() -> Vec<Native> {
    let mut all = seeded();
    all.extend([
        native1::<i16, i64>("dg_hash_int2", |n| Ok(Some(hash_u32(i32::from(n) as u32, SEED)))),
        native1::<i32, i64>("dg_hash_int4", |n| Ok(Some(hash_u32(n as u32, SEED)))),
        native1::<i64, i64>("dg_hash_int8", |n| Ok(Some(hash_i64(n, SEED)))),
        native1::<Oid, i64>("dg_hash_oid", |n| Ok(Some(hash_u32(n, SEED)))),
        native1::<bool, i64>("dg_hash_bool", |b| Ok(Some(hash_u32(u32::from(b), SEED)))),
        native1::<str, i64>("dg_hash_text", |text| Ok(Some(hash_bytes(text.as_bytes(), SEED)))),
        native1::<Date, i64>("dg_hash_date", |days| Ok(Some(hash_u32(date(days) as u32, SEED)))),
        native1::<Timestamp, i64>("dg_hash_timestamp", |micros| Ok(Some(hash_i64(moment(micros), SEED)))),
        native1::<TimestampTz, i64>("dg_hash_timestamptz", |micros| Ok(Some(hash_i64(moment(micros), SEED)))),
        native_values("dg_hash_uuid", vec![Phys::Uuid], Phys::Int8, |args| match args {
            [Value::Uuid(uuid)] => Ok(Value::Int8(hash_bytes(&uuid.to_be_bytes(), SEED))),
            _ => Err(Error::internal("a hash of what is no uuid")),
        }),
        // The hash of a NULL leaves the others' as it is.
        native_values_or_null("dg_hash_combine", vec![Phys::Int8, Phys::Int8], Phys::Int8, |args| match args {
            [Value::Int8(a), Value::Int8(b)] => Ok(Value::Int8(combine(*a as u64, *b as u64) as i64)),
            [a, _] => Ok(a.clone()),
            _ => Err(Error::internal("a hash of other things than two")),
        }),
        native3::<i64, i32, i32, bool>("dg_hash_satisfies", |hash, modulus, remainder| {
            let modulus = u64::try_from(modulus).ok().filter(|m| *m > 0);
            Ok(modulus.map(|modulus| hash as u64 % modulus == u64::try_from(remainder).unwrap_or(u64::MAX)))
        }),
    ]);
    all
}

/// What users call (hashtextextended() and kin, and by the low half of it hashtext() and kin): with a seed that they give.
fn seeded() -> Vec<Native> {
    vec![
        native2::<i64, i64, i64>("dg_hashed_int4", |n, seed| Ok(Some(hash_u32(n as u32, seed as u64)))),
        native2::<i64, i64, i64>("dg_hashed_int8", |n, seed| Ok(Some(hash_i64(n, seed as u64)))),
        native2::<str, i64, i64>("dg_hashed_text", |text, seed| Ok(Some(hash_bytes(text.as_bytes(), seed as u64)))),
        native2::<Timestamp, i64, i64>("dg_hashed_timestamp", |micros, seed| {
            Ok(Some(hash_i64(moment(micros), seed as u64)))
        }),
        native2::<f64, i64, i64>("dg_hashed_float8", |n, seed| {
            // Both zeros are one value, and all that is no number is.
            let bits = if n.is_nan() { f64::NAN.to_bits() } else { n.to_bits() };
            Ok(Some(if n == 0.0 { seed } else { hash_bytes(&bits.to_le_bytes(), seed as u64) }))
        }),
        native_values("dg_hashed_uuid", vec![Phys::Uuid, Phys::Int8], Phys::Int8, |args| match args {
            [Value::Uuid(uuid), Value::Int8(seed)] => Ok(Value::Int8(hash_bytes(&uuid.to_be_bytes(), *seed as u64))),
            _ => Err(Error::internal("a hash of what is no uuid")),
        }),
        native1::<i64, i32>("dg_low_half", |hash| Ok(Some(hash as u32 as i32))),
    ]
}

/// Its infinities are the ends of the type.
fn date(days: i32) -> i32 {
    match days {
        i32::MAX => i32::MAX,
        days if days == -i32::MAX => i32::MIN,
        days => days.wrapping_sub(DAYS),
    }
}

fn moment(micros: i64) -> i64 {
    match micros {
        i64::MAX => i64::MAX,
        micros if micros == -i64::MAX => i64::MIN,
        micros => micros.wrapping_sub(MICROS),
    }
}

/// hash_combine64
fn combine(a: u64, b: u64) -> u64 {
    a ^ b.wrapping_add(0x49a0_f4dd_15e5_a8e3).wrapping_add(a << 54).wrapping_add(a >> 7)
}

/// hashint8extended: an integer has the hash that it has in a smaller type.
fn hash_i64(n: i64, seed: u64) -> i64 {
    let (low, high) = (n as u32, (n >> 32) as u32);
    hash_u32(low ^ if n >= 0 { high } else { !high }, seed)
}

/// The state of lookup3, with the seed in it.
struct State([u32; 3]);

impl State {
    fn new(len: usize, seed: u64) -> Self {
        let start = 0x9e37_79b9_u32.wrapping_add(len as u32).wrapping_add(3_923_095);
        let mut state = Self([start; 3]);
        if seed != 0 {
            state.0[0] = state.0[0].wrapping_add((seed >> 32) as u32);
            state.0[1] = state.0[1].wrapping_add(seed as u32);
            state.mix();
        }
        state
    }

    fn mix(&mut self) {
        let [mut a, mut b, mut c] = self.0;
        a = a.wrapping_sub(c) ^ c.rotate_left(4);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(6);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(8);
        b = b.wrapping_add(a);
        a = a.wrapping_sub(c) ^ c.rotate_left(16);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(19);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(4);
        b = b.wrapping_add(a);
        self.0 = [a, b, c];
    }

    fn finish(self) -> i64 {
        let [mut a, mut b, mut c] = self.0;
        c = (c ^ b).wrapping_sub(b.rotate_left(14));
        a = (a ^ c).wrapping_sub(c.rotate_left(11));
        b = (b ^ a).wrapping_sub(a.rotate_left(25));
        c = (c ^ b).wrapping_sub(b.rotate_left(16));
        a = (a ^ c).wrapping_sub(c.rotate_left(4));
        b = (b ^ a).wrapping_sub(a.rotate_left(14));
        c = (c ^ b).wrapping_sub(b.rotate_left(24));
        ((u64::from(b) << 32) | u64::from(c)) as i64
    }
}

/// hash_bytes_uint32_extended
fn hash_u32(n: u32, seed: u64) -> i64 {
    let mut state = State::new(4, seed);
    state.0[0] = state.0[0].wrapping_add(n);
    state.finish()
}

/// hash_bytes_extended
fn hash_bytes(bytes: &[u8], seed: u64) -> i64 {
    let mut state = State::new(bytes.len(), seed);
    let word = |part: &[u8]| part.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
    let mut chunks = bytes.chunks_exact(12);
    for chunk in &mut chunks {
        for (at, part) in chunk.chunks(4).enumerate() {
            state.0[at] = state.0[at].wrapping_add(word(part));
        }
        state.mix();
    }
    for (at, part) in chunks.remainder().chunks(4).enumerate() {
        // The lowest byte of the third word stands for the length.
        let shift = if at == 2 { 8 } else { 0 };
        state.0[at] = state.0[at].wrapping_add(word(part) << shift);
    }
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SELECT hashint4extended(n, 8816678312871386365)` and kin of PostgreSQL 15.
    #[test]
    fn hashes_are_postgresqls() {
        let ints = [0, 1, -7].map(|n: i32| hash_u32(n as u32, SEED));
        assert_eq!(ints, [-4_403_592_609_991_167_795, 5_968_994_663_651_403_477, -7_298_374_200_968_567_817]);
        assert_eq!(hash_u32(i32::from(-3i16) as u32, SEED), 656_044_135_061_257_817);
        let longs = [5_000_000_000, -5_000_000_000, -7].map(|n| hash_i64(n, SEED));
        assert_eq!(longs, [-2_799_505_259_769_899_283, -4_482_100_988_868_492_312, ints[2]]);
        let texts = ["", "a", "abcdefgh", "abcdefghijk", "hello world, how", "abcdefghijklmnopqrstuvwxyz"];
        let hashes = [
            -5_700_645_584_453_517_373,
            -6_705_225_459_120_232_837,
            -7_754_745_184_861_941_070,
            -2_046_435_308_545_367_432,
            8_516_223_038_348_934_029,
            -7_171_292_135_076_916_904,
        ];
        assert_eq!(texts.map(|text| hash_bytes(text.as_bytes(), SEED)), hashes);
        // 2020-02-03 04:05:06, and that day.
        assert_eq!(hash_i64(moment(1_580_702_706_000_000), SEED), -3_879_680_100_573_514_733);
        assert_eq!(hash_u32(date(18_295) as u32, SEED), -6_778_343_526_467_080_577);
        let uuid: u128 = 0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11;
        assert_eq!(hash_bytes(&uuid.to_be_bytes(), SEED), 424_513_190_990_560_493);
    }
}
