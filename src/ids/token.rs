//! Tokens: what an agent's mail must carry to act on a case, and what a requester's may carry to be known as theirs.
//!
//! A token is granted to one person, for one case and one right, until a day. It travels in the address an agent
//! answers to (`support+r-k7f39qd2x-20780-…@example.com`, RFC 5233) and in the Message-ID of every mail an agent
//! gets, so that it comes back where a host knows no subaddresses. It is one of two proofs: the other is that the
//! mail really comes from the agent. A requester's stands in the address they answer to.

use super::{CaseNumber, Key};

/// The purpose named in the proof of every token. It is called after those there were first: with another name all that
/// have been granted would be void.
const PURPOSE: &str = "agent-token";

/// What a token lets its owner do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Speak to the requester, and give commands.
    Reply,
    /// Take notes, and give commands.
    Note,
    /// Write in the case as its requester. It says which case a mail of theirs is about, and grants nothing else.
    Write,
}

/// A token as somebody presents it; nothing is known of it until it has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub case: CaseNumber,
    pub right: Right,
    /// The last day on which it holds, counted from 1970 in Greenwich.
    last_day: u32,
    proof: String,
}

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Made up, or granted to somebody else.
    #[error("the token was not granted to this agent")]
    Foreign,
    #[error("the token has expired")]
    Expired,
}

impl Right {
    fn letter(self) -> &'static str {
        match self {
            Right::Reply => "r",
            Right::Note => "n",
            Right::Write => "w",
        }
    }

    /// Is it an agent's?
    pub fn is_agents(self) -> bool {
        self != Right::Write
    }

    fn parse(letter: &str) -> Option<Right> {
        [Right::Reply, Right::Note, Right::Write].into_iter().find(|right| right.letter() == letter)
    }
}

/// The last day of what does not expire, in the year 2243: one of as many digits as that of any other token.
const FOREVER: u32 = 99_999;

impl Token {
    /// The token of the person with this address, which holds to the end of `last_day`, counted from 1970.
    pub fn grant(key: &Key, case: CaseNumber, right: Right, owner: &str, last_day: u32) -> Token {
        let proof = key.prove(PURPOSE, &parts(case, right, owner, last_day).each_ref().map(Vec::as_slice));
        Token { case, right, last_day, proof: proof.to_string() }
    }

    /// The token of the requester with this address.
    pub fn of_requester(key: &Key, case: CaseNumber, requester: &str) -> Token {
        Token::grant(key, case, Right::Write, requester, FOREVER)
    }

    /// Does it hold for this person, today? The address counts to the letter. The proof is compared in constant time,
    /// and before the day is looked at.
    pub fn check(&self, key: &Key, owner: &str, today: u32) -> Result<(), TokenFault> {
        let parts = parts(self.case, self.right, owner, self.last_day);
        if !key.verify_on(today, PURPOSE, &parts.each_ref().map(Vec::as_slice), &self.proof) {
            return Err(TokenFault::Foreign);
        }
        match today > self.last_day {
            true => Err(TokenFault::Expired),
            false => Ok(()),
        }
    }

    /// `r-k7f39qd2x-20780-<proof>`: the subaddress.
    pub fn detail(&self) -> String {
        let case = self.case.compact().to_lowercase();
        format!("{}-{case}-{}-{}", self.right.letter(), self.last_day, self.proof)
    }

    pub fn from_detail(text: &str) -> Option<Token> {
        let text = text.to_lowercase();
        let mut parts = text.split('-');
        let (right, case) = (Right::parse(parts.next()?)?, CaseNumber::parse(parts.next()?)?);
        let (last_day, proof) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        parts.next().is_none().then_some(Token { case, right, last_day, proof })
    }

    /// `20780-<proof>`: how a token stands in the name of a Message-ID, which has the case itself.
    pub fn in_name(&self) -> String {
        format!("{}-{}", self.last_day, self.proof)
    }

    /// The token in the name of one of our Message-IDs: `forward-20780-<proof>-<what makes it this mail>`.
    pub fn from_name(case: CaseNumber, name: &str) -> Option<Token> {
        let mut parts = name.split('-').skip(1);
        let (last_day, proof) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        parts.next().is_some().then_some(Token { case, right: Right::Reply, last_day, proof })
    }
}

fn parts(case: CaseNumber, right: Right, owner: &str, last_day: u32) -> [Vec<u8>; 4] {
    [right.letter().into(), case.bits().to_be_bytes().to_vec(), owner.into(), last_day.to_be_bytes().to_vec()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MailHash;

    const LI: &str = "li@example.com";

    fn granted(right: Right) -> (Key, Token) {
        let key = Key::from_bytes([1; 32]);
        let case = CaseNumber::mint(&key, &MailHash::of(b"mail"), 0);
        let token = Token::grant(&key, case, right, LI, 20_000);
        (key, token)
    }

    #[test]
    fn a_token_holds_for_one_agent_one_case_and_one_right_until_its_last_day() {
        let (key, token) = granted(Right::Reply);
        let read = Token::from_detail(&token.detail().to_uppercase()).unwrap();
        assert_eq!(read, token);
        assert_eq!(read.check(&key, LI, 20_000), Ok(()));
        assert_eq!(read.check(&key, LI, 20_001), Err(TokenFault::Expired));
        for other in ["wang@example.com", "LI@example.com", "li@example.org"] {
            assert_eq!(read.check(&key, other, 1), Err(TokenFault::Foreign), "{other}");
        }
        let case = CaseNumber::mint(&key, &MailHash::of(b"another"), 0);
        for forged in [
            Token { case, ..token.clone() },
            Token { right: Right::Note, ..token.clone() },
            Token { right: Right::Write, ..token.clone() },
            Token { last_day: 20_001, ..token.clone() },
        ] {
            assert_eq!(forged.check(&key, LI, 1), Err(TokenFault::Foreign), "{forged:?}");
        }
        assert_eq!(token.check(&Key::from_bytes([2; 32]), LI, 1), Err(TokenFault::Foreign));
    }

    #[test]
    fn every_bit_of_a_token_counts() {
        let (key, token) = granted(Right::Note);
        let detail = token.detail();
        for at_bit in 0..detail.len() * 8 {
            let mut bytes = detail.clone().into_bytes();
            bytes[at_bit / 8] ^= 1 << (at_bit % 8);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let same = text.eq_ignore_ascii_case(&detail);
            let holds = Token::from_detail(&text).is_some_and(|read| read.check(&key, LI, 1).is_ok());
            assert!(!holds || same, "{text}");
        }
    }

    #[test]
    fn a_token_fits_into_an_address_and_into_a_message_id() {
        let (key, token) = granted(Right::Reply);
        // RFC 5321 §4.5.3.1.1: 64 octets before the @.
        let of_requester = Token::of_requester(&key, token.case, LI);
        assert_eq!(of_requester.detail().len(), token.detail().len());
        assert!(token.detail().len() <= 64 - "customer-service-desk+".len());
        let name = format!("forward-{}-0123456789abcdef", token.in_name());
        let read = Token::from_name(token.case, &name).unwrap();
        assert_eq!(read.check(&key, LI, 1), Ok(()));
        for nothing in ["", "forward", "forward-x", "forward-0123456789abcdef", "r-k7f39qd2x-1-", "x-y-z"] {
            assert_eq!(Token::from_name(token.case, nothing), None, "{nothing}");
            assert_eq!(Token::from_detail(nothing), None, "{nothing}");
        }
    }
}
