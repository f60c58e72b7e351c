//! Carrying out what an agent ordered: all of it, or nothing and a question.

use std::time::Duration;

use super::{Heed, name, named, receipt};
use crate::address::Address;
use crate::agent::{self, Command, Orders, Unclear};
use crate::case::{Absence, Alarm, Case, CaseState, DraftFate, Facts, Lesson, Milestone, Prints, Said};
use crate::compose::{self, Block, Values, Written};
use crate::decide::{Effect, Mail, assign, clock, customer, told};
use crate::ids::{CaseNumber, MessageId, Right, Token};
use crate::language::Language;
use crate::outgoing::{Leaves, Outgoing, Purpose};
use crate::playbook::{OwnTemplates, Playbook, own};
use crate::time::Timestamp;

/// An agent's mail about a case, with both proofs.
pub(super) struct Desk<'a> {
    pub mail: &'a Mail<'a>,
    pub agent: &'a Address,
    pub token: &'a Token,
    pub case: &'a Case,
    pub facts: &'a Facts,
    pub playbook: &'a Playbook,
    pub now: Timestamp,
}

/// What was done.
pub(super) struct Done {
    pub heed: Heed,
    pub effects: Vec<Effect>,
}

/// Why an order cannot be carried out: a line for the agent.
type Fault = String;

/// What the orders make of the case, before it is written down.
struct Draft {
    case: Case,
    /// Lines of the receipt.
    told: Vec<String>,
    /// What is held and asked about.
    held: Option<String>,
    send: Vec<Outgoing>,
    release: Vec<MessageId>,
    withdrawn: Vec<MessageId>,
    /// What the customer must not read in a reply.
    internal: Prints,
    learned: Vec<Lesson>,
    /// The text below the commands is for colleagues only.
    is_note: bool,
    /// A command asked for nothing but words.
    asked: bool,
}

impl Desk<'_> {
    pub fn carry_out(&self, orders: &Orders) -> Done {
        let language = self.language();
        if !orders.unclear.is_empty() {
            let lines = orders.unclear.iter().map(|unclear: &Unclear| receipt::unclear(unclear, language)).collect();
            return self.unclear(lines);
        }
        let mut draft = Draft {
            case: Case { touched: self.now, ..self.case.clone() },
            told: Vec::new(),
            held: None,
            send: Vec::new(),
            release: Vec::new(),
            withdrawn: Vec::new(),
            internal: Prints::default(),
            learned: Vec::new(),
            is_note: self.token.right == Right::Note,
            asked: false,
        };
        for (at, command) in orders.commands.iter().enumerate() {
            // Said twice in one mail, it is meant once.
            if orders.commands[..at].contains(command) {
                continue;
            }
            if let Err(fault) = self.obey(command, &mut draft) {
                return self.unclear(vec![fault]);
            }
        }
        let text = &orders.text;
        let heed = match (text.is_empty(), draft.is_note) {
            (true, _) if orders.commands.is_empty() || orders.commands.contains(&Command::Note) => {
                return self.unclear(vec![receipt::nothing_said(language)]);
            }
            (true, _) => Heed::Obeyed,
            (false, true) => {
                draft.internal.extend(&Prints::of(text));
                draft.told.push(receipt::noted(language));
                Heed::Obeyed
            }
            // What stands below `#help` or `#why` is most often a signature that nobody knew for one.
            (false, false) if draft.asked && draft.send.is_empty() => Heed::Obeyed,
            (false, false) => match self.speak(text, &mut draft) {
                Ok(heed) => heed,
                Err(fault) => return self.unclear(vec![fault]),
            },
        };
        if !draft.told.is_empty() {
            let receipt = self.receipt(&draft.told, draft.held.as_deref());
            draft.post(receipt);
        }
        let mut effects = vec![Effect::Append(draft.case)];
        // Who writes is back.
        let away_until = self.facts.agents.get(self.agent).and_then(|known| known.away_until);
        if away_until.is_some_and(|until| until > self.now) {
            effects.push(Effect::Away(Absence { agent: self.agent.clone(), until: self.now }));
        }
        effects.extend(draft.learned.into_iter().map(Effect::Learn));
        effects.extend(draft.release.into_iter().map(Effect::Release));
        effects.extend(draft.withdrawn.into_iter().map(Effect::Withdraw));
        if !draft.internal.is_empty() {
            effects.push(Effect::Internal(draft.internal));
        }
        effects.extend(draft.send.into_iter().map(Effect::Send));
        Done { heed, effects }
    }

    /// Nothing is done, and the agent is told why and how it is written.
    fn unclear(&self, lines: Vec<String>) -> Done {
        let mut lines = lines;
        lines.push(receipt::nothing_done(self.language()));
        let case = Case { touched: self.now, ..self.case.clone() };
        Done { heed: Heed::Unclear, effects: vec![Effect::Append(case), Effect::Send(self.receipt(&lines, None))] }
    }

    fn obey(&self, command: &Command, draft: &mut Draft) -> Result<(), Fault> {
        let language = self.language();
        let case = &mut draft.case;
        let line = match command {
            Command::Close => {
                customer::close(case, self.playbook, self.now);
                receipt::closed(language)
            }
            Command::Reopen => {
                case.work.course.add(Milestone::Reopened, self.now);
                self.take_up(case);
                receipt::reopened(language)
            }
            Command::Claim => {
                if let Some(holder) = case.work.agent.as_ref().filter(|holder| *holder != self.agent) {
                    return Err(receipt::taken(holder, self.agent, language));
                }
                case.work.agent = Some(self.agent.clone());
                receipt::claimed(self.agent, language)
            }
            Command::Note => {
                draft.is_note = true;
                return Ok(());
            }
            Command::Assign(to) => self.assign(to, draft)?,
            Command::Priority(priority) => {
                case.work.priority = *priority;
                receipt::prioritised(*priority, language)
            }
            Command::Wait(time) => {
                let until = self.now + jiff(*time);
                case.state = CaseState::Waiting;
                // Nobody is reminded of what was put aside on purpose, before its time has come.
                stop_promises(case);
                case.work.set_timer(Alarm::Wake, until);
                receipt::put_aside(&self.moment(until), language)
            }
            Command::Category(name) => {
                let near = || named::near_category(name, self.playbook);
                let category = named::category(name, self.playbook);
                let category = category.ok_or_else(|| receipt::no_category(name, near().as_deref(), language))?;
                let line = receipt::classified(&self.playbook.category_label(&category, language), language);
                draft.learned.push(Lesson::Category(category.clone()));
                case.category = Some(category);
                line
            }
            Command::Entry(name) => return self.entry(name, draft),
            Command::Praise(good) => {
                if self.case.solutions() == 0 {
                    return Err(receipt::nothing_answered(language));
                }
                draft.learned.push(Lesson::Answer { good: *good });
                receipt::praised(*good, language)
            }
            Command::Merge(into) => self.merge(*into, case)?,
            Command::Why => {
                draft.asked = true;
                let (why, account) = (receipt::why(self.case, self.playbook, language), &self.facts.account);
                // What tells agents how the rules judge must not come back in their words to the customer.
                draft.internal.extend(&Prints::of(&why));
                draft.internal.extend(&account.internal);
                draft.told.push(why);
                draft.told.extend(account.lines.iter().cloned());
                return Ok(());
            }
            Command::Undo => {
                let called_back = self.called_back();
                if called_back.is_empty() {
                    return Err(receipt::too_late(language));
                }
                let waits = self.unsay(case, &called_back);
                draft.withdraw(called_back.into_iter().map(|mail| mail.message_id.clone()).collect());
                receipt::undone(waits, language)
            }
            Command::Send => {
                let held = self.held();
                if held.is_empty() {
                    return Err(receipt::nothing_held(language));
                }
                if self.is_draft(&held) {
                    draft.learned.push(Lesson::Draft(DraftFate::Sent));
                }
                self.answered(&mut draft.case, held.len() as u32);
                draft.release.extend(held);
                receipt::released(language)
            }
            Command::Drop => {
                let held = self.held();
                if held.is_empty() {
                    return Err(receipt::nothing_held(language));
                }
                if self.is_draft(&held) {
                    draft.learned.push(Lesson::Draft(DraftFate::Dropped));
                }
                draft.withdraw(held);
                receipt::dropped(language)
            }
            Command::Help => {
                draft.asked = true;
                draft.told.extend(receipt::help(language).into_iter().map(String::from));
                return Ok(());
            }
        };
        draft.told.push(line);
        Ok(())
    }

    /// The agent's words go to the requester, or are held if they might give something away.
    fn speak(&self, text: &str, draft: &mut Draft) -> Result<Heed, Fault> {
        let language = self.language();
        let to = self.case.requester.as_ref().ok_or_else(|| receipt::no_requester(language))?;
        let hold = agent::hold(text, &self.facts.internal);
        let leaves = match hold {
            Some(_) => Leaves::WhenReleased,
            None => self.after_undo(),
        };
        let relay = self.relay(to, text, leaves);
        match hold {
            Some(hold) => {
                draft.post(relay);
                draft.told.push(receipt::held(&hold, language));
                draft.held = Some(text.to_owned());
                Ok(Heed::Held)
            }
            None => {
                // An agent's own words take the place of what was drafted for them.
                let drafted: Vec<MessageId> = self.drafts().filter(|id| !draft.release.contains(id)).collect();
                if draft.learned.iter().all(|lesson| !matches!(lesson, Lesson::Draft(_))) && !drafted.is_empty() {
                    draft.learned.push(Lesson::Draft(DraftFate::Replaced));
                    draft.told.push(receipt::replaced(language));
                }
                draft.withdraw(drafted);
                draft.post(relay);
                self.answered(&mut draft.case, 1);
                draft.case.said.add(text);
                if !draft.told.is_empty() {
                    draft.told.push(receipt::relayed(to, self.playbook.config().handoff.undo, language));
                }
                Ok(Heed::Relayed)
            }
        }
    }

    /// The requester has heard from a human: it is their turn now, unless the agent has closed the case.
    fn answered(&self, case: &mut Case, mails: u32) {
        case.work.relays += mails;
        (0..mails).for_each(|_| case.work.course.add(Milestone::Replied, self.now));
        case.work.agent.get_or_insert_with(|| self.agent.clone());
        stop_promises(case);
        if case.state != CaseState::Closed {
            case.state = CaseState::Waiting;
            clock::await_requester(case, self.playbook, self.now);
        }
    }

    fn relay(&self, to: &Address, text: &str, leaves: Leaves) -> Outgoing {
        let language = self.case.language;
        let values = self.values(language);
        let signed = self.playbook.templates().render(&own(OwnTemplates::RELAY), language, &values);
        let (subject, signature) = match &signed {
            Ok(signed) => (signed.subject(), signed.body()),
            // The words matter, not the signature.
            Err(_) => ("", ""),
        };
        let body = format!("{text}\n\n{signature}");
        let written = Written::new(subject, body.trim_end(), language);
        self.letter(to, &written, "relay", leaves)
    }

    fn letter(&self, to: &Address, written: &Written, part: &str, leaves: Leaves) -> Outgoing {
        let voice = self.playbook.voice(self.mail.mailbox, self.case.language);
        let name = name(&self.mail.hash, part);
        let (key, thread) = (self.playbook.key(), &self.case.work.thread);
        compose::in_thread(key, &voice, Purpose::Relay, self.case.number, to, thread, written, &name, leaves, self.now)
    }

    /// Answers the requester with an entry of the knowledge base.
    fn entry(&self, name: &str, draft: &mut Draft) -> Result<(), Fault> {
        let language = self.language();
        let to = self.case.requester.as_ref().ok_or_else(|| receipt::no_requester(language))?;
        let Some(template) = named::entry(name, self.playbook) else {
            let near = named::near_entry(name, self.playbook);
            return Err(receipt::no_entry(name, near.as_deref(), language));
        };
        let mut values = self.values(self.case.language);
        values.flag("mail.by_hand", true);
        let written = self.playbook.templates().render(template, self.case.language, &values);
        let written = written.map_err(|error| error.to_string())?;
        draft.post(self.letter(to, &written, template.as_str(), self.after_undo()));
        draft.case.said.add(written.body());
        draft.case.last_answer = Some(template.clone());
        self.answered(&mut draft.case, 1);
        draft.told.push(receipt::entry_sent(template.as_str(), to, language));
        Ok(())
    }

    /// This case goes on in another of the same requester: what they write to either comes there.
    fn merge(&self, into: CaseNumber, case: &mut Case) -> Result<String, Fault> {
        let language = self.language();
        let into = self.facts.merged.get(&into).copied().unwrap_or(into);
        let other = self.facts.by_number.iter().chain(&self.facts.by_signed).find(|other| other.number == into);
        let other = other.filter(|other| other.number != case.number);
        let other = other.ok_or_else(|| receipt::no_case(into, language))?;
        // What one customer wrote is never shown to another.
        if other.requester.is_none() || other.requester != case.requester {
            return Err(receipt::another_customer(into, language));
        }
        if other.state == CaseState::Closed {
            return Err(receipt::is_closed(into, language));
        }
        case.state = CaseState::Closed;
        case.work.merged = Some(into);
        case.work.closed = Some(self.now);
        case.work.timers.clear();
        Ok(receipt::merged(into, language))
    }

    /// To a group, by its name in any language, or to an agent, by address or by what stands before the @.
    fn assign(&self, to: &str, draft: &mut Draft) -> Result<String, Fault> {
        let language = self.language();
        let case = &mut draft.case;
        if let Some(group) = named::group(to, self.playbook) {
            (case.group, case.work.agent) = (group.clone(), None);
            self.take_up(case);
            let line = receipt::assigned(&self.playbook.group_label(&group, language), language);
            let to = assign::assign(case, true, self.facts, self.playbook, self.now);
            for agent in to.iter().filter(|agent| *agent != self.agent) {
                draft.post(self.hand_over(agent));
            }
            return Ok(line);
        }
        let agent = named::agent(to, self.playbook);
        let near = || named::near_holder(to, self.playbook);
        let agent = agent.ok_or_else(|| receipt::nobody(to, near().as_deref(), language))?;
        case.work.agent = Some(agent.clone());
        self.take_up(case);
        if agent != self.agent {
            draft.post(self.hand_over(agent));
        }
        Ok(receipt::assigned(&agent.to_string(), language))
    }

    /// Humans have the case from now on, and a clock runs for them.
    pub(super) fn take_up(&self, case: &mut Case) {
        case.state = CaseState::WithAgents;
        clock::await_humans(case, self.playbook, self.now);
    }

    /// The word to a colleague that a case is theirs now, with a token of their own.
    fn hand_over(&self, to: &Address) -> Outgoing {
        let line = receipt::handed_over(self.agent, self.playbook.agent_language(to));
        self.receipt_to(to, OwnTemplates::HANDOVER, &[line], None, "handover")
    }

    fn receipt(&self, lines: &[String], text: Option<&str>) -> Outgoing {
        let template = if text.is_some() { OwnTemplates::HELD } else { OwnTemplates::RECEIPT };
        self.receipt_to(self.agent, template, lines, text, "receipt")
    }

    fn receipt_to(&self, to: &Address, template: &str, lines: &[String], text: Option<&str>, part: &str) -> Outgoing {
        let language = self.playbook.agent_language(to);
        let mut values = self.values(language);
        values.list("receipt.lines", lines.iter().map(String::as_str));
        let quoted: String = text.unwrap_or_default().lines().map(|line| format!("| {line}\n")).collect();
        values.block("receipt.text", &Block::new(quoted.trim_end()));
        let told = told::transcript(&self.facts.transcript, &self.case.group, language, self.playbook);
        values.rows("receipt.transcript", compose::transcript_rows(&told));
        let written = self.playbook.templates().render(&own(template), language, &values);
        let written = written.unwrap_or_else(|_| Written::new("", &lines.join("\n"), language));
        let voice = self.playbook.voice(self.mail.mailbox, language);
        let token = self.playbook.token(self.case.number, Right::Reply, to, self.now);
        let reply_to = self.playbook.reply_address(self.mail.mailbox, &token);
        let name = name(&self.mail.hash, part);
        compose::receipt(
            self.playbook.key(),
            &voice,
            &token,
            to,
            &reply_to,
            self.mail.message,
            &written,
            &name,
            self.now,
        )
    }

    fn values(&self, language: Language) -> Values {
        let mut values = self.playbook.values(&self.case.group, language, self.now);
        values.text("case.number", &self.case.number.to_string());
        values
    }

    fn after_undo(&self) -> Leaves {
        match self.playbook.config().handoff.undo {
            Duration::ZERO => Leaves::AtOnce,
            undo => Leaves::At(self.now + jiff(undo)),
        }
    }

    /// The language of the words to this agent.
    fn language(&self) -> Language {
        self.playbook.agent_language(self.agent)
    }

    fn moment(&self, moment: Timestamp) -> String {
        told::moment_of(&self.case.group, moment, self.language(), self.playbook)
    }
}

impl Draft {
    /// One mail to one person leaves once, however many orders lead to it: a case is given to a group and then to one of
    /// its members.
    fn post(&mut self, mail: Outgoing) {
        if self.send.iter().all(|other| other.message_id != mail.message_id) {
            self.send.push(mail);
        }
    }

    /// Mails that the requester never gets. None of their lines counts as said: an agent who writes them once more means
    /// them. Which lines of the case were theirs is not known, and forgetting those of other mails costs only that they
    /// are not known again where somebody quotes them without marks.
    fn withdraw(&mut self, mails: Vec<MessageId>) {
        if !mails.is_empty() {
            self.case.said = Said::default();
        }
        self.withdrawn.extend(mails);
    }
}

/// What a human had to do by a time is done, or waits.
fn stop_promises(case: &mut Case) {
    Alarm::PROMISES.iter().for_each(|alarm| case.work.stop_timer(*alarm));
}

fn jiff(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)
}
