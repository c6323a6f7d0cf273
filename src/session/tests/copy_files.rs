//! A file of COPY's that is read while its rows are loaded: only its end is its end.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::*;
use crate::session::copy_feed::Source;
use crate::session::interrupt::Interrupt;

#[tokio::test]
async fn a_reader_that_breaks_off_is_no_end_of_its_file() {
    for (sent, whole) in [(vec![b"a".as_slice(), b""], true), (vec![b"a".as_slice()], false)] {
        let (sender, pieces) = mpsc::channel(4);
        for piece in sent {
            sender.send(Ok(Bytes::copy_from_slice(piece))).await.expect("room");
        }
        drop(sender);
        let mut source = Source::File(pieces);
        let (mut front, interrupt) = (Notes::default(), Interrupt::new());
        assert!(matches!(source.next(&mut front, None, &interrupt, None).await, Ok(CopyInput::Data(_))));
        let end = source.next(&mut front, None, &interrupt, None).await;
        assert_eq!(matches!(end, Ok(CopyInput::Done)), whole);
        assert_eq!(end.is_err(), !whole);
    }
}
