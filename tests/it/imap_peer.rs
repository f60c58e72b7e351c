//! Dialogues with IMAP servers that are broken, hostile or merely old: nothing is lost, and no answer is
//! believed that is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use huixin::ids::MailboxName;
use huixin::imap::{Auth, ImapSource, Pace, Patience, Settings, Tls};
use huixin::mailbox::{Cursor, Fetched, Known, Listed, Listing, Place, Source, SourceError};

use crate::peer::{AUTHORITY, Peer};

const LOGIN: &str = r#"
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
C: LOGIN "u" "p"
S: = OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] welcome
"#;

/// A server that can do nothing beyond RFC 3501.
const PLAIN_LOGIN: &str = r#"
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
C: LOGIN "u" "p"
S: = OK welcome
C: CAPABILITY
S: * CAPABILITY IMAP4rev1
S: = OK done
"#;

const SELECT: &str = r#"
C: SELECT "INBOX"
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
S: * 2 EXISTS
S: * OK [PERMANENTFLAGS (\Deleted \Seen \*)] limited
S: * OK [UIDVALIDITY 7] valid
S: * OK [UIDNEXT 3] next
S: = OK [READ-WRITE] done
"#;

/// Two mails of five octets.
const LIST: &str = r#"
C: UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)
S: * 1 FETCH (UID 1 FLAGS (\Seen) INTERNALDATE "17-Jul-2026 02:44:25 -0700" RFC822.SIZE 5)
S: * 2 FETCH (UID 2 FLAGS ($Junk) INTERNALDATE " 7-Jul-2026 02:44:25 +0800" RFC822.SIZE 5)
S: = OK done
"#;

fn settings(peer: &Peer) -> Settings {
    let name = MailboxName::parse("support").unwrap();
    let mut settings = Settings::new(name, "localhost", "u", Arc::new(|| Ok("p".to_owned().into())));
    settings.port = peer.port;
    settings.tls = Tls::Plain;
    settings.poll = Duration::from_millis(200);
    settings.lively = Duration::ZERO;
    settings.patience = Patience { connect: LONG, answer: LONG, ..Patience::default() };
    settings.pace = Pace {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        longest_after_work: Duration::from_millis(1),
        ..Pace::default()
    };
    settings
}

fn source(peer: &Peer, change: impl FnOnce(&mut Settings)) -> ImapSource {
    let mut settings = settings(peer);
    change(&mut settings);
    ImapSource::new(settings).unwrap()
}

fn place(uid: u32) -> Place {
    Place::Imap { uid_validity: 7, uid }
}

fn mails(sizes: &[(u32, u64)]) -> Vec<Listed> {
    let listed = |(uid, size): &(u32, u64)| Listed {
        place: place(*uid),
        size: *size,
        delivered: "2026-07-17T09:44:25Z".parse().unwrap(),
        junk: false,
    };
    sizes.iter().map(listed).collect()
}

fn uids(listing: &Listing) -> Vec<Place> {
    listing.mails.iter().map(|mail| mail.place.clone()).collect()
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

/// Plays `script` to a client that looks for mail; how that ends.
async fn look(script: &str, change: impl FnOnce(&mut Settings)) -> Result<Listing, SourceError> {
    let peer = Peer::play([script]).await;
    let mut source = source(&peer, change);
    let listing = source.list(Known::default(), 10).await;
    drop(source);
    peer.end().await;
    listing
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
async fn no_password_is_sent_where_it_is_not_safe() {
    let capabilities =
        |words: &str| format!("S: * OK ready\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 {words}\nS: = OK done\n");
    let starttls = capabilities("STARTTLS LOGINDISABLED") + "C: STARTTLS\n";
    type Change = fn(&mut Settings);
    let start: Change = |s| s.tls = Tls::StartTls;
    let cases: Vec<(&str, String, Change)> = vec![
        ("goodbye", "S: * BYE full".to_owned(), |_| {}),
        ("PREAUTH", "S: * PREAUTH welcome".to_owned(), |_| {}),
        ("PREAUTH", "S: * PREAUTH welcome".to_owned(), start),
        ("LOGINDISABLED", capabilities("LOGINDISABLED"), |_| {}),
        ("does not offer AUTHENTICATE PLAIN", capabilities("AUTH=XOAUTH2"), |s| s.auth = Auth::Plain),
        ("offers no STARTTLS", capabilities(""), start),
        ("NO", starttls.clone() + "S: = NO not today", start),
        ("between STARTTLS and TLS", starttls.clone() + "S: = OK go on\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN", start),
        ("between STARTTLS and TLS", starttls.clone() + "S: = OK go on\nS> *", start),
        ("no TLS", starttls.clone() + "S: = OK go on\nTLS stranger", |s| {
            s.tls = Tls::StartTls;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }),
        // An authority nobody trusts.
        ("no TLS", "TLS localhost".to_owned(), |s| s.tls = Tls::Implicit),
        // A certificate for another host.
        ("no TLS", "TLS stranger".to_owned(), |s| {
            s.tls = Tls::Implicit;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }),
        ("cannot be read", "S: HTTP/1.1 400 Bad Request".to_owned(), |_| {}),
    ];
    for (why, script, change) in cases {
        let error = look(&script, change).await.unwrap_err();
        assert!(matches!(&error, SourceError::Trouble(text) if text.contains(why)), "{why}: {error}");
    }
}

#[tokio::test]
async fn tls_protects_from_the_first_octet_or_from_starttls_on() {
    let trusting = |tls: Tls| {
        move |s: &mut Settings| {
            s.tls = tls;
            s.extra_ca = Some(AUTHORITY.to_vec());
        }
    };
    let implicit = ["TLS localhost", LOGIN, SELECT, LIST].concat();
    assert!(look(&implicit, trusting(Tls::Implicit)).await.is_ok());
    let upgrade = "
S: * OK ready
C: CAPABILITY
S: * CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN
S: = OK done
C: STARTTLS
S: = OK go on
TLS localhost
";
    // RFC 9051 §6.2.1: no greeting again, and the capabilities are asked for again.
    let behind = LOGIN.replace("S: * OK ready\n", "");
    let starttls = [upgrade, &behind, SELECT, LIST].concat();
    assert!(look(&starttls, trusting(Tls::StartTls)).await.is_ok());
}

#[tokio::test]
async fn every_way_to_log_in_ends_in_ok_or_refused() {
    let offer =
        |words: &str| format!("S: * OK ready\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 {words}\nS: = OK done\n");
    let welcome = "S: * CAPABILITY IMAP4rev1\nS: = OK [CAPABILITY IMAP4rev1] welcome\n";
    let rest = [welcome, SELECT, LIST].concat();
    let plain: fn(&mut Settings) = |s| s.auth = Auth::Plain;
    let token: fn(&mut Settings) = |s| s.auth = Auth::XOAuth2;
    let good = [
        (offer("AUTH=PLAIN SASL-IR") + "C: AUTHENTICATE PLAIN AHUAcA==\n", plain),
        (offer("AUTH=PLAIN") + "C: AUTHENTICATE PLAIN\nS: * OK wait\nS: + \nC> AHUAcA==\n", plain),
        (offer("AUTH=XOAUTH2 SASL-IR") + "C: AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\n", token),
    ];
    for (script, change) in good {
        let listing = look(&(script + &rest), change).await;
        assert!(listing.is_ok(), "{listing:?}");
    }
    let bad = [
        (offer("") + "C: LOGIN \"u\" \"p\"\nS: = NO [AUTHENTICATIONFAILED] no", (|_| {}) as fn(&mut Settings)),
        (offer("") + "C: LOGIN \"u\" \"p\"\nS: = BAD no", |_| {}),
        // The second challenge of XOAUTH2 waits for an empty line.
        (
            offer("AUTH=XOAUTH2")
                + "C: AUTHENTICATE XOAUTH2\nS: +\nC> dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==\nS: + eyJzdGF0dXMiOiI0MDAifQ==\nC> \nS: = NO failed",
            token,
        ),
    ];
    for (script, change) in bad {
        let error = look(&script, change).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused(_)), "{error}");
    }
    // RFC 5530: the server's own trouble says nothing about our password.
    let script = offer("") + "C: LOGIN \"u\" \"p\"\nS: = NO [UNAVAILABLE] later";
    let error = look(&script, |_| {}).await.unwrap_err();
    assert!(matches!(error, SourceError::Trouble(_)), "{error}");
}

#[tokio::test]
async fn we_say_who_we_are_before_select_where_that_is_asked_for() {
    let login = LOGIN.replace("IDLE MOVE UIDPLUS", "ID");
    let version = env!("CARGO_PKG_VERSION");
    for answer in ["* ID (\"name\" \"x\")\nS: = OK done", "= NO no", "= BAD what"] {
        let id = format!("C: ID (\"name\" \"huixin\" \"version\" \"{version}\" \"vendor\" \"huixin\")\nS: {answer}\n");
        let script = [&login, id.as_str(), SELECT, LIST].concat();
        assert!(look(&script, |_| {}).await.is_ok(), "{answer}");
    }
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
    let peer = Peer::play([[LOGIN, SELECT, breaks].concat(), [LOGIN, SELECT, again].concat()]).await;
    let mut source = source(&peer, |_| {});
    let fetched = source.fetch(&mails(&[(1, 5), (2, 6)])).await.unwrap();
    assert_eq!(whole(&fetched), [(place(1), "first".to_owned()), (place(2), "second".to_owned())]);
    drop(source);
    peer.end().await;
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
        let scripts = [[LOGIN, SELECT, batch, answer].concat(), [LOGIN, SELECT, alone, answer].concat()];
        let peer = Peer::play(scripts).await;
        let mut source = source(&peer, |_| {});
        let error = source.fetch(&mails(&[(1, 5), (2, 6)])).await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Mail { place: at, why } if *at == place(2) && why.contains(reason)),
            "{reason}: {error}"
        );
        drop(source);
        peer.end().await;
    }
}

#[tokio::test]
async fn no_to_a_fetch_is_no_empty_mail() {
    // The mail's own fault, as far as anyone can tell.
    let batch = "C: UID FETCH 1 (UID BODY.PEEK[])\n";
    let script =
        [LOGIN, SELECT, batch, "S: = NO cannot\nC: UID FETCH 1 (UID BODY.PEEK[]<0.26214400>)\nS: = NO cannot\n"];
    let peer = Peer::play([script.concat()]).await;
    let mut source_one = source(&peer, |_| {});
    let error = source_one.fetch(&mails(&[(1, 5)])).await.unwrap_err();
    assert!(matches!(error, SourceError::Mail { .. }), "{error}");
    drop(source_one);
    peer.end().await;
    // The server's.
    let peer = Peer::play([[LOGIN, SELECT, batch, "S: = NO [UNAVAILABLE] later"].concat()]).await;
    let mut source = source(&peer, |_| {});
    let error = source.fetch(&mails(&[(1, 5)])).await.unwrap_err();
    assert!(matches!(error, SourceError::Trouble(_)), "{error}");
    drop(source);
    peer.end().await;
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
    let peer = Peer::play([[LOGIN, SELECT, script].concat()]).await;
    let mut source = source(&peer, |_| {});
    let fetched = source.fetch(&mails(&[(1, 5), (2, 5), (3, 5)])).await.unwrap();
    assert_eq!(
        whole(&fetched),
        [(place(1), "first".to_owned()), (place(2), "vanished".to_owned()), (place(3), "third".to_owned())]
    );
    drop(source);
    peer.end().await;
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
    let peer = Peer::play([[LOGIN, SELECT, &script].concat()]).await;
    let mut source = source(&peer, |_| {});
    let fetched = source.fetch(&mails(&[(1, 30_000_000), (2, 5)])).await.unwrap();
    assert_eq!(whole(&fetched), [(place(1), "cut: 262144".to_owned()), (place(2), "small".to_owned())]);
    drop(source);
    peer.end().await;
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

const LONG: Duration = Duration::from_secs(60);

/// Looks once, then waits once; how long that took.
async fn waits(script: String, poll: Duration) -> (Result<(), SourceError>, Duration) {
    let peer = Peer::play([script]).await;
    let mut source = source(&peer, |s| s.poll = poll);
    source.list(Known::default(), 10).await.unwrap();
    let start = Instant::now();
    let waited = source.wait(LONG).await;
    let took = start.elapsed();
    drop(source);
    peer.end().await;
    (waited, took)
}

#[tokio::test]
async fn new_mail_ends_the_wait() {
    let head = [LOGIN, SELECT].concat();
    let idle = "C: IDLE\n";
    let done = "C> DONE\nS: = OK done\n";
    let cases = [
        ("while idle", [LIST, idle, "S: + idling\nS: * OK still here\nS: * 3 EXISTS\n", done].concat()),
        ("before idle", [LIST, idle, "S: * 3 EXISTS\nS: * 1 RECENT\nS: + idling\n", done].concat()),
        ("behind one that went", [LIST, idle, "S: + idling\nS: * 1 EXPUNGE\nS: * 2 EXISTS\n", done].concat()),
        ("during another command", LIST.replace("S: = OK", "S: * 3 EXISTS\nS: = OK")),
        ("as the server ends it", [LIST, idle, "S: + idling\nS: = OK enough\n"].concat()),
    ];
    for (case, script) in cases {
        let (waited, took) = waits([head.as_str(), &script].concat(), LONG).await;
        assert!(waited.is_ok(), "{case}: {waited:?}");
        assert!(took < LONG / 2, "{case}: {took:?}");
    }
}

#[tokio::test]
async fn the_wait_ends_in_time_whatever_the_server_can() {
    let head = [LOGIN, SELECT, LIST].concat();
    let without = [PLAIN_LOGIN, SELECT, LIST].concat();
    let cases = [
        // News of another kind are none: 2 mails, one goes, one is flagged.
        (
            "silence",
            head.clone()
                + "C: IDLE\nS: + idling\nS: * 2 EXPUNGE\nS: * 1 EXISTS\nS: * 1 FETCH (FLAGS ())\nC> DONE\nS: = OK done\n",
        ),
        ("no IDLE", without),
        ("IDLE answered NO", head.clone() + "C: IDLE\nS: = NO not here\n"),
        ("IDLE answered BAD", head.clone() + "C: IDLE\nS: = BAD\n"),
        ("IDLE answered OK at once", head + "C: IDLE\nS: = OK done\n"),
    ];
    for (case, script) in cases {
        let (waited, took) = waits(script, Duration::from_millis(100)).await;
        assert!(waited.is_ok(), "{case}: {waited:?}");
        assert!((Duration::from_millis(100)..LONG / 2).contains(&took), "{case}: {took:?}");
    }
}

#[tokio::test]
async fn a_look_that_nothing_called_for_begins_with_a_fresh_select() {
    let idle = "C: IDLE\nS: + idling\n";
    let done = "C> DONE\nS: = OK done\n";
    let news = [LIST, idle, "S: * 3 EXISTS\n", done, LIST].concat();
    let silence = [idle, done, SELECT, LIST].concat();
    let peer = Peer::play([[LOGIN, SELECT, &news, &silence].concat()]).await;
    let mut source = source(&peer, |_| {});
    for _ in 0..2 {
        source.list(Known::default(), 10).await.unwrap();
        source.wait(LONG).await.unwrap();
    }
    source.list(Known::default(), 10).await.unwrap();
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_server_that_had_news_is_asked_for_more_before_it_is_left_to_tell() {
    let news = "C: IDLE\nS: + idling\nS: * 3 EXISTS\nC> DONE\nS: = OK done\n";
    let asked = "C: NOOP\nS: = OK\nC: NOOP\nS: * 4 EXISTS\nS: = OK\n";
    let peer = Peer::play([[LOGIN, SELECT, LIST, news, LIST, asked, LIST].concat()]).await;
    let mut source = source(&peer, |s| (s.poll, s.lively) = (LONG, LONG));
    for _ in 0..2 {
        source.list(Known::default(), 10).await.unwrap();
        source.wait(LONG).await.unwrap();
    }
    source.list(Known::default(), 10).await.unwrap();
    drop(source);
    peer.end().await;
}

#[tokio::test]
async fn a_connection_that_dies_in_idle_is_an_error_and_the_next_wait_looks_at_once() {
    for end in ["S: * BYE timeout\n", "CLOSE\n"] {
        let first = [LOGIN, SELECT, LIST, "C: IDLE\nS: + idling\n", end].concat();
        let peer = Peer::play([first, [LOGIN, SELECT].concat()]).await;
        let mut source = source(&peer, |s| s.poll = Duration::from_secs(20));
        source.list(Known::default(), 10).await.unwrap();
        assert!(source.wait(LONG).await.is_err(), "{end}");
        // What came while we were away was announced to nobody.
        source.wait(LONG).await.unwrap();
        drop(source);
        peer.end().await;
    }
}

#[tokio::test]
async fn a_call_that_was_dropped_takes_its_connection_along() {
    let first = [LOGIN, SELECT, LIST, "C: IDLE\nS: + idling\n"].concat();
    let peer = Peer::play([first, [LOGIN, SELECT, LIST].concat()]).await;
    let mut source = source(&peer, |s| s.poll = Duration::from_secs(20));
    source.list(Known::default(), 10).await.unwrap();
    let idles = async {
        peer.all_said(0).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        waited = source.wait(LONG) => panic!("it did not wait: {waited:?}"),
        () = idles => {}
    }
    let listing = source.list(Known::default(), 10).await.unwrap();
    assert_eq!(uids(&listing), [place(1), place(2)]);
    drop(source);
    peer.end().await;
}
