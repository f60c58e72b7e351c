//! Archived mail decided once more: what `huixin rules backtest`, `shadow`, `stats` and `apply` look at.
//!
//! A mail is decided with its case as it stood when the mail came, at the time at which it came, by the same pure
//! function as then. Nothing is written, no lock is taken, nobody is asked: a running bot goes on beside it. What was
//! found about its signatures is not looked up again.

mod labels;
mod shifts;
mod standing;

pub use labels::{Label, Labelled};
pub use shifts::{Shift, Shifts};
pub use standing::{AGAIN, Advice, Standing, Taught};

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::case::{Facts, Lesson};
use crate::decide::{self, Foresight, Mail, Recorded};
use crate::ids::{CaseNumber, MailHash};
use crate::ingest::reader;
use crate::message::{self, Limits, Message};
use crate::patterns;
use crate::playbook::Playbook;
use crate::store::{Archive, PastJournal, PastMail, StoreError};
use crate::time::Timestamp;

/// Mails that are to be decided once more.
pub struct Past {
    mails: Vec<Source>,
    archive: Archive,
    journal: Option<PastJournal>,
}

enum Source {
    Archived(Archived),
    File(PathBuf),
}

/// A mail of the journal, and what was written down of it. That is the same for thousands of mails, and kept once.
struct Archived {
    mail: PastMail,
    recorded: Arc<Recorded>,
}

/// One mail, ready to be decided.
pub struct Replayed<'a> {
    pub mail: Mail<'a>,
    pub facts: &'a Facts,
    pub now: Timestamp,
    /// The case it went to then; none for a mail of a file.
    pub case: Option<CaseNumber>,
    /// What it taught about the rules then, where it is an agent's.
    pub learned: &'a [Lesson],
    /// What was decided then; nothing is known of a mail of a file.
    pub recorded: &'a Recorded,
}

/// Mails between two steps of a progress bar.
const BATCH: usize = 2_048;

impl<'a> Replayed<'a> {
    /// The mail threaded and screened, as the configuration of this playbook says.
    pub fn foresight(&self, playbook: &'a Playbook) -> Foresight<'a> {
        Foresight::of(&self.mail, self.facts, playbook, self.now)
    }

    /// The mail as those who work here may read it.
    pub fn shown(&self, playbook: &Playbook) -> Cow<'_, Message> {
        decide::shown_alone(self.mail.message, playbook, self.now)
    }
}

impl Past {
    /// The mails of a data folder that were decided at this time or after.
    pub fn archived(data: &Path, since: Option<Timestamp>) -> Result<Past, StoreError> {
        let (mut mails, journal) = (Vec::new(), PastJournal::beside(data)?);
        let mut known: HashSet<Arc<Recorded>> = HashSet::new();
        if let Some(journal) = &journal {
            journal.mails(|mut mail| {
                if since.is_none_or(|since| mail.at >= since) {
                    let recorded = Arc::new(Recorded::of(&std::mem::take(&mut mail.why)));
                    let recorded = known.get(&recorded).cloned().unwrap_or(recorded);
                    known.insert(recorded.clone());
                    mails.push(Source::Archived(Archived { mail, recorded }));
                }
            })?;
        }
        Ok(Past { mails, archive: Archive::beside(data), journal })
    }

    /// The `*.eml` files in a folder, in the order of their names, each as the first of its case.
    pub fn files(folder: &Path) -> io::Result<Past> {
        let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
        files.sort();
        let mails = files.into_iter().map(Source::File).collect();
        Ok(Past { mails, archive: Archive::beside(folder), journal: None })
    }

    pub fn len(&self) -> usize {
        self.mails.len()
    }

    pub fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }

    /// What a person finds the mail by.
    pub fn name(&self, at: usize) -> String {
        match self.mails.get(at) {
            Some(Source::Archived(archived)) => archived.mail.hash.short(),
            Some(Source::File(path)) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            None => String::new(),
        }
    }

    /// Decides every mail on all cores. `each` gets the results in order, with the place of their mail; the error of
    /// a mail says why it could not be read.
    pub fn replay<T: Send>(
        &self,
        playbook: &Playbook,
        decide: impl Fn(&Replayed<'_>) -> T + Sync,
        mut each: impl FnMut(usize, Result<T, String>),
    ) {
        patterns::make_room();
        for (batch, mails) in self.mails.chunks(BATCH).enumerate() {
            let results = reader::on_all_cores(mails, |source| self.one(source, playbook, &decide));
            for (at, result) in results.into_iter().enumerate() {
                each(batch * BATCH + at, result);
            }
        }
    }

    /// What agents said of these mails.
    pub fn labels(&self) -> Vec<Labelled> {
        let archived = self.mails.iter().enumerate().filter_map(|(place, source)| match source {
            Source::Archived(archived) => Some((place, archived)),
            Source::File(_) => None,
        });
        labels::labels(archived)
    }

    /// Decides the labelled mails alone, in the order of the labels; none for a mail that cannot be read.
    pub fn replay_labelled<T: Send>(
        &self,
        labelled: &[Labelled],
        playbook: &Playbook,
        decide: impl Fn(&Replayed<'_>) -> T + Sync,
    ) -> Vec<Option<T>> {
        let made = reader::on_all_cores(labelled, |label| {
            let source = self.mails.get(label.mail).ok_or("there is no such mail")?;
            self.one(source, playbook, &decide)
        });
        made.into_iter().map(Result::ok).collect()
    }

    fn one<T>(&self, source: &Source, playbook: &Playbook, decide: impl Fn(&Replayed<'_>) -> T) -> Result<T, String> {
        let bytes = match source {
            Source::Archived(archived) => self.archive.get(&archived.mail.hash).map_err(|error| error.to_string())?,
            Source::File(path) => reader::read_file(path).map_err(|error| error.to_string())?,
        };
        let message = message::read(&bytes, &Limits::default());
        let first = playbook.config().mailboxes.first().ok_or("there is no mailbox")?;
        match source {
            Source::Archived(Archived { mail: past, recorded }) => {
                // A mailbox that is watched no more is stood for by the first.
                let mailbox = playbook.config().mailbox(&past.mailbox).unwrap_or(first);
                let before = past.before.zip(self.journal.as_ref()).map(|(position, journal)| journal.case(position));
                let facts = Facts {
                    by_signed: before.transpose().map_err(|error| error.to_string())?.into_iter().collect(),
                    free_number: Some(past.case),
                    ..Facts::default()
                };
                let mail = mail(mailbox, past.hash, &message, past.delivered);
                Ok(decide(&Replayed {
                    mail,
                    facts: &facts,
                    now: past.at,
                    case: Some(past.case),
                    learned: &past.learned,
                    recorded,
                }))
            }
            Source::File(_) => {
                let at = message.date.unwrap_or_default();
                let mail = mail(first, MailHash::of(&bytes), &message, at);
                let (facts, recorded) = (Facts::default(), Recorded::default());
                Ok(decide(&Replayed { mail, facts: &facts, now: at, case: None, learned: &[], recorded: &recorded }))
            }
        }
    }
}

fn mail<'a>(
    mailbox: &'a crate::config::Mailbox,
    hash: MailHash,
    message: &'a Message,
    delivered: Timestamp,
) -> Mail<'a> {
    // What lay there before the first start was not answered then; what its rules would say is asked all the same.
    Mail { mailbox, hash, message, findings: None, delivered, junk: false, baseline: false }
}
