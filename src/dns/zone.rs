//! The part of the domain name system that is written down, if any: the resolver is asked for what is not in it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::time::Instant;

use mail_auth::dkim::DomainKey;
use mail_auth::dmarc::DmarcRecord;
use mail_auth::dns::{NoCache, ResolverCache, TxtRecordParser};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{DnsCache, DnsError, Error, Negative, RecordSet, TxtRecord};

/// Stands where the verifier looks before it asks. Empty it knows nothing, and the resolver, which has a cache of its
/// own, is asked; written down it knows everything, and nobody is.
pub struct Zone(Option<HashMap<Box<str>, TxtRecord>>);

impl Zone {
    pub fn asked() -> Zone {
        Zone(None)
    }

    /// All there is: (name, record), or (name, none) for a name about which the servers are silent.
    pub fn of_records(records: &[(&str, Option<&str>)]) -> Zone {
        let read = |name: &str, record: &str| -> TxtRecord {
            match name.contains("._domainkey.") {
                true => DomainKey::parse(record.as_bytes()).into(),
                false => DmarcRecord::parse(record.as_bytes()).into(),
            }
        };
        let silent = || TxtRecord::Error(Error::Dns(DnsError::Resolver("no answer".into())));
        let records = records.iter().map(|(name, record)| {
            (format!("{name}.").into_boxed_str(), record.map_or_else(silent, |record| read(name, record)))
        });
        Zone(Some(records.collect()))
    }
}

impl ResolverCache<Box<str>, TxtRecord> for Zone {
    fn get<Q>(&self, name: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let nothing = || TxtRecord::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)));
        self.0.as_ref().map(|records| records.get(name).cloned().unwrap_or_else(nothing))
    }

    fn remove<Q>(&self, _: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: TxtRecord, _: Instant) {}
}

type Addresses = Result<RecordSet<Ipv4Addr>, Negative>;

impl ResolverCache<Box<str>, Addresses> for Zone {
    fn get<Q>(&self, _: &Q) -> Option<Addresses>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.as_ref().map(|_| Err(Negative { code: ResponseCode::NXDomain }))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Addresses>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Addresses, _: Instant) {}
}

impl DnsCache for Zone {
    type Txt = Zone;
    type Mx = NoCache;
    type Ipv4 = Zone;
    type Ipv6 = NoCache;
    type Ptr = NoCache;

    fn txt(&self) -> Option<&Zone> {
        Some(self)
    }

    fn mx(&self) -> Option<&NoCache> {
        None
    }

    fn ipv4(&self) -> Option<&Zone> {
        Some(self)
    }

    fn ipv6(&self) -> Option<&NoCache> {
        None
    }

    fn ptr(&self) -> Option<&NoCache> {
        None
    }
}
