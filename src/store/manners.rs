//! The breaker as the journal tells it, beside a running bot.

use std::path::Path;

use super::record::Record;
use super::{StoreError, beside};
use crate::case::{Case, Pulse, Tripped};
use crate::ids::CaseNumber;
use crate::outgoing::Purpose;
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

/// How the answers stand, after every record of a data folder.
pub fn standing(data: &Path) -> Result<Standing, StoreError> {
    let mut standing = Standing::default();
    beside::records(data, |_, record| {
        let (mails, case, at) = match &record {
            Record::Decided(decided) => {
                standing.tripped = decided.manners.tripped.or(standing.tripped);
                if let Some(case) = decided.manners.came_back {
                    standing.pulse.came_back(case);
                }
                (&decided.outgoing, decided.case.as_ref(), decided.at)
            }
            Record::Changed(changed) => (&changed.outgoing, Some(&changed.case), changed.at),
            Record::Released { at, by, reason } => {
                standing.tripped = None;
                standing.released = Some((*at, by.clone(), reason.clone()));
                standing.pulse.released();
                return Ok(());
            }
            _ => return Ok(()),
        };
        for case in mails.iter().filter(|mail| mail.purpose == Purpose::Answer).filter_map(|mail| mail.case) {
            standing.pulse.answered(case, at);
        }
        if let Some(case) = case {
            remember(&mut standing.answered, case, &standing.pulse);
        }
        Ok(())
    })?;
    let order: Vec<CaseNumber> = standing.pulse.cases().map(|act| act.case).collect();
    let place = |case: &Case| order.iter().position(|number| *number == case.number).unwrap_or(usize::MAX);
    standing.answered.sort_by_key(place);
    Ok(standing)
}

/// Keeps the cases of the last answers, and no others.
fn remember(known: &mut Vec<Case>, case: &Case, pulse: &Pulse) {
    const SLACK: usize = 1000;
    if !pulse.cases().take(1).any(|act| act.case == case.number) {
        return;
    }
    known.retain(|other| other.number != case.number);
    known.push(case.clone());
    if known.len() > SLACK {
        known.retain(|case| pulse.cases().any(|act| act.case == case.number));
    }
}
