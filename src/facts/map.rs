//! The table type of facts: they are looked up for each word, type and operator of a statement, and nobody from outside
//! chooses their keys, so that a quick hash without a secret does.

use std::collections::HashMap;

pub type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;
