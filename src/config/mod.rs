//! The file as written becomes the settings as meant; every fault is reported
//! at once, with its place.

pub mod secret;
pub mod settings;

pub use secret::Secret;
pub use settings::Settings;
