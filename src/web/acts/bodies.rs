//! What acts say in their bodies: JSON objects without any other key.

use super::super::problem::Problem;
use crate::hotline::MeasureKind;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// An act that says nothing more than that it is done; the body may be empty.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    /// The person, for the transcript.
    pub name: Option<String>,
    /// The party; must be the one whose token it is.
    pub party: Option<String>,
}

/// An incident that is opened by hand.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// What it is about: a cause of the configuration, so that the air can join, or another.
    pub cause: String,
    /// Why, in words.
    pub text: String,
    /// Whether it is an exercise.
    #[serde(default)]
    pub exercise: bool,
    /// The group of zones; needed if there are several.
    pub group: Option<String>,
    /// The person, for the transcript.
    pub name: Option<String>,
    /// The party; must be the one whose token it is.
    pub party: Option<String>,
}

/// A measure that a party shares.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMeasure {
    /// `power`, `industry`, `traffic`, `construction`, `burning`, `heating`, `public` or `other`.
    #[schema(example = "power")]
    pub kind: MeasureKind,
    /// Where.
    pub place: String,
    /// In words.
    pub text: String,
    /// From when it is in force, RFC 3339; now if not given.
    pub from: Option<String>,
    /// Until when, RFC 3339; open if not given.
    pub until: Option<String>,
    /// The person, for the transcript.
    pub name: Option<String>,
    /// The party; must be the one whose token it is.
    pub party: Option<String>,
}

/// The end of a measure; the body may be empty.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// When it ends, RFC 3339; now if not given.
    pub at: Option<String>,
    /// The person, for the transcript.
    pub name: Option<String>,
    /// The party; must be the one whose token it is.
    pub party: Option<String>,
}

/// Something to say to everybody.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// In words.
    pub text: String,
    /// The person, for the transcript.
    pub name: Option<String>,
    /// The party; must be the one whose token it is.
    pub party: Option<String>,
}

/// Reads a body; an empty one is an object without keys.
///
/// # Errors
/// If it is no such object.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let wrong = |e: serde_json::Error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is not as expected: {e}"))
    };
    let fields: Map<String, Value> = match body.is_empty() {
        true => Map::new(),
        false => serde_json::from_slice(body).map_err(wrong)?,
    };
    serde_json::from_value(Value::Object(fields)).map_err(wrong)
}
