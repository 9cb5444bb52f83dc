// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A whole policy as one document, with where each part of it was stated. Its text loads again as an equal policy.
package struct PolicyDescription {
    private let policy: Policy
    private var lines: [String] = []

    package init(_ policy: Policy) {
        self.policy = policy
        writeHead()
        writeSettings()
        writeContent()
        writeRules()
    }

    /// YAML, with comments that say where each part was stated.
    package var text: String { lines.joined(separator: "\n") + "\n" }

    private mutating func writeHead() {
        lines.append("# Everything that applies, of these documents, the first one's before the others':")
        for document in policy.documents {
            var label = document.label
            if let preset = document.preset { label = preset.text }
            lines.append("#   \(PrintableText.of(label))")
        }
        lines.append("name: \(PrintableText.quoted(policy.name))")
        if let description = policy.description { lines.append("description: \(PrintableText.quoted(description))") }
    }

    private mutating func writeSettings() {
        let settings = policy.settings
        write("capture_level", settings.captureLevel.value.rawValue, settings.captureLevel.origin)
        let resolvers = settings.resolvers.value.map { list in
            list.map { address in "\"\(address)\"" }.joined(separator: ", ")
        }
        write("resolvers", resolvers.map { list in "[\(list)]" } ?? "those of resolv.conf", settings.resolvers.origin)
        write("dns", settings.nameLookup.rawValue, settings.dns.origin)
        write("ech", settings.ech.value.rawValue, settings.ech.origin)
        write("inbound", settings.inbound.value.rawValue, settings.inbound.origin)
        write("binding_grace", Self.time(settings.bindingGraceSeconds.value), settings.bindingGraceSeconds.origin)
        let paths = settings.unixSockets.value.map { list in
            list.map { path in PrintableText.quoted(path.text) }.joined(separator: ", ")
        }
        write("unix_sockets", paths.map { list in "[\(list)]" } ?? "any", settings.unixSockets.origin)
        write("defaults", "{ action: \(settings.defaultAction.value.text) }", settings.defaultAction.origin)
    }

    /// A line, or a comment if the value is a default: stated, it would be another policy's.
    private mutating func write(_ key: String, _ value: String, _ origin: Origin?) {
        lines.append(origin.map { origin in "\(key): \(value) # \(place(origin))" } ?? "# \(key): \(value) (default)")
    }

    private mutating func writeContent() {
        guard !policy.settings.content.isEmpty else { return }
        lines.append("content:")
        for rule in policy.settings.content {
            let findings = rule.findings.map(PrintableText.quoted).joined(separator: ", ")
            lines.append("  # \(place(rule.origin))")
            lines.append(
                "  - when: { finding: [\(findings)], destination: \(rule.isNotAllowedOnly ? "not-allowed" : "any") }")
            lines.append("    action: \(rule.action.text)")
            if let reason = rule.reason { lines.append("    reason: \(PrintableText.quoted(reason))") }
        }
    }

    private mutating func writeRules() {
        lines.append(policy.rules.isEmpty ? "rules: []" : "rules:")
        for rule in policy.rules {
            lines.append("  # \(PrintableText.of(rule.id)), \(place(rule.origin))")
            let patterns = rule.patterns.map { pattern in PrintableText.quoted(pattern.text) }
            if patterns.count == 1 {
                lines.append("  - match: \(patterns[0])")
            } else {
                lines.append("  - match:")
                for pattern in patterns { lines.append("      - \(pattern)") }
            }
            if let ports = rule.ports {
                lines.append("    ports: [\(ports.map(\.portText).joined(separator: ", "))]")
            }
            if let transport = rule.transport { lines.append("    protocol: \(transport.policyWord)") }
            if let process = rule.process { lines.append("    process: \(PrintableText.quoted(process.text))") }
            if rule.verify != .name { lines.append("    verify: \(rule.verify.rawValue)") }
            lines.append("    action: \(rule.action.text)")
            if let reason = rule.reason { lines.append("    reason: \(PrintableText.quoted(reason))") }
            if let source = rule.source { lines.append("    source: \(PrintableText.quoted(source))") }
            if let checked = rule.checked { lines.append("    checked: \(checked)") }
        }
    }

    /// `label:line`.
    private func place(_ origin: Origin) -> String {
        guard policy.documents.indices.contains(origin.document) else { return "line \(origin.line)" }
        return "\(PrintableText.of(policy.documents[origin.document].label)):\(origin.line)"
    }
}

extension PolicyDescription {
    private static func time(_ seconds: UInt32) -> String {
        if seconds > 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds > 0, seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }
}

extension PolicySettings {
    /// What `dns` comes to: what is stated, else `strict` if the default action refuses.
    package var nameLookup: NameLookup { dns.value ?? (defaultAction.value.letsThrough ? .open : .strict) }
}

extension Pattern {
    /// As `match` says it.
    package var text: String {
        switch self {
        case .any: "any"
        case .network(let network): "\(network)"
        // The dot tells the host of that name from the word.
        case .name(let name): name.text == "any" ? "any." : name.text
        }
    }
}

extension ClosedRange<UInt16> {
    /// As `ports` says it: `443` or `8000-8999`.
    package var portText: String {
        lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)-\(upperBound)"
    }
}

extension TransportProtocol {
    /// As `protocol` says it.
    package var policyWord: StaticString {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        }
    }
}
