//! The gateway's own connection, for what it does on nobody's behalf.

use arrow::array::{Array as _, Int64Array, StringArray};

use crate::engine::{Access, Connection, Engine, Kind, Outcome, Rendered, Run};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::{Change, Snapshot};
use crate::sql::ddl::{DdlPlan, Step, store};
use crate::types::{Oid, Phys};

pub struct System(Box<dyn Connection>);

fn run() -> Run {
    Run { time_zone: "UTC".into(), deadline: None }
}

impl System {
    pub fn connect(engine: &dyn Engine) -> Result<Self> {
        Ok(Self(engine.connect()?))
    }

    async fn execute(&mut self, sql: &str, kind: Kind, columns: Vec<Phys>) -> Result<Outcome> {
        let permit = Permit::system(Rendered { sql: sql.into(), params: Vec::new(), columns, kind });
        self.0.execute(&permit, Vec::new(), &run()).await
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

    /// Carries out changes that need nothing of DuckDB but their own rows.
    pub async fn keep(&mut self, snapshot: &mut Snapshot, changes: Vec<Change>) -> Result<()> {
        let commands = store::keep(&changes, snapshot)?;
        self.0.begin(Access::ReadWrite).await?;
        for command in commands {
            self.command(&command).await?;
        }
        self.0.commit().await?;
        changes.iter().for_each(|change| snapshot.apply_in_place(change));
        Ok(())
    }

    pub async fn begin(&mut self) -> Result<()> {
        self.0.begin(Access::ReadWrite).await
    }

    pub async fn commit(&mut self) -> Result<()> {
        self.0.commit().await
    }

    /// Carries out the steps of a schema change, inside the transaction that has begun.
    pub async fn steps(&mut self, plan: &DdlPlan) -> Result<()> {
        for step in &plan.steps {
            match step {
                Step::Command(permit) => {
                    self.0.execute(permit, Vec::new(), &run()).await?;
                }
                Step::Plan(_) => return Err(Error::unsupported("a schema file's change that moves rows")),
                Step::Verify(plan, error) => {
                    let outcome = self.0.execute(&plan.permit, Vec::new(), &run()).await?;
                    if let Outcome::Rows(mut rows) = outcome
                        && rows.next().await?.is_some_and(|batch| batch.num_rows() > 0)
                    {
                        return Err(error.clone());
                    }
                }
            }
        }
        Ok(())
    }
}
