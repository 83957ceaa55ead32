//! What of flows a set of rules asks for, beside what every flow has: what nobody asks for is not read.

use crate::label::interval::Interval;
use crate::label::model::{Cover, Rule};
use crate::label::side::Hosts;

/// What of flows the rules ask for beside what every flow has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asks {
    /// MAC addresses.
    pub macs: bool,
    /// What flows are known by.
    pub ids: bool,
    /// What is claimed of their packets.
    pub packets: bool,
    /// ICMP errors that quote packets.
    pub icmp_errors: bool,
}

impl Asks {
    /// What rules and covers ask for.
    pub(super) fn of(rules: &[Rule], covers: &[(Interval, Cover)]) -> Self {
        let has_macs = Hosts::ask_for_macs;
        let icmp_errors = rules.iter().any(|rule| rule.icmp_errors);
        Self {
            macs: rules
                .iter()
                .any(|rule| has_macs(&rule.attackers) || has_macs(&rule.victims))
                || covers.iter().any(|(_, cover)| has_macs(&cover.hosts)),
            ids: rules.iter().any(|rule| rule.ids.is_some()),
            packets: icmp_errors || rules.iter().any(Rule::is_of_packets),
            icmp_errors,
        }
    }
}
