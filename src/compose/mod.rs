//! What the bot says: templates, and the mails made from them.
//!
//! Five mails leave the house: an answer to the requester and an agent's reply to them, a forward to the group that
//! has the case and a receipt to an agent, and a notice to the operator. Their words come from templates, one file a language; their bytes from lettre's
//! builder, never its transport. Everything is a function of values: the same mail, facts and time give the
//! same bytes, down to Message-ID and boundary.
//!
//! Text of others is data: it is made harmless by type ([`Line`], [`Block`]) before it comes near a header,
//! and it is never read as a template.

mod clean;
mod engine;
mod executable;
mod forward_text;
mod hours;
mod head;
mod letter;
mod pdf;
mod tags;
mod template;
mod values;
mod written;

pub use clean::{Block, Line};
pub use executable::is_executable;
pub use forward_text::{Field, ForwardSheet, SHEET_VARIABLES, Verdict, transcript_rows};
pub use head::{Enclosure, Voice};
pub use hours::{describe, describe_moment, describe_moment_abroad, describe_moment_for_good};
pub use letter::{answer, digest, enclosing, forward, in_thread, notice, notice_with_octets, receipt};
pub use pdf::pdf;
pub use template::{MAX_ANSWER_TEXT, RenderError, Templates};
pub use values::Values;
pub use written::Written;
