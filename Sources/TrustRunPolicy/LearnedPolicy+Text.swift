// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension LearnedPolicy {
    /// What the text says besides the policy.
    package struct Context: Sendable {
        /// What was watched: a program's name, `the whole host`. Arguments may be secret, and a policy is not.
        package var subject: String
        /// The host's name; nil: not known.
        package var host: String?
        /// Events that are missing from what was seen.
        package var lost: UInt64

        package init(subject: String, host: String?, lost: UInt64) {
            self.subject = subject
            self.host = host
            self.lost = lost
        }
    }

    private static let commentMax = 200

    /// A document that loads as `policy`, with what each part rests on in comments; without those of rules if there is no room for them.
    package func text(_ context: Context) -> String {
        let whole = text(context, isCommented: true)
        return whole.utf8.count <= PolicyLoader.maximumByteCount ? whole : text(context, isCommented: false)
    }

    private func text(_ context: Context, isCommented: Bool) -> String {
        var lines = head(context)
        lines.append("name: \(PrintableText.quoted(name))")
        if !resolvers.isEmpty {
            lines.append("resolvers:")
            for resolver in resolvers {
                lines.append("  - \"\(resolver.address)\" # \(Self.basis(of: resolver.sightings, isNamed: nil))")
            }
        }
        if shapes.contains(where: { entry in entry.shape.ports?.contains { range in range.contains(53) } == true }) {
            lines.append(
                "# Something went to port 53 of an address that answered no query, which is refused otherwise.")
            lines.append("dns: open")
        }
        if let inbound {
            lines.append("# Others connected in: \(Self.basis(of: inbound, isNamed: nil)).")
            lines.append("inbound: allow")
        }
        lines.append(shapes.isEmpty ? "rules: []" : "rules:")
        for entry in shapes { lines += Self.rule(entry.shape, entry.targets, isCommented: isCommented) }
        lines.append("defaults: { action: \(defaultAction.text) }")
        return lines.joined(separator: "\n") + "\n"
    }

    private func head(_ context: Context) -> [String] {
        let subject = PrintableText.of(context.subject, maximum: Self.commentMax)
        let host = context.host.map { host in " on \(PrintableText.of(host, maximum: 64))" } ?? ""
        var lines = [
            "# Learned from \(subject)\(host).",
            "# It allows what was seen there and nothing else: read it before you rely on it.",
        ]
        if context.lost > 0 {
            lines.append("# INCOMPLETE: \(context.lost) events were lost, and what they told of may be missing here.")
        }
        if leftOut > 0 {
            lines.append(
                "# INCOMPLETE: \(leftOut) connections went to further destinations than the \(PolicyLearner.destinationsMax) kept."
            )
        }
        if shapes.contains(where: { entry in entry.shape.process != nil }) {
            lines.append(
                "# `process` narrows a rule and is no security boundary: other code can run in that executable.")
        }
        return lines
    }

    private static func rule(_ shape: Shape, _ targets: [Target], isCommented: Bool) -> [String] {
        var lines: [String] = []
        if targets.count == 1 {
            if isCommented { lines.append("  # \(basis(of: targets[0].sightings, isNamed: targets[0].isName))") }
            lines.append("  - match: \(PrintableText.quoted(targets[0].pattern.text))")
        } else {
            lines.append("  - match:")
            for target in targets {
                let comment = isCommented ? " # \(basis(of: target.sightings, isNamed: target.isName))" : ""
                lines.append("      - \(PrintableText.quoted(target.pattern.text))\(comment)")
            }
        }
        if let ports = shape.ports {
            lines.append("    ports: [\(ports.map { port in portText(port) }.joined(separator: ", "))]")
        }
        lines.append("    protocol: \(shape.transport.policyWord)")
        if let process = shape.process { lines.append("    process: \(PrintableText.quoted(process))") }
        if shape.verify == .address {
            lines.append("    verify: address # no server name was sent that could be compared")
        }
        lines.append("    action: allow")
        return lines
    }

    private static func portText(_ ports: ClosedRange<UInt16>) -> String {
        ports.count == 1 ? ports.portText : "\"\(ports.portText)\""
    }

    /// How often and when, and what the name rests on; `isNamed` is nil where names do not matter.
    private static func basis(of sightings: Sightings, isNamed: Bool?) -> String {
        let first = second(sightings.first)
        let last = second(sightings.last)
        var text = "\(sightings.count) \(sightings.count == 1 ? "connection" : "connections"), \(first)"
        if last != first { text += " to \(last)" }
        guard let isNamed else { return text }
        if isNamed {
            text += sightings.sources.contains(.dnsAndSNI) ? ", named by dns+sni" : ", named by dns"
            if !sightings.others.isEmpty { text += ", or one of: \(list(sightings.others))" }
        } else if !sightings.claims.isEmpty {
            text +=
                ", named \(list(sightings.claims)) by the client alone: no DNS answer for it was seen, so the address stands here"
        } else {
            text += ", no name"
        }
        return text
    }

    private static func list(_ names: Set<String>) -> String {
        let sorted = names.sorted()
        let shown = sorted.prefix(4).joined(separator: ", ")
        return sorted.count > 4 ? "\(shown) and \(sorted.count - 4) more" : shown
    }

    /// A time without the parts of a second.
    private static func second(_ time: String) -> String {
        guard let dot = time.firstIndex(of: ".") else { return PrintableText.of(time, maximum: 40) }
        return PrintableText.of(String(time[..<dot]), maximum: 40) + "Z"
    }
}

extension LearnedPolicy.Target {
    fileprivate var isName: Bool {
        switch pattern {
        case .name: true
        case .network, .any: false
        }
    }
}
