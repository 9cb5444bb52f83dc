// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A policy in the form that is asked: from a name or an address one look-up leads to everything that may be said of it, in order of
/// preference, so that the next best needs no second look-up. Kernel maps are filled from the same keys and lists.
///
/// Caps, beyond which making one throws: 1,048,576 rules, 4,194,304 patterns, 256 distinct `process` globs, 256 distinct names with a `*`
/// that is not a leading `*.`, 256 candidates at one key, 4,194,304 candidates in all (lists that are the same count once).
package final class CompiledPolicy: Sendable {
    package static let maximumRules = 1 << 20
    package static let maximumPatterns = 1 << 22
    package static let maximumProcessGlobs = ExecutableClass.maximumGlobs
    package static let maximumNameGlobs = 256
    package static let maximumCandidatesPerKey = CandidateLists.maximumLength
    package static let maximumCandidates = CandidateLists.maximumTotal

    /// What it was made of; `Decision.rule` is an index into its rules.
    package let policy: Policy
    /// The distinct `process` globs.
    package let processGlobs: [PathGlob]
    /// The distinct names with a `*` that is not a leading `*.`.
    package let nameGlobs: [NamePattern]
    /// Every distinct prefix with its pushed-down list.
    package let addressKeys: [AddressKey]
    let names: NameIndex
    let addresses: AddressIndex
    let lists: CandidateLists
    /// The default action.
    let byNothing: Answer
    /// The list of the rules for `any`.
    let any: UInt32

    package init(_ policy: Policy) throws(PolicyLimitError) {
        var compiler = try PolicyCompiler(policy.rules)
        var maker = CandidateMaker(policy, processes: compiler.processes)
        var addresses = AddressIndexMaker()
        addressKeys = try compiler.addresses.compile(&addresses, &maker)
        self.addresses = addresses.finish()
        names = try compiler.names.compile(&maker)
        any = try maker.makeList(compiler.any, .any)
        lists = maker.finish()
        byNothing = Answer(lists.all[0], at: 0)
        processGlobs = compiler.processGlobs
        nameGlobs = compiler.names.globs
        self.policy = policy
    }

    /// Which of the process globs an executable's path matches, as raw bytes; empty: not known. Worth keeping for a process image.
    package func executableClass(of path: Span<UInt8>) -> ExecutableClass {
        var matched = ExecutableClass()
        for index in processGlobs.indices where processGlobs[index].matches(path) { matched.insert(index) }
        return matched
    }
}

// MARK: - For kernel maps

/// A prefix and the list of its candidates, those of wider prefixes included.
package struct AddressKey: Sendable {
    package let network: IPNetwork
    /// For `CompiledPolicy.candidates(in:)`; prefixes with equal lists have equal numbers.
    package let list: UInt32

    init(_ network: IPNetwork, _ list: UInt32) {
        self.network = network
        self.list = list
    }
}

/// A name, or the end of names, and the list of its candidates, those of shorter ends included.
package struct NameKey: Sendable {
    /// Lower case, without a leading dot; empty for the end of every name.
    package let text: String
    /// The key is a name; otherwise it stands for names of at least one label more.
    package let isExact: Bool
    /// For `CompiledPolicy.candidates(in:)`.
    package let list: UInt32
}

extension CompiledPolicy {
    /// Every name and every end of names that has a list, in no order. An exact key's list has no globs left to match.
    package var nameKeys: [NameKey] {
        names.table.entries.map { entry in
            NameKey(text: names.table.text(entry), isExact: entry.isExact, list: entry.value)
        } + [NameKey(text: "", isExact: false, list: names.root)]
    }

    /// The list of the rules for `any`.
    package var anyList: UInt32 { any }

    /// Every list, one behind the other: a list's number is the place of its first candidate, and the last one says so. The candidate at
    /// place 0, which is the empty list, fits nothing; its action is the policy's default.
    package var allCandidates: [Candidate] { lists.all }

    /// A list's candidates in order of preference; that all of them can be reached.
    package func candidates(in list: UInt32) -> ArraySlice<Candidate> {
        lists[list]
    }
}
