// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import Yams

extension DocumentDecoder {
    static let ruleKeys = ["match", "action", "reason", "ports", "protocol", "process", "verify", "source", "checked"]

    /// A rule; nil if it needs a parameter that is not set.
    func rule(_ node: Node, number: Int) throws(PolicyError) -> Rule? {
        let keys = parameters == nil ? Self.ruleKeys : Self.ruleKeys + ["needs"]
        let members = try members(of: node, "a rule", keys: keys)
        guard let matchNode = members["match"] else {
            throw yaml.error(node.mark, "a rule without `match`; expected a host name, glob, address, CIDR or `any`")
        }
        guard let actionNode = members["action"] else {
            throw yaml.error(node.mark, "a rule without `action`; expected allow, alert, block or kill")
        }
        if let needs = members["needs"], try !isMet(needs) { return nil }
        var rule = Rule(
            id: "#\(number)", patterns: try patterns(matchNode), action: try action(actionNode), origin: origin(node))
        if let node = members["ports"] { rule.ports = try ports(node) }
        if let node = members["protocol"] { rule.transport = try transport(node) }
        if let node = members["process"] { rule.process = try process(node) }
        if let node = members["verify"] { rule.verify = try word(node, "verification") }
        if let node = members["reason"] { rule.reason = try reason(node) }
        if let node = members["source"] { rule.source = try source(node) }
        if let node = members["checked"] { rule.checked = try date(node) }
        return rule
    }

    private func reason(_ node: Node) throws(PolicyError) -> String {
        let reason = try expanded(node, "a reason").joined(separator: ", ")
        guard reason.utf8.count <= Self.maximumTextByteCount else {
            throw yaml.error(
                node.mark, "a reason of \(reason.utf8.count) bytes; expected at most \(Self.maximumTextByteCount)")
        }
        return reason
    }

    private func patterns(_ node: Node) throws(PolicyError) -> [Pattern] {
        var patterns: [Pattern] = []
        for element in try elements(node, "a host name, glob, address, CIDR or `any`") {
            for text in try expanded(element, "a host name, glob, address, CIDR or `any`") {
                do {
                    patterns.append(try Pattern(text: text))
                } catch {
                    throw yaml.error(element.mark, error.message)
                }
            }
        }
        return patterns
    }

    func action(_ node: Node) throws(PolicyError) -> PolicyAction {
        let text = try text(node, "an action: allow, alert, block, kill")
        guard let action = PolicyAction(text: text) else {
            throw yaml.error(node.mark, "unknown action `\(text)`; expected one of allow, alert, block, kill")
        }
        return action
    }

    private func transport(_ node: Node) throws(PolicyError) -> TransportProtocol {
        switch try text(node, "a protocol: tcp, udp") {
        case "tcp": return .tcp
        case "udp": return .udp
        case let text: throw yaml.error(node.mark, "unknown protocol `\(text)`; expected one of tcp, udp")
        }
    }

    private func process(_ node: Node) throws(PolicyError) -> PathGlob {
        let text = try text(node, "a glob on the executable's path")
        guard text.hasPrefix("/") || text.hasPrefix("*") else {
            throw yaml.error(
                node.mark, "process `\(text)` is no whole path; expected one such as /usr/bin/curl or */curl")
        }
        return PathGlob(text)
    }

    private func source(_ node: Node) throws(PolicyError) -> String {
        let text = try text(node, "the address of a page")
        guard text.hasPrefix("https://") || text.hasPrefix("http://"), !text.contains(where: \.isWhitespace) else {
            throw yaml.error(node.mark, "source `\(text)` is no address of a page; expected https://...")
        }
        return text
    }

    private func date(_ node: Node) throws(PolicyError) -> String {
        let text = try text(node, "a date, YYYY-MM-DD")
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let days = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard parts.map(\.utf8.count) == [4, 2, 2], let month = Self.number(parts[1], in: 1...12),
            Self.number(parts[0], in: 1...9999) != nil, Self.number(parts[2], in: 1...days[month]) != nil
        else { throw yaml.error(node.mark, "date `\(text)`; expected YYYY-MM-DD") }
        return text
    }
}

// MARK: - Ports

extension DocumentDecoder {
    private func ports(_ node: Node) throws(PolicyError) -> [ClosedRange<UInt16>] {
        var ranges: [ClosedRange<UInt16>] = []
        for element in try elements(node, "ports") {
            let text = try text(element, "a port or a range such as 8000-8999")
            let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = Self.number(ends[0], in: 0...Int.max),
                let last = Self.number(ends[ends.count - 1], in: 0...Int.max)
            else { throw yaml.error(element.mark, "port `\(text)`; expected a number or a range such as 8000-8999") }
            guard (1...65535).contains(first), (1...65535).contains(last) else {
                throw yaml.error(element.mark, "port `\(text)` is out of range; expected 1 to 65535")
            }
            guard first <= last else {
                throw yaml.error(element.mark, "range `\(text)` is reversed; expected \(last)-\(first)")
            }
            ranges.append(UInt16(first)...UInt16(last))
        }
        return ranges
    }

    /// Decimal digits alone.
    static func number(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ byte in (0x30...0x39).contains(byte) }) else { return nil }
        // What is too large for an Int is out of any range.
        let number = Int(text) ?? Int.max
        return range.contains(number) ? number : nil
    }
}
