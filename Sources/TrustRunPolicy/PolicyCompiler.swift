// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The rules of a policy, sorted by the kind of their patterns: what making a `CompiledPolicy` needs and does not keep.
struct PolicyCompiler {
    private(set) var processGlobs: [PathGlob] = []
    /// 1 + the index of each rule's process glob, or 0.
    private(set) var processes: [UInt16] = []
    var addresses = AddressEntries()
    var names = NameEntries()
    private(set) var any: [CandidateMaker.Entry] = []

    init(_ rules: [Rule]) throws(PolicyLimitError) {
        guard rules.count <= CompiledPolicy.maximumRules else {
            throw PolicyLimitError(
                "more rules", CompiledPolicy.maximumRules, "merge rules that differ in `match` only",
                rules[CompiledPolicy.maximumRules])
        }
        var known: [PathGlob: UInt16] = [:]
        var patterns = 0
        processes.reserveCapacity(rules.count)
        for (index, rule) in rules.enumerated() {
            processes.append(try number(of: rule.process, rule, &known))
            patterns += rule.patterns.count
            guard patterns <= CompiledPolicy.maximumPatterns else {
                throw PolicyLimitError("more patterns", CompiledPolicy.maximumPatterns, "use wider ones", rule)
            }
            for pattern in rule.patterns {
                switch pattern {
                case .any: any.append(CandidateMaker.Entry(rule: index))
                case .network(let network): addresses.add(network, rule: index)
                case .name(let name): try names.add(name, index, rule)
                }
            }
        }
    }

    private mutating func number(
        of glob: PathGlob?, _ rule: Rule, _ known: inout [PathGlob: UInt16]
    ) throws(PolicyLimitError) -> UInt16 {
        guard let glob else { return 0 }
        if let number = known[glob] { return number }
        guard processGlobs.count < CompiledPolicy.maximumProcessGlobs else {
            throw PolicyLimitError(
                "more distinct `process` globs", CompiledPolicy.maximumProcessGlobs, "use wider ones", rule)
        }
        processGlobs.append(glob)
        known[glob] = UInt16(processGlobs.count)
        return UInt16(processGlobs.count)
    }
}
