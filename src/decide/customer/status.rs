//! How a case stands, in the words of a person who looks it up: its state, what was promised, and the steps so far.

use crate::case::{Case, CaseState, Milestone, Step};
use crate::compose::{self, Values};
use crate::decide::clock;
use crate::decide::told::by_language;
use crate::language::Language;
use crate::playbook::Playbook;
use crate::time::Timestamp;

/// Sets the values of the templates under `status/`. The steps are for a requester who is proven to be it.
pub(in crate::decide) fn fill(values: &mut Values, case: &Case, proven: bool, playbook: &Playbook, now: Timestamp) {
    let language = case.language;
    let moment = |at: Timestamp| self::moment(case, at, language, playbook);
    let with_agents = case.state == CaseState::WithAgents;
    let due = clock::promised(case).filter(|due| with_agents && *due > now);
    // This mail only asks, and starts no clock.
    let late = clock::is_late(case, playbook, now);
    values
        .text("status.state", &state(case, &moment, language))
        .text("status.due", &due.map(moment).unwrap_or_default())
        .flag("status.late", late)
        .flag("status.closed", case.state == CaseState::Closed)
        .flag("status.reminded", case.work.chased == Some(now))
        .flag("status.asked_before", case.work.chasers > 1);
    let steps: Vec<String> = match proven {
        true => case.work.course.steps().iter().map(|step| told(step, &moment, language)).collect(),
        false => Vec::new(),
    };
    values.list("status.steps", steps.iter().map(String::as_str));
}

fn state(case: &Case, moment: &impl Fn(Timestamp) -> String, language: Language) -> String {
    let last = |what| case.work.course.steps().iter().rev().find(|step| step.what == what).map(|step| moment(step.at));
    if let (CaseState::Waiting, Some(until)) = (case.state, case.work.put_aside().map(moment)) {
        return by_language(
            language,
            format!("同事已经看过，{until}之后会接着处理，目前不需要您做什么。"),
            format!("A colleague has looked at it and goes on with it after {until}. There is nothing you need to do."),
            format!("担当者が確認済みで、{until}以降に対応を進めます。お客様にお願いすることはございません。"),
        );
    }
    match case.state {
        CaseState::WithAgents if case.work.relays == 0 => by_language(
            language,
            "同事已经收到，还没有答复您。",
            "They have everything you wrote, and have not answered you yet.",
            "内容は担当者に届いておりますが、まだご回答を差し上げておりません。",
        )
        .into(),
        CaseState::WithAgents => by_language(
            language,
            "您最近一次来信已转给负责的同事，还没有答复。",
            "Your last email is with the colleague who looks after your case, and has not been answered yet.",
            "前回のメールは担当者に届いておりますが、まだご回答を差し上げておりません。",
        )
        .into(),
        CaseState::Waiting => {
            let at = last(Milestone::Replied).unwrap_or_else(|| moment(case.touched));
            by_language(
                language,
                format!("同事已于{at}答复您，在等您的回复。如果没有收到，请查看垃圾邮件箱，或直接回复本邮件。"),
                format!(
                    "A colleague answered you on {at} and is waiting to hear from you. If nothing has arrived, please check your spam folder, or just reply to this email."
                ),
                format!(
                    "{at}に担当者からご返信し、お客様のご連絡をお待ちしております。届いていない場合は迷惑メールフォルダをご確認いただくか、このメールにご返信ください。"
                ),
            )
        }
        CaseState::Closed => {
            let at = moment(case.work.closed.unwrap_or(case.touched));
            by_language(
                language,
                format!("本案已于{at}结案。"),
                format!("Your case was closed on {at}."),
                format!("{at}に対応を完了しております。"),
            )
        }
        CaseState::New | CaseState::Answered | CaseState::Offered => by_language(
            language,
            "我们已经自动答复过您，还没有转给同事。",
            "We have sent you an automatic answer; it has not been passed on to a colleague yet.",
            "自動返信でご案内しており、担当者にはまだ引き継いでおりません。",
        )
        .into(),
    }
}

/// A step of the course: when, and what.
fn told(step: &Step, moment: &impl Fn(Timestamp) -> String, language: Language) -> String {
    let what = match step.what {
        Milestone::Opened => {
            by_language(language, "收到您的来信", "your email came in", "お問い合わせを受け付けました")
        }
        Milestone::Answered => {
            by_language(language, "已自动答复处理方法", "answered automatically", "自動返信でご案内しました")
        }
        Milestone::HandedOver => {
            by_language(language, "已转给同事处理", "passed on to a colleague", "担当者へ引き継ぎました")
        }
        Milestone::Added => by_language(language, "收到您的补充", "you wrote again", "追加のご連絡をいただきました"),
        Milestone::Replied => by_language(language, "同事已答复", "a colleague answered", "担当者がご返信しました"),
        Milestone::Closed => by_language(language, "已结案", "closed", "対応を完了しました"),
        Milestone::Reopened => by_language(language, "重新打开", "opened again", "対応を再開しました"),
    };
    format!("{} {what}", moment(step.at))
}

/// A moment as the group's calendar shows it.
pub(super) fn moment(case: &Case, at: Timestamp, language: Language, playbook: &Playbook) -> String {
    match playbook.rules().taxonomy().calendar(&case.group) {
        Some(calendar) => compose::describe_moment_abroad(calendar, at, language),
        None => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    }
}
