//! The policy, on the shipped rules and templates: what becomes of a mail, given what the store knows.

use std::path::Path;

use huixin::address::Address;
use huixin::app;
use huixin::case::{AgentFacts, Case, CaseState, Facts, Said, Scope};
use huixin::config;
use huixin::decide::{self, Decision, Effect, Mail, Shown, Silence};
use huixin::ids::{GroupId, Key, MailHash, MailboxName, MessageId, TemplateName};
use huixin::language::Language;
use huixin::outgoing::Purpose;
use huixin::playbook::Playbook;
use huixin::problem::SourceText;
use huixin::screen::{Findings, Signature, Verdict};
use huixin::thread;
use huixin::time::Timestamp;

struct House {
    playbook: Playbook,
    now: Timestamp,
}

impl House {
    fn new() -> House {
        House::with("", "")
    }

    /// The shipped configuration with one piece replaced.
    fn with(from: &str, to: &str) -> House {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shipped = std::fs::read_to_string(root.join("bot.toml")).unwrap();
        assert!(shipped.contains(from), "{from}");
        let config = config::load(&SourceText::new("bot.toml", shipped.replacen(from, to, 1)), &[]).unwrap();
        let configured = app::files::Configured { config, folder: root.to_owned() };
        let (playbook, ..) = app::playbook(&configured, Key::from_bytes([1; 32])).unwrap();
        // A Tuesday morning in Shanghai.
        House { playbook, now: "2026-11-24T02:00:00Z".parse().unwrap() }
    }

    /// The decision about a mail, written as text with `\n` line ends, given the facts that `known` adds.
    fn decide(&self, mail: &str, known: impl FnOnce(&mut Facts)) -> Decision {
        self.decide_as(mail, known, |mail| mail)
    }

    fn decide_as(
        &self,
        mail: &str,
        known: impl FnOnce(&mut Facts),
        change: impl FnOnce(Mail<'_>) -> Mail<'_>,
    ) -> Decision {
        self.decide_found(mail, known, None, change)
    }

    /// The same, given what was found of the mail's signatures.
    fn decide_found(
        &self,
        mail: &str,
        known: impl FnOnce(&mut Facts),
        findings: Option<&Findings>,
        change: impl FnOnce(Mail<'_>) -> Mail<'_>,
    ) -> Decision {
        let bytes = mail.replace('\n', "\r\n").into_bytes();
        let (message, hash) = (app::read(&bytes), MailHash::of(&bytes));
        let clues = thread::clues(&message, &hash, self.playbook.key());
        let mut facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
        known(&mut facts);
        let mailbox = &self.playbook.config().mailboxes[0];
        let mail =
            Mail { mailbox, hash, message: &message, findings, delivered: self.now, junk: false, baseline: false };
        let mail = change(mail);
        let decision = decide::decide(&mail, &facts, &self.playbook, self.now);
        assert_eq!(decision, decide::decide(&mail, &facts, &self.playbook, self.now), "the same again, to the byte");
        decision
    }

    /// A case of `ann@example.org` in this state.
    fn case(&self, state: CaseState) -> Case {
        let number = thread::candidates(&MailHash::of(b"an earlier mail"), self.playbook.key())[0];
        let (mailbox, group) = (MailboxName::parse("support").unwrap(), GroupId::parse("mail-tech").unwrap());
        Case {
            state,
            requester: Some(Address::parse("ann@example.org").unwrap()),
            received: 1,
            answers: 1,
            last_answer: Some(TemplateName::parse("kb/554-dt-spm").unwrap()),
            ..Case::new(number, mailbox, group, Language::Zh, self.now)
        }
    }
}

/// A mail that answers another.
fn reply_to(id: &MessageId) -> Vec<u8> {
    format!("From: agents@example.com\r\nIn-Reply-To: {id}\r\n\r\nx\r\n").into_bytes()
}

/// A mail from Ann to the support address.
fn from_ann(headers: &str, text: &str) -> String {
    format!(
        "From: Ann <ann@example.org>\nTo: support@example.com\nMessage-ID: <a1@example.org>\n{headers}\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    )
}

const BOUNCED: &str = "我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？";
const NO_RULE: &str = "Does the choir rehearse on Thursday this week?";

fn purposes(decision: &Decision) -> Vec<Purpose> {
    decision.outgoing().map(|outgoing| outgoing.purpose).collect()
}

fn template(decision: &Decision) -> Option<&str> {
    decision.why.shown.template().map(TemplateName::as_str)
}

#[test]
fn a_question_that_a_rule_knows_is_answered_and_nobody_is_bothered() {
    let house = House::new();
    let decision = house.decide(&from_ann("", BOUNCED), |_| {});
    assert_eq!(template(&decision), Some("kb/554-dt-spm"));
    assert_eq!(purposes(&decision), [Purpose::Answer]);
    let case = decision.case().unwrap();
    assert_eq!((case.state, case.answers, case.group.as_str()), (CaseState::Offered, 1, "mail-tech"));
    assert!(decision.opens());
}

#[test]
fn a_question_that_no_rule_knows_goes_to_humans_and_the_requester_is_told() {
    let house = House::new();
    let decision = house.decide(&from_ann("", NO_RULE), |_| {});
    assert_eq!(template(&decision), Some("ack/received"));
    assert_eq!(purposes(&decision), [Purpose::Answer, Purpose::Forward]);
    assert_eq!(decision.case().unwrap().state, CaseState::WithAgents);
    let forward = decision.outgoing().last().unwrap();
    assert_eq!(forward.envelope.to.to_string(), "agents@example.com");
    assert!(forward.content.original.is_some());
    assert!(forward.content.head.contains("Reply-To: support@example.com\r\n"), "it comes back to us");
    let token = thread::token(&app::read(&reply_to(&forward.message_id)), house.playbook.key()).unwrap();
    let agent = "agents@example.com";
    assert_eq!(token.check(house.playbook.key(), agent, huixin::time::day_number(house.now) + 90), Ok(()));
    let direct = House::with("replies = \"relay\"", "replies = \"direct\"");
    let decision = direct.decide(&from_ann("", NO_RULE), |_| {});
    let forward = decision.outgoing().last().unwrap();
    assert!(forward.content.head.contains("Reply-To: ann@example.org\r\n"));
    assert!(!forward.content.head.contains("From: Ann"));
}

#[test]
fn who_asks_for_a_human_gets_one_whatever_a_rule_knows() {
    let house = House::new();
    let decision = house.decide(&from_ann("", &format!("{BOUNCED}\n转人工")), |_| {});
    assert_eq!(template(&decision), Some("handoff/open"));
    assert_eq!(purposes(&decision), [Purpose::Answer, Purpose::Forward]);
}

#[test]
fn a_follow_up_to_an_answer_goes_to_humans_and_the_same_answer_is_not_given_twice() {
    let house = House::new();
    let case = house.case(CaseState::Offered);
    let id = MessageId::mint(house.playbook.key(), case.number, "answer-1", "example.com");
    let headers = format!("In-Reply-To: {id}\n");
    let decision = house.decide(&from_ann(&headers, "还是不行，仍然提示 554 DT:SPM"), |facts| {
        facts.by_signed.push(case.clone())
    });
    assert_eq!(template(&decision), Some("handoff/open"));
    assert_eq!(decision.case().unwrap().number, case.number);
    assert!(!decision.opens());
    assert_eq!(purposes(&decision), [Purpose::Answer, Purpose::Forward]);
}

#[test]
fn our_own_lines_in_a_follow_up_are_nobodys_words() {
    let house = House::new();
    let first = house.decide(&from_ann("", BOUNCED), |_| {});
    let case = first.case().unwrap();
    let answer = first.outgoing().next().unwrap();
    let ours = app::read(answer.content.head.as_bytes()).text;
    assert!(ours.contains("转人工"), "the footer offers it: {ours}");
    let follow_up = |text: &str, case: &Case| {
        let headers = format!("In-Reply-To: {}\n", answer.message_id);
        house.decide(&from_ann(&headers, text), |facts| facts.by_signed.push(case.clone()))
    };
    let asked = |decision: &Decision| decision.why.judgement.handoff.as_ref().map(|handoff| handoff.reason.clone());
    let unmarked = format!("那个附件也发不出去，大小是 30 MB。\n\n{ours}");
    assert_eq!(asked(&follow_up(&unmarked, case)), None);
    let forgotten = Case { said: Said::default(), ..case.clone() };
    assert_eq!(asked(&follow_up(&unmarked, &forgotten)).as_deref(), Some("explicit-request"), "else it would");
    let wish = follow_up(&format!("转人工\n\n{ours}"), case);
    assert_eq!(asked(&wish).as_deref(), Some("explicit-request"), "their own wish counts");
    // Whoever sends back nothing but our answer: nothing is cut, and a human looks at it.
    assert_eq!(purposes(&follow_up(&ours, case)), [Purpose::Answer, Purpose::Forward]);
}

#[test]
fn a_mail_in_a_case_that_humans_have_goes_to_them_and_is_not_answered() {
    let house = House::new();
    for state in [CaseState::WithAgents, CaseState::Waiting] {
        let case = house.case(state);
        let headers = format!("Subject: [案号 {}] 退信\n", case.number);
        let decision = house.decide(&from_ann(&headers, BOUNCED), |facts| facts.by_number.push(case));
        assert_eq!(purposes(&decision), [Purpose::Forward]);
        assert_eq!(decision.why.shown, Shown::ToHumans);
        assert_eq!(decision.case().unwrap().group.as_str(), "mail-tech");
    }
}

#[test]
fn a_case_number_from_an_outsider_opens_a_case_as_if_the_number_did_not_exist() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let outsider = from_ann(&format!("Subject: [案号 {}]\n", case.number), NO_RULE).replace("ann@", "eve@");
    let known = house.decide(&outsider, |facts| facts.by_number.push(case));
    let unknown = house.decide(&outsider, |_| {});
    let answers = |decision: &Decision| {
        let answers = decision.outgoing().filter(|mail| mail.purpose == Purpose::Answer).cloned();
        answers.collect::<Vec<_>>()
    };
    assert_eq!(answers(&known), answers(&unknown));
    assert_eq!(answers(&known).len(), 1);
    assert!(known.opens());
    let told = |decision: &Decision| {
        decision.why.lines().iter().any(|(key, text)| key == "thread" && text.contains("was not added"))
    };
    assert!(told(&known) && !told(&unknown), "agents are told which case was named");
}

#[test]
fn an_outsider_in_the_thread_is_heard_and_never_answered() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let mail = from_ann("", BOUNCED).replace("ann@", "eve@");
    let decision = house.decide(&mail, |facts| facts.by_signed.push(case.clone()));
    assert_eq!(purposes(&decision), [Purpose::Forward]);
    assert_eq!(decision.case().unwrap().requester, case.requester, "recipients never change");
    let forward = decision.outgoing().next().unwrap();
    assert!(forward.content.head.contains("Reply-To: support@example.com\r\n"), "an answer goes to no customer");
}

#[test]
fn the_same_mail_on_another_way_changes_nothing() {
    let house = House::new();
    let number = house.case(CaseState::Answered).number;
    let decision = house.decide(&from_ann("", BOUNCED), |facts| facts.twin = Some(number));
    assert!(decision.effects.is_empty());
}

#[test]
fn what_may_not_be_answered_is_shown_to_humans_all_the_same() {
    let house = House::new();
    for headers in ["Auto-Submitted: auto-replied\n", "List-Id: <x.example.org>\n", "Precedence: bulk\n"] {
        let decision = house.decide(&from_ann(headers, BOUNCED), |_| {});
        assert_eq!(purposes(&decision), [Purpose::Forward], "{headers}");
        assert!(decision.opens());
    }
    // A human whose mail reader asks for no automatic answers still gets a human.
    let decision = house.decide(&from_ann("X-Auto-Response-Suppress: All\n", BOUNCED), |_| {});
    assert_eq!(purposes(&decision), [Purpose::Forward]);
}

#[test]
fn mail_from_before_the_first_start_is_recorded_and_nobody_is_told() {
    let house = House::new();
    let decision = house.decide_as(&from_ann("", BOUNCED), |_| {}, |mail| Mail { baseline: true, ..mail });
    assert_eq!(purposes(&decision), []);
    assert!(decision.opens());
}

#[test]
fn an_absence_note_in_a_case_pages_nobody() {
    let house = House::new();
    let case = house.case(CaseState::WithAgents);
    let mail = from_ann("Auto-Submitted: auto-replied\nSubject: 自动回复: 外出\n", "本人出差中");
    let decision = house.decide(&mail, |facts| facts.by_signed.push(case));
    assert_eq!(purposes(&decision), []);
    assert_eq!(decision.case().unwrap().state, CaseState::WithAgents);
}

#[test]
fn a_person_in_a_case_is_heard_whatever_their_words_look_like() {
    let house = House::new();
    let note = "I am out of the office until Monday.\n\nMy mailbox is still broken, please help.";
    for (headers, text) in [("", note), ("Return-Path: <>\n", "还是不行")] {
        let case = house.case(CaseState::WithAgents);
        let decision = house.decide(&from_ann(headers, text), |facts| facts.by_signed.push(case));
        assert_eq!(purposes(&decision), [Purpose::Forward], "{text}");
    }
}

#[test]
fn a_read_receipt_in_a_case_pages_nobody() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let receipt = "From: Ann <ann@example.org>\nTo: support@example.com\nMessage-ID: <r1@example.org>\nSubject: Read\n\
        MIME-Version: 1.0\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\
        Content-Type: text/plain\n\nYour mail was displayed.\n--b\n\
        Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.org\n\
        Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n";
    let decision = house.decide(receipt, |facts| facts.by_signed.push(case));
    assert_eq!(purposes(&decision), []);
    assert_eq!(decision.case().unwrap().state, CaseState::Answered);
}

#[test]
fn a_mail_with_our_address_in_from_is_shown_to_people() {
    let house = House::new();
    let mail = from_ann("", "转人工").replace("ann@example.org", "support@example.com");
    assert_eq!(purposes(&house.decide(&mail, |_| {})), [Purpose::Forward]);
}

#[test]
fn no_words_of_a_stranger_stand_in_an_answer() {
    let house = House::new();
    for code in ["CALL 8005551234", "WIN:5000 TODAY", "http://evil.example", "13800138000"] {
        let text = format!("我的邮件发送失败，服务器错误502。\n错误代码：{code}\n姓名：canary-name");
        let decision = house.decide(&from_ann("Subject: canary-subject\n", &text), |_| {});
        for answer in decision.outgoing().filter(|outgoing| outgoing.purpose == Purpose::Answer) {
            let read = app::read(answer.content.head.as_bytes());
            for canary in [code, "canary"] {
                assert!(!read.text.contains(canary) && !read.subject.contains(canary), "{canary}: {}", read.text);
            }
        }
    }
}

#[test]
fn what_is_over_a_budget_goes_to_humans_instead() {
    let house = House::new();
    let now = house.now;
    let spend = |scope: Scope, times: u32| {
        move |facts: &mut Facts| {
            for _ in 0..times {
                facts.budgets.entry(scope.clone()).or_default().spend(&scope, now);
            }
        }
    };
    let sender = Scope::Sender("ann@example.org".into());
    assert_eq!(purposes(&house.decide(&from_ann("", BOUNCED), spend(sender.clone(), 2))), [Purpose::Answer]);
    let address = Address::parse("ann@example.org").unwrap();
    let subject = Scope::subject(&address, "frobnicator");
    for (scope, times) in [(sender, 3), (subject, 1), (Scope::Unknown, 30), (Scope::Global, 600)] {
        let decision = house.decide(&from_ann("Subject: Frobnicator\n", BOUNCED), spend(scope.clone(), times));
        assert_eq!(purposes(&decision), [Purpose::Forward], "{scope:?}");
        assert!(matches!(&decision.why.silence, Some(Silence::Budget(over)) if over.scope == scope));
    }
}

#[test]
fn a_case_hears_once_that_humans_have_it_and_three_answers() {
    let house = House::new();
    let other = Some(TemplateName::parse("kb/storage").unwrap());
    let heard = Case { last_answer: other.clone(), ..house.case(CaseState::Answered) };
    // How often what was said, and what is asked now: is it answered?
    for (answers, acknowledgements, statuses, asked, want) in [
        (2, 0, 0, BOUNCED, true),
        (3, 0, 0, BOUNCED, false),
        (4, 1, 0, BOUNCED, false),
        (6, 1, 3, BOUNCED, true),
        (3, 0, 0, NO_RULE, true),
        (1, 1, 0, NO_RULE, false),
    ] {
        let case = Case { answers, acknowledgements, statuses, ..heard.clone() };
        let decision = house.decide(&from_ann("", asked), |facts| facts.by_signed.push(case));
        let what = format!("{answers} {acknowledgements} {statuses} {asked}");
        assert_eq!(purposes(&decision).contains(&Purpose::Answer), want, "{what}");
        let over = matches!(decision.why.silence, Some(Silence::CaseBudget(_)));
        assert_eq!(over, !want, "{what}");
        let after = decision.case().unwrap();
        let said = u32::from(want);
        let acknowledged = if asked == NO_RULE { said } else { 0 };
        assert_eq!(
            (after.answers, after.acknowledgements),
            (answers + said, acknowledgements + acknowledged),
            "{what}"
        );
    }
}

/// A delivery report about one of our mails.
fn report(about: &MessageId) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nTo: support@example.com\nMessage-ID: <b1@example.net>\n\
         Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
         Your mail could not be delivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; example.net\n\n\
         Final-Recipient: rfc822; mail-tech@example.com\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 no such user\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {about}\n\n--b--\n"
    )
}

#[test]
fn each_failure_is_reported_one_step_further_up_and_then_it_ends() {
    let house = House::new();
    let case = house.case(CaseState::WithAgents);
    let key = house.playbook.key();
    let about = |name: &str| MessageId::mint(key, case.number, name, "example.com");
    let bounced = |id: &MessageId| house.decide(&report(id), |facts| facts.by_signed.push(case.clone()));
    assert_eq!(purposes(&bounced(&about("answer-1"))), [Purpose::Forward], "an answer: the group is shown it");
    let forward = bounced(&about("forward-1"));
    assert_eq!(purposes(&forward), [Purpose::Notice], "a forward: the operator is told");
    let notice = forward.outgoing().next().unwrap();
    assert_eq!(notice.envelope.to.to_string(), "operator@example.com");
    let delayed = report(&about("forward-1")).replace("Action: failed", "Action: delayed").replace("5.1.1", "4.4.1");
    let delayed = house.decide(&delayed, |facts| facts.by_signed.push(case.clone()));
    assert_eq!(purposes(&delayed), [], "delayed is not failed");
    let about_notice = house.decide(&report(&notice.message_id), |_| {});
    assert_eq!(purposes(&about_notice), [], "a notice: the end");
}

#[test]
fn who_answers_a_forward_does_not_report_that_it_failed() {
    let house = House::new();
    let case = house.case(CaseState::WithAgents);
    let forward = MessageId::mint(house.playbook.key(), case.number, "forward-1", "example.com");
    let mail = from_ann(&format!("In-Reply-To: {forward}\nReferences: {forward}\n"), "Thank you, I take care of it.");
    for (from, want) in [("agents@example.com", &[][..]), ("ann@example.org", &[Purpose::Forward])] {
        let mail = mail.replace("ann@example.org", from);
        let decision = house.decide(&mail, |facts| facts.by_signed.push(case.clone()));
        assert_eq!(purposes(&decision), want, "{from}");
    }
}

/// Who is suppressed by a decision.
fn suppressed(decision: &Decision) -> Vec<String> {
    let effects = decision.effects.iter().filter_map(|effect| match effect {
        Effect::Suppress(suppression) => Some(suppression.address.to_string()),
        _ => None,
    });
    effects.collect()
}

#[test]
fn d02_an_answer_that_came_back_for_good_suppresses_its_address_and_nothing_else_does() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let mint = |name: &str| MessageId::mint(house.playbook.key(), case.number, name, "example.com");
    let answer = report(&mint("answer-1"));
    let decide = |mail: &str| house.decide(mail, |facts| facts.by_signed.push(case.clone()));
    for (mail, whom) in [
        (answer.clone(), &["ann@example.org"][..]),
        (answer.replace("5.1.1", "5.2.1"), &["ann@example.org"]),
        // Full, blocked, too early, arrived: the address is there.
        (answer.replace("5.1.1", "5.2.2"), &[]),
        (answer.replace("5.1.1", "5.7.1"), &[]),
        (answer.replace("5.1.1", "5.1.8"), &[]),
        (answer.replace("5.1.1", "4.4.7"), &[]),
        (answer.replace("Action: failed", "Action: delayed"), &[]),
        (answer.replace("Action: failed", "Action: relayed"), &[]),
        // An agent's address is the operator's to mend.
        (report(&mint("forward-1")), &[]),
        (report(&MessageId::parse("answer@example.com").unwrap()), &[]),
    ] {
        assert_eq!(suppressed(&decide(&mail)), whom, "{mail}");
    }
    let told = decide(&answer).why.lines();
    assert!(
        told.contains(&("suppressed".into(), "ann@example.org gets no automatic answers before 2026-12-24".into()))
    );
}

#[test]
fn d02_a_thousand_forged_bounces_suppress_nobody() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let real = MessageId::mint(house.playbook.key(), case.number, "answer-1", "example.com");
    for n in 0..1_000 {
        let proof = format!("{:016x}", n * 7_919);
        let forged = format!("{}.answer-{n}.{proof}@example.com", case.number.compact().to_lowercase());
        let forged = if n % 2 == 0 { MessageId::parse(&forged).unwrap() } else { real_with(&real, n) };
        // Even where the case is found in another way.
        let decision = house.decide(&report(&forged), |facts| facts.by_number.push(case.clone()));
        assert_eq!(suppressed(&decision), [""; 0], "{forged}");
    }
}

/// One of our identifiers with another name in it.
fn real_with(real: &MessageId, n: usize) -> MessageId {
    MessageId::parse(&real.as_str().replace(".answer-1.", &format!(".answer-1{n}."))).unwrap()
}

#[test]
fn d04_a_complaint_about_an_answer_suppresses_whoever_got_it() {
    let house = House::new();
    let case = house.case(CaseState::Answered);
    let answer = MessageId::mint(house.playbook.key(), case.number, "answer-1", "example.com");
    for (kind, whom) in [("abuse", &["ann@example.org"][..]), ("not-spam", &[]), ("auth-failure", &[])] {
        let complaint = format!(
            "From: fbl@example.net\nTo: support@example.com\nSubject: complaint\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
             An abuse report.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\n\
             User-Agent: x\nVersion: 1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: {answer}\n\nhi\n--b--\n"
        );
        let decision = house.decide(&complaint, |facts| facts.by_signed.push(case.clone()));
        assert_eq!(suppressed(&decision), whom, "{kind}");
    }
}

#[test]
fn d04_whoever_is_suppressed_is_heard_and_not_answered() {
    let house = House::new();
    let scope = Scope::Sender("ann@example.org".into());
    let month = house.now + jiff::SignedDuration::from_hours(24);
    let until = |until| house.decide(&from_ann("", BOUNCED), |facts| facts.suppressed.extend([(scope.clone(), until)]));
    let decision = until(month);
    assert_eq!(purposes(&decision), [Purpose::Forward]);
    assert_eq!(decision.why.silence, Some(Silence::Suppressed(month)));
    assert_eq!(purposes(&until(house.now)), [Purpose::Answer]);
}

#[test]
fn an_agents_own_mail_is_recorded_only() {
    let house = House::new();
    let case = house.case(CaseState::WithAgents);
    let mail = from_ann("", "我来处理").replace("ann@example.org", "agents@example.com");
    let decision = house.decide(&mail, |facts| facts.by_signed.push(case));
    assert_eq!(purposes(&decision), []);
}

#[test]
fn an_executable_is_named_and_not_sent_along() {
    let house = House::new();
    let mail = from_ann("", "").replace(
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nDoes the choir rehearse?\n\
         --b\nContent-Type: application/octet-stream; name=\"song.exe\"\n\nMZ\n--b--\n",
    );
    let decision = house.decide(&mail, |_| {});
    let forward = decision.outgoing().find(|outgoing| outgoing.purpose == Purpose::Forward).unwrap();
    assert_eq!(forward.content.original, None);
    let disguised = mail.replace("song.exe", "song.pdf").replace("MZ\n", "MZ\u{0}\u{3}\n");
    let decision = house.decide(&disguised, |_| {});
    let forward = decision.outgoing().find(|outgoing| outgoing.purpose == Purpose::Forward).unwrap();
    assert_eq!(forward.content.original, None, "whatever it is called");
}

/// What was found of one signature of Ann's domain, which asks that what fails be refused.
fn signed(verdict: Verdict) -> Findings {
    Findings {
        signatures: vec![Signature { domain: "example.org".into(), aligned: true, verdict }],
        enforced: true,
        ..Findings::default()
    }
}

#[test]
fn a18_who_fails_is_not_answered_and_the_unknown_share_a_budget() {
    let (pass, fail) = (signed(Verdict::Pass), signed(Verdict::Fail));
    let unknown = Findings::default();
    // Policy, what was found: is it answered, out of the budget of the unknown or not, and also when that is empty?
    let cases = [
        ("budgeted", Some(&pass), Some(false), true),
        ("budgeted", Some(&unknown), Some(true), false),
        ("budgeted", None, Some(true), false),
        ("budgeted", Some(&fail), None, false),
        ("strict", Some(&pass), Some(false), true),
        ("strict", Some(&unknown), None, false),
        ("strict", None, None, false),
        ("strict", Some(&fail), None, false),
        ("off", Some(&pass), Some(false), true),
        ("off", None, Some(false), true),
        ("off", Some(&fail), Some(false), true),
    ];
    for (policy, findings, want, also_when_empty) in cases {
        let house = House::with("authentication = \"budgeted\"", &format!("authentication = {policy:?}"));
        let decide =
            |known: &dyn Fn(&mut Facts)| house.decide_found(&from_ann("", BOUNCED), known, findings, |mail| mail);
        let decision = decide(&|_| {});
        let answered = purposes(&decision).contains(&Purpose::Answer);
        let unknown = decision.effects.contains(&Effect::Spend(Scope::Unknown));
        assert_eq!(answered.then_some(unknown), want, "{policy} {findings:?}");
        if !answered {
            assert_eq!(purposes(&decision), [Purpose::Forward], "a human sees it");
            assert_eq!(decision.why.silence, Some(Silence::Screening));
        }
        let empty = |facts: &mut Facts| {
            for _ in 0..200 {
                facts.budgets.entry(Scope::Unknown).or_default().spend(&Scope::Unknown, house.now);
            }
        };
        let decision = decide(&empty);
        assert_eq!(purposes(&decision).contains(&Purpose::Answer), also_when_empty, "{policy} {findings:?}");
    }
}

#[test]
fn a18_a_flood_of_forged_senders_is_not_answered() {
    let house = House::new();
    for n in 0..500 {
        let mail = from_ann("", BOUNCED).replace("ann@", &format!("victim{n}@"));
        let decision = house.decide_found(&mail, |_| {}, Some(&signed(Verdict::Fail)), |mail| mail);
        assert_eq!(purposes(&decision), [Purpose::Forward]);
    }
}

#[test]
fn h03_results_inside_an_attached_mail_are_not_heard() {
    let house = House::with("authentication_servers = []", "authentication_servers = [\"MX.example.com\"]");
    let results = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\nReceived: x\n";
    let verdict = |mail: &str| house.decide(mail, |_| {}).why.screening.authentication.verdict;
    assert_eq!(verdict(&format!("{results}{}", from_ann("", BOUNCED))), Verdict::Pass);
    let attached = from_ann("", "").replace(
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\n",
        &format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHelp\n\
             --b\nContent-Type: message/rfc822\n\n{results}From: ann@example.org\n\nHelp\n--b--\n"
        ),
    );
    assert!(attached.contains("dmarc=pass"));
    assert_eq!(verdict(&attached), Verdict::Unknown);
    assert_eq!(verdict(&format!("Received: y\n{attached}")), Verdict::Unknown);
}

#[test]
fn h07_agents_are_told_what_is_proven_and_what_is_not() {
    let house = House::with("language = \"zh\"                     # the language of the words", "language = \"en\" #");
    let sheet = |findings: &Findings| {
        let decision = house.decide_found(&from_ann("", NO_RULE), |_| {}, Some(findings), |mail| mail);
        let forward = decision.outgoing().find(|outgoing| outgoing.purpose == Purpose::Forward).unwrap();
        app::read(&forward.content.bytes(Some(b""))).text
    };
    let proven = sheet(&signed(Verdict::Pass));
    assert!(
        proven.contains("Sender: domain example.org verified by DKIM (this proves the domain, not the person)"),
        "{proven}"
    );
    assert!(sheet(&Findings::default()).contains("Sender: domain NOT verified"));
    let failed = sheet(&signed(Verdict::Fail));
    assert!(failed.contains("Sender: FAILED: this mail probably does not come from example.org"), "{failed}");
    assert!(failed.contains("- the sender's domain does not vouch for this mail: From may be forged"), "{failed}");
}

#[test]
fn who_forges_a_colleagues_address_is_shown_to_humans() {
    let house = House::new();
    let mail = from_ann("", "请马上转账").replace("ann@example.org", "agents@example.com");
    let forged = Findings {
        signatures: vec![Signature { domain: "example.com".into(), aligned: true, verdict: Verdict::Fail }],
        enforced: true,
        ..Findings::default()
    };
    let decision = house.decide_found(&mail, |_| {}, Some(&forged), |mail| mail);
    assert_eq!(purposes(&decision), [Purpose::Forward]);
    let alike = from_ann("", BOUNCED).replace("ann@example.org", "agents@examp1e.com");
    let decision = house.decide(&alike, |_| {});
    assert_eq!(purposes(&decision), [Purpose::Forward]);
    assert!(decision.why.screening.reasons.iter().any(|reason| reason.code() == "look-alike"));
}

#[test]
fn thanks_are_recorded_and_neither_answered_nor_shown() {
    let house = House::new();
    for text in ["谢谢，解决了！", "好的，多谢", "Thanks, it works now.", "ありがとうございました。解決しました。"]
    {
        let case = house.case(CaseState::Offered);
        let decision = house.decide(&from_ann("", text), |facts| facts.by_signed.push(case));
        assert_eq!(purposes(&decision), [], "{text}");
        assert_eq!(decision.case().unwrap().state, CaseState::Closed);
    }
}

#[test]
fn what_is_expected_goes_by_who_waits_who_answers_and_the_hour() {
    let (wang, zhao) = ("wang@example.com", "zhao@example.com");
    let team = format!("# [group.mail-tech]\n[group.mail-tech]\nto = [\"{wang}\", \"{zhao}\"]");
    let mut house = House::with("# [group.mail-tech]", &team);
    // How many wait, who is away, when it is (in Shanghai), and what is told: about when, and whether many are asking.
    let (morning, noon, evening) = ("2026-11-24T09:00", "2026-11-24T13:00", "2026-11-24T20:00");
    for (waiting, away, at, expected, busy) in [
        (0, None, morning, "11月24日（周二）9:15", false),
        (2, None, morning, "11月24日（周二）9:30", false),
        (2, Some(zhao), morning, "11月24日（周二）10:00", false),
        (5, None, noon, "11月24日（周二）14:00", false),
        // The same at a peak hour.
        (5, None, "2026-11-24T15:00", "11月24日（周二）17:00", true),
        // Before they open: from then on.
        (5, None, evening, "11月25日（周三）10:00", false),
        // As late as the time promised, or later: only that is told.
        (60, None, noon, "", true),
        (5_000, None, noon, "", true),
    ] {
        house.now = format!("{at}:00+08:00").parse().unwrap();
        let decision = house.decide(&from_ann("", "邮件发不出去，请转人工。"), |facts| {
            let group = GroupId::parse("mail-tech").unwrap();
            (0..waiting).for_each(|_| facts.load.comes(&group));
            let until = house.now + jiff::SignedDuration::from_hours(24);
            let known = AgentFacts { away_until: Some(until), ..AgentFacts::default() };
            facts.agents.extend(away.map(|away| (Address::parse(away).unwrap(), known)));
        });
        let answer = decision.outgoing().find(|mail| mail.purpose == Purpose::Answer).unwrap();
        let text = app::read(&answer.content.bytes(None)).text;
        let told = text.split_once("预计").map_or("", |(_, rest)| rest.split_once("左右").unwrap().0);
        assert_eq!((told, text.contains("来信较多")), (expected, busy), "{waiting} {away:?} {at}\n{text}");
    }
}
