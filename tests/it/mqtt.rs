//! The `mqtt` stage against real Mosquitto.

mod faults;
mod flow;
mod qos2;
pub mod rig;
mod sessions;
