//! Bots that are wrong on purpose: what each forgets must be noticed, or the simulator looks at nothing.
//!
//! The program itself has no trace of them: a mutant is the right program behind a door, with a setting, or in a
//! driver, that is wrong.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    /// Mail is settled as soon as it is fetched, before anything is decided.
    SettleBeforeCommit,
    /// fdatasync is not called: everything is done before it is on disk.
    SyncForgotten,
    /// The attempt at a mail is not on disk before the mail is read.
    AttemptsForgotten,
    /// The cursor goes up to what was listed, not to what was committed.
    CursorTooEarly,
    /// UIDs are taken for names that last for ever.
    UidsForEver,
    /// A retry is rendered anew, under a new Message-ID.
    NewIdAtRetry,
    /// Forwards are written down as sent and never sent.
    ForwardsForgotten,
    /// A refusal is written down as success.
    RefusalTakenForSuccess,
    /// A connection cut behind the dot is taken for a mail put off.
    DoubtTakenForDelay,
    /// What a crash left in doubt is not looked after.
    DoubtForgotten,
    /// The journal's end is lost in a crash although it was synced.
    SyncedFramesLost,
    /// What the relay puts off is given up.
    DelayTakenForRefusal,
    /// The budget of a person is forgotten.
    NoBudgetOfSender,
    /// The budget of all together is forgotten.
    NoBudgetOfAll,
    /// A bounce silences nobody.
    BounceIgnored,
    /// Nobody asks who really sent a mail.
    ForgeriesBelieved,
    /// What the operator must know goes to the agents.
    OperatorForgotten,
    /// A compaction leaves out decisions.
    DecisionsThinnedAway,
    /// A compaction leaves out what became of mails.
    ResultsThinnedAway,
    /// A compaction leaves out attempts of which nobody knows the end.
    AttemptsThinnedAway,
    /// A compaction forgets what was drawn on budgets.
    BudgetsThinnedAway,
    /// A compaction takes the texts of letters that have not left.
    LettersThinnedTooEarly,
}

impl Wrong {
    pub const ALL: [Wrong; 22] = [
        Wrong::SettleBeforeCommit,
        Wrong::SyncForgotten,
        Wrong::AttemptsForgotten,
        Wrong::CursorTooEarly,
        Wrong::UidsForEver,
        Wrong::NewIdAtRetry,
        Wrong::ForwardsForgotten,
        Wrong::RefusalTakenForSuccess,
        Wrong::DoubtTakenForDelay,
        Wrong::DoubtForgotten,
        Wrong::SyncedFramesLost,
        Wrong::DelayTakenForRefusal,
        Wrong::NoBudgetOfSender,
        Wrong::NoBudgetOfAll,
        Wrong::BounceIgnored,
        Wrong::ForgeriesBelieved,
        Wrong::OperatorForgotten,
        Wrong::DecisionsThinnedAway,
        Wrong::ResultsThinnedAway,
        Wrong::AttemptsThinnedAway,
        Wrong::BudgetsThinnedAway,
        Wrong::LettersThinnedTooEarly,
    ];

    /// What the wrong bot has in bot.toml instead.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Wrong::NoBudgetOfSender => {
                &[("sender_hour = 2", "sender_hour = 999"), ("sender_day = 4", "sender_day = 999")]
            }
            Wrong::NoBudgetOfAll => &[
                ("unknown_hour = 7", "unknown_hour = 999"),
                ("unknown_day = 12", "unknown_day = 999"),
                ("global_hour = 7", "global_hour = 999"),
                ("global_day = 12", "global_day = 999"),
            ],
            Wrong::BounceIgnored => &[("suppress_days = 30", "suppress_days = 0")],
            Wrong::ForgeriesBelieved => &[("authentication = \"budgeted\"", "authentication = \"off\"")],
            Wrong::OperatorForgotten => &[("operator = \"operator@example.com\"", "operator = \"\"")],
            _ => &[],
        }
    }
}
