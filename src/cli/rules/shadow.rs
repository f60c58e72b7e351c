//! `huixin rules shadow`: what the rules in shadow would have changed over archived mail.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::terminal::{Progress, one_line};
use super::super::{Done, Exit};
use super::{configured, count, past, playbook, present};
use crate::decide::Upshot;
use crate::ids::RuleId;
use crate::playbook::Playbook;
use crate::replay::{Replayed, Shifts};
use crate::rules::Suppose;

#[derive(clap::Args)]
pub struct Options {
    /// Mail of the last days (`30d`), hours (`12h`), or `all`.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
}

/// Columns of a subject.
const SUBJECT: usize = 60;

/// A rule in shadow that held: what came of the mail, and what would have.
type Supposed = (RuleId, Upshot, Upshot);

pub fn run(file: &Path, options: Options) -> Done {
    let configured = configured(file)?;
    let playbook = playbook(&configured, &present(&configured)?)?;
    let in_shadow: Vec<&RuleId> =
        playbook.rules().rules().iter().filter(|rule| rule.in_shadow()).map(|rule| &rule.id).collect();
    if in_shadow.is_empty() {
        println!("no rule has `status = \"shadow\"`");
        return Ok(Exit::Ok);
    }
    let past = past(&configured, &options.since)?;
    let mut shifts: BTreeMap<&RuleId, Shifts> = in_shadow.iter().map(|rule| (*rule, Shifts::default())).collect();
    let (mut subjects, mut progress) = (BTreeMap::new(), Progress::new(past.len(), "deciding"));
    past.replay(
        &playbook,
        |replayed| supposed(replayed, &playbook),
        |place, result| {
            for (rule, from, to) in result.iter().flat_map(|(supposed, _)| supposed) {
                if shifts.get_mut(rule).is_some_and(|shifts| shifts.add(place, from, to)) {
                    subjects.extend(result.as_ref().ok().map(|(_, subject)| (place, subject.clone())));
                }
            }
            progress.step();
        },
    );
    drop(progress);
    for (rule, shifts) in shifts {
        println!("{rule}: held for {}, would change {}", count(shifts.mails, "mail"), shifts.changed);
        for shift in shifts.all() {
            println!("  {:9} {} → {}: {}", shift.aspect.as_str(), shift.from, shift.to, shift.mails);
            for place in &shift.examples {
                println!("              {}  {}", past.name(*place), subjects.get(place).map_or("", String::as_str));
            }
        }
    }
    println!("{} looked at", count(past.len(), "mail"));
    Ok(Exit::Ok)
}

fn supposed(replayed: &Replayed<'_>, playbook: &Playbook) -> (Vec<Supposed>, String) {
    let foresight = replayed.foresight(playbook);
    let foreseen = foresight.under(playbook, None);
    let in_shadow = foreseen.judgement.hits.iter().filter(|hit| hit.shadow);
    let supposed = in_shadow.map(|hit| {
        let with = foresight.under(playbook, Some(Suppose::InForce(&hit.rule)));
        (hit.rule.clone(), foreseen.upshot.clone(), with.upshot)
    });
    let supposed: Vec<Supposed> = supposed.collect();
    let subject = match supposed.is_empty() {
        true => String::new(),
        false => one_line(&replayed.shown(playbook).subject, SUBJECT),
    };
    (supposed, subject)
}
