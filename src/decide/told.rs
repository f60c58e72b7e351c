//! The reasons of a decision in sentences, for agents and admins, in their language.

mod judged;

pub use judged::{evidence, points, score, won};

use super::budget::Exhausted;
use super::why::{Shown, Silence};
use crate::address::Address;
use crate::case::{Exchange, Scope, Speaker, Suppression};
use crate::compose;
use crate::ids::{CaseNumber, CategoryId, GroupId};
use crate::language::Language;
use crate::playbook::Playbook;
use crate::rules::Ambiguity;
use crate::screen::{Authentication, Screening, Verdict, Witness};
use crate::thread::{Because, Threading};
use crate::time::Timestamp;

/// Why nothing is answered.
pub fn silence(silence: &Silence, screening: &Screening, language: Language) -> String {
    let say = |zh: String, en: String, ja: String| by_language(language, zh, en, ja);
    match silence {
        Silence::Screening if screening.reasons.is_empty() => {
            say("没有可以答复的地址".into(), "there is nobody to answer".into(), "返信できる宛先がありません".into())
        }
        Silence::Screening => {
            let reasons: Vec<&str> = screening.reasons.iter().map(|reason| reason.explanation(language)).collect();
            reasons.join(by_language(language, "；", "; ", "；"))
        }
        Silence::Disabled => say(
            "自动答复已关闭（reply.enabled）".into(),
            "automatic replies are switched off (reply.enabled)".into(),
            "自動返信は停止中です（reply.enabled）".into(),
        ),
        Silence::Rule(rule) => say(
            format!("规则 {rule} 不允许自动答复"),
            format!("rule {rule} forbids an answer"),
            format!("ルール {rule} により自動返信しません"),
        ),
        Silence::Suppressed(until) => say(
            format!("发往该地址的答复曾被永久退回，或收件人曾投诉，{} 之前不再自动答复", day(*until)),
            format!(
                "an answer to this address came back for good, or its owner complained: none before {}",
                day(*until)
            ),
            format!("この宛先への返信が恒久的に戻ったか、苦情があったため、{}まで自動返信しません", day(*until)),
        ),
        Silence::CaseBudget(limit) => say(
            format!("本案自动答复已满 {limit} 次"),
            format!("this case has had its {limit} automatic replies"),
            format!("この案件の自動返信は上限の{limit}回に達しました"),
        ),
        Silence::Budget(over) => exhausted(over, language),
        Silence::Breaker(since) => say(
            format!("自动答复已于 {} 被熔断，待人工解除（huixin breaker）", moment(*since)),
            format!("the breaker is open since {}: nobody is answered automatically (huixin breaker)", moment(*since)),
            format!("{}から自動返信を停止しています。解除は huixin breaker で行います", moment(*since)),
        ),
        Silence::Approval => say(
            "自动答复的草稿等您确认：第一行写 #发送 即按草稿发出，#放弃 则不发；直接写正文，就以您的文字答复客户".into(),
            "the automatic answer is a draft and waits for you: #send on the first line lets it leave as it is, #drop never; your own text takes its place".into(),
            "自動返信は下書きで、確認待ちです。先頭行に #送信 でそのまま送信、#破棄 で送信しません。本文を書くとその文面を送ります".into(),
        ),
        Silence::Shadow => say(
            "试运行：只拟了草稿，不会自动发给客户".into(),
            "on trial: the answer is only drafted, and does not leave".into(),
            "試行中：下書きのみで、お客様には送信しません".into(),
        ),
    }
}

/// Who gets no automatic answers from now on.
pub fn suppressed(suppression: &Suppression, language: Language) -> String {
    let (address, until) = (&suppression.address, day(suppression.until));
    by_language(
        language,
        format!("{until} 之前不再自动答复 {address}"),
        format!("{address} gets no automatic answers before {until}"),
        format!("{until}まで{address}へは自動返信しません"),
    )
}

/// Where a mail went, and why there.
pub fn threading(threading: &Threading, language: Language) -> String {
    match threading {
        Threading::New => by_language(language, "新事项", "a new matter", "新しい案件").into(),
        Threading::Continues(number) => continues(*number, language),
        Threading::Follows { case, because } => follows(case.number, *because, language),
        Threading::Twin(number) => by_language(
            language,
            format!("案件 {number}：同一封邮件先前已从另一途径收到"),
            format!("case {number}: the same mail came before on another way"),
            format!("案件 {number}：同じメールが別の経路で届いています"),
        ),
    }
}

/// The same by the line that the journal has of it; in other words than ours it is told as it stands there.
pub fn thread_line(line: &str, language: Language) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let told = match words.as_slice() {
        ["new"] => Some(threading(&Threading::New, language)),
        ["continues", number] => CaseNumber::parse(number).map(|number| continues(number, language)),
        ["twin", number] => CaseNumber::parse(number).map(|number| threading(&Threading::Twin(number), language)),
        ["follows", number, because] => CaseNumber::parse(number)
            .zip(Because::parse(because))
            .map(|(number, because)| follows(number, because, language)),
        _ => None,
    };
    told.unwrap_or_else(|| line.to_owned())
}

fn follows(number: CaseNumber, because: Because, language: Language) -> String {
    let because = because.explanation(language);
    by_language(
        language,
        format!("归入案件 {number}：{because}"),
        format!("case {number}: {because}"),
        format!("案件 {number} に追加：{because}"),
    )
}

/// What became of a mail.
pub fn shown(shown: &Shown, language: Language) -> String {
    match (shown, language) {
        (Shown::Recorded, Language::Zh) => "只记入案件，没有转交也没有答复".into(),
        (Shown::Recorded, Language::Ja) => "案件に記録のみ".into(),
        (Shown::ToHumans, Language::Zh) => "转交人工".into(),
        (Shown::ToHumans, Language::Ja) => "担当者へ引き継ぎ".into(),
        (Shown::Answered(template), Language::Zh) => format!("已用 {template} 自动答复"),
        (Shown::Answered(template), Language::Ja) => format!("{template} で自動返信"),
        (Shown::HandedOff(template), Language::Zh) => format!("转交人工，并用 {template} 答复客户"),
        (Shown::HandedOff(template), Language::Ja) => format!("担当者へ引き継ぎ、{template} でお客様に返信"),
        // Which language `Display` speaks too; of agents' mails nobody is told but in the log.
        (shown, Language::En) | (shown @ Shown::Agent(_), _) => shown.to_string(),
    }
}

/// A moment as those say it who have the case.
pub fn moment_of(group: &GroupId, then: Timestamp, language: Language, playbook: &Playbook) -> String {
    match playbook.rules().taxonomy().calendar(group) {
        Some(calendar) => compose::describe_moment(calendar, then, language),
        None => moment(then),
    }
}

fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// Which budget is used up.
fn exhausted(over: &Exhausted, language: Language) -> String {
    let Exhausted { limit, minutes, .. } = over;
    let hour = *minutes == 60;
    let whom = match &over.scope {
        Scope::Sender(_) => by_language(language, "该发件人", "this sender", "この送信者"),
        Scope::Subject(_) => by_language(
            language,
            "该发件人以同一主题的来信",
            "new mails of this sender with the same subject",
            "この送信者の同じ件名のメール",
        ),
        Scope::Domain(_) => by_language(language, "该域名", "this domain", "このドメイン"),
        Scope::FirstTime => by_language(
            language,
            "首次来信的客户合计",
            "people answered for the first time, all together,",
            "初めてのお客様全体",
        ),
        // Mails to agents are never silenced by a budget.
        Scope::ForwardsOf(_) | Scope::ForwardsTo(_) => by_language(language, "处理组", "the agents", "担当"),
        Scope::Unknown => by_language(
            language,
            "身份未经证实的发件人合计",
            "senders nothing confirms, all together,",
            "確認できない送信者全体",
        ),
        Scope::Global => by_language(language, "全部收件人合计", "everyone together", "全体"),
    };
    match language {
        Language::Zh => format!("{whom}在一{}内已自动答复 {limit} 次", if hour { "小时" } else { "天" }),
        Language::En => {
            format!("{whom} had {limit} automatic replies within the last {}", if hour { "hour" } else { "day" })
        }
        Language::Ja => format!("{whom}への自動返信が{}で{limit}回に達しました", if hour { "1時間" } else { "1日" }),
    }
}

/// Is the sender's domain proven? Of the person the words say nothing: RFC 8601 §7.2.
pub fn authentication(authentication: &Authentication, sender: Option<&Address>, language: Language) -> String {
    let domain = sender.map(Address::domain).unwrap_or_default();
    let by = match authentication.by {
        Witness::Server => by_language(language, "收信服务器", "the receiving server", "受信サーバー"),
        Witness::Sealer => by_language(language, "可信的转发服务器", "a trusted forwarder", "信頼できる転送元"),
        Witness::Signature | Witness::Nobody => by_language(language, " DKIM 签名", "DKIM", "DKIM署名"),
    };
    match (authentication.verdict, language) {
        (Verdict::Pass, Language::Zh) => {
            format!("域名 {domain} 已由{by}证实（证实的是域名，不是本人）")
        }
        (Verdict::Pass, Language::En) => {
            format!("domain {domain} verified by {by} (this proves the domain, not the person)")
        }
        (Verdict::Pass, Language::Ja) => {
            format!("ドメイン {domain} は{by}で確認済み（確認できたのはドメインであり、本人ではありません）")
        }
        (Verdict::Fail, Language::Zh) => format!("核验未通过：这封信很可能并非出自 {domain}"),
        (Verdict::Fail, Language::En) => format!("FAILED: this mail probably does not come from {domain}"),
        (Verdict::Fail, Language::Ja) => {
            format!("検証失敗：このメールは {domain} から送られたものではない可能性が高いです")
        }
        (Verdict::Unknown, Language::Zh) => "域名未经证实".into(),
        (Verdict::Unknown, Language::En) => "domain NOT verified".into(),
        (Verdict::Unknown, Language::Ja) => "ドメインは未確認".into(),
    }
}

/// Why a rule hands the case to humans: the words the shipped rules use are told in the reader's language, any other
/// reason as the admin wrote it.
pub fn handoff(reason: &str, language: Language) -> String {
    let told = match reason {
        "explicit-request" => ("客户要求人工服务", "the customer asks for a human", "お客様が担当者の対応をご希望です"),
        "security" => ("涉及账号或信息安全", "it concerns security", "セキュリティに関わる内容です"),
        "emergency" => ("业务中断，情况紧急", "business is at a standstill", "業務が停止しており緊急です"),
        "status-query" => ("客户询问处理进度", "the customer asks how it stands", "お客様が進捗をお尋ねです"),
        "transcript" => {
            ("客户索取往来记录", "the customer asks for the record of the case", "お客様がやり取りの記録をご希望です")
        }
        "offer-accepted" => {
            ("客户接受了人工协助", "the customer accepts the offer of a human", "お客様が担当者の対応を希望されました")
        }
        "unresolved" => {
            ("多次来信仍未解决", "several mails have not resolved it", "複数回のやり取りで解決していません")
        }
        "sales" => ("销售或计费咨询", "it is about sales or billing", "お申し込み・料金に関する内容です"),
        "api" => ("接口对接问题", "it is about the API", "API連携に関する内容です"),
        "cancel-recover" => {
            ("希望恢复已注销的账号", "a closed account is to be recovered", "解約済みアカウントの復旧をご希望です")
        }
        "tried-already" => {
            ("客户已照办法试过", "they have already tried what we would suggest", "案内する方法はすでにお試しです")
        }
        "corrected" => ("客户说明问题另有所在", "they say that it is something else", "原因は別にあるとお書きです"),
        "two-matters" => ("一封信里有几件事", "several matters in one mail", "複数の用件が含まれています"),
        "records-are-fine" => {
            ("记录无误，问题仍在", "the records are right, and the problem remains", "設定は正しいのに解決していません")
        }
        "other-side" => ("问题在对方一侧", "the cause is on the other side", "相手側の問題です"),
        "no-entry" => ("没有合适的自动答复", "none of our answers fits", "該当する自動回答がありません"),
        "lost-mail" => ("邮件丢失", "mail is missing", "メールが消えています"),
        "favour" => (
            "请求破例、退款或证明",
            "they ask for an exception, a refund or a document",
            "例外対応・返金・証明書のご希望です",
        ),
        "needs-2fa" => ("须先验证管理员身份", "an administrator must prove who they are", "管理者の本人確認が必要です"),
        "legal" => ("涉及法律事务", "it is a legal matter", "法務に関わる内容です"),
        "misuse" => ("举报滥用", "misuse is reported", "不正利用のご報告です"),
        "not-support" => ("不是客服事务", "it is not a support matter", "サポートの用件ではありません"),
        other => return other.to_owned(),
    };
    by_language(language, told.0, told.1, told.2).to_owned()
}

/// What was written before: who and when, and the text.
pub fn transcript(
    exchanges: &[Exchange],
    group: &GroupId,
    language: Language,
    playbook: &Playbook,
) -> Vec<(String, String)> {
    let at = |then: Timestamp| moment_of(group, then, language, playbook);
    let who = |by: &Speaker| match by {
        Speaker::Requester => by_language(language, "客户", "the customer", "お客様").to_owned(),
        Speaker::Bot => by_language(language, "自动答复", "automatic answer", "自動返信").to_owned(),
        Speaker::Agent(agent) => by_language(
            language,
            format!("{agent} 答复客户"),
            format!("{agent}, to the customer"),
            format!("{agent} からお客様へ"),
        ),
        Speaker::Note(agent) => by_language(
            language,
            format!("{agent} 内部备注"),
            format!("{agent}, for colleagues only"),
            format!("{agent}（社内メモ）"),
        ),
        Speaker::Other(other) => by_language(
            language,
            format!("{other}（不是本案客户）"),
            format!("{other} (not the customer)"),
            format!("{other}（お客様とは別の方）"),
        ),
    };
    exchanges.iter().map(|told| (format!("{} {}", at(told.at), who(&told.by)), told.text.clone())).collect()
}

/// Why humans get a mail in a case that was answered before.
pub fn follow_up(language: Language) -> String {
    by_language(
        language,
        "客户在本案中再次来信",
        "the customer writes again in this case",
        "この案件でお客様から再度ご連絡がありました",
    )
    .into()
}

/// What the requester thinks of a closed case.
pub fn rated(stars: u8, language: Language) -> String {
    by_language(
        language,
        format!("客户评价：{stars} 分（满分 5 分）"),
        format!("the customer's mark for this case: {stars} of 5"),
        format!("お客様の評価：{stars}（5点満点）"),
    )
}

/// A mail that names a case of somebody else.
pub fn names_another(number: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("来信提到案号 {number}，但来信人不是该案件的客户，因此未并入"),
        format!("it names case {number}, whose requester its sender is not: it was not added there"),
        format!("案件 {number} に言及していますが、その案件のお客様ではないため追加していません"),
    )
}

/// A new case that goes on with an old one.
pub fn continues(number: CaseNumber, language: Language) -> String {
    by_language(
        language,
        format!("接续案件 {number}（结案已久，未重新打开）"),
        format!("it goes on with case {number}, which was closed too long ago to be opened again"),
        format!("案件 {number} の続きです（完了から日数が経っているため新規受付としました）"),
    )
}

/// Why humans get a mail in a case that is somebody else's.
pub fn outsider(language: Language) -> String {
    by_language(
        language,
        "来信人不是本案客户，请勿把本案内容告诉对方",
        "somebody other than the requester wrote this: tell them nothing of the case",
        "この案件のお客様とは別の方からのメールです。案件の内容を伝えないでください",
    )
    .into()
}

/// A mail that would end a case if it were certain who wrote it.
pub fn uncertain(language: Language) -> String {
    by_language(
        language,
        "只凭案号、主题或发件地址归入本案，没有证实是客户本人：不凭它结案，也不记评分；您确认后可写 #结案",
        "it is in this case by a number, a subject or an address alone, and nothing proves the requester: it closes nothing and \
         no mark is kept; if you are sure, write #close",
        "受付番号・件名・差出人だけで紐付けたメールで、ご本人とは確認できていません。完了にはせず、評価も記録しません。ご確認のうえ #完了 としてください",
    )
    .into()
}

/// A mail larger than we take.
pub fn cut(language: Language) -> String {
    by_language(
        language,
        "来信过大，只取了开头部分；全文仍在邮箱里",
        "the mail is too large and was taken by its beginning only; the whole of it is in the mailbox",
        "メールが大きすぎるため冒頭のみ取り込みました。全文はメールボックスにあります",
    )
    .into()
}

/// Secrets in the mail were masked.
pub fn redacted(language: Language) -> String {
    by_language(
        language,
        "来信含有密码等敏感信息，已打码，原信未随附；请勿向客户索要此类信息",
        "secrets in the mail were masked and the original is not attached; never ask the customer for them",
        "メールに含まれていた機密情報は伏せ字にし、原文は添付していません。お客様にお尋ねにならないでください",
    )
    .into()
}

/// Why no category won; `label` says how people call one.
pub fn ambiguity(why_not: &Ambiguity, label: impl Fn(&CategoryId) -> String, language: Language) -> String {
    match why_not {
        Ambiguity::BelowThreshold { category, score, threshold } if *score > 0.0 => {
            let category = label(category);
            by_language(
                language,
                format!("最像“{category}”，但把握不够（{score:.1} 分，需要 {threshold:.1} 分）"),
                format!("most like “{category}”, but not certain ({score:.1} points of {threshold:.1})"),
                format!("「{category}」に近いものの、確信が持てません（{score:.1}点、基準は{threshold:.1}点）"),
            )
        }
        // Fewer points than none: nothing speaks for it.
        Ambiguity::Nothing | Ambiguity::BelowThreshold { .. } => by_language(
            language,
            "没有规则能判断这封来信",
            "no rule had anything to say about it",
            "該当するルールがありません",
        )
        .into(),
        Ambiguity::TooClose { first, second, .. } => {
            let (first, second) = (label(first), label(second));
            by_language(
                language,
                format!("既像“{first}”又像“{second}”，难以判断"),
                format!("as much like “{first}” as like “{second}”"),
                format!("「{first}」とも「{second}」とも取れます"),
            )
        }
    }
}

pub(super) fn by_language<T>(language: Language, zh: T, en: T, ja: T) -> T {
    match language {
        Language::Zh => zh,
        Language::En => en,
        Language::Ja => ja,
    }
}
