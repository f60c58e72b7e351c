//! Mails to the requester that have not left: held until a human lets them go, or about to leave and called back.

use super::named;
use super::orders::Desk;
use crate::case::{Case, CaseState, Milestone, Pending};
use crate::decide::mails;
use crate::ids::MessageId;
use crate::outgoing::Purpose;

impl Desk<'_> {
    /// Mails to the requester that wait for a human's word.
    pub(super) fn held(&self) -> Vec<MessageId> {
        self.waiting().filter(|mail| mail.held).map(|mail| mail.message_id.clone()).collect()
    }

    /// Automatic answers that wait for a human's word.
    pub(super) fn drafts(&self) -> impl Iterator<Item = MessageId> {
        let key = self.playbook.key();
        let is_answer = move |id: &MessageId| matches!(mails::own_mail(id, key), Some((Purpose::Answer, _)));
        self.held().into_iter().filter(is_answer)
    }

    pub(super) fn is_draft(&self, held: &[MessageId]) -> bool {
        self.drafts().any(|draft| held.contains(&draft))
    }

    /// Mails to the requester that have not begun to leave.
    pub(super) fn called_back(&self) -> Vec<&Pending> {
        self.waiting().filter(|mail| !mail.started && !mail.held).collect()
    }

    fn waiting(&self) -> impl Iterator<Item = &Pending> {
        // The facts of a case tell of what waits in it only where the case is the first that the mail points at.
        let about_this = self.facts.by_signed.first().is_some_and(|case| case.number == self.case.number);
        self.facts.waiting.iter().filter(move |mail| about_this && mail.to_requester)
    }

    /// Where a human's word was called back, the requester waits for a human as before, and a clock runs for them: is that so?
    /// An automatic answer changes nothing in whose turn it is.
    pub(super) fn unsay(&self, case: &mut Case, called_back: &[&Pending]) -> bool {
        let words = called_back.iter().filter(|mail| mail.of_a_human).count() as u32;
        if words == 0 {
            return false;
        }
        case.work.relays = case.work.relays.saturating_sub(words);
        (0..words).for_each(|_| case.work.course.take_back(Milestone::Replied));
        // Nobody but an agent can have answered with an entry, and all that agents wrote is called back. Whether one reply
        // among others was an entry is not known.
        if case.work.relays == 0 && case.solutions() == 0 && case.last_answer.as_ref().is_some_and(named::is_entry) {
            case.last_answer = None;
        }
        if case.state == CaseState::Closed {
            case.work.closed = None;
            case.work.course.add(Milestone::Reopened, self.now);
        }
        self.take_up(case);
        true
    }
}
