// SPDX-License-Identifier: Apache-2.0

/// Something about a policy that its writer should know: it loads, but does less, or lets through more, than it seems to.
package struct PolicyFinding: Sendable, Hashable {
    package var code: Code
    package var severity: Severity
    /// The id of the rule that it is about; nil: the policy as a whole.
    package var rule: String?
    package var origin: Origin?
    /// What it is and what to do about it.
    package var message: String

    package enum Severity: String, Sendable, CaseIterable {
        /// Worth knowing; may well be meant.
        case note
        /// More is let through than seems meant, or a rule has no effect.
        case warning
    }

    /// Never renamed, so that scripts can rely on them.
    package enum Code: String, Sendable, CaseIterable {
        case rentableWildcard = "rentable-wildcard"
        case publicResolverAllowed = "public-resolver-allowed"
        case unreachableRule = "unreachable-rule"
        case unreachablePattern = "unreachable-pattern"
        case oneAddressFamily = "one-address-family"
        case nameBlockUnderPermittingDefault = "name-block-under-permitting-default"
        case addressBlockUnderPermittingDefault = "address-block-under-permitting-default"
        case alertIsNoAllow = "alert-is-no-allow"
        case alertUnderBlockingDefault = "alert-under-blocking-default"
        case processIsNoBoundary = "process-is-no-boundary"
        case udpNameWithoutAddress = "udp-name-without-address"
        case plainPortByName = "plain-port-by-name"
        case openDNS = "open-dns"
    }

    /// `file:line:column: warning: message [code]`
    package func text(in policy: Policy) -> String {
        var place = policy.documents.first?.label ?? policy.name
        if let origin, policy.documents.indices.contains(origin.document) {
            place = "\(policy.documents[origin.document].label):\(origin.line):\(origin.column)"
        }
        return PrintableText.of("\(place): \(severity.rawValue): \(message) [\(code.rawValue)]")
    }
}
