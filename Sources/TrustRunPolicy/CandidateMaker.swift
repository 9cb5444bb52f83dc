// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Turns rules into lists of candidates.
struct CandidateMaker {
    /// A rule at a key.
    struct Entry {
        let rule: Int
        /// 1 + the index of the glob that the name must match besides, or 0.
        var glob: UInt16 = 0
    }

    enum Key {
        case address(isWholeFamily: Bool)
        case name
        case any
    }

    private let rules: [Rule]
    /// 1 + the index of each rule's process glob, or 0.
    private let processes: [UInt16]
    private var lists: CandidateLists
    private var own: [Candidate] = []

    init(_ policy: Policy, processes: [UInt16]) {
        rules = policy.rules
        lists = CandidateLists(defaultAction: policy.settings.defaultAction.value)
        self.processes = processes
    }

    /// The list of `entries` in their order, and after them what holds at wider keys; `globs` is as for
    /// `CandidateLists.makeList`.
    mutating func makeList(
        _ entries: [Entry], _ key: Key, before wider: UInt32 = CandidateLists.empty,
        globs: (UInt16) -> UInt16? = { glob in glob }
    ) throws(PolicyLimitError) -> UInt32 {
        own.removeAll(keepingCapacity: true)
        for entry in entries { append(entry, key) }
        do throws(CandidateLists.ListError) {
            return try lists.makeList(own, before: wider, globs: globs)
        } catch {
            throw limit(error, entries.first.map { entry in rules[entry.rule] })
        }
    }

    /// For an `AddressIndex`: what stands for a list.
    mutating func value(of list: UInt32) -> UInt32 { lists.value(of: list) }

    mutating func finish() -> CandidateLists {
        lists.finish()
        return lists
    }

    private mutating func append(_ entry: Entry, _ key: Key) {
        let rule = rules[entry.rule]
        var conditions: Candidate.Conditions = rule.ports == nil ? [] : .hasPorts
        switch rule.transport {
        case nil: conditions.formUnion([.tcp, .udp])
        case .tcp: conditions.insert(.tcp)
        case .udp: conditions.insert(.udp)
        }
        if rule.verify == .address { conditions.insert(.verifiesAddress) }
        switch key {
        case .address(let isWholeFamily):
            if !isWholeFamily && !rule.action.letsThrough { conditions.insert(.precedesNames) }
        case .name: if !rule.permitsUDPByName { conditions.remove(.udp) }
        case .any: break
        }
        for ports in rule.ports.map(Self.merged) ?? [0...UInt16.max] {
            own.append(
                Candidate(
                    rule: UInt32(entry.rule), firstPort: ports.lowerBound, lastPort: ports.upperBound,
                    process: processes[entry.rule], glob: entry.glob, action: rule.action, conditions: conditions
                ))
        }
    }

    /// The same ports in as few ranges as can be.
    private static func merged(_ ports: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
        guard ports.count > 1 else { return ports }
        var merged: [ClosedRange<UInt16>] = []
        for range in ports.sorted(by: { left, right in left.lowerBound < right.lowerBound }) {
            if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private func limit(_ error: CandidateLists.ListError, _ rule: Rule?) -> PolicyLimitError {
        switch error {
        case .tooLong:
            PolicyLimitError(
                "more rules and ranges of ports for one destination", CandidateLists.maximumLength,
                "merge rules for the same names or addresses, or ports into ranges", rule
            )
        case .tooMany:
            PolicyLimitError(
                "more rules at all names and addresses together, each counted again at all that lie within it",
                CandidateLists.maximumTotal, "use fewer nested names and prefixes", rule
            )
        }
    }
}

extension Rule {
    /// False for a rule that permits and so takes no part for UDP where it matches by name.
    var permitsUDPByName: Bool {
        !action.letsThrough || (transport == .udp && verify == .address)
    }
}
