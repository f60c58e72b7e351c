//! What agents said of past mail, as labels.
//!
//! `#category` says what a case is about: what is labelled is its first mail. `#kb good` and `#kb bad` speak of the last
//! mail of the case that the bot had answered with an entry by then: the entry was right for it, or wrong. Of several words
//! about the same thing the last one counts. A word about mail that is not looked at (it is too old) labels nothing.

use std::collections::{BTreeMap, HashMap};

use super::Archived;
use crate::case::Lesson;
use crate::ids::{CaseNumber, CategoryId};

/// A mail of which an agent has said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The place of the mail.
    pub mail: usize,
    pub case: CaseNumber,
    pub label: Label,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// It is about this.
    Category(CategoryId),
    /// The entry that it was answered with was right, or wrong.
    Entry { good: bool },
}

/// The labels of these mails, which come with their places in the order in which they were decided.
pub(super) fn labels<'m>(mails: impl Iterator<Item = (usize, &'m Archived)>) -> Vec<Labelled> {
    let (mut first, mut answered): (HashMap<CaseNumber, usize>, HashMap<CaseNumber, usize>) = Default::default();
    let (mut sorted, mut judged): (BTreeMap<usize, Labelled>, BTreeMap<usize, Labelled>) = Default::default();
    for (place, Archived { mail, recorded }) in mails {
        let case = mail.case;
        if mail.learned.is_empty() {
            if !recorded.by_agent {
                first.entry(case).or_insert(place);
                answered.extend(recorded.entry().map(|_| (case, place)));
            }
            continue;
        }
        for lesson in &mail.learned {
            match lesson {
                Lesson::Category(category) => {
                    let Some(mail) = first.get(&case).copied() else { continue };
                    sorted.insert(mail, Labelled { mail, case, label: Label::Category(category.clone()) });
                }
                Lesson::Answer { good } => {
                    let Some(mail) = answered.get(&case).copied() else { continue };
                    judged.insert(mail, Labelled { mail, case, label: Label::Entry { good: *good } });
                }
                Lesson::Draft(_) => {}
            }
        }
    }
    sorted.into_values().chain(judged.into_values()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decide::Recorded;
    use crate::ids::{MailHash, MailboxName, TemplateName};
    use crate::store::PastMail;
    use crate::time::Timestamp;

    /// What came of a mail of this case: an answer, or what an agent taught by it.
    fn mail(case: u64, template: &str, by_agent: bool, learned: &[Lesson]) -> Archived {
        let mail = PastMail {
            hash: MailHash::of(b"a"),
            mailbox: MailboxName::parse("support").unwrap(),
            at: Timestamp::UNIX_EPOCH,
            delivered: Timestamp::UNIX_EPOCH,
            before: None,
            case: CaseNumber::from_bits(case),
            learned: learned.to_vec(),
            why: Vec::new(),
        };
        let template = TemplateName::parse(template).ok();
        Archived { mail, recorded: Arc::new(Recorded { category: None, template, by_agent }) }
    }

    #[test]
    fn a_word_about_an_entry_is_about_the_last_mail_that_was_answered_with_one() {
        let (good, bad) = (Lesson::Answer { good: true }, Lesson::Answer { good: false });
        let about = |name: &str| Lesson::Category(CategoryId::parse(name).unwrap());
        let mails = [
            mail(1, "kb/a", false, &[]),
            mail(1, "handoff/open", false, &[]),
            // What an agent wrote before is no customer's mail.
            mail(1, "", true, &[]),
            mail(1, "", true, &[about("a.b"), good.clone(), bad.clone()]),
            mail(2, "ack/received", false, &[]),
            mail(2, "", true, std::slice::from_ref(&good)),
            mail(3, "kb/a", false, &[]),
            mail(3, "", true, &[bad]),
            mail(3, "kb/b", false, &[]),
            mail(3, "", true, &[good, about("a.c"), about("a.d")]),
            // Of a case that is older than what is looked at.
            mail(4, "", true, &[about("a.b")]),
        ];
        let told: Vec<(usize, Label)> =
            labels(mails.iter().enumerate()).into_iter().map(|one| (one.mail, one.label)).collect();
        let category = |name: &str| Label::Category(CategoryId::parse(name).unwrap());
        let want = [
            (0, category("a.b")),
            (6, category("a.d")),
            (0, Label::Entry { good: false }),
            (6, Label::Entry { good: false }),
            (8, Label::Entry { good: true }),
        ];
        assert_eq!(told, want);
    }
}
