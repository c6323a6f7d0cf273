//! Faults that tests ask for: a session by this application_name panics in the middle of its next statement, one that begins with it
//! while it is opened.

use crate::engine::directory::SessionView as _;
use crate::session::shared::Shared;

pub const PANICS: &str = "a test that wants a panic";

pub fn meet(session: &Shared) {
    assert_ne!(session.setting("application_name").as_deref(), Some(PANICS), "as the test wants it");
}

pub fn meet_at_startup(application: &str) {
    assert_ne!(application, PANICS, "as the test wants it");
}
