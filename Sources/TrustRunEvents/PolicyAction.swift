// SPDX-License-Identifier: Apache-2.0

/// What a policy says of a destination, the most permissive first.
package enum PolicyAction: UInt8, CaseIterable, Comparable, Sendable {
    /// Authorised.
    case allow
    /// Let through, and recorded as a violation.
    case alert
    /// Refused (EPERM).
    case block
    /// Refused, and the process gets SIGKILL.
    case kill

    /// The word in policies and in the stream.
    package var text: StaticString {
        switch self {
        case .allow: "allow"
        case .alert: "alert"
        case .block: "block"
        case .kill: "kill"
        }
    }

    package init?(text: String) {
        guard let action = Self.allCases.first(where: { action in "\(action.text)" == text }) else { return nil }
        self = action
    }

    /// Whether the connection is made.
    package var letsThrough: Bool { self <= .alert }

    package static func < (left: PolicyAction, right: PolicyAction) -> Bool { left.rawValue < right.rawValue }
}
