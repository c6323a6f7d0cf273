//! The places of the statements that run at once, and a role's share of them: all but one. Whatever the statements of one role
//! do (take long, wait, heed no cancel), there is a place for those of others.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::types::Oid;

/// From so many places on each role has a share: of two, half of them would be too much to leave.
const SHARED_FROM: usize = 3;

pub(super) struct Places {
    all: Arc<Line>,
    /// How many a role may have, and what it has.
    share: Option<usize>,
    shares: Mutex<HashMap<Oid, Arc<Line>>>,
}

/// Places for which statements stand in line.
pub(super) struct Line {
    slots: Arc<Semaphore>,
    /// How many places have to go because there are more than there should be.
    surplus: Arc<AtomicUsize>,
}

/// A place; held by the piece of work itself, so that work that was left behind keeps it.
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    surplus: Arc<AtomicUsize>,
}

/// A place more, for a statement that waits in its own. When it goes on, one is taken back: at once, or when the next statement
/// is done.
struct Extra(Arc<Line>);

impl Places {
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        let share = (count >= SHARED_FROM).then(|| count - 1);
        Self { all: Arc::new(Line::new(count)), share, shares: Mutex::default() }
    }

    /// A role's.
    pub fn of(&self, role: Oid) -> Option<Arc<Line>> {
        let share = self.share?;
        Some(Arc::clone(self.shares.lock().entry(role).or_insert_with(|| Arc::new(Line::new(share)))))
    }

    /// A place, and one of the role's share. `None` if one of them is not free.
    pub fn try_take(&self, share: Option<&Line>) -> Option<(Option<Place>, Place)> {
        let own = match share {
            Some(line) => Some(line.place(Arc::clone(&line.slots).try_acquire_owned().ok()?)),
            None => None,
        };
        Some((own, self.all.place(Arc::clone(&self.all.slots).try_acquire_owned().ok()?)))
    }

    /// Waits for the role's share first: who has to wait for its own is in nobody's way.
    pub async fn take(&self, share: Option<&Line>) -> Result<(Option<Place>, Place), AcquireError> {
        let own = match share {
            Some(line) => Some(line.place(Arc::clone(&line.slots).acquire_owned().await?)),
            None => None,
        };
        Ok((own, self.all.place(Arc::clone(&self.all.slots).acquire_owned().await?)))
    }

    /// For as long as the answer lives, another statement may run in the place of one of the role's.
    pub fn one_more(&self, role: Oid) -> Box<dyn Send> {
        let own = self.of(role).map(Line::one_more);
        Box::new((own, Line::one_more(Arc::clone(&self.all))))
    }

    pub fn close(&self) {
        self.all.slots.close();
        self.shares.lock().values().for_each(|line| line.slots.close());
    }
}

impl Line {
    fn new(count: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(count)), surplus: Arc::default() }
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        Place { permit: Some(permit), surplus: Arc::clone(&self.surplus) }
    }

    fn one_more(self: Arc<Self>) -> Extra {
        self.slots.add_permits(1);
        Extra(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let one_less = |n: usize| n.checked_sub(1);
        if self.surplus.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
        }
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        if self.0.slots.forget_permits(1) == 0 {
            self.0.surplus.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_role_leaves_a_place_to_others() {
        let places = Places::new(3);
        let (one, two) = (places.of(10), places.of(20));
        let first = places.try_take(one.as_deref()).expect("free");
        let second = places.try_take(one.as_deref()).expect("free");
        assert!(places.try_take(one.as_deref()).is_none(), "its share is used up");
        let others = places.try_take(two.as_deref()).expect("left for others");
        assert!(places.try_take(two.as_deref()).is_none(), "all are used up");
        drop(others);
        // A statement that waits in its place lets another of its role run, and no more.
        let more = places.one_more(10);
        let third = places.try_take(one.as_deref()).expect("in the place of the one that waits");
        assert!(places.try_take(one.as_deref()).is_none());
        drop(more);
        drop((first, third));
        let again = places.take(one.as_deref()).await.expect("open");
        assert!(places.try_take(one.as_deref()).is_none(), "the place that was lent is gone");
        drop((again, second));
        places.close();
        assert!(places.take(two.as_deref()).await.is_err());
    }

    #[test]
    fn of_few_places_a_role_may_have_all() {
        let places = Places::new(2);
        assert!(places.of(10).is_none());
        let taken = (places.try_take(None), places.try_take(None));
        assert!(taken.0.is_some() && taken.1.is_some() && places.try_take(None).is_none());
    }
}
