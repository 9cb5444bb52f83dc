// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct CompiledPolicyTests {
    private func policy(_ rules: [Rule]) -> Policy {
        Policy(name: "caps", description: nil, rules: rules, settings: PolicySettings(), documents: [])
    }

    private func policy(_ rules: [String]) throws -> Policy {
        policy(try rules.enumerated().map(PolicyShorthand.rule))
    }

    // MARK: What kernel maps are filled from

    /// The rules at a key, numbered from 1, a glob's in brackets.
    private func rules(_ compiled: CompiledPolicy, _ list: UInt32) -> [String] {
        compiled.candidates(in: list).map { $0.glob == 0 ? "\($0.rule + 1)" : "[\($0.rule + 1)]" }
    }

    @Test func pushesWiderNamesDown() throws {
        let compiled = try CompiledPolicy(
            policy([
                "allow *.com ports=443", "allow b*.a.com ports=443", "allow *.a.com ports=443",
                "allow b.a.com ports=443",
                "allow c.a.com ports=443", "allow b*.* ports=443", "allow net ports=443",
            ]))
        let keys = Dictionary(
            uniqueKeysWithValues: compiled.nameKeys.map { ("\($0.isExact ? "" : "*.")\($0.text)", $0.list) })
        #expect(
            keys.mapValues { rules(compiled, $0) } == [
                "*.": ["[6]"], "*.com": ["1", "[6]"], "*.a.com": ["[2]", "3", "1", "[6]"],
                "b.a.com": ["4", "2", "3", "1"],
                "c.a.com": ["5", "3", "1"], "net": ["7"],
            ])
        #expect(compiled.nameGlobs.map(\.text) == ["b*.a.com", "b*.*"])
    }

    @Test func pushesWiderPrefixesDown() throws {
        let compiled = try CompiledPolicy(
            policy([
                "allow 10.0.0.0/8 ports=443", "allow 10.1.0.0/16 ports=80", "allow 11.0.0.0/8 ports=80",
                "allow 10.1.0.0/16 ports=22",
                "allow ::/0 ports=1", "allow 2001:db8::1 ports=2",
            ]))
        let keys = Dictionary(
            uniqueKeysWithValues: compiled.addressKeys.map { ("\($0.network)", rules(compiled, $0.list)) })
        #expect(
            keys == [
                "10.0.0.0/8": ["1"], "10.1.0.0/16": ["2", "4", "1"], "11.0.0.0/8": ["3"], "::/0": ["5"],
                "2001:db8::1": ["6", "5"],
            ])
    }

    @Test func leavesOutWhatCannotBeReached() throws {
        let compiled = try CompiledPolicy(policy(["block 10.0.0.0/8", "allow 10.1.0.0/16", "allow 10.1.0.0/16"]))
        #expect(compiled.addressKeys.map { rules(compiled, $0.list) } == [["1"], ["2"]])
        // Over UDP a name that permits says nothing, so what is wider stays.
        let names = try CompiledPolicy(policy(["block *.com", "allow a.com", "alert a.com"]))
        let exact = try #require(names.nameKeys.first { $0.isExact })
        #expect(rules(names, exact.list) == ["2", "1"])
    }

    @Test func keepsEqualListsOnce() throws {
        let compiled = try CompiledPolicy(policy(["allow 10.0.0.0/8|11.0.0.0/8|12.0.0.0/8"]))
        #expect(Set(compiled.addressKeys.map(\.list)).count == 1)
    }

    @Test func holdsConditionsInACandidate() throws {
        let compiled = try CompiledPolicy(
            policy(["kill 10.0.0.0/8 ports=81,80,443 tcp process=/bin/* verify=address", "block 0.0.0.0/0"]))
        let list = try #require(compiled.addressKeys.last?.list)
        let candidates = Array(compiled.candidates(in: list))
        #expect(candidates.map { $0.firstPort...$0.lastPort } == [80...81, 443...443, 0...65535])
        #expect(candidates.map(\.rule) == [0, 0, 1])
        #expect(candidates.map(\.process) == [1, 1, 0])
        #expect(candidates.map(\.action) == [.kill, .kill, .block])
        let conditions: Candidate.Conditions = [.tcp, .hasPorts, .verifiesAddress, .precedesNames]
        #expect(candidates.map(\.conditions) == [conditions, conditions, [.tcp, .udp, .isLast]])
        #expect(MemoryLayout<Candidate>.stride == 16)
    }

    // MARK: Large ones

    @Test func findsEachOfManyNames() throws {
        let rules = (0..<20_000).map { index in
            Rule(
                id: "r#\(index)",
                patterns: NamePattern(index % 2 == 0 ? "h\(index).a.com" : "*.h\(index).com").map { [.name($0)] } ?? [],
                action: .allow)
        }
        let compiled = try CompiledPolicy(policy(rules))
        for index in rules.indices {
            let name = DomainName(index % 2 == 0 ? "h\(index).a.com" : "x.y.h\(index).com")
            #expect(compiled.decide(PolicyQuestion(address: nil, port: 1, name: name)).rule == index)
            let other = DomainName(index % 2 == 0 ? "x.h\(index).a.com" : "h\(index).com")
            #expect(compiled.decide(PolicyQuestion(address: nil, port: 1, name: other)).rule == nil)
        }
    }

    @Test(arguments: [1, 7, 8, 9, 16, 17, 63]) func findsNamesOfEveryLength(size: Int) throws {
        let label = String(repeating: "a", count: size)
        for count in 1...(253 / (size + 1)) {
            let text = Array(repeating: label, count: count).joined(separator: ".")
            let exact = try #require(NamePattern(text))
            let compiled = try CompiledPolicy(policy([Rule(id: "r#1", patterns: [.name(exact)], action: .allow)]))
            #expect(compiled.decide(PolicyQuestion(address: nil, port: 1, name: DomainName(text))).rule == 0)
            #expect(
                compiled.decide(PolicyQuestion(address: nil, port: 1, name: DomainName("b\(text.dropFirst())"))).rule
                    == nil)
        }
    }

    @Test func looksAtTheEndsOfWhatIsLongerThanAName() throws {
        let compiled = try CompiledPolicy(policy(["block *.a.com"]))
        let name = Array((String(repeating: "x", count: 300) + ".a.com").utf8)
        let decision = compiled.decide(address: nil, port: 1, transport: .tcp, name: name.span, executable: .unknown)
        #expect(decision.rule == 0)
        let none: [UInt8] = []
        #expect(
            compiled.decide(address: nil, port: 1, transport: .tcp, name: none.span, executable: .unknown).rule == nil)
    }

    // MARK: Caps

    private func limit(_ rules: [Rule]) -> String? {
        do throws(PolicyLimitError) {
            _ = try CompiledPolicy(policy(rules))
            return nil
        } catch {
            return error.message
        }
    }

    @Test func refusesTooManyProcesses() throws {
        let rules = (0...CompiledPolicy.maximumProcessGlobs).map {
            Rule(id: "r#\($0)", patterns: [.any], process: PathGlob("/bin/\($0)"), action: .allow)
        }
        #expect(limit(rules.dropLast()) == nil)
        #expect(
            limit(rules)
                == "the policy has more distinct `process` globs than the 256 that it may have (at rule r#256); use wider ones"
        )
    }

    @Test func refusesTooManyGlobs() throws {
        let rules = try (0...CompiledPolicy.maximumNameGlobs).map {
            Rule(id: "r#\($0)", patterns: [.name(try #require(NamePattern("a*.h\($0).com")))], action: .allow)
        }
        #expect(limit(rules.dropLast()) == nil)
        #expect(limit(rules)?.contains("than the 256 that it may have (at rule r#256)") == true)
    }

    @Test func refusesTooManyCandidatesAtAKey() throws {
        let network = try #require(IPNetwork(IPAddress(ipv4: 0x0a00_0000), length: 8))
        let rules = (0...CompiledPolicy.maximumCandidatesPerKey).map {
            Rule(id: "r#\($0)", patterns: [.network(network)], ports: [UInt16($0)...UInt16($0)], action: .allow)
        }
        #expect(limit(rules.dropLast()) == nil)
        #expect(limit(rules)?.contains("for one destination than the 256 that it may have") == true)
    }

    // MARK: Globs of paths

    @Test(arguments: [
        ("/usr/bin/python3*", "/usr/bin/python3.11", true), ("/usr/bin/python3*", "/usr/bin/python3", true),
        ("/usr/bin/python?", "/usr/bin/python", false), ("*", "/", true), ("*", "", false), ("", "", false),
        ("a*b*c", "aXbXbc", true), ("a*b*c", "aXbXb", false), ("*.so", "/x.so.so", true), ("[a]", "a", false),
        ("?", "ä", false),
        ("??", "ä", true),
    ]) func matchesPaths(glob: String, path: String, isMatch: Bool) {
        let matched = PathGlob(glob).matches(path.utf8.span)
        #expect(matched == isMatch)
    }

    @Test func takesNoLongerForManyStars() {
        let glob = PathGlob(String(repeating: "*a", count: 60) + "b")
        let path = String(repeating: "a", count: 4000)
        // With going back to every star it would never end.
        let begin = ContinuousClock.now
        let matched = glob.matches(path.utf8.span)
        #expect(!matched)
        #expect(ContinuousClock.now - begin < .seconds(5))
    }
}
