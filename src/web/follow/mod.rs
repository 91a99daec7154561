//! `/act/{ticket}`: one-time links, followed. `GET` shows what the link would do
//! and does nothing, so that whoever looks at links in messages before people do
//! changes nothing; `POST`, the page's button, does it.
//!
//! ```text
//!  ticket ─▶ ours? ─▶ receiver still on the ladder? ─┬─ GET:  where it stands ─▶ page
//!            (HMAC)   (the configuration of today)   └─ POST: intake does it once ─▶ page
//! ```

mod limit;
mod page;

pub use limit::Limit;

use super::Ctx;
use super::acts::NAME_MAX;
use super::params;
use super::problem::Problem;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::flow::{Acted, Command, NotFollowed};
use crate::hotline::Plan;
use crate::link::{Deed, Link};
use crate::store::{IncidentRow, Reader};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use page::{Page, plain};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

const NO_LINK: [&str; 3] = [
    "이 링크는 유효하지 않습니다. 알림의 주소를 그대로 여십시오.",
    "此链接无效。请完整打开通知中的地址。",
    "This link does not work. Open the address of the notice as it is.",
];
const TOO_OFTEN: [&str; 3] = [
    "요청이 너무 잦습니다. 잠시 뒤에 다시 시도하십시오.",
    "请求过于频繁，请稍后再试。",
    "Too many requests. Try again in a moment.",
];
const BAD_NAME: [&str; 3] = [
    "성명이 너무 길거나 쓸 수 없는 문자가 있습니다.",
    "姓名过长或含有不可用的字符。",
    "The name is too long, or has characters that cannot be used.",
];

/// Who follows a link: from which address, and which language they ask for.
pub struct Visitor {
    from: IpAddr,
    asked: Option<Language>,
    accepted: Language,
}

impl FromRequestParts<Arc<Ctx>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, ctx: &Arc<Ctx>) -> Result<Visitor, Response> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|a| a.0.ip());
        let from = address(peer.unwrap_or(IpAddr::from([0, 0, 0, 0])), &parts.headers);
        let accepted = params::accepted_language(&parts.headers);
        let asked = params::asked_language(&parts.uri).map_err(Problem::into_response)?;
        if !ctx.limit.allows(from, Instant::now()) {
            let refused =
                plain(asked.unwrap_or(accepted), StatusCode::TOO_MANY_REQUESTS, TOO_OFTEN);
            let seconds = limit::EVERY.as_secs();
            return Err(([(header::RETRY_AFTER, seconds.to_string())], refused).into_response());
        }
        Ok(Visitor { from, asked, accepted })
    }
}

/// Where a request is from. Only a proxy on this machine is believed when it says
/// for whom it asks.
fn address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let proxied = peer.to_canonical().is_loopback();
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|v| v.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.filter(|_| proxied).unwrap_or(peer)
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It can be used.
    Open,
    /// What it is for was done in another way.
    Done(Stamp),
    /// It was used.
    Used(Stamp),
    /// Its time is over.
    Expired,
    /// The incident is closed.
    Closed(Stamp),
    /// The incident was opened again after it was sent.
    Outlived,
}

/// A link that is ours, and for whom.
struct Shown<'a> {
    link: Link,
    language: Language,
    plan: &'a Plan,
}

/// The link of a ticket; the answer if there is none.
fn shown<'a>(ctx: &'a Ctx, ticket: &str, visitor: &Visitor) -> Result<Shown<'a>, Box<Response>> {
    let none = |language| Box::new(plain(language, StatusCode::NOT_FOUND, NO_LINK));
    let accepted = visitor.asked.unwrap_or(visitor.accepted);
    let settings = &ctx.settings;
    let link = ctx.link_key.as_ref().and_then(|key| key.link(ticket));
    let link = link.filter(|l| {
        settings.links.as_ref().is_some_and(|links| links.may_hold(&l.receiver, &l.party))
    });
    let (Some(link), Some(plan)) = (link, &settings.hotline) else { return Err(none(accepted)) };
    let receiver = settings.receivers.iter().find(|r| r.id == link.receiver);
    let language = visitor.asked.or(receiver.map(|r| r.language)).unwrap_or(accepted);
    Ok(Shown { link, language, plan })
}

/// Shows what a one-time link would do; does nothing.
#[utoipa::path(
    get, path = "/act/{ticket}", tag = "hotline",
    params(
        ("ticket" = String, Path, description = "As in a notice."),
        ("lang" = Option<String>, Query, description = "ko, zh or en; default: that of the receiver."),
    ),
    responses(
        (status = 200, description = "A page with a button", content_type = "text/html"),
        (status = 404, description = "No link of ours", content_type = "text/html"),
        (status = 410, description = "Used, expired, or the incident is closed", content_type = "text/html"),
        (status = 429, description = "Too many requests from this address", content_type = "text/html"),
    ),
    security(())
)]
pub async fn show(
    State(ctx): State<Arc<Ctx>>,
    Path(ticket): Path<String>,
    visitor: Visitor,
) -> Response {
    let Shown { link, language, plan } = match shown(&ctx, &ticket, &visitor) {
        Ok(shown) => shown,
        Err(answer) => return *answer,
    };
    let (asked, now) = (link.clone(), ctx.clock.now());
    let read = ctx.clone().read(move |_, reader, _| Ok(look(reader, &asked, now)?)).await;
    match read {
        Ok((incident, standing)) => {
            Page::of(&link, incident.as_ref(), language, plan).standing(&standing)
        }
        Err(problem) => problem.into_response(),
    }
}

/// Does what a one-time link is for, once.
#[utoipa::path(
    post, path = "/act/{ticket}", tag = "hotline",
    params(
        ("ticket" = String, Path, description = "As in a notice."),
        ("lang" = Option<String>, Query, description = "ko, zh or en; default: that of the receiver."),
    ),
    request_body(content = Option<String>, description = "A form: `name` of the person, or nothing", content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Done, and recorded", content_type = "text/html"),
        (status = 404, description = "No link of ours", content_type = "text/html"),
        (status = 409, description = "The hotline refuses it", content_type = "text/html"),
        (status = 410, description = "Used or expired", content_type = "text/html"),
        (status = 429, description = "Too many requests from this address", content_type = "text/html"),
    ),
    security(())
)]
pub async fn act(
    State(ctx): State<Arc<Ctx>>,
    Path(ticket): Path<String>,
    visitor: Visitor,
    body: Bytes,
) -> Response {
    let Shown { link, language, plan } = match shown(&ctx, &ticket, &visitor) {
        Ok(shown) => shown,
        Err(answer) => return *answer,
    };
    let Ok(name) = name(&body) else {
        return plain(language, StatusCode::UNPROCESSABLE_ENTITY, BAD_NAME);
    };
    match follow(&ctx, &link, name, visitor.from).await {
        Ok((incident, answer)) => {
            let page = Page::of(&link, incident.as_ref(), language, plan);
            match answer {
                Ok(Acted { number, .. }) => page.done(number),
                Err(NotFollowed::Used(at)) => page.standing(&Standing::Used(at)),
                Err(NotFollowed::Expired(_)) => page.standing(&Standing::Expired),
                Err(NotFollowed::Outlived(_)) => page.standing(&Standing::Outlived),
                Err(NotFollowed::Refused(why)) => page.refused(&why.to_string()),
            }
        }
        Err(problem) => problem.into_response(),
    }
}

type Answer = (Option<IncidentRow>, Result<Acted, NotFollowed>);

/// Has the intake do it; the answer when it is on disk.
async fn follow(
    ctx: &Arc<Ctx>,
    link: &Link,
    name: Option<String>,
    from: IpAddr,
) -> Result<Answer, Problem> {
    let (at, from) = (ctx.clock.now(), from.to_canonical().to_string());
    let stopping = "the daemon is stopping; whether this was done shows in the incident";
    let link = Box::new(link.clone());
    let incident = link.incident.clone();
    let command = |reply| Command::Follow { link, name, from, at, reply };
    let answer = ctx.ask(command, stopping).await?;
    let row = ctx.clone().read(move |_, reader, _| Ok(reader.incident(&incident)?)).await?;
    Ok((row, answer))
}

/// The incident of a link, and where the link stands.
fn look(
    reader: &Reader,
    link: &Link,
    now: Stamp,
) -> Result<(Option<IncidentRow>, Standing), crate::store::StoreError> {
    let used = reader.link_used(&link.id())?;
    let incident = reader.incident(&link.incident)?;
    let standing = standing(link, used, incident.as_ref(), now);
    Ok((incident, standing))
}

fn standing(
    link: &Link,
    used: Option<Stamp>,
    incident: Option<&IncidentRow>,
    now: Stamp,
) -> Standing {
    let state = incident.map_or(&Value::Null, |i| &i.state);
    let instant = |value: Option<&Value>| value?.as_str().and_then(Stamp::parse);
    let done = match link.deed {
        Deed::Acknowledge => "acknowledged",
        Deed::Close => "agreed",
    };
    let parties = state.get("parties").and_then(Value::as_array).into_iter().flatten();
    let mut own = parties.filter(|p| p.get("party").and_then(Value::as_str) == Some(&link.party));
    let done = own.next().and_then(|p| instant(p.get(done)));
    let opened = instant(state.get("opened_at"));
    match (used, incident.and_then(|i| i.closed), done) {
        (Some(at), ..) => Standing::Used(at),
        (_, Some(at), _) => Standing::Closed(at),
        _ if link.is_over(now) => Standing::Expired,
        _ if opened.is_some_and(|at| at > link.at) => Standing::Outlived,
        (_, _, Some(at)) => Standing::Done(at),
        _ => Standing::Open,
    }
}

/// The name in a form, if one is given.
fn name(body: &[u8]) -> Result<Option<String>, ()> {
    let mut fields = url::form_urlencoded::parse(body);
    let name = fields.find(|(key, _)| key == "name").map(|(_, name)| name.trim().to_owned());
    let readable = |n: &String| n.chars().count() <= NAME_MAX && !n.chars().any(char::is_control);
    match name.filter(|n| !n.is_empty()) {
        Some(name) if !readable(&name) => Err(()),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed_about_where_a_request_is_from() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 192.0.2.7".parse().unwrap());
        let from = |peer: &str| address(peer.parse().unwrap(), &headers).to_string();
        assert_eq!(from("127.0.0.1"), "192.0.2.7", "what the proxy itself saw");
        assert_eq!(from("::ffff:127.0.0.1"), "192.0.2.7");
        assert_eq!(from("198.51.100.1"), "198.51.100.1");
        headers.insert("x-forwarded-for", "nobody".parse().unwrap());
        assert_eq!(address("::1".parse().unwrap(), &headers).to_string(), "::1");
    }

    #[test]
    fn a_name_is_taken_from_the_form_if_it_can_be_read() {
        assert_eq!(
            name("name=%EA%B9%80+%EB%8B%B9%EC%A7%81".as_bytes()),
            Ok(Some("김 당직".into()))
        );
        assert_eq!(name(b""), Ok(None));
        assert_eq!(name(b"name=++&x=1"), Ok(None));
        assert_eq!(name(b"name=a%00b"), Err(()));
        assert_eq!(name(format!("name={}", "a".repeat(NAME_MAX + 1)).as_bytes()), Err(()));
    }
}
