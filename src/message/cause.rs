//! Why a mail could not be delivered, told from what a mail system says about it in words.
//!
//! Half of all bounces carry an enhanced status code (RFC 3463) somewhere in their text. For the rest the code is
//! deduced by the table below: what the rest of the house asks is whether an address is gone, full or guarded.

use std::sync::LazyLock;

use super::Status;
use crate::patterns::Patterns;

/// One cause: its status code, and the words for it.
struct Cause {
    status: Status,
    words: &'static [&'static str],
}

const fn status(subject: u16, detail: u16) -> Status {
    Status { class: 5, subject, detail }
}

/// The first one that fits is taken: what a mailbox cannot hold is asked before who owns it, because `mailbox
/// example full, user unknown` never happens and `user over quota` does.
const CAUSES: &[Cause] = &[
    // Mailbox full.
    Cause {
        status: status(2, 2),
        words: &[
            r"(?:mailbox|inbox|mail box|account|user|recipient|disk|storage|folder)\b.{0,60}\b(?:is |are |was )?(?:full|over ?quota|over (?:the|its|their) (?:\w+ )?(?:quota|limit)|exceed\w*|over its size)",
            r"over ?quota|quota (?:is )?exceeded|exceed\w* .{0,30}quota|insufficient (?:system |disk )?(?:storage|space)|not enough (?:disk |storage )?space|out of (?:storage|disk) space|mailbox full",
            r"(?:邮箱|信箱|邮件箱|收件箱|郵箱|用户空间|空间|容量|配额)[^。\n]{0,12}(?:已满|满了|已滿|满|不足|超(?:过|出|限)|用完)",
            r"(?:メールボックス|受信箱|受信トレイ|容量|ディスク)[^。\n]{0,24}(?:一杯|いっぱい|満杯|超え|超過|オーバー|不足)",
            r"postfach\b.{0,40}\b(?:voll|überfüllt|überschritten)|speicherplatz|kontingent|bo[îi]te.{0,60}(?:pleine|satur)|quota.{0,20}dépass|(?:buzón|casilla|casella|caixa).{0,40}(?:llen|pien|chei)",
        ],
    },
    // Message too large.
    Cause {
        status: status(3, 4),
        words: &[
            r"(?:message|e-?mail|mail|content|attachment)s?(?: is| was|'s)? (?:file )?(?:size|length|too (?:large|big|long)|larger than)|(?:size|length) (?:of .{0,30} )?(?:exceed|limit)|too (?:large|big)\b|exceeds? .{0,30}(?:size|maximum)",
            r"(?:邮件|附件|信件|郵件)[^。\n]{0,8}(?:太大|过大|過大|大小|尺寸)|超(?:过|出)[^。\n]{0,12}(?:大小|长度)",
            r"(?:メール|メッセージ|添付)[^。\n]{0,16}(?:サイズ|大きすぎ|大きい)",
            r"(?:nachricht|mail)\b.{0,30}\bzu gro(?:ß|ss)|trop (?:volumineu|gro)|demasiado grande|troppo grande",
        ],
    },
    // Host or domain unknown.
    Cause {
        status: status(1, 2),
        words: &[
            r"\b(?:host|domain)(?: or domain)?(?: name)? (?:is )?(?:unknown|not (?:found|known)|lookup|invalid)|(?:unknown|no such|invalid|bad|illegal|nonexistent) (?:host|domain|mail domain|destination)|\bdomain\b.{0,60}(?:not found|couldn't be found|could not be found|(?:does not|doesn't) (?:exist|have|accept)|is not valid|isn't valid)",
            r"couldn't find any host|name (?:service|server) (?:error|not)|nxdomain|unrouteable mail domain|all relevant mx|no mx\b|cannot resolve|could not be resolved|host or domain name not found",
            r"(?:域名|主机|收件方服务器|網域|网域)[^。\n]{0,12}(?:不存在|错误|有误|无法解析|解析失败|解析不到|未找到|找不到)|(?:找不到|无法解析|未找到)[^。\n]{0,10}(?:域名|主机|邮件服务器)",
            r"(?:ドメイン|ホスト)[^。\n]{0,20}(?:存在し|見つかり|不明|解決)",
            r"(?:domäne|domain|domaine|host)\b.{0,40}\b(?:nicht gefunden|existiert nicht|unbekannt|introuvable|n['’]existe pas|inconnu)",
        ],
    },
    // Mailbox disabled.
    Cause {
        status: status(2, 1),
        words: &[
            r"(?:account|mailbox|user|recipient|address|e-?mail)\b.{0,50}\b(?:disabled|suspended|inactive|deactivated|locked|expired|been closed|no longer (?:active|accepts?|valid|in use|available|on server|monitored|exists?))|(?:disabled|suspended|inactive|deactivated) (?:user|account|mailbox|recipient)",
            r"(?:邮箱|账号|帐号|账户|帐户|用户|收件人|信箱)[^。\n]{0,10}(?:停用|冻结|凍結|禁用|注销|註銷|锁定|封停|过期|未激活|停止使用)",
            r"(?:アカウント|メールアドレス|利用)[^。\n]{0,16}(?:停止|無効|解約)|(?:postfach|konto)\b.{0,30}\b(?:gesperrt|deaktiviert)|(?:compte|bo[îi]te).{0,30}désactivé",
        ],
    },
    // User unknown.
    Cause {
        status: status(1, 1),
        words: &[
            r"user(?:name)? (?:is )?(?:unknown|not (?:found|known|exist|listed))|(?:unknown|no such|invalid|nonexistent|non-existent|not a known|bad|illegal|undeliverable|unrout(?:e)?able|incorrect) (?:user|local|recipient|e-?mail|mail ?box|address|account|person|alias|virtual)",
            r"(?:user|mailbox|recipient|account|address|alias|local part|person|name|e-?mail)\b.{0,80}\b(?:(?:does not|doesn't|did not|do not|not) exist|(?:could not|couldn't|can not|cannot|can't|was not|wasn't|not) (?:be )?found|is (?:unknown|not known|invalid|not valid|not listed)|isn't (?:valid|listed)|not (?:valid|known|recognized|listed|in (?:the )?(?:directory|table|address book))|unknown)",
            r"no (?:mail ?box|account|user|recipient|address)(?: here)?(?: by| with| under| for|$)|address not found|not (?:a |our )(?:valid |local )?(?:user|customer|mailbox)|not listed in (?:domino|public|the)|couldn't be found|(?:does not|doesn['’]t) have an? .{0,40}account|who are you",
            r"(?:用户|收件人|收信人|邮箱|信箱|账号|帐号|帐户|账户|地址|邮件地址|收件者|使用者)[^。\n]{0,20}(?:不存在|不正确|错误|有误|无效|無效|未找到|找不到|不是有效)|(?:不存在|找不到|未找到|没有)(?:该|此|这个|這個|指定的)?(?:用户|收件人|邮箱|帐号|账号|地址|使用者|信箱)|查无此|查無此|用户未注册",
            r"(?:宛先|あて先|アドレス|ユーザー?|受信者|メールボックス|アカウント)[^。\n]{0,30}(?:見つかり|見つから|存在し|存在せ|不明|誤り|間違)",
            r"(?:empfänger|benutzer|adresse|postfach|konto|mailbox|destinataire|utilisateur|bo[îi]te|compte)\b.{0,80}(?:unbekannt|existiert nicht|nicht gefunden|nicht vorhanden|ungültig|n['’]existe pas|inconnue?|introuvable|n['’]a pas été trouvée?|pas valide)|(?:unbekannter|ungültiger?) (?:benutzer|empfänger|adresse)|(?:usuario|dirección|destinatario|utente|indirizzo).{0,60}(?:no existe|desconocid|non (?:esiste|valido|trovato)|sconosciut)",
        ],
    },
    // Loop.
    Cause {
        status: status(4, 6),
        words: &[r"\bloop(?:ing|s)?\b|too many hops|hop count|邮件循环|循环投递|メールループ|ループ(?:が|し)|schleife"],
    },
    // Nobody answered in time.
    Cause {
        status: status(4, 7),
        words: &[
            r"timed? ?out|timeout|retry time|(?:delivery )?(?:time )?expired|could(?: not|n't) connect|connection (?:refused|was (?:refused|dropped)|lost|failed)|no route to host|not? respon|too long|(?:unable|requests) to connect|giving up|(?:not |un)reachable",
            r"(?:连接|链接|连线|連線)[^。\n]{0,12}(?:超时|失败|失敗|逾時|不上)|超时|超時|逾时|タイムアウト|接続(?:でき|に失敗)|zeitüberschreitung|délai",
        ],
    },
    // Guarded: spam, a block list, a policy, an authentication that failed.
    Cause {
        status: status(7, 1),
        words: &[
            r"\bspam|spamhaus|black ?list|block ?list|deny ?list|\bblocked\b|polic(?:y|ies)|unsolicited|\bjunk\b|\brbls?\b|reputation|\bbanned|\bvirus|prohibited|access denied|relay(?:ing)?\b.{0,20}\b(?:denied|not (?:allowed|permitted)|prohibited)|not (?:allowed|permitted|authorized)|unauthenticated|\bspf\b|\bdkim\b|\bdmarc\b|administrative prohibition|dt:spm|content (?:rejected|denied)|\b(?:rejected|refused|denied)\b",
            r"垃圾邮件|垃圾信|拦截|攔截|黑名单|黑名單|拒收|拒绝|拒絕|反垃圾|屏蔽|被封|违规|敏感|策略|频率限制|可疑|病毒",
            r"迷惑メール|スパム|ブロック|拒否|ウイルス|ポリシー|abgelehnt|abgewiesen|zurückgewiesen|rejeté|refusé|rechazad|rifiutat|rejeitad",
        ],
    },
];

/// The status code of what a mail system says in words; `None` where it says nothing known.
pub(super) fn status_of(text: &str) -> Option<Status> {
    static WORDS: LazyLock<Patterns> =
        LazyLock::new(|| Patterns::new(CAUSES.iter().flat_map(|cause| cause.words).copied()));
    static OWNER: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let each = CAUSES.iter().enumerate();
        each.flat_map(|(at, cause)| std::iter::repeat_n(at, cause.words.len())).collect()
    });
    let first = WORDS.first(text)?;
    OWNER.get(first).map(|at| CAUSES[*at].status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_mail_systems_have_a_code() {
        let cases = [
            (
                "5.2.2",
                &[
                    "Mailbox full",
                    "The user is over quota",
                    "对方邮箱已满",
                    "容量がいっぱいです",
                    "Das Postfach ist voll",
                ][..],
            ),
            ("5.3.4", &["Message size exceeds fixed limit", "邮件过大", "メールのサイズが大きすぎます"]),
            (
                "5.1.2",
                &[
                    "Host or domain name not found",
                    "unknown domain",
                    "域名不存在",
                    "Sorry, I couldn't find any host named x",
                ],
            ),
            ("5.2.1", &["account has been disabled", "该用户已被停用", "This address no longer accepts mail"]),
            (
                "5.1.1",
                &[
                    "User unknown",
                    "no such user here",
                    "收件人不存在",
                    "宛先が見つかりません",
                    "n'existe pas: destinataire inconnu",
                    "Empfänger unbekannt",
                ],
            ),
            ("5.4.6", &["This message is looping", "too many hops"]),
            ("5.4.7", &["retry timeout exceeded", "连接对方服务器超时"]),
            (
                "5.7.1",
                &["blocked by Spamhaus", "DT:SPM", "邮件被对方拦截", "Relaying denied", "mail content denied: policy"],
            ),
        ];
        for (code, texts) in cases {
            for text in texts {
                assert_eq!(status_of(text).map(|status| status.to_string()).as_deref(), Some(code), "{text}");
            }
        }
        assert_eq!(status_of("How do I change my password?"), None);
        assert_eq!(status_of(""), None);
    }
}
