//! The gateway's own connection, for what it does on nobody's behalf.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array as _, Int64Array, StringArray};

use crate::engine::directory::{self, SessionView};
use crate::engine::{Access, Connection, Engine, Kind, Outcome, Rendered, Run, Writes};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::{Change, Name, Relation, Snapshot, builtin};
use crate::sql::ddl::{DdlPlan, Step, keys, store, unique};
use crate::sql::{ParamSource, Plan};
use crate::tree::SessionValue;
use crate::types::{Oid, OutputSettings, Phys, Value};

pub struct System {
    connection: Box<dyn Connection>,
    /// What its statements' functions see, while it speaks for a schema.
    view: Option<Arc<View>>,
}

/// Numbers for [`View`]s: beyond those that sessions count up from 1.
static NEXT: AtomicU64 = AtomicU64::new(1 << 48);

fn run() -> Run {
    Run::new("UTC".into(), None)
}

impl System {
    pub fn connect(engine: &dyn Engine) -> Result<Self> {
        Ok(Self { connection: engine.connect_beside()?, view: None })
    }

    /// From now on its statements see this schema, as the first superuser.
    pub fn speak_for(&mut self, snapshot: Arc<Snapshot>) {
        let view = Arc::new(View { id: NEXT.fetch_add(1, Ordering::Relaxed), snapshot });
        let shared: Arc<dyn SessionView> = view.clone();
        directory::register(view.id, Arc::downgrade(&shared));
        if let Some(before) = self.view.replace(view) {
            directory::forget(before.id);
        }
    }

    async fn execute(&mut self, sql: &str, kind: Kind, columns: Vec<Phys>) -> Result<Outcome> {
        let permit = Permit::system(Rendered {
            sql: sql.into(),
            params: Vec::new(),
            columns,
            kind,
            writes: Writes::Anything,
            keyed: None,
            prompt: false,
        });
        self.connection.execute(&permit, Vec::new(), &run()).await
    }

    pub async fn command(&mut self, sql: &str) -> Result<()> {
        self.execute(sql, Kind::Command, Vec::new()).await.map(|_| ())
    }

    /// The kept objects, as `store::restore` takes them.
    pub async fn objects(&mut self) -> Result<Vec<(String, Oid, String)>> {
        let columns = vec![Phys::Text, Phys::Int8, Phys::Text];
        let Outcome::Rows(mut rows) = self.execute(&store::select(), Kind::Rows, columns).await? else {
            return Err(Error::internal("the kept objects are no rows"));
        };
        let mut objects = Vec::new();
        while let Some(batch) = rows.next().await? {
            let text = |i: usize| batch.column(i).as_any().downcast_ref::<StringArray>();
            let (Some(kinds), Some(oids), Some(definitions)) =
                (text(0), batch.column(1).as_any().downcast_ref::<Int64Array>(), text(2))
            else {
                return Err(Error::internal("the kept objects have other types"));
            };
            for row in 0..batch.num_rows() {
                let oid = Oid::try_from(oids.value(row)).map_err(Error::internal)?;
                objects.push((kinds.value(row).to_owned(), oid, definitions.value(row).to_owned()));
            }
        }
        Ok(objects)
    }

    /// The OIDs of tables that DuckDB holds to foreign keys.
    pub async fn keyed_tables(&mut self) -> Result<Vec<Oid>> {
        let sql = "SELECT DISTINCT table_name FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'";
        let names = self.names(sql).await?;
        Ok(names.iter().filter_map(|name| name.strip_prefix('r')?.parse().ok()).collect())
    }

    /// Tables of the file that the gateway has not made, as DuckDB names them: nobody sees them.
    pub async fn strangers(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary \
                   AND schema_name <> 'duckgate_internal' AND NOT regexp_full_match(table_name, 'r[0-9]+') ORDER BY 1";
        self.names(sql).await
    }

    /// The texts that a query gives.
    async fn names(&mut self, sql: &str) -> Result<Vec<String>> {
        let Outcome::Rows(mut rows) = self.execute(sql, Kind::Rows, vec![Phys::Text]).await? else {
            return Err(Error::internal("names are no rows"));
        };
        let mut found = Vec::new();
        while let Some(batch) = rows.next().await? {
            let names = batch.column(0).as_any().downcast_ref::<StringArray>();
            let names = names.ok_or_else(|| Error::internal("names of another type"))?;
            found.extend(names.iter().flatten().map(str::to_owned));
        }
        Ok(found)
    }

    /// Carries out changes that need nothing of DuckDB but their own rows.
    pub async fn keep(&mut self, snapshot: &mut Snapshot, changes: Vec<Change>) -> Result<()> {
        let commands = store::keep(&changes, snapshot)?;
        self.connection.begin(Access::ReadWrite).await?;
        for (_, command) in commands {
            self.command(&command).await?;
        }
        self.connection.commit().await?;
        changes.iter().for_each(|change| snapshot.apply_in_place(change));
        Ok(())
    }

    pub async fn begin(&mut self) -> Result<()> {
        self.connection.begin(Access::ReadWrite).await
    }

    pub async fn commit(&mut self) -> Result<()> {
        self.connection.commit().await
    }

    /// Carries out the steps of a schema change, inside the transaction that has begun.
    pub async fn steps(&mut self, plan: &DdlPlan) -> Result<()> {
        for step in &plan.steps {
            match step {
                Step::Command(permit) => {
                    self.connection.execute(permit, Vec::new(), &run()).await?;
                }
                Step::Plan(plan) => {
                    let target = plan.target.clone();
                    let done = self.plan(plan).await;
                    if let Outcome::Rows(mut rows) = done.map_err(|error| about(error, target.as_deref()))? {
                        while rows.next().await?.is_some() {}
                    }
                }
                // A schema file's foreign keys over rows that are there: the same question, without a session.
                Step::Key(key) => {
                    let permit = keys::orphan(
                        key.child_side(),
                        key.parent_side(),
                        key.child_types.clone(),
                        keys::Written::Anything,
                    )?;
                    if let Outcome::Rows(mut rows) = self.connection.execute(&permit, Vec::new(), &run()).await?
                        && rows.next().await?.is_some_and(|batch| batch.num_rows() > 0)
                    {
                        return Err(key.missing(None));
                    }
                }
                Step::Unique(key) => {
                    let permit = key.duplicate(unique::Written::Anything);
                    if let Outcome::Rows(mut rows) = self.connection.execute(&permit, Vec::new(), &run()).await?
                        && rows.next().await?.is_some_and(|batch| batch.num_rows() > 0)
                    {
                        return Err(key.not_unique(None));
                    }
                }
                Step::Verify(plan, error) => {
                    if let Outcome::Rows(mut rows) = self.plan(plan).await?
                        && rows.next().await?.is_some_and(|batch| batch.num_rows() > 0)
                    {
                        return Err(error.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// The one bigint that a query gives; `None` if it is NULL.
    pub async fn number(&mut self, plan: &Plan) -> Result<Option<i64>> {
        let Outcome::Rows(mut rows) = self.plan(plan).await? else {
            return Err(Error::internal("a count gives no rows"));
        };
        let Some(batch) = rows.next().await? else { return Ok(None) };
        let numbers = batch.column(0).as_any().downcast_ref::<Int64Array>();
        let numbers = numbers.ok_or_else(|| Error::internal("a count is no bigint"))?;
        Ok((!numbers.is_empty() && numbers.is_valid(0)).then(|| numbers.value(0)))
    }

    async fn plan(&mut self, plan: &Plan) -> Result<Outcome> {
        let values =
            plan.params.iter().map(|source| source.bind(&|source| self.value(source))).collect::<Result<Vec<_>>>()?;
        self.connection.execute(&plan.permit, values, &run()).await
    }

    /// What a session would bind: the gateway is the first superuser, in UTC.
    fn value(&self, source: &ParamSource) -> Result<Value> {
        const DAY: i64 = 86_400_000_000;
        let ParamSource::Session(value) = source else {
            return Err(Error::internal("a schema change has parameters"));
        };
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = i64::try_from(since.as_micros()).map_err(Error::internal)?;
        let view = self.view.as_ref().ok_or_else(|| Error::internal("a schema change without a snapshot"))?;
        let superuser = view.snapshot.role_by_oid(builtin::SUPERUSER).map(|r| Value::Text(r.name.clone()));
        Ok(match value {
            SessionValue::TransactionTimestamp
            | SessionValue::StatementTimestamp
            | SessionValue::PostmasterStartTime
            | SessionValue::ConfLoadTime => Value::TimestampTz(now),
            SessionValue::CurrentDate => Value::Date(i32::try_from(now / DAY).map_err(Error::internal)?),
            SessionValue::CurrentTime => Value::TimeTz(now % DAY, 0),
            SessionValue::LocalTime => Value::Time(now % DAY),
            SessionValue::LocalTimestamp => Value::Timestamp(now),
            SessionValue::CurrentUser | SessionValue::SessionUser => superuser.unwrap_or(Value::Null),
            SessionValue::CurrentDatabase => Value::Text(view.snapshot.database.clone()),
            SessionValue::CurrentSchema => Value::text("public"),
            SessionValue::TimeZone => Value::text("UTC"),
            SessionValue::SessionId => Value::Int8(i64::try_from(view.id).map_err(Error::internal)?),
            SessionValue::CurrentSchemas
            | SessionValue::CurrentSchemasImplicit
            | SessionValue::BackendPid
            | SessionValue::ServerVersion
            | SessionValue::ClientAddr
            | SessionValue::ClientPort
            | SessionValue::ServerAddr
            | SessionValue::ServerPort => {
                return Err(Error::unsupported(
                    "a default that asks about the session, for rows that are there already",
                ));
            }
        })
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(view) = &self.view {
            directory::forget(view.id);
        }
    }
}

/// The table and constraint of DuckDB's complaint, in the table's own words.
fn about(error: Error, table: Option<&Relation>) -> Error {
    match table {
        Some(table) if error.report().table.is_none() => error.table(&*table.namespace, &*table.name),
        _ => error,
    }
}

/// The gateway itself, as natives and system tables see a session.
struct View {
    id: u64,
    snapshot: Arc<Snapshot>,
}

impl SessionView for View {
    fn id(&self) -> u64 {
        self.id
    }
    fn pid(&self) -> i32 {
        0
    }
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }
    fn role(&self) -> Oid {
        builtin::SUPERUSER
    }
    fn session_user(&self) -> Oid {
        builtin::SUPERUSER
    }
    fn database(&self) -> Name {
        self.snapshot.database.clone()
    }
    fn search_path(&self) -> Arc<[Name]> {
        ["pg_catalog", "public"].map(Name::from).into()
    }
    fn output_settings(&self) -> OutputSettings {
        OutputSettings::default()
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_config(&self, name: &str, _: Option<&str>, _: bool) -> Result<String> {
        Err(Error::unsupported(format!("set_config of {name} in a schema change")))
    }
    fn settings(&self) -> Vec<directory::SettingRow> {
        Vec::new()
    }
    fn prepared_statements(&self) -> Vec<directory::PreparedRow> {
        Vec::new()
    }
    fn cursors(&self) -> Vec<directory::CursorRow> {
        Vec::new()
    }
    fn activity(&self) -> Vec<directory::ActivityRow> {
        Vec::new()
    }
    fn cancel_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn terminate_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn reload(&self) -> Result<()> {
        Err(Error::unsupported("reloading the schema files in a schema change"))
    }
}
