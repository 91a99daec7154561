//! The intake with a real store: what it keeps, what it judges, what a restart
//! and any order of arrival make of it.

mod believes;
mod bounds;
mod changes;
mod hotline;
mod keeps;
mod odd;
mod order;
mod quarantine;
mod remembers;
mod retains;
pub mod rig;
pub mod scenario;
mod seals;
mod survives;
