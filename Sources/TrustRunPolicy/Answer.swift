// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What a candidate says once it is known to fit, in 32 bits: so that the value of an address can be the answer itself, with the number of
/// what it requires, and nothing else has to be looked up.
struct Answer: Sendable {
    /// From the right: the action, two bits; whether it precedes names; two bits of all ones for the default action; the rule, or 0, 20 bits;
    /// the requirement, five bits.
    let bits: UInt32

    private static let precedesNamesBit: UInt32 = 4
    private static let defaultBits: UInt32 = 24
    /// Set in each answer and in no list's number; below the highest bit, which an `AddressIndex` keeps for itself.
    private static let mark: UInt32 = 1 << 30

    /// From an address' value; nil if that is the number of a list.
    @inline(__always) init?(value: UInt32) {
        guard value & Self.mark != 0 else { return nil }
        bits = value
    }

    /// Of the candidate at a place of `CandidateLists`; that at 0 stands for the default action. `requirement` is its number, less than
    /// 32.
    @inline(__always) init(_ candidate: Candidate, at place: Int, requirement: Int = 0) {
        let precedesNames = candidate.conditions.contains(.precedesNames) ? Self.precedesNamesBit : 0
        let rule = place == 0 ? Self.defaultBits : candidate.rule << 5
        bits = Self.mark | UInt32(requirement) << 25 | rule | precedesNames | Self.number(of: candidate.action)
    }

    /// The rule; 0 for the default action.
    @inline(__always) var rule: Int { Int(bits >> 5 & 0xfffff) }

    /// The number of what it requires, for `CandidateLists.requirements`.
    @inline(__always) var requirement: Int { Int(bits >> 25 & 31) }

    @inline(__always) var precedesNames: Bool { bits & Self.precedesNamesBit != 0 }

    @inline(__always) var isDefault: Bool { bits & Self.defaultBits != 0 }

    /// Without a branch on whether a rule answers, since that cannot be foreseen.
    @inline(__always) var decision: Decision {
        Decision(action: action, basis: basis, rule: isDefault ? nil : rule)
    }

    // Switches that need no instruction, nor a call into another module.
    @inline(__always) private var action: PolicyAction {
        switch bits & 3 {
        case 0: .allow
        case 1: .alert
        case 2: .block
        default: .kill
        }
    }

    @inline(__always) private var basis: DecisionBasis {
        switch bits >> 3 & 3 {
        case 0: .address
        case 1: .name
        case 2: .any
        default: .defaults
        }
    }

    @inline(__always) private static func number(of action: PolicyAction) -> UInt32 {
        switch action {
        case .allow: 0
        case .alert: 1
        case .block: 2
        case .kill: 3
        }
    }
}
