//! Mails to the requester that have not left: held until a human lets them go, or about to leave and called back.

use super::orders::Desk;
use crate::case::{Case, CaseState, Milestone, Pending};
use crate::decide::mails;
use crate::ids::MessageId;
use crate::outgoing::Purpose;

impl Desk<'_> {
    /// Mails to the requester that wait for a human's word.
    pub(super) fn held(&self) -> Vec<MessageId> {
        self.waiting(|mail| mail.held)
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
    pub(super) fn called_back(&self) -> Vec<MessageId> {
        self.waiting(|mail| !mail.started && !mail.held)
    }

    fn waiting(&self, which: impl Fn(&Pending) -> bool) -> Vec<MessageId> {
        // The facts of a case tell of what waits in it only where the case is the first that the mail points at.
        let about_this = self.facts.by_signed.first().is_some_and(|case| case.number == self.case.number);
        let waiting = self.facts.waiting.iter().filter(|mail| about_this && mail.to_requester && which(mail));
        waiting.map(|mail| mail.message_id.clone()).collect()
    }

    /// The requester does not hear what was called back: they wait for a human as before, and a clock runs for them.
    pub(super) fn unsay(&self, case: &mut Case, called_back: &[MessageId]) {
        let key = self.playbook.key();
        let is_relay = |id: &&MessageId| matches!(mails::own_mail(id, key), Some((Purpose::Relay, _)));
        let relays = called_back.iter().filter(is_relay).count() as u32;
        if relays == 0 {
            return;
        }
        case.work.relays = case.work.relays.saturating_sub(relays);
        if case.work.relays == 0 {
            case.work.course.forget(Milestone::Replied);
        }
        if case.state == CaseState::Closed {
            case.work.closed = None;
            case.work.course.add(Milestone::Reopened, self.now);
        }
        self.take_up(case);
    }
}
