//! Dialogues with IMAP servers that are broken, hostile or merely old: nothing is lost, and no answer is
//! believed that is none.

use std::time::Duration;

use huixin::mailbox::{Cursor, Fetched, Known, Listed, Place, Source, SourceError};

use crate::peer::Peer;
use crate::peer::imap::{LIST, LOGIN, PLAIN_LOGIN, SELECT, look, place, source, uids};

fn mails(sizes: &[(u32, u64)]) -> Vec<Listed> {
    let listed = |(uid, size): &(u32, u64)| Listed {
        place: place(*uid),
        size: *size,
        delivered: "2026-07-17T09:44:25Z".parse().unwrap(),
        junk: false,
    };
    sizes.iter().map(listed).collect()
}

fn known(uid_validity: u32, uid: u32) -> Known {
    Known { cursor: Some(Cursor { uid_validity, uid }) }
}

fn whole(fetched: &[(Place, Fetched)]) -> Vec<(Place, String)> {
    let text = |fetched: &Fetched| match fetched {
        Fetched::Whole(octets) => String::from_utf8(octets.clone()).unwrap(),
        Fetched::Cut(octets) => format!("cut: {}", octets.len()),
        Fetched::Vanished => "vanished".to_owned(),
    };
    fetched.iter().map(|(place, fetched)| (place.clone(), text(fetched))).collect()
}

/// Plays these scripts, behind a login and a SELECT each, to a client that fetches mails of these UIDs and sizes.
async fn fetch<const N: usize>(scripts: [&str; N], wanted: &[(u32, u64)]) -> Result<Vec<(Place, String)>, SourceError> {
    let peer = Peer::play(scripts.map(|script| [LOGIN, SELECT, script].concat())).await;
    let mut source = source(&peer, |_| {});
    let fetched = source.fetch(&mails(wanted)).await;
    drop(source);
    peer.end().await;
    fetched.map(|fetched| whole(&fetched))
}

#[tokio::test]
async fn mail_is_listed_and_fetched_byte_for_byte() {
    let fetch = "
C: UID FETCH 1:2 (UID BODY.PEEK[])
S: * 2 FETCH (UID 2 BODY[] {5}
S: he\rlo FLAGS ($Junk))
S: * 9 FETCH (UID 9 BODY[] {5}
S: wrong)
S: * 1 FETCH (FLAGS (\\Seen))
S: * 1 FETCH (BODY[] \"first\" UID 1)
S: = OK done
";
    let peer = Peer::play([[LOGIN, SELECT, LIST, fetch].concat()]).await;
    let mut source = source(&peer, |_| {});
    let listing = source.list(Known::default(), 10).await.unwrap();
    assert_eq!(uids(&listing), [place(1), place(2)]);
    assert_eq!((listing.uid_validity, listing.uid_next, listing.more), (7, 3, false));
    assert_eq!(listing.mails.iter().map(|mail| mail.junk).collect::<Vec<_>>(), [false, true]);
    assert_eq!(listing.mails[0].delivered.to_string(), "2026-07-17T09:44:25Z");
    let fetched = source.fetch(&listing.mails).await.unwrap();
    assert_eq!(whole(&fetched), [(place(1), "first".to_owned()), (place(2), "he\rlo".to_owned())]);
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error() {
    let head = [LOGIN, SELECT].concat();
    let list = "C: UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)\n";
    let mail = "S: * 1 FETCH (UID 1 FLAGS () INTERNALDATE \"17-Jul-2026 02:44:25 -0700\" RFC822.SIZE 5)\n";
    let cases = [
        ("NO", "S: = NO [SERVERBUG] sorry"),
        ("BAD", "S: = BAD what"),
        ("BAD", "S: = BAD"),
        ("goodbye", "S: * BYE shutting down\nS: = OK done"),
        ("broke", "CLOSE"),
        ("broke", "S> * 2 FETCH (UID 2\nCLOSE"),
        ("another command", "S: X1 OK done"),
        ("does not parse", "S: * 2 FETCH (((\nS: = OK done"),
        ("does not parse", "S: * OK [ALERT]案\nS: = OK done"),
        ("does not parse", "S: * 2 FETCH (UID 2 INTERNALDATE NIL)\nS: = OK done"),
        ("literal of 4294967295", "S: * 2 FETCH (UID 2 BODY[] {4294967295}"),
    ];
    for (why, answer) in cases {
        let script = [&head, list, mail, answer].concat();
        let error = look(&script, |_| {}).await.unwrap_err();
        assert!(matches!(&error, SourceError::Trouble(text) if text.contains(why)), "{why}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let script = [LOGIN, "C: SELECT \"INBOX\"\nS: * OK wait\n"].concat();
    let error = look(&script, |s| s.patience.answer = Duration::from_secs(2)).await;
    assert!(
        matches!(&error, Err(SourceError::Trouble(text)) if text.contains("no answer to SELECT in time")),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_last_mail_is_not_listed_again() {
    let list = "
C: UID FETCH 3:* (UID FLAGS INTERNALDATE RFC822.SIZE)
S: * 2 FETCH (UID 2 FLAGS () INTERNALDATE \"17-Jul-2026 02:44:25 -0700\" RFC822.SIZE 5)
S: = OK done
";
    let peer = Peer::play([[LOGIN, SELECT, list].concat()]).await;
    let mut source = source(&peer, |_| {});
    let listing = source.list(known(7, 2), 10).await.unwrap();
    assert_eq!(uids(&listing), []);
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_new_uidvalidity_is_reported_and_everything_is_listed_anew() {
    let peer = Peer::play([[LOGIN, SELECT, LIST].concat()]).await;
    let mut source = source(&peer, |_| {});
    let listing = source.list(known(6, 900), 10).await.unwrap();
    assert_eq!(listing.uid_validity, 7);
    assert_eq!(uids(&listing), [place(1), place(2)]);
    // Mails of the old one are neither fetched under the wrong name nor settled.
    let mut old = listing.mails[0].clone();
    old.place = Place::Imap { uid_validity: 6, uid: 1 };
    let error = source.fetch(&[old]).await.unwrap_err();
    assert!(error.to_string().contains("UIDVALIDITY"), "{error}");
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_folder_with_far_apart_uids_is_listed_in_windows() {
    let select = SELECT.replace("UIDNEXT 3", "UIDNEXT 3000");
    let mail = |uid: u32| {
        format!("S: * 1 FETCH (UID {uid} FLAGS () INTERNALDATE \"17-Jul-2026 02:44:25 -0700\" RFC822.SIZE 5)\n")
    };
    let items = "(UID FLAGS INTERNALDATE RFC822.SIZE)";
    let done = "S: = OK done\n".to_owned();
    let script = [
        [LOGIN, &select].concat(),
        format!("C: UID FETCH 1:501 {items}\n"),
        done.clone(),
        format!("C: UID FETCH 502:1502 {items}\n"),
        mail(1502),
        mail(1000),
        done.clone(),
        format!("C: UID FETCH 1503:2003 {items}\n"),
        mail(1601),
        mail(1600),
        // Not in the window that was asked for.
        mail(2999),
        done,
    ];
    let peer = Peer::play([script.concat()]).await;
    let mut source = source(&peer, |_| {});
    let listing = source.list(Known::default(), 3).await.unwrap();
    assert_eq!(uids(&listing), [place(1000), place(1502), place(1600)]);
    assert!(listing.more);
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_connection_that_dies_in_a_fetch_loses_nothing() {
    let breaks = "
C: UID FETCH 1:2 (UID BODY.PEEK[])
S: * 1 FETCH (UID 1 BODY[] {5}
S: first)
S: * 2 FETCH (UID 2 BODY[] {6}
S> sec
CLOSE
";
    let again = "
C: UID FETCH 2 (UID BODY.PEEK[]<0.26214400>)
S: * 2 FETCH (UID 2 BODY[]<0> {6}
S: second)
S: = OK done
";
    let fetched = fetch([breaks, again], &[(1, 5), (2, 6)]).await.unwrap();
    assert_eq!(fetched, [(place(1), "first".to_owned()), (place(2), "second".to_owned())]);
}

#[tokio::test]
async fn a_mail_that_breaks_twice_is_reported_by_its_place() {
    let batch = "
C: UID FETCH 1:2 (UID BODY.PEEK[])
S: * 1 FETCH (UID 1 BODY[] {5}
S: first)
";
    let alone = "C: UID FETCH 2 (UID BODY.PEEK[]<0.26214400>)\n";
    let breaks = [
        ("broke", "S> * 2 FETCH (UID 2 BODY[]\nCLOSE\n"),
        ("literal of 4294967295", "S: * 2 FETCH (UID 2 BODY[] {4294967295}\n"),
        ("does not parse", "S: * 2 FETCH (UID 2 BODY[] {2}\nS: ab}\n"),
        ("BAD", "S: = BAD internal\n"),
    ];
    for (reason, answer) in breaks {
        let scripts = [batch, alone].map(|asked| [asked, answer].concat());
        let error = fetch(scripts.each_ref().map(String::as_str), &[(1, 5), (2, 6)]).await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Mail { place: at, why } if *at == place(2) && why.contains(reason)),
            "{reason}: {error}"
        );
    }
}

#[tokio::test]
async fn no_to_a_fetch_is_no_empty_mail() {
    // The mail's own fault, as far as anyone can tell.
    let batch = "C: UID FETCH 1 (UID BODY.PEEK[])\n";
    let alone = "C: UID FETCH 1 (UID BODY.PEEK[]<0.26214400>)\n";
    let script = [batch, "S: = NO cannot\n", alone, "S: = NO cannot\n"].concat();
    let error = fetch([&script], &[(1, 5)]).await.unwrap_err();
    assert!(matches!(error, SourceError::Mail { .. }), "{error}");
    // The server's.
    let script = [batch, "S: = NO [UNAVAILABLE] later"].concat();
    let error = fetch([&script], &[(1, 5)]).await.unwrap_err();
    assert!(matches!(error, SourceError::Trouble(_)), "{error}");
}

#[tokio::test]
async fn a_mail_has_vanished_only_when_the_server_says_so_twice() {
    let script = "
C: UID FETCH 1:3 (UID BODY.PEEK[])
S: * 1 FETCH (UID 1 BODY[] {5}
S: first)
S: * 3 FETCH (UID 3 BODY[] NIL)
S: = OK done
C: UID FETCH 2 (UID BODY.PEEK[]<0.26214400>)
S: = OK done
C: UID FETCH 2 (UID FLAGS)
S: = OK done
C: UID FETCH 3 (UID BODY.PEEK[]<0.26214400>)
S: * 3 FETCH (UID 3 BODY[]<0> {5}
S: third)
S: = OK done
";
    let fetched = fetch([script], &[(1, 5), (2, 5), (3, 5)]).await.unwrap();
    assert_eq!(
        fetched,
        [(place(1), "first".to_owned()), (place(2), "vanished".to_owned()), (place(3), "third".to_owned())]
    );
}

#[tokio::test]
async fn a_mail_above_the_cap_is_fetched_cut() {
    let body = "x".repeat(262_144);
    let script = format!(
        "
C: UID FETCH 2 (UID BODY.PEEK[])
S: * 2 FETCH (UID 2 BODY[] {{5}}
S: small)
S: = OK done
C: UID FETCH 1 (UID BODY.PEEK[]<0.262144>)
S: * 1 FETCH (UID 1 BODY[]<0> {{262144}}
S: {body})
S: = OK done
"
    );
    let fetched = fetch([&script], &[(1, 30_000_000), (2, 5)]).await.unwrap();
    assert_eq!(fetched, [(place(1), "cut: 262144".to_owned()), (place(2), "small".to_owned())]);
}

#[tokio::test]
async fn mail_is_settled_as_far_as_the_folder_lets_us() {
    let flags = "S: * OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] limited\n";
    let fixed = SELECT.replace(flags, "S: * OK [PERMANENTFLAGS (\\Deleted \\Seen)] limited\n");
    let named = SELECT.replace(flags, "S: * OK [PERMANENTFLAGS (\\Deleted $huixin)] limited\n");
    let silent = SELECT.replace(flags, "");
    let read_only = SELECT.replace("READ-WRITE", "READ-ONLY");
    let store = "C: UID STORE 1:2,5 +FLAGS.SILENT ($Huixin)\nS: = OK done\n";
    let moved = "C: UID MOVE 1:2,5 \"&XfJZBHQG-\"\nS: * 1 EXPUNGE\nS: = OK [COPYUID 9 1:2,5 1:3] done\n";
    let made = "
C: UID MOVE 1:2,5 \"&XfJZBHQG-\"
S: = NO [TRYCREATE] no such folder
C: CREATE \"&XfJZBHQG-\"
S: = OK made
";
    let copied = "
C: UID FETCH 1:2,5 (UID FLAGS)
S: * 1 FETCH (UID 1 FLAGS (\\Deleted))
S: * 2 FETCH (UID 2 FLAGS (\\Seen))
S: = OK done
C: UID COPY 2 \"&XfJZBHQG-\"
S: = OK done
C: UID STORE 2 +FLAGS.SILENT (\\Deleted)
S: = OK done
";
    let expunged = "C: UID EXPUNGE 2\nS: * 2 EXPUNGE\nS: = OK done\n";
    let uidplus = LOGIN.replace("IDLE MOVE UIDPLUS", "UIDPLUS");
    let cases = [
        ("both", [LOGIN, SELECT, store, moved].concat()),
        ("the keyword is not permitted", [LOGIN, &fixed, moved].concat()),
        ("the keyword is named", [LOGIN, &named, store, moved].concat()),
        ("nothing is said of keywords", [LOGIN, &silent, store, moved].concat()),
        ("the folder is read-only", [LOGIN, &read_only].concat()),
        ("the other folder is missing", [LOGIN, SELECT, store, made, moved].concat()),
        ("there is no MOVE", [&uidplus, SELECT, store, copied, expunged].concat()),
        ("there is neither MOVE nor UIDPLUS", [PLAIN_LOGIN, SELECT, store, copied].concat()),
    ];
    for (case, script) in cases {
        let peer = Peer::play([script]).await;
        let mut source = source(&peer, |s| {
            s.after.keyword = Some("$Huixin".to_owned());
            s.after.move_to = Some("已处理".to_owned());
        });
        let other = Place::Imap { uid_validity: 6, uid: 4 };
        let settled = source.settle(&[place(5), place(1), place(2), other]).await;
        assert!(settled.is_ok(), "{case}: {settled:?}");
        drop(source);
        peer.end().await;
    }
}

#[tokio::test]
async fn a_settling_that_was_refused_is_reported_and_may_be_repeated() {
    let store = "C: UID STORE 1 +FLAGS.SILENT ($Huixin)\n";
    let moved = "C: UID MOVE 1 \"Done\"\n";
    let good = [store, "S: = OK done\n", moved, "S: = OK done\n"].concat();
    let head = [LOGIN, SELECT, store].concat();
    let missing = "S: = NO [OVERQUOTA] full\nC: CREATE \"Done\"\nS: = NO [ALREADYEXISTS] there\n";
    // `NO` leaves the session as it was, so the settling is repeated in it.
    let answered = [
        // The mail is moved although it could not be flagged.
        ("STORE with NO", ["S: = NO full\n", moved, "S: = OK done\n"].concat()),
        ("MOVE with NO: [OVERQUOTA]", ["S: = OK done\n", moved, missing].concat()),
        ("MOVE with NO: [LIMIT]", ["S: = OK done\n", moved, "S: = NO [LIMIT] later\n"].concat()),
    ];
    let mut cases: Vec<(&str, Vec<String>)> = answered
        .into_iter()
        .map(|(why, script)| (why, vec![[&head, &script, &good].map(String::as_str).concat()]))
        .collect();
    for (why, answer) in [("STORE with BAD", "S: = BAD what\n"), ("broke during STORE", "CLOSE\n")] {
        cases.push((why, vec![head.clone() + answer, [LOGIN, SELECT, &good].concat()]));
    }
    for (why, scripts) in cases {
        let peer = Peer::play(scripts).await;
        let mut source = source(&peer, |s| {
            s.after.keyword = Some("$Huixin".to_owned());
            s.after.move_to = Some("Done".to_owned());
        });
        let error = source.settle(&[place(1)]).await.unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
        source.settle(&[place(1)]).await.unwrap();
        drop(source);
        peer.end().await;
    }
}
