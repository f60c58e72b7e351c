//! Reports that mail systems write: RFC 3464 delivery reports, RFC 5965 abuse reports, RFC 8098 disposition
//! notifications, DMARC and TLS reports.

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Delivery,
}
