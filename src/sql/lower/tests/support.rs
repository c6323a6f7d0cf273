//! A small database: the tables of schema.sql in a snapshot and in DuckDB, filled through the compiler.

#[cfg(test)]
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::directory::{self, SessionView};
use crate::engine::{
    Access, Batches, Connection, Engine, EngineConfig, Kind, Outcome, Plugins, Pool, Rendered, Run, SystemTables,
    Writes,
};
use crate::error::{Result, SqlState};
use crate::policy::Permit;
use crate::registry::{
    Acl, Column, Constraint, ConstraintKind, Managed, Name, Namespace, OnConflictDefault, Relation, RelationKind, Role,
    Snapshot, Storage, builtin,
};
use crate::sql::lower::Decimals;
use crate::sql::{self, CompiledBody, Context, ParamSource, Plan, signatures};
use crate::tree::SessionValue;
use crate::types::{self, Oid, OutputSettings, PgType, Phys, Value, oid};

struct NoTables;

impl SystemTables for NoTables {
    fn columns(&self, _: &str) -> Option<Vec<(String, Phys)>> {
        None
    }

    fn rows(&self, _: u64, _: &str, _: &[usize]) -> Result<Batches> {
        Ok(Box::new(std::iter::empty()))
    }
}

/// The session that the statements ask about themselves.
struct Asked(Arc<Snapshot>, u64);

impl SessionView for Asked {
    fn id(&self) -> u64 {
        self.1
    }
    fn pid(&self) -> i32 {
        1
    }
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0)
    }
    fn role(&self) -> Oid {
        builtin::SUPERUSER
    }
    fn session_user(&self) -> Oid {
        builtin::SUPERUSER
    }
    fn database(&self) -> Name {
        "duckgate".into()
    }
    fn search_path(&self) -> Arc<[Name]> {
        ["pg_catalog", "public"].map(Into::into).into()
    }
    fn output_settings(&self) -> OutputSettings {
        OutputSettings::default()
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_config(&self, name: &str, _: Option<&str>, _: bool) -> Result<String> {
        Ok(name.into())
    }
    fn settings(&self) -> Vec<directory::SettingRow> {
        vec![]
    }
    fn prepared_statements(&self) -> Vec<directory::PreparedRow> {
        vec![]
    }
    fn cursors(&self) -> Vec<directory::CursorRow> {
        vec![]
    }
    fn activity(&self) -> Vec<directory::ActivityRow> {
        vec![]
    }
    fn cancel_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn terminate_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn reload(&self) -> Result<()> {
        Ok(())
    }
}

/// Their numbers: beyond those that other tests' sessions count up from 1.
static NEXT: AtomicU64 = AtomicU64::new(1 << 40);

pub struct Db {
    pool: Arc<Pool>,
    session: Arc<dyn SessionView>,
    pub context: Context,
}

/// What came of a case.
#[derive(Default)]
pub struct Answer {
    pub text: String,
    pub error: String,
    pub sql: String,
}

impl Db {
    /// DuckDB with our natives, and no tables in it.
    pub fn empty() -> Self {
        let config = EngineConfig {
            path: None,
            memory_limit: 1 << 30,
            threads: 1,
            temp_directory: None,
            extension_directory: None,
            server_files: Default::default(),
            max_running: 2,
            queue_timeout: Duration::from_secs(5),
            interrupt_grace: Duration::from_secs(5),
        };
        let plugins = Plugins {
            natives: signatures::natives(),
            aggregates: signatures::aggregates(),
            system_tables: Arc::new(NoTables),
        };
        let context = context();
        let session: Arc<dyn SessionView> =
            Arc::new(Asked(Arc::clone(&context.snapshot), NEXT.fetch_add(1, Ordering::Relaxed)));
        directory::register(session.id(), Arc::downgrade(&session));
        Self { pool: Pool::open(config, plugins).unwrap(), session, context }
    }

    pub async fn open() -> Self {
        let db = Self::empty();
        let mut connection = db.pool.connect().unwrap();
        for relation in db.context.snapshot.relations.values() {
            command(&mut *connection, &crate::sql::ddl::create_table(relation, &db.context.snapshot).unwrap()).await;
        }
        for line in include_str!("data.sql").lines() {
            let answer = db.run(&mut *connection, line.trim_end_matches(';'), Decimals::Fast).await;
            assert!(answer.is_ok(), "{line}: {:?}", answer.err());
        }
        db
    }

    /// The rows as psql prints them, or `ERROR` with the SQLSTATE. What it changes is rolled back.
    pub async fn answer(&self, case: &str) -> Answer {
        let mut connection = self.pool.connect().unwrap();
        connection.begin(Access::ReadWrite).await.unwrap();
        let sql = self.sql(case);
        let mut result = self.run(&mut *connection, case, Decimals::Fast).await;
        connection.rollback().await.unwrap();
        if result.as_ref().is_err_and(|e| e.code() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE) {
            // As the session does: what overflowed fast decimals is tried with wide ones.
            connection.begin(Access::ReadWrite).await.unwrap();
            result = self.run(&mut *connection, case, Decimals::Wide).await;
            connection.rollback().await.unwrap();
        }
        match result {
            Ok(text) => Answer { text, sql, ..Answer::default() },
            Err(error) => Answer { text: format!("ERROR {}", error.code()), error: error.to_string(), sql },
        }
    }

    /// A value as psql prints it.
    fn show(&self, value: &Value, ty: PgType) -> String {
        if value.is_null() {
            return "NULL".into();
        }
        types::text::format(value, ty, &self.context.settings, &*self.context.snapshot)
    }

    /// The one text that a query in DuckDB's own SQL gives.
    pub async fn text(&self, sql: &str) -> String {
        let mut connection = self.pool.connect().unwrap();
        let rendered = Rendered {
            sql: sql.into(),
            params: [].into(),
            columns: [Phys::Text].into(),
            kind: Kind::Rows,
            writes: Writes::Anything,
            keyed: None,
            prompt: false,
        };
        let run = Run::new("UTC".into(), None);
        let mut rows = match connection.execute(&Permit::system(rendered), vec![], &run).await {
            Ok(Outcome::Rows(rows)) => rows,
            Ok(_) => panic!("{sql} gives no rows"),
            Err(error) => panic!("{sql}: {error}"),
        };
        let batch = rows.next().await.unwrap().unwrap();
        self.show(&types::arrow::value_at(batch.column(0), 0, &Phys::Text), PgType::new(oid::TEXT))
    }

    /// DuckDB's text for a case.
    pub fn sql(&self, case: &str) -> String {
        match self.plan(case) {
            Ok(plan) => plan.permit.get().sql.to_string(),
            Err(_) => String::new(),
        }
    }

    /// Adds a table without constraints.
    pub fn add_table(&mut self, oid: u32, name: &str, columns: &[(&str, PgType)]) {
        let mut snapshot = Snapshot::clone(&self.context.snapshot);
        add(&mut snapshot, oid, name, columns, false, &[]);
        self.context.snapshot = Arc::new(snapshot);
    }

    pub fn plan(&self, case: &str) -> Result<Plan> {
        self.plan_with(case, Decimals::Fast)
    }

    fn plan_with(&self, case: &str, decimals: Decimals) -> Result<Plan> {
        let parsed = sql::parse(case)?;
        match sql::compile_with(&parsed[0], &self.context, &[], decimals)?.body {
            CompiledBody::Plan(plan) => Ok(plan),
            _ => panic!("{case} is no plan"),
        }
    }

    fn param(&self, source: &ParamSource) -> Value {
        match source {
            ParamSource::Session(SessionValue::SessionId) => Value::Int8(self.session.id() as i64),
            ParamSource::Session(SessionValue::CurrentDate) => Value::Date(20_000),
            ParamSource::Session(SessionValue::TransactionTimestamp) => Value::TimestampTz(20_000 * 86_400_000_000),
            ParamSource::Session(SessionValue::LocalTimestamp) => Value::Timestamp(20_000 * 86_400_000_000),
            _ => Value::Null,
        }
    }

    async fn run(&self, connection: &mut dyn Connection, case: &str, decimals: Decimals) -> Result<String> {
        let plan = self.plan_with(case, decimals)?;
        if let Some(error) = plan.doomed {
            return Err(*error);
        }
        let params =
            plan.params.iter().map(|source| source.bind(&|source| Ok(self.param(source)))).collect::<Result<_>>()?;
        let run = Run::new("UTC".into(), None);
        for step in &plan.before {
            let params = step.params.iter().map(|source| self.param(source)).collect();
            connection.execute(&step.permit, params, &run).await?;
        }
        let mut lines = Vec::new();
        if let Outcome::Rows(mut rows) = connection.execute(&plan.permit, params, &run).await? {
            while let Some(batch) = rows.next().await? {
                for row in 0..batch.num_rows() {
                    let cells: Vec<String> = plan
                        .phys
                        .iter()
                        .enumerate()
                        .map(|(i, phys)| {
                            self.show(&types::arrow::value_at(batch.column(i), row, phys), plan.fields[i].ty)
                        })
                        .collect();
                    lines.push(cells.join("|"));
                }
            }
        }
        Ok(lines.join("\n"))
    }
}

async fn command(connection: &mut dyn Connection, sql: &str) {
    let permit = Permit::system(Rendered {
        sql: sql.into(),
        params: [].into(),
        columns: [].into(),
        kind: Kind::Command,
        writes: Writes::Anything,
        keyed: None,
        prompt: false,
    });
    let run = Run::new("UTC".into(), None);
    if let Err(error) = connection.execute(&permit, vec![], &run).await {
        panic!("{sql}: {error}");
    }
}

fn context() -> Context {
    Context {
        snapshot: Arc::new(snapshot()),
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
        search_path: ["pg_catalog", "public"].map(Into::into).into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: sql::Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        held: false,
        probed: false,
        scratch: 0,
        shaped: Arc::default(),
        given: Arc::default(),
        files: None,
        told: None,
        touched: Arc::default(),
    }
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot { database: "duckgate".into(), ..Snapshot::default() };
    for (oid, name) in [(builtin::PUBLIC_NAMESPACE, "public"), (builtin::PG_CATALOG, "pg_catalog")] {
        let namespace = Namespace {
            oid,
            name: name.into(),
            owner: builtin::SUPERUSER,
            acl: Acl::default(),
            comment: None,
            managed: Managed::System,
        };
        snapshot.namespaces.insert(name.into(), Arc::new(namespace));
    }
    let role = Role {
        oid: builtin::SUPERUSER,
        name: "duckgate".into(),
        superuser: true,
        login: true,
        inherit: true,
        create_role: true,
        create_db: true,
        bypass_rls: true,
        connection_limit: None,
        valid_until: None,
        verifier: None,
        member_of: vec![],
        settings: vec![],
        database_settings: vec![],
        managed: Managed::System,
        comment: None,
    };
    snapshot.roles.insert("duckgate".into(), Arc::new(role));
    snapshot.role_oids.insert(builtin::SUPERUSER, "duckgate".into());
    add(&mut snapshot, 16400, "t", T, true, &[]);
    add(&mut snapshot, 16410, "u", U, false, &[("u_a_check", "a > 0", 1), ("u_w", "w < 100", 3)]);
    add(&mut snapshot, 16420, "e", E, false, &[]);
    snapshot
}

type Columns<'a> = &'a [(&'a str, PgType)];

const T: Columns<'static> = &[
    ("a", PgType::new(oid::INT4)),
    ("b", PgType::new(oid::INT4)),
    ("n", PgType::numeric(10, 2)),
    ("m", PgType::new(oid::NUMERIC)),
    ("s", PgType::new(oid::TEXT)),
    ("v", PgType::with(oid::VARCHAR, 9)),
    ("c", PgType::with(oid::BPCHAR, 8)),
    ("f", PgType::new(oid::FLOAT8)),
    ("d", PgType::new(oid::DATE)),
    ("ts", PgType::new(oid::TIMESTAMP)),
    ("k", PgType::new(oid::BOOL)),
    ("l", PgType::new(oid::INT4_ARRAY)),
    ("i8", PgType::new(oid::INT8)),
    ("i2", PgType::new(oid::INT2)),
];
const U: Columns<'static> =
    &[("a", PgType::new(oid::INT4)), ("x", PgType::new(oid::TEXT)), ("w", PgType::numeric(12, 4))];
const E: Columns<'static> = &[("a", PgType::new(oid::INT4)), ("b", PgType::new(oid::TEXT))];

fn add(snapshot: &mut Snapshot, oid: u32, name: &str, columns: Columns, key: bool, checks: &[(&str, &str, i16)]) {
    let columns: Vec<Column> = columns
        .iter()
        .enumerate()
        .map(|(i, (column, ty))| Column {
            num: i as i16 + 1,
            name: (*column).into(),
            ty: *ty,
            collation: 0,
            not_null: key && i == 0,
            default: None,
            identity: None,
            generated: None,
            acl: Acl::default(),
            comment: None,
        })
        .collect();
    let constraint = |name: String, kind| Constraint {
        oid: oid + 5,
        name: name.into(),
        kind,
        deferrable: false,
        initially_deferred: false,
        validated: true,
        no_inherit: false,
        delete_sets: Vec::new(),
        parent: None,
        comment: None,
    };
    let mut constraints: Vec<Constraint> = checks
        .iter()
        .map(|(name, text, column)| {
            let kind = ConstraintKind::Check { expression: (*text).into(), columns: vec![*column] };
            constraint((*name).into(), kind)
        })
        .collect();
    if key {
        constraints.push(constraint(format!("{name}_pkey"), ConstraintKind::PrimaryKey { columns: vec![1] }));
    }
    let relation = Relation {
        oid,
        namespace: "public".into(),
        name: name.into(),
        owner: builtin::SUPERUSER,
        managed: Managed::Sql,
        temporary: false,
        kind: RelationKind::Table,
        columns,
        constraints,
        indexes: vec![],
        acl: Acl::default(),
        comment: None,
        row_type: oid + 1,
        row_array_type: oid + 2,
        on_conflict: OnConflictDefault::Error,
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
        rules: Default::default(),
    };
    snapshot.relation_oids.insert(oid, ("public".into(), name.into()));
    snapshot.relations.insert(("public".into(), name.into()), Arc::new(relation));
}
