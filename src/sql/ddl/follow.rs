//! Views follow the columns of what they read: a renamed column is read by its new name, and one that is added takes no other's
//! place. The view's tree of before is compared with what its text means afterwards; where they differ the text is printed anew
//! from the tree.

use std::sync::Arc;

use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::seen::Seen;
use crate::registry::{Name, Relation, Snapshot, builtin};
use crate::sql::Context;
use crate::sql::analyze::kept;
use crate::sql::deparse::{self, Style};
use crate::tree::Query;

impl Planner<'_> {
    /// The columns of `old`, as it was in `before`, are others now.
    ///
    /// # Errors
    /// 0A000 if a view cannot be written so that it means the same.
    pub fn views_follow(&mut self, before: &Snapshot, old: &Relation) -> Result<()> {
        let cx = Context { snapshot: Arc::new(before.clone()), ..self.cx.clone() };
        for view in self.views_on(old).into_iter().filter(|v| v.oid != old.oid) {
            let Some(text) = self.followed(&view, &cx)? else { continue };
            let mut new = (*view).clone();
            new.kind = new.kind.with_definition(text, kept::PATH.map(Name::from).to_vec());
            self.put_relation(new);
        }
        Ok(())
    }

    /// The view's text anew; `None` if it means what it meant.
    fn followed(&self, view: &Relation, before: &Context) -> Result<Option<String>> {
        let Some((definition, search_path)) = view.kind.definition() else { return Ok(None) };
        let refused = || {
            Error::unsupported(format!("changing the columns of what view \"{}\" reads", view.name))
                .hint("Drop the view first, and create it again afterwards.")
        };
        let after = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let kept = kept::context(&after);
        let seen = Seen::new(Arc::clone(&kept.snapshot), Arc::clone(&kept.search_path), builtin::SUPERUSER);
        let names: Vec<Name> = view.columns.iter().map(|c| c.name.clone()).collect();
        let print = |query: &Query| deparse::query(query, &names, &seen, Style::KEPT);
        let types = |query: &Query| query.columns.iter().map(|c| c.ty).collect::<Vec<_>>();
        let tree = kept::stored_query(definition, search_path, before)?;
        let meant = print(&tree).map_err(|_| refused())?;
        let same = |text: &str, path: &[Name]| {
            let again = kept::stored_query(text, path, &after).ok()?;
            (types(&again) == types(&tree) && print(&again).ok()? == meant).then_some(())
        };
        if same(definition, search_path).is_some() {
            return Ok(None);
        }
        same(&meant, &kept.search_path).ok_or_else(refused)?;
        Ok(Some(meant))
    }
}
