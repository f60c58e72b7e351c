//! The phrases of robots, as patterns over plain lower-case text (see [`super::plain`]).
//!
//! A phrase gets in when a program writes it and a person who asks for help does not. Most are told apart by
//! who is spoken of: a mail system says *your* message could not be delivered, a person says *my* message.

/// How mail systems begin. Enough by itself.
pub const BOUNCE: &[&str] = &[
    r"^(?:hi\. )?this is the (?:qmail-send|mailer?|e-?mail|ezmlm|mdaemon|postfix|sendmail|mail delivery)[ -](?:program|system|server|software|delivery|transport|daemon|agent|at)",
    r"^this (?:message|mail|report|e-?mail|notification) (?:was|is|has been) (?:automatically )?(?:created|generated|sent)(?: automatically)? by (?:the |a )?(?:mail|e-?mail|exim|postfix|coremail|delivery|.{1,30} mail (?:system|server))",
    r"^this is an? automatic(?:ally)?[ -](?:generated )?(?:delivery|mail delivery|non-?delivery|bounce|undeliver)",
    r"^\*+ ?this is a warning message only\b|^this is a permanent error\b|^this is a (?:permanent|temporary) (?:delivery )?(?:failure|error)\b",
    r"^(?:a |the )?(?:message|e-?mail|mail)(?: \([^)]*\))? (?:that )?you (?:have )?(?:sent|attempted to send|tried to send)\b.{0,160}\b(?:could not|couldn't|was not|wasn't|has not|cannot|can't|unable|failed|undeliver|blocked|rejected|contained|infected|delayed)",
    r"^(?:(?:(?:we are |we're |i'm |i am )?(?:sorry|unfortunately|error|warning|attention|notice)(?: to (?:say|inform you|tell you))?)[,.:!]? (?:that |but )?)?your (?:e-?mail |mail |electronic )?(?:message|e-?mail|mail|transmission)\b.{0,160}\b(?:(?:could not|couldn't|cannot|can't|can not|was not|wasn't|has not|hasn't|not yet) (?:yet )?(?:be |been )?(?:successfully )?(?:deliver|sent|accepted|processed|relayed|transmitted)|(?:did not|didn't) reach|is undeliverable|(?:has been|was|is being) (?:rejected|returned|blocked|delayed|quarantined|bounced|refused)|has encountered|undelivered)",
    r"^delivery (?:to|of|for)\b.{0,100}\b(?:failed|delayed|unsuccessful|not (?:possible|completed)|has been)|^delivery (?:has failed|failed|is delayed|failure) (?:to|for|of)\b",
    r"^(?:the )?following recipient(?:s|\(s\))?\b.{0,60}\b(?:could not|cannot|couldn't|was not|were not|failed|rejected|unknown)",
    r"^the original message was received at\b|^-+ ?(?:the following addresses had|transcript of session)",
    r"^(?:i'm |i am |we are |we're )?(?:sorry|afraid)[, ].{0,60}(?:wasn't able to|was not able to|unable to|couldn't|could not) (?:be )?deliver",
    r"^(?:we (?:were|are) )?unable to deliver (?:your |this |the )?(?:e-?mail |mail )?(?:message )?to (?:the )?following|^(?:an error occurred|there was an error|we had (?:trouble|a problem|problems))(?: while)?(?: trying to)? deliver(?:ing)? (?:your|the)\b",
    r"^this is (?:only )?an? (?:delivery|mail|notification|non-?delivery)\b.{0,20}\b(?:failure|delay|status|error|bounce|report)\b",
    r"^an? (?:message|e-?mail|mail) from .{1,120} (?:was|has been) (?:considered|rejected|blocked|quarantined|refused|returned|not)\b",
    r"^(?:the )?following message to <\S+> was undeliverable|^this report relates to a message you sent\b|^the message was not relayed to\s?:",
    r"^\*\* ?(?:address not found|message (?:blocked|not delivered|delayed|rejected|too large)|delivery incomplete|recipient inbox full) ?\*\*",
    r"^(?:our|the|this|your) (?:virus|e-?mail|mail|content|spam|message)\S*(?: \w+){0,3} (?:checker|scanner|filter|gateway|guard|firewall)\b.{0,60}\b(?:found|detected|blocked|rejected|triggered)",
    // Deutsch
    r"^dies(?:e|es)? (?:ist eine |e-?mail |nachricht |meldung |mail )+(?:wurde |ist )?automatisch\b.{0,80}\b(?:vom|von|e-?mail-?|mail-?|zustell|unzustell|server)",
    r"^(?:ihre|eine (?:folgende )?(?:von ihnen gesendete )?)\s?(?:e-?mail|nachricht|mail)\b.{0,160}\b(?:konnte|kann|wurde)\b.{0,120}\b(?:nicht (?:zugestellt|übermittelt|gesendet|ausgeliefert)|zurückgewiesen|abgewiesen|abgelehnt|unzustellbar)",
    r"^(?:die )?(?:zustellung|übermittlung) (?:an|ihrer|der)\b.{0,80}\b(?:fehlgeschlagen|nicht|verzögert)",
    // Français, español, italiano, português, nederlands, русский
    r"^(?:désolé\S* )?votre (?:message|courrier|courriel|e-?mail)\b.{0,120}\b(?:n'a (?:pas|pu)|ne peut pas être|rejeté|refusé)|^(?:la remise|échec de la (?:remise|distribution)|la distribution)\b",
    r"^(?:su|tu) (?:mensaje|correo)\b.{0,120}\b(?:no (?:se|ha|pudo|fue|puede)\b.{0,30}entreg|rechazado|devuelto)|^error de entrega\b",
    r"^(?:il (?:suo|tuo) messaggio|la (?:sua|tua) e-?mail)\b.{0,120}\b(?:non (?:è|e'|ha|può)\b.{0,30}(?:consegn|recapit)|respint)",
    r"^(?:a sua|sua|o seu|seu) (?:mensagem|e-?mail)\b.{0,120}\b(?:não (?:foi|pôde|pode)\b.{0,30}entreg|rejeitad|devolvid)",
    r"^(?:uw|je) (?:bericht|e-?mail)\b.{0,120}\b(?:niet (?:worden )?(?:bezorgd|afgeleverd)|geweigerd)|^ваше (?:сообщение|письмо)\b.{0,120}\bне\b.{0,30}достав",
    // 中文
    r"^(?:很)?(?:抱歉|遗憾|遺憾|对不起|對不起)[,!。]?\s?(?:您|你)(?:的|发送的|發送的|发往|发给|所发送的)[^\n]{0,60}(?:退回|退信|无法|無法|未能|失败|失敗|被拒)",
    r"^(?:您|你)(?:的|发送的|發送的|发往|发给|所发送的|寄给)[^\n]{0,80}(?:被退回|退回|投递失败|投遞失敗|未能(?:送达|投递|成功)|无法(?:送达|投递|发送到)|無法(?:送達|傳遞|投遞)|传递失败|被拒绝?)",
    r"^(?:您收到的是来自|這是|这是|此邮件(?:由|是)|本邮件(?:由|是)|this message is generated by)[^\n]{0,30}(?:coremail|邮件系统|郵件系統|系统退信|退信)",
    r"^(?:以下|下列|下面)(?:是|为)?[^\n]{0,12}(?:被退回|退信|无法(?:送达|投递)|未能(?:送达|投递)|收件人(?:的)?(?:邮件|地址)|傳遞失敗)",
    r"^(?:向(?:这些|以下)收件人|将邮件发送到以下|傳遞至|传递到以下|將郵件傳遞)[^\n]{0,60}(?:失败|送达|投递|传递|失敗|傳遞|延迟|延遲)",
    // 日本語, 한국어
    r"^(?:お客様|あなた|貴方)(?:の|が|から)[^\n]{0,60}(?:メール|メッセージ)[^\n]{0,60}(?:送信|配信|配送|お届け|配達)(?:が)?(?:でき(?:ません|なかった)|されません)",
    r"^(?:次|以下)の(?:あて先|宛先|受信者|アドレス)[^\n]{0,60}(?:送信|配信|配送|お届け|配達|エラー)",
    r"^(?:送信|お送り|ご送信)(?:先|いただいた|された|した)[^\n]{0,60}(?:送信|配信|配送|お届け|配達)(?:が)?(?:でき(?:ません|なかった)|されません|不能)",
    r"^(?:고객님|귀하)[^\n]{0,60}(?:메일|메시지)[^\n]{0,60}(?:실패|못|않)",
];

/// What mail systems also say, and so do people who have trouble with mail: it needs a sender, a subject or
/// an attached original that speaks of a mail system.
pub const TROUBLE: &[&str] = &[
    r"^(?:the |an? )?(?:following |attached |original |enclosed )?(?:message|e-?mail|mail|attachment|recipient|address|transmission)(?:s|es|\(s\)|\(es\))?\b.{0,160}\b(?:could not|cannot|couldn't|can't|was not|wasn't|were not|undeliver\w*|failed|rejected|delayed|unknown|not delivered|not be|has been|have been|was (?:sent|returned|received|blocked))\b",
    r"^(?:address not found|message (?:blocked|not delivered|delayed|rejected|too large)|delivery incomplete)\b",
    r"^(?:we |i |the .{1,30} )?(?:were |was |am |are )?(?:could not|couldn't|cannot|unable to|failed to|failure to) (?:deliver|be delivered|send|process|relay)\b",
    r"^(?:mail|message|delivery|transmission|e-?mail)(?: transaction)? (?:delivery |status )?(?:failed|failure|error|undeliverable|status|notification|report|rejected|problem)\b",
    r"^(?:error|errors|reason|status|failed recipient|failed addresses|recipient(?: address)?|final-recipient|reporting-mta|action|diagnostic(?:-code)?|subject|your mail sent on|unknown user|undeliver\w+)\b.{0,30}\s?:",
    r"^[245]\d\d[ -]\S+|^[245]\.\d{1,3}\.\d{1,3}\b",
    r"^<?[^\s<>@]+@[^\s<>@]+>?[\s:,.(-]{0,4}(?:sorry|unknown|user|no such|mailbox|host|unrouteable|unroutable|unable|recipient|address|account|reason|(?:smtp )?(?:error|[45]\d\d|[45]\.\d\.\d)|could|does|is |was |failed|message|over|$)",
    r"^(?:the |this )?(?:e-?mail |mail )?(?:user|mailbox|recipient|account|address|domain|host)(?:'s)?\b.{0,60}\b(?:is (?:full|unknown|over quota|not known|unavailable|disabled|invalid)|over quota|does not exist|doesn't exist|quota exceeded|not found|has exceeded|exceeds|unknown|is no longer|invalid)",
    r"^.{0,80}\b(?:detected|found|blocked|removed|deleted|quarantined|contains?|contained|infected)\b.{0,80}\b(?:virus|infected|worm|banned|unsafe|prohibited|suspicious|spam|content|attachment)\b",
    r"^(?:virus|banned) (?:name|alert|warning|found|detected)\b|^(?:warning|attention|alert)\b",
    r"^(?:die|der|das)\b.{0,80}\b(?:nicht (?:zugestellt|übermittelt|existiert|gefunden)|unzustellbar|abgelehnt)",
    r"^[^\n]{0,60}(?:收件人|收信人|邮箱|信箱|用户|帐户|账户|邮件|郵件)[^\n]{0,40}(?:不存在|已满|禁用|停用|容量|配额|拒收|拒绝|退回|退信|无法|未能|投递|失败)",
    r"^[^\n]{0,80}(?:送信|配信|配送|お届け|配達)(?:が)?(?:でき(?:ません|なかった)|されません|不能|に失敗|を拒否)|^[^\n]{0,60}(?:宛先|あて先|メールボックス|メールアドレス|受信者)[^\n]{0,40}(?:存在し|見つかり|一杯|いっぱい|不明)",
];

/// What two hosts said to each other; mail systems quote it, and postmasters who ask about it.
pub const TRANSCRIPT: &[&str] =
    &[r"\b[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}\b", r"\b(?:rcpt to|mail from)\s?:\s?<|(?:<<<|>>>) ?[245]\d\d\b"];

/// What the program of a person who is away says; enough by itself.
pub const AWAY: &[&str] = &[
    r"\bi(?:'m| am| will be|'ll be| shall be)(?: currently| presently| now| unfortunately| away and)? (?:away|out|absent)(?: of| from)?(?: the| my)? (?:office|desk|e-?mail|mail)\b",
    r"\b(?:am|is|are|currently|be) out of (?:the )?office\b.{0,40}\b(?:until|till|from|returning|with|back|between|through)\b",
    r"\bi(?:'m| am| will be|'ll be) (?:currently |now )?(?:on|taking) (?:annual|sick|maternity|paternity|parental|medical|extended) leave\b.{0,60}\b(?:until|till|from|between|through|return\w*|back|starting)\b",
    r"\b(?:with|have|having|had) (?:only )?(?:limited|no|intermittent|little|sporadic|infrequent) access to (?:my |the )?(?:e-?mails?|mail|messages|mailbox|inbox)\b.{0,80}\b(?:week|until|till|during|while|reply|respond|return|please)\b",
    r"\b(?:i will|i'll|will) (?:reply|respond|answer|get back|read|review|attend)\b.{0,60}\b(?:when|upon|on|after|as soon as)\b.{0,20}\breturn",
    r"\bi(?:'m| am) no longer (?:with|working (?:at|for)|employed)\b.{0,80}\bplease\b|\b(?:has left|is no longer (?:with|employed (?:at|by))|no longer works (?:at|for|here))\b.{0,80}\bplease\b",
    r"\bthis (?:mailbox|e-?mail (?:address|account)) is (?:no longer|not) (?:being )?(?:in use|monitored|active|used|checked|attended|read)\b",
    r"\bthis is an? (?:\w+ )?(?:automatic|automated|auto)[- ]?(?:e-?mail |mail )?(?:reply|response|responder|answer)\b",
    r"\bihre (?:e-?mail|nachricht|mail) wird (?:nicht|in meiner abwesenheit)\b|\bwährend meiner abwesenheit\b|\bdies ist eine automatische (?:antwort|abwesenheit)",
    r"\b(?:pendant|en) mon absence\b|\bdurante (?:mi ausencia|la mia assenza|a minha ausência)\b|\b(?:tijdens|bij) mijn afwezigheid\b",
    // 中文
    r"(?:我|本人)[^\n。]{0,12}有事[^\n。]{0,12}(?:无法|不能|無法)(?:及时)?(?:回复|回覆|答复|处理)",
    r"(?:这|這)(?:封(?:邮件|郵件|信))?(?:是|只是|为|為)(?:一封|一個|一个)?[^\n。]{0,6}(?:自动|自動)(?:回复|回覆|回復|答复|答覆|应答)|(?:本|此)(?:邮件|郵件|信)(?:是|为|為)[^\n。]{0,6}(?:自动|自動)(?:回复|回覆|回復|答复|答覆|应答)|^(?:自动|自動)(?:回复|回覆|回復|答复|答覆|应答)\s?[:。!\n]",
    r"(?:您|你)(?:发(?:送)?给我的|寄来的|的)?(?:来信|來信|邮件|郵件|信件|来函|e-?mail)(?:我(?:们)?|本人)?(?:已经|已經|已)(?:收到|收悉|妥收)[^\n]{0,30}(?:尽快|儘快|尽早|稍后|稍後|及时|会|$)|(?:您|你)发给我的(?:信件|邮件)(?:已经|已)收到",
    r"(?:已经|已經|已)(?:收到|收悉)(?:了)?(?:您|你)(?:的|发来的|发送的)?(?:来信|來信|邮件|郵件|信件|e-?mail)[^\n]{0,40}(?:尽快|儘快|尽早|稍后|稍後|及时)[^\n]{0,16}(?:回复|回覆|答复|处理|联系|与您)",
    // 日本語, 한국어
    r"(?:この|本|当)(?:メール|メッセージ)は[^\n。]{0,20}自動(?:返信|応答|送信|配信)|自動(?:返信|応答)(?:メール)?です|自動(?:で|的に)(?:返信|送信|応答)し(?:て|ま)",
    r"자동 ?(?:응답|회신) ?(?:메일|입니다)",
];

/// Who is away, or is going to be: people tell their provider so, too. It needs [`REPLYING`].
pub const ABSENT: &[&str] = &[
    r"\bi(?:'m| am| will be|'ll be) (?:currently |now |presently |away )?(?:away|absent|unavailable|travell?ing|out of (?:town|the country)|on (?:\w+ )?(?:leave|vacations?|holidays?|business|sabbatical|pto)|taking (?:\w+ )?(?:leave|vacation|holidays?))\b",
    r"\bich (?:bin|werde|befinde mich)\b.{0,60}(?:\bnicht (?:im (?:büro|haus|hause)|erreichbar|am arbeitsplatz|anwesend)|\bau(?:ß|ss)er haus|\b(?:im|in) (?:urlaub|elternzeit|mutterschutz)|\babwesend|\bwieder (?:im|ab|da|erreichbar)|\bnur (?:eingeschränkt|unregelmäßig))",
    r"\bje (?:suis|serai)\b.{0,40}\b(?:absente?\b|en (?:congés?|vacances|déplacement|formation)|hors du bureau|de retour)|\bactuellement (?:absente?|en congés?)\b",
    r"\b(?:estoy|estaré|me encuentro|me encontraré)\b.{0,40}\b(?:fuera de (?:la )?oficina|de vacaciones|de permiso|de baja|ausente|de viaje)",
    r"\b(?:sono|sarò)\b.{0,30}\b(?:in ferie|fuori (?:ufficio|sede)|assente|in vacanza|in malattia)",
    r"\b(?:estou|estarei|encontro-me)\b.{0,30}\b(?:de férias|em férias|ausente|fora do escritório)",
    r"\b(?:ik ben|ik zal)\b.{0,40}\b(?:afwezig|niet aanwezig|(?:met|op) vakantie|niet op kantoor|weer (?:aanwezig|terug))",
    r"\bjag (?:är|kommer)\b.{0,40}\b(?:på semester|bortrest|inte på kontoret|tjänstledig|föräldraledig|åter)|\bjeg (?:er|har)\b.{0,40}\b(?:på ferie|ferie|ikke på kontoret|bortreist|ute av kontoret|fraværende|tilbage)|\bolen (?:lomalla|poissa)",
    r"\b(?:jestem|będę|przebywam)\b.{0,40}\b(?:nieobecn|na urlopie|poza biurem)|\bjsem\b.{0,30}\b(?:mimo kancelář|na dovolené)|\b(?:нахожусь|буду|я)\b.{0,20}\bв отпуске",
    r"(?:我|本人)[^\n。]{0,24}(?:休假|休年假|度假|请假|請假|出差|外出|不在(?:办公室|公司|辦公室)|离开办公室)",
    r"不在に(?:して|いた|し)|(?:外出|出張)(?:中の|して(?:い|お)|の)(?:ため|り|ます)|休暇(?:を(?:いただ|頂|取得)|中(?:のため|です|につき))|お休みを(?:いただ|頂)|(?:夏季|夏期|年末年始|冬季)休(?:業|暇)(?:中|とさせ|のため|をいただ)",
    r"(?:부재중|휴가|출장)[^\n]{0,40}(?:입니다|관계로)",
];

/// What makes the note of somebody who is away an answer: it speaks of answering.
pub const REPLYING: &[&str] = &[
    r"\b(?:reply|replies|respond|response|get back to|in my absence|please (?:contact|call|e-?mail|write)|contact my|(?:back|return) (?:in|to) (?:the )?office|answer your|your (?:e-?mail|message|mail)|urgent|immediate (?:assistance|attention))\b",
    r"\b(?:beantwort\w*|antwort\w*|melde mich|dringend\w*|ihre (?:e-?mail|nachricht|mail)|vertret\w*|wenden sie sich|weitergeleitet)\b",
    r"\b(?:répond\w*|votre (?:message|mail|e-?mail|courriel)|urgen\w+|contacter|de retour|reviendrai)\b",
    r"\b(?:respond\w+|contest\w+|su (?:mensaje|correo)|regres\w+|contactar|rispond\w+|(?:suo|tuo) messaggio|rientr\w+|contattare|retorn\w+|contatar|antwoord\w*|reager\w*|uw (?:bericht|e-?mail)|terug)\b",
    r"\b(?:svar\w*|återkom\w*|kontakta?|tilbage|vastaan|odpowi\w+|odpov\w+|отвечу|ответ\w*|срочн\w+)\b",
    r"回复|回覆|答复|答覆|联系|聯絡|聯繫|急事|同事|致电|尽快|儘快|返信|ご連絡|対応いたし|対応させ|回答|折り返|회신|연락",
];

/// How ticket systems, challenge-response systems and receipts begin; after a greeting, perhaps.
pub const NOTICE: &[&str] = &[
    // Written for a program by a program.
    r#"^<\?xml\b|^\{\s*"[^"\n]+"\s?:"#,
    r"^(?:##-? ?)?(?:please )?(?:type|write|enter|add) your (?:reply|response) above this line",
    r"^(?:(?:thank you|thanks) for (?:contacting|your|e-?mailing|getting in touch|reaching out|writing)\b[^\n.!]{0,60}[.!]?\s+)?(?:this (?:e-?mail|message) (?:is to )?(?:confirms?|acknowledges?)|(?:this is to (?:confirm|let you know|inform you) that )?(?:we (?:have |'ve )?received your (?:e-?mail|message|request|inquiry|enquiry|ticket|submission|report|question|query|feedback|application)|your (?:support )?(?:request|ticket|case|inquiry|enquiry|submission|query)\b.{0,60}\b(?:has been|was|is being) (?:received|created|opened|logged|assigned|registered|queued|recorded)))",
    r"^(?:a|the) (?:new )?(?:support |service |trouble )?(?:ticket|case|request)\b.{0,60}\b(?:has been|was) (?:created|opened|received|logged|assigned|registered)",
    r"^(?:ihre|deine) (?:anfrage|e-?mail|nachricht|meldung)\b.{0,60}\b(?:ist (?:bei uns )?eingegangen|haben wir erhalten|wurde (?:erfasst|angelegt|registriert))|^wir haben ihre (?:anfrage|e-?mail|nachricht)\b.{0,40}\berhalten",
    r"^nous avons bien reçu votre|^votre (?:demande|message|ticket)\b.{0,40}\ba (?:bien )?été (?:reçue?|enregistrée?|prise? en compte|créée?)|^hemos recibido (?:su|tu)\b|^su (?:solicitud|consulta|mensaje)\b.{0,40}\b(?:ha sido|fue) (?:recibid|registrad)",
    r"^(?:您好[,!。.]?\s*)?(?:我们|我們|本中心|客服中心)?(?:已经|已經|已)(?:收到|受理|登记|登記)(?:了)?(?:您|你)(?:的|提交的|反馈的)?(?:来信|邮件|问题|反馈|咨询|投诉|请求|工单|申请|留言|郵件|問題|來信)",
    r"^(?:您好[,!。.]?\s*)?(?:感谢|感謝|谢谢)(?:您|你)(?:的)?(?:来信|联系|反馈|咨询|使用|邮件|留言|來信|聯絡)[^\n]{0,60}(?:已(?:经)?(?:收到|受理|转)|工单号|尽快)",
    r"^(?:この(?:度|たび)は[、,]?)?[^\n]{0,30}お問い?合わせ(?:を)?(?:いただき|頂き)?[、]?(?:誠に)?(?:ありがとう|有難う|受け?付け(?:ました|いたし|致し)|承りました)",
    r"^(?:to (?:have|get|complete|ensure) (?:your|the|delivery of your) (?:e-?mail|message|mail)\b.{0,60}\b(?:delivered|click|confirm|reply)|your (?:message|e-?mail|mail)\b.{0,100}\b(?:held|pending|quarantined?|waiting|awaiting|awaits)\b.{0,60}\b(?:approval|confirm|verif|moderat|until)|(?:please )?(?:click|follow)\b.{0,40}\b(?:link|below)\b.{0,60}\b(?:deliver|verify|confirm (?:that )?you (?:are|sent)))",
    r"^(?:you (?:must|need to) (?:confirm|verify)\b.{0,40}\b(?:message|e-?mail|mail|address|sender)|(?:please )?(?:confirm|verify) (?:that )?you (?:sent|are (?:a )?(?:human|person|real)))",
    r"^the (?:message|e-?mail|mail) you sent\b.{0,40}\brequires\b|^you are not (?:a )?(?:member of|subscribed to|allowed to post)\b.{0,20}\b(?:this|the)\b.{0,20}\b(?:list|group)",
    r"^your (?:message|e-?mail)\b.{0,160}\b(?:was|has been) (?:read|displayed|opened|deleted without)\b|^this is a (?:return |read )?receipt for\b|^(?:return|read) receipt\b|^your message\s?\n?\s?(?:to|subject)\s?:",
    r"^(?:a|you have (?:received )?an?) (?:new )?(?:fax|voice ?mail|voice message)\b.{0,40}\b(?:has arrived|was received|from|for you|received)\b",
];

/// What programs say of themselves, at the beginning or at the end.
pub const FOOTER: &[&str] = &[
    r"\bthis (?:e-?mail|message|mail|notification|response|reply) (?:is|was|has been) (?:created|generated|sent|produced) automatically\b",
    r"\bthis (?:(?:e-?mail|message|mail|notification|response|reply) (?:is|was|has been|is an?) )?(?:is )?(?:an? )?(?:automated|automatically|automatic|auto|system|computer)[- ](?:generated|created|sent|produced|e-?mail|message|mail|notification|notice|alert|response|reply)",
    r"\b(?:do not|don't|donot|please not) (?:directly )?(?:reply|respond|answer)(?: directly)? to this (?:automated |automatic |system |auto-generated |automatically generated )?(?:e-?mail|message|mail|address|notification|notice)",
    r"\brepl(?:y|ies) (?:directly )?to this (?:e-?mail|message|mail|address|mailbox)\b.{0,40}\b(?:not (?:be )?(?:monitored|read|answered|possible)|unmonitored|will go|are not)",
    r"\bsent from (?:an? )?(?:unmonitored|unattended|notification-only|send-only|no-?reply|automated)\b",
    r"\bdiese (?:e-?mail|nachricht|mail) (?:wurde|ist|wird) (?:\w+ )?automatisch\b|\bautomatisch (?:generierte|erstellte|erzeugte|versendete|versandte) (?:e-?mail|nachricht|mail)|\bnicht auf diese (?:e-?mail|nachricht|mail)\b",
    r"\b(?:ceci est un|ce) (?:message|courriel|e-?mail|mail)\b.{0,30}\bautomatique|\bne pas (?:y )?répondre à (?:ce|cet)\b|\bmerci de ne pas répondre\b",
    r"\b(?:este (?:es un )?(?:mensaje|correo))\b.{0,40}\bautom[áa]tic|\bno (?:responda|conteste) (?:a )?este\b|\bquesto (?:messaggio|è un messaggio|è un'e-?mail)\b.{0,40}\bautomatic|\bnon rispondere a questa\b|\besta (?:é uma )?mensagem\b.{0,40}\bautom[áa]tic|\bnão responda (?:a )?est[ea]\b",
    r"\b(?:dit is een|deze e-?mail is|dit bericht is) automatisch\b|\bdetta (?:är ett )?(?:meddelande|mail|e-post)\b.{0,30}\bautomatisk|\bэто (?:письмо|сообщение)\b.{0,30}\bавтоматическ",
    r"(?:本|此|这|這|该)(?:封)?(?:邮件|郵件|信件|信|消息|通知)[^\n]{0,12}(?:系统|系統|程序|程式)[^\n]{0,6}(?:发送|发出|生成|寄出|發送|發出|寄發|产生)",
    r"(?:系统|系統)(?:自动|自動)(?:发送|发出|生成|寄出|發送|發出|回复)[^\n]{0,24}(?:勿|不要|无需|無需|请不|別)[^\n]{0,6}(?:回复|回覆|回信)",
    r"(?:请勿|請勿|请不要|請不要)(?:直接)?(?:回复|回覆|回信)(?:此|本|该|這|这)?(?:邮件|郵件|信|$|[。.!,\n])",
    r"(?:この|本|当)メールは[^\n]{0,30}(?:自動|配信専用|送信専用)|(?:この|本|当)(?:メール|アドレス)(?:に|へ|は)[^\n]{0,24}(?:返信(?:いただけ|頂け|でき|しないで|はでき|なさらない|されても|いただいても)|直接返信)|(?:送信|配信)専用(?:の)?(?:アドレス|メール)",
    r"발신 ?전용",
];

/// What stands around a mass mailing: how to see it, why it came, how to be rid of it.
pub const BULK: &[&str] = &[
    r"\bto (?:unsubscribe|opt[- ]?out|be removed|stop receiving)\b.{0,80}(?:click|visit|reply|send|go to|use|here|:|please|from (?:this|our|future|the)|follow|e-?mail)",
    r"\b(?:click (?:here|below) to|you (?:can|may)) (?:unsubscribe|opt[- ]?out)\b|\bunsubscribe (?:here|from (?:this|these|all|future)|instantly|at any time|link|\||\[)|\bmanage (?:your )?(?:e-?mail )?(?:preferences|subscriptions)\b|(?:^|\n)\s?unsubscribe\s?(?:\n|$|\|)",
    r"\b(?:trouble|problems?|difficulty) (?:viewing|reading|seeing) this (?:e-?mail|message|newsletter)\b|\b(?:can't|cannot|unable to) (?:see|read|view) this (?:e-?mail|message)\?? (?:click|view|visit|go)\b|\bview (?:this |it |the )?(?:(?:e-?mail|message|newsletter) )?(?:in|on|with|as) (?:your |a |the )?(?:web )?(?:browser|web ?page)\b|\b(?:view|read) (?:the |this )?(?:online|web|browser) version\b",
    r"\byou(?:'re| are| have)? (?:receiving|received|getting|been sent|receive) this (?:e-?mail|message|newsletter|mail|mailing|notification)\b.{0,12}\b(?:because|as|since|due to)\b",
    r"\bif you (?:no longer wish|do not wish|don't want|would (?:prefer|like) not|would no longer like|do not want|prefer not|would rather not) to (?:receive|get|be contacted)",
    r"\b(?:newsletter|mailingliste?|verteiler)\b.{0,40}\b(?:abbestellen|abmelden|austragen)\b|\b(?:pour )?(?:vous |se )(?:désabonner|désinscrire)\b|\b(?:darse de baja|cancelar (?:su|la) suscripción|per (?:cancellarsi|disiscriverti)|cancelar (?:a )?(?:inscrição|assinatura)|afmelden voor)\b",
    r"(?:点击|點擊|点此|回复|访问|如需|若要|如要)[^\n]{0,12}(?:退订|退訂|取消订阅|取消訂閱)|(?:退订|退訂|取消订阅|取消訂閱)(?:请|請|本邮件|此邮件|链接)|如果?(?:您|你)?不(?:想|希望|愿|願)(?:意)?(?:再|继续)(?:收到|接收)",
    r"如果?(?:您|你)?(?:无法|不能)(?:正常)?(?:查看|浏览|阅读|显示)(?:此|本|该|这封)?(?:邮件|内容)[^\n]{0,20}(?:点击|点此|访问)",
    r"(?:配信停止|購読(?:の)?解除|登録解除)(?:は|をご)|수신 ?거부",
];

/// What somebody writes who wants something of us: a robot's phrase beside it is only being talked about.
pub const ASKING: &[&str] = &[
    r"\?(?:\s|$)",
    r"\bhow (?:do|can|to|should|could)\b|\bwhat (?:should|can|does|is wrong)\b|\bwhy (?:do|does|is|am|are|did|was|can)\b",
    r"\b(?:not|stopped|stops) work|n't work(?:ing)?(?:[.,;!]|$| (?:for|any|with|when|on|in|at|as|since|correctly|properly))|\b(?:please|can you|could you|kindly) (?:help|assist|advise|fix|explain|investigate|disable|enable)\b",
    r"怎么|怎麼|怎样|如何|为什么|為什麼|为何|请问|請問|帮(?:我|忙)|幫(?:我|忙)|麻烦|求助|什么原因|是不是|能不能|可不可以|吗",
    r"教えて|どうすれば|でしょうか|ますか|なぜ|困って",
    r"\b(?:wie kann|wie kommt|warum|wieso|funktioniert nicht|bitte helfen)\b|\b(?:pourquoi|ne fonctionne pas|aidez)\b|\b(?:por qué|no funciona)\b|\b(?:come (?:posso|si)|perché|non funziona)\b",
];

/// Where somebody begins to tell or to paste: a formula that comes later is theirs to tell about.
pub const TELLING: &[&str] = &[
    r"\b(?:i|i'm|i've|my|me|we|we've|our|hi|hello|dear|please|fyi|see below|someone|thanks)\b",
    r"\b(?:ich|mein|meine|wir|hallo|guten tag|bonjour|je|nous|hola|ciao|buongiorno)\b",
    r"我|您好|你好|请|各位|大家好|客服|私|当社|弊社|お世話|いつも|こんにちは",
    r"^(?:begin forwarded message|-+ ?(?:forwarded|original|weitergeleitete|原始|转发|転送)|(?:from|von|de|da|发件人|寄件者|差出人)\s?:)",
];
