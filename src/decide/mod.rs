//! One mail, one decision: what shall happen, and why.
//!
//! `decide` is a function of the mail, of what the store knows, of the playbook and of the time. It touches
//! nothing. So `explain` and the recovery after a crash are the same function called again, and give the same
//! case number and the same bytes.
//!
//! The policy in prose. A person who asks gets one answer: from the knowledge base if a rule is sure and may
//! answer alone, else the word that a human has it, and the human gets everything. Where an answer may not
//! leave (screening, budgets), the human gets the mail all the same. A mail in a case that humans have goes
//! to them and is not answered twice. Automatic mail is never answered; what belongs to no case is shown to
//! a human. Whose From is proven false is not answered, and whose From nothing confirms draws on one small
//! budget with all others of that kind; `reply.authentication` may ask for more or for less. Who answers our answers
//! faster than people read is taken for a program: silence, and one case for all it writes. While the breaker is open
//! nobody is answered. What would bury the agents is told to them in a digest. Mail from before the first start is
//! recorded and nobody is told.

mod account;
mod agents;
mod assign;
mod banner;
mod breaker;
mod budget;
mod clock;
mod course;
mod customer;
mod dead_letter;
mod digest;
mod gate;
mod heard;
mod mails;
mod plan;
mod question;
mod ration;
mod redact;
pub mod report;
mod rollout;
mod scene;
mod standing;
pub mod told;
mod trouble;
mod upshot;
mod why;

pub use account::{REVISION, Remembered, account};
pub use agents::{Heed, Refusal, asks_why};
pub use breaker::cause as breaker_cause;
pub use budget::{Exhausted, Says};
pub use clock::{Found, Rung, ring};
pub use customer::{Speaker, Utterance, clues_of, heard_from, said_to};
pub use digest::digest;
pub use question::{near_misses, question, scored, shown, shown_alone, traced};
pub use ration::scopes as forward_scopes;
pub use standing::holds;
pub use trouble::{Quarantine, Undelivered, quarantine, undelivered, unread, unusable};
pub use upshot::{Aspect, Foreseen, Foresight, Upshot};
pub use why::{Recorded, Shown, Silence, Why};

use std::time::Duration;

use crate::address::Address;
use crate::case::{
    Absence, Alarm, Case, CaseState, Facts, Folded, Haste, Lesson, Patience, Prints, Scope, Suppression, Tripped,
};
use crate::config::{Budget, Mailbox};
use crate::ids::{CaseNumber, CategoryId, GroupId, MailHash, MessageId, TemplateName};
use crate::language::Language;
use crate::message::Message;
use crate::outgoing::{Outgoing, Purpose};
use crate::playbook::Playbook;
use crate::rules::{Judgement, Wish};
use crate::screen::{self, Arrived, Findings, Kind, Reason, Screening, Verdict};
use crate::thread::{self, Because, Threading};
use crate::time::{Timestamp, of_days};

use course::Course;
use plan::Plan;
use ration::Ration;
use scene::Scene;

/// Categories that say what a mail lacks rather than what it is about begin so.
const UNCLEAR: &str = "meta.";

/// A mail to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    pub mailbox: &'a Mailbox,
    pub hash: MailHash,
    pub message: &'a Message,
    /// What the checking of its signatures found; `None` where nobody has looked. It belongs to the mail, as what is
    /// read out of it does, and not to the [`Facts`]: the store knows nothing of it.
    pub findings: Option<&'a Findings>,
    /// When the mailbox received it.
    pub delivered: Timestamp,
    /// The host takes it for junk.
    pub junk: bool,
    /// It lay in the mailbox before the first start.
    pub baseline: bool,
}

/// What shall happen, all of it or nothing, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub effects: Vec<Effect>,
    pub why: Why,
}

/// Something that will be done. A rule's *action* says what an admin wants; an effect is what follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A new case, as it stands with this mail in it.
    Open(Case),
    /// This mail joins the case, which then stands like this.
    Append(Case),
    Send(Outgoing),
    /// An automatic reply, or a mail to agents, is counted.
    Spend(Scope),
    /// An address gets no automatic answers for a time.
    Suppress(Suppression),
    /// A held mail may leave.
    Release(MessageId),
    /// A mail that has not left yet shall not leave.
    Withdraw(MessageId),
    /// A text is internal in this case: what repeats it is held.
    Internal(Prints),
    /// An agent is away.
    Away(Absence),
    /// An agent's mail teaches something about the rules.
    Learn(Lesson),
    /// An answer in this case came back.
    CameBack(CaseNumber),
    /// The breaker opens.
    Trip(Tripped),
    /// The sender answered us in haste.
    Hurry(Scope, Haste),
    /// Agents are told of the mail in a digest.
    Fold(Folded),
}

impl Decision {
    /// The case the mail went to, as it stands after it.
    pub fn case(&self) -> Option<&Case> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Open(case) | Effect::Append(case) => Some(case),
            _ => None,
        })
    }

    /// The breaker opens by this mail.
    pub fn trips(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Trip(_)))
    }

    /// The case whose earlier mails colleagues should read along with this one.
    pub fn retold(&self, sender: Option<&Address>) -> Option<&Case> {
        let Threading::Follows { case, .. } = &self.why.threading else { return None };
        let is_told = |mail: &Outgoing| match mail.purpose {
            Purpose::Forward => mail.case.is_some(),
            // An agent hands it over.
            Purpose::Receipt => Some(&mail.envelope.to) != sender,
            Purpose::Answer | Purpose::Relay | Purpose::Notice => false,
        };
        self.outgoing().any(is_told).then_some(case.as_ref())
    }

    pub fn opens(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Open(_)))
    }

    pub fn outgoing(&self) -> impl Iterator<Item = &Outgoing> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Send(outgoing) => Some(outgoing),
            _ => None,
        })
    }
}

/// Decides about one mail.
pub fn decide(mail: &Mail<'_>, facts: &Facts, playbook: &Playbook, now: Timestamp) -> Decision {
    let threading = customer::placed(mail, facts, playbook, now);
    let before = match &threading {
        Threading::Follows { case, .. } => Some(case.as_ref().clone()),
        Threading::Twin(_) | Threading::New | Threading::Continues(_) => None,
    };
    let number = match (&before, &threading) {
        (Some(case), _) => case.number,
        (None, Threading::Twin(number)) => *number,
        // All candidates taken is beyond any size we promise; the number then names an older case as well.
        _ => facts.free_number.unwrap_or_else(|| CaseNumber::mint(playbook.key(), &mail.hash, 0)),
    };
    let heard = before.as_ref().map(|case| heard::heard(mail.message, &case.said));
    let (came, mail) = (mail, &Mail { message: heard.as_deref().unwrap_or(mail.message), ..*mail });
    let mut screening = screened(mail, playbook, now);
    // The same order on another way, or sent once more, is carried out once.
    let is_twin = matches!(threading, Threading::Twin(_));
    if let Some(decision) = agents::attend(came, facts, &screening, playbook, now).filter(|_| !is_twin) {
        return decision;
    }
    let haste = hurried(mail, &screening, number, facts, &playbook.config().budget, now);
    if haste.as_ref().unwrap_or(&facts.haste).robot_at(now).is_some() {
        screening.add(Reason::Robot);
    }
    let question = question(mail, before.as_ref(), facts, &screening.authentication, playbook, now);
    let (language, judgement) = (question.language, playbook.rules().judge_without_scores(&question));
    let redacted = redact::redacted(mail.message, &judgement);
    let mail = &Mail { message: redacted.as_ref().unwrap_or(mail.message), ..*mail };
    let judgement = redact::judged(judgement);

    let scene = Scene {
        mail,
        screening: &screening,
        threading: &threading,
        before: before.as_ref(),
        judgement: &judgement,
        playbook,
        now,
    };
    let Course { plan, silence, draft, came_back, tripped } = Course::of(&scene, facts);
    let counted_by = gate::scopes(&scene, facts);
    let suppressed = before.as_ref().and_then(|case| dead_letter::suppression(mail, case, playbook, now));
    let names = facts.by_number.first().map(|case| case.number).filter(|_| threading == Threading::New);
    let mut case = before.clone().unwrap_or_else(|| new_case(number, mail, &screening, language, now));
    let why = Why {
        names,
        shown: plan.shown(),
        silence,
        suppressed,
        folded: Vec::new(),
        state: case.state,
        screening,
        threading,
        judgement,
    };
    if is_twin {
        return Decision { effects: Vec::new(), why };
    }

    let is_human = why.screening.kind == Kind::Human;
    heard_of(&mut case, mail, &why, now);
    let changes_group = group(before.as_ref(), mail, &why.judgement, playbook);
    settle_case(&mut case, before.is_none(), &plan, changes_group, &why.judgement);
    if before.is_none() {
        let raise = question.tier.and_then(|tier| playbook.config().tiers.get(tier)).map_or(0, |tier| tier.raise);
        case.work.priority = why.judgement.priority.raised(raise.into());
    }
    let agents = assign::assign(&mut case, is_human && plan.goes_to_humans(), facts, playbook, now);

    let counted_as = mail.message.sender().filter(|_| before.is_some() || is_human);
    let mut ration = Ration::new(counted_as, &facts.budgets, &playbook.config().budget, now);
    if is_human {
        customer::rate(mail, &mut case, &why, playbook);
    }
    let humans_had_it =
        before.as_ref().is_some_and(|case| matches!(case.state, CaseState::WithAgents | CaseState::Waiting));
    let reminders = match &plan {
        Plan::Close if humans_had_it => customer::settled(&case, &mut ration, playbook, now),
        Plan::Tell(_) | Plan::Hear => customer::remind(&mut case, &mut ration, playbook, now),
        _ => Vec::new(),
    };
    let letters = mails::write(mail, &case, &agents, &plan, draft.as_ref(), facts, &why, &mut ration, playbook, now);
    let (folded, drawn) = ration.settle();
    // What is gathered first is counted now.
    let answered = letters.answer.is_some() || matches!(plan, Plan::Transcribe(_));
    if let Some(template) = plan.template().filter(|_| answered) {
        has_answered(&mut case, template, &why);
    }
    letters.said.iter().for_each(|said| case.said.add(said));
    case.forwards += u32::from(!letters.forwards.is_empty());
    if is_human {
        if thread::is_requester(mail.message, &case) {
            customer::learn(&mut case, &why.judgement);
        }
        set_clocks(&mut case, &plan, answered, &why.judgement, playbook, now);
        customer::remember(&mut case, before.as_ref().map(|case| case.state), &plan, answered, now);
    }

    let why = Why { state: case.state, folded, ..why };
    let mut effects = vec![if before.is_some() { Effect::Append(case) } else { Effect::Open(case) }];
    effects.extend(counted_by.into_iter().filter(|_| answered).chain(drawn).map(Effect::Spend));
    effects.extend(why.suppressed.iter().cloned().map(Effect::Suppress));
    if !letters.internal.is_empty() && playbook.relays() {
        effects.push(Effect::Internal(letters.internal));
    }
    effects.extend(came_back.map(Effect::CameBack));
    effects.extend(tripped.map(Effect::Trip));
    let sender = mail.message.sender().map(|sender| Scope::Sender(sender.counting_key()));
    effects.extend(sender.zip(haste).map(|(sender, haste)| Effect::Hurry(sender, haste)));
    effects.extend(digest::folded(mail, number, &why.folded, now).map(Effect::Fold));
    let evidence = tripped.and_then(|tripped| breaker::notice(&tripped, facts, mail.mailbox, playbook, now));
    // Who answers a forward names it too; only a bounce reports that it failed.
    let is_bounce = why.screening.kind == Kind::Bounce;
    let notice = is_bounce.then(|| trouble::bounced(mail, number, playbook, now)).flatten();
    let told = letters.notices.into_iter().chain(reminders).chain(notice).chain(evidence);
    effects.extend(letters.answer.into_iter().chain(letters.forwards).chain(told).map(Effect::Send));
    Decision { effects, why }
}

/// The mails of a program that would open one case after the other are collected in one.
fn collected(threading: Threading, facts: &Facts, now: Timestamp) -> Threading {
    match &facts.robots_case {
        Some(case) if threading == Threading::New && facts.haste.robot_at(now).is_some() => {
            Threading::Follows { case: Box::new(case.clone()), because: Because::Robot }
        }
        _ => threading,
    }
}

/// What is known of the sender's haste after a mail that came in haste. A forged mail says nothing about whom it names,
/// and mail that says itself that a program wrote it is not answered anyway.
fn hurried(
    mail: &Mail<'_>,
    screening: &Screening,
    case: CaseNumber,
    facts: &Facts,
    budget: &Budget,
    now: Timestamp,
) -> Option<Haste> {
    let patience = Patience {
        turn_around: Duration::from_secs(budget.robot_seconds.into()),
        times: budget.robot_times,
        lasts: of_days(budget.robot_days),
    };
    let counts = screening.kind == Kind::Human
        && screening.authentication.verdict != Verdict::Fail
        && !mail.baseline
        && facts.twin.is_none();
    (counts && facts.haste.is_quick(mail.delivered, &patience)).then(|| facts.haste.after_quick(case, &patience, now))
}

fn screened(mail: &Mail<'_>, playbook: &Playbook, now: Timestamp) -> Screening {
    let arrived =
        Arrived { delivered: mail.delivered, now, junk: mail.junk, baseline: mail.baseline, findings: mail.findings };
    screen::screen(mail.message, Some((playbook.desk(), &arrived)))
}

fn new_case(number: CaseNumber, mail: &Mail<'_>, screening: &Screening, language: Language, now: Timestamp) -> Case {
    let Mailbox { name, group, .. } = mail.mailbox;
    let mut case = Case::new(number, name.clone(), group.clone(), language, now);
    case.requester = screening.answer_to.clone().or_else(|| mail.message.sender().cloned());
    case.work.topic = thread::topic(mail.message);
    case
}

/// Who gets the mail: whoever has the case already, else whom the rules name, else the category's group, else
/// the mailbox's.
fn group(before: Option<&Case>, mail: &Mail<'_>, judgement: &Judgement, playbook: &Playbook) -> GroupId {
    if let Some(case) = before.filter(|case| matches!(case.state, CaseState::WithAgents | CaseState::Waiting)) {
        return case.group.clone();
    }
    let asked = judgement.handoff.as_ref().and_then(|handoff| handoff.to.clone());
    let by_category = || about(before, judgement).and_then(|category| playbook.category_group(category));
    let current = || before.map_or(&mail.mailbox.group, |case| &case.group).clone();
    asked.or_else(|| judgement.group.clone()).or_else(by_category).unwrap_or_else(current)
}

/// What a mail is about. In a case that is about something, a mail of which that is not sure says nothing new, and what
/// humans have is for them to call something else.
fn about<'a>(before: Option<&Case>, judgement: &'a Judgement) -> Option<&'a CategoryId> {
    let is_known = before.is_some_and(|case| case.category.is_some());
    let category = judgement.category.as_ref().filter(|won| won.sure || !is_known).map(|won| &won.category);
    let with_humans = |case: &Case| matches!(case.state, CaseState::WithAgents | CaseState::Waiting);
    let settled = is_known && before.is_some_and(with_humans);
    category.filter(|category| !(settled || is_known && category.as_str().starts_with(UNCLEAR)))
}

/// Moves the case on: what it is about, who has it, where it stands.
fn settle_case(case: &mut Case, is_new: bool, plan: &Plan, group: GroupId, judgement: &Judgement) {
    let before = (!is_new).then_some(&*case);
    if let Some(category) = about(before, judgement).filter(|_| is_new || plan.moves_the_case()) {
        case.category = Some(category.clone());
    }
    if plan.moves_the_case() {
        case.group = group;
    }
    if let Some(template) = plan.template().filter(|_| plan.moves_the_case()) {
        case.last_answer = Some(template.clone());
    }
    case.state = match plan {
        plan if !plan.moves_the_case() => case.state,
        Plan::Close => CaseState::Closed,
        Plan::Resolve(_) if judgement.offer_human || customer::offers_a_human(case) => CaseState::Offered,
        Plan::Resolve(_) => CaseState::Answered,
        _ => CaseState::WithAgents,
    };
}

/// The case has one mail more.
fn heard_of(case: &mut Case, mail: &Mail<'_>, why: &Why, now: Timestamp) {
    case.touched = now;
    case.received += 1;
    if why.screening.kind == Kind::Human && case.requester.as_ref() == mail.message.sender() {
        case.work.heard(mail.message.message_id.as_ref());
    }
    if let Threading::Continues(closed) = why.threading {
        case.work.continues = Some(closed);
    }
}

/// The requester is answered with this template.
fn has_answered(case: &mut Case, template: &TemplateName, why: &Why) {
    let says = Says::of(template);
    case.answers += 1;
    case.acknowledgements += u32::from(says == Says::Received);
    case.statuses += u32::from(says == Says::Status);
    case.work.added += u32::from(says == Says::Added);
    case.work.warned |= !why.judgement.redact.is_empty();
    let asks = customer::missing(case, why).next().is_some();
    case.work.asked |= asks;
}

/// What a person wrote, and what they are answered, starts clocks and stops them.
fn set_clocks(
    case: &mut Case,
    plan: &Plan,
    answered: bool,
    judgement: &Judgement,
    playbook: &Playbook,
    now: Timestamp,
) {
    if *plan == Plan::Close {
        customer::close(case, playbook, now);
        // Thanks are not answered, not even with a question.
        if judgement.wish == Some(Wish::Nothing) {
            case.work.stop_timer(Alarm::Survey);
        }
    }
    if matches!(plan, Plan::Transcribe(_)) {
        case.work.set_timer(Alarm::Transcript, now);
    }
    if plan.moves_the_case() {
        clock::moved(case, plan.goes_to_humans(), answered, playbook, now);
    }
}
