//! Real requests to a real server on a real store.

mod described;
mod explain;
mod faces;
pub(crate) mod fixture;
mod judged;
mod measured;
mod sealed;
mod shares;
