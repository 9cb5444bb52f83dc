// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Lists of candidates, each in order of preference and each kept once, one behind the other; a list's number is the place of its first.
struct CandidateLists: Sendable {
    /// How many candidates a list may have, so that a kernel program can walk it within its bounds.
    static let maximumLength = 256
    /// How many there may be in all lists together.
    static let maximumTotal = 1 << 22
    /// The list of no candidate.
    static let empty: UInt32 = 0

    /// The first fits nothing and is the empty list; its action is the policy's default.
    private(set) var all: [Candidate]
    /// What answers require, by their numbers; the first is nothing.
    private(set) var requirements = InlineArray<32, Requirement>(repeating: Requirement())
    private var requirementsCount = 1
    /// For each rule the list behind its answers that require something, or the empty one.
    private(set) var listOfRule: [UInt32] = []
    /// The first list with each hash.
    private var known: [UInt64: UInt32] = [:]
    private var draft: [Candidate] = []

    init(defaultAction: PolicyAction) {
        all = [
            Candidate(
                rule: 0, firstPort: 0, lastPort: 0, process: 0, glob: 0, action: defaultAction, conditions: .isLast)
        ]
    }

    /// The candidates of a list.
    subscript(list: UInt32) -> ArraySlice<Candidate> {
        guard list != Self.empty else { return [] }
        let last = all[Int(list)...].firstIndex { candidate in candidate.conditions.contains(.isLast) }
        return all[Int(list)...(last ?? Int(list))]
    }

    /// For an `AddressIndex`: what the list's first candidate answers, or the list's number where an answer cannot tell what that requires or,
    /// should it not be met, which list to look into.
    mutating func value(of list: UInt32) -> UInt32 {
        let candidate = all[Int(list)]
        if list == Self.empty { return Answer(candidate, at: 0).bits }
        guard let requirement = Requirement(candidate), let number = number(of: requirement) else { return list }
        guard number == 0 || take(list, for: Int(candidate.rule)) else { return list }
        return Answer(candidate, at: Int(list), requirement: number).bits
    }

    private mutating func number(of requirement: Requirement) -> Int? {
        for number in 0..<requirementsCount where requirements[number] == requirement { return number }
        guard requirementsCount < requirements.count else { return nil }
        requirements[requirementsCount] = requirement
        requirementsCount += 1
        return requirementsCount - 1
    }

    /// Whether the list is the first, and so the only one, behind a rule's answers.
    private mutating func take(_ list: UInt32, for rule: Int) -> Bool {
        if rule >= listOfRule.count {
            listOfRule += repeatElement(Self.empty, count: max(rule + 1, 2 * listOfRule.count) - listOfRule.count)
        }
        if listOfRule[rule] == Self.empty { listOfRule[rule] = list }
        return listOfRule[rule] == list
    }

    /// The number of the list of `own` and, after those, of `inherited`. What can never be reached, since a candidate before it always fits, is
    /// left out. `globs` says what becomes of an inherited candidate's glob: 0 if it is known to match, nil if it is known not to.
    mutating func makeList(
        _ own: [Candidate], before inherited: UInt32, globs: (UInt16) -> UInt16? = { glob in glob }
    ) throws(ListError) -> UInt32 {
        draft.removeAll(keepingCapacity: true)
        var open: Candidate.Conditions = [.tcp, .udp]
        for candidate in own { Self.append(candidate, to: &draft, open: &open) }
        var place = Int(inherited)
        while !open.isEmpty {
            var candidate = all[place]
            if let glob = candidate.glob == 0 ? 0 : globs(candidate.glob) {
                candidate.glob = glob
                Self.append(candidate, to: &draft, open: &open)
            }
            if all[place].conditions.contains(.isLast) { break }
            place += 1
        }
        guard let last = draft.indices.last else { return Self.empty }
        guard draft.count <= Self.maximumLength else { throw .tooLong }
        draft[last].conditions.insert(.isLast)
        return try numberOfDraft()
    }

    /// `open` are the transports for which no candidate so far always fits.
    private static func append(
        _ candidate: Candidate, to draft: inout [Candidate], open: inout Candidate.Conditions
    ) {
        guard !candidate.conditions.isDisjoint(with: open) else { return }
        var candidate = candidate
        candidate.conditions.remove(.isLast)
        draft.append(candidate)
        if candidate.fitsAllOfTransport { open.subtract(candidate.conditions) }
    }

    private mutating func numberOfDraft() throws(ListError) -> UInt32 {
        var hash: UInt64 = 0
        for candidate in draft { hash = (hash ^ candidate.fingerprint).folded(by: 0xa076_1d64_78bd_642f) }
        if let list = known[hash], all[Int(list)...].starts(with: draft) { return list }
        guard all.count + draft.count <= Self.maximumTotal else { throw .tooMany }
        let list = UInt32(all.count)
        all += draft
        if known[hash] == nil { known[hash] = list }
        return list
    }

    /// Frees what only making lists needs.
    mutating func finish() {
        (known, draft) = ([:], [])
    }

    enum ListError: Error {
        case tooLong
        case tooMany
    }
}

extension Candidate {
    /// Whether it fits whoever uses a transport that it takes part for.
    fileprivate var fitsAllOfTransport: Bool { process == 0 && glob == 0 && !conditions.contains(.hasPorts) }

    fileprivate var fingerprint: UInt64 {
        let place = UInt64(rule) << 32 | UInt64(firstPort) << 16 | UInt64(lastPort)
        let rest =
            UInt64(process) << 32 | UInt64(glob) << 16 | UInt64(action.rawValue) << 8 | UInt64(conditions.rawValue)
        return place.folded(by: 0xe703_7ed1_a0b4_28db) ^ rest
    }
}
