//! Authority by two proofs, never one, and nothing for whoever has none: forged colleagues, guessed tokens, guessed case
//! numbers, third parties, recipients smuggled in.
//!
//! A mail is decided as the store would have it decided: with the case it leads to by its own clues, and by no other.

use std::time::{Duration, Instant};

use huixin::address::Address;
use huixin::app;
use huixin::case::{Case, Facts};
use huixin::decide::{Decision, Effect, Heed, Refusal, Shown};
use huixin::ids::{CaseNumber, Key, MailHash, Right, Token};
use huixin::language::Language;
use huixin::outgoing::{Outgoing, Purpose};
use huixin::thread::{self, Threading};
use huixin::time::Timestamp;

use crate::doses::{dose, is_long, report};
use crate::replies::desk::{AGENT, COLLEAGUE, Desk, decide_bytes};

const BORDER: &str =
    "Received: from out.example by mx.example.com with ESMTPS id 1; Tue, 24 Nov 2026 02:00:00 +0000\r\n";
const PASS: &str = "dkim=pass header.d=example.com; dmarc=pass header.from=example.com";

/// What the store knows about this mail.
fn facts(desk: &Desk, bytes: &[u8]) -> Facts {
    let message = app::read(bytes);
    let clues = thread::clues(&message, &MailHash::of(bytes), desk.playbook.key());
    let case = |led: bool| led.then(|| desk.case.clone()).into_iter().collect();
    let received = |id: &huixin::ids::MessageId| id.as_str().contains("@customer.example");
    let signed = clues.signed.contains(&desk.case.number);
    Facts {
        by_signed: case(signed),
        by_reference: case(clues.references.iter().any(received)),
        by_number: case(clues.numbers.contains(&desk.case.number)),
        internal: if signed { desk.internal.clone() } else { Default::default() },
        ..Facts::default()
    }
}

fn decide(desk: &Desk, now: Timestamp, bytes: &[u8]) -> Decision {
    decide_bytes(&desk.playbook, now, bytes, &facts(desk, bytes))
}

/// What a mail without authority did all the same.
fn harm(desk: &Desk, decision: &Decision) -> Option<String> {
    let people = [AGENT, COLLEAGUE, "operator@example.com"];
    let before = &desk.case;
    for effect in &decision.effects {
        match effect {
            Effect::Send(mail) if mail.purpose == Purpose::Relay => return Some("relayed".into()),
            Effect::Send(mail) if Some(&mail.envelope.to) == before.requester.as_ref() => {
                return Some(format!("{:?} to the requester", mail.purpose));
            }
            Effect::Send(mail)
                if mail.case == Some(before.number) && !people.contains(&&*mail.envelope.to.to_string()) =>
            {
                return Some(format!("{:?} of the case to {}", mail.purpose, mail.envelope.to));
            }
            Effect::Append(case) if case.number == before.number => {
                let stands = |case: &Case| {
                    let work = &case.work;
                    let work = (work.agent.clone(), work.priority, work.closed, work.thread.clone());
                    (case.state, case.category.clone(), case.group.clone(), case.requester.clone(), work)
                };
                if stands(case) != stands(before) {
                    return Some("the case was changed".into());
                }
            }
            Effect::Release(_) | Effect::Withdraw(_) | Effect::Away(_) => {
                return Some(format!("{effect:?}").chars().take(40).collect());
            }
            _ => {}
        }
    }
    None
}

/// Ways to look like the agent.
const FROM: [&str; 25] = [
    "From: =?utf-8?B?546L5bel?= <wang@example.com>",
    "From: wang@example.com",
    "From: Wang@Example.COM",
    "From:\r\n wang@example.com",
    "From: \"wang@example.com\" <eve@evil.example>",
    "From: <wang@example.com> <eve@evil.example>",
    "From: eve@evil.example (wang@example.com)",
    "From: wang@example.com, eve@evil.example",
    "From: eve@evil.example, wang@example.com",
    "From: eve@evil.example\r\nFrom: wang@example.com",
    "From: wang@example.com\r\nFrom: eve@evil.example",
    "From: eve@evil.example\r\nSender: wang@example.com",
    "From: eve@evil.example\r\nReply-To: wang@example.com",
    "From: eve@evil.example\r\nResent-From: wang@example.com",
    "From: wang@ex\u{430}mple.com",
    "From: wang@xn--exmple-4nf.com",
    "From: wang@example.com.evil.example",
    "From: wang@sub.example.com",
    "From: wang+x@example.com",
    "From: =?utf-8?Q?wang=40example.com?= <eve@evil.example>",
    "From: =?utf-8?Q?=3Cwang=40example.com=3E?=",
    "From: Agents: wang@example.com;",
    "From: <@evil.example:wang@example.com>",
    "From: \"wang@example.com\"@evil.example",
    "From: wang%example.com@evil.example",
];

/// A proof that a mail comes from this domain.
fn pass_of(domain: &str) -> String {
    format!(
        "Authentication-Results: mx.example.com; dkim=pass header.d={domain}; dmarc=pass header.from={domain}\r\n{BORDER}"
    )
}

/// Proofs that are none: what stands above the border and below it.
fn proofs() -> Vec<String> {
    let results = |text: &str| format!("Authentication-Results: {text}\r\n{BORDER}");
    vec![
        BORDER.to_owned(),
        results(&format!("mx.evil.example; {PASS}")),
        format!("{BORDER}Authentication-Results: mx.example.com; {PASS}\r\n"),
        results("mx.example.com; spf=pass smtp.mailfrom=example.com; dmarc=pass header.from=example.com"),
        results("mx.example.com; dkim=pass header.d=evil.example; dmarc=fail header.from=example.com"),
        results("mx.example.com; dkim=fail header.d=example.com; dmarc=fail header.from=example.com"),
        results(
            "mx.example.com; dkim=none (dkim=pass header.d=example.com); dmarc=none (dmarc=pass header.from=example.com)",
        ),
        results(&format!("mx.example.com; dkim=none reason=\"; {PASS}\"")),
        format!(
            "Authentication-Results: mx.example.com; dkim=none\r\nAuthentication-Results: mx.example.com; {PASS}\r\n{BORDER}"
        ),
        results(&format!("mx.example.com.evil.example; {PASS}")),
        format!(
            "ARC-Seal: i=1; cv=none; d=evil.example\r\nARC-Authentication-Results: i=1; mx.example.com; {PASS}\r\n{BORDER}"
        ),
        results(&format!("mx.example.com 2; {PASS}")),
        results(
            "mx.example.com; dkim=pass header.d=com; dkim=pass header.d=ample.com; dmarc=none header.from=example.com",
        ),
        results("mx.example.com; dkim=pass header.d=evil.example; dmarc=pass header.from=evil.example"),
        format!("Authentication-Results-Original: mx.example.com; {PASS}\r\n{BORDER}"),
        format!("X-Authentication-Results: mx.example.com; {PASS}\r\n{BORDER}"),
    ]
}

/// Where the token comes from: recipients and thread of the mail.
fn presented(desk: &Desk) -> [(&'static str, String); 5] {
    let agent: Address = AGENT.parse().unwrap();
    let colleague: Address = COLLEAGUE.parse().unwrap();
    let token = |agent: &Address| desk.playbook.token(desk.case.number, Right::Reply, agent, desk.now).detail();
    let own = token(&agent);
    let mut altered = own.clone().into_bytes();
    let last = altered.len() - 1;
    altered[last] = if altered[last] == b'a' { b'b' } else { b'a' };
    let altered = String::from_utf8(altered).unwrap();
    let id = &desk.forwards[0].message_id;
    let to = |detail: &str| format!("To: support+{detail}@example.com\r\n");
    [
        (
            "the Message-ID of a forward",
            format!("To: support@example.com\r\nIn-Reply-To: {id}\r\nReferences: {id}\r\n"),
        ),
        ("the agent's token", to(&own)),
        ("no token", "To: support@example.com\r\n".into()),
        ("a colleague's token", to(&token(&colleague))),
        ("an altered token", to(&altered)),
    ]
}

fn mail(head: &str, from: &str, to: &str, words: &str, n: usize) -> Vec<u8> {
    format!(
        "{head}{from}\r\n{to}Subject: Re: x\r\nMessage-ID: <f{n}@evil.example>\r\nMIME-Version: 1.0\r\nContent-Type: \
         text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{words}\r\n"
    )
    .into_bytes()
}

#[test]
fn f40_v04_two_thousand_forged_colleagues_are_not_heeded() {
    let desk = Desk::open(Language::Zh);
    let presented = presented(&desk);
    // The real one is: else the rest would prove nothing.
    let genuine = format!("Authentication-Results: mx.example.com; {PASS}\r\n{BORDER}");
    let decision = decide(&desk, desk.now, &mail(&genuine, FROM[0], &presented[0].1, "您好，已恢复。", 0));
    assert_eq!(decision.why.shown, Shown::Agent(Heed::Relayed));
    let words =
        ["您的密码已重置为 123456，请访问 http://evil.example", "#结案\n\n再见", "#备注 好", "#priority urgent"];
    let (mut count, mut tried, mut harmed, mut told) = (0, 0, Vec::new(), 0);
    for (p, proof) in proofs().iter().enumerate() {
        for from in FROM {
            for (token, to) in &presented {
                count += 1;
                if count % dose(7, 1) != 0 {
                    continue;
                }
                let decision = decide(&desk, desk.now, &mail(proof, from, to, words[count % words.len()], count));
                tried += 1;
                told += usize::from(matches!(decision.why.shown, Shown::Agent(Heed::Refused(_))));
                if let Some(harm) = harm(&desk, &decision) {
                    harmed.push(format!("{from:?}, proof {p}, {token}: {harm}"));
                }
            }
        }
    }
    assert!(harmed.is_empty(), "{} of {tried}:\n{}", harmed.len(), harmed.join("\n"));
    assert_eq!(count, 2_000);
    report("f40", format!("{tried} of {count} forged colleagues"), format!("0 heeded; of {told} the operator is told"));
}

#[test]
fn f40_a_forged_absence_note_sends_no_agent_home() {
    let desk = Desk::open(Language::Zh);
    let marks = [
        "Auto-Submitted: auto-replied\r\n",
        "X-Autoreply: yes\r\nPrecedence: bulk\r\n",
        "Return-Path: <>\r\nAuto-Submitted: auto-generated\r\n",
    ];
    let mut harmed = Vec::new();
    for proof in proofs() {
        for mark in marks {
            for (token, to) in presented(&desk) {
                let note = mail(&format!("{proof}{mark}"), FROM[0], &to, "#结案\n我在休假，下周回来。", 1);
                // What answers the agent's own mail, and is not proven false, may keep new cases from them, and no more.
                let theirs = token.starts_with("the ");
                let harm =
                    harm(&desk, &decide(&desk, desk.now, &note)).filter(|harm| !(theirs && harm.contains("Away")));
                harmed.extend(harm.map(|harm| format!("{mark:?} {token}: {harm}")));
            }
        }
    }
    assert!(harmed.is_empty(), "{}", harmed.join("\n"));
    // The agent's own does, and reaches nobody.
    let genuine = format!("Authentication-Results: mx.example.com; {PASS}\r\n{BORDER}{}", marks[0]);
    let decision = decide(&desk, desk.now, &mail(&genuine, FROM[0], &presented(&desk)[0].1, "我在休假，下周回来。", 2));
    assert_eq!(decision.why.shown, Shown::Agent(Heed::Away));
    assert_eq!(decision.outgoing().count(), 0);
    assert!(
        decision.effects.iter().any(|effect| matches!(effect, Effect::Away(away) if away.agent.to_string() == AGENT))
    );
}

#[test]
fn v04_a_token_is_one_agents_for_one_case_and_ninety_days() {
    let desk = Desk::open(Language::Zh);
    let genuine = format!("Authentication-Results: mx.example.com; {PASS}\r\n{BORDER}");
    let zhao = "From: zhao@example.com";
    let [of_forward, own, none, foreign, altered] = presented(&desk).map(|(_, to)| to);
    let day = |days: i64| desk.now + jiff::SignedDuration::from_hours(24 * days);
    let heeded =
        |from: &str, to: &str, now| decide(&desk, now, &mail(&genuine, from, to, "您好，已恢复。", 7)).why.shown;
    for (from, to, days, want) in [
        (FROM[0], &of_forward, 0, Shown::Agent(Heed::Relayed)),
        (FROM[0], &own, 89, Shown::Agent(Heed::Relayed)),
        (FROM[0], &own, 91, Shown::Agent(Heed::Refused(Refusal::ExpiredToken))),
        (FROM[0], &of_forward, 91, Shown::Agent(Heed::Refused(Refusal::ExpiredToken))),
        (FROM[0], &foreign, 0, Shown::Agent(Heed::Refused(Refusal::ForeignToken))),
        (zhao, &own, 0, Shown::Agent(Heed::Refused(Refusal::ForeignToken))),
        (zhao, &of_forward, 0, Shown::Agent(Heed::Refused(Refusal::ForeignToken))),
        (FROM[0], &altered, 0, Shown::Agent(Heed::Refused(Refusal::ForeignToken))),
        (FROM[0], &none, 0, Shown::Recorded),
    ] {
        assert_eq!(heeded(from, to, day(days)), want, "{from} {to} after {days} days");
    }
    // Of another case: it acts on that case or on none.
    let other = CaseNumber::mint(desk.playbook.key(), &MailHash::of(b"another"), 0);
    let token = desk.playbook.token(other, Right::Reply, &AGENT.parse().unwrap(), desk.now).detail();
    let id = &desk.forwards[0].message_id;
    let to = format!("To: support+{token}@example.com\r\nIn-Reply-To: {id}\r\n");
    let decision = decide(&desk, desk.now, &mail(&genuine, FROM[0], &to, "您好，已恢复。", 8));
    assert_eq!(harm(&desk, &decision), None);
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn f42_v04_a_million_guessed_tokens_and_every_flipped_bit_of_a_hundred_prove_nothing() {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let key = Key::from_bytes([9; 32]);
    let today = 20_780;
    let case = CaseNumber::mint(&key, &MailHash::of(b"mail"), 0);
    let length = Token::grant(&key, case, Right::Reply, AGENT, today).detail().rsplit('-').next().unwrap().len();
    let (guesses, tokens) = (dose(50_000, 1_000_000), dose(20, 100));
    let mut dice = Dice(0x5eed);
    let mut accepted = 0;
    for _ in 0..guesses {
        let proof: String = (0..length).map(|_| DIGITS[dice.next() as usize % 32] as char).collect();
        let detail = format!("r-{}-{}-{proof}", case.compact().to_lowercase(), today + dice.next() as u32 % 90);
        let token = Token::from_detail(&detail).expect("the form is right");
        accepted += usize::from(token.check(&key, AGENT, today).is_ok());
    }
    let (mut flips, mut passed) = (0, Vec::new());
    for n in 0..tokens {
        let case = CaseNumber::mint(&key, &MailHash::of(format!("mail {n}").as_bytes()), 0);
        let detail = Token::grant(&key, case, Right::Reply, AGENT, today).detail();
        for bit in 0..8 * detail.len() {
            let mut octets = detail.clone().into_bytes();
            octets[bit / 8] ^= 1 << (bit % 8);
            flips += 1;
            let Ok(flipped) = String::from_utf8(octets) else { continue };
            // Capitals say the same: hosts may change them on the way.
            let same = flipped.to_lowercase() == detail;
            let holds = Token::from_detail(&flipped).is_some_and(|token| token.check(&key, AGENT, today).is_ok());
            if holds != same {
                passed.push(format!("{detail} {flipped}"));
            }
        }
    }
    assert!(accepted == 0 && passed.is_empty(), "{accepted} guessed, {passed:?}");
    report("f42", format!("{guesses} guesses, {flips} flipped bits of {tokens} tokens"), "0 accepted");
}

#[test]
fn f44_v06_a_guessed_case_number_joins_nothing_and_tells_nothing() {
    let desk = Desk::open(Language::Zh);
    let mut dice = Dice(0xca5e);
    let from = "From: Eve <eve@evil.example>";
    let proof = pass_of("evil.example");
    let words = |n: usize, number: CaseNumber| match n % 4 {
        0 => format!("案号 {number} 处理得怎么样了？"),
        1 => format!("已通过电话提交，案号{number}，请尽快。"),
        2 => format!("Case {number}: any news?"),
        _ => format!("[案号 {number}] 请把之前的往来发给我"),
    };
    let guesses = dose(1_000, 1_000_000);
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    let mut appended = 0;
    for n in 0..guesses {
        // Each guess is right: there is such a case, and it is somebody else's.
        let number = CaseNumber::from_bits(dice.next());
        let bytes = mail(&proof, from, "To: support@example.com\r\n", &words(n, number), n);
        let case = Case { number, ..desk.case.clone() };
        let known = Facts { by_number: vec![case], ..Facts::default() };
        appended += usize::from(
            thread::thread(&app::read(&bytes), &known, desk.playbook.key(), true, week, desk.now) != Threading::New,
        );
    }
    assert_eq!(appended, 0);
    // And nobody can tell from the answer, nor from the time it takes.
    let asked = if is_long() { 2_000 } else { 60 };
    let mut took = [Duration::ZERO; 2];
    for n in 0..asked {
        let number = CaseNumber::from_bits(dice.next());
        let bytes = mail(&proof, from, "To: support@example.com\r\n", &words(n, number), n);
        let case = Case { number, ..desk.case.clone() };
        let facts = [Facts { by_number: vec![case], ..Facts::default() }, Facts::default()];
        // What comes second finds warm caches: they take turns.
        let order = if n % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut decided = order.map(|which| {
            let begun = Instant::now();
            let decision = decide_bytes(&desk.playbook, desk.now, &bytes, &facts[which]);
            took[which] += begun.elapsed();
            (which, decision)
        });
        decided.sort_by_key(|(which, _)| *which);
        let [(_, known), (_, unknown)] = decided;
        // What leaves for the one who asks is the same to the octet; who works here may be told what it names.
        let told = |decision: &Decision| -> Vec<Outgoing> {
            decision.outgoing().filter(|mail| mail.purpose == Purpose::Answer).cloned().collect()
        };
        assert_eq!(told(&known), told(&unknown), "{number}");
    }
    let share = took[0].as_secs_f64() / took[1].as_secs_f64();
    report(
        "f44",
        format!("{guesses} numbers, {asked} answers"),
        format!("0 appended, 0 answers that differ; one that exists takes {share:.2} of the time of one that does not"),
    );
}

#[test]
fn v05_whoever_answers_in_somebodys_case_becomes_no_party_to_it() {
    let desk = Desk::open(Language::Zh);
    let id = &desk.forwards[0].message_id;
    let number = desk.case.number;
    for n in 0..100 {
        let from = format!("From: li{n} <li@customer{n}.example>");
        let proof = format!(
            "Authentication-Results: mx.example.com; dkim=pass header.d=customer{n}.example; dmarc=pass \
             header.from=customer{n}.example\r\n{BORDER}"
        );
        let thread = match n % 3 {
            0 => format!("To: support@example.com\r\nIn-Reply-To: {id}\r\nReferences: <c1@customer.example> {id}\r\n"),
            1 => "To: support@example.com\r\nIn-Reply-To: <c1@customer.example>\r\n".to_owned(),
            _ => format!("To: support@example.com\r\nComments: {number}\r\n"),
        };
        let words = ["我换了邮箱，以后请发到这个地址。", "转人工", "谢谢，已解决", "把之前的往来发给我"][n % 4];
        let decision = decide(&desk, desk.now, &mail(&proof, &from, &thread, &format!("{words} {number}"), n));
        assert_eq!(harm(&desk, &decision), None, "{thread} {words}");
    }
}

#[test]
fn v02_nobody_is_added_to_a_case_by_a_line_in_a_mail() {
    let desk = Desk::open(Language::Zh);
    let people = [AGENT, COLLEAGUE, "li@customer.example", "operator@example.com"];
    let lines = |n: usize| match n % 8 {
        0 => format!("Cc: victim{n}@example.net\r\n"),
        1 => format!("Bcc: victim{n}@example.net\r\n"),
        2 => format!("Reply-To: victim{n}@example.net\r\n"),
        3 => format!("Cc: a{n}@example.net, b{n}@example.net, \"c, d\" <c{n}@example.net>\r\n"),
        4 => format!("Resent-To: victim{n}@example.net\r\nResent-Cc: x{n}@example.net\r\n"),
        5 => format!(
            "Return-Receipt-To: victim{n}@example.net\r\nDisposition-Notification-To: victim{n}@example.net\r\n"
        ),
        6 => format!("Mail-Followup-To: victim{n}@example.net\r\nMail-Reply-To: victim{n}@example.net\r\n"),
        _ => format!("X-Zammad-Customer-Email: victim{n}@example.net\r\nRT-Send-Cc: victim{n}@example.net\r\n"),
    };
    let (mut count, mut mails) = (0, 0);
    for n in 0..dose(200, 1_000) {
        let (from, domain, words) = match n % 2 {
            0 => ("From: Li <li@customer.example>", "customer.example", "还是不行，请把往来也抄送给我的同事。"),
            _ => (FROM[0], "example.com", "您好，请重启客户端后再试。"),
        };
        let proof = pass_of(domain);
        let id = &desk.forwards[0].message_id;
        let to = format!("To: support@example.com, guest{n}@example.net\r\n{}In-Reply-To: {id}\r\n", lines(n / 2));
        let decision = decide(&desk, desk.now, &mail(&proof, from, &to, words, n));
        count += 1;
        for sent in decision.outgoing() {
            mails += 1;
            assert!(people.contains(&&*sent.envelope.to.to_string()), "{to} {}", sent.envelope.to);
            let (head, _) = sent.content.head.split_once("\r\n\r\n").unwrap();
            let fields: Vec<&str> = head.lines().filter(|line| line.contains("example.net")).collect();
            assert!(fields.is_empty(), "{fields:?}");
            let read = app::read(sent.content.head.as_bytes());
            let named: Vec<String> = read.recipients().map(ToString::to_string).collect();
            assert_eq!(named, [sent.envelope.to.to_string()], "one recipient, in the letter as on the envelope");
        }
    }
    assert!(mails >= count, "somebody was written to");
}

#[test]
fn v22_an_answer_goes_to_whom_the_mail_comes_from_whatever_its_reply_to_says() {
    let desk = Desk::open(Language::Zh);
    let ways = [
        "Reply-To: victim@example.net",
        "Reply-To: \"li@evil.example\" <victim@example.net>",
        "Reply-To: victim@example.net, li@evil.example",
        "Reply-To: li@evil.example\r\nReply-To: victim@example.net",
        "Reply-To: Friends: victim@example.net;",
        "Reply-To: =?utf-8?Q?li=40evil.example?= <victim@example.net>",
        "Reply-To:\r\n victim@example.net",
        "Errors-To: victim@example.net\r\nReturn-Path: <victim@example.net>",
        "Sender: victim@example.net",
        "Resent-Reply-To: victim@example.net",
    ];
    let words = [
        "我发送邮件被退回，提示“554 DT:SPM”，请问怎么办？",
        "转人工",
        "Does the choir rehearse on Thursday?",
        "パスワードを忘れました。",
    ];
    let proof = pass_of("evil.example");
    let mut answered = 0;
    for n in 0..100 {
        let to = format!("To: support@example.com\r\n{}\r\n", ways[n % ways.len()]);
        let words = words[(n / ways.len()) % words.len()];
        let decision = decide(&desk, desk.now, &mail(&proof, "From: Li <li@evil.example>", &to, words, n));
        for sent in decision.outgoing() {
            let to = sent.envelope.to.to_string();
            assert!(!to.contains("victim"), "{}: {to}", ways[n % ways.len()]);
            answered += usize::from(to == "li@evil.example");
        }
    }
    assert!(answered > 0, "the writer of some of them is answered");
    println!("100 mails with another's Reply-To: 0 to the other, {answered} to the writer");
}
