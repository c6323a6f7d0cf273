//! What relations and their columns are called in the text (set_deparse_for_query): one name for each relation, that no relation
//! around has; columns as the table calls them now, or by their aliases.

use std::collections::HashMap;
use std::sync::Arc;

use super::Printer;
use crate::registry::Relation as TableDef;
use crate::sql::analyze::same;
use crate::tree::{Cte, CteId, Expr, ExprKind, FromItem, Join, RelId, Relation, Source};

/// A relation's names.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub name: String,
    pub columns: Vec<String>,
    /// The alias is written.
    pub alias: bool,
    /// The columns' names are written.
    pub column_aliases: bool,
}

/// What stands for a column of a join: the join's alias (none for what USING merges), and the column's name.
pub(super) struct JoinColumn {
    pub value: Expr,
    pub join: Option<String>,
    pub column: String,
}

/// The names of one query level.
#[derive(Default)]
pub(super) struct Level {
    pub relations: HashMap<RelId, Called>,
    pub join_columns: Vec<JoinColumn>,
    /// Each WITH query: its name and its columns.
    pub ctes: HashMap<CteId, (Arc<str>, Vec<Arc<str>>)>,
    /// Aliases of joins.
    pub joins: Vec<String>,
    /// What the query groups by.
    pub groups: Vec<Expr>,
    /// The columns are written as they are, without quotes.
    pub raw: bool,
}

impl Level {
    pub fn of_columns((name, rel): (&str, RelId), columns: &[String]) -> Self {
        let called = Called { name: name.to_owned(), columns: columns.to_vec(), alias: false, column_aliases: false };
        Self { relations: HashMap::from([(rel, called)]), raw: true, ..Self::default() }
    }
}

/// Names that USING gives to columns of relations, by relation and column.
type Forced = HashMap<(RelId, u16), Arc<str>>;

impl Printer<'_> {
    /// A new level with the names of what is in FROM.
    pub(super) fn enter(&mut self, ctes: &[Cte], from: &[FromItem]) {
        let mut level = Level::default();
        for cte in ctes {
            let columns = cte.columns.iter().map(|c| Arc::clone(&c.name)).collect();
            level.ctes.insert(cte.id, (Arc::clone(&cte.name), columns));
        }
        self.levels.push(level);
        let mut forced = Forced::new();
        let mut relations = HashMap::new();
        for item in from {
            force(self, item, &mut relations, &mut forced);
        }
        for item in from {
            self.call_item(item, &forced);
        }
    }

    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    fn call_item(&mut self, item: &FromItem, forced: &Forced) {
        match item {
            FromItem::Relation(relation) => {
                let called = self.call(relation, forced);
                self.level().relations.insert(relation.id, called);
            }
            FromItem::Join(join) => {
                self.call_item(&join.left, forced);
                self.call_item(&join.right, forced);
                self.call_join(join);
            }
        }
    }

    fn call_join(&mut self, join: &Join) {
        for merged in &join.merged {
            // A plain column goes by its own name.
            if !matches!(merged.value.kind, ExprKind::Column { .. }) {
                let column = self.side_name(&merged.left).unwrap_or_else(|| merged.name.to_string());
                let join_column = JoinColumn { value: merged.value.clone(), join: None, column };
                self.level().join_columns.push(join_column);
            }
        }
        let Some(alias) = &join.alias else { return };
        let name = self.unused(&alias.name);
        self.level().joins.push(name.clone());
        let mut columns: Vec<String> = Vec::with_capacity(alias.columns.len());
        for (column, value) in &alias.columns {
            let taken = |n: &str| columns.iter().any(|c| c == n);
            let column = match taken(column) {
                false => column.to_string(),
                true => (1_u32..).map(|n| format!("{column}_{n}")).find(|n| !taken(n)).unwrap_or_default(),
            };
            columns.push(column.clone());
            let join_column = JoinColumn { value: value.clone(), join: Some(name.clone()), column };
            self.level().join_columns.push(join_column);
        }
    }

    /// The name of a column that USING names.
    pub(super) fn side_name(&self, side: &Expr) -> Option<String> {
        match &side.kind {
            ExprKind::Column { rel, column } => {
                self.find(*rel).and_then(|(_, c)| c.columns.get(usize::from(*column)).cloned())
            }
            _ => self.levels.last()?.join_columns.iter().find(|j| same(&j.value, side)).map(|j| j.column.clone()),
        }
    }

    pub(super) fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    pub(super) fn find(&self, rel: RelId) -> Option<(&Level, &Called)> {
        self.levels.iter().rev().find_map(|level| level.relations.get(&rel).map(|called| (level, called)))
    }

    pub(super) fn find_cte(&self, id: CteId) -> Option<&(Arc<str>, Vec<Arc<str>>)> {
        self.levels.iter().rev().find_map(|level| level.ctes.get(&id))
    }

    /// The table as it is now.
    pub(super) fn table_now(&self, def: &Arc<TableDef>) -> Arc<TableDef> {
        self.seen.snapshot.relation_by_oid(def.oid).map_or_else(|| Arc::clone(def), Arc::clone)
    }

    /// What a table calls a column now, unless an alias was given to it.
    fn column_now(&self, relation: &Relation, column: u16) -> Option<Arc<str>> {
        let (Source::Table { def, .. }
        | Source::System { def, .. }
        | Source::Sequence { def }
        | Source::View { def, .. }) = &relation.source
        else {
            return None;
        };
        let then = def.columns.get(usize::from(column))?;
        let aliased = relation.columns.get(usize::from(column)).is_none_or(|c| c.name != then.name);
        let now = self.table_now(def);
        now.column_by_num(then.num).filter(|_| !aliased).map(|c| Arc::clone(&c.name))
    }

    /// The name, or the name with a number, that no relation around has.
    fn unused(&self, wanted: &str) -> String {
        let taken = |name: &str| {
            self.levels
                .iter()
                .any(|l| l.relations.values().any(|c| c.name == name) || l.joins.iter().any(|j| j == name))
        };
        if !taken(wanted) {
            return wanted.to_owned();
        }
        (1_u32..).map(|n| format!("{wanted}_{n}")).find(|name| !taken(name)).unwrap_or_default()
    }

    fn call(&self, relation: &Relation, forced: &Forced) -> Called {
        // The names that the source itself gives, and the name that needs no alias.
        let (own, bare, always): (Vec<Arc<str>>, Option<Arc<str>>, bool) = match &relation.source {
            Source::Table { def, .. }
            | Source::System { def, .. }
            | Source::Sequence { def }
            | Source::View { def, .. } => {
                let now = self.table_now(def);
                let of = |c: &crate::registry::Column| {
                    now.column_by_num(c.num).map_or_else(|| Arc::clone(&c.name), |c| Arc::clone(&c.name))
                };
                (def.columns.iter().map(of).collect(), Some(Arc::clone(&now.name)), false)
            }
            Source::Subquery(query) => (query.columns.iter().map(|c| Arc::clone(&c.name)).collect(), None, true),
            Source::Cte(id) => match self.find_cte(*id) {
                Some((name, columns)) => (columns.clone(), Some(Arc::clone(name)), false),
                None => (Vec::new(), None, true),
            },
            Source::Function { .. } | Source::Feed | Source::File(_) => (Vec::new(), None, true),
        };
        let aliased = |i: usize| {
            // A name that differs from that of the source when the tree was made is an alias.
            let then = match &relation.source {
                Source::Table { def, .. }
                | Source::System { def, .. }
                | Source::Sequence { def }
                | Source::View { def, .. } => def.columns.get(i).map(|c| &c.name),
                _ => own.get(i),
            };
            then.is_none_or(|then| *then != relation.columns[i].name)
        };
        let given = |i: usize| forced.get(&(relation.id, i as u16));
        let reserved: Vec<&Arc<str>> = (0..relation.columns.len()).filter_map(given).collect();
        let mut columns: Vec<String> = Vec::with_capacity(relation.columns.len());
        for (i, column) in relation.columns.iter().enumerate() {
            if let Some(name) = given(i) {
                columns.push(name.to_string());
                continue;
            }
            let name = if aliased(i) { &column.name } else { &own[i] };
            let taken = |n: &str| columns.iter().any(|c| c == n) || reserved.iter().any(|r| ***r == *n);
            columns.push(match taken(name) {
                false => name.to_string(),
                true => (1_u32..).map(|n| format!("{name}_{n}")).find(|n| !taken(n)).unwrap_or_default(),
            });
        }
        let function = matches!(relation.source, Source::Function { .. });
        let column_aliases = function || columns.iter().zip(&own).any(|(c, own)| **c != **own);
        let then = match &relation.source {
            Source::Table { def, .. }
            | Source::System { def, .. }
            | Source::Sequence { def }
            | Source::View { def, .. } => Some(&def.name),
            _ => None,
        };
        let wanted = match (&bare, then) {
            (Some(now), Some(then)) if relation.alias == *then => now,
            _ => &relation.alias,
        };
        let name = self.unused(wanted);
        let alias = always || column_aliases || bare.is_none_or(|bare| *bare != *name);
        Called { name, columns, alias, column_aliases }
    }
}

/// USING takes one name on both sides: the right one's column goes by the name of the left one's.
fn force<'q>(p: &Printer<'_>, item: &'q FromItem, seen: &mut HashMap<RelId, &'q Relation>, forced: &mut Forced) {
    let join = match item {
        FromItem::Relation(relation) => {
            seen.insert(relation.id, relation);
            return;
        }
        FromItem::Join(join) => join,
    };
    force(p, &join.left, seen, forced);
    force(p, &join.right, seen, forced);
    for merged in &join.merged {
        let mut name = Arc::clone(&merged.name);
        if let ExprKind::Column { rel, column } = merged.left.kind {
            let now = || seen.get(&rel).and_then(|r| p.column_now(r, column));
            name = forced.get(&(rel, column)).cloned().or_else(now).unwrap_or(name);
        }
        for side in [&merged.left, &merged.right] {
            if let ExprKind::Column { rel, column } = side.kind {
                forced.entry((rel, column)).or_insert_with(|| Arc::clone(&name));
            }
        }
    }
}
