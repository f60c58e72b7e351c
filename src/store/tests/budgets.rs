//! What was spent is spent, whoever asks at the same time and whatever happens to the state.

use super::*;

const LIMIT: u32 = 3;

/// Answers mail `n` if the sender's budget allows.
fn answer(store: &Store, n: u32) -> bool {
    let scope = Scope::Sender("zhang@example.com".into());
    let mut answered = false;
    store
        .decide(|view| {
            let clues = Clues { scopes: vec![scope.clone()], ..Clues::default() };
            let facts = view.facts(&clues, at(n.into()))?;
            answered = facts.budgets[&scope].count(&scope, 60, at(n.into())) < LIMIT;
            assert_eq!(view.taken(&mail(n.into()))?, None);
            Ok(Record::Decided(Box::new(Decided {
                spent: if answered { vec![scope.clone()] } else { vec![] },
                ..decided(n)
            })))
        })
        .unwrap();
    answered
}

#[test]
fn two_mails_of_one_sender_cannot_both_take_the_last_of_a_budget() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let answered = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|n| {
                let store = store.clone();
                scope.spawn(move || answer(&store, n))
            })
            .collect();
        threads.into_iter().map(|t| u32::from(t.join().unwrap())).sum::<u32>()
    });
    assert_eq!(answered, LIMIT);
}

#[test]
fn budgets_survive_a_restart_and_the_loss_of_the_state() {
    let dir = folder();
    let (store, _) = open(dir.path());
    for n in 0..LIMIT {
        assert!(answer(&store, n));
    }
    drop(store);
    let (store, _) = open(dir.path());
    assert!(!answer(&store, 10));
    drop(store);
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (store, opened) = open(dir.path());
    assert_eq!(opened.replayed, 4);
    assert!(!answer(&store, 11));
}

#[test]
fn a_decision_that_fails_writes_nothing() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let error = store.decide(|_| Err(StoreError::Refused("no".into())));
    assert!(matches!(error, Err(StoreError::Refused(_))));
    let stopped = store.decide(|_| panic!("a fault of ours"));
    assert!(matches!(stopped, Err(StoreError::Stopped(why)) if why == "a fault of ours"));
    assert_eq!(store.stats().unwrap().records, 0);
    assert!(answer(&store, 1), "the store goes on");
}
