//! The files that are part of the program.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../config/formats/", $name, ".toml")))),*]
    };
}

/// Name and text of every file in `config/formats/`.
pub(super) const FILES: &[(&str, &str)] = files![
    "canairio",
    "cloud-envelopes",
    "dyson",
    "ecowitt2mqtt",
    "espeasy",
    "esphome",
    "fiware-ngsi",
    "ha-statestream",
    "korean-makers",
    "meshtastic",
    "nam",
    "onem2m",
    "opensensemap",
    "plain-diy",
    "purpleair",
    "sensorthings",
    "shelly",
    "smogomierz",
    "theengs",
    "vindriktning-esp8266",
    "weewx-mqtt",
    "xiaomi-miio",
];
