//! Tests of the parts together, against real counterparts.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod backtest;
mod deliver;
mod demo;
mod deploy;
mod explain;
mod export;
mod faults;
mod forecasts;
mod formats;
mod forward;
mod fuzz;
mod helpers;
mod hotline;
mod intake;
mod links;
mod mail;
mod main_value;
mod mqtt;
mod outbox;
mod quality;
mod quarantine;
mod samples;
mod secrets;
mod simulate;
mod sniff;
mod statements;
mod store;
mod survive;
mod tidy;
mod transcript;
