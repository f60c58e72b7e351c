//! The digest: one mail that names every mail an agent was not sent one by one.

use std::collections::BTreeMap;

use super::Mail;
use crate::address::Address;
use crate::case::Folded;
use crate::compose::{self, Line, Values, Written};
use crate::ids::CaseNumber;
use crate::language::Language;
use crate::outgoing::Outgoing;
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::time::Timestamp;

/// Characters of a subject in a digest.
const SUBJECT: usize = 60;
/// Mails of one sender that have a line of their own; of more, only numbers are told.
const LINES: usize = 50;
/// Mails on a line of numbers.
const ON_A_LINE: usize = 3;

/// What the digest will say of this mail, for those who are told of it there.
pub(super) fn folded(mail: &Mail<'_>, case: CaseNumber, to: &[Address], now: Timestamp) -> Option<Folded> {
    (!to.is_empty()).then(|| Folded {
        to: to.to_vec(),
        case,
        mail: mail.hash,
        at: now,
        from: mail.message.sender().cloned(),
        subject: Line::new(&mail.message.subject, SUBJECT).to_string(),
    })
}

/// The mail to `to` that names these. None where no mailbox is configured that it could come from.
pub fn digest(to: &Address, mails: &[Folded], playbook: &Playbook, now: Timestamp) -> Option<Outgoing> {
    let mailbox = playbook.config().mailboxes.first()?;
    let language = playbook.agent_language(to);
    let list = list(mails, language);
    let mut values: Values = playbook.values(&mailbox.group, language, now);
    values.text("digest.count", &mails.len().to_string());
    let template = own(OwnTemplates::DIGEST);
    // A template bounds what it renders; the list must name every mail, however many there are.
    let written = match playbook.templates().render(&template, language, &values) {
        Ok(text) => Written::new(text.subject(), &format!("{}\n\n{list}", text.body()), language),
        Err(error) => Written::new(template.as_str(), &format!("{error}\n\n{list}"), language),
    };
    let name = mails.iter().map(|folded| folded.mail.to_string()).collect::<Vec<_>>().join(" ");
    Some(compose::digest(playbook.key(), &playbook.voice(mailbox, language), to, &written, &name, now))
}

/// The mails by their senders, who wrote most first.
fn list(mails: &[Folded], language: Language) -> String {
    let mut senders: BTreeMap<Option<&Address>, Vec<&Folded>> = BTreeMap::new();
    mails.iter().for_each(|folded| senders.entry(folded.from.as_ref()).or_default().push(folded));
    let mut senders: Vec<_> = senders.into_iter().collect();
    senders.sort_by_key(|(_, mails)| std::cmp::Reverse(mails.len()));
    let mut text = String::new();
    for (sender, mails) in senders {
        let nobody = match language {
            Language::Zh => "（无发件人）",
            Language::En => "(no sender)",
            Language::Ja => "（差出人なし）",
        };
        text.push_str(&format!("{} ({})\n", sender.map_or(nobody.to_owned(), Address::to_string), mails.len()));
        match mails.len() {
            0..=LINES => mails.iter().for_each(|folded| text.push_str(&line(folded))),
            _ => mails.chunks(ON_A_LINE).for_each(|mails| text.push_str(&numbers(mails))),
        }
        text.push('\n');
    }
    text
}

fn line(folded: &Folded) -> String {
    let Folded { case, at, mail, subject, .. } = folded;
    format!("  {case}  {}  {}  {subject}\n", at.strftime("%m-%d %H:%M"), mail.short())
}

fn numbers(mails: &[&Folded]) -> String {
    let named: Vec<String> = mails.iter().map(|folded| format!("{} {}", folded.case, folded.mail.short())).collect();
    format!("  {}\n", named.join("   "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MailHash;

    fn folded(n: u64, from: Option<&str>) -> Folded {
        Folded {
            to: Vec::new(),
            case: CaseNumber::from_bits(n),
            mail: MailHash::of(&n.to_be_bytes()),
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            from: from.map(|from| Address::parse(from).unwrap()),
            subject: format!("subject {n}"),
        }
    }

    #[test]
    fn every_mail_is_named_whoever_wrote_it_and_however_many() {
        let storm = (0..500).map(|n| folded(n, Some("storm@example.org")));
        let others = (500..510).map(|n| folded(n, Some("ann@example.org"))).chain([folded(600, None)]);
        let mails: Vec<Folded> = others.chain(storm).collect();
        let list = list(&mails, Language::En);
        for mail in &mails {
            assert!(list.contains(&mail.case.to_string()) && list.contains(&mail.mail.short()), "{mail:?}");
        }
        assert!(list.starts_with("storm@example.org (500)\n"), "{}", &list[..80]);
        assert!(list.contains("subject 505") && !list.contains("subject 7"));
        assert!(list.contains("(no sender) (1)\n"));
        assert!(list.lines().all(|line| line.len() < 200));
    }
}
