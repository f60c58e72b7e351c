//! Who is answered by what was found of a mail's signatures, and what humans are told of it.

use std::collections::BTreeMap;

use huixin::app;
use huixin::case::{Facts, Scope};
use huixin::decide::{Effect, Silence};
use huixin::outgoing::Purpose;
use huixin::screen::{Findings, Signature, Verdict};

use crate::house::{BOUNCED, House, NO_RULE, from_ann, purposes};

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
    let houses =
        BTreeMap::from(["budgeted", "strict", "off"].map(|policy| {
            (policy, House::with("authentication = \"budgeted\"", &format!("authentication = {policy:?}")))
        }));
    for (policy, findings, want, also_when_empty) in cases {
        let house = &houses[policy];
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
