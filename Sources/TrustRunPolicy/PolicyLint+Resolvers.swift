// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

// Allow rules that let programs look up names out of sight.
extension PolicyLint {
    func publicResolvers() -> [PolicyFinding] {
        // A policy beyond the caps does not load, so nobody lints it.
        guard policy.rules.contains(where: { rule in rule.action == .allow }),
            let compiled = try? CompiledPolicy(policy)
        else { return [] }
        let resolvers = ResolverEnds(.shipped)
        return policy.rules.indices.compactMap { index -> PolicyFinding? in
            let rule = policy.rules[index]
            guard rule.action == .allow, let found = resolver(reachedBy: index, among: resolvers, compiled) else {
                return nil
            }
            return finding(
                .publicResolverAllowed, rule,
                """
                lets through to \(found), a public resolver: names looked up there are not seen, and data can leave in them; inherit \
                preset:doh, or limit this rule (for plain DNS, `ports: [53]`)
                """)
        }
    }

    /// A resolver to which this very rule lets through.
    private func resolver(reachedBy rule: Int, among resolvers: ResolverEnds, _ compiled: CompiledPolicy) -> String? {
        let (port, transport) = (policy.rules[rule].encryptedPort, policy.rules[rule].transport ?? .tcp)
        guard let port else { return nil }
        // A path that its glob matches.
        let executable = policy.rules[rule].process.map { glob in
            glob.text.replacing("*", with: "x").replacing("?", with: "x")
        }
        func isDecided(_ address: IPAddress?, _ name: String?) -> Bool {
            let name = name.flatMap { text in DomainName(text) }
            let question = PolicyQuestion(
                address: address, port: port, transport: transport, name: name, executable: executable)
            return compiled.decide(question).rule == rule
        }
        for pattern in policy.rules[rule].patterns {
            switch pattern {
            case .any:
                if let found = resolvers.names.first(where: { name in isDecided(nil, name) }) {
                    return resolvers.texts[found]
                }
            case .name(let name):
                let found = resolvers.names(matching: name).first { name in isDecided(nil, name) }
                if let found { return resolvers.texts[found] }
            case .network(let network):
                let inside = resolvers.addresses.first { address in network.contains(address) && isDecided(address, nil)
                }
                if let inside { return "\(inside)" }
            }
        }
        return nil
    }
}

/// The public resolvers' names by each of their ends, so that a rule of a large policy finds those that it matches at once.
private struct ResolverEnds {
    let names: [String]
    /// As the block list has them: `*.dns.nextdns.io` for a name that fits it.
    let texts: [String: String]
    let addresses: [IPAddress]
    private var byEnd: [Substring: [String]] = [:]

    init(_ resolvers: PublicResolvers) {
        texts = resolvers.texts
        names = resolvers.names
        addresses = resolvers.addresses
        for name in names {
            var rest = name[...]
            while let dot = rest.firstIndex(of: ".") {
                rest = rest[rest.index(after: dot)...]
                byEnd[rest, default: []].append(name)
            }
        }
    }

    func names(matching pattern: NamePattern) -> [String] {
        switch pattern.shape {
        case .exact: texts[pattern.text] == nil ? [] : [pattern.text]
        case .suffix: byEnd[pattern.text.dropFirst(2)] ?? []
        case .glob: names.filter { name in pattern.matches(name.utf8.span) }
        }
    }
}

extension Rule {
    /// A port of DNS over HTTPS or TLS that the rule is for.
    fileprivate var encryptedPort: UInt16? {
        [443, 853].first { port in ports?.contains { range in range.contains(port) } ?? true }
    }
}
