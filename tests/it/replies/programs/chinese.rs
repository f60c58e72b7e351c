//! The programs of Chinese providers: what they put around the words of an answer.

use huixin::language::Language::{En, Ja, Zh};

use super::{Body, Quoted, Reply, behind, block, each, escaped, parts};

pub(super) fn qq(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, to, subject, text } = quoted;
    let (divider, labels, date) = match language {
        En => (
            "------------------ Original ------------------",
            ["From: ", "Date: ", "To: ", "Subject: "],
            "Tue, Nov 24, 2026 10:00 AM",
        ),
        _ => (
            "------------------ 原始邮件 ------------------",
            ["发件人:", "发送时间:", "收件人:", "主题:"],
            "2026年11月24日(星期二) 上午10:00",
        ),
    };
    let values =
        [format!("\"{name}\"<{address}>;"), format!("{date};"), format!("\"{to}\"<{to}>;"), format!("{subject};")];
    let lines: Vec<String> = labels.iter().zip(&values).map(|(label, value)| format!("{label} {value}")).collect();
    let plain = format!("{words}\n\n\n\n\n{divider}\n{}\n\n\n\n{text}\n", lines.join("\n"));
    let head: String = labels
        .iter()
        .zip(&values)
        .map(|(label, value)| format!("<div><b>{}</b>&nbsp;{}</div>", label.trim(), escaped(value)))
        .collect();
    let html = format!(
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=GB18030\">{}<div><br></div><div><br></div><div \
         style=\"font-size: 12px;font-family: Arial Narrow;padding:2px 0 2px 0;\">{}</div><div style=\"font-size: \
         12px;background:#efefef;padding:8px;\">{head}</div><div><br></div>{}",
        each(words, "<div>", "</div>"),
        divider.replace(' ', "&nbsp;"),
        each(text, "<div>", "</div>")
    );
    Body { charset: (*language != Ja).then_some("gb18030"), ..parts(*n, plain, html) }
}

pub(super) fn foxmail(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let (labels, date) = match language {
        En => (["From", "Date", "To", "Subject"], "2026-11-24 10:00"),
        _ => (["发件人", "发送时间", "收件人", "主题"], "2026-11-24 10:00"),
    };
    let Quoted { name, address, to, subject, text } = quoted;
    let colon = if *language == En { ": " } else { "： " };
    let values = [
        if n % 2 == 0 { (*name).to_owned() } else { (*address).to_owned() },
        date.into(),
        (*to).into(),
        (*subject).into(),
    ];
    let lines: Vec<String> =
        labels.iter().zip(&values).map(|(label, value)| format!("{label}{colon}{value}")).collect();
    let card = if n % 4 == 0 { "\n\n\n\n王工\n示例邮箱邮件技术组\n电话：010-5550 1234\n" } else { "" };
    let plain = format!("{words}\n{card}\n \n{}\n{text}\n", lines.join("\n"));
    let head: String = lines.iter().map(|line| format!("<div><b>{}</b></div>", escaped(line))).collect();
    let html = format!(
        "<html><head></head><body>{}<div><br></div><hr style=\"width: 210px; height: 1px;\" color=\"#b5c4df\" size=\"1\" \
         align=\"left\">\r\n<div><span id=\"_FoxFROMNAME\"></span></div><blockquote style=\"margin-Top: 0px; margin-Bottom: \
         0px; margin-Left: 0.5em; margin-Right: inherit\"><div>&nbsp;</div><div style=\"border:none;border-top:solid #B5C4DF \
         1.0pt;padding:3.0pt 0cm 0cm 0cm\"><div style=\"PADDING-RIGHT: 8px; PADDING-LEFT: 8px; FONT-SIZE: 12px;\">{head}</div>\
         </div>{}</blockquote></body></html>",
        each(words, "<div>", "</div>"),
        each(text, "<div>", "</div>")
    );
    Body { charset: (*language == Zh).then_some("gb2312"), ..parts(*n, plain, html) }
}

pub(super) fn netease(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, text, .. } = quoted;
    let attribution = match language {
        En => format!("At 2026-11-24 10:00:00, \"{name}\" <{address}> wrote:"),
        _ => format!("在 2026-11-24 10:00:00，\"{name}\" <{address}> 写道："),
    };
    let mark = if n % 2 == 0 { ">" } else { "" };
    let plain = format!("{words}\n\n\n\n\n\n\n\n\n{attribution}\n\n{}", behind(mark, text));
    let html = format!(
        "<div style=\"line-height:1.7;color:#000000;font-size:14px;font-family:Arial\">{}<br><br><div \
         style=\"position:relative;zoom:1\"></div><div id=\"divNeteaseMailCard\"></div><pre>{}</pre><blockquote \
         id=\"isReplyContent\" style=\"PADDING-LEFT: 1ex; MARGIN: 0px 0px 0px 0.8ex; BORDER-LEFT: #ccc 1px solid\">\
         <pre>{}</pre></blockquote></div>",
        each(words, "<div style=\"margin:0;\">", "</div>"),
        escaped(&attribution),
        escaped(text)
    );
    Body { charset: (*language == Zh).then_some("gbk"), ..parts(*n, plain, html) }
}

pub(super) fn mail_master(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let Quoted { name, address, to, subject, text } = quoted;
    let (divider, labels) = match language {
        En => ("---- Replied Message ----", ["From", "Date", "To", "Subject"]),
        _ => ("---- 回复的原邮件 ----", ["发件人", "日期", "收件人", "主题"]),
    };
    let values =
        [format!("{name}<{address}>"), "2026年11月24日 10:00".into(), format!("<{to}>"), (*subject).to_owned()];
    let rows: Vec<String> = labels.iter().zip(&values).map(|(label, value)| format!("| {label} | {value} |")).collect();
    let signed = match (n % 3, language) {
        (0, En) => "\n\n| |\nWang\n|\n|\nwang@example.com\n|\n",
        (0, _) => "\n\n| |\n王工\n|\n|\nwang@example.com\n|\n",
        (1, Zh) => "\n\n发自网易邮箱大师\n",
        _ => "\n",
    };
    let plain = format!("{words}\n{signed}\n{divider}\n{}\n{text}\n", rows.join("\n"));
    let cells: String = labels
        .iter()
        .zip(&values)
        .map(|(label, value)| format!("<tr><td><b>{label}</b></td><td>{}</td></tr>", escaped(value)))
        .collect();
    let html = format!(
        "<html><body><div id=\"content\">{}</div><div id=\"ntes-pcmac-signature\"><div>王工</div><div>wang@example.com</div>\
         </div><!--emptysign--><div id=\"QuoteBox\" class=\"J-reply\"><div style=\"padding: 20px 0 5px\">{divider}</div>\
         <table><tbody>{cells}</tbody></table>{}</div></body></html>",
        each(words, "<div>", "</div>"),
        each(text, "<div>", "</div>")
    );
    parts(*n, plain, html)
}

pub(super) fn dingtalk(reply: &Reply<'_>) -> Body {
    let Reply { words, quoted, language, n } = reply;
    let (labels, date) = match language {
        En => (["Sender", "Sent At", "Recipient", "Subject"], "2026 Nov. 24 (Tue.) 10:00"),
        _ => (["发件人", "发送时间", "收件人", "主　题"], "2026年11月24日(星期二) 10:00"),
    };
    let block = block(labels, if *language == En { ":" } else { "：" }, date, quoted);
    let line = "------------------------------------------------------------------";
    let signed = if n % 3 == 0 { "\n\n来自钉钉专属商务邮箱" } else { "" };
    let plain = format!("{words}\n{signed}\n{line}\n{block}\n{}\n", quoted.text);
    let html = format!(
        "<div class=\"__aliyun_email_body_block\"><div style=\"font-family: Tahoma, Arial\">{}</div><div \
         class=\"__aliyun_signature_wrap\">{}</div><blockquote style=\"margin-right:0;margin-top:0;margin-bottom:0;\"><div \
         style=\"clear:both;\">{line}</div>{}<div style=\"clear:both;\"><br></div>{}</blockquote></div>",
        each(words, "<div style=\"clear:both;\">", "</div>"),
        escaped(signed.trim()),
        each(&block, "<div style=\"clear:both;\">", "</div>"),
        each(quoted.text, "<div style=\"clear:both;\">", "</div>")
    );
    parts(*n, plain, html)
}
