//! The glue: parse → analyze → permit → lower → render.

use std::sync::Arc;

use super::analyze::{Analyzed, Stored, analyze, assigned_expression, policy_condition, relation_columns};
use super::lower::{self, Decimals, Lowered, Step};
use super::{
    Call, ChangedRows, Command, Compiled, CompiledBody, Context, Depends, ParamSource, Parsed, Plan, Probe, RowLocks,
    calls, change, keys, render,
};
use crate::engine::{Keyed, Kind, Rendered, Writes};
use crate::error::{Error, Result};
use crate::observe::audit::Access;
use crate::policy::{self, Authority, Permit};
use crate::registry::{Column, Relation, Snapshot};
use crate::tree::{self, ConflictAction, CopyDirection, Expr, InsertSource, RelId, Statement};
use crate::types::{Oid, PgType, Phys, oid};

/// Compiles one parsed statement. `params` are the types that the client declared.
pub fn compile(parsed: &Parsed, cx: &Context, params: &[Option<Oid>]) -> Result<Compiled> {
    compile_with(parsed, cx, params, Decimals::Fast)
}

/// As [`compile`]. With [`Decimals::Wide`] a statement whose decimals overflowed DuckDB's fast types succeeds where
/// PostgreSQL's does.
pub fn compile_with(parsed: &Parsed, cx: &Context, params: &[Option<Oid>], decimals: Decimals) -> Result<Compiled> {
    let Analyzed { statement, params, relations } = analyze(parsed, cx, params)?;
    let (access, mut body) = permitted(statement, cx, decimals)?;
    if let (true, CompiledBody::Plan(plan)) = (parsed.is_call(), &mut body) {
        plan.command = Command::Call;
        // A procedure without outputs gives no rows.
        if plan.fields.iter().all(|field| field.ty.oid == oid::VOID) {
            plan.fields.clear();
        }
    }
    Ok(Compiled { params, relations, access, body })
}

/// Compiles a statement that analysis has made as part of another: a cursor's query, EXECUTE's arguments.
pub fn compile_statement(statement: Statement, params: Vec<PgType>, cx: &Context) -> Result<Compiled> {
    // The statement that it is part of was measured with it.
    let (access, body) = permitted(statement, cx, Decimals::Fast)?;
    Ok(Compiled { params, relations: 0, access, body })
}

fn permitted(statement: Statement, cx: &Context, decimals: Decimals) -> Result<(Arc<Access>, CompiledBody)> {
    let permit = policy::check(statement, &authority(cx), &Texts(cx))?;
    let access = Arc::clone(permit.access());
    let body = match permit.hides_rows() {
        true => body(permit, &Context { held: true, ..cx.clone() }, decimals),
        false => body(permit, cx, decimals),
    };
    // What cannot be lowered was allowed all the same.
    body.map_err(|error| error.asking(&access)).map(|body| (access, body))
}

/// In whose name a statement is compiled.
pub(crate) fn authority(cx: &Context) -> Authority {
    Authority { snapshot: Arc::clone(&cx.snapshot), role: cx.role, row_security: cx.row_security, ways: cx.ways }
}

/// Analysis, for the texts of rules.
struct Texts<'a>(&'a Context);

impl policy::Reader for Texts<'_> {
    fn condition(&self, text: &str, table: &Relation, row: RelId, free: u32) -> Result<(Expr, u32)> {
        policy_condition(text, table, (row, free), self.0)
    }

    fn mask(&self, text: &str, table: &Relation, column: &Column, row: RelId) -> Result<Expr> {
        let columns = relation_columns(table);
        let of = (&*column.name, column.ty);
        assigned_expression(text, Stored::Mask, (&table.name, row), &columns, of, self.0)
    }
}

fn body(permit: Permit<Statement>, cx: &Context, decimals: Decimals) -> Result<CompiledBody> {
    let types = &*cx.snapshot;
    Ok(match permit.get() {
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_) => CompiledBody::Plan(called(permit, cx, decimals)?),
        Statement::Copy(copy) => {
            let options = copy.options.clone();
            match &copy.direction {
                CopyDirection::In { insert, table, columns } => {
                    let (table, columns) = (Arc::clone(table), copy_fields(table, columns));
                    let counts_sent = replaces_all(insert);
                    let in_order = crate::sql::analyze::needs_order(insert);
                    let plan = plan(permit, types, |s| lower_copy(s, cx, decimals))?;
                    CompiledBody::CopyIn { plan, options, columns, table, counts_sent, in_order }
                }
                CopyDirection::Out { statement: _, relation } => {
                    let relation = *relation;
                    CompiledBody::CopyOut {
                        plan: plan(permit, types, |s| lower_copy(s, cx, decimals))?,
                        options,
                        relation,
                    }
                }
            }
        }
        Statement::Explain(explain) => {
            let options = (**explain).clone();
            let explained = |permit: Permit<Statement>, analyze: bool| {
                plan(permit, types, |s| match s {
                    Statement::Explain(explain) => lower::lower_to_explain(&explain.statement, cx, decimals, analyze),
                    _ => Err(other()),
                })
            };
            // Nothing that is measured is shown where rules hold: then the statement runs as it does by itself.
            let shown_apart = options.analyze && permit.is_ruled();
            let unmeasured = shown_apart.then(|| explained(permit.clone(), false)).transpose()?;
            let plan = match shown_apart {
                false => explained(permit, options.analyze)?,
                true => plan(permit, types, |s| match s {
                    Statement::Explain(explain) => lower::lower(&explain.statement, cx, decimals),
                    _ => Err(other()),
                })?,
            };
            CompiledBody::Explain { plan, options, unmeasured }
        }
        Statement::Ddl(ddl) => match &**ddl {
            tree::Ddl::CreateTableAs { with_data: true, .. } => {
                let query = plan(permit.clone(), types, |s| match s {
                    Statement::Ddl(ddl) => match *ddl {
                        tree::Ddl::CreateTableAs { query, .. } => lower::lower_for_table(&query, cx, decimals),
                        _ => Err(other()),
                    },
                    _ => Err(other()),
                })?;
                CompiledBody::CreateTableAs { ddl: only_ddl(permit)?, query }
            }
            _ => CompiledBody::Ddl(only_ddl(permit)?),
        },
        Statement::Utility(utility) => CompiledBody::Utility((**utility).clone()),
    })
}

/// A statement with its calls of PL/pgSQL, as far as these are made.
fn called(permit: Permit<Statement>, cx: &Context, decimals: Decimals) -> Result<Plan> {
    let types = &*cx.snapshot;
    // Most databases have none, and the statement need not be gone through for them.
    if !cx.snapshot.functions.values().any(|function| function.is_run()) {
        return plan(permit, types, |s| lower::lower(&s, cx, decimals));
    }
    let mut pending = None;
    let permit = permit.try_map(|mut statement| {
        pending = calls::settle(&mut statement, &cx.given)?;
        Ok(statement)
    })?;
    let call = match pending {
        None => None,
        Some(calls::Pending { function, args, result, columns, several }) => {
            let args = calls::arguments(args);
            let args = args.map(|args| plan(permit.clone().map(|_| args), types, |s| lower::lower(&s, cx, decimals)));
            Some(Arc::new(Call { function, args: args.transpose()?, result, columns, several }))
        }
    };
    let plan = plan(permit, types, |s| lower::lower(&s, cx, decimals))?;
    Ok(Plan { call, ..plan })
}

/// True if every row that is sent counts, though of those with one key only the last is written.
fn replaces_all(insert: &tree::Insert) -> bool {
    let updates = insert.on_conflict.as_ref().is_some_and(|c| matches!(c.action, ConflictAction::Update { .. }));
    updates && matches!(&insert.source, InsertSource::Feed { filter: None, .. })
}

fn lower_copy(statement: Statement, cx: &Context, decimals: Decimals) -> Result<Lowered> {
    let Statement::Copy(copy) = statement else { return Err(other()) };
    match copy.direction {
        CopyDirection::In { insert, .. } => lower::lower(&Statement::Insert(insert), cx, decimals),
        CopyDirection::Out { statement, relation: _ } => lower::lower(&statement, cx, decimals),
    }
}

fn only_ddl(permit: Permit<Statement>) -> Result<Permit<tree::Ddl>> {
    permit.try_map(|s| match s {
        Statement::Ddl(ddl) => Ok(*ddl),
        _ => Err(other()),
    })
}

fn other() -> Error {
    Error::internal("compile: the statement became another one")
}

/// Lowers and renders what is permitted.
pub(crate) fn plan<T>(permit: Permit<T>, schema: &Snapshot, lower: impl FnOnce(T) -> Result<Lowered>) -> Result<Plan> {
    let lowered = permit.try_map(lower)?;
    let Lowered {
        fields,
        phys,
        command,
        target,
        writes,
        once,
        locks,
        params,
        before,
        scratch,
        depends,
        keys,
        row_locks,
        changes,
        added,
        probe,
        adds_up,
        upserts,
        doomed,
        places,
        statement,
    } = lowered.get();
    let (command, writes, once, adds_up, places) = (*command, *writes, *once, *adds_up, *places);
    let depends = Arc::new(depends.clone());
    let conflicts = |statement: &_| matches!(statement, lower::ir::Statement::Insert { conflict: Some(_), .. });
    let upserts: Vec<_> = upserts.iter().copied().collect();
    let arbitrates =
        !upserts.is_empty() || conflicts(statement) || before.iter().any(|step| conflicts(&step.statement));
    let before: Vec<_> =
        before.iter().map(|step| step_plan((&lowered, schema), step.clone(), command, &depends)).collect();
    let drop = |table: &u32| lowered.clone().map(|_| dropped(*table));
    let after = scratch.iter().map(drop).collect();
    let (sql, order) = render::statement(statement);
    let probe = probe.as_deref().map(|probe| Arc::new(probe_of(&lowered, probe, params)));
    let (params, types) = in_order(params, &order);
    let reads = before.is_empty() && !writes && !once && !depends.elusive && doomed.is_none();
    let keyed = if reads { keyed_text(statement, &order) } else { None };
    let kind = if phys.is_empty() { Kind::Change } else { Kind::Rows };
    let prompt = before.is_empty() && !once && !depends.elusive && lower::is_prompt(statement, changes.as_ref());
    let changed = change::writes(statement, target.as_deref(), schema).unwrap_or(Writes::Anything);
    let rendered = |columns| Rendered { sql: sql.into(), params: types, columns, kind, writes: changed, keyed, prompt };
    let keys = keys::duty(statement, target.as_ref(), keys.clone(), schema);
    let row_locks = row_locks.iter().map(|rows| Arc::new(locked(&lowered, rows))).collect();
    let changes = changes.as_ref().map(|rows| Arc::new(changed_rows(&lowered, rows)));
    let added = added.clone().map(Arc::from);
    let doomed = doomed.clone();
    let (fields, phys, target, locks) = (fields.clone(), phys.clone(), target.clone(), locks.clone());
    let placed = |phys: Vec<Phys>| phys.into_iter().chain(std::iter::repeat_n(Phys::Int8, places)).collect();
    let permit = lowered.map(|lowered| rendered(placed(lowered.phys)));
    Ok(Plan {
        permit,
        params,
        fields,
        phys,
        command,
        target,
        before,
        after,
        writes,
        once,
        locks,
        depends,
        keys,
        row_locks,
        changes,
        added,
        probe,
        arbitrates,
        upserts,
        adds_up,
        doomed,
        call: None,
        places,
    })
}

/// The statement as a look-up by key, if it is one.
fn keyed_text(statement: &lower::ir::Statement, order: &[u16]) -> Option<Keyed> {
    let (statement, table, lasting) = lower::keyed(statement, order)?;
    let (sql, rest) = render::statement(&statement);
    rest.is_empty().then(|| Keyed { sql: sql.into(), table, lasting })
}

/// A statement that runs before the last, under the same permit.
fn step_plan(
    (permit, schema): (&Permit<Lowered>, &Snapshot),
    step: Step,
    command: Command,
    depends: &Arc<Depends>,
) -> Plan {
    let Step { statement, params, target, keys } = step;
    let kind = match statement {
        lower::ir::Statement::Keep { .. } => Kind::Command,
        _ => Kind::Change,
    };
    let (sql, order) = render::statement(&statement);
    let (params, types) = in_order(&params, &order);
    let writes = change::writes(&statement, target.as_deref(), schema).unwrap_or(Writes::Aside);
    let rendered =
        Rendered { sql: sql.into(), params: types, columns: Vec::new(), kind, writes, keyed: None, prompt: false };
    let keys = keys::duty(&statement, target.as_ref(), keys, schema);
    Plan {
        permit: permit.clone().map(|_| rendered),
        params,
        fields: Vec::new(),
        phys: Vec::new(),
        command,
        target,
        before: Vec::new(),
        after: Vec::new(),
        writes: true,
        depends: Arc::clone(depends),
        once: false,
        locks: Vec::new(),
        keys,
        row_locks: Vec::new(),
        changes: None,
        added: None,
        probe: None,
        arbitrates: false,
        upserts: Vec::new(),
        adds_up: false,
        doomed: None,
        call: None,
        places: 0,
    }
}

/// The query that gives an INSERT's rows, under the statement's permit.
fn probe_of(permit: &Permit<Lowered>, probe: &lower::Probe, params: &[(ParamSource, Phys)]) -> Probe {
    let columns: Vec<Phys> = probe.rows.columns.clone();
    let (sql, order) = render::statement(&lower::ir::Statement::Query(probe.rows.clone()));
    let (sources, types) = in_order(params, &order);
    let writes = Writes::Nothing;
    let rendered =
        Rendered { sql: sql.into(), params: types, columns, kind: Kind::Rows, writes, keyed: None, prompt: false };
    Probe { rows: permit.clone().map(|_| rendered), params: sources, columns: probe.columns.clone() }
}

/// The query that finds rows to be locked, under the statement's permit.
fn locked(permit: &Permit<Lowered>, rows: &lower::RowLocks) -> RowLocks {
    let lower::RowLocks { find, params, of, whole, list, limit, offset, settled, alone } = rows;
    let rendered = find.as_ref().map(render::statement);
    let (params, types) = in_order(params, rendered.as_ref().map(|(_, order)| order.as_slice()).unwrap_or_default());
    let columns = of.iter().flat_map(|rel| std::iter::once(Phys::Int8).chain(rel.key.iter().cloned())).collect();
    let find = rendered.map(|(sql, _)| {
        permit.clone().map(|_| Rendered {
            sql: sql.into(),
            params: types,
            columns,
            kind: Kind::Rows,
            writes: Writes::Nothing,
            keyed: None,
            prompt: false,
        })
    });
    RowLocks {
        find,
        params,
        of: of.clone(),
        whole: whole.clone(),
        list: *list,
        limit: *limit,
        offset: *offset,
        settled: *settled,
        alone: *alone,
    }
}

fn changed_rows(permit: &Permit<Lowered>, rows: &lower::Changed) -> ChangedRows {
    match rows {
        lower::Changed::Keyed { table, mode, key, alone } => {
            ChangedRows::Keyed { table: Arc::clone(table), mode: *mode, key: key.clone(), alone: *alone }
        }
        lower::Changed::Found(rows) => ChangedRows::Found(Box::new(locked(permit, rows))),
    }
}

fn dropped(table: u32) -> Rendered {
    let sql = render::drop_kept(table).into();
    Rendered {
        sql,
        params: Vec::new(),
        columns: Vec::new(),
        kind: Kind::Command,
        writes: Writes::Nothing,
        keyed: None,
        prompt: false,
    }
}

/// The parameters that a text mentions, in its order: where their values come from, and what carries them.
fn in_order(params: &[(ParamSource, Phys)], order: &[u16]) -> (Vec<ParamSource>, Vec<Phys>) {
    order.iter().filter_map(|n| params.get(usize::from(*n))).cloned().unzip()
}

fn copy_fields(table: &crate::registry::Relation, columns: &[i16]) -> Vec<tree::Field> {
    columns
        .iter()
        .filter_map(|num| table.column_by_num(*num))
        .map(|c| tree::Field { name: Arc::clone(&c.name), ty: c.ty, origin: (table.oid, c.num), row: None })
        .collect()
}
