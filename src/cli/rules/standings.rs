//! How the rules fared with archived mail: what `rules stats` shows, and `rules check --since` complains of.

use std::collections::{BTreeMap, HashMap};

use super::super::terminal::Progress;
use crate::case::{DraftFate, Lesson};
use crate::decide::Recorded;
use crate::ids::{CaseNumber, CategoryId, RuleId};
use crate::playbook::Playbook;
use crate::replay::{AGAIN, Past, Replayed, Standing, Taught};
use crate::rules::Suppose;
use crate::time::Timestamp;

/// Every rule that held, after all mails that could be read, and what agents taught about each category.
pub struct Standings {
    rules: BTreeMap<RuleId, Standing>,
    pub categories: BTreeMap<CategoryId, Taught>,
    pub mails: usize,
    pub unread: usize,
}

/// What one mail tells about the rules.
struct Told {
    case: Option<CaseNumber>,
    at: Timestamp,
    /// The rules that held, and whether it would have been decided otherwise without them.
    hits: Vec<(RuleId, bool)>,
    /// Whose answer it was given, or would have been.
    replying: Option<RuleId>,
    category: Option<CategoryId>,
    /// The rules that chose the category.
    chose: Vec<RuleId>,
    /// What it taught, where it is an agent's.
    learned: Vec<Lesson>,
    /// What was decided then.
    recorded: Recorded,
}

impl Standings {
    /// Decides the mails once more, under a progress bar.
    pub fn after(past: &Past, playbook: &Playbook) -> Standings {
        let (mut mails, mut unread, mut progress) = (Vec::new(), 0, Progress::new(past.len(), "deciding"));
        past.replay(
            playbook,
            |replayed| told(replayed, playbook),
            |_, result| {
                match result {
                    Ok(told) => mails.push(told),
                    Err(_) => unread += 1,
                }
                progress.step();
            },
        );
        let mut rules = standings(&mails);
        let categories = lessons(&mails, &mut rules);
        Standings { rules, categories, mails: mails.len(), unread }
    }

    pub fn of(&self, rule: &RuleId) -> Standing {
        self.rules.get(rule).cloned().unwrap_or_default()
    }
}

fn told(replayed: &Replayed<'_>, playbook: &Playbook) -> Told {
    let foresight = replayed.foresight(playbook);
    let foreseen = foresight.under(playbook, None);
    let held = foreseen.judgement.hits.iter().filter(|hit| !hit.shadow);
    let hits = held.map(|hit| {
        let without = foresight.under(playbook, Some(Suppose::Absent(&hit.rule)));
        (hit.rule.clone(), without.upshot != foreseen.upshot)
    });
    let judgement = &foreseen.judgement;
    let category = judgement.category.as_ref().map(|won| won.category.clone());
    let about = |id: &RuleId| playbook.rules().rule(id).is_some_and(|rule| rule.category == category);
    let chose = judgement.hits.iter().filter(|hit| !hit.shadow && category.is_some() && about(&hit.rule));
    Told {
        case: replayed.case,
        at: replayed.now,
        hits: hits.collect(),
        replying: judgement.replying.clone(),
        chose: chose.map(|hit| hit.rule.clone()).collect(),
        category,
        learned: replayed.learned.to_vec(),
        recorded: replayed.recorded.clone(),
    }
}

/// The mails come in the order in which they were decided.
fn standings(mails: &[Told]) -> BTreeMap<RuleId, Standing> {
    let mut standings: BTreeMap<RuleId, Standing> = BTreeMap::new();
    // The next mail of the same case, found from behind.
    let mut next: HashMap<CaseNumber, Timestamp> = HashMap::new();
    for mail in mails.iter().rev() {
        let following = mail.case.and_then(|case| next.insert(case, mail.at));
        let again = following.is_some_and(|following| following.duration_since(mail.at).unsigned_abs() <= AGAIN);
        for (rule, decisive) in &mail.hits {
            let standing = standings.entry(rule.clone()).or_default();
            standing.hits += 1;
            standing.decisive += usize::from(*decisive);
            standing.again += usize::from(*decisive && again);
            standing.last = standing.last.max(Some(mail.at));
        }
    }
    standings
}

/// What agents taught, of the rules and by category. Which category it is is about the last mail of the case that was not
/// theirs; a word about an entry is about the last that was answered with one, and what became of a draft about the last
/// that was answered at all.
fn lessons(mails: &[Told], standings: &mut BTreeMap<RuleId, Standing>) -> BTreeMap<CategoryId, Taught> {
    let mut categories: BTreeMap<CategoryId, Taught> = BTreeMap::new();
    let [mut last, mut answered, mut with_entry]: [HashMap<CaseNumber, &Told>; 3] = Default::default();
    for mail in mails {
        let Some(case) = mail.case else { continue };
        if mail.learned.is_empty() {
            if !mail.recorded.by_agent {
                last.insert(case, mail);
                answered.extend(mail.recorded.template.as_ref().map(|_| (case, mail)));
                with_entry.extend(mail.recorded.entry().map(|_| (case, mail)));
            }
            continue;
        }
        for lesson in &mail.learned {
            let about = match lesson {
                Lesson::Category(_) => &last,
                Lesson::Answer { .. } => &with_entry,
                Lesson::Draft(_) => &answered,
            };
            let Some(about) = about.get(&case) else { continue };
            let (rules, category): (&[RuleId], _) = match lesson {
                Lesson::Category(category) if about.category.as_ref() == Some(category) => continue,
                Lesson::Category(_) => (&about.chose, about.category.as_ref()),
                // What the rules of today would take it for, where the journal does not say.
                _ => (about.replying.as_slice(), about.recorded.category.as_ref().or(about.category.as_ref())),
            };
            let of_category = category.map(|category| categories.entry(category.clone()).or_default());
            of_category.into_iter().for_each(|taught| learn(taught, lesson));
            rules.iter().for_each(|rule| learn(&mut standings.entry(rule.clone()).or_default().taught, lesson));
        }
    }
    categories
}

fn learn(taught: &mut Taught, lesson: &Lesson) {
    match lesson {
        Lesson::Category(_) => taught.corrected += 1,
        Lesson::Answer { good: true } => taught.praised += 1,
        Lesson::Answer { good: false } => taught.blamed += 1,
        Lesson::Draft(fate) => {
            taught.drafts += 1;
            taught.accepted += usize::from(*fate == DraftFate::Sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TemplateName;

    #[test]
    fn who_writes_again_within_three_days_was_not_helped() {
        let rule = RuleId::parse("a").unwrap();
        let told = |case, hours: i64| Told {
            case: Some(CaseNumber::from_bits(case)),
            at: Timestamp::from_second(hours * 3600).unwrap(),
            hits: vec![(rule.clone(), true)],
            replying: None,
            category: None,
            chose: Vec::new(),
            learned: Vec::new(),
            recorded: Recorded::default(),
        };
        let mails = [told(1, 0), told(2, 1), told(1, 71), told(2, 100)];
        let standing = &standings(&mails)[&rule];
        assert_eq!((standing.hits, standing.decisive, standing.again), (4, 4, 1));
        assert_eq!(standing.last, Some(mails[3].at));
    }

    #[test]
    fn what_agents_teach_is_counted_with_the_rule_it_is_about() {
        let rule = |name: &str| RuleId::parse(name).unwrap();
        let category = |name: &str| CategoryId::parse(name).unwrap();
        let mail = |case, about: Option<&str>, learned: Vec<Lesson>| Told {
            case: Some(CaseNumber::from_bits(case)),
            at: Timestamp::UNIX_EPOCH,
            hits: Vec::new(),
            replying: about.map(|_| rule("answers")),
            category: about.map(category),
            chose: about.map(|_| rule("chooses")).into_iter().collect(),
            learned,
            recorded: Recorded {
                category: about.map(category),
                template: about.and_then(|_| TemplateName::parse("kb/a").ok()),
                by_agent: about.is_none(),
            },
        };
        let sent = |fate| vec![Lesson::Draft(fate)];
        let mails = [
            mail(1, Some("a.b"), vec![]),
            mail(2, Some("a.b"), vec![]),
            // What an agent wrote is no mail to learn about.
            mail(1, None, vec![]),
            mail(1, None, vec![Lesson::Category(category("a.b")), Lesson::Answer { good: true }]),
            mail(2, None, vec![Lesson::Category(category("a.c")), Lesson::Answer { good: false }]),
            mail(1, None, sent(DraftFate::Sent)),
            mail(2, None, sent(DraftFate::Replaced)),
            mail(3, None, sent(DraftFate::Sent)),
        ];
        let mut rules = standings(&mails);
        let categories = lessons(&mails, &mut rules);
        assert_eq!(rules[&rule("chooses")].taught, Taught { corrected: 1, ..Taught::default() });
        let answers = Taught { corrected: 0, praised: 1, blamed: 1, drafts: 2, accepted: 1 };
        assert_eq!(rules[&rule("answers")].taught, answers);
        assert_eq!(categories, [(category("a.b"), Taught { corrected: 1, ..answers })].into());
    }
}
