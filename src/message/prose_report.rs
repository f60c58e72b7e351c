//! Bounces that are no RFC 3464 report: what a mail system says in the words of its text.
//!
//! qmail, Exim, Notes, older Exchange and most providers of East Asia tell a person what happened and leave the
//! form to others. Two questions are asked, in this order. Does a mail system write: by address, by envelope, by
//! what hangs below? Does its text say, near its beginning, that a mail did not arrive? Only then is the text
//! taken apart. A person who quotes a bounce fails the first question.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::cause;
use super::header::identifiers;
use super::report::Groups;
use super::{Action, Limits, Message, Outcome, Report, Status, is_mail_system, is_postmaster};
use crate::address::{Address, ReversePath};
use crate::ids::MessageId;
use crate::patterns::Patterns;

/// Characters of the text that are looked at.
const LOOKED_AT: usize = 20_000;
/// Characters in which a mail system has said what happened.
const OPENING: usize = 1_500;
/// Characters in which it has said so if its address alone does not prove what it is.
const FIRST_WORDS: usize = 400;
/// Characters kept of what the other side said.
const DIAGNOSTIC: usize = 400;
/// Lines of a diagnostic.
const DIAGNOSTIC_LINES: usize = 6;

/// Reads a bounce written in prose; `returned` are the Message-IDs in its attached parts.
pub(super) fn read(message: &Message, returned: Vec<MessageId>, limits: &Limits) -> Option<Report> {
    let trust = Trust::of(message)?;
    let text: String = message.text.chars().take(LOOKED_AT).collect();
    let (own, below) = split(&text);
    let opening = opening(&own, if trust == Trust::Program { OPENING } else { FIRST_WORDS });
    let said = match said(&opening)? {
        Said::Failed if warns(&message.subject) => Said::Delayed,
        said => said,
    };
    let mut outcomes = fields(&own, limits);
    if outcomes.is_empty() {
        outcomes = told(message, &own, said, limits);
    }
    let mut about = returned;
    for id in ids_in(&below, limits).into_iter().chain(ids_in(&own, limits)) {
        if !about.contains(&id) && about.len() < limits.references {
            about.push(id);
        }
    }
    Some(Report::Delivery { outcomes, about })
}

/// How sure it is that a program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nobody else writes under this address, or into these fields.
    Program,
    /// A human might: the text has to come to the point at once.
    Perhaps,
}

impl Trust {
    fn of(message: &Message) -> Option<Trust> {
        let program = message.from.iter().any(|person| is_mail_system(&person.written));
        if program || message.field("X-Failed-Recipients").next().is_some() {
            return Some(Trust::Program);
        }
        // A report (RFC 6522) whose part about the delivery is missing; nobody sends one by hand.
        let report = message.types.first().is_some_and(|kind| kind == "multipart/report");
        if message.return_path == Some(ReversePath::Null) || report {
            return Some(Trust::Perhaps);
        }
        // Humans read and write as postmaster: a bounce of theirs has the mail below it, or a bounce's subject.
        let postmaster = message.from.iter().any(|person| is_postmaster(&person.written));
        let system = postmaster || message.is_from_mail_system() || is_robot(message);
        (system && (returns_mail(message) || is_bounce_subject(message))).then_some(Trust::Perhaps)
    }
}

/// `Auto-Submitted` with any value but `no` (RFC 3834 §5), or an address that is nobody's.
fn is_robot(message: &Message) -> bool {
    let automatic = message.field("Auto-Submitted").any(|value| !value.trim().to_ascii_lowercase().starts_with("no"));
    let written = |word: &str| message.from.iter().any(|person| person.written.to_ascii_lowercase().contains(word));
    automatic || written("no-reply@") || written("noreply@")
}

/// The mail that came back hangs below, or its header.
fn returns_mail(message: &Message) -> bool {
    let parts = ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"];
    message.types.iter().any(|kind| parts.contains(&kind.as_str()))
}

fn is_bounce_subject(message: &Message) -> bool {
    static SUBJECT: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^(?:undeliver|non-?deliver|(?:e-?mail |mail |message )?delivery (?:status|fail|error|notif|problem|report|delay)|returned (?:e-?mail|mail|message|to)|failure (?:notice|delivery)|failed delivery|(?:permanent )?delivery failure|mail (?:system|delivery|failure)|message (?:not|status|undeliver)|unzustellbar|nicht zustellbar|zustellung|non remis|[ée]chec|no (?:se puede )?entrega|mancat|系统退信|系統退信|退信|未送达|未送達|无法投递|無法投遞|邮件(?:退回|投递|被退)|郵件退回|来自.{1,60}的退信|投递(?:失败|延迟|状态)|配信(?:不能|エラー)|送信エラー|メールエラー|メールを配信)",
        )
    });
    SUBJECT.is_match(message.subject.trim())
}

/// What a text says became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Failed,
    Delayed,
    /// It went on, and only news of it ended.
    Relayed,
}

impl Said {
    fn action(self) -> Action {
        match self {
            Said::Failed => Action::Failed,
            Said::Delayed => Action::Delayed,
            Said::Relayed => Action::Relayed,
        }
    }
}

/// A delay is named as one even where the text also says that the mail "could not be delivered" so far; a mail
/// that went on is, even where it says that no failure would be told of. So `Failed` is never said in vain.
fn said(text: &str) -> Option<Said> {
    static FAILED: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"(?:could|can|did|was|were|is|has|have|may)(?: ?not|n['’]t) (?:yet )?(?:be |been |get )?(?:successfully )?(?:deliver|sent|accepted|processed|reach)|(?:un|not |wasn['’]t |isn['’]t )able to (?:be )?(?:deliver|send)|\bcould(?: not|n['’]t) be (?:delivered|sent)|address(?:es|\(es\))? (?:had permanent|failed)|recipients? (?:failed|were? rejected)|delivery (?:to|of|for)\b.{0,160}\bfailed|delivery (?:has )?failed|delivery failure|failed permanently|permanent (?:fatal |delivery )*(?:error|failure)|undeliver(?:able|ed)|error (?:while )?(?:trying to )?(?:deliver|send)ing|(?:error has occurred|trouble|problems?) .{0,20}(?:attempting to )?deliver|rejected recipient|invalid final delivery|trying to deliver|message (?:not|wasn['’]t) delivered|(?:message|mail|e-?mail)\b.{0,120}\b(?:has been|was|is being) (?:rejected|blocked|refused|returned|bounced)|address not found|failed to deliver|transcript of session follows|failure reasons|invalid user address|mailbox exceeds allowed size|unknown user\s?:|not delivered|delivery errors?\b|returning message to sender\
            |\b(?:konnten?|kann|können|wurden?)\b.{0,160}\bnicht (?:zugestellt|übermittelt|ausgeliefert|gesendet|erreicht)|unzustellbar|fehler bei der (?:übermittlung|zustellung)|zustellung\b.{0,120}\bfehlgeschlagen|empfänger\b.{0,60}nicht erreicht|nicht (?:zugestellt|übermittelt) werden\
            |n['’](?:a|ont) (?:pas )?(?:pu|été)\b.{0,40}(?:remis|distribu|délivr|livr|transmis)|non remis|échec (?:de (?:la )?)?(?:remise|distribution)|(?:ne peut|n['’]a pas pu)\b.{0,20}\bêtre (?:remis|distribué|envoyé)|impossible de (?:remettre|distribuer)|n['’]est pas parvenu\
            |no (?:se )?(?:ha podido|pudo|puede|fue|ha sido)\b.{0,40}entreg|non (?:è stato|e['’] stato|è possibile|può)\b.{0,40}(?:recapit|consegn)|não (?:foi|pôde|pode)\b.{0,40}entreg|niet (?:worden )?(?:bezorgd|afgeleverd)|не (?:было|может|удалось|может быть|был)?\s?.{0,30}доставл|nie (?:została?|mogła?)\b.{0,30}dostarcz\
            |(?:未能|无法|無法|不能|没有|没能|未)(?:被)?(?:成功)?(?:地)?(?:送达|投递|发送|寄达|传递|送達|投遞|傳遞|寄達|發送|递送|遞送)|(?:投递|发送|传递|送达|投遞|傳遞|發送)(?:已)?失[败敗]|被[^。\n]{0,20}(?:退回|退信|拒收|拒绝|拒絕)|退信(?:原因|通知|信息|理由)|退回原因|的退信|邮件系统退信\
            |(?:送信|配信|配送|お届け|配達|送達|転送)(?:が|を|は|する(?:こと|事)が)?(?:でき(?:ません|なかった|ず|ない)|出来ません|されません|不能|に失敗|失敗|エラー)|届け(?:る(?:こと|事)が)?でき(?:ません|なかった)|エラーメッセージ|送信でき",
        )
    });
    static DELAYED: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"warning (?:message )?only|(?:need not|do(?: not|n['’]t) (?:need|have) to) (?:resend|re-send|send)|not yet (?:been )?deliver|(?:will|it will|we['’]ll|is going to) (?:still )?(?:be retried|be re-?sent|retry|keep (?:on )?trying|continue (?:to (?:try|attempt)|trying)|try again)|deliver(?:y|ed)?\b.{0,120}\b(?:is|has been|was|being) delayed|message (?:is |has been |was )?delayed|still (?:being retried|trying to deliver)|delivery attempts will continue|delay reason|transient non-?fatal|for (?:past|the last) \d+ (?:hours?|minutes?|days?)|delayed mail\
            |verzögert|verzögerung|noch nicht zugestellt|weitere zustellversuche|weiter(?:hin)? versucht\
            |(?:a|est|été) retard|n['’]a pas encore|nouvelles? tentatives?\
            |(?:邮件|郵件|投递|传递|送达|系统)[^。\n]{0,8}延[迟遲误誤]|延[迟遲](?:投递|送达|通知)|(?:尚未|还未|還未|暂未|暫未)(?:成功)?(?:送达|投递|送達|投遞)|(?:系统|我们|服务器|系統)[^。\n]{0,12}(?:将|会|將|會)[^。\n]{0,12}(?:继续|再次|重新|重复|繼續)?(?:尝试|重试|重发|嘗試|重試)|(?:无需|不用|不必|無需)(?:重新|再次|重)(?:发送|发|發)\
            |遅延|遅れて|再送(?:信)?(?:を)?(?:試み|行い|いたします|致します|します)|再試行(?:します|を行|され)|引き続き[^。\n]{0,20}(?:配信|送信)",
        )
    });
    static RELAYED: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"(?:was|has been|were|been) (?:successfully )?(?:relayed|delivered|forwarded)\b|successfully (?:relayed|delivered|sent)|delivery (?:was )?success|erfolgreich (?:zugestellt|übermittelt|weitergeleitet)|a été (?:remis|relayé|transmis)|(?:已|已经|成功)(?:成功)?(?:送达|投递|转发|送達)|(?:正常に|無事)(?:配信|送信|中継)",
        )
    });
    let failed = FAILED.start(text);
    let relayed = RELAYED.start(text);
    match (failed, relayed) {
        _ if DELAYED.is_match(text) => Some(Said::Delayed),
        (Some(failed), Some(relayed)) if relayed < failed => Some(Said::Relayed),
        (Some(_), _) => Some(Said::Failed),
        (None, relayed) => relayed.map(|_| Said::Relayed),
    }
}

/// Does a subject say that it is too early to give up?
fn warns(subject: &str) -> bool {
    static WARNS: LazyLock<Patterns> = LazyLock::new(|| patterns(r"^\W*warning|delay|verzögert|retard|延[迟遲]|遅延"));
    WARNS.is_match(subject)
}

/// Takes the text apart: the mail system's own words, line by line, and the mail that came back below them.
fn split(text: &str) -> (Vec<&str>, Vec<&str>) {
    static BELOW: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^[-=_*#\s]*(?:below this line is a copy|this is a copy of|(?:the )?headers? of (?:the |your )?(?:original|message)|(?:the )?(?:original|returned|unsent|undelivered) (?:message|mail|text)(?: follows| headers?| below| is below| text)?[\s:.=*_-]*$|message headers? follows?|included is a copy|a copy of (?:the|your) (?:original )?message|(?:original|message) header|ursprüngliche (?:nachricht|header)|original-?nachricht|kopie der nachricht|message d['’]origine|en-têtes d|(?:原始?邮件|原信|原文|邮件原文|原始郵件)(?:内容|头|如下)?[\s:：=*_-]*$|以下(?:为|是)(?:原|您)|元(?:の)?メッセージ|オリジナルメッセージ|送信されたメール)|^(?:return-path|received|message-id|dkim-signature|mime-version|delivered-to|x-mailer|x-originating-ip)\s*:",
        )
    });
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| BELOW.is_match(line)).unwrap_or(lines.len());
    let (own, below) = lines.split_at(at);
    // A line of a person's mail is quoted with one mark; `>>>` opens a line of a dialogue.
    let is_quote = |line: &str| line.starts_with('>') && !line.starts_with(">>>");
    (own.iter().copied().filter(|line| !is_quote(line)).collect(), below.to_vec())
}

/// The beginning, on one line: formulas are broken anywhere.
fn opening(own: &[&str], most: usize) -> String {
    let words = own.iter().flat_map(|line| line.split_whitespace());
    let mut opening = String::new();
    for word in words {
        if opening.chars().count() > most {
            break;
        }
        opening.push_str(word);
        opening.push(' ');
    }
    opening
}

/// The fields of RFC 3464, written into the text instead of a part of their own.
fn fields(own: &[&str], limits: &Limits) -> Vec<Outcome> {
    let trimmed: Vec<&str> =
        own.iter().map(|line| if is_field(line.trim_start()) { line.trim_start() } else { line }).collect();
    let mut outcomes = Groups::parse(&trimmed.join("\n"), LOOKED_AT).outcomes(limits.outcomes);
    // Both must be there: `Status: 5.1.1` alone stands in prose as well.
    outcomes.retain(|outcome| outcome.address.is_some() && outcome.action != Action::Other);
    outcomes
}

fn is_field(line: &str) -> bool {
    ["Final-Recipient:", "Original-Recipient:", "Action:", "Status:", "Diagnostic-Code:"]
        .iter()
        .any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

/// What the prose says of each recipient.
fn told(message: &Message, own: &[&str], said: Said, limits: &Limits) -> Vec<Outcome> {
    let mut named = recipients(message, own, limits);
    if named.is_empty() {
        // What became of the mail is known all the same.
        named.push((String::new(), None));
    }
    let alone = named.len() < 2;
    let blocks: Vec<(String, Vec<&str>, Said)> = named
        .iter()
        .enumerate()
        .map(|(i, (recipient, line))| {
            let next = named[i + 1..].iter().filter_map(|(_, line)| *line).find(|next| Some(*next) > *line);
            let block = match line {
                Some(line) if !alone => own[*line..next.unwrap_or(own.len())].to_vec(),
                _ => own.to_vec(),
            };
            let said = line.and_then(|line| heading(&own[..line])).unwrap_or(said);
            (recipient.clone(), block, said)
        })
        .collect();
    blocks.into_iter().map(|(recipient, block, said)| outcome(recipient, &block, own, said)).collect()
}

/// sendmail lists what failed for good and what will be tried again under headings of their own.
fn heading(above: &[&str]) -> Option<Said> {
    above.iter().rev().find_map(|line| {
        let line = line.to_ascii_lowercase();
        if line.contains("transient non-fatal") {
            return Some(Said::Delayed);
        }
        line.contains("had permanent fatal").then_some(Said::Failed)
    })
}

fn outcome(recipient: String, block: &[&str], own: &[&str], said: Said) -> Outcome {
    let diagnostic = diagnostic(&recipient, block).or_else(|| diagnostic(&recipient, own)).unwrap_or_default();
    let deduced = || {
        let found = cause::status_of(&without(&diagnostic, &recipient));
        let found = found.or_else(|| cause::status_of(&without(&block.join(" "), &recipient)))?;
        // What is told of a delay is not yet for good.
        Some(Status { class: if said == Said::Delayed { 4 } else { found.class }, ..found })
    };
    let told = Status::find_in(&diagnostic).filter(|status| status.class != 2 && status.subject < 8);
    // `5.0.0` says that it failed, which we know.
    let status = told.filter(|status| (status.subject, status.detail) != (0, 0)).or_else(deduced).or(told);
    Outcome {
        address: Address::parse(&recipient).ok(),
        recipient,
        action: said.action(),
        status: status.filter(|_| said != Said::Relayed),
        diagnostic,
    }
}

/// A text without the address in it, which may be `spam@…` or `full@…`.
fn without(text: &str, recipient: &str) -> String {
    if recipient.is_empty() { text.to_owned() } else { text.replace(recipient, " ") }
}

/// Who did not get the mail, and in which line it is said, in the order of the text.
fn recipients(message: &Message, own: &[&str], limits: &Limits) -> Vec<(String, Option<usize>)> {
    let all = addresses(own);
    let ours = |address: &str| {
        let mut known = message.from.iter().chain(&message.to).chain(&message.also_to);
        known.any(|person| person.written.eq_ignore_ascii_case(address))
            || is_mail_system(address)
            || is_postmaster(address)
    };
    let others: Vec<&Found> = all.iter().filter(|found| !ours(&found.address)).collect();
    let listed: Vec<String> = message
        .field("X-Failed-Recipients")
        .flat_map(|value| value.split([',', ' ', '\t', '\r', '\n']))
        .map(|address| address.trim_matches(['<', '>']).to_owned())
        .filter(|address| address.contains('@'))
        .collect();
    let mut named: Vec<(String, Option<usize>)> = Vec::new();
    let mut name = |address: &str, line: Option<usize>| {
        let known = named.iter().any(|(known, _)| known.eq_ignore_ascii_case(address));
        if !known && named.len() < limits.outcomes {
            named.push((address.to_owned(), line));
        }
    };
    for address in &listed {
        name(address, all.iter().find(|found| found.address.eq_ignore_ascii_case(address)).map(|found| found.line));
    }
    if listed.is_empty() {
        let strongest = others.iter().map(|found| found.place).max();
        others
            .iter()
            .filter(|found| Some(found.place) == strongest)
            .for_each(|found| name(&found.address, Some(found.line)));
        if strongest.is_none() {
            // Somebody wrote to themselves.
            all.iter()
                .filter(|found| found.place > Place::Said)
                .for_each(|found| name(&found.address, Some(found.line)));
        }
    }
    named
}

/// An address in the mail system's own words.
struct Found {
    address: String,
    line: usize,
    place: Place,
}

/// Where an address stands, the least telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Said,
    /// In a sentence about the failure: `Delivery to li@example.com failed`.
    Sentence,
    /// After `To:`.
    Labelled,
    /// At the head of a line: a list of recipients.
    Heading,
}

fn addresses(own: &[&str]) -> Vec<Found> {
    static ADDRESS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z][a-z0-9-]+"));
    static LABEL: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^\W*(?:to|rcpt to|(?:final[- ]|original[- ]|intended |failed )?recipients?(?: address)?|address|user|envoyé à|à|an|empfänger|destinataires?|收件人(?:地址|邮箱)?|收件地址|收信人|收件者|退信(?:地址|邮箱)|目标(?:地址|邮箱)|宛先|あて先|受信者|送信先)\W*(?:rfc822;)?\W*$",
        )
    });
    static OTHER: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^\W*(?:from|sender|reply-to|mail from|return-path|cc|subject|von|de|absender|expanded from|sent by|发件人|發件人|寄件者|差出人|送信元|联系|客服|help|contact)\b|发件人",
        )
    });
    let mut found = Vec::new();
    for (line, text) in own.iter().enumerate() {
        let sentence = said(text).is_some() || text.trim_end().ends_with("<>");
        for address in ADDRESS.find_iter(text) {
            let before = text[..address.start()]
                .trim_start_matches(|c: char| c.is_whitespace() || "<>\"'*-•·>|【[(「:：".contains(c));
            let place = if before.is_empty() {
                Place::Heading
            } else if LABEL.is_match(before) {
                Place::Labelled
            } else if OTHER.is_match(text) {
                continue;
            } else if sentence {
                Place::Sentence
            } else {
                Place::Said
            };
            // `mailto:` and the like.
            let address = address.as_str().trim_matches(['\'', '`', '.', '=']).to_owned();
            found.push(Found { address, line, place });
        }
    }
    found
}

/// What the other side said: the first lines with a reply code, else the first that names a cause, else what
/// stands beside the recipient.
fn diagnostic(recipient: &str, block: &[&str]) -> Option<String> {
    static REPLY: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:^|[^\d.])([45]\d\d[ :-] ?\S)|(?:^|[^\d.])([45]\.\d\.\d{1,3})(?:$|[^\d.])"));
    let at = |line: &usize| block.get(*line).is_some_and(|line| !line.trim().is_empty());
    let reply = block.iter().position(|line| REPLY.is_match(line));
    if let Some(first) = reply {
        let lines = (first..first + DIAGNOSTIC_LINES).take_while(at).map(|line| block[line].trim());
        let joined = lines.collect::<Vec<_>>().join(" ");
        let found = REPLY.captures(&joined).and_then(|found| found.get(1).or(found.get(2)));
        let code = found.map_or(0, |code| code.start());
        // `Remote host said: 550 …`: who said it does not matter.
        let from = joined[..code].rfind(": ").map_or(0, |colon| colon + 2);
        return Some(cut(&joined[from..]));
    }
    let words = |line: &str| {
        let blank = |c: char| c.is_whitespace() || "<>:：()*-".contains(c);
        without(line, recipient).trim_matches(blank).to_owned()
    };
    let lines: Vec<String> = block.iter().map(|line| words(line)).filter(|line| !line.is_empty()).collect();
    let named = lines.iter().find(|line| cause::status_of(line).is_some());
    named.map(|line| cut(line)).or_else(|| beside(recipient, block))
}

/// The rest of the recipient's line, else the line after it.
fn beside(recipient: &str, block: &[&str]) -> Option<String> {
    let named = |line: &&str| !recipient.is_empty() && line.contains(recipient);
    let line = block.iter().position(named)?;
    let (_, rest) = block[line].split_once(recipient)?;
    let next = block.get(line + 1).copied().unwrap_or_default();
    let bare = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || "<>:：()".contains(c)).to_owned();
    [bare(rest), bare(next)].into_iter().find(|text| !text.is_empty()).map(|text| cut(&text))
}

fn cut(text: &str) -> String {
    text.chars().take(DIAGNOSTIC).collect::<String>().trim().to_owned()
}

/// The Message-IDs of mails in the text.
fn ids_in(lines: &[&str], limits: &Limits) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
        let Some((name, value)) = line.split_once(':') else { continue };
        if !name.trim().eq_ignore_ascii_case("message-id") && !name.trim().eq_ignore_ascii_case("x-original-message-id")
        {
            continue;
        }
        // A long one stands in the next line.
        let value = if value.trim().is_empty() { lines.get(at + 1).copied().unwrap_or_default() } else { value };
        ids.extend(identifiers(value.as_bytes()).0.into_iter().take(1));
        if ids.len() >= limits.references {
            break;
        }
    }
    ids
}

fn patterns(written: &str) -> Patterns {
    Patterns::new([written])
}

/// A pattern of which more is asked than whether it is there, without regard to case.
fn pattern(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).case_insensitive(true).build().expect("the patterns of this file are tested")
}
