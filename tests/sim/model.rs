//! What the journal says, folded a second time by the simplest code there is, and the promises that every record must
//! keep. `run.rs` holds the store against it.

use std::collections::{BTreeMap, HashMap};

use huixin::case::{Budgets, Case, CaseState};
use huixin::ids::{CaseNumber, MailHash, MessageId};
use huixin::mailbox::Place;
use huixin::outgoing::{Envelope, Outgoing, Purpose};
use huixin::store::{Decided, Outcome, Record, StartMark};
use huixin::time::Timestamp;

use super::doors::{DOWN, NO_LOGIN, PUT_OFF, REFUSED};
use super::letters::{Kind, Letter};
use super::playbook::{AGENTS, OPERATOR};

/// Answers to one person within an hour and a day, as [`super::playbook`] has it.
const SENDER: [(i64, usize); 2] = [(3600, 2), (86_400, 4)];
const DOMAIN: [(i64, usize); 2] = [(3600, 4), (86_400, 7)];
const ALL: [(i64, usize); 2] = [(3600, 7), (86_400, 12)];
const CASE_ANSWERS: u32 = 3;
/// That humans have it, how it stands, that a mail was added.
const CASE_REPLIES: [u32; 3] = [1, 3, 3];
const SUPPRESS_SECONDS: i64 = 30 * 86_400;
const MOST_ATTEMPTS: u32 = 3;
/// How long a mail is tried at least, and how long under a clock that has been wrong.
const PATIENCE_SECONDS: i64 = 96 * 3600;
const PATIENCE_SECONDS_AT_LEAST: i64 = 3600;
/// Another mail is the same mail within this time only.
const TWIN_SECONDS: i64 = 7 * 86_400;

/// A record as it was seen.
#[derive(Clone)]
struct Seen {
    position: u64,
    end: u64,
    /// When, by the true clock.
    time: Timestamp,
    jumps: u32,
    record: Record,
}

#[derive(Default)]
pub struct Model {
    seed: u64,
    seen: Vec<Seen>,
    pub taken: HashMap<MailHash, u32>,
    pub decided: HashMap<MailHash, Decided>,
    /// Where the record ends that settles what becomes of a place.
    places: HashMap<Place, u64>,
    pub outbox: BTreeMap<MessageId, Item>,
    pub cases: BTreeMap<CaseNumber, Case>,
    pub budgets: Budgets,
    /// To whom answers were written, when, by the true clock.
    answers: Vec<(String, Timestamp)>,
    /// Until when people get no answers, by the true clock.
    dead: HashMap<String, Timestamp>,
    twins: HashMap<usize, Timestamp>,
    pub started: Option<StartMark>,
}

/// A mail that leaves, from the record that says so to its end.
pub struct Item {
    pub mail: Outgoing,
    /// Since when, by the true clock.
    pub since: Timestamp,
    pub attempts: u32,
    /// Where the record of the attempt ends that is under way.
    pub begun: Option<u64>,
    pub end: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Sent,
    Failed,
}

type Checked = Result<(), String>;

fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Model {
    pub fn new(seed: u64) -> Model {
        Model { seed, ..Model::default() }
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    pub fn records(&self) -> impl Iterator<Item = (u64, &Record)> {
        self.seen.iter().map(|seen| (seen.position, &seen.record))
    }

    /// Where the last record ends.
    pub fn end(&self) -> u64 {
        self.seen.last().map_or(0, |seen| seen.end)
    }

    /// Where the last record ends that says what became of a mail sent.
    pub fn last_result(&self) -> u64 {
        let results = |seen: &&Seen| matches!(seen.record, Record::Sent { .. } | Record::Failed { .. });
        self.seen.iter().rfind(results).map_or(0, |seen| seen.end)
    }

    /// A crash has left this much of the journal: folds it anew.
    pub fn cut(&mut self, end: u64, letters: &[Letter]) -> Checked {
        let old = std::mem::replace(self, Model::new(self.seed));
        for seen in old.seen.into_iter().filter(|seen| seen.end <= end) {
            self.push(seen.position, seen.end, seen.time, seen.record, letters, seen.jumps)?;
        }
        Ok(())
    }

    /// One record more: does it keep the promises?
    pub fn push(
        &mut self,
        position: u64,
        end: u64,
        time: Timestamp,
        record: Record,
        letters: &[Letter],
        jumps: u32,
    ) -> Checked {
        must(position == self.end(), || format!("the record at {position} does not follow the one before it"))?;
        let checked = self.fold(end, time, &record, letters, jumps);
        self.seen.push(Seen { position, end, time, jumps, record });
        checked
    }

    fn fold(&mut self, end: u64, time: Timestamp, record: &Record, letters: &[Letter], jumps: u32) -> Checked {
        match record {
            Record::Started { mark, .. } => {
                must(self.started.is_none(), || "a mailbox is begun twice".into())?;
                self.started = Some(*mark);
            }
            Record::Taken { hash, attempt, .. } => {
                must(!self.decided.contains_key(hash), || format!("{} is taken after its decision", hash.short()))?;
                let before = self.taken.insert(*hash, *attempt).unwrap_or(0);
                must(*attempt == before + 1 && *attempt <= MOST_ATTEMPTS, || {
                    format!("attempt {attempt} at {} comes after {before}", hash.short())
                })?;
            }
            Record::Decided(decided) => return self.decide(end, time, decided, letters, jumps),
            Record::Again { hash, place, .. } => {
                must(self.decided.contains_key(hash), || format!("{} is there again and never came", hash.short()))?;
                self.places.insert(place.clone(), end);
            }
            Record::Settled { places, .. } => {
                for place in places {
                    must(self.places.contains_key(place), || format!("{place} is settled and not decided"))?;
                }
            }
            Record::Vanished { .. } => {}
            Record::Changed(_) => return Err("nobody changes cases here".into()),
            Record::Asked(_) => return Err("nobody asks for anything here".into()),
            Record::Digested { .. } | Record::Reported { .. } | Record::Released { .. } => {
                return Err("no chores are done here".into());
            }
            Record::Repaired { .. } => return Err("no disk here flips bits".into()),
            Record::Forgotten { .. } => return Err("nothing here is old enough".into()),
            Record::Erased { .. } | Record::Drawn { .. } => return Err("nobody asks to be forgotten here".into()),
            Record::Compacted { .. } => {}
            Record::Told { notice, .. } => self.enqueue(std::slice::from_ref(notice), None, time)?,
            Record::SendStart { message_id, attempt, .. } => {
                let case = self.outbox.get(message_id).and_then(|item| item.mail.case);
                let busy = self.outbox.values().any(|item| item.begun.is_some() && item.mail.case == case);
                must(case.is_none() || !busy, || format!("{message_id} begins while its case is busy"))?;
                let item = self.waiting(message_id)?;
                must(item.begun.is_none() && *attempt == item.attempts + 1, || {
                    format!("attempt {attempt} at {message_id} comes after {}", item.attempts)
                })?;
                (item.begun, item.attempts) = (Some(end), *attempt);
            }
            Record::Sent { message_id, .. } => self.finish(message_id, Ended::Sent)?,
            Record::Deferred { message_id, attempt, .. } => {
                let item = self.waiting(message_id)?;
                must(item.begun.take().is_some(), || format!("{message_id} is put off without an attempt"))?;
                must(item.attempts - *attempt <= 1, || format!("{message_id} has lost attempts"))?;
                item.attempts = *attempt;
            }
            Record::Failed { message_id, notice, why, .. } => {
                self.may_fail(message_id, why, time, jumps)?;
                self.finish(message_id, Ended::Failed)?;
                let purpose = self.outbox.get(message_id).map(|item| item.mail.purpose);
                must(notice.is_some() != (purpose == Some(Purpose::Notice)), || {
                    format!("{message_id} has failed and nobody hears of it")
                })?;
                self.enqueue(notice.as_slice(), None, time)?;
            }
        }
        Ok(())
    }

    fn decide(&mut self, end: u64, time: Timestamp, decided: &Decided, letters: &[Letter], jumps: u32) -> Checked {
        let hash = &decided.hash;
        let short = hash.short();
        must(!self.decided.contains_key(hash), || format!("{short} is decided twice"))?;
        let Some(letter) = letters.iter().find(|letter| letter.hash == *hash) else {
            // What stands for a mail that cannot be fetched.
            let is_note = decided.outgoing.iter().all(|mail| mail.purpose != Purpose::Answer);
            must(is_note, || format!("{short} is answered and nobody sent it"))?;
            return self.keep(end, time, decided);
        };
        let answer = decided.outgoing.iter().find(|mail| mail.purpose == Purpose::Answer);
        let forwarded = decided.outgoing.iter().any(|mail| mail.purpose == Purpose::Forward);
        let quarantined = matches!(decided.outcome, Outcome::Quarantined(_));
        if let Some(answer) = answer {
            let to = answer.envelope.to.to_string();
            must(matches!(letter.kind, Kind::Human | Kind::FollowUp | Kind::Poison) && to == letter.from, || {
                format!("{short}, {:?} from {}, is answered to {to}", letter.kind, letter.from)
            })?;
            must(!self.is_baseline(decided), || format!("{short} lay there before the start and is answered"))?;
            let until = self.dead.get(&to).copied();
            must(jumps > 0 || until.is_none_or(|until| until <= time), || format!("{to} is suppressed and answered"))?;
            self.spend(&to, time, jumps)?;
        }
        if letter.kind == Kind::Agent {
            // An order is relayed, answered by a receipt, or refused and told to the operator.
            let orderly = |mail: &Outgoing| matches!(mail.purpose, Purpose::Relay | Purpose::Receipt | Purpose::Notice);
            must(decided.outgoing.iter().all(orderly), || format!("{short} of a colleague is taken for a customer's"))?;
        }
        // A copy of a copy is a copy of the first.
        let of = letter.twin_of.map_or(*hash, |of| letters[of].hash);
        let n = letters.iter().position(|other| other.hash == of).unwrap_or(0);
        let first = self.twins.get(&n).copied();
        let is_twin = first.is_some_and(|first| time.duration_since(first).as_secs() < TWIN_SECONDS) && !quarantined;
        if is_twin && jumps == 0 {
            must(decided.outgoing.is_empty(), || format!("{short} is a twin and sends mail"))?;
        } else if !quarantined {
            self.twins.insert(n, time);
        }
        let a_person = matches!(letter.kind, Kind::Human | Kind::FollowUp);
        if a_person && !is_twin && !self.is_baseline(decided) && !quarantined {
            let state = decided.case.as_ref().map(|case| case.state);
            let folded = decided.manners.folded.is_some();
            must(forwarded || folded || (answer.is_some() && state != Some(CaseState::WithAgents)), || {
                format!("{short} of a person is heard by nobody")
            })?;
        }
        if quarantined {
            let told = decided.outgoing.iter().any(|mail| mail.purpose == Purpose::Notice);
            must(told, || format!("{short} is quarantined and the operator is not told"))?;
        }
        // A baseline bounce proves nothing; one that threads nowhere has no case whose requester it could be about.
        if letter.kind == (Kind::Bounce { proves: true }) && !self.is_baseline(decided) && !quarantined && !is_twin {
            let until = time.checked_add(jiff::SignedDuration::from_secs(SUPPRESS_SECONDS)).unwrap_or(time);
            self.dead.insert(letter.from.clone(), until);
        }
        self.keep(end, time, decided)
    }

    fn keep(&mut self, end: u64, time: Timestamp, decided: &Decided) -> Checked {
        let number = decided.outcome.case();
        if let Outcome::Opened(number) = decided.outcome {
            must(!self.cases.contains_key(&number), || format!("case {number} is opened twice"))?;
        }
        if let Some(case) = &decided.case {
            must(Some(case.number) == number, || "a decision changes another case than its own".into())?;
            // Each kind of reply has a budget of its own in a case.
            let said = [case.acknowledgements, case.statuses, case.work.added];
            let answers = case.solutions();
            let within = answers <= CASE_ANSWERS && said.iter().zip(CASE_REPLIES).all(|(said, most)| *said <= most);
            must(within, || format!("case {} has {answers} answers, and {said:?}", case.number))?;
            self.cases.insert(case.number, case.clone());
        }
        for scope in &decided.spent {
            self.budgets.entry(scope.clone()).or_default().spend(scope, decided.at);
        }
        self.taken.remove(&decided.hash);
        self.places.insert(decided.place.clone(), end);
        self.decided.insert(decided.hash, decided.clone());
        self.enqueue(&decided.outgoing, decided.case.as_ref(), time)
    }

    /// Budgets hold in every window of true time. A clock that jumps may refill each once, never more often.
    fn spend(&mut self, to: &str, time: Timestamp, jumps: u32) -> Checked {
        self.answers.push((to.to_owned(), time));
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        let in_window = |seconds: i64, of: &dyn Fn(&str) -> bool| {
            let recent = self.answers.iter().filter(|(_, at)| time.duration_since(*at).as_secs() < seconds);
            recent.filter(|(to, _)| of(to)).count()
        };
        let free_mail = domain(to).as_deref() == Some("qq.com");
        for (what, limits, of) in [
            ("a person", SENDER, &(|other: &str| other == to) as &dyn Fn(&str) -> bool),
            ("a domain", DOMAIN, &|other: &str| !free_mail && domain(other) == domain(to)),
            ("all", ALL, &|_: &str| true),
        ] {
            for (seconds, limit) in limits {
                let count = in_window(seconds, of);
                must(count <= limit * (1 + jumps as usize), || {
                    format!("{count} answers to {what} ({to}) within {seconds} s, more than {limit}")
                })?;
            }
        }
        Ok(())
    }

    fn enqueue(&mut self, mails: &[Outgoing], case: Option<&Case>, time: Timestamp) -> Checked {
        for mail in mails {
            let (id, to) = (&mail.message_id, mail.envelope.to.to_string());
            let may = match mail.purpose {
                Purpose::Answer | Purpose::Relay => {
                    case.and_then(|case| case.requester.as_ref()).is_some_and(|r| *r == mail.envelope.to)
                }
                Purpose::Forward | Purpose::Receipt => AGENTS.contains(&to.as_str()),
                Purpose::Notice => to == OPERATOR,
            };
            must(may, || format!("{id}, {:?}, is for {to}", mail.purpose))?;
            if mail.purpose != Purpose::Notice {
                let theirs = case.is_some_and(|case| mail.case == Some(case.number));
                must(theirs, || format!("{id} belongs to no case"))?;
            }
            let item = Item { mail: mail.clone(), since: time, attempts: 0, begun: None, end: None };
            must(self.outbox.insert(id.clone(), item).is_none(), || format!("there are two mails {id}"))?;
        }
        Ok(())
    }

    fn waiting(&mut self, id: &MessageId) -> Result<&mut Item, String> {
        self.outbox.get_mut(id).filter(|item| item.end.is_none()).ok_or_else(|| format!("{id} is not in the outbox"))
    }

    /// What is refused is over, and so is an answer in doubt. All else is tried for as long as was promised.
    fn may_fail(&mut self, id: &MessageId, why: &str, time: Timestamp, jumps: u32) -> Checked {
        let item = self.waiting(id)?;
        let passes = [PUT_OFF, DOWN, NO_LOGIN].iter().any(|said| why.contains(said));
        let is_over = why.contains(REFUSED) || (item.mail.purpose == Purpose::Answer && !passes);
        let least = if jumps > 0 { PATIENCE_SECONDS_AT_LEAST } else { PATIENCE_SECONDS };
        let waited = time.duration_since(item.since).as_secs();
        must(is_over || waited >= least, || format!("{id} is given up after {waited} s: {why}"))
    }

    fn finish(&mut self, id: &MessageId, end: Ended) -> Checked {
        let item = self.waiting(id)?;
        must(item.begun.take().is_some(), || format!("{id} has ended, {end:?}, without an attempt"))?;
        item.end = Some(end);
        Ok(())
    }

    /// Did the mail lie there before the first look, by its UID or, where that tells nothing, by its time?
    pub fn is_baseline(&self, decided: &Decided) -> bool {
        let Some(mark) = self.started else { return false };
        let grain = match &decided.place {
            Place::Imap { uid_validity, uid } if *uid_validity == mark.uid_validity => return *uid < mark.uid_next,
            Place::Imap { .. } => 1_000,
            Place::Maildir { .. } => 10,
        };
        mark.at.duration_since(decided.delivered).as_millis() >= grain
    }

    /// Is it on disk what becomes of the mail in this place?
    pub fn is_committed(&self, place: &Place, durable: u64) -> bool {
        self.places.get(place).is_some_and(|end| *end <= durable)
    }

    pub fn knows(&self, place: &Place) -> bool {
        self.places.contains_key(place)
    }

    pub fn item(&self, id: &str) -> Option<&Item> {
        self.outbox.get(&MessageId::parse(id)?)
    }

    /// May the relay be given this mail now?
    pub fn may_leave(&self, id: &str, envelope: &Envelope, bytes: &[u8], durable: u64, letters: &[Letter]) -> Checked {
        let item = MessageId::parse(id).and_then(|id| self.outbox.get(&id));
        let Some(item) = item.filter(|item| item.end.is_none()) else {
            return Err(format!("{id} leaves and is not in the outbox"));
        };
        must(item.begun.is_some_and(|end| end <= durable), || {
            format!("{id} leaves before its attempt ({:?}) is on disk (as far as {durable})", item.begun)
        })?;
        must(item.mail.envelope == *envelope, || format!("{id} leaves in another envelope"))?;
        let original = item.mail.content.original.as_ref();
        let original = original.and_then(|hash| letters.iter().find(|letter| letter.hash == *hash));
        let written = item.mail.content.bytes(original.map(|letter| letter.bytes.as_slice()));
        let known = item.mail.content.original.is_none() || original.is_some();
        must(!known || written == bytes, || format!("{id} leaves with other bytes than were written down"))
    }

    pub fn is_waiting(&self, id: &str) -> bool {
        MessageId::parse(id).and_then(|id| self.outbox.get(&id)).is_none_or(|item| item.end.is_none())
    }

    pub fn quarantined(&self) -> usize {
        self.decided.values().filter(|decided| matches!(decided.outcome, Outcome::Quarantined(_))).count()
    }
}
