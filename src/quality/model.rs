//! Kinds of particle sensor, and what is known of each: how far its scale goes,
//! and which numbers mean that it has failed.

use crate::air::Quantity;
use std::fmt;

/// A kind of particle sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// Nova SDS011, as in airRohr.
    Sds011,
    /// Plantower PMS1003, 3003, 5003, 7003, A003 and their kin.
    Pms,
    /// Sensirion SPS30.
    Sps30,
    /// Sensirion SEN54, SEN55, SEN66.
    Sen5x,
    /// Honeywell HPMA115.
    Hpma115,
    /// Cubic PM1006, as in IKEA's Vindriktning.
    Pm1006,
    /// An instrument of an official network: beta attenuation, gravimetry.
    Reference,
}

impl Model {
    /// Names in the configuration. Several Plantower models are one kind.
    pub const NAMES: [(&'static str, Model); 12] = [
        ("sds011", Model::Sds011),
        ("pms", Model::Pms),
        ("pms1003", Model::Pms),
        ("pms3003", Model::Pms),
        ("pms5003", Model::Pms),
        ("pms7003", Model::Pms),
        ("pmsa003", Model::Pms),
        ("sps30", Model::Sps30),
        ("sen5x", Model::Sen5x),
        ("hpma115", Model::Hpma115),
        ("pm1006", Model::Pm1006),
        ("reference", Model::Reference),
    ];

    /// The name of the kind.
    pub fn name(self) -> &'static str {
        Model::NAMES.iter().find(|(_, model)| *model == self).map_or("", |(name, _)| name)
    }

    /// The end of its scale for a particle mass, µg/m³, as its maker states it.
    /// Above it a number is inexact but means very bad air.
    pub fn scale(self, quantity: Quantity) -> Option<f64> {
        if !quantity.is_particle_mass() {
            return None;
        }
        match self {
            Model::Sds011 => Some(999.9),
            Model::Pms => Some(500.0),
            Model::Sps30 | Model::Sen5x | Model::Hpma115 | Model::Pm1006 => Some(1_000.0),
            Model::Reference => None,
        }
    }

    /// The highest number that it can send for a particle mass, µg/m³.
    pub fn most(self, quantity: Quantity) -> Option<f64> {
        match (self, quantity) {
            (Model::Sds011, Quantity::Pm2_5) => Some(999.9),
            (Model::Sds011, Quantity::Pm10) => Some(1_999.9),
            _ => None,
        }
    }

    /// Numbers by which it says that it has no value of a particle mass.
    pub fn marks(self) -> &'static [f64] {
        match self {
            Model::Sds011 => &[-1.0, 999.9, 1_999.9],
            Model::Reference => &[],
            _ => &[-1.0],
        }
    }

    /// Whether it counts scattered light, and so droplets with the dust.
    pub fn is_optical(self) -> bool {
        self != Model::Reference
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_name_that_leads_back_to_it() {
        for (name, model) in Model::NAMES {
            assert!(!model.name().is_empty(), "{name}");
            let back = Model::NAMES.iter().find(|(n, _)| *n == model.name()).map(|(_, m)| *m);
            assert_eq!(back, Some(model));
        }
    }
}
