//! A person is forgotten: their cases, their mails and our letters to them. What is written down of it names nobody.

use std::collections::BTreeSet;

use super::{Answer, Change};
use crate::address::Address;
use crate::store::{Record, StoreError, View};
use crate::time::Timestamp;

/// What is to be erased is put down, and from here on it is not found any more. The rest takes longer than a request may.
pub(super) fn forget(view: &View<'_>, who: &Address, running: bool, now: Timestamp) -> Result<Change, StoreError> {
    let (mut cases, mut mails, mut withdrawn) = (Vec::new(), BTreeSet::new(), Vec::new());
    for case in view.cases_of(who)? {
        for item in view.queue(case.number)? {
            if running && item.started.is_some() {
                let why =
                    format!("a mail of case {} is on its way to the relay right now; nothing was changed", case.number);
                return Ok(Change::Leave(Answer::Later(why)));
            }
            withdrawn.push(item.message_id);
        }
        // What was merged into it may be somebody else's.
        let number = Some(case.number);
        for record in view.history(case.number, usize::MAX)? {
            if let Record::Decided(decided) = record.plain() {
                mails.extend((decided.outcome.case() == number).then_some(decided.hash));
            }
            let letters = record.outgoing().iter().filter(|mail| mail.case == number);
            mails.extend(letters.filter_map(|mail| mail.content.original));
        }
        cases.push(case.number);
    }
    if cases.is_empty() {
        let why = "no case was ever opened for this address, or it is forgotten already; nothing was changed";
        return Ok(Change::Leave(Answer::Refused(why.into())));
    }
    let said =
        format!("{} cases, {} mails and {} mails of the outbox are erased", cases.len(), mails.len(), withdrawn.len());
    let mails = mails.into_iter().collect();
    Ok(Change::Write(Box::new(Record::Erased { at: now, cases, mails, withdrawn }), said))
}
