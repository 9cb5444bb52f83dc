// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

// Lints that look at one rule at a time, and at the settings.
extension PolicyLint {
    private var defaultAction: PolicyAction { policy.settings.defaultAction.value }

    /// `0.0.0.0/0` without `::/0`, or the reverse, where the other family ends otherwise.
    func singleFamilies() -> [PolicyFinding] {
        policy.rules.flatMap { rule in
            rule.networks.filter { network in network.length == 0 }.compactMap { network -> PolicyFinding? in
                let hasOther = policy.rules.contains { other in
                    other.action == rule.action
                        && other.networks.contains { candidate in
                            candidate.length == 0 && candidate.isIPv4 != network.isIPv4
                        }
                }
                let fallback = policy.rules.first { other in other.patterns.contains(.any) && other.isUnconditional }
                guard !hasOther, (fallback?.action ?? defaultAction) != rule.action else { return nil }
                let (this, other, all) = network.isIPv4 ? ("IPv4", "IPv6", "::/0") : ("IPv6", "IPv4", "0.0.0.0/0")
                return finding(
                    .oneAddressFamily, rule,
                    """
                    \(network) is \(this) alone, and \(other) destinations end with \
                    \(fallback.map { rule in "\(rule.id), " } ?? "the default, ")\(fallback?.action.text ?? defaultAction.text); \
                    add \(all), or write `any`
                    """)
            }
        }
    }

    /// UDP by name, for which there is nothing to check a name against.
    func ineffectiveUDP() -> [PolicyFinding] {
        policy.rules.filter { rule in
            rule.isPermitting && rule.transport == .udp && rule.verify == .name && !rule.names.isEmpty
        }.map { rule in
            finding(
                .udpNameWithoutAddress, rule,
                """
                UDP carries no server name that could be checked, so the names of this rule take no part; add `verify: address` if the \
                address is enough, or drop the rule: programs fall back to TCP
                """)
        }
    }

    /// Whose connections do not begin with TLS, by convention: FTP, SSH, telnet, SMTP, HTTP, POP3, IMAP, LDAP, submission, MySQL, PostgreSQL, Redis.
    private static let plainPorts: Set<UInt16> = [21, 22, 23, 25, 80, 110, 143, 389, 587, 3306, 5432, 6379]

    /// Names on ports where no server name is sent that could be checked.
    func plainPorts() -> [PolicyFinding] {
        policy.rules.filter { rule in
            guard rule.isPermitting, rule.transport != .udp, rule.verify == .name, !rule.names.isEmpty,
                let ports = rule.ports
            else { return false }
            return ports.allSatisfy { range in range.count == 1 && Self.plainPorts.contains(range.lowerBound) }
        }.map { rule in
            finding(
                .plainPortByName, rule,
                """
                connections to these ports do not begin with TLS by convention, so no server name can be checked, and where the policy is \
                enforced they are refused at their first byte; add `verify: address` if the address is enough
                """)
        }
    }

    func processBoundaries() -> [PolicyFinding] {
        let rules = policy.rules.filter { rule in rule.action == .allow && rule.process != nil }
        return findingsByDocument(.processIsNoBoundary, .note, rules) { _, others in
            """
            `process` narrows this allow rule\(others), but is no security boundary: whoever can run that program (an interpreter, curl, with \
            LD_PRELOAD anything) connects as it
            """
        }
    }

    /// Blocking by name where the default lets through.
    func nameBlocks() -> [PolicyFinding] {
        guard defaultAction.letsThrough else { return [] }
        let rules = policy.rules.filter { rule in !rule.isPermitting && !rule.names.isEmpty }
        return findingsByDocument(.nameBlockUnderPermittingDefault, .warning, rules) { rule, others in
            """
            \(rule.action.text) by name\(others) while the default is \(defaultAction.text): not all addresses of a name are ever known, so a \
            program that knows another one connects; allow what is needed and set `defaults: { action: block }`
            """
        }
    }

    /// Blocking IPv4 addresses where the default lets through, and IPv6 addresses that stand for them too.
    func addressBlocks() -> [PolicyFinding] {
        guard defaultAction.letsThrough, !policy.rules.contains(where: { rule in rule.blocks6to4 }) else { return [] }
        // Of a whole family `singleFamilies` speaks.
        let rules = policy.rules.filter { rule in
            !rule.isPermitting && rule.networks.contains { network in network.isIPv4 && network.length > 0 }
        }
        return findingsByDocument(.addressBlockUnderPermittingDefault, .note, rules) { rule, others in
            """
            \(rule.action.text) by IPv4 address\(others) while the default is \(defaultAction.text): IPv6 addresses that a network translates or \
            tunnels to it are not refused; inherit preset:transition-addresses, or set `defaults: { action: block }`
            """
        }
    }

    func alerts() -> [PolicyFinding] {
        let alerts = policy.rules.filter { rule in rule.action == .alert && rule.patterns != [.any] }
        guard let first = alerts.first else { return [] }
        guard policy.rules.contains(where: { rule in rule.action == .allow }) || defaultAction == .allow else {
            let count = alerts.count == 1 ? "" : " (and \(alerts.count - 1) more)"
            return [
                finding(
                    .alertIsNoAllow, first,
                    """
                    nothing is allowed by this policy: `alert`\(count) lets a connection through and records it as a violation; write \
                    `action: allow` for what is authorised
                    """)
            ]
        }
        guard !defaultAction.letsThrough else { return [] }
        return findingsByDocument(.alertUnderBlockingDefault, .note, alerts) { _, others in
            """
            `alert` lets the connection through\(others), which the default (\(defaultAction.text)) would refuse; leave the rule out if it \
            should be refused
            """
        }
    }

    /// Any name may be looked up although the default blocks.
    func openDNS() -> [PolicyFinding] {
        guard policy.settings.dns.value == .open, !defaultAction.letsThrough else { return [] }
        return [
            PolicyFinding(
                code: .openDNS, severity: .warning, rule: nil, origin: policy.settings.dns.origin,
                message: """
                    `dns: open` lets programs look up any name, and data can leave in names; set `dns: strict`, or leave it out: that is what a \
                    blocking default implies
                    """)
        ]
    }
}

extension Rule {
    /// Whether it takes part for every destination that its patterns match.
    var isUnconditional: Bool { ports == nil && transport == nil && process == nil }
}

extension Rule {
    /// RFC 3056: 2002::/16, and wider ones.
    fileprivate var blocks6to4: Bool {
        let first = IPAddress(high: 0x2002 << 48, low: 0)
        return !isPermitting && networks.contains { network in network.length <= 16 && network.contains(first) }
    }
}
