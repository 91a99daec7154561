//! What the pages for people have in common: one style inside, nothing from
//! elsewhere, no script.

use crate::air::place::Language;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::explain::escaped;

/// The style of every page.
pub const STYLE: &str = include_str!("sheet.css");

/// A page for one reader.
pub struct Sheet {
    /// The language of what is on it.
    pub language: Language,
    /// Its title.
    pub title: String,
    /// What is on it, in HTML.
    pub body: String,
    /// Whether it has a form, which goes back to where the page is from.
    pub form: bool,
}

impl Sheet {
    /// The page as an answer.
    pub fn response(&self, status: StatusCode) -> Response {
        let policy = [(header::CONTENT_SECURITY_POLICY, policy(STYLE, self.form))];
        (status, policy, Html(self.html())).into_response()
    }

    fn html(&self) -> String {
        let Sheet { language, title, body, .. } = self;
        format!(
            "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\
             <body><main>{body}</main></body></html>\n",
            title = escaped(title),
        )
    }
}

/// What a page may do: use its own style and, if it has one, send its form.
pub fn policy(style: &str, form: bool) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action {}; frame-ancestors 'none'",
        STANDARD.encode(Sha256::digest(style)),
        if form { "'self'" } else { "'none'" }
    );
    // Only base64 is put into it, so it is a valid header.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
