//! The modes of transactions, cursors and what DISCARD and maintenance take.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionModes {
    pub isolation: Option<Isolation>,
    pub read_only: Option<bool>,
    pub deferrable: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CursorOptions {
    pub binary: bool,
    pub with_hold: bool,
    /// SCROLL: Some(true); NO SCROLL: Some(false).
    pub scroll: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchDirection {
    Forward(u64),
    ForwardAll,
    Backward(u64),
    BackwardAll,
    Absolute(i64),
    Relative(i64),
    First,
    Last,
    Prior,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaintainCommand {
    Vacuum,
    Analyze,
    Checkpoint,
    Reindex,
    Cluster,
}
