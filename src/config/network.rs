//! Networks of the organisation, as an admin lists them.

use std::net::IpAddr;

/// `10.0.0.0/8`, `192.168.1.5`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// None if it is no network, or one so wide that it is half the world.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let (all, least) = if address.is_ipv4() { (32, 8) } else { (128, 7) };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
        (least..=all).contains(&bits).then_some(Network { address, bits })
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u32::from(own) ^ u32::from(other)).checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (u128::from(own) ^ u128::from(other)).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_strictly() {
        for good in ["10.0.0.0/8", "192.168.1.5", "fd00::/8", "2001:db8::1/128"] {
            assert!(Network::parse(good).is_some(), "{good}");
        }
        for bad in ["", "0.0.0.0/0", "10.0.0.0/4", "10.0.0.0/33", "::/0", "10.0.0/8", "lan", "10.0.0.0/8/8"] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
        let one = Network::parse("192.168.1.5").unwrap();
        assert!(one.holds("192.168.1.5".parse().unwrap()) && !one.holds("192.168.1.6".parse().unwrap()));
        assert!(one.holds("::ffff:192.168.1.5".parse().unwrap()) && !one.holds("fd00::1".parse().unwrap()));
    }
}
