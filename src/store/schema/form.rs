//! How a type of ours gets its form on disk: as a text, or as the mirror of its shape.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::address::{Address, ReversePath};
use crate::case::{Alarm, CaseState, Cause, Lesson, Load, Milestone, Prints, Priority, Said, Scope, Topic, Twin};
use crate::ids::{CaseNumber, CategoryId, GroupId, MailHash, MailboxName, MessageId, RequestId, TemplateName};
use crate::language::Language;
use crate::outgoing::Purpose;

/// A type of ours that has a form on disk.
pub(in crate::store) trait OnDisk: Sized {
    fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// A value in its form on disk.
pub(in crate::store) struct As<T>(pub T);

impl<T: OnDisk> Serialize for As<&T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.put(to)
    }
}

impl<'de, T: OnDisk> Deserialize<'de> for As<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<As<T>, D::Error> {
        T::take(from).map(As)
    }
}

impl<T: OnDisk> OnDisk for Box<T> {
    fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).put(to)
    }

    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::take(from).map(Box::new)
    }
}

/// Is it what a reader takes where the field is missing?
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `#[serde(with = "one")]`: one value; `maybe`: one or none; `list`: any number.
pub(super) mod one {
    use super::*;

    pub fn serialize<T: OnDisk, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.put(to)
    }

    pub fn deserialize<'de, T: OnDisk, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::take(from)
    }
}

pub(super) mod maybe {
    use super::*;

    pub fn serialize<T: OnDisk, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(As).serialize(to)
    }

    pub fn deserialize<'de, T: OnDisk, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<As<T>>::deserialize(from)?.map(|As(value)| value))
    }
}

pub(super) mod list {
    use super::*;

    pub fn serialize<T: OnDisk, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(As))
    }

    pub fn deserialize<'de, T: OnDisk, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
        let values = Vec::<As<T>>::deserialize(from)?;
        Ok(values.into_iter().map(|As(value)| value).collect())
    }
}

/// Types that stand on disk as one text, with how it is written and read.
macro_rules! texts {
    ($($type:ty: |$value:ident| $write:expr, |$text:ident| $read:expr;)*) => {$(
        impl OnDisk for $type {
            fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                to.serialize_str($write.as_ref())
            }

            fn take<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                let text = String::deserialize(from)?;
                let $text = text.as_str();
                let read: Option<$type> = $read;
                read.ok_or_else(|| de::Error::custom(format!("`{text}` is not a {}", stringify!($type))))
            }
        }
    )*};
}

texts! {
    MessageId: |id| id.as_str(), |text| MessageId::parse(text);
    RequestId: |id| id.as_str(), |text| RequestId::parse(text);
    MailHash: |hash| hash.to_string(), |text| MailHash::parse(text);
    Twin: |twin| twin.0.to_string(), |text| MailHash::parse(text).map(Twin);
    CaseNumber: |number| number.compact(), |text| CaseNumber::parse(text);
    MailboxName: |name| name.as_str(), |text| MailboxName::parse(text).ok();
    CategoryId: |name| name.as_str(), |text| CategoryId::parse(text).ok();
    GroupId: |name| name.as_str(), |text| GroupId::parse(text).ok();
    TemplateName: |name| name.as_str(), |text| TemplateName::parse(text).ok();
    Address: |address| address.to_string(), |text| Address::parse(text).ok();
    Language: |language| language.as_str(), |text| Language::parse(text);
    Scope: |scope| scope.key(), |text| Scope::parse(text);
    Said: |said| said.to_string(), |text| Said::parse(text);
    Topic: |topic| topic.to_string(), |text| Topic::parse(text);
    Milestone: |milestone| milestone.as_str(),
        |text| Milestone::ALL.into_iter().find(|milestone| milestone.as_str() == text);
    Prints: |prints| prints.to_string(), |text| Prints::parse(text);
    Lesson: |lesson| lesson.to_string(), |text| Lesson::parse(text);
    Load: |load| load.to_string(), |text| Load::parse(text);
    Priority: |priority| priority.as_str(),
        |text| Priority::ALL.into_iter().find(|priority| priority.as_str() == text);
    Alarm: |alarm| alarm.as_str(), |text| Alarm::ALL.into_iter().find(|alarm| alarm.as_str() == text);
    CaseState: |state| state.as_str(),
        |text| CaseState::ALL.into_iter().find(|state| state.as_str() == text);
    Cause: |cause| cause.as_str(),
        |text| Cause::ALL.into_iter().find(|cause| cause.as_str() == text);
    Purpose: |purpose| purpose.as_str(),
        |text| Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text);
    // The null reverse-path is an empty text.
    ReversePath: |path| match path {
        ReversePath::Null => String::new(),
        ReversePath::Address(address) => address.to_string(),
    }, |text| match text {
        "" => Some(ReversePath::Null),
        text => Address::parse(text).ok().map(ReversePath::Address),
    };
}

/// Types that stand on disk as the mirror of the same shape below.
macro_rules! mirrors {
    ($($type:ty: $mirror:ident,)*) => {$(
        impl OnDisk for $type {
            fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $mirror::serialize(self, to)
            }

            fn take<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                $mirror::deserialize(from)
            }
        }
    )*};
}

pub(super) use mirrors;
