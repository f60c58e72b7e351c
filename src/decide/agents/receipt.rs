//! What an agent is told of their mail, line by line, in their language.

use std::time::Duration;

use super::Refusal;
use crate::address::Address;
use crate::agent::{Fault, Hold, Unclear, Wanted};
use crate::case::{Case, Priority};
use crate::decide::told::by_language;
use crate::ids::CaseNumber;
use crate::language::Language;
use crate::playbook::Playbook;

pub(super) fn refusal(refusal: Refusal, language: Language) -> &'static str {
    match refusal {
        Refusal::Unproven => by_language(
            language,
            "无法证实这封信出自该同事（没有对齐的 DKIM 签名，也没有可信服务器的结论）",
            "nothing confirms that this colleague wrote it (no aligned DKIM signature, no word of a trusted server)",
            "本人からのメールと確認できません（DKIM署名も信頼できるサーバーの結果もありません）",
        ),
        Refusal::Forged => by_language(
            language,
            "核验未通过：这封信很可能是冒名的",
            "it FAILED the check: probably somebody else wrote it",
            "検証に失敗：なりすましの可能性が高いです",
        ),
        Refusal::ForeignToken => by_language(
            language,
            "信里的凭证不是发给这位同事的",
            "the token in it was not given to this colleague",
            "記載のトークンはこの担当者に発行されたものではありません",
        ),
        Refusal::ExpiredToken => {
            by_language(language, "信里的凭证已经过期", "the token in it has expired", "記載のトークンは期限切れです")
        }
        Refusal::NoToken => by_language(
            language,
            "信里有命令，但没有凭证：请直接回复转交案件的那封邮件",
            "it has an order and no token: reply to the mail by which the case was handed over",
            "コマンドがありますがトークンがありません。案件の転送メールに直接返信してください",
        ),
    }
}

pub(super) fn unclear(unclear: &Unclear, language: Language) -> String {
    let line: String = unclear.line.chars().take(60).collect();
    match &unclear.why {
        Fault::Unknown(Some(meant)) => by_language(
            language,
            format!("没有“{line}”这个命令；是不是 #{meant}？"),
            format!("there is no command “{line}”; did you mean #{meant}?"),
            format!("「{line}」というコマンドはありません。#{meant} でしょうか？"),
        ),
        Fault::Unknown(None) => by_language(
            language,
            format!("没有“{line}”这个命令；发送 #帮助 查看全部命令"),
            format!("there is no command “{line}”; send #help for all of them"),
            format!("「{line}」というコマンドはありません。#ヘルプ で一覧をご覧ください"),
        ),
        Fault::Wants(wanted) => {
            let example = wants(*wanted, language);
            by_language(
                language,
                format!("“{line}”没有写全或看不懂，例如：{example}"),
                format!("“{line}” is incomplete or unclear; for example: {example}"),
                format!("「{line}」の内容が不足しているか、読み取れません。例：{example}"),
            )
        }
        Fault::Follows => by_language(
            language,
            format!("“{line}”：这个命令后面不跟文字；要说的话请写在下一行"),
            format!("“{line}”: nothing follows this command on its line; what you want to say belongs below"),
            format!("「{line}」：このコマンドの行には何も続けられません。文章は次の行からお書きください"),
        ),
        Fault::TooMany => by_language(
            language,
            "命令太多，一封信最多十个".into(),
            "too many commands: ten in one mail at most".into(),
            "コマンドが多すぎます。1通につき10個までです".into(),
        ),
    }
}

fn wants(wanted: Wanted, language: Language) -> &'static str {
    match wanted {
        Wanted::GroupOrAgent => by_language(language, "#转给 邮件技术组", "#assign mail-tech", "#引き継ぎ mail-tech"),
        Wanted::Level => by_language(
            language,
            "#优先级 高（低、普通、高、紧急）",
            "#priority high (low, normal, high, urgent)",
            "#優先度 高（低・通常・高・至急）",
        ),
        Wanted::Duration => by_language(
            language,
            "#稍后 2天（分钟、小时、天、周，最长 90 天）",
            "#wait 2d (m, h, d, w; 90 days at most)",
            "#保留 2日（分・時間・日・週、最長90日）",
        ),
        Wanted::Category => by_language(language, "#归类 退信", "#category deliver.bounce", "#分類 deliver.bounce"),
        Wanted::Entry => by_language(language, "#话术 554-dt-spm", "#kb 554-dt-spm", "#定型文 554-dt-spm"),
        Wanted::CaseNumber => by_language(language, "#合并 K7F3-9QD2-X", "#merge K7F3-9QD2-X", "#統合 K7F3-9QD2-X"),
    }
}

pub(super) fn nothing_said(language: Language) -> String {
    by_language(
        language,
        "这封信里没有可以转达的文字，也没有命令",
        "there is neither text nor a command in your mail",
        "本文もコマンドも見つかりませんでした",
    )
    .into()
}

pub(super) fn nothing_done(language: Language) -> String {
    by_language(
        language,
        "因此什么也没有做，也没有发给客户。改好后请再回复一次。",
        "So nothing was done, and nothing was sent to the customer. Please correct it and reply once more.",
        "そのため何も実行せず、お客様にも送っていません。修正してもう一度ご返信ください。",
    )
    .into()
}

pub(super) fn noted(language: Language) -> String {
    by_language(
        language,
        "已记为内部备注，客户看不到",
        "noted, for colleagues only",
        "社内メモとして記録しました（お客様には見えません）",
    )
    .into()
}

pub(super) fn closed(language: Language) -> String {
    by_language(language, "已结案", "closed", "完了にしました").into()
}

pub(super) fn reopened(language: Language) -> String {
    by_language(language, "已重新打开", "open again", "再開しました").into()
}

pub(super) fn claimed(agent: &Address, language: Language) -> String {
    by_language(
        language,
        format!("已由 {agent} 认领"),
        format!("{agent} has the case now"),
        format!("{agent} が担当になりました"),
    )
}

/// Somebody else has it already.
pub(super) fn taken(holder: &Address, agent: &Address, language: Language) -> String {
    let name = agent.local();
    by_language(
        language,
        format!("{holder} 已经认领；要接手请写 #转给 {name}"),
        format!("{holder} has it already; to take it over, write #assign {name}"),
        format!("{holder} が担当しています。引き継ぐには #引き継ぎ {name} と書いてください"),
    )
}

pub(super) fn prioritised(priority: Priority, language: Language) -> String {
    let word = match priority {
        Priority::Low => by_language(language, "低", "low", "低"),
        Priority::Normal => by_language(language, "普通", "normal", "通常"),
        Priority::High => by_language(language, "高", "high", "高"),
        Priority::Urgent => by_language(language, "紧急", "urgent", "至急"),
    };
    by_language(language, format!("优先级：{word}"), format!("priority: {word}"), format!("優先度：{word}"))
}

pub(super) fn put_aside(until: &str, language: Language) -> String {
    by_language(
        language,
        format!("已搁置到 {until}；客户再来信会提前提醒您"),
        format!("put aside until {until}, or until the customer writes"),
        format!("{until} まで保留します（お客様から連絡があれば再開します）"),
    )
}

pub(super) fn classified(category: &str, language: Language) -> String {
    by_language(language, format!("已归类为：{category}"), format!("category: {category}"), format!("分類：{category}"))
}

pub(super) fn no_category(name: &str, near: Option<&str>, language: Language) -> String {
    let meant = meant(near, language);
    by_language(
        language,
        format!("没有“{name}”这个分类{meant}"),
        format!("there is no category “{name}”{meant}"),
        format!("「{name}」という分類はありません{meant}"),
    )
}

pub(super) fn praised(good: bool, language: Language) -> String {
    match good {
        true => by_language(language, "已记下：话术合适", "noted: the answer was right", "記録しました：適切な回答"),
        false => {
            by_language(language, "已记下：话术不合适", "noted: the answer was wrong", "記録しました：不適切な回答")
        }
    }
    .into()
}

pub(super) fn nothing_answered(language: Language) -> String {
    by_language(
        language,
        "这个案件还没有自动回复，无从评价",
        "this case has no automatic answer that could be right or wrong",
        "この案件には評価できる自動返信がありません",
    )
    .into()
}

pub(super) fn replaced(language: Language) -> String {
    by_language(
        language,
        "原来待确认的自动答复已作废，以您的文字为准",
        "your words take the place of the drafted answer, which does not leave",
        "確認待ちだった自動返信は破棄し、ご記入の文面を送ります",
    )
    .into()
}

pub(super) fn merged(into: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("已并入 {into}；客户之后的来信都归入该案，本案结案"),
        format!("merged into {into}: what the customer writes from now on goes there, and this case is closed"),
        format!("{into} に統合しました。今後のお客様のメールはそちらに届き、この案件は完了とします"),
    )
}

pub(super) fn no_case(number: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("没有可以并入的案件 {number}"),
        format!("there is no other case {number}"),
        format!("統合先の案件 {number} がありません"),
    )
}

pub(super) fn another_customer(number: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("{number} 是另一位客户的案件，不能合并"),
        format!("{number} is another customer's case; the two cannot be merged"),
        format!("{number} は別のお客様の案件のため統合できません"),
    )
}

pub(super) fn is_closed(number: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("{number} 已经结案，请先重开"),
        format!("{number} is closed; reopen it first"),
        format!("{number} は完了しています。先に再開してください"),
    )
}

/// What is known of how the case came to be where it is.
pub(super) fn why(case: &Case, playbook: &Playbook, language: Language) -> String {
    let category = case.category.as_ref().map(|category| playbook.category_label(category, language));
    let category = category.unwrap_or_else(|| by_language(language, "未能确定", "not clear", "未確定").into());
    let group = playbook.group_label(&case.group, language);
    let answer = case.last_answer.as_ref().map_or("-", |template| template.as_str());
    by_language(
        language,
        format!("分类：{category}；处理组：{group}；最近的自动回复：{answer}；客户来信 {} 封", case.received),
        format!(
            "category: {category}; group: {group}; last automatic answer: {answer}; mails received: {}",
            case.received
        ),
        format!("分類：{category}、担当：{group}、直近の自動返信：{answer}、受信数：{}", case.received),
    )
}

pub(super) fn too_late(language: Language) -> String {
    by_language(
        language,
        "没有可以撤回的邮件：已经发出，或者没有在等待",
        "there is nothing to call back: it has left, or nothing was waiting",
        "取り消せるメールがありません（送信済み、または待機中のものがありません）",
    )
    .into()
}

/// Where a human's word was called back, the customer `waits` for one again.
pub(super) fn undone(waits: bool, language: Language) -> String {
    match waits {
        true => by_language(
            language,
            "已撤回，没有发给客户；案件又在等人答复",
            "called back; nothing went to the customer, who waits for an answer as before",
            "取り消しました（お客様には届いていません）。案件は再び対応待ちです",
        ),
        false => by_language(
            language,
            "已撤回，没有发给客户",
            "called back; nothing went to the customer",
            "取り消しました（お客様には届いていません）",
        ),
    }
    .into()
}

pub(super) fn nothing_held(language: Language) -> String {
    by_language(language, "没有等待确认的邮件", "nothing is waiting for your word", "確認待ちのメールはありません")
        .into()
}

pub(super) fn released(language: Language) -> String {
    by_language(language, "已按原样发给客户", "sent to the customer as it was", "そのままお客様に送信しました").into()
}

pub(super) fn dropped(language: Language) -> String {
    by_language(
        language,
        "已放弃，没有发给客户",
        "dropped; nothing went to the customer",
        "破棄しました（お客様には届いていません）",
    )
    .into()
}

pub(super) fn no_requester(language: Language) -> String {
    by_language(
        language,
        "这个案件没有可以回信的客户地址",
        "this case has no customer address to write to",
        "この案件には返信できるお客様のアドレスがありません",
    )
    .into()
}

pub(super) fn relayed(to: &Address, undo: Duration, language: Language) -> String {
    let seconds = undo.as_secs();
    if seconds == 0 {
        return by_language(
            language,
            format!("正文马上发给 {to}"),
            format!("your text is on its way to {to}"),
            format!("本文を {to} へ送信します"),
        );
    }
    by_language(
        language,
        format!("正文将在 {seconds} 秒后发给 {to}；在此之前可用 #撤回 收回"),
        format!("your text goes to {to} in {seconds} seconds; until then #undo calls it back"),
        format!("本文は{seconds}秒後に {to} へ送信されます。それまでは #取り消し で取り消せます"),
    )
}

pub(super) fn entry_sent(entry: &str, to: &Address, language: Language) -> String {
    by_language(
        language,
        format!("已用话术 {entry} 答复 {to}"),
        format!("{to} is answered with {entry}"),
        format!("定型文 {entry} で {to} に回答します"),
    )
}

pub(super) fn no_entry(entry: &str, near: Option<&str>, language: Language) -> String {
    let meant = meant(near, language);
    by_language(
        language,
        format!("没有“{entry}”这条话术{meant}"),
        format!("there is no entry “{entry}”{meant}"),
        format!("「{entry}」という定型文はありません{meant}"),
    )
}

pub(super) fn assigned(to: &str, language: Language) -> String {
    by_language(language, format!("已转给 {to}"), format!("{to} has the case now"), format!("{to} に引き継ぎました"))
}

pub(super) fn handed_over(from: &Address, language: Language) -> String {
    by_language(
        language,
        format!("{from} 把这个案件转给了您；直接回复本邮件即可答复客户"),
        format!("{from} handed this case over to you; reply to this mail to answer the customer"),
        format!("{from} からこの案件を引き継ぎました。このメールに返信するとお客様に届きます"),
    )
}

pub(super) fn nobody(name: &str, near: Option<&str>, language: Language) -> String {
    let meant = meant(near, language);
    by_language(
        language,
        format!("没有叫“{name}”的处理组或同事{meant}"),
        format!("there is no group and no colleague “{name}”{meant}"),
        format!("「{name}」というグループ・担当者はいません{meant}"),
    )
}

/// What was probably meant, to be added to a sentence.
fn meant(near: Option<&str>, language: Language) -> String {
    let meant = |near| {
        by_language(
            language,
            format!("；是不是 {near}？"),
            format!("; did you mean {near}?"),
            format!("（{near} でしょうか？）"),
        )
    };
    near.map(meant).unwrap_or_default()
}

pub(super) fn held(hold: &Hold, language: Language) -> String {
    match hold {
        Hold::Internal => by_language(
            language,
            "正文与内部备注、案件资料或 #为什么 的回执有大段重复",
            "it repeats a long stretch of a note, of the sheet or of what #why told",
            "社内メモ、案件資料、または #理由 の回答と長い一致があります",
        )
        .into(),
        Hold::Sheet => by_language(
            language,
            "正文里有案件资料的内容",
            "lines of the sheet are in it",
            "案件資料の行が含まれています",
        )
        .into(),
        Hold::Token => by_language(
            language,
            "正文里有带凭证的地址，不能让客户看到",
            "an address with a token is in it, which the customer must not see",
            "トークン付きアドレスが含まれています（お客様に見せられません）",
        )
        .into(),
        Hold::Quoted(line) => by_language(
            language,
            format!("正文里似乎引用了别的邮件：{line}"),
            format!("it seems to quote another mail: {line}"),
            format!("他のメールの引用と思われる行があります：{line}"),
        ),
    }
}

pub(super) fn help(language: Language) -> [&'static str; 13] {
    by_language(
        language,
        [
            "命令写在最前几行，正文写在下面；没有命令，正文就发给客户",
            "#认领：由我处理",
            "#转给 邮件技术组：转给处理组或同事",
            "#备注：下面的文字只给同事看",
            "#话术 554-dt-spm：用话术答复客户；#话术 好、#话术 差：自动答复是否合适",
            "#结案、#重开",
            "#稍后 2天：先搁置，到时提醒我",
            "#优先级 高（低、普通、高、紧急）",
            "#归类 退信",
            "#合并 案号：并入那个案件",
            "#撤回：收回还没有发出的回复",
            "#发送、#放弃：被暂存的回复照发，或者不发",
            "#为什么：案件的来龙去脉；#帮助：本说明",
        ],
        [
            "commands stand on the first lines, the text below; without a command the text goes to the customer",
            "#claim: the case is mine",
            "#assign mail-tech: to a group or a colleague",
            "#note: the text below is for colleagues only",
            "#kb 554-dt-spm: answer with an entry; #kb good, #kb bad: was the automatic answer right?",
            "#close, #reopen",
            "#wait 2d: put aside, and remind me then",
            "#priority high (low, normal, high, urgent)",
            "#category deliver.bounce",
            "#merge NUMBER: into the case with this number",
            "#undo: call back a reply that has not left yet",
            "#send, #drop: a held reply leaves as it is, or not at all",
            "#why: how the case came to be here; #help: this list",
        ],
        [
            "コマンドは先頭の行に、本文はその下にお書きください。コマンドがなければ本文はお客様に届きます",
            "#担当：自分が担当する",
            "#引き継ぎ mail-tech：グループや同僚に引き継ぐ",
            "#メモ：以下の文は社内用",
            "#定型文 554-dt-spm：定型文で回答する。#定型文 良い、#定型文 悪い：自動返信の評価",
            "#完了、#再開",
            "#保留 2日：保留にして、期限に知らせる",
            "#優先度 高（低・通常・高・至急）",
            "#分類 deliver.bounce",
            "#統合 受付番号：その案件に統合する",
            "#取り消し：送信前の返信を取り消す",
            "#送信、#破棄：保留中の返信を送る、または破棄する",
            "#理由：案件の経緯。#ヘルプ：この一覧",
        ],
    )
}
