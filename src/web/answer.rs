//! Answers in JSON, written out by the thread that read the store for them.
//!
//! A page may be some megabytes, and writing it out takes as long as finding it:
//! work for a thread that may block. It goes into a plain vector, since the buffer
//! of `axum::Json` takes each of a hundred thousand small pieces more slowly.

use super::Ctx;
use super::pool::Deadline;
use super::problem::Problem;
use crate::store::Reader;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// A document in JSON.
pub struct Answer(Vec<u8>);

impl Answer {
    /// Writes it out.
    ///
    /// # Errors
    /// If the value has no form in JSON, which is a fault of this program.
    pub fn of(value: &impl Serialize) -> Result<Answer, Problem> {
        serde_json::to_vec(value).map(Answer).map_err(no_form)
    }
}

/// Writes out a part of a document, which answers to come may have again.
///
/// # Errors
/// As [`Answer::of`].
pub fn part(value: &impl Serialize) -> Result<Box<RawValue>, Problem> {
    to_raw_value(value).map_err(no_form)
}

fn no_form(e: serde_json::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no JSON: {e}"))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], self.0).into_response()
    }
}

/// A list whose items are made as they are written out: the shapes of a page of ten
/// thousand together would take more time to find room for than to fill.
pub struct Items<'a, S, T> {
    of: &'a [S],
    make: &'a dyn Fn(&'a S) -> T,
}

impl<'a, S, T> Items<'a, S, T> {
    /// What `make` makes of each.
    pub fn new(of: &'a [S], make: &'a dyn Fn(&'a S) -> T) -> Items<'a, S, T> {
        Items { of, make }
    }
}

impl<S, T: Serialize> Serialize for Items<'_, S, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        serializer.collect_seq(self.of.iter().map(self.make))
    }
}

impl Ctx {
    /// Answers with what is read of the store, on a thread that may block.
    pub async fn answer<T: Serialize>(
        self: Arc<Self>,
        work: impl FnOnce(&Ctx, &mut Reader, Deadline) -> Result<T, Problem> + Send + 'static,
    ) -> Result<Answer, Problem> {
        self.read(move |ctx, reader, deadline| Answer::of(&work(ctx, reader, deadline)?)).await
    }
}
