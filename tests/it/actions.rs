//! What rules want done, done: on the shipped files with one rule more.

use huixin::app;
use huixin::case::Facts;
use huixin::decide::{self, Decision, Mail};
use huixin::ids::{Key, MailHash};
use huixin::outgoing::{Outgoing, Purpose};
use huixin::playbook::Playbook;
use huixin::problem::SourceText;
use huixin::thread;

use crate::shipped;

/// The decision about this mail, with these lines more in bot.toml and this rule more.
fn decide(settings: &str, rule: &str, mail: &str, known: impl FnOnce(&mut Facts)) -> Decision {
    let configured = shipped::configured(shipped::bot_toml() + settings);
    let mut texts = app::files::texts(&configured).unwrap();
    texts.rules.push(SourceText::new("more.toml", rule));
    let key = Key::from_bytes([1; 32]);
    let (playbook, ..) = Playbook::assemble(configured.config, &texts, key, &app::read).unwrap();
    let bytes = mail.replace('\n', "\r\n").into_bytes();
    let (message, hash) = (app::read(&bytes), MailHash::of(&bytes));
    let clues = thread::clues(&message, &hash, playbook.key());
    let mut facts = Facts { free_number: clues.candidates.first().copied(), ..Facts::default() };
    known(&mut facts);
    let now = "2026-11-24T02:00:00Z".parse().unwrap();
    let mailbox = &playbook.config().mailboxes[0];
    let mail = Mail { mailbox, hash, message: &message, findings: None, delivered: now, junk: false, baseline: false };
    decide::decide(&mail, &facts, &playbook, now)
}

fn from_ann(subject: &str, text: &str) -> String {
    format!(
        "From: Ann <ann@example.org>\nTo: support@example.com\nSubject: {subject}\nMessage-ID: <a1@example.org>\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    )
}

fn of(decision: &Decision, purpose: Purpose) -> Vec<&Outgoing> {
    decision.outgoing().filter(|outgoing| outgoing.purpose == purpose).collect()
}

#[test]
fn a_secret_leaves_in_no_mail_and_stands_in_no_journal() {
    let mail = from_ann("密码 Abc12345 登录不了", "转人工。我的密码是 Abc12345，卡号 4111 1111 1111 1111。");
    let decision = decide("", "schema = 1\n", &mail, |_| {});
    let forwards = of(&decision, Purpose::Forward);
    assert_eq!(forwards.len(), 1);
    assert!(forwards[0].content.original.is_none(), "the original has the secrets in it");
    let read = |outgoing: &Outgoing| {
        let message = app::read(outgoing.content.head.as_bytes());
        format!("{}\n{}", message.subject, message.text)
    };
    assert!(read(forwards[0]).contains("▮▮▮▮"), "{}", read(forwards[0]));
    let everything: String = decision.outgoing().map(read).collect();
    for secret in ["Abc12345", "abc12345", "4111"] {
        assert!(!everything.contains(secret), "{everything}");
        assert!(!format!("{decision:?}").contains(secret), "the journal is made of the decision");
    }
    assert!(decision.why.judgement.tags.contains(&"secret-masked".to_owned()));
}

#[test]
fn whom_a_rule_notifies_hears_of_the_case_and_nothing_of_the_text() {
    let rule = "[[rule]]\nid = 'more'\nphase = 'route'\n[rule.when]\nall = [{ tier = 'vip' }, { open_cases = '>=2' }]\n\
                [rule.do]\nnotify = ['emergency', 'boss@example.com', 'boss@example.com']\n";
    let settings = "\n[tier.vip]\ndomains = [\"example.org\"]\n[group.emergency]\nto = [\"duty@example.com\"]\n";
    let mail = from_ann("help", "Does the choir rehearse on Thursday this week?");
    let decision = decide(settings, rule, &mail, |facts| facts.open_cases = 2);
    let notices = of(&decision, Purpose::Notice);
    let mut to: Vec<String> = notices.iter().map(|notice| notice.envelope.to.to_string()).collect();
    to.sort();
    assert_eq!(to, ["boss@example.com", "duty@example.com"]);
    let number = decision.case().unwrap().number.to_string();
    for notice in notices {
        let message = app::read(notice.content.head.as_bytes());
        assert!(message.text.contains(&number) && message.text.contains("more"), "{}", message.text);
        assert!(!message.text.contains("choir"));
    }
    let once = decide(settings, rule, &mail, |facts| facts.open_cases = 1);
    assert!(of(&once, Purpose::Notice).is_empty());
    let stranger = decide(settings, rule, &mail.replace("example.org", "example.net"), |facts| facts.open_cases = 2);
    assert!(of(&stranger, Purpose::Notice).is_empty());
}

#[test]
fn what_is_missing_is_asked_for_first() {
    let rule = "[[rule]]\nid = 'more'\ncategory = 'deliver.bounce'\nweight = 50\n[rule.when]\nall = [{ kw = '彩虹退信' }]\n\
                [rule.do]\nreply = 'kb/554-dt-spm'\nask = ['error_code']\nask_template = 'kb/more-details'\n";
    for (text, want) in [("彩虹退信", "kb/more-details"), ("彩虹退信，错误代码：554", "kb/554-dt-spm")] {
        let decision = decide("", rule, &from_ann("x", text), |_| {});
        assert_eq!(decision.why.shown.template().map(|template| template.as_str()), Some(want), "{text}");
    }
}
