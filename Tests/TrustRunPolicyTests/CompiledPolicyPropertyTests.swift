// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct CompiledPolicyPropertyTests {
    /// 20 seeds, 100 policies each, 500 destinations each: a million pairs.
    @Test(arguments: 1...20) func agreesWithTheReference(seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        let names = random.names(60)
        let labels = names.map(ReferenceEvaluator.labels)
        for number in 0..<100 {
            let policy = random.policy()
            let compiled = try CompiledPolicy(policy)
            let reference = ReferenceEvaluator(policy)
            let classes = RandomPolicies.executables.map { executable in
                let path = Array((executable ?? "").utf8)
                return compiled.executableClass(of: path.span)
            }
            let unknown = reference.processFits(nil)
            let fits = RandomPolicies.executables.map(reference.processFits)
            for _ in 0..<500 {
                let asked = random.destination(of: policy, names: names.count)
                let query = ReferenceEvaluator.Query(
                    address: asked.address, port: asked.port, transport: asked.transport,
                    labels: asked.name.map { labels[$0] }, isInbound: asked.isInbound)
                // At the SYN nobody knows who will accept.
                let expected = reference.decide(query, processFits: asked.isInbound ? unknown : fits[asked.executable])
                let decided = decide(compiled, asked, names, classes[asked.executable])
                if decided != expected {
                    Issue.record(
                        """
                        seed \(seed), policy \(number): \(asked), name \(asked.name.map { String(decoding: names[$0], as: UTF8.self) } ?? "-"): \
                        \(decided) instead of \(expected)
                        \(policy.rules.enumerated().map { "\($0) \($1)" }.joined(separator: "\n"))
                        """)
                    return
                }
            }
        }
    }

    private func decide(
        _ policy: CompiledPolicy, _ asked: RandomPolicies.Destination, _ names: [[UInt8]], _ executable: ExecutableClass
    ) -> Decision {
        if asked.isInbound {
            return policy.decideInbound(address: asked.address, transport: asked.transport)
        }
        guard let name = asked.name.map({ names[$0] }) else {
            return policy.decide(
                address: asked.address, port: asked.port, transport: asked.transport, name: nil, executable: executable)
        }
        return policy.decide(
            address: asked.address, port: asked.port, transport: asked.transport, name: name.span,
            executable: executable)
    }
}
