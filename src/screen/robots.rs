//! Addresses nobody reads: the never-answer list (RFC 5230 §4.6, RFC 3834 §2), grown by what is seen in
//! the wild. A hit silences an answer and nothing more, so a wrong hit (`bouncer@…`) costs little.

use super::Reason;
use crate::message::is_mail_system;

/// Local parts of robots, without their hyphens, dots and underscores.
const ROBOTS: &[&str] = &[
    "listserv",
    "listproc",
    "majordomo",
    "mailman",
    "sympa",
    "ezmlm",
    "autoreply",
    "autoresponder",
    "autoresponse",
    "autoanswer",
    "automailer",
    "automated",
    "mailbot",
    "robot",
    "bot",
    "cron",
    "crondaemon",
    "daemon",
    "uucp",
    "nobody",
    "anonymous",
    "wwwdata",
    "apache",
    "nagios",
    "jenkins",
    "digest",
];

/// Words of which a local part is built when nobody reads what is sent there: `newsalerts-noreply`,
/// `card_newsflash`. Compared with the parts between hyphens, dots, underscores and plus signs.
const WORDS: &[&str] = &[
    "noreply",
    "noreplay",
    "norespond",
    "noresponse",
    "nreply",
    "donotreply",
    "dontreply",
    "donotrespond",
    "bounce",
    "bounces",
    "bounced",
    "news",
    "enews",
    "newsletter",
    "newsletters",
    "newsflash",
    "mailing",
    "mailings",
    "announce",
    "announcement",
    "announcements",
    "alert",
    "alerts",
    "notify",
    "notification",
    "notifications",
    "notifier",
    "promo",
    "promotions",
    "offers",
    "updates",
    "autoreply",
    "autoresponder",
    "autoresponse",
];

/// Ends of a part that say the same: `virusupdates`.
const ENDINGS: &[&str] =
    &["noreply", "newsletter", "newsletters", "alerts", "updates", "notification", "notifications", "announcements"];

/// Beginnings and ends of the addresses of list managers and of vacation(1)'s list.
const LIST_BEGINNINGS: &[&str] = &["owner-", "bounce-"];
const LIST_ENDINGS: &[&str] = &["-request", "-owner", "-bounces", "-bounce", "-outgoing", "-relay", "-errors"];

/// What the address in From (or the text that stands in its place) says about its owner.
pub fn sender(written: &str) -> Option<Reason> {
    // POSTMASTER is not among them: humans read it.
    if is_mail_system(written) {
        return Some(Reason::MailSystemSender);
    }
    let local = local_part(written);
    let squashed: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    is_robot(&local, &squashed).then_some(Reason::RobotSender)
}

/// Is this the envelope sender, or the Sender, of a list manager or a mass mailer? Narrower than
/// [`sender`], for people write through strange envelopes: BATV's `prvs=`, SRS.
pub fn is_mass_mailer(written: &str) -> bool {
    let local = local_part(written);
    let user = local.split(['+', '=']).next().unwrap_or_default();
    is_list_manager(user)
        || ["bounce", "bounces", "bouncing"].contains(&user)
        || LIST_ENDINGS.iter().any(|end| local.contains(&format!("{end}+")))
        // ezmlm: `list-return-123-user=example.com@…`.
        || local.contains("-return-")
}

fn is_robot(local: &str, squashed: &str) -> bool {
    ROBOTS.contains(&squashed)
        || is_list_manager(local)
        || ["noreply", "noresponse", "donotreply", "donotrespond", "dontreply"]
            .iter()
            .any(|robot| squashed.starts_with(robot) || squashed.ends_with(robot))
        || squashed.contains("bounce")
        || local
            .split(['-', '.', '_', '+'])
            .any(|part| WORDS.contains(&part) || ENDINGS.iter().any(|end| part.ends_with(end)))
}

fn is_list_manager(local: &str) -> bool {
    LIST_BEGINNINGS.iter().any(|start| local.starts_with(start)) || LIST_ENDINGS.iter().any(|end| local.ends_with(end))
}

/// The local part in lower case. Mail systems often leave out the domain (`MAILER-DAEMON`).
fn local_part(written: &str) -> String {
    let text = written.trim().trim_matches(['<', '>', '"']);
    let local = text.rsplit_once('@').map_or(text, |(local, _)| local);
    local.trim_matches('"').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a05_addresses_nobody_reads_are_known_by_their_names() {
        let systems = ["MAILER-DAEMON", "mailer-daemon@example.com", "Mail_Daemon@example.com"];
        for address in systems {
            assert_eq!(sender(address), Some(Reason::MailSystemSender), "{address}");
        }
        let robots = [
            "LISTSERV@example.com",
            "majordomo@example.com",
            "owner-list@example.com",
            "list-owner@example.com",
            "list-request@example.com",
            "list-bounces@example.com",
            "bounce@example.com",
            "bounces+12-ab=example.com@example.com",
            "msgbounce@example.com",
            "bouncer@example.com",
            "no-reply@example.com",
            "no_reply@example.com",
            "No.Reply@example.com",
            "noreply@example.com",
            "noreply-dmarc-support@example.com",
            "gmail-noreply@example.com",
            "newsalerts-noreply@example.com",
            "donotreply@example.com",
            "do-not-reply@example.com",
            "do_not_reply.billing@example.com",
            "notification@example.com",
            "notifications@example.com",
            "order-notifications@example.com",
            "notify@example.com",
            "newsletter@example.com",
            "news@example.com",
            "enews@example.com",
            "alerts@example.com",
            "virusupdates@example.com",
            "announcements@example.com",
            "autoresponder@example.com",
            "auto-reply@example.com",
            "www-data@example.com",
            "nobody@example.com",
            "cron@example.com",
        ];
        for address in robots {
            assert_eq!(sender(address), Some(Reason::RobotSender), "{address}");
        }
        let people = [
            "postmaster@example.com",
            "support@example.com",
            "info@example.com",
            "root@example.com",
            "webmaster@example.com",
            "admin@example.com",
            "norah.reply@example.com",
            "agnew.smith@example.com",
            "robert@example.com",
            "abbot@example.com",
            "daisy@example.com",
            "owner@example.com",
            "request@example.com",
            "张三@example.com",
            "",
            "@",
        ];
        for address in people {
            assert_eq!(sender(address), None, "{address}");
        }
    }

    #[test]
    fn the_envelopes_of_lists_are_known_and_those_of_people_are_not() {
        for address in [
            "owner-list@example.com",
            "list-bounces+ann=example.org@example.com",
            "bounces+7-x=y@example.com",
            "bounces@example.com",
            "list-return-33-ann=example.org@example.com",
        ] {
            assert!(is_mass_mailer(address), "{address}");
        }
        for address in [
            "ann@example.com",
            "prvs=0123456789=ann@example.com",
            "SRS0=ab=cd=example.org=ann@example.com",
            "btv1==0123==ann@example.com",
            "ann+support@example.com",
            "MAILER-DAEMON",
        ] {
            assert!(!is_mass_mailer(address), "{address}");
        }
    }
}
