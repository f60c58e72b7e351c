//! A requester asks how it stands: it is counted, and whoever has the case hears of it, once a day at most.

use std::time::Duration;

use crate::case::{Case, CaseState};
use crate::decide::clock;
use crate::decide::ration::Ration;
use crate::decide::told::by_language;
use crate::language::Language;
use crate::outgoing::Outgoing;
use crate::playbook::Playbook;
use crate::time::{Timestamp, of_days};

/// Agents are told of the next chaser after so long: the count is on the sheet, and a nudge an hour would only harden.
const BETWEEN: Duration = of_days(1);

/// Counts the chaser, and reminds whoever has the case.
pub(in crate::decide) fn remind(
    case: &mut Case,
    ration: &mut Ration<'_>,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Outgoing> {
    case.work.chasers += 1;
    let lately = case.work.chased.is_some_and(|chased| now.duration_since(chased).unsigned_abs() < BETWEEN);
    // Where agents wait for the requester, or nobody has the case, nobody is to be pressed.
    if case.state != CaseState::WithAgents || lately {
        return Vec::new();
    }
    case.work.chased = Some(now);
    let to: Vec<_> = clock::holders(case, playbook).into_iter().filter(|agent| ration.allows(agent)).collect();
    let line = |language| chased(case.work.chasers, language);
    clock::reminders(case, &to, line, &format!("chaser {now}"), playbook, now)
}

/// Whoever had the case hears that its requester has settled it.
pub(in crate::decide) fn settled(
    case: &Case,
    ration: &mut Ration<'_>,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Outgoing> {
    let to: Vec<_> = clock::holders(case, playbook).into_iter().filter(|agent| ration.allows(agent)).collect();
    let line = |language| {
        by_language(
            language,
            "客户来信说问题已经解决，本案已结案，不用再处理",
            "the customer says that it is solved: the case is closed, and nothing is left to do",
            "お客様から解決のご連絡があり、案件を完了しました。対応は不要です",
        )
        .into()
    };
    clock::reminders(case, &to, line, &format!("settled {now}"), playbook, now)
}

/// How often the requester asked, for agents.
pub(in crate::decide) fn chased(times: u32, language: Language) -> String {
    by_language(
        language,
        format!("客户来信催办（第 {times} 次），尚未得到人工答复"),
        format!("the customer has asked how it stands (asked so far: {times}) and is still waiting for a human"),
        format!("お客様から進捗のお問い合わせがありました（{times}回目）。担当者からの返信をお待ちです"),
    )
}
