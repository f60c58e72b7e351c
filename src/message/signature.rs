//! How people and mail programs sign: the mark `-- `, the line under a line of dashes, `Sent from my iPhone`.

use std::sync::LazyLock;

use crate::patterns::Patterns;

/// Lines of a signature without the mark; longer ones are taken for text.
const MOST_LINES: usize = 12;
/// Characters of a line in a signature.
const MOST_CHARS: usize = 100;
/// Octets of a line that a mail program adds, with a link in it.
const ADVERTISEMENT_OCTETS: usize = 300;
/// Lines of what lists, virus scanners and lawyers put below a mail.
pub(super) const FOOTER_LINES: usize = 40;

/// `-- ` alone on its line (RFC 3676 §4.3), with what becomes of it on the way; and the empty first row of the card
/// that NetEase's mail program draws, as it stands in the plain text.
pub(super) fn is_mark(line: &str) -> bool {
    matches!(line.trim(), "--" | "—" | "–" | "__" | "－－" | "-- --" | "| |")
}

/// A line drawn with one or two kinds of characters.
pub(super) fn is_ruler(line: &str) -> bool {
    let line = line.trim();
    let mut chars = line.chars();
    let drawn =
        |c: char| matches!(c, '-' | '_' | '=' | '*' | '#' | '~' | '+' | '—' | '–' | '─' | '━' | '－' | '＿' | '＝');
    // U+1427 is what a mail tracker leaves behind.
    line == "\u{1427}" || (line.chars().count() >= 2 && chars.all(|c| drawn(c) || c == ' '))
}

/// Outlook, Yahoo and mailing lists draw with underscores, and people do not.
pub(super) fn is_underscores(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| c == '_')
}

/// What a mail program adds about itself.
pub(super) fn is_advertisement(line: &str) -> bool {
    static LINES: LazyLock<Patterns> = LazyLock::new(|| {
        Patterns::new([
            // Sent from my iPhone; (sent from mobile); Sent via X; Sent with Airmail.
            r"^sent (from|via|with|by|using) (my|a|the|an)? ?(\w[\w'+&/®™-]*\s*){1,6}( <\S*>|<\S*>|\(\S*\))?[.,;]?\s*((please|pls|kindly)?\s*(excuse|forgive|pardon|ignore|apologies|sorry).*)?$",
            r"^sent from \[?\w+\]?\(?\S*\)? for windows( \d+)?$",
            r"^from my (iphone|ipad|ipod|android|blackberry|mobile|phone|samsung|galaxy|htc|nokia|pixel)(?-u:\b).{0,20}$",
            r"^\w+ from (my )?(mobile|phone)$",
            r"^(get|download|try) \[?outlook for (ios|android|mac|windows)",
            r"^(sendt|skickat|sänt|lähetetty) (fra|från|med|via|laitteesta|puhelimesta) .{1,60}$",
            r"^lähetetty .{1,60}$",
            r"^(gesendet|verschickt|diese nachricht wurde) (von|mit|über) .{1,100}$",
            r"^von (meinem|unterwegs).{0,60} gesendet\.?$",
            r"^envoyé (de|depuis|à partir de|avec|via) .{1,60}$",
            r"^(enviado|enviada) (desde|do|da|a partir|de|con|con mi|pelo|via) .{1,60}$",
            r"^inviato (da|dal|dalla|con|tramite) .{1,60}$",
            r"^(verzonden|verstuurd) (met|vanaf|vanuit|via|van) .{1,60}$",
            r"^wysłan[eoy] (z|przez|ze|za pomocą) .{1,60}$",
            r"^(отправлено|отправлен|надіслано|відправлено) (с|со|из|з|від|через) .{1,60}$",
            r"^odesláno (z|ze|pomocí) .{1,60}$",
            r"^(trimis (de pe|din)|poslan[oae] (s|sa|iz|z|ze)|küldve|dikirim dari|đã gửi từ|изпратено от) .{1,60}$",
            r"^.{0,20}(umdan|ımdan|imdan|'dan|'den) gönderildi$",
            r"^내 .{1,20}에서 보냄$",
            r"^(发|發|寄)送?自 ?(我的|iphone|ipad|android|安卓|windows|outlook|foxmail|网易|網易|新浪|qq|企业微信|华为|華為|小米|vivo|oppo|荣耀|samsung|三星|手机|手機)[^，。被失退收不无無报錯错]{0,24}$",
            r"^(从|從|由)我的 ?[^，。被失退收不无無报錯错]{1,24}(发送|發送|傳送|发出|發出)$",
            r"^(从|從) ?(windows|outlook|iphone|ipad|mac|android)[^，。被失退收不无無报錯错]{0,20}(发送|發送|傳送|获取|獲取)$",
            r"^(来自|來自)(我的 ?[^，。被失退收不无無报錯错]{1,20}|[^，。的]{0,10}(iphone|ipad|android|安卓|手机客户端|手机邮箱|手机版|邮箱大师|专属商务邮箱))$",
            r"^(获取|獲取|下载|下載) ?(outlook for (ios|android)|(适用于|適用於) ?(ios|android) ?的 ?outlook).{0,30}$",
            r"^.{0,12}(iphone|ipad|android|galaxy|xperia|aquos|pixel|スマートフォン|スマホ|携帯|outlook|yahoo!メール|モバイル).{0,12}(<\S{0,80}>)? ?(から送信(されました)?|を入手)。?( ?<\S{0,80}>)?$",
            r"^나의 .{1,20}에서 보냄$",
        ])
    });
    let line = line.trim();
    if line.len() > ADVERTISEMENT_OCTETS {
        return false;
    }
    // `(sent from a phone)`, `<<sent by galaxy>>`; the brackets of a link at the end stay.
    let bare = line.trim_start_matches(['<', '(', '*', '_', '[', '|', ' ']);
    let bare = if bare.len() < line.len() { bare.trim_end_matches(['>', ')', '*', '_', ']', '|', ' ']) } else { bare };
    LINES.is_match(bare) && !is_prose(bare)
}

/// `Sent from my account but it bounced` is about a mail, not about a telephone.
fn is_prose(line: &str) -> bool {
    const WORDS: [&str; 14] = [
        "but",
        "and",
        "not",
        "is",
        "was",
        "were",
        "to",
        "it",
        "never",
        "bounced",
        "failed",
        "yesterday",
        "today",
        "at",
    ];
    line.split_whitespace().any(|word| WORDS.contains(&word.to_ascii_lowercase().as_str()))
}

/// Reads like a signature: few short lines, no sentence, and a way to reach somebody.
pub(super) fn is_signature<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    static REACHED: LazyLock<Patterns> = LazyLock::new(|| {
        Patterns::new([
            r"\b(tel|phone|fax|mobile?|cell|e-?mail|mail|web|www|https?|wechat|skype|qq)\b ?[:.：]",
            r"\S+@\S+\.\S+",
            r"(\+?\d[\d ()./-]{7,}\d)",
            r"(电话|電話|手机|手機|传真|傳真|邮箱|郵箱|地址|网址|網址|微信|携帯|住所|〒|有限公司|集团|株式会社|事業部|大学|公司|部门)",
            r"\b(ltd|inc|gmbh|llc|corp|s\.a\.|co\.)\b",
        ])
    });
    let (mut count, mut reached) = (0, false);
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        count += 1;
        // `Example Trading Co., Ltd.` is none.
        let words = || line.split_whitespace().count();
        let sentence = line.ends_with(['。', '？', '?', '！', '；'])
            || line.contains(['？', '。'])
            || line.ends_with('.') && words() > 4;
        if count > MOST_LINES || line.chars().count() > MOST_CHARS || sentence {
            return false;
        }
        reached |= REACHED.is_match(line);
    }
    reached
}

/// A signature that begins with a name on a line of its own.
pub(super) fn is_card<'a>(mut lines: impl Iterator<Item = &'a str> + Clone) -> bool {
    let all = lines.clone();
    let is_name = |line: &str| {
        let line = line.trim();
        (1..=20).contains(&line.chars().count())
            && line.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '·' | '\u{3000}'))
    };
    lines.next().is_some_and(is_name) && lines.next().is_some() && is_signature(all)
}

/// What is put below a mail by lists, scanners and lawyers.
pub(super) fn is_footer<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    static SAID: LazyLock<Patterns> = LazyLock::new(|| {
        Patterns::new([
            r"unsubscribe|mailing ?list|reply to this (e-?mail|message)|view (it|this) (on|in)|notification settings",
            r"\bconfidential|intended recipient|disclaimer|virus|scanned by|before printing",
            r"退订|取消订阅|免责|保密信息|机密|病毒|扫描|打印.{0,10}环境|配信停止|機密",
        ])
    });
    let (mut count, mut said) = (0, false);
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        count += 1;
        if count > FOOTER_LINES {
            return false;
        }
        said |= count <= 3 && line.len() < 2_000 && SAID.is_match(line);
    }
    said
}

/// The last line of a mail when it is only a name behind a dash: `-Ann`, `—Ann Lee`.
pub(super) fn is_signed_name(line: &str) -> bool {
    let line = line.trim();
    let name = line.trim_start_matches(['-', '–', '—']);
    let dashes = line.chars().count() - name.chars().count();
    (1..=2).contains(&dashes)
        && name.chars().next().is_some_and(char::is_alphabetic)
        && name.chars().count() <= 40
        && name.split_whitespace().count() <= 4
        && name.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '-' | '·'))
}
