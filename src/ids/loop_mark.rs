//! The loop mark: the value of our `X-Loop` field, by which the bot knows a mail of its own again.
//!
//! It is bound to the Message-ID of the mail that carries it. Copied into another mail it proves nothing,
//! and a stranger cannot make one; so a mark that is not ours can only ever silence an answer.

use super::{Key, MessageId};

/// The purpose named in the proof of our own loop marks.
const PURPOSE: &str = "loop-mark";

/// The value of the `X-Loop` field of the mail `id`: `<bot-id>; h=<proof>`.
pub fn loop_mark(key: &Key, bot_id: &str, id: &MessageId) -> String {
    format!("{bot_id}; h={}", key.prove(PURPOSE, &parts(bot_id, id)))
}

/// Did this bot write `value` into the mail `id`? Blanks and case may have changed on the way.
pub fn is_own_loop_mark(key: &Key, bot_id: &str, id: &MessageId, value: &str) -> bool {
    let Some((name, proof)) = value.split_once(';') else {
        return false;
    };
    let proof = proof.trim();
    let proof = proof.strip_prefix("h=").or_else(|| proof.strip_prefix("H="));
    name.trim().eq_ignore_ascii_case(bot_id)
        && proof.is_some_and(|proof| key.verify(PURPOSE, &parts(bot_id, id), proof.trim()))
}

fn parts<'a>(bot_id: &'a str, id: &'a MessageId) -> [&'a [u8]; 2] {
    [bot_id.as_bytes(), id.as_str().as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_mark_holds_for_one_bot_and_one_mail() {
        let key = Key::from_bytes([5; 32]);
        let id = |text: &str| MessageId::parse(text).unwrap();
        let mark = loop_mark(&key, "desk", &id("a@example.com"));
        let own = |bot: &str, id: &MessageId, value: &str| is_own_loop_mark(&key, bot, id, value);
        assert!(own("desk", &id("a@example.com"), &mark));
        assert!(own("desk", &id("a@example.com"), &format!(" {} ", mark.to_uppercase())));
        assert!(!own("desk", &id("b@example.com"), &mark), "copied into another mail");
        assert!(!own("other", &id("a@example.com"), &mark), "a sibling's");
        let stranger = Key::from_bytes([6; 32]);
        assert!(!is_own_loop_mark(&stranger, "desk", &id("a@example.com"), &mark));
        for forged in ["", "desk", "desk;", "desk; h=", "desk; h=0000000000000000", "; ;"] {
            assert!(!own("desk", &id("a@example.com"), forged), "{forged}");
        }
    }
}
