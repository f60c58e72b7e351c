//! What becomes of mails in the folder once our decisions about them are on disk. All of it may be done
//! twice.

use tracing::debug;

use super::error::SessionError;
use super::fetch::present;
use super::session::{Selected, Session};
use super::settings::AfterCommit;
use super::{encode, uids};
use crate::failpoint;

/// Flags and moves, as configured and as far as the folder lets us. A `NO` to one does not keep us from the
/// other; it is reported at the end.
pub async fn settle(
    session: &mut Session,
    selected: &Selected,
    after: &AfterCommit,
    uids: &[u32],
) -> Result<(), SessionError> {
    let flagged = match &after.keyword {
        Some(keyword) if selected.keeps(keyword) => flag(session, keyword, uids).await,
        Some(keyword) => {
            debug!(keyword, "the folder does not keep this keyword");
            Ok(())
        }
        None => Ok(()),
    };
    if !matches!(flagged, Ok(()) | Err(SessionError::No { .. })) {
        return flagged;
    }
    if let Some(folder) = &after.move_to {
        file_away(session, uids, &encode::folder(folder)).await?;
    }
    flagged
}

async fn flag(session: &mut Session, flag: &str, uids: &[u32]) -> Result<(), SessionError> {
    for set in uids::sets(uids) {
        let command = format!("UID STORE {set} +FLAGS.SILENT ({flag})");
        session.command("STORE", &command).await?;
    }
    Ok(())
}

/// Moves mails to a folder, which is made if it is not there. Not every server tells by `TRYCREATE` (RFC 9051
/// §6.4.7) that it is not, so we try once after any `NO`.
async fn file_away(session: &mut Session, uids: &[u32], folder: &str) -> Result<(), SessionError> {
    let refused = match move_to(session, uids, folder).await {
        Err(error @ SessionError::No { .. }) if !error.is_passing() => error,
        answer => return answer,
    };
    match session.command("CREATE", &format!("CREATE {folder}")).await {
        Ok(()) => move_to(session, uids, folder).await,
        // It is there, or may not be made: the first answer tells more.
        Err(SessionError::No { .. }) => Err(refused),
        Err(error) => Err(error),
    }
}

/// RFC 6851, or by hand where the server has no MOVE (I08).
async fn move_to(session: &mut Session, uids: &[u32], folder: &str) -> Result<(), SessionError> {
    if session.can("MOVE") {
        for set in uids::sets(uids) {
            session.command("MOVE", &format!("UID MOVE {set} {folder}")).await?;
        }
        return Ok(());
    }
    // What is marked as deleted was copied when we last tried, or a human wants it gone.
    let present = present(session, uids).await?;
    let unmarked: Vec<u32> = present.into_iter().filter_map(|(uid, deleted)| (!deleted).then_some(uid)).collect();
    for set in uids::sets(&unmarked) {
        session.command("COPY", &format!("UID COPY {set} {folder}")).await?;
        failpoint::reached("C11");
        let marking = format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)");
        session.command("STORE", &marking).await?;
        failpoint::reached("C11-marked");
        // Never a plain EXPUNGE, and never what was marked before: it would remove what humans have marked (I07).
        // Without UIDPLUS, and after a crash right here, the mails stay, marked.
        if session.can("UIDPLUS") {
            session.command("EXPUNGE", &format!("UID EXPUNGE {set}")).await?;
        }
    }
    Ok(())
}
