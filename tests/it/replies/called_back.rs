//! `#undo` of what agents let go, and of what left by itself: only a human's word makes the customer wait once more.

use huixin::app;
use huixin::case::{Case, CaseState, Facts, Milestone, Pending};
use huixin::decide::{Decision, Effect};
use huixin::ids::MessageId;
use huixin::language::Language;
use huixin::outgoing::Purpose;

use super::desk::{self, Desk};
use super::programs::Body;

/// What an agent's mail makes of the case where one automatic answer has not left, and what the agent is told.
fn ordered(desk: &Desk, order: &str, waits: Waits) -> (Decision, Case, String) {
    ordered_of(desk, order, Purpose::Answer, waits)
}

/// What a mail waits for that has not left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    ForAHuman,
    /// For nothing but its time: a human has let it go.
    LetGo,
    /// The same, and no human knows of it.
    ByItself,
}

/// The same where a mail of another purpose has not left.
fn ordered_of(desk: &Desk, order: &str, purpose: Purpose, waits: Waits) -> (Decision, Case, String) {
    let name = format!("{}7", purpose.as_str());
    let message_id = MessageId::mint(desk.playbook.key(), desk.case.number, &name, "example.com");
    let to = desk.case.requester.clone().unwrap();
    let (held, of_a_human) = (waits == Waits::ForAHuman, waits == Waits::LetGo);
    let waiting = vec![Pending { message_id, to, to_requester: true, held, of_a_human, started: false }];
    let facts = Facts { by_signed: vec![desk.case.clone()], waiting, ..Facts::default() };
    let body = Body { plain: Some(order.into()), ..Body::default() };
    let mail = desk.mail(desk::AGENT, &desk.forwards[1], &body);
    let decision = desk::decide_bytes(&desk.playbook, desk.now, &mail, &facts);
    let case = decision.case().unwrap().clone();
    let receipt = decision.outgoing().next().map(|mail| app::read(mail.content.head.as_bytes()).text);
    (decision, case, receipt.unwrap_or_default())
}

fn withdraws(decision: &Decision) -> bool {
    decision.effects.iter().any(|effect| matches!(effect, Effect::Withdraw(_)))
}

fn replies(case: &Case) -> usize {
    case.work.course.steps().iter().filter(|step| step.what == Milestone::Replied).count()
}

#[test]
fn a_draft_that_was_let_go_and_called_back_was_never_said() {
    let mut desk = Desk::open(Language::Zh);
    let (_, sent, _) = ordered(&desk, "#send", Waits::ForAHuman);
    assert_eq!((sent.state, sent.work.relays, replies(&sent)), (CaseState::Waiting, 1, 1));
    assert!(!sent.awaits_answer());
    desk.case = sent;
    let (decision, case, receipt) = ordered(&desk, "#undo", Waits::LetGo);
    assert!(withdraws(&decision));
    assert_eq!((case.state, case.work.relays, replies(&case)), (CaseState::WithAgents, 0, 0));
    assert!(case.awaits_answer());
    assert!(receipt.contains("已撤回，没有发给客户；案件又在等人答复"), "{receipt}");
}

#[test]
fn an_automatic_answer_that_is_called_back_changes_nothing_else() {
    let mut desk = Desk::open(Language::Zh);
    // The customer has asked how things stand, before or after an agent's word, and that is answered.
    let spoken = ordered(&desk, "#send", Waits::ForAHuman).1;
    for case in [desk.case.clone(), spoken] {
        desk.case = case;
        let (decision, case, receipt) = ordered(&desk, "#undo", Waits::ByItself);
        assert!(withdraws(&decision));
        assert_eq!((case.state, &case.work), (desk.case.state, &desk.case.work));
        assert!(receipt.contains("已撤回，没有发给客户"), "{receipt}");
        assert!(!receipt.contains("又在等人答复"), "{receipt}");
    }
}

#[test]
fn an_entry_that_was_called_back_is_not_the_last_answer() {
    let mut desk = Desk::open(Language::Zh);
    let answered = ordered(&desk, "#kb 554-dt-spm", Waits::ByItself).1;
    let entry = answered.last_answer.clone();
    assert_eq!(entry.as_ref().map(|entry| entry.as_str()), Some("kb/554-dt-spm"));
    // Where the bot has answered as well, the entry may be its own.
    let also_by_the_bot = Case { answers: answered.answers + 1, ..answered.clone() };
    for (case, last) in [(answered, None), (also_by_the_bot, entry)] {
        desk.case = case;
        let (decision, case, _) = ordered_of(&desk, "#undo", Purpose::Relay, Waits::LetGo);
        assert!(withdraws(&decision));
        assert_eq!((case.state, case.last_answer), (CaseState::WithAgents, last));
    }
}
