//! Row rules and masks: which of a table's policies hold for a role and a command, and how they go together
//! (get_row_security_policies). Where they go into the tree is `rewrite`'s affair.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check;
use super::walk::Found;
use super::{Applied, Authority, Reader};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Mask, Name, Policy, PolicyCommand, Relation, RowSecurity};
use crate::tree::{
    CheckedRow, ConflictRules, Expr, ExprKind, Query, RelColumn, RelId, RowCheck, Statement, TargetRules, Through,
    ThroughView,
};
use crate::types::{Oid, PgType, Value, oid};

/// Gives back the statement with the rules in it, and what they were.
pub fn apply(
    mut statement: Statement,
    found: &Found,
    authority: &Authority,
    reader: &dyn Reader,
) -> Result<(Statement, Vec<Applied>)> {
    let ruled = found.uses.iter().any(|used| is_ruled(authority, used.role, &used.def));
    let definer = found.routines.iter().any(|(function, _)| function.definer);
    if !ruled && !definer {
        return Ok((statement, Vec::new()));
    }
    let mut rules = Rules {
        authority,
        reader,
        found,
        role: authority.role,
        user: (authority.role, false),
        next: FIRST,
        active: Vec::new(),
        applied: Vec::new(),
    };
    rules.statement(&mut statement)?;
    Ok((statement, rules.applied))
}

/// Relations and WITH queries that rules bring along are numbered from here on.
const FIRST: u32 = 1 << 28;

/// Beyond this many numbers the statement is refused: lowering has numbers of its own further up.
const LAST: u32 = 1 << 29;

/// Whether a query was brought along by rules: the visible rows and values of a table, or what a condition asks.
pub fn is_of_rules(query: &Query) -> bool {
    (FIRST..=LAST).contains(&query.output_rel.0)
}

fn is_ruled(authority: &Authority, role: Oid, table: &Relation) -> bool {
    let snapshot = &authority.snapshot;
    matches!(snapshot.row_security(role, table), RowSecurity::On { .. }) || !snapshot.masks(role, table).is_empty()
}

pub(super) struct Rules<'a> {
    pub(super) authority: &'a Authority,
    reader: &'a dyn Reader,
    pub(super) found: &'a Found,
    /// In whose name relations are read: a view's owner inside it.
    pub(super) role: Oid,
    /// Who calls functions, and whether that is the owner of a SECURITY DEFINER function around.
    pub(super) user: (Oid, bool),
    next: u32,
    /// The tables whose policies' subqueries are being gone through.
    active: Vec<Oid>,
    applied: Vec<Applied>,
}

impl Rules<'_> {
    pub(super) fn fresh(&mut self) -> Result<RelId> {
        self.next += 1;
        if self.next > LAST {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "too many policies in one statement"));
        }
        Ok(RelId(self.next))
    }

    /// What hides rows or values of this table from the role, if anything does.
    pub(super) fn holds(&self, table: &Relation) -> Result<Option<RowSecurity>> {
        let snapshot = &self.authority.snapshot;
        let security = snapshot.row_security(self.role, table);
        let masked = !snapshot.masks(self.role, table).is_empty();
        match security {
            RowSecurity::Off | RowSecurity::Exempt if !masked => return Ok(None),
            RowSecurity::Off | RowSecurity::Exempt | RowSecurity::On { .. } => {}
        }
        if self.authority.row_security {
            return Ok(Some(security));
        }
        let (what, owner) = match security {
            RowSecurity::On { owner } => ("row-level security policy", owner),
            RowSecurity::Off | RowSecurity::Exempt => ("a column mask", false),
        };
        let message = format!("query would be affected by {what} for table \"{}\"", table.name);
        let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
        Err(match owner {
            true => {
                error.hint("To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.")
            }
            false => error,
        })
    }

    /// A condition of the table over relation `row`: its own subqueries checked and ruled as this role's.
    fn condition(&mut self, text: &str, table: &Arc<Relation>, row: RelId) -> Result<Expr> {
        let (mut expr, free) = self.reader.condition(text, table, row, self.next + 1)?;
        self.next = free;
        check::rule(&expr, self.role, self.user.0, self.authority)?;
        self.active.push(table.oid);
        let done = self.expr(&mut expr);
        self.active.pop();
        done.map(|()| expr)
    }

    /// The note of what holds for this table and role.
    fn applied(&mut self, table: &Arc<Relation>) -> &mut Applied {
        let role = self.role;
        let known = self.applied.iter().position(|a| a.table.oid == table.oid && a.role == role);
        let at = known.unwrap_or_else(|| {
            let (policies, masked) = (BTreeSet::new(), BTreeSet::new());
            self.applied.push(Applied { table: Arc::clone(table), role, filtered: false, policies, masked });
            self.applied.len() - 1
        });
        &mut self.applied[at]
    }

    pub(super) fn not_in_itself(&self, table: &Relation) -> Result<()> {
        if !self.active.contains(&table.oid) {
            return Ok(());
        }
        let message = format!("infinite recursion detected in policy for relation \"{}\"", table.name);
        Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
    }

    /// The policies for a command and this role: permissive ones, then restrictive ones in the order of their names.
    fn policies(&mut self, table: &Arc<Relation>, command: PolicyCommand) -> (Vec<Policy>, Vec<Policy>) {
        let snapshot = &self.authority.snapshot;
        let meant = |p: &&Policy| p.command.covers(command) && snapshot.is_meant(self.role, &p.roles);
        let (permissive, mut restrictive): (Vec<Policy>, Vec<Policy>) =
            table.rules.policies.iter().filter(meant).cloned().partition(|p| p.permissive);
        restrictive.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<Name> = permissive.iter().chain(&restrictive).map(|p| p.name.clone()).collect();
        let applied = self.applied(table);
        applied.filtered = true;
        applied.policies.extend(names);
        (permissive, restrictive)
    }

    /// Which rows a command may see (add_security_quals): without a permissive policy, none.
    pub(super) fn using(&mut self, table: &Arc<Relation>, command: PolicyCommand, row: RelId) -> Result<Vec<Expr>> {
        let (permissive, restrictive) = self.policies(table, command);
        let mut allowed = Vec::new();
        for text in permissive.iter().filter_map(|p| p.using.as_deref()) {
            allowed.push(self.condition(text, table, row)?);
        }
        if allowed.is_empty() {
            return Ok(vec![boolean(false)]);
        }
        let mut all = Vec::new();
        for text in restrictive.iter().filter_map(|p| p.using.as_deref()) {
            all.push(self.condition(text, table, row)?);
        }
        all.push(any(allowed));
        Ok(all)
    }

    /// What a written row must meet (add_with_check_options). With `using`, USING counts in the place of WITH CHECK.
    fn checks(
        &mut self,
        table: &Arc<Relation>,
        command: PolicyCommand,
        row: RelId,
        (using, checked): (bool, CheckedRow),
    ) -> Result<Vec<RowCheck>> {
        let text = |p: &Policy| p.check.clone().filter(|_| !using).or_else(|| p.using.clone());
        let (permissive, restrictive) = self.policies(table, command);
        let mut allowed = Vec::new();
        for text in permissive.iter().filter_map(text) {
            allowed.push(self.condition(&text, table, row)?);
        }
        if allowed.is_empty() {
            return Ok(vec![RowCheck { condition: boolean(false), policy: None, checked, view: None }]);
        }
        let mut checks = vec![RowCheck { condition: any(allowed), policy: None, checked, view: None }];
        for policy in &restrictive {
            if let Some(text) = text(policy) {
                let condition = self.condition(&text, table, row)?;
                checks.push(RowCheck { condition, policy: Some(policy.name.clone()), checked, view: None });
            }
        }
        Ok(checks)
    }

    /// The masks of the columns, over relation `row`.
    pub(super) fn masks(
        &mut self,
        table: &Arc<Relation>,
        columns: &[RelColumn],
        row: RelId,
    ) -> Result<Vec<(u16, Expr)>> {
        let masks: Vec<Mask> = self.authority.snapshot.masks(self.role, table).into_iter().cloned().collect();
        let mut found = Vec::with_capacity(masks.len());
        for mask in masks {
            let Some(at) = columns.iter().position(|c| c.attnum == mask.column) else { continue };
            let Some(column) = table.column_by_num(mask.column) else { continue };
            let mut expr = self.reader.mask(&mask.expression, table, column, row)?;
            check::rule(&expr, self.role, self.user.0, self.authority)?;
            self.expr(&mut expr)?;
            found.push((at as u16, expr));
            self.applied(table).masked.insert(column.name.clone());
        }
        Ok(found)
    }

    /// The rules of a target, and what analysis made of the views by which it was reached: under them the target is read and
    /// written in the name of the last one's owner.
    pub(super) fn target_rules(
        &mut self,
        target: &crate::tree::Relation,
        write: Write,
        through: Option<&Through>,
        made: Option<Box<TargetRules>>,
    ) -> Result<Option<Box<TargetRules>>> {
        let reads = self.found.reads_target(target.id);
        let outer = self.role;
        for ThroughView { id: _, def: _, owner, read: _, written: _ } in through.iter().flat_map(|t| &t.views) {
            self.role = owner.unwrap_or(self.user.0);
        }
        let rows = made.as_ref().map(|made| (made.row, made.new_row));
        let rules = self.written_rules(target, write, reads, rows);
        self.role = outer;
        Ok(match (rules?, made) {
            (None, made) => made,
            (Some(rules), None) => Some(rules),
            // PostgreSQL asks policies first, too.
            (Some(mut rules), Some(made)) => {
                rules.checks.extend(made.checks);
                Some(rules)
            }
        })
    }

    pub(super) fn written_rules(
        &mut self,
        target: &crate::tree::Relation,
        write: Write,
        reads: bool,
        rows: Option<(RelId, RelId)>,
    ) -> Result<Option<Box<TargetRules>>> {
        let crate::tree::Source::Table { def, only: _, sample: _ } = &target.source else {
            return Err(Error::internal("policy: what is written is no table"));
        };
        Ok(self.target(&Arc::clone(def), &target.columns, write, reads, rows)?.map(Box::new))
    }

    /// The rules of a statement's target. `reads`: the statement reads columns of it; `rows`: what analysis calls the row as it
    /// is and as it is going to be.
    pub(super) fn target(
        &mut self,
        table: &Arc<Relation>,
        columns: &[RelColumn],
        write: Write,
        reads: bool,
        rows: Option<(RelId, RelId)>,
    ) -> Result<Option<TargetRules>> {
        use PolicyCommand::{Delete, Insert, Select, Update};
        let Some(security) = self.holds(table)? else { return Ok(None) };
        self.not_in_itself(table)?;
        let (row, new_row) = match rows {
            Some(rows) => rows,
            None => (self.fresh()?, self.fresh()?),
        };
        let masks = self.masks(table, columns, row)?;
        let mut rules =
            TargetRules { row, filter: None, masks, new_row, checks: Vec::new(), conflict: None, deleted: Vec::new() };
        let RowSecurity::On { .. } = security else { return Ok(Some(rules)) };
        match write {
            Write::Insert { conflict } => {
                rules.checks = self.checks(table, Insert, new_row, (false, CheckedRow::New))?;
                if reads {
                    rules.checks.extend(self.checks(table, Select, new_row, (true, CheckedRow::New))?);
                }
                if conflict {
                    rules.conflict = Some(self.conflict(table, (row, CheckedRow::Conflicting), reads)?);
                }
            }
            Write::Update => {
                rules.filter = self.visible(table, Update, row, reads)?;
                rules.checks = self.checks(table, Update, new_row, (false, CheckedRow::New))?;
                if reads {
                    rules.checks.extend(self.checks(table, Select, new_row, (true, CheckedRow::New))?);
                }
            }
            Write::Delete => rules.filter = self.visible(table, Delete, row, reads)?,
            Write::Merge => {
                rules.filter = if reads { all_of(self.using(table, Select, row)?) } else { None };
                rules.conflict = Some(self.conflict(table, (row, CheckedRow::Merged), reads)?);
                rules.deleted = self.checks(table, Delete, row, (true, CheckedRow::Merged))?;
            }
        }
        Ok(Some(rules))
    }

    fn visible(
        &mut self,
        table: &Arc<Relation>,
        command: PolicyCommand,
        row: RelId,
        reads: bool,
    ) -> Result<Option<Expr>> {
        let mut all = self.using(table, command, row)?;
        if reads {
            all.extend(self.using(table, PolicyCommand::Select, row)?);
        }
        Ok(all_of(all))
    }

    /// What a row that is there must meet to be changed by ON CONFLICT or MERGE, and what it becomes. Who reads meets in MERGE only rows
    /// that it may see.
    fn conflict(
        &mut self,
        table: &Arc<Relation>,
        (row, checked): (RelId, CheckedRow),
        reads: bool,
    ) -> Result<ConflictRules> {
        let updated_row = self.fresh()?;
        let mut existing = self.checks(table, PolicyCommand::Update, row, (true, checked))?;
        let mut updated = self.checks(table, PolicyCommand::Update, updated_row, (false, CheckedRow::New))?;
        if reads {
            if checked == CheckedRow::Conflicting {
                existing.extend(self.checks(table, PolicyCommand::Select, row, (true, checked))?);
            }
            updated.extend(self.checks(table, PolicyCommand::Select, updated_row, (true, CheckedRow::New))?);
        }
        Ok(ConflictRules { existing, updated_row, updated })
    }
}

/// What a statement does with its target.
#[derive(Clone, Copy)]
pub(super) enum Write {
    /// `conflict`: ON CONFLICT DO UPDATE.
    Insert {
        conflict: bool,
    },
    Update,
    Delete,
    /// What it inserts is a matter of `Insert`.
    Merge,
}

fn boolean(value: bool) -> Expr {
    Expr { kind: ExprKind::Const(Value::Bool(value)), ty: PgType::new(oid::BOOL), pos: 0 }
}

fn any(mut of: Vec<Expr>) -> Expr {
    match of.len() {
        1 => of.remove(0),
        _ => Expr { kind: ExprKind::Or(of), ty: PgType::new(oid::BOOL), pos: 0 },
    }
}

pub(super) fn all_of(mut of: Vec<Expr>) -> Option<Expr> {
    match of.len() {
        0 => None,
        1 => of.pop(),
        _ => Some(Expr { kind: ExprKind::And(of), ty: PgType::new(oid::BOOL), pos: 0 }),
    }
}
