//! `GET /api/v1/openapi.json`: the description of the API, made from its code.

use super::problem::Problem;
use super::{
    acts, cap, device, explain, follow, forecasts, forward, hours, incidents, judged, kept, ledger,
    network, readings, statements, status,
};
use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{Modify, OpenApi};

/// The whole API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dustline",
        description = "Fine-dust readings, hours, levels and changes. Times are RFC 3339; answers use UTC with `Z`. Lists are paged: give `next` as `after`. Errors are RFC 9457 problem details. Where the server listens beyond loopback and is not public, reading needs the operator's token or that of a party; changing something always does."
    ),
    paths(
        status::healthz,
        status::readyz,
        status::metrics,
        document,
        network::stations,
        network::zones,
        network::devices,
        device::one_device,
        readings::list,
        hours::list,
        judged::levels,
        judged::changes,
        explain::one_change,
        explain::page,
        forecasts::list,
        forecasts::post,
        incidents::list,
        incidents::one,
        incidents::page,
        acts::open,
        acts::acknowledge,
        acts::share,
        acts::end,
        acts::note,
        acts::close,
        follow::show,
        follow::act,
        cap::ack::receive,
        cap::feed,
        cap::message,
        ledger::show,
        statements::list,
        statements::one,
        forward::status,
        forward::ask_replay,
        kept::quarantine,
        kept::one_quarantined,
        kept::outbox,
        kept::aside::retry,
        kept::aside::give_up,
        kept::refused::list,
        kept::refused::one,
        kept::refused::retry,
        kept::refused::give_up,
        kept::acts::retry,
        kept::acts::give_up,
        kept::acts::enable,
        kept::one_notice
    ),
    components(schemas(Problem)),
    modifiers(&Token, &Parts),
    security((), ("token" = []))
)]
pub struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Schemas that are a part of larger ones: they must not forbid the keys that stand
/// beside theirs.
struct Parts;

impl Modify for Parts {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let schemas = &mut api.components.get_or_insert_default().schemas;
        for name in ["Measure", "Proof"] {
            if let Some(RefOr::T(Schema::Object(part))) = schemas.get_mut(name) {
                part.additional_properties = None;
            }
        }
    }
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = BTreeMap<String, Value>))
)]
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}
