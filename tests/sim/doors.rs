//! The doors of the simulated bot: mailbox, relay, and the disk under its journal. Here the faults strike.

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt;
use std::task::Poll;
use std::time::Duration;

use huixin::ids::MailboxName;
use huixin::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use huixin::outgoing::{Accepted, Envelope, Purpose, Relay, SendError};
use huixin::store::Disk;

use super::letters::{self, Kind, Ours};
use super::world::{Acceptance, Die, Held, World};
use super::wrong::Wrong;

pub struct SimSource {
    pub name: MailboxName,
    pub world: World,
}

impl SimSource {
    /// What can happen at every call: the process dies, the connection goes, another flow works in between, mail
    /// comes in, another client takes mail away.
    async fn meet_the_world(&mut self, doing: &str) -> Result<(), SourceError> {
        self.alive().await;
        self.world.observe();
        let world = self.world.clone();
        let cut = {
            let inner = &mut *world.lock();
            inner.pass(Duration::from_millis(40));
            if inner.strikes(Die::Source, |faults| faults.late) {
                inner.arrive(1);
            }
            if inner.strikes(Die::Source, |faults| faults.second_client) {
                take_away(inner);
            }
            if inner.strikes(Die::Source, |faults| faults.pause) {
                world.pause();
            }
            if inner.strikes(Die::Source, |faults| faults.crash) {
                inner.tell(|| format!("crash at {doing}"));
                world.crash();
            }
            inner.strikes(Die::Source, |faults| faults.cut)
        };
        self.alive().await;
        match cut {
            true => {
                world.lock().tell(|| format!("cut at {doing}"));
                Err(SourceError::Trouble("connection cut".into()))
            }
            false => Ok(()),
        }
    }
}

impl SimSource {
    /// The driver goes on with us, or drops us.
    async fn alive(&self) {
        let world = &self.world;
        poll_fn(|_| if world.is_paused() || world.has_crashed() { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

/// Another client moves a mail away, or brings one back under a new name.
fn take_away(inner: &mut super::world::Inner) {
    let mailbox = &mut inner.mailbox;
    if inner.source_dice.u8(..3) == 0 && !mailbox.done.is_empty() {
        let at = inner.source_dice.usize(..mailbox.done.len());
        let held = mailbox.done.remove(at);
        mailbox.deliver(held.letter, held.delivered);
        inner.tell(|| format!("letter {} is moved back", held.letter));
    } else if !mailbox.mails.is_empty() {
        let at = inner.source_dice.usize(..mailbox.mails.len());
        let held = mailbox.mails.remove(at);
        mailbox.taken_away.push(held.letter);
        inner.tell(|| format!("letter {} is taken away", held.letter));
    }
}

impl Source for SimSource {
    fn name(&self) -> &MailboxName {
        &self.name
    }

    async fn list(&mut self, known: Known, most: usize) -> Result<Listing, SourceError> {
        self.meet_the_world("list").await?;
        let inner = &mut *self.world.lock();
        let (wrong, now) = (inner.wrong, inner.time);
        let mailbox = &mut inner.mailbox;
        let mut after = match known.cursor {
            Some(cursor) if !mailbox.is_maildir => {
                let same = cursor.uid_validity == mailbox.validity || wrong == Wrong::UidsForEver;
                if same { cursor.uid } else { 0 }
            }
            _ => 0,
        };
        if wrong == Wrong::CursorTooEarly && !mailbox.is_maildir {
            after = after.max(mailbox.listed);
        }
        let size = |held: &Held| inner.letters[held.letter].bytes.len() as u64;
        let mut mails: Vec<Listed> = mailbox
            .mails
            .iter()
            .filter(|held| held.uid > after)
            .map(|held| Listed {
                place: mailbox.place(held.uid),
                size: size(held),
                delivered: held.delivered.min(now),
                junk: false,
            })
            .collect();
        let more = mails.len() > most;
        mails.truncate(most);
        if !mails.is_empty() {
            mailbox.listed = mailbox.next - 1;
        }
        let (uid_validity, uid_next) = if mailbox.is_maildir { (0, 0) } else { (mailbox.validity, mailbox.next) };
        if !mails.is_empty() {
            inner.tell(|| format!("listed {} after {after}", mails.len()));
        }
        Ok(Listing { uid_validity, uid_next, mails, more })
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        self.meet_the_world("fetch").await?;
        let wrong = self.world.lock().wrong;
        if wrong == Wrong::SettleBeforeCommit {
            let places: Vec<Place> = mails.iter().map(|mail| mail.place.clone()).collect();
            self.settle(&places).await?;
        }
        let inner = &mut *self.world.lock();
        let mut fetched = Vec::new();
        for mail in mails {
            if let Place::Imap { uid_validity, .. } = mail.place
                && uid_validity != inner.mailbox.validity
            {
                return Err(SourceError::Trouble("UIDVALIDITY changed".into()));
            }
            if inner.strikes(Die::Source, |faults| faults.fetch) {
                *inner.mailbox.unfetched.entry(mail.place.clone()).or_default() += 1;
                inner.tell(|| format!("{} cannot be fetched", mail.place));
                return Err(SourceError::Mail { place: mail.place.clone(), why: "broken".into() });
            }
            let held = inner.mailbox.mails.iter().find(|held| inner.mailbox.place(held.uid) == mail.place);
            let content = match held {
                Some(held) => Fetched::Whole(inner.letters[held.letter].bytes.clone()),
                None => Fetched::Vanished,
            };
            fetched.push((mail.place.clone(), content));
        }
        Ok(fetched)
    }

    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        self.meet_the_world("settle").await?;
        let inner = &mut *self.world.lock();
        let durable = inner.durable();
        for place in places {
            if !inner.model.is_committed(place, durable) {
                inner.fail(format!("{place} is settled and its decision is not on disk"));
            }
            if inner.strikes(Die::Source, |faults| faults.cut) {
                return Err(SourceError::Trouble("connection cut".into()));
            }
            let mailbox = &mut inner.mailbox;
            let Some(at) = mailbox.mails.iter().position(|held| mailbox.place(held.uid) == *place) else { continue };
            if mailbox.moves || mailbox.is_maildir {
                let held = mailbox.mails.remove(at);
                mailbox.done.push(Held { done: true, ..held });
            } else {
                mailbox.mails[at].done = true;
            }
        }
        inner.tell(|| format!("settled {}", places.len()));
        Ok(())
    }

    async fn wait(&mut self, _: Duration) -> Result<(), SourceError> {
        Ok(())
    }
}

#[derive(Clone)]
pub struct SimRelay {
    pub world: World,
    /// The process it belongs to: what a dead one still holds out is not taken.
    pub life: u64,
}

/// What the relay says.
pub const PUT_OFF: &str = "451 later";
pub const REFUSED: &str = "550 5.1.1 no such user";
pub const DOWN: &str = "connection refused";
pub const NO_LOGIN: &str = "535 no";
/// An answer older than this is not sent again when it is in doubt.
const ANSWER_IN_DOUBT_SECONDS: i64 = 3600;

/// What the relay does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Accepted,
    /// Taken, and the connection goes before it says so.
    TakenInDoubt,
    LostInDoubt,
    CrashBefore,
    CrashAfter,
    PutOff,
    Refused,
    Down,
    LoginRefused,
}

impl SimRelay {
    fn says(&self, to: &str) -> Says {
        let inner = &mut *self.world.lock();
        let strikes = [
            (Says::Down, inner.strikes(Die::Relay, |faults| faults.down)),
            (Says::LoginRefused, inner.strikes(Die::Relay, |faults| faults.down) && inner.relay_dice.u8(..4) == 0),
            (Says::CrashBefore, inner.strikes(Die::Relay, |faults| faults.crash)),
            (Says::LostInDoubt, inner.strikes(Die::Relay, |faults| faults.doubt)),
            (Says::PutOff, inner.strikes(Die::Relay, |faults| faults.put_off)),
            (Says::Refused, inner.strikes(Die::Relay, |faults| faults.refused) || to.starts_with("dead@")),
            (Says::TakenInDoubt, inner.strikes(Die::Relay, |faults| faults.doubt)),
            (Says::CrashAfter, inner.strikes(Die::Relay, |faults| faults.crash)),
        ];
        strikes.into_iter().find_map(|(says, strikes)| strikes.then_some(says)).unwrap_or(Says::Accepted)
    }
}

impl Relay for SimRelay {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        if self.world.has_crashed() || self.life != self.world.lock().tally.crashes {
            return Err(SendError::RelayTrouble("the process is gone".into()));
        }
        self.world.observe();
        let says = self.says(&envelope.to.to_string());
        let inner = &mut *self.world.lock();
        inner.pass(Duration::from_millis(80));
        let mut bytes = bytes.to_vec();
        let id = letters::message_id(&bytes).unwrap_or_default();
        let tries = inner.relay.tries.entry(id.clone()).or_default();
        *tries += 1;
        if inner.wrong == Wrong::NewIdAtRetry && *tries > 1 {
            bytes = String::from_utf8_lossy(&bytes).replacen("Message-ID: <", "Message-ID: <again.", 1).into_bytes();
        }
        let forward = inner.model.item(&id).is_some_and(|item| item.mail.purpose == Purpose::Forward);
        let accepted = Ok(Accepted { response: "250 2.0.0 Ok".into() });
        if inner.wrong == Wrong::ForwardsForgotten && forward {
            return accepted;
        }
        inner.tell(|| format!("relay: {id} to {} {says:?}", envelope.to));
        match says {
            Says::Accepted | Says::TakenInDoubt | Says::CrashAfter => {
                take(inner, &id, envelope, bytes, says == Says::TakenInDoubt);
            }
            _ => {}
        }
        match says {
            Says::Accepted => accepted,
            Says::Refused if inner.wrong == Wrong::RefusalTakenForSuccess => accepted,
            Says::TakenInDoubt if inner.wrong == Wrong::DoubtTakenForDelay => Err(SendError::PutOff(PUT_OFF.into())),
            Says::TakenInDoubt | Says::LostInDoubt => Err(SendError::InDoubt("connection cut".into())),
            Says::PutOff if inner.wrong == Wrong::DelayTakenForRefusal => Err(SendError::Refused(PUT_OFF.into())),
            Says::PutOff => Err(SendError::PutOff(PUT_OFF.into())),
            Says::Refused => Err(SendError::Refused(REFUSED.into())),
            Says::Down => Err(SendError::RelayTrouble(DOWN.into())),
            Says::LoginRefused => Err(SendError::LoginRefused(NO_LOGIN.into())),
            Says::CrashBefore | Says::CrashAfter => {
                self.world.crash();
                Err(SendError::RelayTrouble("the process is gone".into()))
            }
        }
    }

    async fn close(&mut self) {}
}

/// The relay takes a mail: may it have been sent at all, to this one, with these bytes, and again?
fn take(inner: &mut super::world::Inner, id: &str, envelope: &Envelope, bytes: Vec<u8>, excused: bool) {
    let durable = inner.durable();
    if let Err(why) = inner.model.may_leave(id, envelope, &bytes, durable, &inner.letters) {
        inner.fail(why);
    }
    let item = inner.model.item(id);
    let purpose = item.map(|item| item.mail.purpose);
    let age = item.map_or(0, |item| inner.time.duration_since(item.since).as_secs());
    let is_old = purpose == Some(Purpose::Answer) && age > ANSWER_IN_DOUBT_SECONDS && inner.jumps == 0;
    let before = inner.relay.accepted.entry(id.to_owned()).or_default();
    let broken = before.iter().find_map(|acceptance| match acceptance {
        Acceptance { excused: false, .. } => Some("without a crash or a cut behind the dot"),
        Acceptance { is_old: true, .. } => Some("an answer that was old already"),
        Acceptance { bytes: sent, .. } if *sent != bytes => Some("with other bytes"),
        _ => None,
    });
    let (again, first) = (before.len(), before.is_empty());
    before.push(Acceptance { bytes, excused, is_old });
    if let Some(how) = broken {
        inner.fail(format!("{id} is sent twice, {how}"));
    }
    if again >= 2 && purpose == Some(Purpose::Answer) {
        inner.fail(format!("the answer {id} is sent a third time"));
    }
    inner.tally.sent += 1;
    inner.tally.twice += u64::from(!first);
    if first {
        let is_answer = purpose == Some(Purpose::Answer);
        inner.relay.ours.push(Ours { message_id: id.to_owned(), to: envelope.to.to_string(), is_answer });
    }
}

pub struct SimDisk {
    pub world: World,
    /// The room that the journal keeps back; while it is there, a full disk is full.
    pub reserve: std::path::PathBuf,
}

fn dead() -> io::Error {
    io::Error::other("the disk has failed")
}

impl Disk for SimDisk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.world.has_crashed() {
            return Err(dead());
        }
        let inner = &mut *self.world.lock();
        if inner.strikes(Die::Disk, |faults| faults.full) {
            inner.disk.writes_refused = inner.disk_dice.u32(1..6);
        }
        if inner.disk.writes_refused > 0 && self.reserve.exists() {
            inner.disk.writes_refused -= 1;
            let fits = inner.disk_dice.usize(..bytes.len());
            file.write_all_at(&bytes[..fits], offset)?;
            inner.tell(|| "disk full".into());
            return Err(io::ErrorKind::StorageFull.into());
        }
        // C7: half a frame, and the process is gone; or the disk is.
        let crash = inner.strikes(Die::Disk, |faults| faults.crash);
        if crash || inner.strikes(Die::Disk, |faults| faults.broken_disk) {
            let fits = inner.disk_dice.usize(..=bytes.len());
            file.write_all_at(&bytes[..fits], offset)?;
            if fits == bytes.len() {
                // C8: the frame is whole, and nobody was told.
                inner.disk.wrote(offset, fits as u64);
            }
            inner.tell(|| format!("{} after {fits} octets of a frame", if crash { "crash" } else { "disk failure" }));
            if crash {
                self.world.crash();
            }
            return Err(dead());
        }
        file.write_all_at(bytes, offset)?;
        inner.disk.wrote(offset, bytes.len() as u64);
        let poison = |letter: &&letters::Letter| letter.kind == Kind::Poison;
        let is_taken = bytes.get(16..).is_some_and(|payload| contains(&payload[..payload.len().min(40)], b"\"taken\""));
        if is_taken && inner.letters.iter().filter(poison).any(|letter| names(bytes, letter)) {
            inner.disk.poisoned = true;
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.world.has_crashed() {
            return Err(dead());
        }
        let inner = &mut *self.world.lock();
        if inner.strikes(Die::Disk, |faults| faults.crash) {
            inner.tell(|| "crash before fdatasync".into());
            self.world.crash();
            return Err(dead());
        }
        if inner.strikes(Die::Disk, |faults| faults.broken_disk) {
            inner.tell(|| "fdatasync fails".into());
            return Err(dead());
        }
        if inner.wrong == Wrong::SyncForgotten {
            return Ok(());
        }
        if inner.wrong == Wrong::AttemptsForgotten && inner.disk.poisoned {
            inner.wrong_poison = true;
            self.world.crash();
            return Err(dead());
        }
        inner.disk.synced = file.metadata()?.len();
        // The reader of a poison mail takes the process with it, right after the attempt is on disk.
        let poisoned = std::mem::take(&mut inner.disk.poisoned);
        if poisoned || inner.strikes(Die::Disk, |faults| faults.crash) {
            inner.tell(|| format!("crash after fdatasync{}", if poisoned { ", by poison" } else { "" }));
            self.world.crash();
        }
        Ok(())
    }
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn names(frame: &[u8], letter: &letters::Letter) -> bool {
    contains(frame, letter.hash.to_string().as_bytes())
}
