//! What agents write to customers: short and long, with lists, settings, menus, addresses and lines of their own, in
//! three languages. Much of it looks like something else.

use huixin::language::Language::{self, En, Ja, Zh};

pub const WORDS: [(Language, &str); 40] = [
    (Zh, "好的，已经处理了，请再试一次。"),
    (
        Zh,
        "李先生您好：\n\n请把 SMTP 端口改成 465，加密方式选 SSL，再发一次试试。\n如果还是不行，请把完整的报错发给我们。\n\n祝好\n王工",
    ),
    (
        Zh,
        "您好，请这样设置：\n收件服务器：imap.example.com\n端口：993\n发件服务器：smtp.example.com\n端口：465\n用户名：您的完整邮箱地址",
    ),
    (Zh, "您好！\n1. 打开“设置 > 账户 > 客户端”\n2. 生成授权码\n3. 用授权码代替密码登录\n做完以后告诉我们结果，谢谢。"),
    (
        Zh,
        "错误“550 5.7.1 Client was not authenticated”说明服务器要求身份验证。请在客户端里勾选“我的服务器要求身份验证”。",
    ),
    (Zh, "一、先说结论\n问题在对方服务器，不在您这边。\n------\n二、怎么办\n请对方管理员把您的域名加入白名单。"),
    (Zh, "请把下面几项补充给我们，方便查日志：\n发件人：\n收件人：\n发送时间：\n主题：\n谢谢配合。"),
    (Zh, "#1 请先重启客户端\n#2 再重新登录\n#3 还不行就截图给我们"),
    (Zh, "您在 2026年11月20日 的来信里写道附件丢失，我们查到当天 14:05 有一次网络中断，附件没有传完。请重新上传。"),
    (Zh, "端口对照表：\n| 协议 | 端口 |\n| IMAP | 993 |\n| SMTP | 465 |\n按表里的填就可以。"),
    (Zh, "退信里“发件人：”那一行写的是旧地址，请改成新地址再发。"),
    (Zh, "已经恢复。😀 如有其他问题，随时回信。"),
    (Zh, "此致\n敬礼"),
    (
        Zh,
        "您好，附件最大 20 MB。超过的话可以用超大附件，链接在这里：\nhttps://help.example.com/attachment?id=42&lang=zh\n有效期 30 天。",
    ),
    (
        Zh,
        "我们看了日志，您的邮件在 09:41 已经投递到对方服务器（mx.customer.example，250 OK）。建议请对方检查垃圾箱和过滤规则。如果对方也找不到，请把对方服务器的拒收信息转给我们，我们继续查。给您添麻烦了，抱歉。",
    ),
    (Zh, "#结案\n\n已为您恢复，请再试一次。"),
    (
        Zh,
        "您好\n\n\n\n刚才说的授权码，在网页邮箱里这样拿：\n　　设置——账户——开启 IMAP\n　　页面会显示一次，请记下来\n\n\n王小明\n示例邮箱 邮件技术组\n电话：010-5550 1234",
    ),
    (Zh, "转发规则已经帮您看过，是规则顺序的问题：\n① 先“转发”\n② 后“移动到文件夹”\n对调一下即可。"),
    (En, "Done. Please try again."),
    (
        En,
        "Hello Ann,\n\nplease set the SMTP port to 465 and choose SSL.\nIf it still fails, send us the whole error message.\n\nBest regards\nWang",
    ),
    (
        En,
        "Please use these settings:\nIncoming server: imap.example.com\nPort: 993\nOutgoing server: smtp.example.com\nPort: 465",
    ),
    (En, "Could you tell us, for one of the mails:\nFrom:\nTo:\nSubject:\nSent:\nThen we can look into the log."),
    (
        En,
        "1. Open Settings > Accounts > Clients\n2. Create an app password\n3. Sign in with it\n\nLet us know whether it helped.",
    ),
    (
        En,
        "The line \"Subject: Re: offer\" in your bounce shows that the filter took it for spam. We have put your domain on the list.",
    ),
    (
        En,
        "On Monday we moved your mailbox to a new server. On Tuesday everything was copied. You wrote that mails are missing: please look into the folder Archive.",
    ),
    (
        En,
        "Part one: what happened\n=====\nThe other side's server was down.\n\nPart two: what to do\n=====\nSend it once more.",
    ),
    (
        En,
        "Thanks for your patience. Here is the answer of the server, as it stands in the log:\n\n    250 2.0.0 Ok: queued as 4F1A2B\n    status=sent\n\nSo it did arrive.",
    ),
    (En, "We have sent from our side a test mail to you at 10:15; please tell us whether it came in."),
    (En, "#close\n\nYour mailbox is back. Sorry for the trouble!"),
    (
        En,
        "Two ways:\n- the web page https://help.example.com/start?a=1&b=2\n- the telephone, 400-000-0000\n\nCheers,\nLee\nMail team, Example Mail\nPhone: +86 10 5550 1234",
    ),
    (En, "Yes."),
    (Ja, "ご連絡ありがとうございます。\n設定を修正しました。もう一度お試しください。"),
    (
        Ja,
        "山田様\n\nお世話になっております。\nSMTPのポートを465に変更し、SSLを選択してください。\nそれでも送信できない場合は、エラーメッセージの全文をお送りください。\n\nよろしくお願いいたします。\n佐藤",
    ),
    (
        Ja,
        "次のように設定してください。\n受信サーバー：imap.example.com\nポート：993\n送信サーバー：smtp.example.com\nポート：465",
    ),
    (Ja, "お手数ですが、次の項目をお知らせください。\n差出人：\n宛先：\n送信日時：\n件名：\nログを確認いたします。"),
    (Ja, "1. 「設定 > アカウント」を開く\n2. アプリパスワードを作成する\n3. そのパスワードでログインする"),
    (
        Ja,
        "11月20日 14:05頃に通信障害があり、添付ファイルの送信が完了していませんでした。お手数ですが、もう一度お送りください。",
    ),
    (Ja, "#完了\n\n復旧いたしました。ご迷惑をおかけし申し訳ございません。"),
    (
        Ja,
        "サーバーの記録では、メールは相手先に届いています。\n・迷惑メールフォルダ\n・受信フィルター\nの2点をご確認いただくよう、相手の方にお伝えください。",
    ),
    (Ja, "承知いたしました。"),
];
