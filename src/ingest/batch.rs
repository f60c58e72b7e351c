//! The stages of a batch between the mailbox and the commit: what was fetched is kept, what was kept is decided.
//!
//! A stage returns when what it promises is on disk. Batches go through it one after the other; two stages may work on
//! two batches at the same time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::desk::{Asked, Desk, Draft};
use super::reader::{by_one_of_the_crew, by_the_crew, stopped};
use super::{BATCH_MAILS, BATCH_OCTETS, IngestError, LONGEST_READ, MAX_ATTEMPTS, is_baseline};
use crate::dns::{Dns, Signed};
use crate::failpoint;
use crate::ids::{MailHash, MailboxName};
use crate::mailbox::{Fetched, Listed, Place};
use crate::maillog;
use crate::message::{self, Defect, Limits, Message};
use crate::store::{Position, Record, Store, StoreError};

/// Mails of a listing that are taken together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub mails: &'a [Listed],
    /// Nothing else may be in hand: it is a suspect, or so large that it needs the memory of several batches.
    pub alone: bool,
}

/// What a fetch has brought.
#[derive(Default)]
pub(super) struct Fetch {
    mails: Vec<Listed>,
    contents: Vec<Vec<u8>>,
    /// Which of the mails were cut.
    cut: Vec<usize>,
    /// Places that were empty.
    vanished: Vec<Place>,
    /// A mail of the batch has not come, nor is it gone: it and those behind it are left for another time.
    short: bool,
}

/// A batch in the archive, its attempts counted.
pub(super) struct Kept {
    fetch: Fetch,
    hashes: Vec<MailHash>,
    /// Which mails have stopped their reader so often that they are not read again.
    hopeless: Vec<bool>,
}

/// What the stages need.
pub(super) struct Stages {
    pub store: Store,
    pub dns: Option<Dns>,
    pub desk: Arc<Desk>,
}

/// Cuts a listing into batches that fit into memory. A suspect, which was being read when the process died, is alone
/// in its batch: if it kills again, it kills no other mail's chance.
pub(super) fn batches<'a>(mails: &'a [Listed], suspects: &HashSet<Place>) -> Vec<Batch<'a>> {
    let alone = |mail: &Listed| suspects.contains(&mail.place) || mail.size > BATCH_OCTETS;
    let (mut batches, mut start, mut octets) = (Vec::new(), 0, 0);
    let batch =
        |range: std::ops::Range<usize>| Batch { mails: &mails[range.clone()], alone: alone(&mails[range.start]) };
    for (at, mail) in mails.iter().enumerate() {
        let full = at - start == BATCH_MAILS || octets + mail.size > BATCH_OCTETS;
        if at > start && (full || alone(mail) || alone(&mails[at - 1])) {
            batches.push(batch(start..at));
            (start, octets) = (at, 0);
        }
        octets += mail.size;
    }
    if start < mails.len() {
        batches.push(batch(start..mails.len()));
    }
    batches
}

impl Fetch {
    /// Holds what was fetched against what was listed.
    pub fn new(batch: &[Listed], fetched: Vec<(Place, Fetched)>) -> Fetch {
        let there: HashSet<&Place> = fetched.iter().map(|(place, _)| place).collect();
        let whole = batch.iter().take_while(|mail| there.contains(&mail.place)).count();
        let mut listed: HashMap<&Place, &Listed> = batch[..whole].iter().map(|mail| (&mail.place, mail)).collect();
        let mut sorted = Fetch { short: whole < batch.len(), ..Fetch::default() };
        for (place, content) in fetched {
            // A mail that nobody asked for is not taken.
            let Some(mail) = listed.remove(&place) else { continue };
            match content {
                Fetched::Whole(content) => {
                    sorted.mails.push(mail.clone());
                    sorted.contents.push(content);
                }
                Fetched::Cut(content) => {
                    sorted.cut.push(sorted.mails.len());
                    sorted.mails.push(mail.clone());
                    sorted.contents.push(content);
                }
                Fetched::Vanished => sorted.vanished.push(place),
            }
        }
        sorted
    }

    pub fn is_complete(&self) -> bool {
        !self.short
    }
}

impl Stages {
    /// Archives a batch, if there is one, and writes down that its mails are about to be read.
    pub async fn keep(&self, fetch: Option<Fetch>) -> Result<Option<Kept>, IngestError> {
        let Some(fetch) = fetch else { return Ok(None) };
        let (store, desk) = (self.store.clone(), self.desk.clone());
        let (kept, last) = blocking(move || {
            let hashes = store.archive().put_all(&fetch.contents)?;
            let (hopeless, last) = count_attempts(&store, &desk, &fetch.mails, &hashes)?;
            Ok::<_, StoreError>((Kept { fetch, hashes, hopeless }, last))
        })
        .await??;
        if let Some(position) = last {
            self.store.synced(position).await?;
        }
        failpoint::reached("C5");
        Ok(Some(kept))
    }

    /// Reads, decides and commits a batch, if there is one. Gives the places that the mailbox may be told of.
    pub async fn decide(&self, kept: Option<Kept>) -> Result<Vec<Place>, IngestError> {
        let Some(Kept { fetch: Fetch { mails, contents, cut, vanished, .. }, hashes, hopeless }) = kept else {
            return Ok(Vec::new());
        };
        let name = &self.desk.mailbox.name;
        let contents = Arc::new(contents);
        let ours = contents.clone();
        let reading = blocking(move || read(ours, hopeless, &cut));
        let longest = failpoint::sooner(LONGEST_READ);
        let in_vain = |_| IngestError::Work(format!("a mail was not read to its end within {longest:?}"));
        let read = tokio::time::timeout(longest, reading).await.map_err(in_vain)??;
        let findings = match &self.dns {
            None => vec![None; mails.len()],
            Some(dns) => {
                // Mail from before the first start is not answered, whoever sent it.
                let asked = mails.iter().map(|mail| !is_baseline(&self.desk.mark, mail));
                let contents = Arc::try_unwrap(contents).unwrap_or_else(|shared| shared.to_vec());
                dns.look(signed(contents, &read, asked, &self.desk.playbook.desk().sealers)).await
            }
        };
        let read = mails.into_iter().zip(hashes).zip(read).zip(findings);
        let asked = read.map(|(((mail, hash), read), findings)| Asked { mail, hash, read, findings });
        let asked = Arc::new(asked.collect::<Vec<_>>());
        let (store, desk, all) = (self.store.clone(), self.desk.clone(), asked.clone());
        let last = blocking(move || {
            let (view, drafting) = (store.clone(), desk.clone());
            // A draft that fails is none: whatever is wrong with the store shows again in the critical section.
            let drafts = by_the_crew(all.clone(), move |asked| Ok(drafting.draft(&view, asked).ok().flatten()));
            // Some are decided anew: by a reader too, for every thread that searches keeps what it searches with.
            by_one_of_the_crew(move || {
                let mut last = None;
                for (asked, draft) in all.iter().zip(drafts) {
                    last = Some(write_down(&store, &desk, asked, draft)?);
                }
                Ok::<_, StoreError>(last)
            })
        })
        .await?
        .map_err(IngestError::Work)??;
        // Not before: it moves the cursor, and must not move it over a mail of this batch that may yet be lost.
        self.vanished(name, vanished)?;
        if let Some(position) = last {
            self.store.synced(position).await?;
        }
        failpoint::reached("C10");
        Ok(asked.iter().map(|asked| asked.mail.place.clone()).collect())
    }

    /// Writes down that mails were gone before they could be fetched. One that was fetched before, when the process
    /// died, is in the archive, and the next step takes it from there.
    fn vanished(&self, mailbox: &MailboxName, places: Vec<Place>) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        let pending = self.store.pending(mailbox)?;
        for place in places.into_iter().filter(|place| pending.iter().all(|(held, _)| held != place)) {
            maillog!("vanished", mailbox = mailbox, place = place);
            let (mailbox, at) = (mailbox.clone(), (self.desk.clock)());
            self.store.append(Record::Vanished { mailbox, place, at })?;
        }
        Ok(())
    }
}

/// Decides a mail and writes the decision down. One that cannot be written as it is costs this mail its answer, and no
/// other mail anything.
fn write_down(
    store: &Store,
    desk: &Desk,
    asked: &Asked,
    draft: Result<Option<Draft>, String>,
) -> Result<Position, StoreError> {
    store.decide(|view| desk.decide(view, asked, draft)).or_else(|error| {
        let why = quarantined_for(error)?;
        store.decide(|view| desk.decide(view, asked, Err(why)))
    })
}

/// Why a mail is in quarantine whose decision came to nothing, unless it is the store that failed.
fn quarantined_for(error: StoreError) -> Result<String, StoreError> {
    match error {
        StoreError::Stopped(why) => Ok(stopped(&why)),
        StoreError::Refused(why) => Ok(format!("decision-refused: {why}")),
        other => Err(other),
    }
}

/// Writes down that each mail is about to be read. True for those that have stopped their reader so often that they
/// are not read again. Gives the position of the last record.
fn count_attempts(
    store: &Store,
    desk: &Desk,
    mails: &[Listed],
    hashes: &[MailHash],
) -> Result<(Vec<bool>, Option<Position>), StoreError> {
    let (mut hopeless, mut last) = (Vec::with_capacity(mails.len()), None);
    for (mail, hash) in mails.iter().zip(hashes) {
        let known = store.taken(hash)?.is_some();
        let attempts = store.attempts(hash)?;
        hopeless.push(attempts >= MAX_ATTEMPTS);
        if !known && attempts < MAX_ATTEMPTS {
            last = Some(store.append(Record::Taken {
                mailbox: desk.mailbox.name.clone(),
                place: mail.place.clone(),
                hash: *hash,
                attempt: attempts + 1,
                at: (desk.clock)(),
            })?);
        }
    }
    Ok((hopeless, last))
}

/// Reads the mails that are not hopeless, and notes of those in `cut` that they were fetched in part only.
fn read(mails: Arc<Vec<Vec<u8>>>, hopeless: Vec<bool>, cut: &[usize]) -> Vec<Result<Message, String>> {
    let places: Vec<usize> = (0..mails.len()).collect();
    let mut all = by_the_crew(Arc::new(places), move |at| match hopeless[*at] {
        true => Err(format!("reader-died: the bot died {MAX_ATTEMPTS} times while it read this mail")),
        false => {
            failpoint::swallow(&mails[*at]);
            Ok(message::read(&mails[*at], &Limits::default()))
        }
    });
    for at in cut {
        if let Some(Ok(message)) = all.get_mut(*at) {
            message.defects.push(Defect::Cut);
        }
    }
    all
}

/// The mails that can be checked, of those that shall be: from one sender, and read to the end of header and text.
fn signed(
    mails: Vec<Vec<u8>>,
    read: &[Result<Message, String>],
    asked: impl Iterator<Item = bool>,
    sealers: &[String],
) -> Vec<Option<Signed>> {
    let in_part = |message: &Message| message.defects.iter().any(|d| matches!(d, Defect::HeaderTooLong | Defect::Cut));
    let mails = mails.into_iter().zip(read).zip(asked);
    mails
        .map(|((bytes, read), asked)| {
            let message = read.as_ref().ok().filter(|message| asked && !in_part(message))?;
            Some(Signed { bytes, from: message.sender()?.clone(), sealers: sealers.to_vec() })
        })
        .collect()
}

/// Work that may block runs beside the loops that must not.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IngestError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| IngestError::Work(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_mail_is_in_quarantine_for_what_happened_to_it_and_not_for_what_happened_to_the_store() {
        let why = |error| quarantined_for(error).unwrap();
        assert_eq!(why(StoreError::Stopped("poison".into())), "reader-stopped: poison");
        assert_eq!(why(StoreError::Refused("too long".into())), "decision-refused: too long");
        assert!(matches!(quarantined_for(StoreError::Full), Err(StoreError::Full)));
    }

    #[test]
    fn a_batch_fits_into_memory_and_a_huge_mail_is_alone() {
        let sizes = [1, BATCH_OCTETS - 1, 1, BATCH_OCTETS * 3, 1];
        let listed = |(size, uid): (&u64, u32)| {
            let place = Place::Imap { uid_validity: 1, uid };
            Listed { place, size: *size, delivered: Timestamp::UNIX_EPOCH, junk: false }
        };
        let mails: Vec<Listed> = sizes.iter().zip(1..).map(listed).collect();
        let cut = |suspects: &[usize]| -> Vec<(usize, bool)> {
            let suspects = suspects.iter().map(|at| mails[*at].place.clone()).collect();
            batches(&mails, &suspects).iter().map(|batch| (batch.mails.len(), batch.alone)).collect()
        };
        assert_eq!(cut(&[]), [(2, false), (1, false), (1, true), (1, false)]);
        assert_eq!(cut(&[0]), [(1, true), (2, false), (1, true), (1, false)]);
        assert_eq!(cut(&[0, 1, 4]), [(1, true), (1, true), (1, false), (1, true), (1, true)]);
        assert!(batches(&[], &HashSet::new()).is_empty());
        let many: Vec<Listed> = (1..=300).map(|uid| listed((&1, uid))).collect();
        let lengths: Vec<usize> = batches(&many, &HashSet::new()).iter().map(|batch| batch.mails.len()).collect();
        assert_eq!(lengths, [128, 128, 44]);
    }
}
