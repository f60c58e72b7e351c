//! Why it was decided so: kept as values, told in lines.

use super::agents::{Heed, Refusal};
use super::budget::Exhausted;
use super::told;
use crate::address::Address;
use crate::case::{CaseState, Suppression};
use crate::ids::{CaseNumber, RuleId, TemplateName};
use crate::language::Language;
use crate::rules::Judgement;
use crate::screen::Screening;
use crate::thread::Threading;
use crate::time::Timestamp;

/// Everything a decision rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    pub screening: Screening,
    pub threading: Threading,
    /// A case that the mail names, and did not join.
    pub names: Option<CaseNumber>,
    pub judgement: Judgement,
    /// What the requester and the humans see of it.
    pub shown: Shown,
    /// Why no automatic answer leaves, where one might have.
    pub silence: Option<Silence>,
    /// Who gets no automatic answers after this mail.
    pub suppressed: Option<Suppression>,
    /// Who is told of it in a digest, since they were sent too many mails one by one.
    pub folded: Vec<Address>,
    /// Where the case stands now.
    pub state: CaseState,
}

/// What people see of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Kept in its case; nobody is told.
    Recorded,
    ToHumans,
    Answered(TemplateName),
    /// Answered, and humans have it.
    HandedOff(TemplateName),
    /// A mail of an agent.
    Agent(Heed),
}

impl Shown {
    /// What the requester is answered with.
    pub fn template(&self) -> Option<&TemplateName> {
        match self {
            Shown::Answered(template) | Shown::HandedOff(template) => Some(template),
            Shown::Recorded | Shown::ToHumans | Shown::Agent(_) => None,
        }
    }
}

/// Why nothing is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// See the reasons of the screening.
    Screening,
    /// `reply.enabled` is false.
    Disabled,
    /// A guard rule forbids it.
    Rule(RuleId),
    /// An answer to this address came back for good, or its owner complained: until when.
    Suppressed(Timestamp),
    /// The case has had its automatic replies.
    CaseBudget(u32),
    /// The sender, the domain, the unknown or all together have had theirs.
    Budget(Exhausted),
    /// The breaker is open, since when.
    Breaker(Timestamp),
    /// It waits for an agent's word.
    Approval,
    /// It is only drafted, for agents to see.
    Shadow,
}

impl Silence {
    /// The word for the mail log.
    pub fn code(&self) -> &'static str {
        match self {
            Silence::Screening => "screening",
            Silence::Disabled => "disabled",
            Silence::Rule(_) => "rule",
            Silence::Suppressed(_) => "suppressed",
            Silence::CaseBudget(_) => "case-budget",
            Silence::Budget(_) => "budget",
            Silence::Breaker(_) => "breaker",
            Silence::Approval => "approval",
            Silence::Shadow => "shadow",
        }
    }
}

impl Why {
    /// The reasons as (key, text) lines, for the journal and for people.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(&str, String)> = vec![("kind", self.screening.kind.as_str().into())];
        lines.extend(self.screening.reasons.iter().map(|reason| ("reason", reason.code().into())));
        lines.push(("authentication", self.screening.authentication.to_string()));
        lines.push(("thread", threading(&self.threading)));
        lines.extend(self.names.map(|number| ("thread", told::names_another(number, Language::En))));
        match (&self.judgement.category, &self.judgement.why_not) {
            (Some(won), _) => {
                let unsure = if won.sure { "" } else { ", not enough for an answer" };
                let points = format!("({:.1}, margin {:.1}{unsure})", won.score, won.margin);
                lines.push(("category", format!("{} {points}", won.category)));
            }
            (None, Some(why_not)) => lines
                .push(("category", format!("none: {}", told::ambiguity(why_not, ToString::to_string, Language::En)))),
            (None, None) => {}
        }
        lines.extend(self.judgement.hits.iter().map(|hit| ("rule", hit.rule.to_string())));
        lines.push(("shown", self.shown.to_string()));
        lines.extend(self.shown.template().map(|template| ("template", template.to_string())));
        lines.extend(
            self.silence.iter().map(|silence| ("silence", told::silence(silence, &self.screening, Language::En))),
        );
        lines.extend(
            self.suppressed.iter().map(|suppressed| ("suppressed", told::suppressed(suppressed, Language::En))),
        );
        lines.extend(self.folded.iter().map(|to| ("digest", to.to_string())));
        lines.push(("state", self.state.as_str().into()));
        lines.into_iter().map(|(key, text)| (key.to_owned(), text)).collect()
    }
}

fn threading(threading: &Threading) -> String {
    match threading {
        Threading::New => "a new matter".into(),
        Threading::Continues(number) => format!("a new matter that goes on with case {number}, closed too long ago"),
        Threading::Follows { case, because } => format!("case {}: {}", case.number, because.explanation()),
        Threading::Twin(number) => format!("case {number}: the same mail came before on another way"),
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shown::Recorded => f.write_str("recorded"),
            Shown::ToHumans => f.write_str("to humans"),
            Shown::Answered(template) => write!(f, "answered with {template}"),
            Shown::HandedOff(template) => write!(f, "handed to humans, answered with {template}"),
            Shown::Agent(heed) => f.write_str(match heed {
                Heed::Relayed => "an agent's reply, sent to the requester",
                Heed::Obeyed => "an agent's order, carried out",
                Heed::Held => "an agent's reply, held",
                Heed::Unclear => "an agent's order, not understood",
                Heed::Away => "an agent is away",
                Heed::Refused(Refusal::Unproven) => "refused: nothing proves the agent",
                Heed::Refused(Refusal::Forged) => "refused: the agent is proven false",
                Heed::Refused(Refusal::ForeignToken) => "refused: the token is not the agent's",
                Heed::Refused(Refusal::ExpiredToken) => "refused: the token has expired",
                Heed::Refused(Refusal::NoToken) => "refused: no token",
            }),
        }
    }
}
