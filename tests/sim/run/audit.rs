//! Is everything at rest, does the state say what the journal says, and was nothing lost?

use huixin::case::Clues;
use huixin::ids::MailboxName;
use huixin::outgoing::Outgoing;
use huixin::store::{Record, Store, StoreError};

use crate::model::Ended;
use crate::world::World;

/// What is still to be done; nothing, when everything is at rest.
pub fn waits(store: &Store, world: &World) -> Result<String, String> {
    let text = |error: StoreError| error.to_string();
    let name = MailboxName::parse("support").unwrap();
    let mut waits: Vec<String> = Vec::new();
    for item in store.outbox().map_err(text)? {
        let item = item.map_err(text)?;
        waits.push(format!("{} (due {}, begun {:?}) leaves", item.message_id, item.due, item.started));
    }
    waits.extend(store.pending(&name).map_err(text)?.iter().map(|(place, _)| format!("{place} is pending")));
    waits.extend(store.unsettled(&name, 9).map_err(text)?.iter().map(|place| format!("{place} is unsettled")));
    let inner = world.lock();
    let mailbox = &inner.mailbox;
    let undone = mailbox.mails.iter().filter(|held| !held.done);
    waits.extend(undone.map(|held| format!("letter {} lies at {}", held.letter, mailbox.place(held.uid))));
    Ok(waits.join(", "))
}

/// Does the state say what the journal says?
pub fn compare(store: &Store, world: &World) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let inner = &*world.lock();
    let model = &inner.model;
    let mut differs = Vec::new();
    let cases = store.cases().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
    if !cases.iter().eq(model.cases.values()) {
        differs.push("the cases");
    }
    let ledger = store.ledger().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
    let same = ledger.iter().all(|(hash, row)| {
        model.decided.get(hash).is_some_and(|decided| decided.outcome == row.outcome && decided.place == row.place)
    });
    if ledger.len() != model.decided.len() || !same {
        differs.push("the ledger");
    }
    let outbox = store.outbox().map_err(text)?.collect::<Result<Vec<_>, _>>().map_err(text)?;
    let same = outbox.iter().all(|item| {
        let held = model.outbox.get(&item.message_id).filter(|held| held.end.is_none());
        held.is_some_and(|held| held.attempts == item.attempts && held.begun.is_some() == item.started.is_some())
    });
    if outbox.len() != model.outbox.values().filter(|held| held.end.is_none()).count() || !same {
        differs.push("the outbox");
    }
    let scopes = model.budgets.keys().cloned().collect();
    let facts = store.facts(&Clues { scopes, ..Clues::default() }, inner.now()).map_err(text)?;
    if facts.budgets != model.budgets {
        differs.push("the budgets");
    }
    match differs.is_empty() {
        true => Ok(()),
        false => Err(format!("the state is not what the journal says: {}", differs.join(", "))),
    }
}

/// Is every record still there as it was written, but for what a compaction may leave out?
pub fn compare_journal(store: &Store, world: &World) -> Result<(), String> {
    let inner = &*world.lock();
    let mut known = inner.model.records().peekable();
    let mut wrong = 0;
    let read = store.records(|position, record| {
        while let Some((_, gone)) = known.next_if(|(written, _)| *written < position.0) {
            wrong += usize::from(!matches!(gone, Record::Taken { .. } | Record::SendStart { .. }));
        }
        let written = known.next().filter(|(written, _)| *written == position.0);
        wrong += usize::from(!written.is_some_and(|(_, written)| is_same(written, record)));
        Ok(())
    });
    read.map_err(|error| error.to_string())?;
    wrong += known.count();
    if wrong == 0 { Ok(()) } else { Err("the journal is not what was written".into()) }
}

pub fn check_nothing_lost(world: &World) -> Result<(), String> {
    let inner = &*world.lock();
    for (n, letter) in inner.letters.iter().enumerate() {
        let mut places = inner.mailbox.places.iter().filter(|(_, held)| **held == n);
        let unfetchable =
            places.any(|(place, _)| inner.mailbox.unfetched.contains_key(place) && inner.model.knows(place));
        let ended = inner.model.decided.contains_key(&letter.hash) || inner.mailbox.taken_away.contains(&n);
        if !ended && !unfetchable {
            return Err(format!("letter {n}, {:?}, is lost", letter.kind));
        }
    }
    // A note that stood for a mail gives way to the mail when that can be fetched after all.
    let mut taken = inner.model.taken.keys();
    if let Some(hash) = taken.find(|hash| inner.letters.iter().any(|letter| letter.hash == **hash)) {
        return Err(format!("{} was taken and never decided", hash.short()));
    }
    for (id, item) in &inner.model.outbox {
        let accepted = inner.relay.accepted.contains_key(id.as_str());
        match item.end {
            None => return Err(format!("{id} was never sent")),
            Some(Ended::Sent) if !accepted => return Err(format!("{id} is written down as sent and was not")),
            Some(Ended::Sent | Ended::Failed) => {}
        }
    }
    Ok(())
}

/// Is this what was written, or what is left of it when letters have lost their texts?
fn is_same(written: &Record, mut read: Record) -> bool {
    let letters: &mut [Outgoing] = match &mut read {
        Record::Decided(decided) => &mut decided.outgoing,
        Record::Failed { notice, .. } => notice.as_mut_slice(),
        Record::Told { notice, .. } => std::slice::from_mut(notice),
        _ => &mut [],
    };
    let forgotten = letters.iter_mut().zip(written.outgoing()).filter(|(is, _)| is.content.is_forgotten());
    forgotten.for_each(|(is, was)| is.content.clone_from(&was.content));
    *written == read
}
