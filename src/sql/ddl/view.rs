//! CREATE VIEW. DuckDB knows nothing of views: analysis expands them.

use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{
    Acl, CheckOption, Column, Name, OnConflictDefault, Relation, RelationKind, Rules, Storage, ViewOver,
};
use crate::sql::analyze::kept;
use crate::tree::{Expr, ExprKind, Query};
use crate::types::name::format_type;
use crate::types::{PgType, TypeLookup, oid};

impl Planner<'_> {
    pub fn create_view(
        &mut self,
        key: (Name, Name),
        names: &[Name],
        definition: &str,
        query: &Query,
        or_replace: bool,
        (temporary, invoker, barrier, check_option): (bool, bool, bool, Option<CheckOption>),
    ) -> Result<()> {
        self.tag("CREATE VIEW");
        if names.len() > query.columns.len() {
            let message = "CREATE VIEW specifies more column names than columns";
            return Err(Error::syntax(message));
        }
        let columns = columns(names, query)?;
        if or_replace && let Some(old) = self.after.relation(&key.0, &key.1).cloned() {
            if !matches!(old.kind, RelationKind::View { .. }) {
                return Err(super::alter::wrong_type(&key.1, "a view"));
            }
            self.may_change(&old.managed, "view", &key.1)?;
            replaceable(&old, &columns, &self.cx.seen())?;
            let mut new = (*old).clone();
            let grown = columns.len() > new.columns.len();
            new.columns = columns;
            self.row_type_may_change(&old, &new)?;
            new.kind = self.view_kind(definition);
            new.rules.invoker = invoker;
            new.rules.barrier = barrier;
            new.rules.check_option = check_option;
            new.rules.over = over(query);
            let before = self.after.clone();
            self.put_relation(new);
            return if grown { self.columns_follow(&before, &old) } else { Ok(()) };
        }
        self.name_is_free(&key.0, &key.1, temporary, false)?;
        self.type_is_free(&key.0, &key.1)?;
        let counters = &self.after.counters;
        let relation = Relation {
            oid: counters.allocate_oid(),
            namespace: key.0,
            name: key.1,
            owner: self.cx.role,
            managed: self.managed(),
            temporary,
            kind: self.view_kind(definition),
            columns,
            constraints: Vec::new(),
            indexes: Vec::new(),
            acl: Acl::default(),
            comment: None,
            row_type: counters.allocate_oid(),
            row_array_type: counters.allocate_oid(),
            on_conflict: OnConflictDefault::Error,
            storage: Storage::Numbered,
            last_dropped: 0,
            partitioning: Default::default(),
            details: Default::default(),
            rules: Rules { invoker, barrier, check_option, over: over(query), ..Rules::default() },
        };
        self.put_relation(relation);
        Ok(())
    }

    fn view_kind(&self, definition: &str) -> RelationKind {
        RelationKind::View { definition: definition.to_owned(), search_path: kept::PATH.map(Name::from).to_vec() }
    }
}

/// What a view of this query can be written through to.
fn over(query: &Query) -> Option<ViewOver> {
    let (def, id, targets) = crate::sql::analyze::written_through(query)?;
    let column = |target: &Expr| match target.kind {
        ExprKind::Column { rel, column } if rel == id => def.columns.get(usize::from(column)).map(|c| c.num),
        _ => None,
    };
    Some(ViewOver { relation: def.oid, columns: targets.iter().map(column).collect() })
}

fn columns(names: &[Name], query: &Query) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for (i, field) in query.columns.iter().enumerate() {
        let name = names.get(i).unwrap_or(&field.name).clone();
        if columns.iter().any(|c| c.name == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let ty = if field.ty.oid == oid::UNKNOWN { PgType::new(oid::TEXT) } else { field.ty };
        columns.push(Column {
            num: i16::try_from(i + 1).map_err(|_| Error::new(SqlState::TOO_MANY_COLUMNS, "too many columns"))?,
            name,
            ty,
            collation: 0,
            not_null: false,
            default: None,
            identity: None,
            generated: None,
            acl: Acl::default(),
            comment: None,
        });
    }
    Ok(columns)
}

/// CREATE OR REPLACE VIEW may add columns at the end, nothing else.
fn replaceable(old: &Relation, new: &[Column], types: &dyn TypeLookup) -> Result<()> {
    let invalid = |message: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    if new.len() < old.columns.len() {
        return invalid("cannot drop columns from view".to_owned());
    }
    for (before, after) in old.columns.iter().zip(new) {
        if before.name != after.name {
            let message = format!("cannot change name of view column \"{}\" to \"{}\"", before.name, after.name);
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
                .hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."));
        }
        if before.ty != after.ty {
            let [from, to] = [before.ty, after.ty].map(|ty| format_type(ty, types));
            return invalid(format!("cannot change data type of view column \"{}\" from {from} to {to}", before.name));
        }
    }
    Ok(())
}
