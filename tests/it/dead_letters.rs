//! What becomes of a report about a mail of ours, and of the address that it is about.

use huixin::case::{CaseState, Scope};
use huixin::decide::{Decision, Effect, Silence};
use huixin::ids::MessageId;
use huixin::outgoing::Purpose;

use crate::house::{BOUNCED, House, from_ann, purposes};

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
