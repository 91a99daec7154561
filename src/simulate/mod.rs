//! Synthetic networks of devices, what they would measure, and a broker to
//! send it to, a receiver of what comes of it: for `simulate`, `demo`, tests and
//! benchmarks; and measurements of the past, sent again.
//!
//! ```text
//!  episode: (city, time) → air ─┐
//!                               ├─▶ network: device → messages ─▶ feed ─▶ mqtt::Publisher ─▶ broker
//!  seed ─▶ network: devices ────┘
//! ```
//!
//! What forecasters would say of an episode is in [`bulletin`].
//!
//! [`episode`], [`bulletin`] and [`mod@network`] are pure: the same seed gives the same devices
//! and the same numbers, on every machine and at every speed.

pub mod broker;
pub mod bulletin;
pub mod episode;
pub mod feed;
pub mod network;
pub mod receiver;
pub mod replay;

pub use broker::Broker;
pub use episode::{Air, City, Episode};
pub use feed::{Feed, Pace};
pub use network::{Device, Format, network};
pub use receiver::{Received, Receiver};
pub use replay::{Measurement, replay};
