// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import Yams

extension DocumentDecoder {
    /// What the document states besides its rules.
    func settings(_ members: [String: Node]) throws(PolicyError) -> PolicySettings {
        var settings = PolicySettings()
        if let node = members["capture_level"] {
            settings.captureLevel = .init(try word(node, "capture_level"), origin: origin(node))
        }
        if let node = members["dns"] {
            let lookup: PolicySettings.NameLookup = try word(node, "dns")
            settings.dns = .init(lookup, origin: origin(node))
        }
        if let node = members["ech"] { settings.ech = .init(try word(node, "ech"), origin: origin(node)) }
        if let node = members["inbound"] { settings.inbound = .init(try word(node, "inbound"), origin: origin(node)) }
        if let node = members["binding_grace"] {
            settings.bindingGraceSeconds = .init(try seconds(node), origin: origin(node))
        }
        if let node = members["resolvers"] { settings.resolvers = .init(try resolvers(node), origin: origin(node)) }
        if let node = members["unix_sockets"] {
            settings.unixSockets = .init(try unixSockets(node), origin: origin(node))
        }
        if let node = members["content"] {
            for rule in try list(node, "content rules") { settings.content.append(try contentRule(rule)) }
        }
        if let node = members["defaults"] {
            guard let action = try self.members(of: node, "defaults", keys: ["action"])["action"] else {
                throw yaml.error(node.mark, "defaults without `action`; expected allow, alert, block or kill")
            }
            settings.defaultAction = .init(try self.action(action), origin: origin(action))
        }
        return settings
    }

    private func resolvers(_ node: Node) throws(PolicyError) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for element in try elements(node, "addresses of resolvers") {
            let text = try text(element, "the address of a resolver")
            guard let address = IPAddress(text: text) else {
                throw yaml.error(element.mark, "`\(text)` is no address; expected one such as 10.0.0.53 or fd00::53")
            }
            addresses.append(address)
        }
        return addresses
    }

    private func unixSockets(_ node: Node) throws(PolicyError) -> [UnixPath] {
        var paths: [UnixPath] = []
        for element in try list(node, "paths of unix sockets") {
            let text = try text(element, "the path of a unix socket")
            guard let path = UnixPath(text: text) else {
                throw yaml.error(
                    element.mark,
                    "`\(text)` is no path of a unix socket; expected an absolute one of at most \(UnixPath.maximumByteCount) bytes such as "
                        + "/run/postgresql/.s.PGSQL.5432, or a folder with a slash at its end such as /run/postgresql/")
            }
            if !paths.contains(path) { paths.append(path) }
        }
        guard paths.count <= UnixPath.maximumCount else {
            throw yaml.error(
                node.mark, "\(paths.count) paths; expected at most \(UnixPath.maximumCount): name folders")
        }
        return paths
    }

    func seconds(_ node: Node) throws(PolicyError) -> UInt32 {
        let text = try text(node, "a time such as 30s, 10m or 1h")
        let factors: [Character: UInt32] = ["s": 1, "m": 60, "h": 3600]
        guard let unit = text.last, let factor = factors[unit],
            let number = Self.number(text.dropLast(), in: 0...Int(UInt32.max / factor))
        else { throw yaml.error(node.mark, "time `\(text)`; expected a number with s, m or h such as 30s, 10m or 1h") }
        return UInt32(number) * factor
    }

    private func contentRule(_ node: Node) throws(PolicyError) -> ContentRule {
        let members = try members(of: node, "a content rule", keys: ["when", "action", "reason"])
        guard let whenNode = members["when"], let actionNode = members["action"] else {
            throw yaml.error(node.mark, "a content rule without `when` or `action`; expected both")
        }
        let conditions = try self.members(of: whenNode, "when", keys: ["finding", "destination"])
        guard let findingNode = conditions["finding"] else {
            throw yaml.error(whenNode.mark, "when without `finding`; expected kinds of findings such as pii")
        }
        var findings: [String] = []
        for element in try elements(findingNode, "kinds of findings") { findings.append(try finding(element)) }
        var destination = Destination.any
        if let node = conditions["destination"] { destination = try word(node, "destination") }
        let action = try action(actionNode)
        guard action != .allow else {
            throw yaml.error(actionNode.mark, "action `allow` for content; expected one of alert, block, kill")
        }
        var reason: String?
        if let node = members["reason"] { reason = try text(node, "a reason") }
        return ContentRule(
            findings: findings, isNotAllowedOnly: destination == .notAllowed, action: action, reason: reason,
            origin: origin(node))
    }

    private func finding(_ node: Node) throws(PolicyError) -> String {
        let text = try text(node, "a kind of findings", maximum: 64)
        guard text.utf8.allSatisfy(Self.isFindingByte) else {
            throw yaml.error(
                node.mark, "finding `\(text)`; expected lower-case letters, digits, hyphens and underscores")
        }
        return text
    }

    private static func isFindingByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private enum Destination: String, CaseIterable {
        case notAllowed = "not-allowed"
        case any
    }
}
