//! Bounces that mail systems write in prose, and people who quote them.

use huixin::message::{Action, Limits, Message, Report, read};
use huixin::screen::{Kind, screen};

/// A bounce: who writes, what else the header says, the text, and what is to be read in it.
struct Bounce {
    name: &'static str,
    head: &'static str,
    text: &'static str,
    outcomes: &'static [(&'static str, Action, &'static str)],
    about: &'static [&'static str],
}

const DAEMON: &str = "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\nSubject: failure notice";
const SENT: &[&str] = &["k7.a1.proof@example.com"];

fn mail(head: &str, text: &str) -> Message {
    let kind = if head.contains("Content-Type") { "" } else { "Content-Type: text/plain; charset=utf-8\n" };
    let mail = format!("To: support@example.com\nMIME-Version: 1.0\n{head}\n{kind}\n{text}\n");
    read(mail.replace('\n', "\r\n").as_bytes(), &Limits::default())
}

const BOUNCES: &[Bounce] = &[
    Bounce {
        name: "qmail",
        head: DAEMON,
        text: "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to \
               the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n\
               <li@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no such user here\n\
               Giving up on 192.0.2.1.\n\n<zhao@example.org>:\nSorry, the mailbox is over quota. (#5.2.2)\n\n\
               --- Below this line is a copy of the message.\n\nReturn-Path: <support@example.com>\n\
               Message-ID: <k7.a1.proof@example.com>\nSubject: Re: x\n\nhi",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1"), ("zhao@example.org", Action::Failed, "5.2.2")],
        about: SENT,
    },
    Bounce {
        name: "qmail without a code",
        head: DAEMON,
        text: "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to \
               the following addresses.\n\n<li@nowhere.example>:\nSorry, I couldn't find any host named nowhere.example.\n",
        outcomes: &[("li@nowhere.example", Action::Failed, "5.1.2")],
        about: &[],
    },
    Bounce {
        name: "Exim",
        head: "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: li@example.org\n\
               Auto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender",
        text: "This message was created automatically by mail delivery software.\n\nA message that you sent could not be \
               delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) \
               failed:\n\n  li@example.org\n    host mx.example.org [192.0.2.9]\n    SMTP error from remote mail server \
               after RCPT TO:<li@example.org>:\n    550 5.7.1 blocked using a block list\n\n------ This is a copy of the \
               message, including all the headers. ------\n\nReceived: from a by b\nMessage-Id: \
               <k7.a1.proof@example.com>\n\nhi",
        outcomes: &[("li@example.org", Action::Failed, "5.7.1")],
        about: SENT,
    },
    Bounce {
        name: "Exim, a user it has never heard of",
        head: "From: Mailer-Daemon@mx.example.net\nX-Failed-Recipients: li@example.org\nSubject: Mail delivery failed",
        text: "This message was created automatically by mail delivery software.\n\nA message that you sent could not be \
               delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  li@example.org\n    \
               Unknown user\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "d03: Exim warns",
        head: "From: Mailer-Daemon@mx.example.net\nSubject: Warning: message 1ABC delayed 24 hours",
        text: "This message was created automatically by mail delivery software.\nA message that you sent has not yet been \
               delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\nThe address to which \
               the message has not yet been delivered is:\n\n  li@example.org\n    Delay reason: mailbox is full\n\n\
               No action is required on your part. Delivery attempts will continue for\nsome time.",
        outcomes: &[("li@example.org", Action::Delayed, "4.2.2")],
        about: &[],
    },
    Bounce {
        name: "Postfix without its report part",
        head: "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender",
        text: "This is the mail system at host mx.example.net.\n\nI'm sorry to have to inform you that your message could \
               not\nbe delivered to one or more recipients.\n\n                   The mail system\n\n\
               <li@example.org>: host mx.example.org[192.0.2.9] said: 552 5.2.2 Mailbox\n    full (in reply to RCPT TO \
               command)\n",
        outcomes: &[("li@example.org", Action::Failed, "5.2.2")],
        about: &[],
    },
    Bounce {
        name: "d03: Postfix warns",
        head: "From: MAILER-DAEMON@mx.example.net\nSubject: Delayed Mail (still being retried)",
        text: "This is the mail system at host mx.example.net.\n\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND \
               YOUR MESSAGE. #\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until \
               it is 5 day(s) old.\n\n<li@example.org>: connect to mx.example.org[192.0.2.9]:25: Connection timed out",
        outcomes: &[("li@example.org", Action::Delayed, "4.4.7")],
        about: &[],
    },
    Bounce {
        name: "d03: a mail that was relayed",
        head: "From: MAILER-DAEMON@mx.example.net\nSubject: Successful Mail Delivery Report",
        text: "This is the mail system at host mx.example.net.\n\nYour message was successfully relayed to the destination \
               below. If it could not be delivered there, you will not be told.\n\n<li@example.org>: relayed",
        outcomes: &[("li@example.org", Action::Relayed, "")],
        about: &[],
    },
    Bounce {
        name: "sendmail, one for good and one for now",
        head: "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Returned mail: see transcript for details",
        text: "The original message was received at Mon, 2 Nov 2026 10:00:00 +0800\nfrom mx.example.com [192.0.2.3]\n\n   \
               ----- The following addresses had permanent fatal errors -----\n<li@example.org>\n    (reason: 550 5.1.1 \
               User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n\
               >>> DATA\n<<< 550 5.1.1 User unknown",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "courier",
        head: "From: Courier mail server <MAILER-DAEMON@mx.example.net>\nSubject: NOTICE: mail delivery status.",
        text: "This is a delivery status notification from mx.example.net,\nrunning the Courier mail server.\n\nThe \
               original message was received on Mon, 2 Nov 2026 10:00:00 +0800\nfrom support@example.com\n\n\
               ---\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be \
               delivered:\n\n<li@example.org>:\n    mx.example.org [192.0.2.9]:\n<<< 550 User unknown.\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "Exchange 2003",
        head: "From: System Administrator <postmaster@example.org>\nSubject: Undeliverable: Re: Password",
        text: "Your message\n\n  To:      li@example.org\n  Subject: Re: Password\n  Sent:    Mon, 2 Nov 2026 10:00:00\n\n\
               did not reach the following recipient(s):\n\nli@example.org on Mon, 2 Nov 2026 10:00:01 +0800\n    The \
               e-mail account does not exist at the organization this message was sent to.\n    <mx.example.org #5.1.1>",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "Exchange in Chinese",
        head: "From: postmaster@example.org\nSubject: 未送达: 答复: 密码",
        text: "对以下收件人的传递失败:\n\nli@example.org\n找不到您输入的电子邮件地址。请检查收件人的电子邮件地址是否正确。\n\n\
               供管理员使用的诊断信息:\n\n生成服务器: mx.example.org\n\nli@example.org\n#550 5.1.10 RESOLVER.ADR.RecipientNotFound ##",
        outcomes: &[("li@example.org", Action::Failed, "5.1.10")],
        about: &[],
    },
    Bounce {
        name: "Exchange in Japanese",
        head: "From: postmaster@example.org\nSubject: 配信不能: パスワード",
        text: "次の受信者またはグループへのメッセージを配信できませんでした:\n\nli@example.org\n\
               入力した電子メール アドレスが見つかりませんでした。\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "Exchange in German",
        head: "From: postmaster@example.org\nSubject: Unzustellbar: Kennwort",
        text: "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\nIhre Nachricht konnte nicht \
               zugestellt werden:\n\nli@example.org\nDas Postfach des Empfängers ist voll.\n",
        outcomes: &[("li@example.org", Action::Failed, "5.2.2")],
        about: &[],
    },
    Bounce {
        name: "Exchange in French",
        head: "From: postmaster@example.org\nSubject: Non remis : Mot de passe",
        text: "Votre message n’a pas pu être remis aux destinataires ou groupes suivants :\n\nli@example.org\nL’adresse de \
               messagerie est introuvable : le destinataire n’existe pas.\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "d03: Exchange in German waits",
        head: "From: postmaster@example.org\nSubject: Zustellung verzögert: Kennwort",
        text: "Die Zustellung an folgende Empfänger ist verzögert:\n\nli@example.org\n\nEs wird weiterhin versucht, die \
               Nachricht zuzustellen. Wenn sie nicht zugestellt werden kann, werden Sie benachrichtigt.",
        outcomes: &[("li@example.org", Action::Delayed, "")],
        about: &[],
    },
    Bounce {
        name: "Notes",
        head: "Return-Path: <>\nFrom: Postmaster@example.org\nSubject: DELIVERY FAILURE: User li not listed in Domino Directory",
        text: "Your message\n\n  Subject: Re: Password\n\nwas not delivered to:\n\n  li@example.org\n\nbecause:\n\n  User li \
               (li@example.org) not listed in Domino Directory\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "QQ",
        head: "From: PostMaster@qq.example\nSubject: 来自qq.example的退信\nContent-Type: text/html; charset=utf-8",
        text: "<div>抱歉，您的邮件被退回来了……</div><table><tr><td>原邮件信息：</td></tr><tr><td>时间</td><td>2026-11-02 10:00:00</td></tr>\
               <tr><td>主题</td><td>答复：密码</td></tr><tr><td>收件人：</td><td>li@qq.example</td></tr></table>\
               <div>退信原因：</div><div>收件人邮箱地址不存在，邮件无法送达。</div>\
               <div>host mx.qq.example said: 550 Mailbox not found</div>",
        outcomes: &[("li@qq.example", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "163",
        head: "From: Postmaster@163.example\nSubject: 系统退信",
        text: "抱歉，您的邮件被退回来了，邮件无法发送到 li@example.org 。\n\n退信原因：\n对方邮箱已满。\nSMTP error, RCPT TO: 552 Quota exceeded",
        outcomes: &[("li@example.org", Action::Failed, "5.2.2")],
        about: &[],
    },
    Bounce {
        name: "NetEase, blocked as spam",
        head: "From: postmaster@vip.163.example\nSubject: 系统退信/Systems bounce",
        text: "很抱歉，您发送的邮件被系统退信。\n收件人：li@163.example\n\n退信理由：\nSMTP error, DOT: 554 DT:SPM 163 smtp, 邮件被对方拦截",
        outcomes: &[("li@163.example", Action::Failed, "5.7.1")],
        about: &[],
    },
    Bounce {
        name: "Sina",
        head: "From: MAILER-DAEMON@sina.example\nSubject: 系统退信",
        text: "尊敬的用户：\n\n您发送给 li@sina.example 的邮件投递失败，原因如下：\n该用户邮箱已被停用。\n",
        outcomes: &[("li@sina.example", Action::Failed, "5.2.1")],
        about: &[],
    },
    Bounce {
        name: "Aliyun",
        head: "From: 系统管理员 <mailer-daemon@aliyun.example>\nSubject: 退信通知",
        text: "您好，您的邮件未能成功投递。\n\n收件人地址: li@nowhere.example\n失败原因: 收件人域名不存在，DNS 无法解析\n",
        outcomes: &[("li@nowhere.example", Action::Failed, "5.1.2")],
        about: &[],
    },
    Bounce {
        name: "d03: a Chinese provider waits",
        head: "From: postmaster@163.example\nSubject: 投递延迟通知",
        text: "您发送的邮件暂时无法送达，系统将在 48 小时内继续尝试投递，您无需重新发送。\n\n收件人：li@example.org\n原因：连接对方服务器超时\n",
        outcomes: &[("li@example.org", Action::Delayed, "4.4.7")],
        about: &[],
    },
    Bounce {
        name: "Gmail",
        head: "Return-Path: <>\nFrom: Mail Delivery Subsystem <mailer-daemon@gmail.example>\nX-Failed-Recipients: li@example.org\n\
               Subject: Delivery Status Notification (Failure)",
        text: "Delivery to the following recipient failed permanently:\n\n     li@example.org\n\nTechnical details of \
               permanent failure:\nThe error that the other server returned was:\n550 5.1.1 The email account that you \
               tried to reach does not exist.\n\n----- Original message -----\n\nMessage-ID: <k7.a1.proof@example.com>\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: SENT,
    },
    Bounce {
        name: "a Japanese carrier",
        head: "From: Postmaster@ezweb.example\nSubject: Mail System Error - Returned Mail",
        text: "次のあて先へのメッセージはエラーのため送信できませんでした。\n\n送信先メールアドレスが見つかりません。\n\
               メールアドレスをご確認の上、再送信してください。\n\n<li@ezweb.example>\n",
        outcomes: &[("li@ezweb.example", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "another, with a full mailbox",
        head: "From: mail-delivery-system@docomo.example\nReturn-Path: <>\nSubject: メールエラー",
        text: "お客様の送信したメールは、お届けできませんでした。\n宛先：li@docomo.example\n受信箱の容量がいっぱいです。\n",
        outcomes: &[("li@docomo.example", Action::Failed, "5.2.2")],
        about: &[],
    },
    Bounce {
        name: "Yahoo Japan",
        head: "From: MAILER-DAEMON@yahoo.example\nSubject: failure delivery",
        text: "Message from yahoo.example.\nUnable to deliver message to the following address(es).\n\n<li@example.org>:\n\
               This user doesn't have a yahoo.example account (li@example.org) [-9]\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.1")],
        about: &[],
    },
    Bounce {
        name: "the mail came back as a part",
        head: "Return-Path: <>\nFrom: postmaster@example.org\nSubject: Mail delivery failed\nContent-Type: multipart/mixed; boundary=b",
        text: "--b\n\nYour message was not delivered to li@example.org: message size exceeds the limit.\n--b\n\
               Content-Type: message/rfc822\n\nMessage-ID: <k7.a1.proof@example.com>\n\nhi\n--b--",
        outcomes: &[("li@example.org", Action::Failed, "5.3.4")],
        about: SENT,
    },
    Bounce {
        name: "the fields of a report in the text",
        head: "From: MAILER-DAEMON@mx.example.net\nSubject: Delivery Status Notification",
        text: "An error occurred while trying to deliver the mail to the following recipients:\nli@example.org\n\n\
               Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; li@example.org\nAction: failed\n\
               Status: 5.1.6\nDiagnostic-Code: smtp; 550 moved\n",
        outcomes: &[("li@example.org", Action::Failed, "5.1.6")],
        about: &[],
    },
];

#[test]
fn what_a_mail_system_says_in_prose_is_read_like_a_report() {
    let mut wrong = Vec::new();
    for bounce in BOUNCES {
        let message = mail(bounce.head, bounce.text);
        let Some(Report::Delivery { outcomes, about }) = &message.report else {
            wrong.push(format!("{}: {:?}", bounce.name, message.report));
            continue;
        };
        let status = |outcome: &huixin::message::Outcome| outcome.status.map(|s| s.to_string()).unwrap_or_default();
        let read: Vec<_> = outcomes.iter().map(|o| (o.recipient.as_str(), o.action, status(o))).collect();
        let meant: Vec<_> =
            bounce.outcomes.iter().map(|(to, action, code)| (*to, *action, (*code).to_owned())).collect();
        let about: Vec<&str> = about.iter().map(|id| id.as_str()).collect();
        if read != meant || about != bounce.about {
            wrong.push(format!("{}: {outcomes:?} {about:?}", bounce.name));
        }
        assert_eq!(screen(&message, None).kind, Kind::Bounce, "{}", bounce.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whoever_quotes_a_bounce_is_no_mail_system() {
    let bounces: String = BOUNCES.iter().map(|bounce| format!("{}\n\n", bounce.text)).collect();
    for (head, text) in [
        ("From: Ann <ann@example.org>\nSubject: Undelivered Mail Returned to Sender", bounces.as_str()),
        ("From: Ann <ann@example.org>\nSubject: Fwd: failure notice", BOUNCES[0].text),
        ("From: 张三 <zhang@example.org>\nSubject: 退信", "您好，我发给 li@example.org 的邮件被退回，请问怎么办？"),
        (
            "From: postmaster@example.org\nSubject: Question",
            "Our users get this: your message could not be delivered. Why?",
        ),
        (
            "From: Ann <ann@example.org>\nReturn-Path: <ann@example.org>\nSubject: Re: Mail delivery failed",
            BOUNCES[2].text,
        ),
    ] {
        assert_eq!(mail(head, text).report, None, "{head}");
    }
}

#[test]
fn what_a_mail_system_says_of_other_matters_is_no_report() {
    for (head, text) in [
        (DAEMON, "The size of your mailbox has exceeded a warning threshold."),
        (DAEMON, "Message 1ABC has been frozen."),
        ("Return-Path: <>\nFrom: Ann <ann@example.org>\nSubject: away", "I am out of the office until Monday."),
        ("Return-Path: <>\nFrom: ann@example.org\nSubject: Re: x", "> your message could not be delivered\nI am away."),
        (DAEMON, ""),
    ] {
        assert_eq!(mail(head, text).report, None, "{text}");
    }
}
