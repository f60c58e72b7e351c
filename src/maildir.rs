//! Maildir folders, as the bot's mailbox and as its way out.
//!
//! A delivery agent writes a mail into `tmp/` and renames it into `new/`, whole (cr.yp.to/proto/maildir.html).
//! The mailbox is what lies in `new/`; a mail that is settled moves on to `cur/` as read, like a mail program
//! does it. The way out writes what would have been sent, for rehearsals and for hosts that pick mail up.

mod name;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use self::name::{escape, name_of, seen};
use crate::address::ReversePath;
use crate::ids::{MailHash, MailboxName};
use crate::mailbox::{Fetched, Known, Listed, Listing, Place, Source, SourceError};
use crate::outgoing::{Accepted, Envelope, Relay, SendError};
use crate::time::Timestamp;

/// How often `new/` is looked at while we wait: soon enough for a human, seldom enough for a disk.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Octets of a file name; the file systems in use allow 255.
const MAX_NAME: usize = 255;

/// A Maildir that we watch.
pub struct MaildirSource {
    name: MailboxName,
    folder: PathBuf,
    /// Octets of a mail that are fetched at the most.
    cap: u64,
    /// What lay in `new/` at the last look: anything else is new mail.
    known: HashSet<OsString>,
}

/// A Maildir into which everything goes that would have left by SMTP.
pub struct MaildirRelay {
    folder: PathBuf,
}

impl MaildirSource {
    pub fn new(name: MailboxName, folder: impl Into<PathBuf>, cap: u64) -> MaildirSource {
        MaildirSource { name, folder: folder.into(), cap, known: HashSet::new() }
    }

    fn trouble(&self, error: io::Error) -> SourceError {
        SourceError::Trouble(format!("{}: {error}", self.folder.display()))
    }

    /// Does something with the folder where it may block.
    async fn at_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SourceError> {
        blocking(&self.folder, work).await.map_err(|e| self.trouble(e))
    }
}

impl Source for MaildirSource {
    fn name(&self) -> &MailboxName {
        &self.name
    }

    async fn list(&mut self, _known: Known, most: usize) -> Result<Listing, SourceError> {
        let found = self
            .at_disk(|folder| {
                create(folder)?;
                look(folder)
            })
            .await?;
        self.known = found.iter().map(|mail| mail.name.clone()).collect();
        let mut mails = found;
        // The order of arrival; the name decides where the clock of the file system does not.
        mails.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        let more = mails.len() > most;
        mails.truncate(most);
        Ok(Listing { uid_validity: 0, uid_next: 0, mails: mails.iter().map(InNew::listed).collect(), more })
    }

    async fn fetch(&mut self, mails: &[Listed]) -> Result<Vec<(Place, Fetched)>, SourceError> {
        let mut fetched = Vec::with_capacity(mails.len());
        for mail in mails {
            let cap = self.cap;
            let got = match name_of(&mail.place) {
                Err(why) => Err(why),
                Ok(name) => blocking(&self.folder, move |folder| read(&folder.join("new").join(name), cap))
                    .await
                    .map_err(|e| e.to_string()),
            };
            match got {
                Ok(got) => fetched.push((mail.place.clone(), got)),
                Err(why) => {
                    return Err(SourceError::Mail { place: mail.place.clone(), why });
                }
            }
        }
        Ok(fetched)
    }

    /// A mail that cannot be moved keeps no other in `new/`.
    async fn settle(&mut self, places: &[Place]) -> Result<(), SourceError> {
        let mut first_trouble = None;
        for place in places {
            let moved = match name_of(place) {
                Ok(name) => self.at_disk(move |folder| move_to_cur(folder, &name)).await,
                Err(why) => Err(SourceError::Mail { place: place.clone(), why }),
            };
            first_trouble = first_trouble.or(moved.err());
        }
        first_trouble.map_or(Ok(()), Err)
    }

    async fn wait(&mut self, longest: Duration) -> Result<(), SourceError> {
        let deadline = Instant::now() + longest;
        loop {
            let found = self.at_disk(look).await?;
            if found.iter().any(|mail| !self.known.contains(&mail.name)) || Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + LOOK_EVERY)).await;
        }
    }
}

impl MaildirRelay {
    pub fn new(folder: impl Into<PathBuf>) -> MaildirRelay {
        MaildirRelay { folder: folder.into() }
    }
}

impl Relay for MaildirRelay {
    /// A mail is named after its bytes, so that a second attempt writes the same file again.
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Accepted, SendError> {
        // As a delivery agent does: RFC 5321 §4.4 for the return path, and who it was for.
        let from = match &envelope.from {
            ReversePath::Null => String::new(),
            ReversePath::Address(address) => address.to_string(),
        };
        let mut mail = format!("Return-Path: <{from}>\r\nDelivered-To: {}\r\n", envelope.to).into_bytes();
        mail.extend_from_slice(bytes);
        let name = format!("{}.huixin", MailHash::of(&mail));
        let response = format!("250 {name}");
        blocking(&self.folder, move |folder| {
            create(folder)?;
            deliver(folder, &name, &mail)
        })
        .await
        .map(|()| Accepted { response })
        .map_err(|e| SendError::RelayTrouble(format!("{}: {e}", self.folder.display())))
    }

    async fn close(&mut self) {}
}

/// A mail in `new/`.
/// From `new/` to `cur/`, under a name that is free there and not too long for the file system.
fn move_to_cur(folder: &Path, name: &OsStr) -> io::Result<()> {
    let short = MailHash::of(name.as_bytes()).short();
    let others = (1..).map(|n| seen(OsStr::new(&format!("{short}.{n}"))));
    let fits = |name: &OsString| name.len() <= MAX_NAME && !folder.join("cur").join(name).exists();
    let Some(free) = std::iter::once(seen(name)).chain(others).find(fits) else { return Ok(()) };
    match fs::rename(folder.join("new").join(name), folder.join("cur").join(free)) {
        // Settled before, or taken away by another program.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

struct InNew {
    name: OsString,
    size: u64,
    modified: SystemTime,
    /// When it came under this name: a program that moves a mail here may keep the time of its content.
    came: SystemTime,
}

impl InNew {
    fn listed(&self) -> Listed {
        Listed {
            place: Place::Maildir { file: escape(&self.name) },
            size: self.size,
            // A file from before year 1 or after 9999 has no time worth keeping.
            delivered: Timestamp::try_from(self.modified.max(self.came)).unwrap_or_default(),
            junk: false,
        }
    }
}

async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || work(&folder)).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

fn create(folder: &Path) -> io::Result<()> {
    ["tmp", "new", "cur"].iter().try_for_each(|part| fs::create_dir_all(folder.join(part)))
}

/// The mails in `new/`. Only plain files: a folder is no mail, a pipe would never end, a link may lead
/// anywhere; and a name that begins with a dot is not a mail's.
fn look(folder: &Path) -> io::Result<Vec<InNew>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join("new"))? {
        let entry = entry?;
        let name = entry.file_name();
        // This is the entry itself, not what a link leads to.
        let metadata = match entry.metadata() {
            Ok(metadata) if metadata.is_file() && !name.as_bytes().starts_with(b".") => metadata,
            Ok(_) => continue,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        let seconds = Duration::new(metadata.ctime().max(0) as u64, metadata.ctime_nsec().max(0) as u32);
        let came = SystemTime::UNIX_EPOCH + seconds;
        found.push(InNew { name, size: metadata.len(), modified: metadata.modified()?, came });
    }
    Ok(found)
}

fn read(path: &Path, cap: u64) -> io::Result<Fetched> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(io::Error::other("it is not a plain file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Fetched::Vanished),
        Err(e) => return Err(e),
    }
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Fetched::Vanished),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap {
        bytes.pop();
        return Ok(Fetched::Cut(bytes));
    }
    Ok(Fetched::Whole(bytes))
}

/// Writes a mail so that it is in `new/` whole or not at all, and still there after a power cut.
fn deliver(folder: &Path, name: &str, mail: &[u8]) -> io::Result<()> {
    let tmp = folder.join("tmp").join(name);
    let mut file = File::create(&tmp)?;
    file.write_all(mail)?;
    file.sync_all()?;
    fs::rename(&tmp, folder.join("new").join(name))?;
    File::open(folder.join("new"))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::address::Address;

    const CAP: u64 = 20;

    fn source(folder: &Path) -> MaildirSource {
        MaildirSource::new(MailboxName::parse("support").unwrap(), folder, CAP)
    }

    /// Puts a mail into `new/`, delivered at second `at`.
    fn put(folder: &Path, name: impl AsRef<OsStr>, mail: &[u8], at: u64) {
        let path = folder.join("new").join(name.as_ref());
        let mut file = File::create(path).unwrap();
        file.write_all(mail).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
    }

    async fn listed(source: &mut MaildirSource, most: usize) -> Vec<String> {
        let listing = source.list(Known::default(), most).await.unwrap();
        listing.mails.iter().map(|mail| mail.place.to_string()).collect()
    }

    fn place(file: &str) -> Place {
        Place::Maildir { file: file.into() }
    }

    fn names(folder: PathBuf) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn new_mail_is_listed_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("support");
        let mut source = source(&folder);
        // The folders are made at the first look.
        assert!(listed(&mut source, 10).await.is_empty());
        put(&folder, "b", b"12", 300);
        put(&folder, "a", b"1", 300);
        put(&folder, "c", b"123", 200);
        assert_eq!(listed(&mut source, 10).await, ["c", "a", "b"]);

        let listing = source.list(Known::default(), 2).await.unwrap();
        assert!(listing.more);
        let first = &listing.mails[0];
        assert_eq!(first.size, 3);
        assert!(first.delivered > Timestamp::from_second(200).unwrap(), "it came now, whatever its content says");
        assert!(!source.list(Known::default(), 3).await.unwrap().more);
    }

    #[tokio::test]
    async fn only_plain_files_are_mail() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(folder).unwrap();
        fs::create_dir(folder.join("new/subfolder")).unwrap();
        fs::write(folder.join("new/.hidden"), "x").unwrap();
        fs::write(folder.join("tmp/halfway"), "x").unwrap();
        symlink("/etc/passwd", folder.join("new/link")).unwrap();
        symlink("/nonexistent", folder.join("new/dangling")).unwrap();
        put(folder, "mail", b"x", 1);
        let mut source = source(folder);
        assert_eq!(listed(&mut source, 10).await, ["mail"]);
        let link = Listed { place: place("link"), size: 1, delivered: Timestamp::default(), junk: false };
        assert!(matches!(source.fetch(&[link]).await, Err(SourceError::Mail { .. })));
    }

    #[tokio::test]
    async fn a_mail_is_fetched_whole_cut_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(folder).unwrap();
        put(folder, "whole", &[b'x'; 20], 1);
        put(folder, "cut", &[b'x'; 21], 2);
        put(folder, "gone", b"x", 3);
        put(folder, "empty", b"", 4);
        let mut source = source(folder);
        let mails = source.list(Known::default(), 10).await.unwrap().mails;
        fs::remove_file(folder.join("new/gone")).unwrap();
        let fetched = source.fetch(&mails).await.unwrap();
        let shown: Vec<_> = fetched
            .iter()
            .map(|(place, fetched)| match fetched {
                Fetched::Whole(bytes) => format!("{place} whole {}", bytes.len()),
                Fetched::Cut(bytes) => format!("{place} cut {}", bytes.len()),
                Fetched::Vanished => format!("{place} vanished"),
            })
            .collect();
        assert_eq!(shown, ["whole whole 20", "cut cut 20", "gone vanished", "empty whole 0"]);
    }

    #[tokio::test]
    async fn a_settled_mail_is_read_and_settling_twice_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut source = source(folder);
        assert!(listed(&mut source, 1).await.is_empty());
        let odd = OsString::from_vec(b"1.\xd3\xca\xbc\xfe%\n".to_vec());
        put(folder, "plain", b"x", 1);
        put(folder, "flagged:2,FT", b"x", 2);
        put(folder, &odd, b"x", 3);
        let mails = source.list(Known::default(), 10).await.unwrap().mails;
        let places: Vec<_> = mails.iter().map(|mail| mail.place.clone()).collect();
        assert_eq!(places[2], place("1.%D3ʼ%FE%25%0A"));
        assert_eq!(source.fetch(&mails).await.unwrap().len(), 3);
        for _ in 0..2 {
            source.settle(&places).await.unwrap();
        }
        assert!(names(folder.join("new")).is_empty());
        let mut odd = odd;
        odd.push(":2,S");
        assert_eq!(names(folder.join("cur")), [odd, "flagged:2,FST".into(), "plain:2,S".into()]);
    }

    #[tokio::test]
    async fn no_place_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(&folder.join("m")).unwrap();
        fs::write(folder.join("outside"), "x").unwrap();
        let mut source = source(&folder.join("m"));
        let imap = Place::Imap { uid_validity: 1, uid: 1 };
        for bad in ["../../outside", "..%2F..%2Foutside", "", ".", "..", "a%00", "a%zz", "a%2"] {
            assert!(source.settle(&[place(bad)]).await.is_err(), "{bad}");
        }
        assert!(source.settle(&[imap]).await.is_err());
        assert!(folder.join("outside").exists());
    }

    #[tokio::test]
    async fn waiting_ends_when_mail_comes_and_not_for_mail_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(folder).unwrap();
        put(folder, "stays", b"x", 1);
        let mut source = source(folder);
        assert_eq!(listed(&mut source, 10).await, ["stays"]);
        let begun = std::time::Instant::now();
        source.wait(Duration::from_millis(50)).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(50));

        put(folder, "comes", b"x", 2);
        let long = Duration::from_secs(60);
        tokio::time::timeout(long / 2, source.wait(long)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_would_have_been_sent_is_written_once_with_its_envelope() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("out");
        let mut relay = MaildirRelay::new(&folder);
        let to = Address::parse("customer@example.org").unwrap();
        let from = ReversePath::Address(Address::parse("bounces@example.com").unwrap());
        let answer = Envelope { from: ReversePath::Null, to: to.clone() };
        for _ in 0..2 {
            relay.send(&answer, b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
        }
        let written = names(folder.join("new"));
        assert_eq!(written.len(), 1);
        assert_eq!(
            fs::read_to_string(folder.join("new").join(&written[0])).unwrap(),
            "Return-Path: <>\r\nDelivered-To: customer@example.org\r\nSubject: x\r\n\r\nhello\r\n"
        );
        assert!(names(folder.join("tmp")).is_empty());

        // The same bytes to or from somebody else are another mail.
        relay.send(&Envelope { from, to }, b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
        assert_eq!(names(folder.join("new")).len(), 2);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_the_relays_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let envelope = Envelope { from: ReversePath::Null, to: Address::parse("customer@example.org").unwrap() };
        let result = MaildirRelay::new(&file).send(&envelope, b"x").await;
        assert!(matches!(result, Err(SendError::RelayTrouble(_))));
        assert!(matches!(source(&file).list(Known::default(), 1).await, Err(SourceError::Trouble(_))));
    }
}
