//! The whole daemon with a real broker, database and receivers: what it must
//! survive, and that nothing is lost or doubled by it.

mod births;
mod broker;
mod door;
pub mod full_disk;
mod full_sealing;
pub mod kills;
mod life;
mod malformed;
pub mod outputs;
mod refused;
mod repeats;
mod retains;
mod store;
pub mod world;
