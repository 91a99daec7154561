//! What the daemon says of itself: log lines, counters, and the state of its parts.
//!
//! | for | where | how |
//! |---|---|---|
//! | people reading along | [`init`]: lines on standard error | pushed, text or JSON |
//! | a monitoring system | [`Metrics`]: families with fixed names | pulled at `/metrics` |
//! | a supervisor | [`Health`]: one state a part, and when its loop last turned | pulled at `/healthz`, `/readyz`, and by the watchdog |
//!
//! Every stage gets a clone of what it needs and only reports; nothing here
//! decides or waits.

mod health;
mod logs;
mod metrics;

pub use health::{Health, Part, PartReport, Role, State};
pub use logs::{LogError, init, init_quietly};
pub use metrics::{MEDIA_TYPE, Metrics, SourceMetrics, StoreFigures};
