// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

/// What the policy says of a connection at its start and after its server name: the table of the name gate, cell by cell.
@Suite struct ConnectionJudgeTests {
    static let ten = IPAddress(ipv4: 0x0a00_0001)

    static func rule(
        _ action: PolicyAction, name: String? = nil, network: IPNetwork? = nil, verify: Rule.Verification = .name,
        reason: String? = nil
    ) -> Rule {
        var patterns: [Pattern] = []
        if let name = name.flatMap({ NamePattern($0) }) { patterns.append(.name(name)) }
        if let network { patterns.append(.network(network)) }
        return Rule(
            id: "p.yaml#\(name ?? "address")", patterns: patterns, verify: verify, action: action, reason: reason)
    }

    static func judge(
        _ rules: [Rule], default defaultAction: PolicyAction = .block, inbound: PolicySettings.Inbound = .block,
        resolvers: [IPAddress] = [], ech: PolicySettings.EncryptedClientHello = .mark
    ) throws -> ConnectionJudge {
        var settings = PolicySettings()
        settings.ech = .init(ech)
        settings.defaultAction = .init(defaultAction)
        settings.inbound = .init(inbound)
        let policy = Policy(
            name: "p", description: nil, rules: rules, settings: settings,
            documents: [.init(label: "p.yaml", name: "p", description: nil)]
        )
        return ConnectionJudge(policy, compiled: try CompiledPolicy(policy), resolvers: resolvers)
    }

    static func host(_ name: String) throws -> HostName { HostName(try #require(DomainName(name))) }

    static func connection(
        _ names: DestinationNames = DestinationNames(), port: UInt16 = 443, direction: Direction = .outbound,
        transport: TransportProtocol = .tcp
    ) -> ConnectionEvent {
        let here = Endpoint(address: IPAddress(ipv4: 0x0a00_0002), port: 40_000)
        let there = Endpoint(address: ten, port: port)
        let isOutbound = if case .outbound = direction { true } else { false }
        return ConnectionEvent(
            id: ConnectionID(cookie: 1, generation: 0), direction: direction, transport: transport,
            source: isOutbound ? here : there, destination: isOutbound ? there : here, names: names,
            networkNamespace: 1
        )
    }

    /// The verdicts at the start, with what DNS said, and once the server name is known.
    static func verdicts(
        _ judge: ConnectionJudge, bound: [String], serverName: String
    ) throws -> (start: Verdict, end: Verdict, isNewViolation: Bool) {
        let names = try bound.map(host)
        var event = connection(DestinationNames(candidates: names, source: names.isEmpty ? .none : .dns))
        _ = judge.judge(&event, of: nil)
        let start = try #require(event.verdict)
        let known = bound.firstIndex(of: serverName).map { index in names[index] }
        event.names = DestinationNames(name: try known ?? host(serverName), source: known == nil ? .sni : .dnsAndSNI)
        let isNewViolation = judge.judge(&event, of: nil)
        return (start, try #require(event.verdict), isNewViolation)
    }

    /// The table forgets verdicts that speak of names once there are 4096 of them.
    @Test func tellsAViolationOnceHoweverManyNamesCameBetween() throws {
        let judge = try Self.judge([Self.rule(.block, name: "*.example")])
        var event = Self.connection(DestinationNames(name: try Self.host("bad.example"), source: .sni))
        #expect(judge.judge(&event, of: nil))
        let first = try #require(event.verdict)
        for index in 0..<5000 {
            var other = Self.connection(DestinationNames(name: try Self.host("n\(index).example"), source: .sni))
            _ = judge.judge(&other, of: nil)
        }
        #expect(!judge.judge(&event, of: nil))
        #expect(event.verdict?.isSame(as: first) == true)
    }

    @Test(arguments: [PolicySettings.EncryptedClientHello.mark, .refuse]) func aSecondNameThatIsEncrypted(
        ech: PolicySettings.EncryptedClientHello
    ) throws {
        let (byName, byAddress) = try (
            Self.rule(.allow, name: "a.example"), Self.rule(.allow, network: IPNetwork(text: "10.0.0.0/8"))
        )
        let lax = Self.rule(.allow, name: "a.example", verify: .address)
        let refused: PolicyAction = ech == .refuse ? .block : .allow
        for (rule, hasECH, end) in [
            (byName, true, refused), (byName, false, .allow), (byAddress, true, .allow), (lax, true, .allow),
        ] {
            let judge = try Self.judge([rule], ech: ech)
            let name = try Self.host("a.example")
            var event = Self.connection(DestinationNames(name: name, source: .dns))
            _ = judge.judge(&event, of: nil)
            #expect(event.verdict?.action == .allow)
            event.names = DestinationNames(name: name, source: .dnsAndSNI)
            event.names.hasECH = hasECH
            #expect(judge.judge(&event, of: nil) == (end == .block))
            #expect(event.verdict?.action == end, "\(rule.id), \(hasECH)")
            #expect(event.verdict?.reason?.hasSuffix("(ech: refuse)") == (end == .block))
        }
    }

    @Test func whatNoRuleMatchesGetsTheDefault() throws {
        let judge = try Self.judge([])
        var event = Self.connection()
        #expect(judge.judge(&event, of: nil))
        #expect(event.verdict?.action == .block)
        #expect(event.verdict?.rule == nil)
        #expect(event.verdict?.basis == .defaults)
        #expect(event.verdict?.reason == "no rule matches")
        #expect(!judge.judge(&event, of: nil), "the same verdict is told once")
    }

    @Test func theMostPermissiveOfSeveralNamesStands() throws {
        let judge = try Self.judge([Self.rule(.kill, name: "bad.example"), Self.rule(.alert, name: "good.example")])
        var event = Self.connection(
            DestinationNames(
                candidates: try ["bad.example", "good.example", "none.example"].map(Self.host), source: .dns))
        _ = judge.judge(&event, of: nil)
        #expect(event.verdict?.action == .alert)
        #expect(event.verdict?.name.map { String(decoding: $0.bytes, as: UTF8.self) } == "good.example")
    }

    /// What the address was let through by, the names that answers gave, the server name, and what stands in the end.
    struct Cell: CustomTestStringConvertible {
        var rules: [Rule]
        var defaultAction = PolicyAction.block
        var bound: [String]
        var serverName: String
        var start: PolicyAction
        var end: PolicyAction
        var basis: VerdictBasis

        var testDescription: String { "\(rules.map(\.id)) else \(defaultAction): \(bound), then \(serverName)" }
    }

    static let byAddress = rule(.allow, network: IPNetwork(ten, length: 8))
    static let byName = rule(.allow, name: "good.example")
    static let byNameLoosely = rule(.allow, name: "good.example", verify: .address)
    static let refused = rule(.block, name: "bad.example")

    @Test(arguments: [
        // By an address rule or the default.
        Cell(
            rules: [byAddress, byName], bound: ["good.example"], serverName: "good.example", start: .allow, end: .allow,
            basis: .name),
        Cell(
            rules: [byAddress], bound: [], serverName: "any.example", start: .allow, end: .allow, basis: .address),
        Cell(
            rules: [byAddress, refused], bound: [], serverName: "bad.example", start: .allow, end: .block, basis: .name),
        Cell(
            rules: [byName], defaultAction: .alert, bound: [], serverName: "good.example", start: .alert, end: .alert,
            basis: .defaults),
        Cell(
            rules: [byName], defaultAction: .alert, bound: ["good.example"], serverName: "other.example", start: .allow,
            end: .alert, basis: .defaults),
        // Only by a name, verify: name.
        Cell(
            rules: [byName], bound: ["good.example"], serverName: "good.example", start: .allow, end: .allow,
            basis: .name),
        Cell(
            rules: [byName], bound: ["good.example"], serverName: "other.example", start: .allow, end: .block,
            basis: .serverName),
        Cell(
            rules: [byName], bound: ["good.example", "other.example"], serverName: "other.example", start: .allow,
            end: .block, basis: .serverName),
        Cell(
            rules: [byName, refused], bound: ["good.example"], serverName: "bad.example", start: .allow, end: .block,
            basis: .name),
        Cell(
            rules: [byName, rule(.allow, name: "also.example")], bound: ["good.example"], serverName: "also.example",
            start: .allow, end: .block, basis: .serverName),
        // Only by a name, verify: address.
        Cell(
            rules: [byNameLoosely], bound: ["good.example"], serverName: "other.example", start: .allow, end: .allow,
            basis: .name),
        Cell(
            rules: [byNameLoosely, refused], bound: ["good.example"], serverName: "bad.example", start: .allow,
            end: .block, basis: .name),
        // A claim alone gains nothing.
        Cell(
            rules: [byName], bound: [], serverName: "good.example", start: .block, end: .block, basis: .defaults),
    ])
    func theServerNameDecides(_ cell: Cell) throws {
        let judge = try Self.judge(cell.rules, default: cell.defaultAction)
        let verdicts = try Self.verdicts(judge, bound: cell.bound, serverName: cell.serverName)
        #expect(verdicts.start.action == cell.start)
        #expect(verdicts.end.action == cell.end)
        #expect(verdicts.end.basis == cell.basis)
        #expect(verdicts.isNewViolation == (verdicts.start !== verdicts.end && verdicts.end.isViolation))
    }

    @Test func aClaimSaysThatItIsOne() throws {
        let judge = try Self.judge([Self.byName], default: .alert)
        let end = try Self.verdicts(judge, bound: [], serverName: "good.example").end
        #expect(end.reason == "no rule matches; no DNS answer supports the server name")
        #expect(end.name?.bytes == Array("good.example".utf8))
    }

    @Test func DNSToATrustedResolverNeedsNoRule() throws {
        let judge = try Self.judge([], resolvers: [Self.ten])
        for (port, action) in [(UInt16(53), PolicyAction.allow), (853, .block)] {
            var event = Self.connection(port: port, transport: .udp)
            _ = judge.judge(&event, of: nil)
            #expect(event.verdict?.action == action)
        }
    }

    @Test func strictDNSGoesToTrustedResolversOnly() throws {
        for (action, expected) in [(PolicyAction.block, PolicyAction.block), (.alert, .allow)] {
            let judge = try Self.judge([Self.byAddress], default: action)
            var event = Self.connection(port: 53)
            _ = judge.judge(&event, of: nil)
            #expect(event.verdict?.action == expected)
            #expect(event.verdict?.basis == (expected == .block ? .resolver : .address))
        }
    }

    @Test func whoConnectsInIsJudgedByItsAddress() throws {
        let rules = [Self.byAddress, Self.rule(.kill, name: "good.example")]
        for (inbound, rules, action) in [
            (PolicySettings.Inbound.block, rules, PolicyAction.allow), (.block, [], .block), (.allow, [], .allow),
        ] {
            let judge = try Self.judge(rules, inbound: inbound)
            var event = Self.connection(direction: .inbound)
            _ = judge.judge(&event, of: nil)
            #expect(event.verdict?.action == action)
        }
    }

    @Test func aRuleWithoutAReasonSaysWhatItMatches() throws {
        let judge = try Self.judge([Self.byAddress, Self.rule(.block, name: "*.example", reason: "not ours")])
        var event = Self.connection()
        _ = judge.judge(&event, of: nil)
        #expect(event.verdict?.reason == "matches 10.0.0.0/8")
        event = Self.connection(DestinationNames(name: try Self.host("a.example"), source: .dns))
        _ = judge.judge(&event, of: nil)
        #expect(event.verdict?.reason == "not ours")
    }
}
