//! Exit codes as a type.

use crate::app::AppError;
use crate::store::StoreError;
use std::fmt;
use std::process::ExitCode;

/// What the exit code says (after sysexits.h where it has a word for it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Bad arguments or configuration.
    Usage = 64,
    /// Bad input data.
    Data = 65,
    /// Something needed is not reachable.
    Unavailable = 69,
    /// The data directory is in use or cannot be opened.
    DataDir = 73,
    /// A store that this version cannot read.
    NewerStore = 78,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(code as u8)
    }
}

/// Why a command ended, in words, with its exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// What, where and what to do next; empty if it has been said already.
    pub message: String,
}

impl Failure {
    /// A failure with its words.
    pub fn new(code: Code, message: impl fmt::Display) -> Failure {
        Failure { code, message: message.to_string() }
    }

    /// Says it on standard error.
    pub fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("dustline: {}", self.message);
        }
        self.code.into()
    }
}

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Failure {
        let code = match &e {
            StoreError::Newer { .. } | StoreError::State { .. } => Code::NewerStore,
            StoreError::Sqlite { .. } | StoreError::Full { .. } => Code::Failed,
            _ => Code::DataDir,
        };
        Failure::new(code, e)
    }
}

impl From<AppError> for Failure {
    fn from(e: AppError) -> Failure {
        match e {
            AppError::Store(store) => store.into(),
            key @ AppError::Links { .. } => Failure::new(Code::DataDir, key),
            other => Failure::new(Code::Failed, other),
        }
    }
}

impl From<std::io::Error> for Failure {
    /// A reader that went away has had enough: that is success.
    fn from(e: std::io::Error) -> Failure {
        match e.kind() {
            std::io::ErrorKind::BrokenPipe => Failure { code: Code::Done, message: String::new() },
            _ => Failure::new(Code::Failed, e),
        }
    }
}
