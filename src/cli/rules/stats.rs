//! `huixin rules stats`: how each rule fared with archived mail, and what to do about it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use comfy_table::{ContentArrangement, Table};

use super::super::terminal::Progress;
use super::super::{Done, Exit, Trouble};
use super::{configured, count, data, playbook, present, since};
use crate::ids::{CaseNumber, RuleId};
use crate::playbook::Playbook;
use crate::replay::{AGAIN, Past, Replayed, Standing};
use crate::rules::Suppose;
use crate::time::Timestamp;

#[derive(clap::Args)]
pub struct Options {
    /// Mail of the last days (`30d`), hours (`12h`), or `all`.
    #[arg(long, value_name = "TIME", default_value = "90d")]
    since: String,
}

/// What one mail tells about the rules.
struct Told {
    case: Option<CaseNumber>,
    at: Timestamp,
    /// The rules that held, and whether it would have been decided otherwise without them.
    hits: Vec<(RuleId, bool)>,
}

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let playbook = playbook(&configured, &present(&configured)?)?;
    let past =
        Past::archived(&data(&configured), since(&options.since)?).map_err(|error| Trouble::new(Exit::IoErr, error))?;
    let (mut mails, mut unread, mut progress) = (Vec::new(), 0, Progress::new(past.len(), "deciding"));
    past.replay(
        &playbook,
        |replayed| told(replayed, &playbook),
        |_, result| {
            match result {
                Ok(told) => mails.push(told),
                Err(_) => unread += 1,
            }
            progress.step();
        },
    );
    drop(progress);
    let standings = standings(&mails);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["rule", "status", "hits", "decisive", "again in 72 h", "last hit", "advice"]);
    for rule in playbook.rules().rules() {
        let standing = standings.get(&rule.id).cloned().unwrap_or_default();
        let last = standing.last.map_or("-".to_owned(), |last| last.strftime("%Y-%m-%d").to_string());
        let advice = if rule.in_force() { standing.advice(mails.len()).as_str() } else { "-" };
        table.add_row([
            rule.id.to_string(),
            rule.status.as_str().to_owned(),
            standing.hits.to_string(),
            standing.decisive.to_string(),
            standing.again.to_string(),
            last,
            advice.to_owned(),
        ]);
    }
    println!("{table}");
    println!("{}, {unread} could not be read", count(mails.len(), "mail"));
    println!("corrections by agents are not recorded, and not counted");
    Ok(Exit::Ok)
}

fn told(replayed: &Replayed<'_>, playbook: &Playbook) -> Told {
    let foresight = replayed.foresight(playbook);
    let foreseen = foresight.under(playbook, None);
    let held = foreseen.judgement.hits.iter().filter(|hit| !hit.shadow);
    let hits = held.map(|hit| {
        let without = foresight.under(playbook, Some(Suppose::Absent(&hit.rule)));
        (hit.rule.clone(), without.upshot != foreseen.upshot)
    });
    Told { case: replayed.case, at: replayed.now, hits: hits.collect() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_again_within_three_days_was_not_helped() {
        let rule = RuleId::parse("a").unwrap();
        let told = |case, hours: i64| Told {
            case: Some(CaseNumber::from_bits(case)),
            at: Timestamp::from_second(hours * 3600).unwrap(),
            hits: vec![(rule.clone(), true)],
        };
        let mails = [told(1, 0), told(2, 1), told(1, 71), told(2, 100)];
        let standing = &standings(&mails)[&rule];
        assert_eq!((standing.hits, standing.decisive, standing.again), (4, 4, 1));
        assert_eq!(standing.last, Some(mails[3].at));
    }
}
