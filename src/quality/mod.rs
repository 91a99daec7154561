//! Flags and corrections; pure.

/// What is believable.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {}
