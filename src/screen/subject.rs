//! Subjects that vacation programs, mail systems and ticket systems write.
//!
//! A subject alone never makes a mail automatic (RFC 3834 §3.1.5); it only silences the answer (A19). Even
//! so it must be the robot's formula, at the very beginning: "why do I get Out of Office replies" is a
//! question, and so is everything that begins with `Fwd:`.

use std::sync::LazyLock;

use regex::Regex;

use super::Reason;
use super::plain::plain;
use crate::message::Message;
use crate::patterns::Patterns;

/// Characters of a subject looked at: a formula stands at the beginning.
const LOOKED_AT: usize = 200;

/// A subject line of an automatic reply. `$end` stands for what ends a formula: a colon, a bracket, or the
/// end of the subject.
const AUTO_REPLY: &[&str] = &[
    // English
    r"^auto(?:matic|mated)?[- ]?(?:reply|response|answer|responder|responce)(?: (?:message|mail|e-?mail|from .*))?$end",
    r"^auto(?:matic|mated)?[- ]?(?:reply|response|answer) (?:to|re|for)\b",
    r"^(?:auto|ooo|oof)\s?:",
    r"^out[- ]of[- ](?:the[- ])?office(?: (?:auto[- ]?(?:reply|response)|reply|response|message|notification|notice|alert))?$end",
    r"^[^?]{2,60} is (?:currently )?(?:out of (?:the )?office|on (?:vacation|leave|holidays?))(?: ?[.(]|$| until| till| from| returning)",
    r"^(?:vacation|holiday|away|absence|leave)(?: (?:message|notice|notification|reply|response|alert|auto-?reply))?\s?(?:\(|:|$)",
    r"^away from my (?:e-?)?mail",
    r"^i(?:'m| am)(?: currently| now)? (?:away|out of (?:the )?office|on (?:vacation|holidays?|(?:\w+ )?leave))(?: ?[.!(]|$| until| till| from| through| and will)",
    // Deutsch
    r"^(?:automatische[rs]? (?:antwort|rückantwort|rückmeldung|e-?mail-?antwort|abwesenheits\w+)|auto-?antwort)$end",
    r"^(?:abwesend|abwesenheit|abwesenheits(?:notiz|benachrichtigung|meldung|mitteilung|assistent|nachricht)|urlaubs(?:notiz|meldung|benachrichtigung|vertretung)|nicht im (?:büro|haus)|au(?:ß|ss)er haus)(?:$end| (?:von|vom|bis|ab|aw|re|wg)\b)",
    r"^[^?]{2,60} ist (?:au(?:ß|ss)er haus|nicht im (?:büro|haus)|abwesend|im urlaub)",
    // Français
    r"^(?:r[ée]ponse automatique|absence du bureau|message d'absence|notification d'absence|absente? du bureau|en congés?)(?: de .*)?$end",
    r"^(?:[^?]{2,60} est|je suis) (?:actuellement )?(?:absente?|en congés?)\b",
    // Español, italiano, português
    r"^(?:respuesta autom[áa]tica|fuera de (?:la )?oficina|mensaje de ausencia|aviso de ausencia)$end",
    r"^(?:risposta automatica|fuori (?:sede|ufficio)|avviso di assenza|messaggio di assenza)$end",
    r"^(?:resposta autom[áa]tica|fora do escrit[óo]rio|aus[êe]ncia(?: tempor[áa]ria)?)$end",
    // Nederlands, Skandinavien, Suomi
    r"^(?:automatisch(?:e)? (?:antwoord|beantwoording|bericht|reactie)|afwezig(?:heid)?(?:sbericht|smelding)?|niet aanwezig|buiten kantoor)$end",
    r"^(?:auto-?svar|automatiskt? svar|autom(?:atiskt)? frånvaro\w*|frånvaro(?:meddelande)?|fraværende?|fraværsmelding|ikke til stede|ej på kontoret)$end",
    r"^(?:automaattinen vastaus|poissaolo\w*)$end",
    // Polski, česky, magyar, русский, türkçe, 한국어
    r"^(?:automatyczna odpowied[źz]|odpowied[źz] automatyczna|autoodpowied[źz]|poza biurem)$end",
    r"^(?:automatick[áa] odpov[ěe][ďd]|mimo kancelář|automatikus válasz|otomatik (?:yanıt|cevap))$end",
    r"^(?:автоответ|автоматический ответ|нет на месте|вне офиса|автоматична відповідь)$end",
    r"^(?:자동 ?(?:회신|응답|답장)|부재중(?: 자동)?(?: ?회신)?)$end",
    // 中文
    r"^(?:外出|休假|假期|离线|離線|节日)?(?:自动|自動)(?:回复|回復|回覆|答复|答復|答覆|应答|應答)(?:邮件|郵件|通知|信息)?(?:$end| ?[-—]| ?(?:re|fw|fwd|回复|答复|转发)\b)",
    r"^(?:外出|休假|年假|产假|出差|不在(?:办公室|辦公室)|离开办公室)(?:通知|中|提醒)?$end",
    // 日本語
    r"^自動(?:応答|返信|送信|配信)(?:メール|メッセージ|です)?$end",
    r"^(?:不在(?:通知|連絡|のお知らせ|応答)?|休暇(?:通知|中|のお知らせ)|外出中|(?:夏季|夏期|冬季|年末年始)休(?:業|暇)(?:のお知らせ)?)$end",
];

/// A subject line of a bounce, a delivery report or a scanner's warning.
const BOUNCE: &[&str] = &[
    r"^undeliver(?:able|ed)(?: (?:mail|message))?\s?:",
    r"^undelivered mail returned to (?:the )?sender|^returned to sender$end",
    r"^(?:e-?mail |mail )?delivery (?:status )?notification(?: ?\(|\s?:|$)",
    r"^(?:e-?mail |mail |message )?delivery (?:failed|failure|error|problem|delayed|warning)(?: ?\(|\s?:| report| notification| notice)",
    r"^(?:e-?mail |mail )?delivery (?:has failed|(?:status )?report|subsystem|system)$end",
    r"^(?:failure|bounce|non-?delivery|delivery failure|mail failure) (?:notice|report|notification)$end",
    r"^returned (?:e-?mail|mail|message)\s?:",
    r"^(?:message|mail|e-?mail) (?:status - )?(?:undeliverable|not delivered|delayed|returned|rejected|bounced|refused|blocked)\s?[:(]|^message status - ",
    r"^nondeliverable mail|^(?:failed to deliver|failure delivering|unable to deliver|could not deliver) your\b|^your (?:message|e-?mail|mail) (?:could not be|was not|couldn't be) delivered|^sorry, your (?:message|e-?mail|mail) could not be",
    r"^warning\s?: (?:message|mail|could not send message)[^?]{0,60} (?:delayed|for past|still undelivered|not yet delivered)\b|^(?:message|mail) \S+ (?:has been )?delayed\b|^delayed mail \(",
    r"^mail (?:system error -|routing error\s?:|failure -)|^considered unsolicited bulk",
    r"^content violation\b|^(?:spam |e-?mail )?quarantine (?:summary|notification|report)$end",
    r"^(?:virus|infected|banned|spam)\b.{0,40}\b(?:in|from) your (?:mail|e-?mail|message)|^virus (?:alert|warning|notification)$end",
    r"found an? (?:infected|suspicious) message|\bantivirus (?:notification|alert)$end|^postmaster notify\b",
    // Deutsch, français, español, italiano, nederlands, português
    r"^(?:unzustellbar|nicht zustellbar|nicht übermittelt|zustellung fehlgeschlagen|unzustellbare (?:mail|nachricht))\s?[:(]",
    r"^(?:non remis|[ée]chec de (?:la )?(?:remise|distribution)|notification d'[ée]tat de remise|message non (?:distribu|remis|d[ée]livr)|courrier non remis)",
    r"^(?:no se puede entregar|no entregado|correo devuelto|error de entrega|notificaci[óo]n de (?:estado de )?entrega)\b",
    r"^(?:mancato recapito|mancata consegna|non recapitabile|notifica (?:di|dello) (?:stato|mancata))",
    r"^(?:onbestelbaar|niet bezorgd|n[ãa]o foi poss[íi]vel entregar|falha na entrega|n[ãa]o entregue)",
    r"^(?:ikke levert|ikke leveret|olevererbart|går inte att leverera|не доставлено|недоставленное сообщение)",
    // 中文
    r"^(?:邮件)?(?:系统|系統)退信(?:通知)?(?:$end| ?/| )|^退信(?:通知|提醒)$end|^来自.{1,60}的退信$end|^(?:传递|投递)状态通知|^(?:邮件|郵件)(?:退回|投递失败|投递状态)(?:通知|报告|提醒)$end",
    r"^(?:未送达|未送達|无法投递|無法投遞|无法送达|無法傳遞|未傳遞的主旨|传递失败|傳遞失敗)\s?:",
    // 日本語, 한국어
    r"^(?:配信不能|配信エラー|配送不能|配送エラー|送信エラー|メールエラー)(?:(?:通知|のお知らせ|レポート)$end|\s?:)",
    r"^(?:メールを配信できませんでした|配信できません\s?:|전송되지 않음|배달되지 않음|메일 전송 실패)",
];

/// What a subject about mail that did not arrive has in it, whoever writes it.
const TROUBLE: &[&str] = &[
    r"undeliver|non-?deliver|deliver\w* (?:fail|error|problem|notif|status|report|delay)|returned (?:e-?mail|mail|message|to)|\bbounced?\b",
    r"\b(?:mail|message|e-?mail) (?:\w+ )?(?:not delivered|returned|rejected|blocked|refused|failure|failed|error|delayed)|\b(?:virus|spam|rejected|blocked|quarantined?)\b",
    r"zustell|non remis|remise|entrega|recapito|consegna|bezorg|levere|доставк|退信|退回|投递|投遞|送达|送達|傳遞|配信|配送|送信|エラー",
];

/// Receipts, reports, challenges and the acknowledgements of other ticket systems.
const NOTICE: &[&str] = &[
    r"^(?:read|not read|gelesen|nicht gelesen|ungelesen|lu|non lu|leído|letto|lido|gelezen|läst|lest|læst|luettu|przeczytano|přečteno|прочтено|okundu|已读|已讀|未读|未讀|已閱讀|开封|開封済み|開封通知|읽음)\s?:",
    r"^(?:read|return|delivery) receipt\b|^lesebestätigung|^empfangsbestätigung|^accusé de (?:lecture|réception)|^confirmación de lectura|^conferma di lettura|^(?:已读|阅读|閱讀|收件)?回(?:执|執)$end|^開封(?:確認|済み)",
    r"^report domain\s?:.*submitter\s?:|^complaint about message from\b|^(?:abuse|feedback|spam) (?:report|loop)\s?[:(\[]",
    r"^(?:please confirm|confirm|verify) (?:your|the) (?:message|e-?mail message|e-?mail to|mail to|delivery)\b|^confirmation (?:required|request) for (?:message|your)|^your (?:e-?mail|message|mail) (?:to .{1,60} )?(?:requires|is awaiting|awaits|is waiting for) (?:verification|confirmation|moderator|approval|your confirmation)|^your message to .{1,60} (?:awaits|is awaiting)",
    r"^(?:we (?:have )?received your|thank you for contacting|thanks for contacting|your (?:support )?(?:request|ticket|case|inquiry|enquiry)\b.{0,40}\b(?:has been|was) (?:received|created|opened|logged|registered|closed|updated|resolved))",
    r"^(?:ticket|case|request|incident)\s?#?[\w.-]{0,20} (?:has been |was )?(?:received|created|opened|registered|closed|resolved)$end",
    r"^(?:您的)?(?:工单|问题单|服务请求)[^?]{0,20}(?:已(?:收到|受理|创建|提交|关闭))|^(?:您的)?(?:来信|來信)(?:我们)?已(?:收到|收悉)$end",
    r"^お問い?合わせ(?:を|の)?(?:受け?付け|受付)(?:ました|完了|のお知らせ)?",
    r"^(?:cron|anacron) <|^\[?nagios\b|^\*\* (?:problem|recovery|acknowledgement)\b",
];

/// Makes the patterns now, instead of while the first mail waits.
pub(super) fn prepare() {
    for phrases in [&FORMULAS, &BOUNCES, &TROUBLES] {
        phrases.is_match("");
    }
    PASSED_ON.is_match("");
}

static FORMULAS: LazyLock<Patterns> = LazyLock::new(|| compile(&[AUTO_REPLY, BOUNCE, NOTICE]));
static BOUNCES: LazyLock<Patterns> = LazyLock::new(|| compile(&[BOUNCE]));
static TROUBLES: LazyLock<Patterns> = LazyLock::new(|| compile(&[TROUBLE]));

/// `Fwd:` and its kin, and `Re:`. What follows was written by a program, but a person sent it.
static PASSED_ON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:fwd?|wg|tr|rv|enc|i|doorst|vs|vl|vb|pd|転送|转发|轉寄|轉發|re|aw|sv|antw|回复|答复|回覆|答覆|返信|res|r)\s?(?:\[\d+\])?\s?:",
    )
    .expect("the pattern is tested with the program")
});

pub fn look(message: &Message, found: &mut Vec<Reason>) {
    if candidates(message).iter().any(|text| FORMULAS.is_match(text)) {
        found.push(Reason::AutomaticSubject);
    }
}

/// Is it the subject of a bounce, in the words of a mail system?
pub fn is_bounce(message: &Message) -> bool {
    candidates(message).iter().any(|text| BOUNCES.is_match(text))
}

/// Does it speak of mail that did not arrive? People who ask about it do so, too.
pub fn speaks_of_trouble(message: &Message) -> bool {
    candidates(message).iter().any(|text| TROUBLES.is_match(text))
}

/// Did a person pass on or answer what the rest of the subject names?
pub fn is_passed_on(message: &Message) -> bool {
    let subject = plain(&message.subject, LOOKED_AT);
    PASSED_ON.is_match(untagged(&subject).0)
}

/// The subject as a formula would stand in it: without tags like `[SPAM]`, each tag by itself, and what
/// stands in brackets at the end. Nothing where a person has passed it on.
fn candidates(message: &Message) -> Vec<String> {
    let subject = plain(&message.subject, LOOKED_AT);
    let (rest, mut tags) = untagged(&subject);
    if PASSED_ON.is_match(rest) {
        return Vec::new();
    }
    if let Some(tail) = rest.strip_suffix([']', ')']) {
        tags.extend(tail.rfind(['[', '(']).map(|start| &tail[start + 1..]));
    }
    tags.push(rest);
    tags.into_iter().map(|text| text.trim().to_owned()).collect()
}

/// Takes leading `[…]`, `【…】`, `(…)` and `***` off a subject, and returns what stood in them.
fn untagged(subject: &str) -> (&str, Vec<&str>) {
    let (mut rest, mut tags) = (subject.trim(), Vec::new());
    loop {
        rest = rest.trim_start_matches(['*', ' ', '<', '>', '"']);
        let Some((open, close)) =
            [('[', ']'), ('【', '】'), ('(', ')'), ('〔', '〕')].into_iter().find(|(open, _)| rest.starts_with(*open))
        else {
            return (rest, tags);
        };
        let Some(end) = rest.find(close) else {
            return (rest, tags);
        };
        tags.push(&rest[open.len_utf8()..end]);
        rest = &rest[end + close.len_utf8()..];
    }
}

fn compile(lists: &[&[&str]]) -> Patterns {
    let whole: Vec<String> =
        lists.concat().into_iter().map(|phrase| phrase.replace("$end", r"\s?(?:[:(\[!]|$)")).collect();
    Patterns::new(whole.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::specimen::from_ann;
    use crate::screen::{Kind, screen};

    fn silences(subject: &str) -> bool {
        let screening = screen(&from_ann(&format!("Subject: {subject}"), "Hello"), None);
        assert_eq!(screening.kind, Kind::Human, "a subject alone proves nothing: {subject}");
        screening.reasons == [Reason::AutomaticSubject]
    }

    #[test]
    fn a19_the_formulas_of_robots_silence_an_answer() {
        let formulas = [
            "Auto: 自动回复 Out of office",
            "Automatic reply: Your order",
            "AutoReply: Re: Hello",
            "Auto Response: Hello",
            "Auto-Reply from Ann",
            "Out of Office: Hello",
            "Out of the office",
            "Out of Office AutoReply: Hello",
            "Ann Smith is out of the office (returning 12/04)",
            "Vacation reply",
            "Away from my mail",
            "I am on annual leave until Monday",
            "[SPAM] Automatic reply: Hello",
            "Re your mail [Auto-Reply]",
            "Abwesenheitsnotiz: Hallo",
            "Automatische Antwort: Hallo",
            "Ann Muster ist außer Haus.",
            "Réponse automatique : Bonjour",
            "Absence du bureau: Bonjour",
            "Respuesta automática: Hola",
            "Risposta automatica: Ciao",
            "Resposta automática: Olá",
            "Automatisch antwoord: Hallo",
            "Autosvar: Hej",
            "Автоответ: Привет",
            "자동 회신: 안녕",
            "自动回复：你好",
            "自动回复: Re: 你好",
            "自動回覆：您好",
            "外出自动回复",
            "休假通知：下周",
            "【自动回复】你好",
            "自動応答: こんにちは",
            "【自動返信】お問い合わせ",
            "不在通知",
            "Undeliverable: Hello",
            "Undelivered Mail Returned to Sender",
            "Mail delivery failed: returning message to sender",
            "Delivery Status Notification (Failure)",
            "failure notice",
            "Returned mail: see transcript for details",
            "Warning: could not send message for past 4 hours",
            "Unzustellbar: Hallo",
            "Non remis : Bonjour",
            "系统退信/The email is returned",
            "来自postmaster@example.com的退信",
            "未送达：你好",
            "配信不能通知",
            "メールエラー通知",
            "Read: invitation",
            "已读：会议",
            "開封済み: 会議",
            "Report Domain: example.com Submitter: host.example Report-ID: 1",
            "Your ticket #12 has been received",
            "Thank you for contacting Example",
            "Your message to list awaits moderator approval",
        ];
        let missed: Vec<_> = formulas.into_iter().filter(|subject| !silences(subject)).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn a19_whoever_writes_about_robots_is_answered() {
        let questions = [
            "My out-of-office reply does not work",
            "Out of office replies are sent twice",
            "Automatic replies cannot be turned off",
            "How to set an automatic reply",
            "自动回复设置不了",
            "怎么设置自动回复",
            "为什么收到系统退信",
            "系统退信怎么办",
            "邮件发送失败",
            "送信エラー",
            "配信不能",
            "Mail delivery failed",
            "Email not delivered to my customers",
            "Mail rejected by gmail",
            "Undeliverable mail",
            "Unable to deliver mail to yahoo",
            "Error report",
            "退信",
            "外出时如何收邮件",
            "休假期间邮件转发",
            "自動返信メールが届かない",
            "不在時の設定",
            "Undeliverable mails since Monday",
            "Delivery of my order",
            "Read receipts in Outlook",
            "Returned goods",
            "Vacation rental booking",
            "I am on vacation in Spain and need to change my PIN",
            "Fwd: Returned mail: see transcript for details",
            "Re: Undelivered Mail Returned to Sender",
            "转发：系统退信/The email is returned",
            "WG: Unzustellbar: Hallo",
            "AW: Automatische Antwort: Hallo",
            "Abwesenheit einrichten",
            "Message delivery to gmail is slow",
            "Your ticket system is down",
            "",
            "[",
        ];
        let silenced: Vec<_> = questions.into_iter().filter(|subject| silences(subject)).collect();
        assert!(silenced.is_empty(), "{silenced:#?}");
    }
}
