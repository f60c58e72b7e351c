//! Who is suppressed stays so, whatever happens to the state, and for the longest time that was ever said.

use super::*;
use crate::case::Suppression;

#[test]
fn suppression_survives_a_restart_and_the_loss_of_the_state() {
    let dir = folder();
    let (store, _) = open(dir.path());
    let suppression = |until| Suppression { address: Address::parse("Zhang+x@example.com").unwrap(), until: at(until) };
    let scope = suppression(0).scope();
    let clues = Clues { scopes: vec![scope.clone(), Scope::Sender("li@example.com".into())], ..Clues::default() };
    for (n, until) in [(1, 500), (2, 900), (3, 700)] {
        let decided = Decided { suppressed: vec![suppression(until)], ..decided(n) };
        store.append(Record::Decided(Box::new(decided))).unwrap();
    }
    let known = |store: &Store| store.facts(&clues, at(0)).unwrap().suppressed;
    let meant = std::collections::BTreeMap::from([(scope.clone(), at(900))]);
    assert_eq!(known(&store), meant);
    drop(store);
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (store, _) = open(dir.path());
    assert_eq!(known(&store), meant);
}
