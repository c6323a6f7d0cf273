//! pg_statistic_ext: what CREATE STATISTICS was told. The engine's statistics are its own.

use super::objects::{namespace_oid, relations};
use super::*;

pub(super) fn pg_statistic_ext(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows =
        Rows::new(&["oid", "stxrelid", "stxname", "stxnamespace", "stxowner", "stxstattarget", "stxkeys", "stxkind"]);
    for r in relations(ask) {
        rows.about[0] = r.oid;
        for s in &r.details.statistics {
            let kinds = [(s.kinds.ndistinct, "d"), (s.kinds.dependencies, "f"), (s.kinds.mcv, "m")];
            let kinds = kinds.into_iter().filter(|(is, _)| *is).map(|(_, letter)| text(letter));
            rows.push([
                Value::Oid(s.oid),
                Value::Oid(r.oid),
                text(&s.name),
                Value::Oid(namespace_oid(ask, &r.namespace)),
                Value::Oid(r.owner),
                Value::Int4(s.target),
                int2s(s.columns.iter().copied()),
                array(oid::CHAR, kinds.collect()),
            ]);
        }
    }
    Ok(rows)
}
