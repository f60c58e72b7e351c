//! The policy, on the shipped rules and templates: what becomes of a mail, given what the store knows.

use huixin::address::Address;
use huixin::app;
use huixin::case::{AgentFacts, Case, CaseState, Facts, Said, Scope};
use huixin::decide::{self, Decision, Mail, Remembered, Shown, Silence};
use huixin::ids::{CategoryId, GroupId, MailHash, MessageId, TemplateName};
use huixin::language::Language;
use huixin::outgoing::Purpose;
use huixin::thread;

use crate::house::{BOUNCED, House, NO_RULE, from_ann, purposes, template};

/// A mail that answers another.
fn reply_to(id: &MessageId) -> Vec<u8> {
    format!("From: agents@example.com\r\nIn-Reply-To: {id}\r\n\r\nx\r\n").into_bytes()
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
fn agents_read_words_that_tell_them_something_and_not_all_that_were_weighed() {
    let house = House::new();
    let sheet = |decision: &Decision| {
        let forward = decision.outgoing().find(|mail| mail.purpose == Purpose::Forward).unwrap();
        app::read(forward.content.head.as_bytes()).text
    };
    let vague = "I have been waiting and still nothing is back with the two of you, please tell me about all that";
    let vague = sheet(&house.decide(&from_ann("Subject: Again\n", vague), |_| {}));
    assert!(!vague.contains("判断依据") && !vague.contains("| have"), "{vague}");
    let told = sheet(&house.decide(&from_ann("Subject: Mail\n", "邮件发送失败，请转人工"), |_| {}));
    assert!(told.contains("转人工"), "{told}");
    // In a case that is about something, a mail that may be about something else says nothing.
    let case =
        Case { category: Some(CategoryId::parse("deliver.bounce").unwrap()), ..house.case(CaseState::WithAgents) };
    let unsure = house.decide(&from_ann("Subject: Re\n", "And the web page looks strange as well."), |facts| {
        facts.by_signed = vec![case.clone()];
    });
    assert!(unsure.why.judgement.category.as_ref().is_some_and(|won| !won.sure), "{:?}", unsure.why.judgement);
    assert!(!sheet(&unsure).contains("这封来信像是"), "{}", sheet(&unsure));
}

#[test]
fn why_is_told_as_it_was_written_down_also_when_the_rules_have_changed() {
    let house = House::new();
    let mail = from_ann("Subject: Mail\n", &format!("{BOUNCED}\n转人工"));
    let bytes = mail.replace('\n', "\r\n").into_bytes();
    let message = app::read(&bytes);
    let decision = house.decide(&mail, |_| {});
    let tell = |why: &[(String, String)], language| {
        let mail = Mail {
            mailbox: &house.playbook.config().mailboxes[0],
            hash: MailHash::of(&bytes),
            message: &message,
            findings: None,
            delivered: house.now,
            junk: false,
            baseline: false,
        };
        let past = [Remembered { mail, before: None, at: house.now, why }];
        decide::account(&past, &mail.mailbox.group, &house.playbook, language).lines.join("\n")
    };
    let revised = |revision: &str| {
        let mut why = decision.why.lines();
        why.push((decide::REVISION.into(), revision.into()));
        why
    };
    let now = revised(house.playbook.revision());
    for (language, lines) in [
        (Language::Zh, ["新事项", "规则 meta.handoff.explicit：正文“转人工”", "转交人工，并用 handoff/open 答复客户"]),
        (Language::En, ["a new matter", "rule meta.handoff.explicit: body “转人工”", "the customer asks for a human"]),
        (
            Language::Ja,
            ["新しい案件", "ルール meta.handoff.explicit：本文「转人工」", "お客様が担当者の対応をご希望です"],
        ),
    ] {
        let account = tell(&now, language);
        for told in lines {
            assert!(account.contains(told), "{told}: {account}");
        }
        assert!(!account.contains("changed since") && !account.contains("此后改过"), "{account}");
    }
    // Rules of another revision took it for something else, and answered nothing.
    let mut then = revised("0123456789");
    then.retain(|(key, _)| !["category", "shown", "template", "silence"].contains(&key.as_str()));
    let was = [("category", "account.login (7.0, margin 3.0)"), ("shown", "to humans"), ("silence", "case-budget 3")];
    then.extend(was.map(|(key, text)| (key.to_owned(), text.to_owned())));
    let account = tell(&then, Language::En);
    for told in [
        "rules or templates have changed since (0123456789 then",
        "category then: ",
        "to humans: the customer asks for a human",
        "no automatic answer: this case has had its 3 automatic replies",
    ] {
        assert!(account.contains(told), "{told}: {account}");
    }
    // What an older version wrote in sentences is not guessed at.
    then.retain(|(key, _)| key != "thread");
    then.push(("thread".into(), "a new matter".into()));
    assert!(tell(&then, Language::En).contains("words that this version does not know"));
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
    let told = |decision: &Decision| decision.why.lines().iter().any(|(key, _)| key == "names");
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
