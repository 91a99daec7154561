//! Yes, no, or too little to say.

/// What is known of a statement, after Kleene: what is missing is never taken
/// for a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    No,
    /// Too little is known.
    Unknown,
    /// It holds.
    Yes,
}

impl Truth {
    /// What is certain.
    pub fn of(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }

    /// All must hold: one no suffices for a no.
    pub fn all(parts: impl IntoIterator<Item = Truth>) -> Truth {
        let mut all = Truth::Yes;
        for part in parts {
            all = all.min(part);
            if all == Truth::No {
                break;
            }
        }
        all
    }

    /// One must hold: one yes suffices for a yes.
    pub fn any(parts: impl IntoIterator<Item = Truth>) -> Truth {
        let mut any = Truth::No;
        for part in parts {
            any = any.max(part);
            if any == Truth::Yes {
                break;
            }
        }
        any
    }

    /// At least `needed` must hold.
    pub fn at_least(needed: usize, parts: impl IntoIterator<Item = Truth>) -> Truth {
        let (mut yes, mut open) = (0, 0);
        for part in parts {
            yes += usize::from(part == Truth::Yes);
            open += usize::from(part != Truth::No);
        }
        match (yes >= needed, open >= needed) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }
}
