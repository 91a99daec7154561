//! What the messages to receivers and those of the feed have in common.

use crate::air::place::Language;
use crate::config::Settings;
use crate::deliver::format::Offers;
use crate::link::Key;
use crate::{deliver, web};

/// What all messages of this installation have in common; one-time links only in
/// those that have the key.
pub(super) fn world_of(settings: &Settings, link_key: Option<Key>) -> deliver::format::World {
    deliver::format::World {
        instance: settings.instance.clone(),
        base_url: settings.http.base_url.clone(),
        areas: deliver::format::Areas::of(&settings.zones, &settings.stations),
        templates: settings.templates.clone(),
        offers: link_key.zip(settings.links.clone()).map(|(key, links)| Offers { key, links }),
    }
}

/// The messages of the feed are those that receivers get.
pub(super) fn cap_writer(settings: &Settings) -> web::CapWriter {
    let world = world_of(settings, None);
    web::CapWriter::new(move |event, before| {
        let earlier = deliver::format::still_open(before);
        let (language, now) = (Language::En, event.time);
        let (earlier, world) = (earlier.as_slice(), &world);
        let told = deliver::format::Told { event, earlier, language, offer: None, world, now };
        deliver::format::cap::message(&told)
    })
}
