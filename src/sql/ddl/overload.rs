//! A function that has got a name which others have: what is kept calls those that it has called before.
//!
//! PostgreSQL binds a policy, a view, a default … to a function's OID; we keep text, in which an overload that fits the arguments
//! better would be called from now on, by whoever may create functions in that schema. So a function that would be is refused.

use std::sync::Arc;

use super::kept::{self, Row, holds_name, of_older_file, texts_of, texts_of_function, texts_of_type};
use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::{Function, RelationKind, Snapshot};
use crate::sql::Context;
use crate::sql::analyze::body;
use crate::sql::analyze::kept::Place;
use crate::types::Oid;

/// The objects that a text names, in their order; `None` if it cannot be read.
type Named = Option<Vec<Oid>>;

impl Planner<'_> {
    /// The function is new under its name, or takes other arguments than in `before`: no kept text means another one by it.
    ///
    /// # Errors
    /// 0A000 if one does.
    pub fn takes_nobodys_place(&self, before: &Snapshot, function: &Function) -> Result<()> {
        let (namespace, name) = (&function.namespace, &function.name);
        if !self.after.has_overloads(namespace, name) {
            return Ok(());
        }
        let at = |snapshot: &Snapshot| Context { snapshot: Arc::new(snapshot.clone()), ..self.cx.clone() };
        let (before, after) = (at(before), at(&self.after));
        let refused = |shown: &str| {
            let message = format!("a function {name} that would be called in the place of another by what is kept");
            let error = Error::unsupported(message).hint("Give it another name, or its arguments other types.");
            // Who does not own what it is may not know of it.
            match self.after.is_superuser(self.cx.role) {
                true => error.detail(format!("It would be called by {shown}.")),
                false => error,
            }
        };
        let same = |read: &dyn Fn(&Context) -> Result<Vec<Place>>| {
            let objects = |cx: &Context| -> Named {
                read(cx).ok().map(|places| places.iter().filter_map(Place::object).collect())
            };
            let was = objects(&before);
            was.is_none() || was == objects(&after)
        };
        for relation in self.after.relations.values().filter(|r| !matches!(r.kind, RelationKind::System)) {
            if of_older_file(relation) {
                continue;
            }
            let row = Row::of(relation);
            for text in texts_of(&mut (**relation).clone()) {
                if !same(&|cx| kept::places(&text, &row, &[name], cx)) {
                    return Err(refused(&text.shown));
                }
            }
        }
        for ty in self.after.types.values() {
            let row = Row::of_domain(ty);
            for text in texts_of_type(&mut (**ty).clone()) {
                if !same(&|cx| kept::places(&text, &row, &[name], cx)) {
                    return Err(refused(&text.shown));
                }
            }
        }
        for other in self.after.functions.values().filter(|f| f.oid != function.oid) {
            let shown = || format!("{} {}", other.word(), self.signature(other));
            // A body that is a string is read when it is called.
            let bound = other.is_bound() && holds_name(&other.body.statements, name);
            if bound && !same(&|cx| body::places(other, cx)) {
                return Err(refused(&shown()));
            }
            for text in texts_of_function(&mut (**other).clone()) {
                if !same(&|cx| kept::places(&text, &Row::default(), &[name], cx)) {
                    return Err(refused(&shown()));
                }
            }
        }
        Ok(())
    }
}
