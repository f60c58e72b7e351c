//! A mail of an agent: what they order is done, what they say goes to the requester.
//!
//! Two proofs, never one. The mail must really come from the agent: a DKIM signature of their domain, or the word of
//! a server we trust. And it must carry the token that we gave to this agent for this case, in the address it is
//! written to or in the Message-IDs it answers. Where one of them is missing, nothing is relayed, noted or done, and
//! the operator hears of it. What is unclear is asked back, and does nothing either: an order is done as a whole or
//! not at all. CC and BCC of an agent's mail mean nothing, and nothing of it but the fresh text above our line is
//! ever sent.

mod named;
mod orders;
mod receipt;
mod unsent;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use self::orders::Desk;
use super::ration::Ration;
use super::{Decision, Effect, Mail, Shown, Why};
use super::{assign, digest, mails};
use crate::address::Address;
use crate::agent::{self, Command};
use crate::case::{Absence, Case, Facts};
use crate::ids::{MailHash, Token, TokenFault};
use crate::language::Language;
use crate::message::Message;
use crate::playbook::{OwnTemplates, Playbook};
use crate::rules::Judgement;
use crate::screen::{self, Authentication, Kind, Screening, Verdict, Witness};
use crate::thread::{self, Because, Threading};
use crate::time::{self, Timestamp};

/// How long an agent counts as away after an absence note that names no day of return.
const AWAY_DAYS: i64 = 3;

/// What became of an agent's mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heed {
    /// It goes to the requester.
    Relayed,
    /// A note, or orders, or both.
    Obeyed,
    /// It waits for the agent's second word.
    Held,
    /// It was not understood; the agent is told.
    Unclear,
    /// It lacks a proof.
    Refused(Refusal),
    /// An absence note: the agent is away.
    Away,
}

/// Which proof is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing confirms that the agent wrote it.
    Unproven,
    /// It is proven false.
    Forged,
    /// The token is another agent's, or made up.
    ForeignToken,
    ExpiredToken,
    /// There is no token at all, and there is an order.
    NoToken,
}

/// What an agent's mail is about, before it is judged.
struct Claim<'a> {
    agent: &'a Address,
    token: Option<Token>,
}

/// What is decided about a mail that claims to come from an agent about a case; none for all other mail.
pub(super) fn attend(
    mail: &Mail<'_>,
    facts: &Facts,
    screening: &Screening,
    playbook: &Playbook,
    now: Timestamp,
) -> Option<Decision> {
    if mail.baseline || !playbook.relays() {
        return None;
    }
    let token = thread::token(mail.message, playbook.key());
    // Who is no agent and has a token from somewhere is a stranger in a case, and threaded as such.
    let agent = mail.message.sender().filter(|sender| playbook.is_agent(sender))?;
    let claim = Claim { agent, token };
    let case = claim.token.as_ref().and_then(|token| {
        // A case that was merged is acted on where it goes on.
        let number = facts.merged.get(&token.case).unwrap_or(&token.case);
        facts.by_signed.iter().find(|case| case.number == *number)
    });
    let written = case.map(|case| written(mail.message, case, facts));
    let mail = &Mail { message: written.as_deref().unwrap_or(mail.message), ..*mail };
    let orders = agent::read(fresh(mail.message));
    let ordered = !orders.commands.is_empty() || !orders.unclear.is_empty();
    if claim.token.is_none() && !ordered {
        return None;
    }
    let automatic = matches!(screening.kind, Kind::AutoReply | Kind::Bounce | Kind::Report | Kind::List | Kind::Own);
    if automatic {
        return Some(away(mail, &claim, case, screening, playbook, now));
    }
    let (token, case) = match may(mail, &claim, case, screening, playbook, now) {
        Ok(allowed) => allowed,
        Err(refusal) => return Some(refuse(mail, &claim, case, refusal, screening, facts, playbook, now)),
    };
    let desk = Desk { mail, agent, token, case, facts, playbook, now };
    let done = desk.carry_out(&orders);
    Some(decision(screening, case, done.heed, done.effects))
}

/// The case about which an agent asks why it is where it is, and their language.
pub fn asks_why<'d>(message: &Message, decision: &'d Decision, playbook: &Playbook) -> Option<(&'d Case, Language)> {
    let Threading::Follows { case, because: Because::AgentsToken } = &decision.why.threading else { return None };
    let asks = agent::read(fresh(message)).commands.contains(&Command::Why);
    let agent = message.sender().filter(|_| asks)?;
    Some((case.as_ref(), playbook.agent_language(agent)))
}

/// Is the order this agent's, and about a case we know? Both proofs are looked at, whatever the first one says.
fn may<'a>(
    mail: &Mail<'_>,
    claim: &'a Claim<'_>,
    case: Option<&'a Case>,
    screening: &Screening,
    playbook: &Playbook,
    now: Timestamp,
) -> Result<(&'a Token, &'a Case), Refusal> {
    let token = match &claim.token {
        None => Err(Refusal::NoToken),
        Some(token) => match token.check(playbook.key(), &claim.agent.to_string(), time::day_number(now)) {
            Ok(()) => Ok(token),
            Err(TokenFault::Foreign) => Err(Refusal::ForeignToken),
            Err(TokenFault::Expired) => Err(Refusal::ExpiredToken),
        },
    };
    proven(mail, &screening.authentication, playbook)?;
    let token = token?;
    // The token names a case that we opened: one that is not there was erased.
    Ok((token, case.ok_or(Refusal::ExpiredToken)?))
}

/// Who sent it, as far as an order needs to know: a signature of the domain in From, or a server's word for more than
/// the address that handed the mail over (a forwarder, or a smuggled mail, passes SPF as well). Where nothing speaks for it
/// and nothing against it, the networks that an admin lists do.
fn proven(mail: &Mail<'_>, authentication: &Authentication, playbook: &Playbook) -> Result<(), Refusal> {
    let Authentication { verdict, dkim, spf, dmarc, by } = authentication;
    match verdict {
        Verdict::Fail => Err(Refusal::Forged),
        Verdict::Unknown if screen::came_from_inside(mail.message, &playbook.config().handoff.internal_networks) => {
            Ok(())
        }
        Verdict::Unknown => Err(Refusal::Unproven),
        Verdict::Pass if *dkim == Verdict::Pass => Ok(()),
        Verdict::Pass if *dmarc == Verdict::Pass && *spf != Verdict::Pass && *by != Witness::Nobody => Ok(()),
        Verdict::Pass => Err(Refusal::Unproven),
    }
}

/// An absence note or a bounce of an agent's mailbox: it reaches nobody, and the agent gets no new cases for a while. It
/// must answer a mail that this agent got: nobody else sends them home.
fn away(
    mail: &Mail<'_>,
    claim: &Claim<'_>,
    case: Option<&Case>,
    screening: &Screening,
    playbook: &Playbook,
    now: Timestamp,
) -> Decision {
    let mut effects: Vec<Effect> = case.map(|case| Effect::Append(touched(case, now))).into_iter().collect();
    let token = claim.token.as_ref();
    let is_theirs = token.is_some_and(|token| token.check(playbook.key(), &claim.agent.to_string(), 0).is_ok());
    if screening.kind == Kind::AutoReply && is_theirs && screening.authentication.verdict != Verdict::Fail {
        let until = until(mail, claim.agent, case, playbook, now);
        effects.push(Effect::Away(Absence { agent: claim.agent.clone(), until }));
    }
    match case {
        Some(case) => decision(screening, case, Heed::Away, effects),
        None => Decision { effects, why: why(screening, Threading::New, Heed::Away, None) },
    }
}

/// Until when an agent is away: the begin of the day on which they say that they are back, where they are.
fn until(mail: &Mail<'_>, agent: &Address, case: Option<&Case>, playbook: &Playbook, now: Timestamp) -> Timestamp {
    let group = case.map_or(&mail.mailbox.group, |case| &case.group);
    let zone = assign::calendar_of(agent, group, playbook).map_or(TimeZone::UTC, |calendar| calendar.zone.clone());
    let note = format!("{}\n{}", thread::own_subject(&mail.message.subject), fresh(mail.message));
    let day = agent::back(&note, now.to_zoned(zone.clone()).date());
    let begins = day.and_then(|day| day.to_zoned(zone).ok()).map(|begin| begin.timestamp());
    begins.unwrap_or_else(|| now + jiff::SignedDuration::from_hours(24 * AWAY_DAYS))
}

/// Nothing is done, and the operator hears of it. The mail is kept in the case, if there is one; nobody is answered,
/// since nobody knows who wrote it.
#[expect(clippy::too_many_arguments, reason = "everything the operator is told of")]
fn refuse(
    mail: &Mail<'_>,
    claim: &Claim<'_>,
    case: Option<&Case>,
    refusal: Refusal,
    screening: &Screening,
    facts: &Facts,
    playbook: &Playbook,
    now: Timestamp,
) -> Decision {
    let language = playbook.config().handoff.language;
    let told = [
        ("notice.what", receipt::refusal(refusal, language).to_owned()),
        ("notice.case", case.map(|case| case.number.to_string()).unwrap_or_default()),
        ("notice.to", claim.agent.to_string()),
        ("notice.why", super::told::authentication(&screening.authentication, Some(claim.agent), language)),
        ("notice.file", mail.hash.to_string()),
    ];
    let name = format!("refused {}", mail.hash);
    let notice = mails::notice(playbook, mail.mailbox, OwnTemplates::REFUSED, &name, &told, now);
    let mut effects: Vec<Effect> = case.map(|case| Effect::Append(touched(case, now))).into_iter().collect();
    // Whoever forges a million of them makes a few alerts, and lines in a digest.
    let mut ration = Ration::new(Some(claim.agent), &facts.budgets, &playbook.config().budget, now);
    let notice = notice.filter(|notice| ration.allows(&notice.envelope.to));
    let (folded, drawn) = ration.settle();
    let number = case.map(|case| case.number).or(facts.free_number);
    effects.extend(drawn.into_iter().map(Effect::Spend));
    effects.extend(number.and_then(|number| digest::folded(mail, number, &folded, now)).map(Effect::Fold));
    effects.extend(notice.map(Effect::Send));
    match case {
        Some(case) => decision(screening, case, Heed::Refused(refusal), effects),
        None => Decision { effects, why: why(screening, Threading::New, Heed::Refused(refusal), None) },
    }
}

fn touched(case: &Case, now: Timestamp) -> Case {
    Case { touched: now, ..case.clone() }
}

fn decision(screening: &Screening, case: &Case, heed: Heed, effects: Vec<Effect>) -> Decision {
    let after = effects.iter().find_map(|effect| match effect {
        Effect::Open(case) | Effect::Append(case) => Some(case.clone()),
        _ => None,
    });
    let after = after.unwrap_or_else(|| case.clone());
    let threading = Threading::Follows { case: Box::new(case.clone()), because: Because::AgentsToken };
    Decision { effects, why: why(screening, threading, heed, Some(&after)) }
}

fn why(screening: &Screening, threading: Threading, heed: Heed, case: Option<&Case>) -> Why {
    Why {
        screening: screening.clone(),
        threading,
        names: None,
        judgement: Judgement::default(),
        shown: Shown::Agent(heed),
        silence: None,
        suppressed: None,
        folded: Vec::new(),
        state: case.map_or(crate::case::CaseState::New, |case| case.state),
    }
}

/// What makes one mail of an agent another than the next, in the Message-ID of what it sends.
fn name(hash: &MailHash, part: &str) -> String {
    format!("{part} {hash}")
}

/// What the agent wrote now. A mail of which nothing is left but the quote and a signature says nothing.
fn fresh(message: &Message) -> &str {
    if message.segments.uncut { "" } else { &message.segments.fresh }
}

/// An agent's mail with our own lines among the quoted ones. What has not left was not said: a draft, or a reply that may be
/// called back. Who writes such lines takes them over, and means them.
fn written<'a>(message: &'a Message, case: &Case, facts: &Facts) -> Cow<'a, Message> {
    match facts.waiting.iter().any(|mail| mail.to_requester && !mail.started) {
        true => Cow::Borrowed(message),
        false => super::heard::heard(message, &case.said),
    }
}
