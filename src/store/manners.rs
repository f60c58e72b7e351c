//! The breaker as the state knows it, beside a running bot.

use std::path::Path;

use super::record::Record;
use super::{StoreError, beside};
use crate::case::{Case, Pulse, Tripped};
use crate::time::Timestamp;

/// How the answers stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The breaker is open.
    pub tripped: Option<Tripped>,
    /// When it was released last, by whom and why.
    pub released: Option<(Timestamp, String, String)>,
    pub pulse: Pulse,
    /// The cases of the last answers, the newest first.
    pub answered: Vec<Case>,
}

/// How the answers stand in a data folder.
pub fn standing(data: &Path) -> Result<Standing, StoreError> {
    let state = beside::state(data)?;
    let (pulse, tripped) = state.pulse()?;
    let released = state.released()?.map(|position| beside::record(data, position)).transpose()?.flatten();
    let released = released.and_then(|record| match record {
        Record::Released { at, by, reason } => Some((at, by, reason)),
        _ => None,
    });
    let mut answered: Vec<Case> = Vec::new();
    for act in pulse.cases() {
        if answered.iter().all(|case| case.number != act.case) {
            answered.extend(state.case(act.case)?);
        }
    }
    Ok(Standing { tripped, released, pulse, answered })
}
