// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import TrustRunEvents

/// Reads recorded events line by line. The same name is the same object in all of them.
package final class RecordedEventReader {
    package static let schema = "trustrun.event.v1"
    /// The longest line that is read.
    package static let lineMax = 1 << 20
    private static let namesMax = 65536

    private let decoder = JSONDecoder()
    private var names: [String: HostName] = [:]

    package init() {}

    /// Reads one line, without its end.
    package func read(_ line: [UInt8]) throws(RecordedEventError) -> RecordedEvent {
        let parsed = try parse(line)
        guard parsed.schema == Self.schema else {
            throw RecordedEventError(description: "schema \(parsed.schema); expected \(Self.schema)")
        }
        return RecordedEvent(
            line: line,
            type: EventType(rawValue: parsed.type),
            time: parsed.time,
            connection: try connection(of: parsed),
            connectionID: parsed.connection,
            executable: parsed.process?.executable ?? "",
            recorded: try verdict(of: parsed),
            lost: parsed.summary?.lost,
            answeringResolver: Self.answeringResolver(in: parsed),
            resolvers: parsed.resolvers?.compactMap { text in IPAddress(text: text) },
            details: RecordedDetails(parsed)
        )
    }

    private func parse(_ line: [UInt8]) throws(RecordedEventError) -> RecordedLine {
        guard line.count <= Self.lineMax else {
            throw RecordedEventError(description: "a line of \(line.count) bytes; expected at most \(Self.lineMax)")
        }
        do {
            return try decoder.decode(RecordedLine.self, from: Data(line))
        } catch {
            throw RecordedEventError(description: "no event: \(Self.reason(error)); expected a line of `monitor`")
        }
    }

    /// What is wrong, without the decoder's own words for it.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let path: [any CodingKey]
        let what: String
        switch error {
        case .keyNotFound(let key, let context): (path, what) = (context.codingPath + [key], "is missing")
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            (path, what) = (context.codingPath, "has the wrong type")
        default: return "not valid JSON"
        }
        guard !path.isEmpty else { return "not a JSON object" }
        return "`\(path.map(\.stringValue).joined(separator: "."))` \(what)"
    }

    private func connection(of line: RecordedLine) throws(RecordedEventError) -> ConnectionEvent? {
        guard let source = line.source, let destination = line.destination, let transport = line.protocol,
            let direction = line.direction
        else { return nil }
        var event = ConnectionEvent(
            id: ConnectionID(cookie: 0, generation: 0),
            direction: try Self.direction(direction),
            transport: try Self.transport(transport),
            source: Endpoint(address: try address(source.address), port: source.port ?? 0),
            destination: Endpoint(address: try address(destination.address), port: destination.port ?? 0),
            names: try names(of: destination),
            networkNamespace: 0
        )
        event.isExisting = line.existing ?? false
        event.outcome = line.outcome.flatMap { word in ConnectionOutcome(rawValue: word) }
        event.bytes = line.bytes.flatMap(Self.bytes)
        return event
    }

    private static func direction(_ word: String) throws(RecordedEventError) -> Direction {
        switch word {
        case "outbound": return .outbound
        case "inbound": return .inbound
        default:
            throw RecordedEventError(description: "`\(word.prefix(32))` is no direction; expected outbound or inbound")
        }
    }

    private static func transport(_ word: String) throws(RecordedEventError) -> TransportProtocol {
        switch word {
        case "tcp": return .tcp
        case "udp": return .udp
        default: throw RecordedEventError(description: "`\(word.prefix(32))` is no protocol; expected tcp or udp")
        }
    }

    private static func bytes(_ bytes: RecordedLine.Bytes) -> ConnectionBytes? {
        if let sent = bytes.sent { return .udp(sent: sent, received: bytes.received ?? 0) }
        guard let acknowledged = bytes.acknowledged else { return nil }
        return .tcp(
            acknowledged: acknowledged, unacknowledged: bytes.unacknowledged ?? 0, received: bytes.received ?? 0)
    }

    private static func answeringResolver(in line: RecordedLine) -> IPAddress? {
        guard let dns = line.dns, dns.phase == "answer", dns.unsolicited != true, let resolver = dns.resolver,
            resolver.port == 53
        else { return nil }
        return IPAddress(text: resolver.address)
    }

    private func address(_ text: String) throws(RecordedEventError) -> IPAddress {
        guard let address = IPAddress(text: text) else {
            throw RecordedEventError(description: "`\(text.prefix(64))` is no address")
        }
        return address
    }

    private func names(of destination: RecordedLine.Destination) throws(RecordedEventError) -> DestinationNames {
        let source: NameSource =
            switch destination.name_source {
            case "dns+sni": .dnsAndSNI
            case "dns": .dns
            case "sni": .sni
            default: .none
            }
        if let name = destination.name { return DestinationNames(name: try intern(name), source: source) }
        var candidates: [HostName] = []
        for name in destination.names ?? [] { candidates.append(try intern(name)) }
        return DestinationNames(candidates: candidates, source: source)
    }

    private func intern(_ text: String) throws(RecordedEventError) -> HostName {
        if let known = names[text] { return known }
        guard let name = DomainName(text) else {
            throw RecordedEventError(description: "`\(text.prefix(64))` is no host name")
        }
        if names.count >= Self.namesMax { names.removeAll() }
        let made = HostName(name)
        names[text] = made
        return made
    }

    private func verdict(of line: RecordedLine) throws(RecordedEventError) -> RecordedEvent.RecordedVerdict? {
        guard let verdict = line.verdict else { return nil }
        guard let action = PolicyAction(text: verdict.action) else {
            throw RecordedEventError(description: "`\(verdict.action.prefix(32))` is no action")
        }
        return RecordedEvent.RecordedVerdict(action: action, rule: verdict.rule)
    }
}
