//! What was written in a case so far, read out of journal and archive again.

use std::collections::BTreeSet;

use super::reader;
use crate::address::Address;
use crate::agent;
use crate::case::{Case, Exchange, Speaker};
use crate::decide;
use crate::ids::{MailHash, MessageId};
use crate::message::{self, Limits, Message};
use crate::outgoing::{Leaves, Outgoing, Purpose};
use crate::playbook::Playbook;
use crate::store::{Archive, Decided, Record};
use crate::time::Timestamp;

/// Frames of a case that are looked at, the latest.
pub(super) const FRAMES: usize = 60;
/// Things written that are shown, the latest: agents read on a telephone.
const MOST: usize = 10;

/// A mail to be read again.
enum Source {
    Received(MailHash),
    Sent(Box<Outgoing>),
}

/// The latest things written in a case, oldest first. What never left is left out, and so is a mail that cannot be read
/// any more.
pub(super) fn of(history: &[Record], case: &Case, archive: &Archive, playbook: &Playbook) -> Vec<Exchange> {
    let (mut sources, mut gone, mut held): (Vec<(Timestamp, Source)>, BTreeSet<MessageId>, BTreeSet<MessageId>) =
        (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for record in history {
        let at = match record.plain() {
            Record::Decided(decided) => {
                sources.push((decided.at, Source::Received(decided.hash)));
                let Decided { orders, .. } = decided.as_ref();
                gone.extend(orders.withdrawn.iter().cloned());
                held.retain(|id| !orders.released.contains(id));
                decided.at
            }
            Record::Changed(changed) => changed.at,
            _ => continue,
        };
        for mail in record.outgoing().iter().filter(|mail| mail.purpose.is_to_requester()) {
            if mail.leaves == Leaves::WhenReleased {
                held.insert(mail.message_id.clone());
            }
            sources.push((at, Source::Sent(Box::new(mail.clone()))));
        }
    }
    sources.retain(|(_, source)| match source {
        Source::Sent(mail) => !gone.contains(&mail.message_id) && !held.contains(&mail.message_id),
        Source::Received(_) => true,
    });
    sources.drain(..sources.len().saturating_sub(2 * MOST));
    let requester = case.requester.as_ref();
    let read = reader::on_all_cores(&sources, |(at, source)| {
        let bytes = match source {
            Source::Received(hash) => archive.get(hash).map_err(|error| error.to_string())?,
            Source::Sent(mail) => mail.content.bytes(None),
        };
        let message = message::read(&bytes, &Limits::default());
        let (by, text) = match source {
            Source::Sent(mail) if mail.purpose == Purpose::Answer => (Some(Speaker::Bot), message.text.clone()),
            // Whose words they were is known by the mail that ordered it.
            Source::Sent(_) => (None, decide::shown_alone(&message, playbook, *at).text.clone()),
            Source::Received(_) => received(&message, requester, playbook, *at),
        };
        Ok((*at, by, text, message.sender().cloned()))
    });
    let (mut exchanges, mut agent): (Vec<Exchange>, _) = (Vec::new(), None);
    for (at, by, text, sender) in read.into_iter().flatten() {
        let by = match by {
            Some(Speaker::Note(agent_now)) => {
                agent = Some(agent_now.clone());
                Speaker::Note(agent_now)
            }
            Some(by) => by,
            // A relay follows the agent's mail it was made of, which says the same: told once.
            None => {
                exchanges.retain(|told| !(told.at == at && matches!(told.by, Speaker::Note(_))));
                match agent.clone().or(sender) {
                    Some(agent) => Speaker::Agent(agent),
                    None => Speaker::Bot,
                }
            }
        };
        if !text.trim().is_empty() {
            exchanges.push(Exchange { at, by, text });
        }
    }
    exchanges.drain(..exchanges.len().saturating_sub(MOST));
    exchanges
}

fn received(
    message: &Message,
    requester: Option<&Address>,
    playbook: &Playbook,
    at: Timestamp,
) -> (Option<Speaker>, String) {
    let fresh = decide::shown_alone(message, playbook, at).into_owned().segments.fresh;
    match message.sender() {
        Some(sender) if playbook.is_agent(sender) => (Some(Speaker::Note(sender.clone())), agent::read(&fresh).text),
        Some(sender) if Some(sender) != requester => (Some(Speaker::Other(sender.clone())), fresh),
        _ => (Some(Speaker::Requester), fresh),
    }
}
