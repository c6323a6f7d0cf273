//! Schema files against the database: what is missing is planned, what differs is said.

use std::collections::HashSet;

use super::DdlPlan;
use super::planner::Planner;
use crate::error::Result;
use crate::registry::draft::{NewColumn, NewTable, OnCommit};
use crate::registry::files::{
    FileEnum, FileGrant, FileGrantTarget, FileNamespace, FileRole, FileSchema, FileTable, Password, Place,
};
use crate::registry::verifier::{self, Verifier};
use crate::registry::{
    Acl, Index, IndexKey, Managed, Membership, Name, Namespace, Relation, RelationKind, Role, UserTypeKind,
};
use crate::sql::Context;
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege};
use crate::types::name::{format_type, parse_type};

/// What it takes to bring the database to what the files say.
#[derive(Debug, Default)]
pub struct FilePlan {
    /// Everything that loses nothing.
    pub plan: DdlPlan,
    /// What the plan does, a line each.
    pub does: Vec<String>,
    /// Differences that it leaves, a line each: they would change or lose what is there.
    pub leaves: Vec<String>,
}

/// Plans what is missing. `cx.role` is the first superuser, who owns what names no owner.
pub fn plan(schema: &FileSchema, cx: &Context) -> Result<FilePlan> {
    let FileSchema { namespaces, enums, tables, roles, grants } = schema;
    let mut work = Work { planner: Planner::new(cx), does: Vec::new(), leaves: Vec::new() };
    work.planner.for_files = true;
    for role in roles {
        work.role(role)?;
    }
    for role in roles {
        work.memberships(role)?;
    }
    for namespace in namespaces {
        work.namespace(namespace)?;
    }
    for item in enums {
        work.enumeration(item)?;
    }
    for table in tables {
        work.table(table)?;
    }
    for grant in grants {
        work.grant(grant)?;
    }
    work.undefined(schema);
    let Work { planner, does, leaves } = work;
    Ok(FilePlan { plan: planner.finish()?, does, leaves })
}

struct Work<'a> {
    planner: Planner<'a>,
    does: Vec<String>,
    leaves: Vec<String>,
}

fn managed(place: &Place) -> Managed {
    Managed::File { path: place.path.clone(), line: place.line }
}

impl Work<'_> {
    fn does(&mut self, what: String) {
        self.does.push(what);
    }

    fn leaves(&mut self, place: &Place, what: String) {
        self.leaves.push(format!("{}:{}: {what}", place.path.display(), place.line));
    }

    fn owner(&self, owner: Option<&Name>) -> Result<crate::types::Oid> {
        owner.map_or(Ok(self.planner.cx.role), |name| self.planner.role(name).map(|role| role.oid))
    }

    fn role(&mut self, file: &FileRole) -> Result<()> {
        let found = self.planner.after.role(&file.name).cloned();
        if let Some(found) = &found
            && !matches!(found.managed, Managed::File { .. })
        {
            self.leaves(&file.place, format!("role \"{}\" exists and was not made from a file", file.name));
            return Ok(());
        }
        let kept = found.as_ref().and_then(|role| role.verifier.clone());
        let oid = found.as_ref().map_or_else(|| self.planner.after.counters.allocate_oid(), |role| role.oid);
        let role = Role {
            oid,
            name: file.name.clone(),
            superuser: file.superuser,
            login: file.login,
            inherit: file.inherit,
            create_role: file.create_role,
            create_db: file.create_db,
            bypass_rls: file.bypass_rls,
            connection_limit: file.connection_limit,
            valid_until: None,
            verifier: verifier(&file.password, kept)?,
            member_of: found.as_ref().map(|role| role.member_of.clone()).unwrap_or_default(),
            settings: file.settings.clone(),
            managed: managed(&file.place),
            comment: file.comment.clone(),
        };
        match found {
            None => self.does(format!("create role {}", file.name)),
            Some(found) if same_role(&found, &role) => return Ok(()),
            Some(_) => self.does(format!("alter role {}", file.name)),
        }
        self.planner.put_role(role);
        Ok(())
    }

    fn memberships(&mut self, file: &FileRole) -> Result<()> {
        let role = self.planner.role(&file.name)?;
        if !matches!(role.managed, Managed::File { .. }) {
            return Ok(());
        }
        let mut wanted = Vec::new();
        for name in &file.member_of {
            wanted.push(Membership { role: self.planner.role(name)?.oid, admin: false });
        }
        if role.member_of != wanted {
            self.does(format!("alter the memberships of role {}", file.name));
            self.planner.put_role(Role { member_of: wanted, ..(*role).clone() });
        }
        Ok(())
    }

    fn namespace(&mut self, file: &FileNamespace) -> Result<()> {
        if let Some(found) = self.planner.after.namespaces.get(&file.name).cloned() {
            if found.comment != file.comment && matches!(found.managed, Managed::File { .. }) {
                self.does(format!("alter schema {}", file.name));
                self.planner.put_namespace(Namespace { comment: file.comment.clone(), ..(*found).clone() });
            }
            return Ok(());
        }
        self.does(format!("create schema {}", file.name));
        let namespace = Namespace {
            oid: self.planner.after.counters.allocate_oid(),
            name: file.name.clone(),
            owner: self.owner(file.owner.as_ref())?,
            acl: Acl::default(),
            comment: file.comment.clone(),
            managed: managed(&file.place),
        };
        self.planner.add_namespace(namespace);
        Ok(())
    }

    fn enumeration(&mut self, file: &FileEnum) -> Result<()> {
        if let Some(found) = self.planner.after.user_type(&file.namespace, &file.name) {
            let same = matches!(&found.kind, UserTypeKind::Enum { labels } if **labels == *file.labels);
            if !same {
                self.leaves(&file.place, format!("type {}.{} has other labels", file.namespace, file.name));
            }
            return Ok(());
        }
        self.does(format!("create type {}.{}", file.namespace, file.name));
        self.planner.managed_as = managed(&file.place);
        self.planner.create_enum(&file.namespace, &file.name, &file.labels)
    }

    fn table(&mut self, file: &FileTable) -> Result<()> {
        let draft = self.draft(file)?;
        if let Some(found) = self.planner.after.relation(&file.namespace, &file.name).cloned() {
            self.compare(file, &draft, &found);
            return Ok(());
        }
        self.does(format!("create table {}.{}", file.namespace, file.name));
        self.planner.managed_as = managed(&file.place);
        self.planner.create_table(&draft, false)?;
        let mut table = self.planner.own_table(&file.namespace, &file.name)?;
        table.owner = self.owner(file.owner.as_ref())?;
        table.comment = file.comment.clone();
        table.on_conflict = file.on_conflict;
        for column in &mut table.columns {
            let comment = file.columns.iter().find(|c| c.name == column.name).and_then(|c| c.comment.clone());
            column.comment = comment;
        }
        self.planner.put_relation(table.clone());
        for index in &file.indexes {
            let keys = index.columns.iter().filter_map(|(name, descending)| {
                let column = table.column(name)?.num;
                Some(IndexKey { column, expression: None, descending: *descending, nulls_first: *descending })
            });
            let new = Index {
                oid: 0,
                name: "".into(),
                unique: index.unique,
                keys: keys.collect(),
                predicate: None,
                method: "btree".into(),
                of_constraint: false,
                comment: index.comment.clone(),
            };
            self.planner.create_index((&file.namespace, &file.name), index.name.as_ref(), &new, false)?;
        }
        Ok(())
    }

    fn draft(&self, file: &FileTable) -> Result<NewTable> {
        let in_file = |e: crate::error::Error, line: u32| {
            let file = file.place.path.display();
            e.context(format!("{file}:{line}"))
        };
        let mut columns = Vec::new();
        for column in &file.columns {
            let ty = parse_type(&column.ty, &self.planner.after).map_err(|e| in_file(e, column.line))?;
            columns.push(NewColumn {
                name: column.name.clone(),
                ty,
                not_null: column.not_null,
                default: column.default.clone(),
                generated: column.generated.clone(),
                sequence: column.sequence,
                sequence_options: None,
            });
        }
        Ok(NewTable {
            namespace: file.namespace.clone(),
            name: file.name.clone(),
            temporary: false,
            columns,
            constraints: file.constraints.clone(),
            on_commit: OnCommit::PreserveRows,
        })
    }

    /// Says how a table that is there differs in its columns.
    fn compare(&mut self, file: &FileTable, draft: &NewTable, found: &Relation) {
        let name = format!("{}.{}", file.namespace, file.name);
        if !matches!((&found.kind, &found.managed), (RelationKind::Table, Managed::File { .. })) {
            return self.leaves(&file.place, format!("relation {name} exists and was not made from a file"));
        }
        for column in &draft.columns {
            let Some(there) = found.column(&column.name) else {
                self.leaves(&file.place, format!("column {} of table {name} is missing", column.name));
                continue;
            };
            if there.ty != column.ty {
                let types = &self.planner.after;
                let (is, wanted) = (format_type(there.ty, types), format_type(column.ty, types));
                self.leaves(&file.place, format!("column {} of table {name} is {is}, not {wanted}", column.name));
            }
        }
        for column in found.columns.iter().filter(|c| !draft.columns.iter().any(|d| d.name == c.name)) {
            self.leaves(&file.place, format!("column {} of table {name} is not in the file", column.name));
        }
    }

    fn grant(&mut self, file: &FileGrant) -> Result<()> {
        let mut grantees = Vec::new();
        for grantee in &file.to {
            if !self.has(file, grantee.as_ref())? {
                grantees.push(grantee.clone());
            }
        }
        if grantees.is_empty() {
            return Ok(());
        }
        let (on, what) = match &file.on {
            FileGrantTarget::Table { namespace, name } => {
                (GrantTarget::Relations(vec![(namespace.clone(), name.clone())]), format!("{namespace}.{name}"))
            }
            FileGrantTarget::Namespace(name) => (GrantTarget::Namespaces(vec![name.clone()]), name.to_string()),
        };
        let to: Vec<&str> = grantees.iter().map(|name| name.as_deref().unwrap_or("public")).collect();
        self.does(format!("grant {:?} on {what} to {}", file.privileges, to.join(", ")));
        self.planner.grant(&GrantChange {
            revoke: false,
            grant_option_only: false,
            with_grant_option: false,
            privileges: vec![GrantedPrivilege { privileges: file.privileges, columns: file.columns.clone() }],
            on,
            grantees,
        })
    }

    /// Whether a role has been granted all of this already, itself (not through others).
    fn has(&self, file: &FileGrant, grantee: Option<&Name>) -> Result<bool> {
        let grantee = grantee.map_or(Ok(0), |name| self.planner.role(name).map(|role| role.oid))?;
        let granted = |acl: &Acl| {
            acl.0.iter().any(|grant| grant.grantee == grantee && grant.privileges.contains(file.privileges))
        };
        Ok(match &file.on {
            FileGrantTarget::Namespace(name) => {
                self.planner.after.namespaces.get(name).is_some_and(|namespace| granted(&namespace.acl))
            }
            FileGrantTarget::Table { namespace, name } => {
                let relation = self.planner.relation(namespace, name)?;
                if file.columns.is_empty() {
                    granted(&relation.acl)
                } else {
                    file.columns.iter().all(|name| relation.column(name).is_some_and(|column| granted(&column.acl)))
                }
            }
        })
    }

    /// What a file once defined and none does any more.
    fn undefined(&mut self, schema: &FileSchema) {
        let tables: HashSet<_> = schema.tables.iter().map(|t| (&*t.namespace, &*t.name)).collect();
        let mut gone: Vec<String> = Vec::new();
        for relation in self.planner.after.relations.values() {
            let table = matches!(relation.kind, RelationKind::Table);
            if let (true, Managed::File { path, .. }) = (table, &relation.managed)
                && !tables.contains(&(&*relation.namespace, &*relation.name))
            {
                let name = format!("{}.{}", relation.namespace, relation.name);
                gone.push(format!("{}: table {name} is no longer defined", path.display()));
            }
        }
        gone.sort();
        self.leaves.extend(gone);
    }
}

/// The verifier to keep: the one that is there, if it is the same password's.
fn verifier(password: &Password, kept: Option<String>) -> Result<Option<String>> {
    match password {
        Password::None => Ok(None),
        Password::Verifier(text) => Ok(Some(text.clone())),
        Password::Plain(plain) => {
            let fits = kept.as_deref().and_then(Verifier::parse).is_some_and(|kept| kept.accepts(plain));
            if fits { Ok(kept) } else { verifier::from_password(plain) }
        }
    }
}

/// Everything but memberships, which come later.
fn same_role(a: &Role, b: &Role) -> bool {
    let attributes =
        |r: &Role| (r.superuser, r.login, r.inherit, r.create_role, r.create_db, r.bypass_rls, r.connection_limit);
    attributes(a) == attributes(b)
        && a.verifier == b.verifier
        && a.settings == b.settings
        && a.comment == b.comment
        && a.managed == b.managed
}
