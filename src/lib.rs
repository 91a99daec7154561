//! Dustline keeps every fine-dust reading, judges it by the official rules, and
//! tells both sides when the air turns dangerous.
//!
//! ```text
//!  broker ──▶ mqtt ─┐
//!  clock ───────────┼─▶ intake ══ decode → quality → rules → hotline ══▶ store
//!  people ─▶ web ───┘      ▲        pure, no I/O, time is an input           │
//!  broker ◀── receipts ◀───┴──────── after the commit of each batch ◀───────┘
//!                                                                            │ "committed up to N"
//!                                             ┌──────────────────┬───────────┤
//!                                             ▼                  ▼           ▼
//!                                          deliver            forward       web
//! ```
//!
//! Six words carry the rest: an **arrival** is one MQTT message, a **receipt**
//! the right to acknowledge it, a **reading** one value of one **series** at one
//! instant, an **hour** the closed mean of a series, a **change** one step of a
//! **ladder** of one zone, a **notice** what one receiver must be told of it.
//!
//! Read in this order: [`air`] for the words, [`flow`] for what moves between
//! the stages, [`decode`], [`quality`], [`rules`] and [`hotline`] for the pure
//! middle, [`store`] for what is kept, [`intake`] for how they meet, then the edges.

pub mod air;
pub mod app;
pub mod backtest;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decode;
pub mod deliver;
pub mod flow;
pub mod foresee;
pub mod forward;
pub mod hotline;
pub mod intake;
pub mod link;
pub mod mqtt;
pub mod quality;
pub mod rules;
pub mod simulate;
pub mod statement;
pub mod store;
pub mod systemd;
pub mod telemetry;
pub mod upkeep;
pub mod web;
