//! The values that a keyed statement looks up (`Rendered::keyed`): each connection of DuckDB's has a place for them, which
//! `dg_key_int4(place, n)` and kin read while the statement runs. So that statement has no parameters for DuckDB, which
//! keeps its plan.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use parking_lot::{Mutex, RwLock};

use super::{KEY_TYPES, Native};
use crate::error::{Error, Result};
use crate::types::arrow::array_from_values;
use crate::types::{Phys, Value};

type Values = Arc<Mutex<Vec<Value>>>;

/// The places of all connections, by number.
#[derive(Default)]
pub(super) struct Keys {
    next: AtomicU64,
    places: RwLock<HashMap<u64, Values>>,
}

/// One connection's place.
pub(super) struct Key {
    number: u64,
    values: Values,
    keys: Arc<Keys>,
}

impl Keys {
    pub fn place(self: &Arc<Self>) -> Key {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let values = Values::default();
        self.places.write().insert(number, Arc::clone(&values));
        Key { number, values, keys: Arc::clone(self) }
    }

    /// The functions that read the places.
    pub fn natives(self: &Arc<Self>) -> Vec<Native> {
        let native = |(phys, name): &(Phys, &'static str)| {
            let (keys, phys) = (Arc::clone(self), phys.clone());
            Native {
                name,
                args: vec![Phys::Int8, Phys::Int4],
                varargs: None,
                result: phys.clone(),
                strict: true,
                // Not to be folded into the plan.
                volatile: true,
                body: Arc::new(move |args, rows| {
                    let value = keys.read(args, rows)?;
                    array_from_values(&vec![value; rows], &phys)
                }),
            }
        };
        KEY_TYPES.iter().map(native).collect()
    }

    fn read(&self, args: &[ArrayRef], rows: usize) -> Result<Value> {
        let missing = || Error::internal("a key that nobody has set");
        if rows == 0 {
            return Ok(Value::Null);
        }
        let places = args.first().and_then(|a| a.as_primitive_opt::<Int64Type>()).ok_or_else(missing)?;
        let numbers = args.get(1).and_then(|a| a.as_primitive_opt::<Int32Type>()).ok_or_else(missing)?;
        if places.len() != rows || numbers.len() != rows {
            return Err(missing());
        }
        let values = self.places.read().get(&(places.value(0) as u64)).cloned().ok_or_else(missing)?;
        let values = values.lock();
        values.get(numbers.value(0) as usize).cloned().ok_or_else(missing)
    }
}

impl Key {
    /// The statement's text for this connection: NUL, which no text of a client holds, stands for the place's number.
    pub fn text(&self, keyed: &str) -> String {
        keyed.replace('\0', &self.number.to_string())
    }

    /// For the statement that runs next.
    pub fn set(&self, values: &[Value]) {
        let mut place = self.values.lock();
        place.clear();
        place.extend_from_slice(values);
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.keys.places.write().remove(&self.number);
    }
}
