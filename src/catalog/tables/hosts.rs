//! pg_hba_file_rules: what the host rules' file says now.

use super::super::build::Rows;
use super::{Ask, array, opt_text, text};
use crate::error::Result;
use crate::types::{Value, oid};

pub(super) fn pg_hba_file_rules(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::all();
    let texts = |list: Vec<String>| array(oid::TEXT, list.into_iter().map(text).collect());
    for told in ask.view.host_rules() {
        let mut row = vec![told.line.map_or(Value::Null, Value::Int4)];
        match told.rule {
            None => row.extend(std::iter::repeat_n(Value::Null, 7)),
            Some(rule) => row.extend([
                text(rule.kind),
                texts(rule.databases),
                texts(rule.users),
                opt_text(rule.address),
                opt_text(rule.netmask),
                text(rule.method),
                if rule.options.is_empty() { Value::Null } else { texts(rule.options) },
            ]),
        }
        row.push(opt_text(told.error));
        rows.push_row(row);
    }
    Ok(rows)
}
