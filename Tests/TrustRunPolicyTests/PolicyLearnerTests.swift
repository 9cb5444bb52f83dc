// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

@Suite struct PolicyLearnerTests {
    private func rules(_ world: inout LearnedWorld) throws -> [String] {
        let (_, policy) = try world.learned().loaded()
        return policy.rules.map { rule in
            var text = rule.patterns.map(\.text).joined(separator: ",")
            if let ports = rule.ports { text += ":" + ports.map(\.portText).joined(separator: ",") }
            if let transport = rule.transport { text += "/\(transport.policyWord)" }
            if let process = rule.process { text += " \(process.text)" }
            if rule.verify == .address { text += " by address" }
            return text
        }
    }

    @Test func writesExactNamesAndPorts() throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 443, names: ["api.example.org"], source: .dnsAndSNI)
        world.connect("192.0.2.9", 443, names: ["api.example.org"], source: .dnsAndSNI)
        world.connect("192.0.2.2", 443, names: ["bucket.s3.amazonaws.com"], source: .dnsAndSNI)
        world.connect("192.0.2.2", 8443, names: ["bucket.s3.amazonaws.com"], source: .dnsAndSNI)
        #expect(try rules(&world) == ["api.example.org:443/tcp", "bucket.s3.amazonaws.com:443,8443/tcp"])
        let policy = try world.learned().loaded().policy
        // A sibling of a tenant, a name below, a port more: nothing of it was seen.
        for (name, port) in [
            ("other.s3.amazonaws.com", 443), ("s3.amazonaws.com", 443), ("x.api.example.org", 443),
            ("api.example.org", 80),
        ]
            as [(String, UInt16)]
        {
            var other = LearnedWorld()
            other.connect("192.0.2.2", port, names: [name], source: .dnsAndSNI)
            #expect(try policy.verdict(of: other.seen[0])?.action == .block, "\(name):\(port)")
        }
    }

    @Test func joinsDestinationsThatShareEverythingElse() throws {
        var world = LearnedWorld()
        for name in ["b.example", "a.example"] { world.connect("192.0.2.1", 443, names: [name], source: .dnsAndSNI) }
        world.connect("192.0.2.3", 443)
        for port in [8000, 8002, 8001] as [UInt16] { world.connect("192.0.2.4", port) }
        #expect(try rules(&world) == ["a.example,b.example,192.0.2.3:443/tcp", "192.0.2.4:8000-8002/tcp"])
    }

    @Test func namesAProcessOnlyWhereTheyDiffer() throws {
        var world = LearnedWorld()
        for executable in ["/usr/bin/curl", "/usr/bin/git"] {
            world.connect("192.0.2.1", 443, names: ["both.example"], source: .dnsAndSNI, from: executable)
        }
        world.connect("192.0.2.2", 22, names: ["one.example"], source: .dns, from: "/usr/bin/git", payload: 0)
        world.connect("192.0.2.3", 443, names: ["third.example"], source: .dnsAndSNI, from: "/usr/bin/curl")
        #expect(
            try rules(&world) == [
                "both.example:443/tcp", "third.example:443/tcp /usr/bin/curl", "one.example:22/tcp /usr/bin/git",
            ])
    }

    @Test(arguments: [nil, "memfd:x"]) func namesNoProcessThatNoRuleCanName(executable: String?) throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 443, from: executable)
        world.connect("192.0.2.2", 443, from: "/usr/bin/git")
        #expect(try rules(&world) == ["192.0.2.1:443/tcp", "192.0.2.2:443/tcp /usr/bin/git"])
    }

    @Test func takesTheAddressWhereTheClientAloneNamesIt() throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 443, names: ["claimed.example"], source: .sni)
        world.connect("2001:db8::1", 5432)
        #expect(try rules(&world) == ["192.0.2.1:443/tcp", "2001:db8::1:5432/tcp"])
        #expect(try world.learned().loaded().text.contains("named claimed.example by the client alone"))
    }

    @Test func verifiesByAddressWhereNoServerNameIsSent() throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 80, names: ["plain.example"], source: .dns)
        world.connect("192.0.2.2", 443, names: ["unsent.example"], source: .dns, payload: 0)
        world.connect("192.0.2.3", 443, names: ["quic.example"], source: .dns, transport: .udp)
        #expect(
            try rules(&world) == [
                "plain.example:80/tcp by address", "quic.example:443/udp by address", "unsent.example:443/tcp",
            ])
    }

    @Test func makesResolversOfThoseThatAnswer() throws {
        var world = LearnedWorld(resolvers: ["10.0.0.53"])
        world.answer(from: "10.0.0.54")
        world.connect("10.0.0.53", 53, transport: .udp)
        world.connect("10.0.0.53", 53)
        world.connect("10.0.0.54", 53, transport: .udp)
        world.connect("10.0.0.55", 53)
        let (text, policy) = try world.learned().loaded()
        #expect(policy.settings.resolvers.value?.map(\.description) == ["10.0.0.53", "10.0.0.54"])
        #expect(text.contains("\"10.0.0.53\" # 2 connections"))
        #expect(try rules(&world) == ["10.0.0.55:53/tcp"])
        #expect(policy.settings.nameLookup == .open)
    }

    @Test func leavesResolversOutWhereNobodyAsked() throws {
        var world = LearnedWorld(resolvers: ["10.0.0.53"])
        let settings = try world.learned().loaded().policy.settings
        #expect(settings.resolvers.value == nil && settings.dns.value == nil)
        #expect(try rules(&world) == [])
    }

    @Test func opensInboundForOthersAndNotForThisHost() throws {
        var world = LearnedWorld()
        world.accept(from: "127.0.0.1")
        world.connect("127.0.0.1", 8080)
        world.connect("127.0.0.1", 5353, transport: .udp)
        #expect(try rules(&world) == ["127.0.0.1/tcp", "127.0.0.1:5353/udp"])
        #expect(try world.learned().loaded().policy.settings.inbound.value == .block)
        world.accept(from: "192.0.2.7")
        #expect(try rules(&world) == ["127.0.0.1:8080/tcp", "127.0.0.1:5353/udp"])
        #expect(try world.learned().loaded().policy.settings.inbound.value == .allow)
    }

    @Test func saysWhatItRestsOnAndWhatIsMissing() throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 443, names: ["a.example"], source: .dnsAndSNI)
        world.connect("192.0.2.1", 443, names: ["a.example"], source: .dns)
        let (text, policy) = try world.learned(.alert).loaded(lost: 3)
        #expect(text.contains("# 2 connections, 2026-11-21T19:10:11Z to 2026-11-21T19:10:13Z, named by dns+sni\n"))
        #expect(text.contains("# INCOMPLETE: 3 events were lost"))
        #expect(policy.settings.defaultAction.value == .alert)
        #expect(policy.name == "learned")
    }

    @Test func cannotBeTrickedByNamesAndPaths() throws {
        var world = LearnedWorld()
        world.connect("192.0.2.1", 443, names: ["any"], source: .dnsAndSNI, from: "/tmp/a\"\n- match: any # \u{1b}[2J*")
        world.connect("192.0.2.2", 443, names: ["10.1"], source: .dns, from: "/tmp/b\": # {}\\")
        let (text, policy) = try world.learned().loaded()
        #expect(text.utf8.allSatisfy { byte in byte >= 0x20 || byte == 0x0a })
        #expect(policy.rules.allSatisfy { rule in !rule.patterns.contains(.any) })
        for seen in world.seen { #expect(try policy.verdict(of: seen)?.action == .allow) }
    }

    /// On random connections: the document loads, allows each of them, and every rule is needed.
    @Test func isAsSmallAsItCanBe() throws {
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<60 {
            var world = LearnedWorld(resolvers: ["10.0.0.53"])
            let isMixed = generator.isOne(in: 2)
            for _ in 0..<Int.random(in: 0...25, using: &generator) { Self.step(&world, isMixed: isMixed, &generator) }
            let policy = try world.learned().loaded().policy
            #expect(policy.rules.map(\.patterns) == world.learned().policy.rules.map(\.patterns))
            var deciders: Set<String> = []
            for seen in world.seen {
                let verdict = try #require(try policy.verdict(of: seen))
                #expect(verdict.action == .allow)
                if let rule = verdict.rule { deciders.insert(rule) }
            }
            #expect(deciders.count == policy.rules.count)
            // Where names and bare addresses do not meet, nothing else allows what a rule allows.
            for index in policy.rules.indices where !isMixed {
                let smaller = policy.without(rule: index)
                let isStillAllowed = try world.seen.allSatisfy { seen in try smaller.verdict(of: seen)?.action == .allow
                }
                #expect(!isStillAllowed)
            }
        }
    }

    private static func step(_ world: inout LearnedWorld, isMixed: Bool, _ generator: inout SeededGenerator) {
        let executable = ["/usr/bin/curl", "/usr/bin/git", "/opt/app/run", nil].randomElement(using: &generator) ?? nil
        let port = ([80, 443, 8443] as [UInt16]).randomElement(using: &generator) ?? 443
        let last = Int.random(in: 1...4, using: &generator)
        let transport: TransportProtocol = generator.isOne(in: 4) ? .udp : .tcp
        let payload = UInt64(generator.isOne(in: 2) ? 0 : 50)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: world.connect("10.0.0.53", 53, transport: .udp, from: executable)
        case 1 where isMixed: world.accept(from: generator.isOne(in: 3) ? "192.0.2.200" : "127.0.0.1", by: executable)
        case 2, 3:
            let address = isMixed ? "192.0.2.\(last)" : "198.51.100.\(last)"
            let source: NameSource = generator.isOne(in: 3) ? .sni : .none
            world.connect(
                address, port, names: source == .none ? [] : ["n\(last).example"],
                source: transport == .udp ? .none : source,
                transport: transport, from: executable, payload: payload)
        case 4:
            world.connect(
                "192.0.2.\(last)", port, names: ["n\(last).example", "m\(last).example"], source: .dns,
                transport: transport,
                from: executable, payload: payload)
        default:
            let source: NameSource = generator.isOne(in: 2) || transport == .udp ? .dns : .dnsAndSNI
            world.connect(
                "192.0.2.\(last)", port, names: ["n\(last).example"], source: source, transport: transport,
                from: executable,
                payload: payload)
        }
    }
}
