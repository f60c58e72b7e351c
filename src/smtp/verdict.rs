//! What a failure means, by the step at which it happened.
//!
//! The question behind every line: would another mail fare better on this relay? If not, it is the relay's
//! trouble and no mail's fault (S06). Before the final dot nothing was taken; after it, only a reply tells.

use super::reply::Reply;
use crate::outgoing::SendError;

/// The steps of one transaction (RFC 5321 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Mail,
    Rcpt,
    Data,
    /// The lines of the mail, up to the final dot.
    Content,
    /// From the final dot on.
    Dot,
}

impl Step {
    #[cfg(test)]
    pub const ALL: [Step; 5] = [Step::Mail, Step::Rcpt, Step::Data, Step::Content, Step::Dot];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::Mail => "MAIL",
            Step::Rcpt => "RCPT",
            Step::Data => "DATA",
            Step::Content => "the content",
            Step::Dot => "the final dot",
        }
    }
}

/// What a reply that is not the hoped-for one means.
pub fn of_reply(step: Step, reply: &Reply) -> SendError {
    let said = format!("{} to {}", reply, step.as_str());
    match reply.code / 100 {
        _ if is_about_the_relay(step, reply) => SendError::RelayTrouble(said),
        // RFC 5321 §4.2.1: 4yz may be tried again, 5yz not.
        4 => SendError::PutOff(said),
        5 => SendError::Refused(said),
        // A reply that does not belong here: we have lost step with the server.
        _ => of_silence(step, &format!("unexpected reply {said}")),
    }
}

/// What a connection that broke or fell silent means.
pub fn of_silence(step: Step, why: &str) -> SendError {
    match step {
        Step::Mail => SendError::RelayTrouble(why.to_owned()),
        // The relay was well until it heard of this recipient or this content; if it is not well now, the
        // next attempt will say so before it comes to this mail.
        Step::Rcpt | Step::Data | Step::Content => SendError::PutOff(why.to_owned()),
        // RFC 5321 §4.1.1.4, RFC 1047: it may have taken the mail.
        Step::Dot => SendError::InDoubt(why.to_owned()),
    }
}

fn is_about_the_relay(step: Step, reply: &Reply) -> bool {
    let everywhere = match reply.code {
        // Closing down (RFC 5321 §3.8), a password to be renewed, log in first, mechanism too weak, wrong
        // password, TLS first (RFC 4954 §6).
        421 | 432 | 530 | 534 | 535 | 538 => true,
        // "Error: need EHLO and AUTH first" and commands that are not known: a fault in the dialogue.
        502 | 503 => true,
        _ => false,
    };
    let by_enhanced = match reply.enhanced() {
        // Exchange: unable to relay, not authenticated, no permission to send as this sender, no tenant.
        Some((7, 54 | 57 | 60 | 64)) => true,
        // Gmail: the daily quota of this account is used up.
        Some((4, 5)) => reply.code >= 500,
        _ => false,
    };
    everywhere || by_enhanced || (step == Step::Mail && is_about_the_sender(reply))
}

/// MAIL names nobody but ourselves, so what is refused there for good is our account, our address or our
/// network, unless it is the size or another parameter of this mail. 454 is a login that broke down.
fn is_about_the_sender(reply: &Reply) -> bool {
    let parameter = matches!(reply.code, 552 | 555)
        // RFC 3463 §3.3, §3.4, §3.7: too large for the mailbox, for the system; content not convertible.
        || matches!(reply.enhanced(), Some((2, 3) | (3, 4) | (6, _)));
    reply.code == 454 || (reply.code / 100 == 5 && !parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(step: Step, text: &str) -> &'static str {
        let line = format!("{text}\r\n");
        let (reply, _) = Reply::take(line.as_bytes()).unwrap().unwrap();
        match of_reply(step, &reply) {
            SendError::Refused(_) => "refused",
            SendError::PutOff(_) => "put off",
            SendError::RelayTrouble(_) => "relay",
            SendError::LoginRefused(_) => "login",
            SendError::InDoubt(_) => "in doubt",
        }
    }

    /// S02, S06: forty replies, each with what it means to MAIL, RCPT, DATA and the final dot.
    #[test]
    fn s02_each_reply_code_has_one_meaning_at_each_step() {
        #[rustfmt::skip]
        let table = [
            // reply                                          MAIL        RCPT       DATA       dot
            ("421 4.3.2 shutting down",                     ["relay",    "relay",   "relay",   "relay"]),
            ("421",                                         ["relay",    "relay",   "relay",   "relay"]),
            ("432 4.7.12 password transition needed",       ["relay",    "relay",   "relay",   "relay"]),
            ("450 4.2.0 greylisted",                        ["put off",  "put off", "put off", "put off"]),
            ("450 4.1.1 mailbox busy",                      ["put off",  "put off", "put off", "put off"]),
            ("451 4.3.0 local error",                       ["put off",  "put off", "put off", "put off"]),
            ("451 4.7.1 try later",                         ["put off",  "put off", "put off", "put off"]),
            ("452 4.3.1 insufficient storage",              ["put off",  "put off", "put off", "put off"]),
            ("452 4.2.2 over quota",                        ["put off",  "put off", "put off", "put off"]),
            ("454 4.7.0 temporary authentication failure",  ["relay",    "put off", "put off", "put off"]),
            ("454 4.7.1 relay access denied",               ["relay",    "put off", "put off", "put off"]),
            ("455 parameters",                              ["put off",  "put off", "put off", "put off"]),
            ("471 4.7.1 odd second digit",                  ["put off",  "put off", "put off", "put off"]),
            ("500 5.5.2 unrecognised",                      ["relay",    "refused", "refused", "refused"]),
            ("501 mail from must equal authorized user",    ["relay",    "refused", "refused", "refused"]),
            ("501 5.1.3 bad recipient address syntax",      ["relay",    "refused", "refused", "refused"]),
            ("502 5.5.1 not implemented",                   ["relay",    "relay",   "relay",   "relay"]),
            ("503 Error: need EHLO and AUTH first !",       ["relay",    "relay",   "relay",   "relay"]),
            ("504 parameter not implemented",               ["relay",    "refused", "refused", "refused"]),
            ("521 5.3.2 does not accept mail",              ["relay",    "refused", "refused", "refused"]),
            ("523 5.3.4 too large",                         ["refused",  "refused", "refused", "refused"]),
            ("530 5.7.0 authentication required",           ["relay",    "relay",   "relay",   "relay"]),
            ("534 5.7.9 mechanism too weak",                ["relay",    "relay",   "relay",   "relay"]),
            ("535 5.7.8 authentication failed",             ["relay",    "relay",   "relay",   "relay"]),
            ("538 5.7.11 encryption required",              ["relay",    "relay",   "relay",   "relay"]),
            ("550 5.1.1 user unknown",                      ["relay",    "refused", "refused", "refused"]),
            ("550 5.4.5 daily sending quota exceeded",      ["relay",    "relay",   "relay",   "relay"]),
            ("550 5.7.1 spam",                              ["relay",    "refused", "refused", "refused"]),
            ("550 5.7.54 unable to relay",                  ["relay",    "relay",   "relay",   "relay"]),
            ("550 5.7.60 no permission to send as",         ["relay",    "relay",   "relay",   "relay"]),
            ("551 user not local",                          ["relay",    "refused", "refused", "refused"]),
            ("552 5.3.4 message size exceeds limit",        ["refused",  "refused", "refused", "refused"]),
            ("552 mailbox full",                            ["refused",  "refused", "refused", "refused"]),
            ("553 5.7.1 sender not owned by user",          ["relay",    "refused", "refused", "refused"]),
            ("554 5.7.1 relay access denied",               ["relay",    "refused", "refused", "refused"]),
            ("554 DT:SPM 163",                              ["relay",    "refused", "refused", "refused"]),
            ("554 5.6.1 body type not supported",           ["refused",  "refused", "refused", "refused"]),
            ("555 parameters not recognised",               ["refused",  "refused", "refused", "refused"]),
            ("556 5.1.10 null MX",                          ["relay",    "refused", "refused", "refused"]),
            ("571 5.7.1 blocked",                           ["relay",    "refused", "refused", "refused"]),
            // Out of step: what was hoped for elsewhere.
            ("354 go on",                                   ["relay",    "put off", "put off", "in doubt"]),
            ("250 ok",                                      ["relay",    "put off", "put off", "in doubt"]),
        ];
        for (text, want) in table {
            let steps = [Step::Mail, Step::Rcpt, Step::Data, Step::Dot];
            assert_eq!(steps.map(|step| verdict(step, text)), want, "{text}");
        }
    }

    #[test]
    fn only_after_the_final_dot_is_silence_in_doubt() {
        for step in Step::ALL {
            let in_doubt = matches!(of_silence(step, "gone"), SendError::InDoubt(_));
            assert_eq!(in_doubt, step == Step::Dot, "{step:?}");
        }
    }
}
