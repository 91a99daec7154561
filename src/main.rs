//! The command `dustline`.

fn main() {}
