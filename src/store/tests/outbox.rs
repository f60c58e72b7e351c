//! What leaves when, in which order, and what is in doubt after a crash.

use super::*;

fn due(store: &Store, second: i64) -> Vec<String> {
    let items = store.due(at(second), 10).unwrap();
    items.iter().map(|item| item.message_id.as_str().to_owned()).collect()
}

#[test]
fn mails_of_one_case_to_one_person_leave_in_order_one_at_a_time() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let mails = vec![outgoing("a1@b", Some(1), "zhang@example.com"), outgoing("f1@b", Some(1), "tech@example.com")];
    store.append(decided_with(1, mails)).unwrap();
    let mails = vec![outgoing("a2@b", Some(1), "zhang@example.com")];
    store.append(decided_with(2, mails)).unwrap();
    let mails = vec![
        outgoing("z1@b", Some(9), "li@example.com"),
        outgoing("n1@b", None, "ops@example.com"),
        outgoing("n2@b", None, "ops@example.com"),
    ];
    store.append(decided_with(3, mails)).unwrap();

    let all = ["a1@b", "n1@b", "n2@b", "z1@b"];
    assert_eq!(due(&store, 0), [""; 0]);
    assert_eq!(due(&store, 5), all);
    assert_eq!(store.due(at(5), 1).unwrap().len(), 1);
    assert_eq!(store.outbox_len().unwrap(), 6);
    assert_eq!(store.next_due().unwrap(), Some(at(1)));

    store.append(send_start("a1@b", 1)).unwrap();
    assert_eq!(due(&store, 5), ["n1@b", "n2@b", "z1@b"], "one mail of a case at a time");
    store.append(deferred("a1@b", 900)).unwrap();
    assert_eq!(
        due(&store, 5),
        ["f1@b", "n1@b", "n2@b", "z1@b"],
        "the group need not wait for the customer's mailbox, the second answer must"
    );
    for other in ["f1@b", "n1@b", "n2@b", "z1@b"] {
        store.append(send_start(other, 1)).unwrap();
        store.append(sent(other)).unwrap();
    }
    assert_eq!(due(&store, 5), [""; 0]);
    assert_eq!(store.next_due().unwrap(), Some(at(900)));
    assert_eq!(due(&store, 900), ["a1@b"]);
    store.append(send_start("a1@b", 2)).unwrap();
    store.append(sent("a1@b")).unwrap();
    assert_eq!(due(&store, 900), ["a2@b"]);
    store.append(failed("a2@b", None)).unwrap();
    assert_eq!(store.outbox_len().unwrap(), 0);
    assert_eq!(store.next_due().unwrap(), None);
}

#[test]
fn a_mail_is_read_back_as_it_was_written_down() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let mails = vec![outgoing("a1@b", Some(1), "zhang@example.com"), outgoing("f1@b", Some(1), "tech@example.com")];
    store.append(decided_with(1, mails.clone())).unwrap();
    let notice = outgoing("n1@b", Some(1), "ops@example.com");
    store.append(failed("a1@b", Some(notice.clone()))).unwrap();
    drop(store);
    let (store, _) = open(dir.path());
    for (name, want) in [("f1@b", &mails[1]), ("n1@b", &notice)] {
        let item = store.outbox_item(&id(name)).unwrap().unwrap();
        assert_eq!(store.outgoing(&item).unwrap(), *want);
    }
}

#[test]
fn an_attempt_without_a_result_is_in_doubt_after_a_restart_only() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let mails = vec![outgoing("a@b", Some(1), "zhang@example.com"), outgoing("b@b", Some(2), "zhang@example.com")];
    store.append(decided_with(1, mails)).unwrap();
    store.append(send_start("a@b", 1)).unwrap();
    assert_eq!(store.in_doubt().unwrap(), []);
    drop(store);

    let (store, opened) = open(dir.path());
    assert_eq!(opened.in_doubt, 1);
    store.append(send_start("b@b", 1)).unwrap();
    let doubt = store.in_doubt().unwrap();
    assert_eq!(doubt.len(), 1);
    assert_eq!((doubt[0].message_id.as_str(), doubt[0].attempts), ("a@b", 1));
    store.append(send_start("a@b", 2)).unwrap();
    assert_eq!(store.in_doubt().unwrap(), [], "it is being tried again");
    store.append(sent("a@b")).unwrap();
    assert_eq!(store.outbox_len().unwrap(), 1);
}
