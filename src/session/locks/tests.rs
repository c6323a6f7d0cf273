//! Tests of the locks.

use super::*;

const A: Owner = Owner { session: 1, pid: 11 };
const B: Owner = Owner { session: 2, pid: 12 };
const C: Owner = Owner { session: 3, pid: 13 };

fn tag(n: u32) -> LockTag {
    LockTag::Key { high: 0, low: n, kind: 1 }
}

fn ask(locks: &Locks, who: Owner, n: u32, mode: LockMode) -> Answer<'_> {
    locks.request(who, tag(n), mode, LockScope::Session, true).unwrap()
}

fn waits(answer: Answer<'_>) -> Waiting<'_> {
    match answer {
        Answer::Wait(waiting) => waiting,
        Answer::Granted | Answer::Refused => panic!("it does not wait"),
    }
}

fn granted(answer: Answer<'_>) -> bool {
    matches!(answer, Answer::Granted)
}

#[test]
fn a_lock_is_held_as_often_as_it_was_asked_for() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    let mut b = waits(ask(&locks, B, 1, LockMode::Share));
    assert!(locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
    assert!(!b.is_granted());
    assert!(locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
    assert!(b.is_granted());
    assert!(!locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
    assert!(!locks.release(2, tag(1), LockMode::Exclusive, LockScope::Session));
    drop(b);
    locks.release_session(2);
    assert!(locks.rows().is_empty() && locks.state.lock().of_session.is_empty());
}

#[test]
fn a_session_has_so_many_locks_and_no_more() {
    let locks = Locks::new(3, 3);
    for n in [1, 2, 3, 3] {
        assert!(granted(ask(&locks, A, n, LockMode::Exclusive)));
    }
    let refused = locks.request(A, tag(4), LockMode::Share, LockScope::Session, false);
    assert_eq!(refused.err().map(|e| e.code()), Some(SqlState::OUT_OF_MEMORY));
    assert!(granted(ask(&locks, B, 4, LockMode::Exclusive)));
}

#[test]
fn who_waits_for_a_lock_of_its_own_stands_in_line() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Share)));
    let mut b = waits(ask(&locks, B, 1, LockMode::Exclusive));
    let mut c = waits(ask(&locks, C, 1, LockMode::Share));
    assert!(matches!(locks.request(C, tag(1), LockMode::Share, LockScope::Session, false), Ok(Answer::Refused)));
    assert!(granted(ask(&locks, A, 1, LockMode::Share)), "its own again");
    locks.release_session(1);
    assert!(b.is_granted() && !c.is_granted());
    locks.release_session(2);
    assert!(c.is_granted());
}

#[test]
fn a_place_in_line_is_given_up_when_it_is_dropped() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    let b = waits(ask(&locks, B, 1, LockMode::Exclusive));
    let mut c = waits(ask(&locks, C, 1, LockMode::Exclusive));
    drop(b);
    locks.release_session(1);
    assert!(c.is_granted());
    locks.release_session(3);
    // Granted, and dropped before anybody noticed.
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    let b = waits(ask(&locks, B, 1, LockMode::Exclusive));
    locks.release_session(1);
    drop(b);
    assert!(locks.rows().is_empty());
}

#[test]
fn a_circle_is_a_deadlock_for_who_closes_it() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    assert!(granted(ask(&locks, B, 2, LockMode::Exclusive)));
    let _a = waits(ask(&locks, A, 2, LockMode::Exclusive));
    let Err(error) = locks.request(B, tag(1), LockMode::Exclusive, LockScope::Transaction, true) else {
        panic!("no deadlock")
    };
    assert_eq!(error.code(), SqlState::T_R_DEADLOCK_DETECTED);
    let detail = error.report().detail.clone().unwrap();
    assert!(detail.starts_with("Process 12 waits for ExclusiveLock on advisory lock ["), "{detail}");
    assert_eq!(locks.rows().iter().filter(|r| r.waits_since.is_some()).count(), 1);
}

#[test]
fn a_circle_through_the_line_alone_changes_its_order() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Share)));
    assert!(granted(ask(&locks, B, 2, LockMode::Exclusive)));
    let _c = waits(ask(&locks, C, 1, LockMode::Exclusive));
    // B stands behind C for a lock that A shares with it; then A waits for B.
    let mut b = waits(ask(&locks, B, 1, LockMode::Share));
    let _a = waits(ask(&locks, A, 2, LockMode::Exclusive));
    assert!(b.is_granted());
}

#[test]
fn a_transaction_gives_back_its_own_locks_only() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    let asked = locks.request(A, tag(2), LockMode::Exclusive, LockScope::Transaction, true);
    assert!(granted(asked.unwrap()));
    assert!(!locks.release(1, tag(2), LockMode::Exclusive, LockScope::Session));
    let then = locks.mark(1);
    let asked = locks.request(A, tag(3), LockMode::Share, LockScope::Transaction, true);
    assert!(granted(asked.unwrap()));
    locks.release_since(1, then, Since::Savepoint);
    assert_eq!(locks.rows().iter().map(|r| r.tag).collect::<Vec<_>>(), [tag(1), tag(2)]);
    locks.release_transaction(1, false);
    assert_eq!(locks.rows().iter().map(|r| r.tag).collect::<Vec<_>>(), [tag(1)]);
}

#[test]
fn a_statement_that_is_begun_anew_gives_back_what_it_locked_for_the_session_too() {
    let locks = Locks::new(3, 3);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    let then = locks.mark(1);
    assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
    assert!(granted(ask(&locks, A, 2, LockMode::Exclusive)));
    locks.release_since(1, then, Since::Attempt);
    assert!(locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
    assert!(!locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
    assert!(locks.rows().is_empty() && locks.state.lock().of_session.is_empty());
}

#[test]
fn tables_and_rows_are_held_once_and_shut_out_by_mode() {
    let locks = Locks::new(3, 3);
    let ask = |who, tag, mode| locks.request(who, tag, mode, LockScope::Transaction, false).unwrap();
    let (table, row) = (LockTag::Relation(9), |n| LockTag::Row(9, n));
    assert!(granted(ask(A, table, LockMode::RowExclusive)));
    assert!(granted(ask(A, table, LockMode::RowExclusive)));
    assert!(granted(ask(B, table, LockMode::RowExclusive)));
    assert!(matches!(ask(C, table, LockMode::Share), Answer::Refused));
    assert!(granted(ask(A, row(1), LockMode::AccessShare)));
    assert!(granted(ask(B, row(1), LockMode::Exclusive)), "KEY SHARE and NO KEY UPDATE");
    assert!(matches!(ask(C, row(1), LockMode::RowShare), Answer::Refused));
    assert!(granted(ask(A, row(2), LockMode::RowShare)) && granted(ask(A, row(3), LockMode::RowShare)));
    let most = locks.request(A, row(4), LockMode::RowShare, LockScope::Transaction, false);
    assert_eq!(most.err().map(|e| e.code()), Some(SqlState::OUT_OF_MEMORY));
    assert!(!locks.is_shut(9));
    locks.release_transaction(1, false);
    locks.release_transaction(2, false);
    assert!(granted(ask(A, table, LockMode::AccessExclusive)));
    assert!(locks.is_shut(9) && !locks.is_shut(8));
    locks.release_transaction(1, false);
    assert!(!locks.is_shut(9) && locks.rows().is_empty());
}

#[test]
fn a_row_that_was_changed_since_a_moment_is_known() {
    let locks = Locks::new(3, 9);
    let ask = |who, tag, mode| locks.request(who, tag, mode, LockScope::Transaction, false).unwrap();
    let row = LockTag::Row(9, 1);
    let began = locks.now();
    assert!(granted(ask(A, row, LockMode::AccessShare)));
    locks.release_transaction(1, true);
    assert!(!locks.changed_since(row, began), "KEY SHARE changes nothing");
    assert!(granted(ask(A, row, LockMode::Exclusive)));
    locks.release_transaction(1, false);
    assert!(!locks.changed_since(row, began), "rolled back");
    assert!(granted(ask(A, row, LockMode::Exclusive)));
    locks.release_transaction(1, true);
    assert!(locks.changed_since(row, began) && !locks.changed_since(LockTag::Row(9, 2), began));
    assert!(!locks.changed_since(row, locks.now()));
    let began = locks.now();
    assert!(granted(ask(B, LockTag::Rows(9), LockTag::ROW_WRITER)));
    locks.release_transaction(2, true);
    assert!(locks.changed_since(LockTag::Row(9, 2), began) && !locks.changed_since(LockTag::Row(8, 2), began));
}
