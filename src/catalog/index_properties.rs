//! What tools ask of an index instead of reading its bits: pg_index_column_has_property and kin (PostgreSQL's amutils.c).

use super::definitions::{find_index, system_keys};
use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native2, native3, native4};
use crate::error::{Error, Result};
use crate::registry::IndexKey;
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<OidArg, str, bool>("dg_pg_indexam_has_property", |method, property| {
            Ok(Method::of(method).and_then(|method| method.has(&property.to_ascii_lowercase())))
        }),
        native3::<i64, OidArg, str, bool>("dg_pg_index_has_property", |s, oid, property| {
            Ok(Method::of_index(&ask(s)?, oid).and_then(|method| method.index_has(&property.to_ascii_lowercase())))
        }),
        native4::<i64, OidArg, i32, str, bool>("dg_pg_index_column_has_property", |s, oid, n, property| {
            column(&ask(s)?, oid, n, &property.to_ascii_lowercase())
        }),
    ]
}

/// PostgreSQL's access methods for indexes. Inside DuckDB all of these are one kind, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Btree,
    Hash,
    Gist,
    Gin,
    Spgist,
    Brin,
}

impl Method {
    fn of(oid: Oid) -> Option<Self> {
        Some(match oid {
            403 => Self::Btree,
            405 => Self::Hash,
            783 => Self::Gist,
            2742 => Self::Gin,
            3580 => Self::Brin,
            4000 => Self::Spgist,
            _ => return None,
        })
    }

    fn of_index(asker: &Asker, oid: Oid) -> Option<Self> {
        if system_keys(oid).is_some() {
            return Some(Self::Btree);
        }
        Some(match &*find_index(asker, oid)?.1.method {
            "hash" => Self::Hash,
            "gist" => Self::Gist,
            "gin" => Self::Gin,
            "spgist" => Self::Spgist,
            "brin" => Self::Brin,
            _ => Self::Btree,
        })
    }

    fn has(self, property: &str) -> Option<bool> {
        Some(match property {
            "can_order" | "can_unique" => self == Self::Btree,
            "can_multi_col" => !matches!(self, Self::Hash | Self::Spgist),
            "can_exclude" => !matches!(self, Self::Gin | Self::Brin),
            "can_include" => matches!(self, Self::Btree | Self::Gist | Self::Spgist),
            _ => return None,
        })
    }

    fn index_has(self, property: &str) -> Option<bool> {
        Some(match property {
            "clusterable" => matches!(self, Self::Btree | Self::Gist),
            "index_scan" => !matches!(self, Self::Gin | Self::Brin),
            "bitmap_scan" => true,
            "backward_scan" => matches!(self, Self::Btree | Self::Hash),
            _ => return None,
        })
    }

    /// Of a key, or (`None`) of a column that the index only includes.
    fn column_has(self, key: Option<&IndexKey>, property: &str) -> Result<Option<bool>> {
        let ordered = self == Self::Btree;
        let of_keys = |holds: fn(&IndexKey) -> bool| key.map(|key| ordered && holds(key));
        let by_class = matches!(self, Self::Gist | Self::Spgist);
        Ok(match property {
            "asc" => of_keys(|key| !key.descending),
            "desc" => of_keys(|key| key.descending),
            "nulls_first" => of_keys(|key| key.nulls_first),
            "nulls_last" => of_keys(|key| !key.nulls_first),
            "orderable" => Some(key.is_some() && ordered),
            "search_array" => key.map(|_| ordered),
            "search_nulls" => key.map(|_| !matches!(self, Self::Hash | Self::Gin)),
            "distance_orderable" | "returnable" if by_class => {
                let message = format!("{property} of an index of method gist or spgist");
                return Err(Error::unsupported(&message).hint("It depends on the operator class."));
            }
            "distance_orderable" => Some(false),
            "returnable" => Some(ordered),
            _ => None,
        })
    }
}

fn column(asker: &Asker, oid: Oid, n: i32, property: &str) -> Result<Option<bool>> {
    let Some((method, at)) = Method::of_index(asker, oid).zip(usize::try_from(n - 1).ok()) else { return Ok(None) };
    if let Some(keys) = system_keys(oid) {
        let plain = IndexKey::of_column(0);
        return if at < keys.count() { method.column_has(Some(&plain), property) } else { Ok(None) };
    }
    let Some((_, index)) = find_index(asker, oid) else { return Ok(None) };
    match index.keys.get(at) {
        None if at >= index.keys.len() + index.included.len() => Ok(None),
        key => method.column_has(key, property),
    }
}
