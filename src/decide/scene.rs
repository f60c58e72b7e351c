//! What a plan is made on.

use super::Mail;
use crate::case::Case;
use crate::playbook::Playbook;
use crate::rules::Judgement;
use crate::screen::Screening;
use crate::thread::Threading;
use crate::time::Timestamp;

/// A mail and all that has been found out about it, before anything follows from it.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub mail: &'a Mail<'a>,
    pub screening: &'a Screening,
    pub threading: &'a Threading,
    /// The case it comes into, as that stood before it.
    pub before: Option<&'a Case>,
    pub judgement: &'a Judgement,
    pub playbook: &'a Playbook,
    pub now: Timestamp,
}
