//! Why it was decided so: kept as values, written down in lines, and recalled from them.

use std::fmt;

use super::agents::{Heed, Refusal};
use super::budget::{Exhausted, Says};
use super::told;
use crate::address::Address;
use crate::case::{Case, CaseState, Scope, Suppression};
use crate::ids::{CaseNumber, CategoryId, RuleId, TemplateName};
use crate::language::Language;
use crate::rules::Judgement;
use crate::screen::{Reason, Screening};
use crate::thread::{Because, Threading};
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

/// `screening`, `rule late-reply`, `case-budget 3`, `budget 5 60 global`.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        match self {
            Silence::Rule(rule) => write!(f, " {rule}"),
            Silence::Suppressed(moment) | Silence::Breaker(moment) => write!(f, " {moment}"),
            Silence::CaseBudget(limit) => write!(f, " {limit}"),
            Silence::Budget(Exhausted { scope, limit, minutes }) => write!(f, " {limit} {minutes} {}", scope.key()),
            Silence::Screening | Silence::Disabled | Silence::Approval | Silence::Shadow => Ok(()),
        }
    }
}

impl Silence {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Silence> {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(match code {
            "screening" => Silence::Screening,
            "disabled" => Silence::Disabled,
            "rule" => Silence::Rule(RuleId::parse(rest).ok()?),
            "suppressed" => Silence::Suppressed(rest.parse().ok()?),
            "case-budget" => Silence::CaseBudget(rest.parse().ok()?),
            "budget" => {
                let mut parts = rest.splitn(3, ' ');
                let (limit, minutes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                Silence::Budget(Exhausted { scope: Scope::parse(parts.next()?)?, limit, minutes })
            }
            "breaker" => Silence::Breaker(rest.parse().ok()?),
            "approval" => Silence::Approval,
            "shadow" => Silence::Shadow,
            _ => return None,
        })
    }
}

impl Why {
    /// The reasons as (key, text) lines, for the journal. What happened to the mail, and nothing that can be found again by
    /// judging it once more.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(&str, String)> = vec![("kind", self.screening.kind.as_str().into())];
        lines.extend(self.screening.reasons.iter().map(|reason| ("reason", reason.code().into())));
        lines.push(("authentication", self.screening.authentication.to_string()));
        lines.push(("thread", thread_line(&self.threading)));
        lines.extend(self.names.map(|number| ("names", number.to_string())));
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
        lines.extend(self.silence.iter().map(|silence| ("silence", silence.to_string())));
        lines.extend(
            self.suppressed.iter().map(|suppressed| ("suppressed", told::suppressed(suppressed, Language::En))),
        );
        lines.extend(self.folded.iter().map(|to| ("digest", to.to_string())));
        lines.push(("state", self.state.as_str().into()));
        lines.into_iter().map(|(key, text)| (key.to_owned(), text)).collect()
    }

    /// What [`Why::lines`] wrote about a mail that found the case as in `before`, or opened it; `screening` and `judgement`
    /// are the mail looked at once more. None for an agent's mail, and for what another version wrote in other words.
    pub(super) fn recalled(
        lines: &[(String, String)],
        before: Option<&Case>,
        screening: Screening,
        judgement: Judgement,
    ) -> Option<Why> {
        let all =
            |wanted: &'static str| lines.iter().filter(move |(key, _)| key == wanted).map(|(_, text)| text.as_str());
        let line = |wanted: &'static str| all(wanted).next();
        let silence = match line("silence") {
            Some(text) => Some(Silence::parse(text)?),
            None => None,
        };
        let state = line("state")?;
        Some(Why {
            screening: Screening { reasons: all("reason").filter_map(Reason::parse).collect(), ..screening },
            threading: threading(line("thread")?, before)?,
            names: line("names").and_then(CaseNumber::parse),
            judgement,
            shown: Shown::parse(line("shown")?)?,
            silence,
            suppressed: None,
            folded: Vec::new(),
            state: CaseState::ALL.into_iter().find(|known| known.as_str() == state)?,
        })
    }
}

/// What the lines of a past decision say, for whoever counts what became of mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Recorded {
    /// What the mail was taken to be about.
    pub category: Option<CategoryId>,
    /// What the requester was answered with, or was to be after an agent's word.
    pub template: Option<TemplateName>,
    /// An agent wrote it.
    pub by_agent: bool,
}

impl Recorded {
    pub fn of(lines: &[(String, String)]) -> Recorded {
        let line = |wanted: &str| lines.iter().find(|(key, _)| key == wanted).map(|(_, text)| text.as_str());
        let by_agent = line("thread").and_then(|text| text.rsplit_once(' '));
        Recorded {
            category: line("category").and_then(|text| CategoryId::parse(text.split(' ').next()?).ok()),
            template: line("template").and_then(|name| TemplateName::parse(name).ok()),
            by_agent: by_agent.is_some_and(|(_, because)| because == Because::AgentsToken.as_str()),
        }
    }

    /// The answer that was meant to solve the matter, where there was one.
    pub fn entry(&self) -> Option<&TemplateName> {
        self.template.as_ref().filter(|template| Says::of(template) == Says::Answer)
    }
}

fn thread_line(threading: &Threading) -> String {
    match threading {
        Threading::New => "new".into(),
        Threading::Continues(number) => format!("continues {number}"),
        Threading::Follows { case, because } => format!("follows {} {}", case.number, because.as_str()),
        Threading::Twin(number) => format!("twin {number}"),
    }
}

/// Reads what [`thread_line`] writes.
fn threading(line: &str, before: Option<&Case>) -> Option<Threading> {
    let words: Vec<&str> = line.split(' ').collect();
    Some(match words.as_slice() {
        ["new"] => Threading::New,
        ["continues", number] => Threading::Continues(CaseNumber::parse(number)?),
        ["follows", _, because] => {
            Threading::Follows { case: Box::new(before?.clone()), because: Because::parse(because)? }
        }
        ["twin", number] => Threading::Twin(CaseNumber::parse(number)?),
        _ => return None,
    })
}

impl Shown {
    /// Reads what [`fmt::Display`] writes of a mail that is no agent's.
    pub fn parse(text: &str) -> Option<Shown> {
        let template = |name: &str| TemplateName::parse(name).ok();
        match text {
            "recorded" => Some(Shown::Recorded),
            "to humans" => Some(Shown::ToHumans),
            _ => match text.split_once(" with ")? {
                ("answered", name) => template(name).map(Shown::Answered),
                ("handed to humans, answered", name) => template(name).map(Shown::HandedOff),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{GroupId, Key, MailHash, MailboxName};

    #[test]
    fn the_reasons_of_a_silence_are_read_back() {
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let over = |scope| Silence::Budget(Exhausted { scope, limit: 5, minutes: 60 });
        let silences = [
            Silence::Screening,
            Silence::Disabled,
            Silence::Rule(RuleId::parse("no.reply").unwrap()),
            Silence::Suppressed(noon),
            Silence::CaseBudget(3),
            over(Scope::Sender("li ming@example.org".into())),
            over(Scope::Global),
            Silence::Breaker(noon),
            Silence::Approval,
            Silence::Shadow,
        ];
        for silence in silences {
            assert_eq!(Silence::parse(&silence.to_string()), Some(silence));
        }
        for wrong in ["", "rule", "rule A b", "case-budget x", "budget 5 60", "budget 5 60 nobody", "breaker soon"] {
            assert_eq!(Silence::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn where_a_mail_went_is_read_back() {
        let number = CaseNumber::mint(&Key::from_bytes([7; 32]), &MailHash::of(b"a"), 0);
        let (mailbox, group) = (MailboxName::parse("support").unwrap(), GroupId::parse("g").unwrap());
        let case = Case::new(number, mailbox, group, Language::Zh, Timestamp::UNIX_EPOCH);
        let follows = |because| Threading::Follows { case: Box::new(case.clone()), because };
        let others = [Threading::New, Threading::Continues(number), Threading::Twin(number)];
        for place in others.into_iter().chain(Because::ALL.map(follows)) {
            assert_eq!(threading(&thread_line(&place), Some(&case)), Some(place));
        }
        for wrong in ["", "newer", "new x", "follows", &format!("follows {number} love"), "a new matter"] {
            assert_eq!(threading(wrong, Some(&case)), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_recorded_is_known_by_its_lines() {
        let lines = |lines: &[(&str, &str)]| -> Vec<(String, String)> {
            lines.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
        };
        let answered = lines(&[
            ("thread", "new"),
            ("category", "deliver.bounce (7.0, margin 2.0)"),
            ("shown", "answered with kb/554-dt-spm"),
            ("template", "kb/554-dt-spm"),
        ]);
        let recorded = Recorded::of(&answered);
        assert_eq!(recorded.category, CategoryId::parse("deliver.bounce").ok());
        assert_eq!(recorded.entry().map(TemplateName::as_str), Some("kb/554-dt-spm"));
        assert!(!recorded.by_agent);
        let unknown = Recorded::of(&lines(&[("category", "none: no rule"), ("template", "ack/received")]));
        assert_eq!((unknown.category.clone(), unknown.entry()), (None, None));
        assert!(Recorded::of(&lines(&[("thread", "follows K7F3-9QD2-X agents-token")])).by_agent);
        assert_eq!(Recorded::of(&[]), Recorded::default());
    }

    #[test]
    fn what_people_saw_is_read_back() {
        let template = TemplateName::parse("kb/554-dt-spm").unwrap();
        let seen = [Shown::Recorded, Shown::ToHumans, Shown::Answered(template.clone()), Shown::HandedOff(template)];
        for shown in seen {
            assert_eq!(Shown::parse(&shown.to_string()), Some(shown));
        }
        assert_eq!(Shown::parse(&Shown::Agent(Heed::Obeyed).to_string()), None);
    }
}
