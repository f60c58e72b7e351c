//! What is cut off a mail, and what stays.

use super::super::line::plain_lines;
use super::*;

fn cut(text: &str) -> Segments {
    segments(&plain_lines(text).collect::<Vec<_>>())
}

/// Every tail below is cut from below every text, in the language of the mail program that wrote it.
#[test]
fn the_mail_below_is_cut_whatever_program_put_it_there() {
    let texts =
        ["您好，附件发不出去，请帮忙看一下。", "Hello,\n\nmy mail bounced.\n\nThanks\nAnn", "添付が送れません。"];
    let tails = [
        // Gmail
        "On Mon, Nov 2, 2026 at 9:00 AM Support <support@example.com> wrote:\n\n> Please restart.\n> Bye",
        "On Mon, Nov 2, 2026 at 9:00 AM Support Team of the Example Company <\nsupport@example.com> wrote:\n> Hi",
        "客服 <support@example.com> 于2026年11月2日周一 09:00写道：\n\n> 请重启",
        "客服 <support@example.com> 於 2026年11月2日 週一 上午9:00寫道：\n> 請重啟",
        "2026年11月2日(月) 9:00 サポート <support@example.com>:\n\n> 再起動してください",
        "Am Mo., 2. Nov. 2026 um 09:00 Uhr schrieb Support <\nsupport@example.com>:\n> Hallo",
        "Le lun. 2 nov. 2026 à 09:00, Support <support@example.com> a écrit :\n> Bonjour",
        "El lun, 2 nov 2026 a las 9:00, Soporte (<support@example.com>) escribió:\n> Hola",
        "Em seg., 2 de nov. de 2026 às 09:00, Suporte <support@example.com> escreveu:\n> Oi",
        "пн, 2 нояб. 2026 г. в 09:00, Support <support@example.com>:\n> Привет",
        "pon., 2 lis 2026 o 09:00 Support <support@example.com> napisał(a):\n> Cześć",
        // Apple Mail, iOS
        "> 在 2026年11月2日，上午9:00，客服 <support@example.com> 写道：\n> \n> 请重启",
        "> 2026/11/02 9:00、サポート <support@example.com>のメール:\n> \n> 再起動",
        "> Am 02.11.2026 um 09:00 schrieb Support <support@example.com>:\n> \n> Hallo",
        "Il giorno 2 nov 2026, alle ore 09:00, Support <support@example.com> ha scritto:\n\nCiao",
        // Thunderbird
        "On 11/2/26 09:00, Support wrote:\n> Hi",
        "在 2026/11/2 9:00, 客服 写道:\n> 请重启",
        "Op 2-11-2026 om 09:00 schreef Support:\n> Hoi",
        // Outlook
        "-----Original Message-----\nFrom: Support <support@example.com> \nSent: Monday, November 2, 2026 9:00 AM\nTo: Ann\nSubject: Re: x\n\nHi",
        "________________________________\nFrom: Support <support@example.com>\nSent: Monday, November 2, 2026 9:00 AM\nTo: Ann <a@example.org>\nSubject: Re: x\n\nHi",
        "发件人: 客服 <support@example.com> \n发送时间: 2026年11月2日 9:00\n收件人: 张三 <a@example.org>\n主题: 回复: 退信\n\n请重启",
        "寄件者: 客服 <support@example.com>\n寄件日期: 2026年11月2日 上午 09:00\n收件者: 張三\n主旨: RE: 退信\n\n請重啟",
        "差出人: サポート <support@example.com>\n送信日時: 2026年11月2日 9:00\n宛先: 山田\n件名: RE: 返信\n\n再起動",
        "Von: Support <support@example.com> \nGesendet: Montag, 2. November 2026 09:00\nAn: Ann\nBetreff: AW: x\n\nHallo",
        "De : Support <support@example.com>\nEnvoyé : lundi 2 novembre 2026 09:00\nÀ : Ann\nObjet : RE: x\n\nBonjour",
        // QQ, Foxmail, NetEase, Aliyun and DingTalk
        "------------------ 原始邮件 ------------------\n发件人: \"客服\" <support@example.com>;\n发送时间: 2026年11月2日(星期一) 上午9:00\n收件人: \"张三\"<a@example.org>;\n主题: 回复：退信\n\n请重启",
        "------------------&nbsp;原始邮件&nbsp;------------------\n发件人: x\n请重启",
        " \n发件人： 客服\n发送时间： 2026-11-02 09:00\n收件人： 张三\n主题： Re: 退信\n请重启",
        "---- Replied Message ----\n| From | Support<support@example.com> |\n| Date | Nov 2, 2026 09:00 |\n| To | a@example.org |\n| Subject | Re: x |\nHi",
        "-------- 原始信息 --------\n发件人： 客服 <support@example.com> \n日期： 26/11/2 09:00 (GMT+08:00) \n收件人： a@example.org \n主题： Re: 退信 \n\n请重启",
        "------------------------------------------------------------------\nSender:Support <support@example.com>\nSent At:2026 Nov. 2 (Mon.) 09:00\nRecipient:a@example.org\nSubject:Re: x\n\nHi",
        "---- 回复的原邮件 ----\n| 发件人 | 客服<support@example.com> |\n| 日期 | 2026年11月02日 09:00 |\n| 收件人 | a@example.org |\n| 主题 | Re: 退信 |\n请重启",
        "在 2026-11-02 09:00:00，\"客服\" <support@example.com> 写道：\n\n请重启",
        "At 2026-11-02 09:00:00, \"Support\" <support@example.com> wrote:\n\nHi",
        "------------------------------------------------------------------\n发件人：客服 <support@example.com>\n发送时间：2026年11月2日(星期一) 09:00\n收件人：张三\n主　题：Re:退信\n\n请重启",
        // Notes
        "\"Support\" <support@example.com> wrote on 11/02/2026 09:00:00 AM:\n\n> Hi",
        "客服 <support@example.com> 写于 2026-11-02 09:00:00:\n\n请重启",
        // Ours
        "##- 请在此行上方回复 -##\n您好，请重启",
        "##- Please reply above this line -##\nHi",
    ];
    let mut wrong = Vec::new();
    for text in texts {
        for tail in tails {
            let segments = cut(&format!("{text}\n\n{tail}\n"));
            if segments.fresh != text || segments.quoted.is_empty() || !segments.signature.is_empty() {
                wrong.push((tail, segments));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn containers_of_mail_programs_are_cut() {
    let mails = [
        "<div>还是不行</div><br><div class=gmail_quote><div class=gmail_attr>On Mon, Nov 2, 2026 at 9:00 AM Support \
         &lt;<a>support@example.com</a>&gt; wrote:<br></div><blockquote>Please restart.</blockquote></div>",
        "<p>还是不行</p><div class=moz-cite-prefix>On 11/2/26 09:00, Support wrote:<br></div><blockquote \
         type=cite>Please restart.</blockquote><div class=moz-signature>-- <br>Ann</div>",
        "<div>还是不行</div><div id=appendonsend></div><hr><div id=divRplyFwdMsg><b>Von:</b> Support<br><b>Gesendet:</b> \
         Montag<br><b>An:</b> Ann<br><b>Betreff:</b> AW: x</div><div>Please restart.</div>",
        "<p class=MsoNormal>还是不行<o:p></o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt'>\
         <p class=MsoNormal><b>发件人:</b> 客服 &lt;support@example.com&gt; <br><b>发送时间:</b> 2026年11月2日 9:00<br>\
         <b>收件人:</b> 张三<br><b>主题:</b> 回复: x</p></div></div><p class=MsoNormal>请重启</p>",
        "<div>还是不行</div><div><br></div><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div><div>\
         <b>发件人:</b>&nbsp;\"客服\"</div><div><b>主题:</b>&nbsp;x</div></div><div>请重启</div>",
        "<div>还是不行</div><br><br><div id=isReplyContent>在 2026-11-02 09:00:00，\"客服\" 写道：<br><blockquote>请重启\
         </blockquote></div>",
        "<div>还是不行</div><blockquote style='margin-Top: 0px; margin-Left: 0.5em'><div><b>发件人：</b>客服</div>请重启\
         </blockquote>",
        "<div>还是不行</div><div id=AppleMailSignature>从我的 iPhone 发送</div><blockquote type=cite><div>在 \
         2026年11月2日，09:00，客服 &lt;support@example.com&gt; 写道：</div>请重启</blockquote>",
    ];
    for mail in mails {
        let mail = mail.replace("             ", "");
        let lines = super::super::html::render(&mail, &super::super::Limits::default()).lines;
        assert_eq!(segments(&lines).fresh, "还是不行", "{mail}");
    }
}

#[test]
fn a_card_without_a_mark_is_cut_between_the_text_and_the_mail_below() {
    let card = "张伟\n华东某某贸易有限公司\n电话：021-5550 1234";
    let below = "发件人： support@example.com\n发送时间： 2026-03-02 14:50\n收件人： a@example.net\n主题： Re: x\n旧信";
    let segments = cut(&format!("还是报错。\n\n\n\n{card}\n \n{below}"));
    assert_eq!((segments.fresh.as_str(), segments.signature.as_str()), ("还是报错。", card));
    let request = "公司：某某\n电话：021-5550 1234";
    for (text, why) in [
        (format!("还是报错。\n\n\n{card}"), "no mail below"),
        (format!("还是报错。\n\n{card}\n\n{below}"), "an empty line stands between paragraphs"),
        (format!("请开通：\n\n\n{request}\n\n{below}"), "no name"),
        (format!("{card}\n\n{below}"), "nothing else was written"),
    ] {
        let fresh = cut(&text).fresh;
        assert!(fresh.contains("021-5550 1234"), "{why}: {fresh}");
    }
}

#[test]
fn signatures_are_cut() {
    let signatures = [
        "--\n张三\n电话 010-12345678",
        "--\nAnn Lee\nExample Inc.",
        "—\nAnn",
        "发自我的iPhone",
        "發自我的 iPhone",
        "从我的 iPhone 发送",
        "从 Windows 版邮件发送",
        "发自我的小米手机",
        "获取 Outlook for iOS",
        "来自我的华为手机",
        "發送自 Windows 10 版郵件",
        "发自网易邮箱大师",
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy smartphone.",
        "Get Outlook for Android<https://aka.ms/x>",
        "iPhoneから送信",
        "Galaxyから送信",
        "iOS 版 Outlook を入手<https://aka.ms/x>",
        "Von meinem iPhone gesendet",
        "Gesendet von Mail für Windows",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verzonden vanaf mijn iPhone",
        "Отправлено с iPhone",
        "Wysłane z iPhone'a",
        "_______________________________________________\nusers mailing list\nusers@example.org",
        "------------------\n张三\n某某科技有限公司\n手机：13800000000",
        "--------------------------------\nAnn Lee\nann@example.org",
        "-Ann Lee",
    ];
    let mut wrong = Vec::new();
    for signature in signatures {
        let segments = cut(&format!("附件发不出去。\n第二行\n\n{signature}\n"));
        if segments.fresh != "附件发不出去。\n第二行" || segments.signature != signature {
            wrong.push((signature, segments));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_only_looks_like_a_quote_or_a_signature_stays() {
    let texts = [
        "退信信息如下：\n发件人：a@example.org\n收件人：b@example.com\n时间：10:30\n错误：550 5.7.1",
        "退信信息如下：\n发件人：a@example.org\n收件人：b@example.com\n主题：报价\n发送时间：2026-11-02 10:30\n错误代码：550",
        "账号：a@example.org\n------------------\n错误：无法登录，请问怎么办？\n谢谢",
        "第一个问题\n*****\n第二个问题",
        "我的问题\n-----\n> 引用\n我的回答",
        "设置>账户>同步 找不到",
        "On this day\n\nI wrote something",
        "Part one\n=====\nThe server was down.\n\nPart two\n=====\nPlease send it once more.\n\nWang\nwang@example.com",
        "I sent from my desk, and it bounced.\nSent from my desk, is much easier.",
        "Steps:\n- one\n- two",
        "a < b\nb > c",
        "```\n--\n> x\n```\nbelow the code",
        "发送时间：今天上午\n就是发不出去",
        "失败的邮件：\n2026-11-02 张三 <zhang@example.org>\n2026-11-02 李四 <li@example.org>\n请查",
        "从昨天开始无法发送邮件",
        "从我的邮箱发不出去\n由客户端发送失败",
        "发送自动回复失败",
        "发自我的邮箱的邮件都被退回",
        "来自客户的邮件收不到",
        "下载Outlook客户端失败",
        "iPhoneから送信できません",
        "Sent from my account but it bounced",
        "今天 10:00 客户来信说：\n收不到\n请查一下",
        "At 10:30 the server wrote this to the log:\n550 rejected\nWhat now?",
        "In your mail of 2 May you say:\nrestart\nIt did not help.",
    ];
    let wrong: Vec<String> = texts
        .iter()
        // With text above it, for alone nothing would be cut.
        .map(|text| format!("您好，请帮忙看一下\n\n{text}"))
        .filter(|text| cut(text).fresh != *text)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_answer_below_or_between_quotes_is_found() {
    let cases = [
        ("On 2 Nov 2026, Ann wrote:\n> Did it work?\n\nYes, thanks.", "Yes, thanks."),
        ("您好：\n\n在 2026-11-02 09:00，客服 写道：\n> 好了吗？\n\n还没有。", "您好：\n\n\n还没有。"),
        ("On 2 Nov 2026, Ann wrote:\n> one?\n\nYes.\n\n> two?\n\nNo.\n\n> three", "> one?\n\nYes.\n\n> two?\n\nNo."),
        ("> How do I log in?\n\nI mean this.", "> How do I log in?\n\nI mean this."),
    ];
    for (text, fresh) in cases {
        assert_eq!(cut(text).fresh, fresh, "{text}");
    }
}

#[test]
fn what_was_passed_on_is_told_from_what_was_answered() {
    let forwarded = [
        "---------- Forwarded message ---------\nFrom: Li <li@example.com>\nDate: Mon, Nov 2, 2026\nSubject: x\nTo: a\n\n退信",
        "---------- 转发邮件信息 ----------\n发件人：李四\n发送日期：2026-11-02 09:00\n收件人：张三\n主题：x\n退信",
        "Begin forwarded message:\n\nFrom: Li <li@example.com>\nSubject: x\nDate: 2 November 2026\nTo: a\n\n退信",
        "> Begin forwarded message:\n>\n> From: Li\n>\n> 退信",
        "-------- Weitergeleitete Nachricht --------\nVon: Li\nBetreff: x\n\n退信",
    ];
    for below in forwarded {
        let segments = cut(&format!("请看下面这封退信\n\n{below}"));
        assert_eq!(segments.fresh, "请看下面这封退信", "{below}");
        assert!(segments.forwarded.contains("退信"), "{below}");
        assert_eq!(segments.quoted, "", "{below}");
    }
    // Without a word above, the mail passed on is all there is to read.
    assert_eq!(cut(forwarded[0]).fresh, "退信");
}

#[test]
fn nothing_is_cut_when_nothing_would_be_left() {
    for text in ["> only a quote", "--\nAnn", "发自我的iPhone", "", "-----Original Message-----", "___________"] {
        assert_eq!(cut(text).fresh, text);
    }
    assert!(cut("> only a quote").uncut && !cut("您好\n\n--\nAnn").uncut);
    let marked = |text: &str, origin| Line { text: text.to_owned(), origin };
    let all_quoted = [marked("在 2026-11-02 09:00，客服 写道：", Origin::Quote), marked("请重启", Origin::Quote)];
    assert_eq!(segments(&all_quoted).fresh, "请重启");
    let answered = [
        marked("还是不行", Origin::Unsaid),
        marked("", Origin::Rule),
        marked("请重启", Origin::Quote),
        marked("客服", Origin::Signature),
    ];
    let segments = segments(&answered);
    assert_eq!(segments.fresh, "还是不行");
    assert_eq!((segments.quoted.as_str(), segments.signature.as_str()), ("请重启", "客服"));
}

#[test]
fn hostile_texts_are_taken_apart_in_linear_time() {
    for hostile in [
        "On 1 May 2026, a@example.com wrote:\n\n",
        "***\n",
        "***\nx\n\n",
        "> a\nb\n",
        "From: a\n",
        "-----Original Message-----\n\n",
        "2026-11-02 a@b <\n",
        "> Begin forwarded message:\n",
    ] {
        let text = hostile.repeat(200_000 / hostile.len());
        let segments = cut(&format!("x\n{text}"));
        let all = segments.fresh.len() + segments.quoted.len() + segments.forwarded.len() + segments.signature.len();
        assert!(all > text.len() / 2, "{hostile}");
    }
}
