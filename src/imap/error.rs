//! What can go wrong in a session, and what that says about trying again.

use std::io;

/// Why a session, or one command of it, did not go well. After any of these but `No` the session is unusable.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("cannot connect to {0}")]
    Unreachable(String),
    /// We do not go on without the protection that was asked for.
    #[error("{0}")]
    Unsafe(String),
    /// Our name or password is not accepted.
    #[error("the server refuses the login: {0}")]
    Refused(String),
    #[error("{0}")]
    Secret(String),
    #[error("no answer to {0} in time")]
    Silent(&'static str),
    #[error("the connection broke during {0}")]
    Broken(&'static str),
    /// What came is no IMAP, or larger than anything we asked for.
    #[error("the answer to {during} cannot be read: {why}")]
    Unreadable { during: &'static str, why: String },
    #[error("the server says goodbye: {0}")]
    Bye(String),
    /// RFC 9051 §7.1.2: the command failed, the session goes on.
    #[error("the server answers {command} with NO: {text}")]
    No { command: &'static str, text: String },
    /// RFC 9051 §7.1.3.
    #[error("the server answers {command} with BAD: {text}")]
    Bad { command: &'static str, text: String },
}

/// Characters of a server's text that we repeat.
const MAX_REPEATED: usize = 200;

/// RFC 5530 §3: the server is in trouble, whatever the mail or the password.
const PASSING: [&str; 4] = ["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT"];

impl SessionError {
    /// What an error of the stream means during a command.
    pub fn from_io(during: &'static str, error: &io::Error) -> SessionError {
        match error.kind() {
            // How the gauge complains.
            io::ErrorKind::InvalidData => SessionError::Unreadable { during, why: printable(&error.to_string()) },
            // How the parser complains; its text repeats all it has read, so we do not.
            io::ErrorKind::Other => SessionError::Unreadable { during, why: "it does not parse".to_owned() },
            _ => SessionError::Broken(during),
        }
    }

    /// The server itself says that it has a bad time: no fault of the mail that was asked for.
    pub fn is_passing(&self) -> bool {
        matches!(self, SessionError::No { text, .. } if says_passing(text))
    }
}

/// Does a server's text begin with a response code that tells of its own trouble?
pub fn says_passing(text: &str) -> bool {
    response_code(text).is_some_and(|code| PASSING.iter().any(|passing| code.eq_ignore_ascii_case(passing)))
}

/// The first word of `[CODE …] text` (RFC 9051 §7.1).
pub fn response_code(text: &str) -> Option<&str> {
    let (code, _) = text.trim_start().strip_prefix('[')?.split_once(']')?;
    code.split(' ').next()
}

/// A server's text as it may stand in a log line: one line, no controls, not too long.
pub fn printable(text: &str) -> String {
    text.trim().chars().take(MAX_REPEATED).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_trouble_is_told_from_ours() {
        let no = |text: &str| SessionError::No { command: "FETCH", text: text.to_owned() };
        for passing in ["[UNAVAILABLE] later", "[limit] too many", "[SERVERBUG]", "[INUSE] a"] {
            assert!(no(passing).is_passing(), "{passing}");
        }
        for lasting in ["", "no such mail", "[AUTHENTICATIONFAILED] x", "[UNAVAILABLE", "x [LIMIT] y"] {
            assert!(!no(lasting).is_passing(), "{lasting}");
        }
    }

    #[test]
    fn a_servers_text_stays_on_its_line() {
        assert_eq!(printable(" a\r\nb\x1b[0m案 "), "a  b [0m案");
        assert_eq!(printable(&"案".repeat(500)).chars().count(), MAX_REPEATED);
    }
}
