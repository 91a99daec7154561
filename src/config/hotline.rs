//! `[[party]]` and `[hotline]`: who is connected, what opens an incident, and how
//! long things may take.

use super::drill;
use super::fault::did_you_mean;
use super::outputs::{WEB, warn_if_open};
use super::reader::{Item, Table};
use super::secret::Secret;
use super::settings::{Links, Receiver, Station, Zone};
use super::values::Unique;
use crate::air::Names;
use crate::air::place::Language;
use crate::hotline::{Group, LiftedWhen, Opener, Party, Plan, Step};
use crate::rules::{Condition, Ladder, Ruleset, Scale, Scope, Threshold};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a link can be used, unless said otherwise: a night and a day.
const LINKS_VALID: Duration = Duration::from_secs(24 * 3600);

/// What else of the configuration the hotline names.
pub(super) struct Named<'a> {
    pub zones: &'a [Zone],
    pub stations: &'a [Station],
    pub rulesets: &'a BTreeMap<String, Vec<Ruleset>>,
    pub thresholds: &'a [Threshold],
    pub receivers: &'a [Receiver],
    /// The token of the operator.
    pub operator: Option<&'a Secret>,
}

/// What is configured of the hotline.
pub(super) struct Configured {
    /// What it goes by, if there is one.
    pub plan: Option<Plan>,
    /// The one-time links, if there are any.
    pub links: Option<Links>,
    /// The tokens of the parties, by their ids.
    pub tokens: BTreeMap<String, Secret>,
}

/// Reads the parties and the hotline.
pub(super) fn read(root: &mut Table<'_>, named: &Named<'_>) -> Configured {
    let given = root.has("hotline");
    let mut table = root.table("hotline");
    let times = Times::read(&mut table);
    let mut tokens = BTreeMap::new();
    let mut ids = Unique::default();
    let mut parties = Vec::new();
    for mut party in root.tables("party") {
        let id = party.own_name("id", &mut ids);
        if let Some(item) = party.get("token")
            && let Some(token) = item.secret()
        {
            own_token(&item, &token, &tokens, named.operator);
            tokens.insert(id.clone(), token);
        }
        parties.push(read_party(&mut party, id, &times, named));
        party.finish();
    }
    let mut plan = read_plan(&mut table, parties, &ids, &times, named);
    plan.drills = drill::read(&mut table, &plan);
    let links = read_links(&mut table, &plan);
    table.finish();
    Configured { plan: given.then_some(plan), links, tokens }
}

/// The links that notices carry, if people can reach the server.
fn read_links(table: &mut Table<'_>, plan: &Plan) -> Option<Links> {
    let valid = table.duration("links_valid", LINKS_VALID);
    let item = table.get("public_url")?;
    let address = item.url(&WEB, "leave the user out")?;
    warn_if_open(&item, &address);
    let ladder = |party: &Party| {
        let receivers = party.steps.iter().flat_map(|step| step.receivers.clone());
        (party.id.clone(), receivers.collect())
    };
    Some(Links {
        public_url: address.url.as_str().trim_end_matches('/').to_owned(),
        valid,
        ladders: plan.parties.iter().map(ladder).collect(),
    })
}

/// Refuses a token that somebody else has: who acts is known by it alone.
fn own_token(
    item: &Item<'_>,
    token: &Secret,
    parties: &BTreeMap<String, Secret>,
    operator: Option<&Secret>,
) {
    let party = parties.iter().find(|(_, other)| *other == token);
    let party = party.map(|(id, _)| format!("of party {id:?}"));
    let operator = (operator == Some(token)).then(|| "of the operator".to_owned());
    if let Some(whose) = party.or(operator) {
        let hint = "give each a token of its own: who acts is known by it alone".to_owned();
        item.hidden_fault(format!("this is the token {whose} as well"), Some(hint));
    }
}

/// How long a party may take, where it does not say so itself.
struct Times {
    ack_within: Duration,
    share_within: Duration,
    update_within: Duration,
}

impl Times {
    fn read(table: &mut Table<'_>) -> Times {
        let Party { ack_within, share_within, update_within, .. } = Party::new("");
        let defaults = Times { ack_within, share_within, update_within };
        defaults.or(table)
    }

    /// These, unless a table says otherwise.
    fn or(&self, table: &mut Table<'_>) -> Times {
        Times {
            ack_within: table.duration("ack_within", self.ack_within),
            share_within: never(table, "share_within", self.share_within),
            update_within: never(table, "update_within", self.update_within),
        }
    }
}

/// A duration that may be zero, for never.
fn never(table: &mut Table<'_>, key: &'static str, default: Duration) -> Duration {
    table.duration_from(key, default, Duration::ZERO)
}

fn read_party(table: &mut Table<'_>, id: String, times: &Times, named: &Named<'_>) -> Party {
    let name = table.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
    let languages = Language::ALL.map(|l| (l.code(), l));
    let language = table.choice("language", &languages, Language::default());
    let Times { ack_within, share_within, update_within } = times.or(table);
    let mut steps: Vec<Step> = Vec::new();
    for mut step in table.tables("escalation") {
        let item = step.need("after", "a duration such as \"15m\"");
        let after = item.as_ref().and_then(|i| i.duration(Duration::ZERO)).unwrap_or_default();
        if let (Some(item), Some(last)) = (item, steps.last())
            && after <= last.after
        {
            item.fault("not after the step before it", Some("put the steps in order".to_owned()));
        }
        let receivers = receivers(step.need("receivers", "a list of receiver ids"), named);
        step.finish();
        steps.push(Step { after, receivers });
    }
    if !steps.first().is_some_and(|s| s.after.is_zero()) {
        let hint = "begin escalation with { after = \"0s\", receivers = [ … ] }";
        table.warn("nobody is told when an incident opens".to_owned(), Some(hint.to_owned()));
    }
    Party { id, name, language, steps, ack_within, share_within, update_within }
}

/// The names in a list, each once and each with whatever is to be said of it.
fn names(
    item: Option<Item<'_>>,
    what: &str,
    known: &BTreeSet<&str>,
    unknown: impl Fn(&str) -> String,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for entry in item.map(|i| i.list(what)).unwrap_or_default() {
        let Some(name) = entry.filled_text() else { continue };
        if found.iter().any(|other| other == name) {
            entry.fault(format!("{name:?} is there twice"), None);
            continue;
        }
        if !known.contains(name) {
            // A name that is near a known one is mistyped; another may be to come.
            match did_you_mean(name, known.iter().copied()) {
                Some(hint) => entry.fault(unknown(name), Some(hint)),
                None => entry.warn(unknown(name), None),
            }
        }
        found.push(name.to_owned());
    }
    found
}

fn receivers(item: Option<Item<'_>>, named: &Named<'_>) -> Vec<String> {
    let known = named.receivers.iter().map(|r| r.id.as_str()).collect();
    let empty = item.clone().filter(|i| i.list("receiver ids").is_empty());
    let found = names(item, "receiver ids", &known, |name| {
        format!("there is no [[receiver]] {name:?}: nobody is told in its place")
    });
    if let Some(item) = empty {
        item.fault("no receiver: this step would call nobody", None);
    }
    found
}

fn read_plan(
    table: &mut Table<'_>,
    parties: Vec<Party>,
    ids: &Unique,
    times: &Times,
    named: &Named<'_>,
) -> Plan {
    let defaults = Plan::default();
    let item = if table.is_there() { table.need("parties", "a list of party ids") } else { None };
    let chosen = names(item, "party ids", &ids.names().collect(), |name| {
        format!("there is no [[party]] {name:?}: it is told nothing and cannot act")
    });
    let party = |id: String| {
        let known = parties.iter().find(|p| p.id == id).cloned();
        let Times { ack_within, share_within, update_within } = *times;
        known.unwrap_or_else(|| Party {
            ack_within,
            share_within,
            update_within,
            ..Party::new(&id)
        })
    };
    Plan {
        parties: chosen.into_iter().map(party).collect(),
        openers: openers(table, named),
        groups: groups(table, named.zones),
        zones: named.zones.iter().map(|z| (z.id.clone(), z.stations.clone())).collect(),
        names: place_names(named),
        receivers: named.receivers.iter().map(|r| (r.id.clone(), r.name.clone())).collect(),
        real_only: named.receivers.iter().filter(|r| r.real_only).map(|r| r.id.clone()).collect(),
        remind_every: never(table, "remind_every", defaults.remind_every),
        remind_close_every: never(table, "remind_close_every", defaults.remind_close_every),
        reopen_within: never(table, "reopen_within", defaults.reopen_within),
        cooling: never(table, "cooling", defaults.cooling),
        lifted_when: table.choice(
            "lifted_when",
            &[("none", LiftedWhen::None), ("below_open_on", LiftedWhen::BelowOpening)],
            defaults.lifted_when,
        ),
        prove_delivery: table.flag("prove_delivery", defaults.prove_delivery),
        drills: defaults.drills,
    }
}

fn place_names(named: &Named<'_>) -> BTreeMap<Scope, Names> {
    let zones = named.zones.iter().map(|z| (Scope::Zone(z.id.clone()), z.name.clone()));
    let stations = named.stations.iter().map(|s| (Scope::Station(s.id.clone()), s.name.clone()));
    zones.chain(stations).collect()
}

fn openers(table: &mut Table<'_>, named: &Named<'_>) -> Vec<Opener> {
    let mut found: Vec<Opener> = Vec::new();
    for mut entry in table.tables("open_on") {
        let [ladder, condition, threshold] =
            ["ladder", "condition", "threshold"].map(|key| entry.get(key));
        let level = entry.get("level");
        let cause = entry.get("cause").and_then(|i| i.name());
        let opener = match (&ladder, &condition, &threshold, &level) {
            (Some(id), None, None, Some(level)) => {
                on_scale(("ladder", LADDERS), id, level, cause, named)
            }
            (None, Some(id), None, Some(level)) => {
                on_scale(("condition", CONDITIONS), id, level, cause, named)
            }
            (None, None, Some(threshold), None) => on_threshold(threshold, cause, named),
            _ => {
                let expected = "expected ladder and level, condition and level, or threshold";
                entry.fault(expected.to_owned(), None);
                None
            }
        };
        if let Some(opener) = opener {
            if found.iter().any(|other| other.on == opener.on) {
                entry.fault(format!("{:?} is there twice", opener.on), None);
            }
            found.push(opener);
        }
        entry.finish();
    }
    found
}

/// The scales of one kind that a ruleset has.
type Of = fn(&Ruleset) -> Vec<Scale<'_>>;

const LADDERS: Of = |r| r.ladders.iter().map(Ladder::scale).collect();
const CONDITIONS: Of = |r| r.conditions.iter().map(Condition::scale).collect();

fn on_scale(
    (kind, of): (&str, Of),
    item: &Item<'_>,
    level: &Item<'_>,
    cause: Option<&str>,
    named: &Named<'_>,
) -> Option<Opener> {
    let id = item.text()?;
    let scales: Vec<Scale<'_>> = named.rulesets.values().flatten().flat_map(of).collect();
    // Of several versions the newest, the last, says what levels there are.
    let Some(scale) = scales.iter().rfind(|s| s.id == id) else {
        let all = scales.iter().map(|s| s.id);
        item.fault(format!("there is no {kind} {id:?}"), known(id, all));
        return None;
    };
    warn_if_unjudged(item, id, named);
    let name = level.text()?;
    let Some(below) = scale.levels.iter().position(|(level, _)| *level == name) else {
        let all = scale.levels.iter().map(|(name, _)| *name);
        level.fault(format!("{id} has no level {name:?}"), known(name, all));
        return None;
    };
    Some(Opener::scale(scale, below + 1, cause.unwrap_or(scale.quantity.name())))
}

fn warn_if_unjudged(item: &Item<'_>, id: &str, named: &Named<'_>) {
    let of_zone = |zone: &Zone| {
        let mut rulesets = zone.rulesets.iter().filter_map(|r| named.rulesets.get(r)).flatten();
        rulesets.any(|r| r.scale(id).is_some())
    };
    if !named.zones.iter().any(of_zone) {
        let hint = "name its ruleset in the rulesets of a [[zone]]".to_owned();
        item.warn(format!("no zone is judged by {id}: this opens nothing"), Some(hint));
    }
}

fn on_threshold(item: &Item<'_>, cause: Option<&str>, named: &Named<'_>) -> Option<Opener> {
    let id = item.text()?;
    let Some(threshold) = named.thresholds.iter().find(|t| t.id == id) else {
        let all = named.thresholds.iter().map(|t| t.id.as_str());
        item.fault(format!("there is no [[threshold]] {id:?}"), known(id, all));
        return None;
    };
    Some(Opener::threshold(threshold, cause.unwrap_or(threshold.quantity.name())))
}

/// The name that is probably meant, or all there are.
fn known<'n>(wrong: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<String> {
    let all: BTreeSet<&str> = names.clone().collect();
    let list = all.into_iter().collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "none".to_owned() } else { list };
    Some(did_you_mean(wrong, names).unwrap_or(format!("known: {list}")))
}

fn groups(table: &mut Table<'_>, zones: &[Zone]) -> Vec<Group> {
    let mut ids = Unique::default();
    let mut groups: Vec<Group> = Vec::new();
    for mut entry in table.tables("groups") {
        let id = entry.own_name("id", &mut ids);
        let name = entry.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
        let known = zones.iter().map(|z| z.id.as_str()).collect();
        let item = entry.need("zones", "a list of zone ids");
        let place = item.clone();
        let members =
            names(item, "zone ids", &known, |name| format!("there is no [[zone]] {name:?}"));
        let taken = members.iter().find(|z| groups.iter().any(|g| g.zones.contains(z)));
        if let (Some(zone), Some(place)) = (taken, place) {
            place.fault(format!("zone {zone:?} is in another group already"), None);
        }
        entry.finish();
        groups.push(Group { id, name, zones: members });
    }
    groups
}
