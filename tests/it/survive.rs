//! The whole daemon with a real broker, database and receivers: what it must
//! survive, and that nothing is lost or doubled by it.

mod kills;
mod world;
