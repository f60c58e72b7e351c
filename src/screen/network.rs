//! Did a mail come from inside the organisation's own networks?
//!
//! For hosts that check nothing and sign nothing: every server a mail has passed writes down who handed it over, and a mail
//! from outside has at least one such line that a server of ours wrote. So a mail is from inside only where *every* line
//! names addresses of our networks and no other. Whoever sits in these networks can still write anybody's name into
//! From: this is weaker than a signature, and believed only where the admin lists the networks.

use std::net::IpAddr;

use crate::config::Network;
use crate::message::{Defect, Message};

/// See the module text. No line at all, and a header that was not read to its end, prove nothing.
pub fn came_from_inside(message: &Message, networks: &[Network]) -> bool {
    if networks.is_empty() || message.field("From").count() != 1 || message.defects.contains(&Defect::HeaderTooLong) {
        return false;
    }
    let mut inside = false;
    for received in message.field("Received") {
        let Some(from) = handed_over_by(received) else { continue };
        let addresses: Vec<IpAddr> = addresses(from).collect();
        let ours = |address: &IpAddr| networks.iter().any(|network| network.holds(*address));
        if addresses.is_empty() || !addresses.iter().all(|address| address.is_loopback() || ours(address)) {
            return false;
        }
        inside |= addresses.iter().any(ours);
    }
    inside
}

/// What stands of who handed the mail over: everything up to the identifier and the date, since the names in it are the
/// sender's to choose and may contain anything. None for a mail that was written on the server itself.
fn handed_over_by(received: &str) -> Option<&str> {
    let received = received.trim();
    let is_from = received.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("from "));
    let end = received.rfind(';').unwrap_or(received.len());
    is_from.then(|| &received[..end])
}

/// Everything in a text that is an address of the Internet protocol, `[IPv6:…]` too.
fn addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == ':'));
    words.filter_map(|word| {
        let word = word.get(..5).filter(|tag| tag.eq_ignore_ascii_case("ipv6:")).map_or(word, |_| &word[5..]);
        word.trim_matches(['.', ':']).parse().or_else(|_| word.parse()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{self, Limits};

    fn networks() -> Vec<Network> {
        ["10.0.0.0/8", "192.168.7.0/24", "fd00::/8"].map(|text| Network::parse(text).unwrap()).to_vec()
    }

    fn inside(received: &[&str]) -> bool {
        let lines: String = received.iter().map(|line| format!("Received: {line}\r\n")).collect();
        let mail = format!("{lines}From: li@example.com\r\nSubject: x\r\n\r\nx\r\n");
        came_from_inside(&message::read(mail.as_bytes(), &Limits::default()), &networks())
    }

    const DATE: &str = "; Tue, 24 Nov 2026 10:00:00 +0800";

    #[test]
    fn a_mail_is_from_inside_where_every_line_says_so() {
        let ours = format!("from pc (pc.corp [10.1.2.3]) by mx.example.com (Postfix) with ESMTP id 4F1A{DATE}");
        let exchange = format!("from EX1 (10.1.1.1) by EX2 (10.1.1.2) with Microsoft SMTP Server{DATE}");
        let six = format!("from pc ([IPv6:fd00::17]) by mx.example.com with ESMTPS{DATE}");
        let local = format!("by mx.example.com (Postfix, from userid 1000) id 4F1B{DATE}");
        let filter = format!("from localhost (localhost [127.0.0.1]) by mx.example.com with ESMTP{DATE}");
        for chain in [vec![&ours], vec![&exchange], vec![&six], vec![&filter, &ours], vec![&ours, &local]] {
            let chain: Vec<&str> = chain.into_iter().map(String::as_str).collect();
            assert!(inside(&chain), "{chain:?}");
        }
        let outside = format!("from pc (x.example.net [203.0.113.5]) by mx.example.com with ESMTP{DATE}");
        // What a sender calls itself is theirs to choose.
        let boast = format!("from [10.1.2.3] (x.example.net [203.0.113.5]) by mx.example.com with ESMTP{DATE}");
        let breaks =
            format!("from [10.1.2.3]) by mx.example.com; (x [203.0.113.5]) by mx.example.com with ESMTP{DATE}");
        let silent = format!("from pc.corp by mx.example.com with ESMTP{DATE}");
        let mapped = format!("from pc ([IPv6:::ffff:203.0.113.5]) by mx.example.com with ESMTP{DATE}");
        for chain in [
            vec![],
            vec![&outside],
            vec![&boast],
            vec![&breaks],
            vec![&silent],
            vec![&mapped],
            vec![&local],
            vec![&filter],
            vec![&filter, &outside],
            vec![&ours, &outside],
            vec![&outside, &ours],
        ] {
            let chain: Vec<&str> = chain.into_iter().map(String::as_str).collect();
            assert!(!inside(&chain), "{chain:?}");
        }
    }
}
