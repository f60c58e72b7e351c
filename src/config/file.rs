//! The shape of bot.toml, key by key, with its defaults. bot.toml as shipped explains each of them.

mod server;

use std::collections::BTreeMap;

use serde::Deserialize;
pub use server::{ImapTable, MaildirTable, RelayTable, SmtpTable};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BotFile {
    pub bot: BotTable,
    /// What templates may say about the organisation: `org.<key>`.
    pub organisation: BTreeMap<String, Wording>,
    pub mailbox: BTreeMap<String, MailboxTable>,
    pub relay: RelayTable,
    pub handoff: HandoffTable,
    pub group: BTreeMap<String, GroupTable>,
    pub agent: BTreeMap<String, AgentTable>,
    pub tier: BTreeMap<String, TierTable>,
    pub notice: BTreeMap<String, NoticeTable>,
    pub reply: ReplyTable,
    pub rollout: RolloutTable,
    pub case: CaseTable,
    pub budget: BudgetTable,
    pub breaker: BreakerTable,
    pub keep: KeepTable,
    pub delivery: DeliveryTable,
    pub log: LogTable,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BotTable {
    pub id: String,
    pub data: String,
    pub rules: String,
    pub templates: String,
    pub operator: String,
    pub apply_percent: u8,
}

impl Default for BotTable {
    fn default() -> BotTable {
        BotTable {
            id: "huixin".into(),
            data: "var/data".into(),
            rules: "rules".into(),
            templates: "templates".into(),
            operator: String::new(),
            apply_percent: 5,
        }
    }
}

/// A text, the same in all languages or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Wording {
    Same(String),
    Each(BTreeMap<String, String>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxTable {
    pub addresses: Vec<String>,
    pub display_name: Option<Wording>,
    pub language: String,
    pub group: String,
    pub existing: String,
    pub largest_mb: u32,
    pub maildir: Option<MaildirTable>,
    pub imap: Option<ImapTable>,
}

impl Default for MailboxTable {
    fn default() -> MailboxTable {
        MailboxTable {
            addresses: Vec::new(),
            display_name: None,
            language: "zh".into(),
            group: "triage".into(),
            existing: "case".into(),
            largest_mb: 50,
            maildir: None,
            imap: None,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandoffTable {
    pub to: Vec<String>,
    pub language: String,
    pub attach_original: bool,
    pub automatic: bool,
    pub replies: String,
    pub reply_address: Option<String>,
    pub undo_seconds: u32,
    pub token_days: u32,
    pub internal_networks: Vec<String>,
    pub first_response_hours: u32,
    pub follow_up_hours: u32,
    pub warn_percent: u8,
    pub escalate_hours: u32,
    pub case_minutes: u16,
    pub silence_hours: u32,
    pub leads: Vec<String>,
    pub emergency: String,
    pub report_at: String,
}

impl Default for HandoffTable {
    fn default() -> HandoffTable {
        HandoffTable {
            to: Vec::new(),
            language: "zh".into(),
            attach_original: true,
            automatic: true,
            replies: "relay".into(),
            reply_address: None,
            undo_seconds: 60,
            token_days: 90,
            internal_networks: Vec::new(),
            first_response_hours: 8,
            follow_up_hours: 8,
            warn_percent: 75,
            escalate_hours: 4,
            case_minutes: 20,
            silence_hours: 72,
            leads: Vec::new(),
            emergency: "emergency".into(),
            report_at: "09:00".into(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupTable {
    pub to: Vec<String>,
    pub share: String,
    pub leads: Vec<String>,
}

impl Default for GroupTable {
    fn default() -> GroupTable {
        GroupTable { to: Vec::new(), share: "everybody".into(), leads: Vec::new() }
    }
}

/// What is to be known of one agent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentTable {
    pub address: String,
    pub languages: Vec<String>,
    pub calendar: Option<String>,
}

/// Customers of one kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TierTable {
    pub domains: Vec<String>,
    pub addresses: Vec<String>,
    pub group: Option<String>,
    pub copy: Option<String>,
    pub raise: u8,
    pub first_response_hours: Option<u32>,
    pub follow_up_hours: Option<u32>,
}

/// What is put above automatic answers for a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticeTable {
    pub text: Option<Wording>,
    pub from: Option<String>,
    pub until: Option<String>,
    pub categories: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplyTable {
    pub enabled: bool,
    pub signed_address: Option<String>,
    pub stale_hours: u32,
    pub trusted_forms: Vec<String>,
    pub never: Vec<String>,
    pub authentication: String,
    pub authentication_servers: Vec<String>,
    pub trusted_arc_sealers: Vec<String>,
    pub verify_dkim: bool,
}

impl Default for ReplyTable {
    fn default() -> ReplyTable {
        ReplyTable {
            enabled: true,
            signed_address: None,
            stale_hours: 72,
            trusted_forms: Vec::new(),
            never: Vec::new(),
            authentication: "budgeted".into(),
            authentication_servers: Vec::new(),
            trusted_arc_sealers: Vec::new(),
            verify_dkim: true,
        }
    }
}

/// How answers are let loose.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutTable {
    pub answers: String,
    pub categories: BTreeMap<String, String>,
    pub rules: BTreeMap<String, String>,
}

impl Default for RolloutTable {
    fn default() -> RolloutTable {
        RolloutTable { answers: "send".into(), categories: BTreeMap::new(), rules: BTreeMap::new() }
    }
}

/// How mails make a case, and how it ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseTable {
    /// A new mail of the same person about the same thing joins an open case that moved within so many days.
    pub same_matter_days: u32,
    /// A mail to a case that was closed longer ago opens a new one, linked to it.
    pub reopen_days: u32,
    /// The one question after closing waits so long.
    pub survey_minutes: u32,
}

impl Default for CaseTable {
    fn default() -> CaseTable {
        CaseTable { same_matter_days: 7, reopen_days: 14, survey_minutes: 30 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetTable {
    pub case_acknowledgements: u32,
    pub case_answers: u32,
    pub case_statuses: u32,
    pub case_added: u32,
    pub sender_hour: u32,
    pub sender_day: u32,
    /// Mails with the same subject that open a case.
    pub subject_day: u32,
    pub domain_hour: u32,
    pub domain_day: u32,
    pub free_mail: Vec<String>,
    pub free_mail_hour: u32,
    pub first_time_day: u32,
    pub unknown_hour: u32,
    pub unknown_day: u32,
    pub global_hour: u32,
    pub global_day: u32,
    /// Forwards about the mails of one sender, and to one agent, before the rest is told in a digest.
    pub forwards_of_hour: u32,
    pub forwards_to_hour: u32,
    pub digest_minutes: u32,
    /// A sender whose mails come so soon after our answers, so often within a day, is a program for so long.
    pub robot_seconds: u32,
    pub robot_times: u32,
    pub robot_days: u32,
    /// How long an address gets no automatic answer after one came back for good or its owner complained.
    pub suppress_days: u32,
}

impl Default for BudgetTable {
    fn default() -> BudgetTable {
        let free = [
            "gmail.com",
            "qq.com",
            "foxmail.com",
            "163.com",
            "126.com",
            "yeah.net",
            "sina.com",
            "sina.cn",
            "sohu.com",
            "139.com",
            "189.cn",
            "aliyun.com",
            "outlook.com",
            "hotmail.com",
            "live.com",
            "yahoo.com",
            "yahoo.co.jp",
            "icloud.com",
            "docomo.ne.jp",
            "ezweb.ne.jp",
            "softbank.ne.jp",
            "gmx.de",
            "web.de",
        ];
        BudgetTable {
            case_acknowledgements: 1,
            case_answers: 3,
            case_statuses: 3,
            case_added: 3,
            sender_hour: 3,
            sender_day: 5,
            subject_day: 1,
            domain_hour: 20,
            domain_day: 100,
            free_mail: free.map(String::from).to_vec(),
            free_mail_hour: 200,
            first_time_day: 2_000,
            unknown_hour: 30,
            unknown_day: 200,
            global_hour: 600,
            global_day: 5_000,
            forwards_of_hour: 20,
            forwards_to_hour: 60,
            digest_minutes: 10,
            robot_seconds: 60,
            robot_times: 3,
            robot_days: 7,
            suppress_days: 30,
        }
    }
}

/// When all automatic answers stop, or slow down. 0 switches a limit off.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerTable {
    pub answers_hour: u32,
    pub times_median: u32,
    /// The median stops nothing below this.
    pub least_hour: u32,
    pub bounce_percent: u32,
    pub slow_percent: u32,
    pub slow_hour: u32,
}

impl Default for BreakerTable {
    fn default() -> BreakerTable {
        BreakerTable {
            answers_hour: 300,
            times_median: 5,
            least_hour: 60,
            bounce_percent: 30,
            slow_percent: 5,
            slow_hour: 10,
        }
    }
}

/// How many days what is kept. 0 keeps it for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepTable {
    /// Mails in the archive, after their case was closed.
    pub mail_days: u32,
    /// Those that could not be read, after their case was closed.
    pub quarantine_days: u32,
    /// The texts of our letters in the journal, after their case was closed.
    pub letter_days: u32,
    /// All that is known of a case, after it was closed.
    pub case_days: u32,
}

impl KeepTable {
    /// Nothing is ever old enough.
    pub fn for_ever() -> KeepTable {
        KeepTable { mail_days: 0, quarantine_days: 0, letter_days: 0, case_days: 0 }
    }
}

impl Default for KeepTable {
    fn default() -> KeepTable {
        KeepTable { mail_days: 90, quarantine_days: 30, letter_days: 90, case_days: 730 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryTable {
    pub give_up_hours: u32,
    pub answer_in_doubt_hours: u32,
}

impl Default for DeliveryTable {
    fn default() -> DeliveryTable {
        DeliveryTable { give_up_hours: 96, answer_in_doubt_hours: 1 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogTable {
    pub level: String,
    pub format: String,
}

impl Default for LogTable {
    fn default() -> LogTable {
        LogTable { level: "info".into(), format: "human".into() }
    }
}
