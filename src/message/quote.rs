//! How mail programs mark what somebody else wrote: quote marks, the line that names the writer, the block of
//! header fields, the line of dashes. In Chinese, English, Japanese and the main European languages.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use crate::patterns::Patterns;

/// Lines that an attribution may be broken into by a mail program that wraps at 72 columns.
const ATTRIBUTION_LINES: usize = 7;
/// Octets of an attribution: two names with long addresses, in any script.
const ATTRIBUTION_OCTETS: usize = 800;
/// Lines of a header block, continuation lines included.
const HEADER_LINES: usize = 16;
/// Longer lines are prose.
const MARKER_CHARS: usize = 120;

/// A mail that stands below: answered or passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    Answered,
    PassedOn,
}

/// A line marked as quoted: `> text`, or with the writer's initials before it, as some programs do (`AB> text`).
pub(super) fn is_quoted(line: &str) -> bool {
    let line = line.trim_start();
    let initials = line.bytes().take_while(u8::is_ascii_uppercase).count();
    let after = &line[initials..];
    match initials {
        0 => after.starts_with('>') || after.starts_with('＞'),
        1..=3 => after == ">" || after.starts_with("> "),
        _ => false,
    }
}

/// The line without its quote marks.
pub(super) fn unquoted(line: &str) -> &str {
    line.trim_start_matches(|c: char| c == '>' || c.is_whitespace())
}

/// `-----Original Message-----` and its kin: a line that says that an earlier mail begins.
pub(super) fn divider(line: &str) -> Option<Earlier> {
    static ANSWERED: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^[-=_─—]{2,} ?(original (message|mail|e-?mail|appointment)|repl(y|ied) message|mensaje original|message d.origine|\
            message original|mensagem original|messaggio originale|ursprüngliche nachricht|original-?nachricht|\
            oorspronkelijk bericht|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|\
            (original|opprinnelig) melding|alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna|\
            (исходное|оригинальное) сообщение|původní zpráva|eredeti üzenet|orijinal mesaj|원본 메시지|\
            (回复|回覆|答复)?的?[原源]始?(邮件|郵件|信件|信息|訊息|消息|文)|邮件原件|郵件原件|(回复|答复)(邮件|郵件)|\
            元の?(メッセージ|メール)|original.{0,20}) ?[-=_─—]{2,}$",
        )
    });
    static PASSED_ON: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^[-=_─—]{2,} ?(forwarded (message|mail|e-?mail).{0,40}|weitergeleitete nachricht.{0,40}|\
            message transféré|mensaje reenviado|mensagem (encaminhada|reencaminhada)|messaggio inoltrato|\
            doorgestuurd bericht|vidarebefordrat meddelande|videresendt (meddelelse|melding)|\
            (wiadomość )?przekazana( wiadomość)?|(пересылаемое|пересланное|переадресованное) сообщение|\
            (转发|轉寄|轉發|转寄)的?(邮件|郵件|信件|訊息|消息)(信息|訊息)?|転送(メッセージ|メール|された.{0,10})|\
            전달된 (메시지|메일)) ?[-=_─—]{2,}$",
        )
    });
    static PASSED_ON_BARE: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^(begin forwarded message|anfang der weitergeleiteten (nachricht|e-mail)|\
            début du message (réexpédié|transféré)|inicio del mensaje reenviado|\
            inizio (del )?messaggio inoltrato|início da mensagem reencaminhada|begin doorgestuurd bericht|\
            vidarebefordrat brev|开始转发的邮件|開始轉寄訊息|以下是转发(的)?邮件|転送されたメッセージ|\
            下記は転送メールです) ?[:：]?$",
        )
    });
    // The line our own mails ask people to write above.
    static WRITE_ABOVE: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"请在此(行|线)(之上|以上|上方)(回复|答复)|請在此(行|線)(之上|以上|上方)回[覆復]|\
            (reply|write|type your reply) above this line|この(行|線)より上(に|で)",
        )
    });
    const DRAWN: [char; 6] = ['-', '=', '_', '─', '—', '#'];
    // Hardly any line begins like one. `&` may begin a blank of HTML.
    let first = line.chars().find(|c| !(c.is_whitespace() || matches!(c, '>' | '*' | '|')))?.to_ascii_lowercase();
    if !DRAWN.contains(&first) && !"abdiv开開以転下&".contains(first) {
        return None;
    }
    let line = bare(line)?;
    if !line.starts_with(DRAWN) {
        return if line.ends_with([':', '：']) || line.chars().count() < 20 {
            PASSED_ON_BARE.is_match(&line).then_some(Earlier::PassedOn)
        } else {
            None
        };
    }
    if ANSWERED.is_match(&line) || WRITE_ABOVE.is_match(&line) {
        Some(Earlier::Answered)
    } else {
        PASSED_ON.is_match(&line).then_some(Earlier::PassedOn)
    }
}

/// A line as its words: no emphasis marks, no quote marks, blanks collapsed. `None` for a line too long.
fn bare(line: &str) -> Option<String> {
    let line = unquoted(line);
    if line.is_empty() || line.len() > 3 * MARKER_CHARS {
        return None;
    }
    let line = line.replace("&nbsp;", " ").replace(['*', '|'], " ");
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn patterns(written: &str) -> Patterns {
    Patterns::new([written])
}

/// A case-insensitive pattern; a backslash at the end of a line and the blanks after it are taken out.
fn words(pattern: &str) -> Regex {
    let pattern: String = pattern.split("\\\n").map(str::trim_start).collect();
    RegexBuilder::new(&pattern).case_insensitive(true).build().expect("the patterns of this file are tested")
}

/// How many lines from the first on are one attribution: `On 1 May 2026, Ann <a@example.com> wrote:`.
///
/// A mail program may have broken it into several lines. It must name a time or an address, and say that
/// somebody wrote; a line that says only `Ann wrote:` is one if `quote_follows`.
pub(super) fn attribution<'a>(lines: impl Iterator<Item = &'a str>, quote_follows: impl Fn(usize) -> bool) -> usize {
    let mut joined = String::new();
    let mut apart = false;
    for (at, line) in lines.enumerate().take(ATTRIBUTION_LINES) {
        let line = unquoted(line).trim_end();
        if line.is_empty() {
            apart = true;
            continue;
        }
        // Only an address may stand apart.
        let goes_on = at == 0 || !(is_sentence(&joined) || label(line).is_some() || apart && !line.starts_with('<'));
        if !goes_on || joined.len() + line.len() > ATTRIBUTION_OCTETS {
            return 0;
        }
        if at == 0 && !may_open(line) {
            return 0;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
        apart = false;
        if says_who_wrote(&joined, quote_follows(at + 1)) {
            return at + 1;
        }
    }
    0
}

/// Ends like a sentence, so what follows is another one. `Apr.` and `28.` are parts of a date.
fn is_sentence(text: &str) -> bool {
    match text.chars().next_back() {
        Some('!' | '?' | '。' | '！' | '？' | ':' | '：') => true,
        Some('.') => {
            let word = text.rsplit(' ').next().unwrap_or_default();
            word.chars().count() > 6 && word.chars().all(|c| c.is_alphabetic() || c == '.')
        }
        _ => false,
    }
}

/// Can an attribution begin so?
fn may_open(line: &str) -> bool {
    line.contains('@')
        || line.ends_with('<')
        || line.starts_with('"')
        || opens(line)
        || line.ends_with([':', '：']) && says_wrote(line)
}

/// With a word that opens an attribution, a date or a day.
fn opens(line: &str) -> bool {
    static OPENING: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"^[-—_*\s]*((on|at|in|le|am|el|il|op|em|den|dnia|w dniu|dne|vào|pada|от|в|στις|a\(z\)|quoting|citando)( |$)|在|于|於|\
            \d{1,4}[-/.年 ]|\d{1,2}:\d\d|(mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom|\
            пн|вт|ср|чт|пт|сб|вс|пон|втор|сред|четв|пятн|субб|воскр|понед|周|星期|週))",
        )
    });
    OPENING.is_match(line)
}

/// Does a line say that somebody wrote? The word is the last one, but in German, Dutch and the Nordic languages
/// the writer or the time may come after it, and Notes puts the time there in every language.
fn says_wrote(line: &str) -> bool {
    static LAST: LazyLock<Regex> = LazyLock::new(|| {
        words(
            r"(wrote|writes|geschrieben|escribió|escribio|scritto|scrisse|escreveu|geschreven|kirjoitti|napisała?|\
            napsala?|napísala?|написала?|написав|пишет|пише|написа|yazdı|írta|scris|έγραψε|menulis|geskryf|rašė|\
            kirjutas|napisao|đã viết|a écrit|schrieb|skrev|\
            写道|寫道|写到|寫到|书写|書いた|書きました|のメッセージ|のメール|작성|썼습니다|보냄)( ?\([aа]\))?\s*[:：]?[-—*_\s]*$",
        )
    });
    static BEFORE: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r" (schrieb|schreibt|schreef|skrev|skreiv) .{0,40}$| (schrieb|schreibt|schreef|skrev|skreiv) .*@|\
            @.* (wrote on|写于|寫於) ?\d{1,4}[-/.年].{0,40}$",
        )
    });
    match LAST.find(line) {
        Some(found) => !line[..found.start()].ends_with(|c: char| c.is_ascii_alphabetic()),
        None => BEFORE.is_match(line),
    }
}

fn says_who_wrote(text: &str, quote_follows: bool) -> bool {
    static MOMENT: LazyLock<Patterns> = LazyLock::new(|| {
        patterns(
            r"(?-u:\b)\d{1,2}[:.h]\d\d|(?-u:\b)(19|20)\d\d(?-u:\b)|(19|20)\d\d ?年|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d月",
        )
    });
    // Gmail names only date, name and address in Chinese, Japanese and many other languages.
    static DATED: LazyLock<Regex> = LazyLock::new(|| {
        words(
            r"^\d{4}( ?[-/.年] ?)\d{1,2}( ?[-/.月] ?)\d{1,2}.{0,60}\
            (<[^<>\s]+@[^<>\s]+>|(gmt|utc)\s*[+-]\d{1,2}:?\d\d \S.{0,60})",
        )
    });
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '—' | '*' | '_'));
    let closed = text.ends_with([':', '：']);
    if closed && quote_follows && text.contains('@') && MOMENT.is_match(text) {
        return true;
    }
    if closed || text.starts_with("--") {
        // Where no quote marks follow, everything below is at stake: only an address or the usual opening will do.
        let named = quote_follows || text.contains('@') || opens(text) && MOMENT.is_match(text);
        if named && says_wrote(text) {
            return true;
        }
    }
    DATED.find(text).is_some_and(|found| {
        let rest = &text[found.end()..];
        let ends = rest.chars().all(|c| c.is_whitespace() || matches!(c, ':' | '：' | '<' | '>'));
        // People list mails in the same form; a zone they do not write.
        ends && (closed || quote_follows || !text.contains('@'))
    })
}

/// The fields that a mail program repeats above a mail it quotes without marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    From,
    Date,
    To,
    Subject,
    Other,
}

/// The label that a line begins with, and its value: `*Sent:* Monday`, `| 发件人 | 张三 |`, `日　期：…`.
fn label(line: &str) -> Option<(Label, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '|' | '>' | '#'));
    let end = line.find([':', '：', '|', '\t'])?;
    if end > 60 {
        return None;
    }
    let name: String = line[..end].chars().filter(|c| !matches!(c, '*' | '_' | '\u{3000}' | '\u{a0}')).collect();
    let name = name.trim().to_lowercase();
    // `日　期` is spread to the width of `发件人`; words of other languages keep their blanks.
    let name = if name.is_ascii() { name } else { spread(&name) };
    let label = match name.as_str() {
        "from" | "sender" | "von" | "de" | "da" | "van" | "från" | "fra" | "od" | "от" | "от кого" | "від"
        | "发件人" | "發件人" | "寄件者" | "寄件人" | "差出人" | "送信者" | "送信元" | "보낸 사람" | "보낸사람"
        | "kimden" | "gönderen" | "lähettäjä" | "feladó" | "expéditeur" | "remitente" | "mittente" | "afzender"
        | "absender" | "odesílatel" | "发自" | "发信人" => Label::From,
        "sent"
        | "sent at"
        | "date"
        | "gesendet"
        | "datum"
        | "envoyé"
        | "envoyé le"
        | "enviado"
        | "enviado el"
        | "enviada"
        | "enviada em"
        | "enviado em"
        | "data"
        | "inviato"
        | "data invio"
        | "verzonden"
        | "skickat"
        | "sendt"
        | "dato"
        | "wysłano"
        | "wysłane"
        | "отправлено"
        | "дата"
        | "надіслано"
        | "відправлено"
        | "发送时间"
        | "發送時間"
        | "发件时间"
        | "发送日期"
        | "日期"
        | "时间"
        | "時間"
        | "寄件日期"
        | "傳送時間"
        | "送信日時"
        | "日時"
        | "送信日"
        | "日付"
        | "날짜"
        | "보낸 날짜"
        | "tarih"
        | "gönderme tarihi"
        | "lähetetty"
        | "päivämäärä"
        | "päiväys"
        | "elküldve"
        | "dátum"
        | "odesláno"
        | "fecha"
        | "trimis" => Label::Date,
        "to" | "recipient" | "recipients" | "an" | "à" | "a" | "para" | "aan" | "till" | "til" | "do" | "кому"
        | "收件人" | "收件者" | "宛先" | "받는 사람" | "받는사람" | "kime" | "alıcı" | "vastaanottaja" | "címzett"
        | "komu" | "destinataire" | "destinatario" | "pour" | "către" | "cc" | "kopie" | "kopia" | "copie"
        | "copia" | "cc:" | "抄送" | "抄送人" | "副本" | "copie à" | "kopi" | "копия" | "копія" => {
            Label::To
        }
        "subject" | "betreff" | "objet" | "asunto" | "oggetto" | "assunto" | "onderwerp" | "ämne" | "emne"
        | "temat" | "тема" | "主题" | "主題" | "主旨" | "標題" | "标题" | "件名" | "제목" | "konu" | "aihe"
        | "tárgy" | "předmět" | "predmet" | "subiect" => Label::Subject,
        "reply-to" | "reply to" | "antwort an" | "répondre à" | "responder a" | "responder para" | "risposta"
        | "rispondi a" | "回复" | "回复至" | "返信先" | "bcc" | "密送" | "importance" | "priority" | "重要性"
        | "attachments" | "attachment" | "附件" | "添付ファイル" | "message-id" => Label::Other,
        _ => return None,
    };
    let after = line[end..].chars().next().map_or(0, char::len_utf8);
    Some((label, line[end + after..].trim_matches(|c: char| c.is_whitespace() || c == '*')))
}

fn spread(name: &str) -> String {
    if name.chars().any(|c| ('\u{3040}'..='\u{9FFF}').contains(&c)) {
        name.split_whitespace().collect()
    } else {
        name.to_owned()
    }
}

/// How many lines from the first on are the header block of a quoted mail; 0 when they are not.
///
/// People list `发件人：… 收件人：… 时间：…` themselves when they report a bounce, because they are asked to. So
/// without a divider above it a block needs sender, subject, a date with its year, and a text below it.
pub(super) fn header_block<'a>(lines: impl Iterator<Item = &'a str>, below_divider: bool) -> usize {
    let (mut from, mut to, mut subject, mut year) = (false, false, false, false);
    let (mut labels, mut end, mut strays, mut blanks) = (0, 0, 0, 0);
    let mut first = None;
    let mut text_below = false;
    for (at, line) in lines.enumerate() {
        let line = line.trim();
        if line.is_empty() {
            blanks += 1;
            continue;
        }
        match label(line) {
            // The sender stands in it once: a second one begins another block.
            Some((label, value)) if blanks <= 1 && at < HEADER_LINES && !(from && label == Label::From) => {
                if !below_divider && *first.get_or_insert(label) != Label::From {
                    return 0;
                }
                match label {
                    Label::From => from = true,
                    Label::To => to = true,
                    Label::Subject => subject = true,
                    Label::Date => year |= has_year(value),
                    Label::Other => {}
                }
                labels += 1;
                (end, strays, blanks, text_below) = (at + 1, 0, 0, false);
            }
            _ if labels == 0 => return 0,
            // The address list or the subject goes on in the next line.
            _ if blanks == 0 && strays < 2 && at < HEADER_LINES => {
                strays += 1;
                text_below = !is_listed(line);
            }
            _ => {
                // Below further lines of a list it is the end of the list.
                text_below |= blanks > 0 && strays == 0;
                break;
            }
        }
    }
    let found = if below_divider {
        labels >= 3 || from && labels >= 2
    } else {
        labels >= 3 && from && subject && year && (to || labels > 3) && text_below
    };
    if found { end } else { 0 }
}

/// `错误代码：550`: one more line of a list. `您好：` is not.
fn is_listed(line: &str) -> bool {
    line.split_once([':', '：']).is_some_and(|(name, value)| name.chars().count() < 12 && !value.trim().is_empty())
}

fn has_year(value: &str) -> bool {
    let digits: Vec<&str> = value.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 4).collect();
    digits.iter().any(|run| run.starts_with("19") || run.starts_with("20"))
}
