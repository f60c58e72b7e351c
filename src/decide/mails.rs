//! The mails a decision sends: the answer, the forwards to the group, and notices to the operator.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Says;
use super::ration::Ration;
use super::{Mail, Plan, Silence, Why, banner, customer, told};
use crate::address::Address;
use crate::case::{Case, CaseState, Exchange, Facts, Prints};
use crate::compose::{self, Field, ForwardSheet, Values, Verdict, Written};
use crate::ids::{CaseNumber, Key, MailHash, MessageId, Right, TemplateName};
use crate::language::Language;
use crate::message::Defect;
use crate::outgoing::{Leaves, Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::rules::{Hit, Notified, Won};
use crate::screen::{self, Kind, Reason};
use crate::thread::{self, Because, Threading};
use crate::time::Timestamp;

/// Pieces of evidence shown to an agent; the first ones decided the matter.
const MAX_EVIDENCE: usize = 8;

pub(super) struct Letters {
    pub answer: Option<Outgoing>,
    /// The text of the answer.
    pub said: Option<String>,
    pub forwards: Vec<Outgoing>,
    /// What agents are told in the forwards, but for what the requester wrote or was told.
    pub internal: Prints,
    /// To whom rules notify.
    pub notices: Vec<Outgoing>,
}

/// Writes the mails of a plan; `agents` are sent what goes to humans. A template that fails is an answer that does not leave, never a mail lost: the
/// forward to humans still does, and the fault is named in it.
#[expect(clippy::too_many_arguments, reason = "everything its mails are made of")]
pub(super) fn write(
    mail: &Mail<'_>,
    case: &Case,
    agents: &[Address],
    plan: &Plan,
    draft: Option<&TemplateName>,
    facts: &Facts,
    why: &Why,
    ration: &mut Ration<'_>,
    playbook: &Playbook,
    now: Timestamp,
) -> Letters {
    let (written, fault) =
        match plan.written_now().or(draft).map(|template| answer_text(case, template, facts, why, playbook, now)) {
            None => (None, None),
            Some(Ok(written)) => (Some(written), None),
            Some(Err(fault)) => (None, Some(fault)),
        };
    let voice = playbook.voice(mail.mailbox, case.language);
    let answer = match (&written, &why.screening.answer_to) {
        (Some(written), Some(to)) if draft.is_none() => {
            let answer = compose::answer(playbook.key(), &voice, case.number, to, mail.message, written, now);
            let waits = why.silence == Some(Silence::Approval);
            Some(Outgoing { leaves: if waits { Leaves::WhenReleased } else { answer.leaves }, ..answer })
        }
        _ => None,
    };
    let said = written.as_ref().filter(|_| answer.is_some()).map(|written| written.body().to_owned());
    let (forwards, internal) = match plan.goes_to_humans() || fault.is_some() {
        true => forwards(mail, case, agents, &facts.transcript, why, written, fault, ration, playbook, now),
        false => (Vec::new(), Prints::default()),
    };
    let notices = match plan {
        Plan::Record => Vec::new(),
        _ => notices(mail, case, why, ration, playbook, now),
    };
    Letters { answer, said, forwards, internal, notices }
}

fn answer_text(
    case: &Case,
    template: &TemplateName,
    facts: &Facts,
    why: &Why,
    playbook: &Playbook,
    now: Timestamp,
) -> Result<Written, String> {
    let mut values = playbook.values(&case.group, case.language, now);
    values.text("case.number", &case.number.to_string());
    for (field, value) in &why.judgement.fields {
        values.code(&format!("fields.{field}"), value);
    }
    let labels: Vec<String> =
        customer::missing(case, why).map(|field| playbook.field_label(field, case.language)).collect();
    values.list("missing", labels.iter().map(String::as_str));
    values.flag("mail.secrets", !why.judgement.redact.is_empty());
    values.flag("case.offers", customer::offers_a_human(case));
    customer::promise(&mut values, case, facts, playbook, now);
    if Says::of(template) == Says::Status {
        let proven = why.screening.authentication.verdict == screen::Verdict::Pass;
        customer::fill(&mut values, case, proven, playbook, now);
    }
    let written = playbook.templates().render(template, case.language, &values).map_err(|error| error.to_string())?;
    Ok(banner::below_notices(written, case, playbook, now))
}

#[expect(clippy::too_many_arguments, reason = "everything agents are told of")]
fn forwards(
    mail: &Mail<'_>,
    case: &Case,
    agents: &[Address],
    transcript: &[Exchange],
    why: &Why,
    answered: Option<Written>,
    fault: Option<String>,
    ration: &mut Ration<'_>,
    playbook: &Playbook,
    now: Timestamp,
) -> (Vec<Outgoing>, Prints) {
    let agents: Vec<&Address> = agents.iter().filter(|to| ration.allows(to)).collect();
    if agents.is_empty() {
        return (Vec::new(), Prints::default());
    }
    let human = why.screening.kind == Kind::Human;
    // An agent's answer goes to the customer; to an automatic sender nobody answers. An address with UTF-8 in it would
    // need SMTPUTF8 on the way to the agents (RFC 6531 §3.4): they find it in the sheet.
    let outsider = customer::is_outsider(&why.threading);
    let customer = case.requester.as_ref().filter(|address| human && !outsider && !address.is_international());
    let relays = playbook.relays() && human && !outsider && case.requester.is_some();
    let about = About { case, transcript, why, answered, fault, relays };
    // One sheet for all who read its language, unless an address in it is the agent's own.
    let note_to = |to: &Address| {
        let token = playbook.token(case.number, Right::Note, to, now);
        playbook.address_of(&token).filter(|_| relays)
    };
    let key = |to: &Address| (playbook.agent_language(to), note_to(to));
    let mut sheets: BTreeMap<(Language, Option<Address>), (Option<MailHash>, Written)> = BTreeMap::new();
    for agent in &agents {
        let (language, note_to) = key(agent);
        let write = || sheet(mail, &about, note_to.clone(), language, playbook);
        sheets.entry((language, note_to.clone())).or_insert_with(write);
    }
    let name = mail.hash.to_string();
    let forward = |to: &Address| {
        let (original, written) = &sheets[&key(to)];
        let voice = playbook.voice(mail.mailbox, written.language());
        let token = playbook.token(case.number, Right::Reply, to, now);
        let reply_to = match customer {
            _ if playbook.relays() => playbook.reply_address(mail.mailbox, &token),
            Some(customer) => customer.clone(),
            None => voice.address.clone(),
        };
        compose::forward(playbook.key(), &voice, &token, to, &reply_to, written, *original, &name, now)
    };
    let mut internal = Prints::default();
    // What the requester wrote or was told is no secret from them; an agent may well repeat it.
    let fields = why.judgement.fields.values().chain(case.work.fields.values()).map(String::as_str);
    let told = fields.chain([thread::own_subject(&mail.message.subject)]);
    let told: Vec<&str> = told.filter(|told| !told.is_empty()).collect();
    let theirs = |line: &str| line.starts_with(['|', '>']) || told.iter().any(|told| line.contains(told));
    for (_, written) in sheets.values() {
        let lines: Vec<&str> = written.body().lines().filter(|line| !theirs(line)).collect();
        internal.extend(&Prints::of(&lines.join("\n")));
    }
    (agents.into_iter().map(forward).collect(), internal)
}

/// What a sheet tells beside the mail itself.
struct About<'a> {
    case: &'a Case,
    transcript: &'a [Exchange],
    why: &'a Why,
    answered: Option<Written>,
    fault: Option<String>,
    /// An answer to the sheet goes to the customer.
    relays: bool,
}

/// The sheet in one language, and the original that goes along with it.
fn sheet(
    mail: &Mail<'_>,
    about: &About<'_>,
    note_to: Option<Address>,
    language: Language,
    playbook: &Playbook,
) -> (Option<MailHash>, Written) {
    let About { case, transcript, why, answered, fault, relays } = about;
    let message = mail.message;
    let never_left = matches!(why.silence, Some(Silence::Approval | Silence::Shadow));
    let suggested = why.judgement.suggested.as_ref().filter(|_| answered.is_none() && *relays);
    // The case remembers what earlier mails said; of this one it learns when everything about it is written.
    let (told, earlier) = (&why.judgement.fields, &case.work.fields);
    let label = |field: &String| playbook.field_label(field, language);
    let read = told.iter().map(|(field, value)| Field {
        label: label(field),
        value: value.clone(),
        before: earlier.get(field).filter(|before| **before != customer::kept(value)).cloned().unwrap_or_default(),
    });
    let known = earlier.iter().filter(|(field, _)| !told.contains_key(*field));
    // What a mail may be about, too, helps nobody who has the case.
    let is_about = |won: &Won| case.category.as_ref() == Some(&won.category);
    let sheet = ForwardSheet {
        case: case.number,
        group: playbook.group_label(&case.group, language),
        name: message.from.first().map(|person| person.name.clone()).unwrap_or_default(),
        requester: message.sender().cloned(),
        subject: thread::own_subject(&message.subject).to_owned(),
        language: message.language.as_str().into(),
        category: case.category.as_ref().map(|about| playbook.category_label(about, language)).unwrap_or_default(),
        verdict: why.judgement.category.as_ref().filter(|won| won.sure || is_about(won)).map(|won| Verdict {
            category: playbook.category_label(&won.category, language),
            score: won.score,
            margin: won.margin,
            evidence: evidence(why, playbook),
        }),
        fields: read.collect(),
        known: known.map(|(field, value)| (label(field), value.clone())).collect(),
        answered: answered.clone(),
        draft: never_left,
        transcript: told::transcript(transcript, &case.group, language, playbook),
        relays: *relays,
        note_to,
        suggested: suggested.and_then(|name| name.as_str().strip_prefix("kb/")).unwrap_or_default().to_owned(),
        why: reasons(case, why, fault.clone(), playbook, language),
        attachments: message.attachments.clone(),
        // The original has the secrets in it that are masked here.
        send_original: playbook.config().handoff.attach_original
            && why.judgement.redact.is_empty()
            && message.size as u64 <= playbook.largest_original(),
        authentication: told::authentication(&why.screening.authentication, message.sender(), language),
        warnings: warnings(mail, why, language),
        text: match why.screening.kind {
            Kind::Human => fresh_and_forwarded(mail),
            _ => message.text.clone(),
        },
    };
    let original = sheet.carries_original().then_some(mail.hash);
    let written = sheet.write(playbook.templates(), &own(OwnTemplates::SHEET), language);
    // The sheet's template is checked when the playbook is; if it fails all the same, agents get the bare fault
    // and the original rather than nothing.
    let written = written.unwrap_or_else(|error| Written::new(&case.number.to_string(), &error.to_string(), language));
    (original, written)
}

fn fresh_and_forwarded(mail: &Mail<'_>) -> String {
    let segments = &mail.message.segments;
    match segments.forwarded.is_empty() {
        true => segments.fresh.clone(),
        false => format!("{}\n\n{}", segments.fresh, segments.forwarded),
    }
}

/// The words of the mail that made rules hold. Those that were only weighed (`的邮`, `have`) say nothing to a person.
fn evidence(why: &Why, playbook: &Playbook) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let speaks = |hit: &&Hit| !hit.shadow && playbook.rules().rule(&hit.rule).is_some_and(|rule| !rule.only_weighs());
    let hits = why.judgement.hits.iter().filter(speaks);
    let spans = hits.flat_map(|hit| hit.evidence.iter().map(|evidence| evidence.text.clone()));
    let spans: Vec<String> = spans.filter(|text| seen.insert(text.clone())).collect();
    // `邮件` says nothing to a person where `发送邮件一直失败` stands.
    let part = |text: &String| spans.iter().any(|other| other.len() > text.len() && other.contains(text.as_str()));
    let telling = spans.iter().filter(|text| text.chars().nth(1).is_some() && !part(text));
    telling.take(MAX_EVIDENCE).cloned().collect()
}

/// What agents must know before they trust the mail.
fn warnings(mail: &Mail<'_>, why: &Why, language: Language) -> Vec<String> {
    let mut reasons = why.screening.reasons.clone();
    // A forged sender is named also where it is no reason for silence.
    let forged = why.screening.authentication.verdict == screen::Verdict::Fail;
    if forged && !reasons.contains(&Reason::AuthenticationFailed) {
        reasons.push(Reason::AuthenticationFailed);
    }
    let screened = reasons.iter().map(|reason| reason.explanation(language).to_owned());
    let cut = mail.message.defects.contains(&Defect::Cut).then(|| told::cut(language));
    let redacted = (!why.judgement.redact.is_empty()).then(|| told::redacted(language));
    screened.chain(cut).chain(redacted).collect()
}

/// The short word to whom rules notify: which case, and what it is about, nothing of what the customer wrote.
fn notices(
    mail: &Mail<'_>,
    case: &Case,
    why: &Why,
    ration: &mut Ration<'_>,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Outgoing> {
    let handoff = &playbook.config().handoff;
    let mut to: Vec<&Address> = Vec::new();
    for notified in &why.judgement.notify {
        match notified {
            Notified::Group(group) => to.extend(handoff.addresses(group)),
            Notified::Address(address) => to.push(address),
        }
    }
    let mut told = BTreeSet::new();
    to.retain(|address| told.insert(*address) && ration.allows(address));
    let category = why.judgement.category.as_ref();
    let rules = why.judgement.hits.iter().filter(|hit| !hit.shadow && playbook.rules().notifies(&hit.rule));
    let rules: Vec<&str> = rules.map(|hit| hit.rule.as_str()).collect();
    let told = [
        ("notice.case", case.number.to_string()),
        (
            "notice.what",
            category.map(|won| playbook.category_label(&won.category, handoff.language)).unwrap_or_default(),
        ),
        ("notice.to", playbook.group_label(&case.group, handoff.language)),
        ("notice.why", rules.join(", ")),
    ];
    let name = format!("notified {}", mail.hash);
    let fill = |values: &mut Values| {
        for (key, text) in &told {
            values.text(key, text);
        }
    };
    let send = |to: &Address| notice_to(to, playbook, mail.mailbox, OwnTemplates::NOTIFIED, &name, fill, now);
    to.into_iter().map(send).collect()
}

/// Why humans get the mail, in their language.
fn reasons(case: &Case, why: &Why, fault: Option<String>, playbook: &Playbook, language: Language) -> Vec<String> {
    let is_human = why.screening.kind == Kind::Human && !customer::is_outsider(&why.threading);
    // What else a person writes who has been asked opens the case again.
    let stars = case.work.rating.filter(|_| is_human && case.state == CaseState::Closed);
    let mut reasons = match stars {
        Some(stars) => vec![told::rated(stars, language)],
        None => matters(why, playbook, language),
    };
    let ends = why.judgement.closes_at_once() || case.state == CaseState::Closed;
    let follows = matches!(why.threading, Threading::Follows { .. });
    // Of one that is proven false more is told elsewhere.
    let uncertain = why.screening.authentication.verdict != screen::Verdict::Fail
        && !customer::is_certain(&why.threading, &why.screening, playbook);
    if ends && follows && is_human && uncertain {
        reasons.push(told::uncertain(language));
    }
    reasons.extend(why.suppressed.as_ref().map(|suppressed| told::suppressed(suppressed, language)));
    reasons.extend(why.silence.as_ref().map(|silence| told::silence(silence, &why.screening, language)));
    if case.work.chasers > 0 {
        reasons.push(customer::chased(case.work.chasers, language));
    }
    reasons.extend(fault);
    reasons
}

/// What in a mail, or in how it came, is for a human.
pub(super) fn matters(why: &Why, playbook: &Playbook, language: Language) -> Vec<String> {
    let judgement = &why.judgement;
    let mut matters: Vec<String> = Vec::new();
    matters.extend(judgement.handoff.as_ref().map(|handoff| told::handoff(&handoff.reason, language)));
    match &why.threading {
        Threading::Follows { because: Because::OwnMessageIdFromOther, .. } => matters.push(told::outsider(language)),
        Threading::Continues(number) => matters.push(told::continues(*number, language)),
        Threading::Follows { .. } if why.screening.kind == Kind::Human => matters.push(told::follow_up(language)),
        _ => {}
    }
    if let Some(why_not) = judgement.why_not.as_ref().filter(|_| why.screening.kind == Kind::Human) {
        matters.push(told::ambiguity(why_not, |category| playbook.category_label(category, language), language));
    }
    if why.threading == Threading::New {
        matters.extend(why.names.map(|number| told::names_another(number, language)));
    }
    matters
}

/// Tells the operator something, or the agents where there is no operator.
pub(super) fn notice(
    playbook: &Playbook,
    mailbox: &crate::config::Mailbox,
    template: &str,
    name: &str,
    told: &[(&str, String)],
    now: Timestamp,
) -> Option<Outgoing> {
    let fill = |values: &mut Values| {
        for (key, text) in told {
            values.text(key, text);
        }
    };
    notice_of(playbook, mailbox, template, name, fill, now)
}

/// A notice whose values are more than lines of text.
pub(super) fn notice_of(
    playbook: &Playbook,
    mailbox: &crate::config::Mailbox,
    template: &str,
    name: &str,
    fill: impl FnOnce(&mut Values),
    now: Timestamp,
) -> Option<Outgoing> {
    let config = playbook.config();
    let to: &Address = config.operator.as_ref().or(config.handoff.to.first())?;
    Some(notice_to(to, playbook, mailbox, template, name, fill, now))
}

fn notice_to(
    to: &Address,
    playbook: &Playbook,
    mailbox: &crate::config::Mailbox,
    template: &str,
    name: &str,
    fill: impl FnOnce(&mut Values),
    now: Timestamp,
) -> Outgoing {
    let written = notice_text(playbook, mailbox, template, fill, now);
    let language: Language = playbook.config().handoff.language;
    compose::notice(playbook.key(), &playbook.voice(mailbox, language), to, &written, name, now)
}

fn notice_text(
    playbook: &Playbook,
    mailbox: &crate::config::Mailbox,
    template: &str,
    fill: impl FnOnce(&mut Values),
    now: Timestamp,
) -> Written {
    let language: Language = playbook.config().handoff.language;
    let mut values: Values = playbook.values(&mailbox.group, language, now);
    fill(&mut values);
    let written = playbook.templates().render(&own(template), language, &values);
    written.unwrap_or_else(|error| Written::new(template, &error.to_string(), language))
}

/// A notice about a mail that could not be handled, to whom [`notice`] would tell it, with the mail as a file.
pub(super) fn notice_with_octets(
    playbook: &Playbook,
    mailbox: &crate::config::Mailbox,
    template: &str,
    mail: MailHash,
    told: &[(&str, String)],
    now: Timestamp,
) -> Option<Outgoing> {
    let config = playbook.config();
    let to: &Address = config.operator.as_ref().or(config.handoff.to.first())?;
    let fill = |values: &mut Values| {
        for (key, text) in told {
            values.text(key, text);
        }
    };
    let written = notice_text(playbook, mailbox, template, fill, now);
    let voice = playbook.voice(mailbox, config.handoff.language);
    Some(compose::notice_with_octets(playbook.key(), &voice, to, &written, mail, now))
}

/// What kind of mail of ours an identifier belongs to, and its case; none if it is not ours.
pub(super) fn own_mail(id: &MessageId, key: &Key) -> Option<(Purpose, Option<CaseNumber>)> {
    let own = id.own(key)?;
    let purpose = Purpose::ALL.into_iter().find(|purpose| own.name.starts_with(purpose.as_str()))?;
    Some((purpose, own.case))
}
