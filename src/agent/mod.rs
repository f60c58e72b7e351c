//! What does an agent's mail want?
//!
//! Agents work from an ordinary mailbox. On the first lines of a mail they may give commands, `#close`, `#结案`,
//! `#完了`; what follows is said to the requester, or noted. Whether the agent may is judged elsewhere, by two proofs;
//! here a mail is only read. Nothing is guessed: a line that looks like a command and is none makes the whole mail
//! unclear, and an unclear mail does nothing but ask back.

mod absence;
mod command;
mod hold;

pub use absence::back;
pub use command::{Command, Fault, Orders, Unclear, Wanted, read};
pub use hold::{Hold, hold};
