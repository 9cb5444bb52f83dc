// SPDX-License-Identifier: Apache-2.0

/// The name patterns of a policy on their way into a `NameIndex`.
struct NameEntries {
    private struct Entry {
        let rule: Int
        let glob: UInt16
        /// What decides between the entries of one end of names: they have the same literal labels.
        let literalBytes: Int
    }

    /// The distinct patterns of shape `.glob`.
    private(set) var globs: [NamePattern] = []
    private var patterns: [(pattern: NamePattern, rule: Int)] = []
    private var knownGlobs: [NamePattern: UInt16] = [:]
    private var root: [Entry] = []

    mutating func add(_ pattern: NamePattern, _ index: Int, _ rule: Rule) throws(PolicyLimitError) {
        patterns.append((pattern, index))
        guard pattern.shape == .glob, knownGlobs[pattern] == nil else { return }
        guard globs.count < CompiledPolicy.maximumNameGlobs else {
            throw PolicyLimitError(
                "more distinct names with a `*` that is not a leading `*.`", CompiledPolicy.maximumNameGlobs,
                "name the hosts, or use a leading `*.`", rule
            )
        }
        globs.append(pattern)
        knownGlobs[pattern] = UInt16(globs.count)
    }

    mutating func compile(_ maker: inout CandidateMaker) throws(PolicyLimitError) -> NameIndex {
        let exactCount = patterns.count { entry in entry.pattern.shape == .exact }
        var exact = NameTable(capacity: exactCount)
        var suffixes = NameTable(capacity: patterns.count - exactCount)
        var (exactEntries, suffixEntries): ([[CandidateMaker.Entry]], [[Entry]]) = ([], [])
        for (pattern, rule) in patterns {
            let text = pattern.text.utf8.span
            switch pattern.shape {
            case .exact:
                Self.add(CandidateMaker.Entry(rule: rule), at: exact.insert(text), &exactEntries)
            case .suffix:
                let key = text.extracting(droppingFirst: 2)
                let entry = Entry(rule: rule, glob: 0, literalBytes: text.count - 1)
                Self.add(entry, at: suffixes.insert(key), &suffixEntries)
            case .glob:
                let key = Self.literalEnd(of: text)
                let entry = Entry(
                    rule: rule, glob: knownGlobs[pattern] ?? 0, literalBytes: pattern.specificity.literalBytes)
                if key.isEmpty { root.append(entry) } else { Self.add(entry, at: suffixes.insert(key), &suffixEntries) }
            }
        }
        var index = NameIndex(exact: NameTable(capacity: 0), suffixes: suffixes, root: .max)
        let rootList = try maker.makeList(Self.ordered(root), .name)
        // Until all are there, the table's values say where the list is in here.
        var lists = [UInt32](repeating: rootList, count: suffixEntries.count)
        func wider(_ key: Span<UInt8>) -> UInt32 {
            let found = index.list(for: key)
            return found == .max ? rootList : lists[Int(found)]
        }
        // Shorter ones first: what lies around a key is shorter.
        for (key, value) in suffixes.entries.sorted(by: { left, right in left.key.count < right.key.count }) {
            let own = Self.ordered(suffixEntries[Int(value)])
            lists[Int(value)] = try maker.makeList(own, .name, before: wider(key.span))
        }
        var exactLists = [UInt32](repeating: rootList, count: exactEntries.count)
        for (key, value) in exact.entries {
            let around = matching(maker.candidates(in: wider(key.span)), key.span)
            exactLists[Int(value)] = try maker.makeList(exactEntries[Int(value)], .name, before: around)
        }
        suffixes.replaceValues(lists)
        exact.replaceValues(exactLists)
        index = NameIndex(exact: exact, suffixes: suffixes, root: rootList)
        return index
    }

    private static func add<Value>(_ entry: Value, at key: UInt32, _ entries: inout [[Value]]) {
        if entries.count == Int(key) { entries.append([entry]) } else { entries[Int(key)].append(entry) }
    }

    /// The labels behind the last one that has a `*`.
    @_lifetime(copy text)
    private static func literalEnd(of text: Span<UInt8>) -> Span<UInt8> {
        var start = text.count
        for index in text.indices.reversed() {
            if text[index] == UInt8(ascii: "*") { break }
            if text[index] == UInt8(ascii: ".") { start = index + 1 }
        }
        return text.extracting(droppingFirst: start)
    }

    private static func ordered(_ entries: [Entry]) -> [CandidateMaker.Entry] {
        let sorted = entries.sorted { left, right in
            left.literalBytes != right.literalBytes
                ? left.literalBytes > right.literalBytes : left.rule < right.rule
        }
        return sorted.map { entry in CandidateMaker.Entry(rule: entry.rule, glob: entry.glob) }
    }

    /// The candidates that a name meets: for a name that is known, every glob is decided.
    private func matching(_ candidates: ArraySlice<Candidate>, _ name: Span<UInt8>) -> ArraySlice<Candidate> {
        guard candidates.contains(where: { candidate in candidate.glob != 0 }) else { return candidates }
        var met: [Candidate] = []
        for var candidate in candidates {
            guard candidate.glob == 0 || globs[Int(candidate.glob) - 1].matches(name) else { continue }
            candidate.glob = 0
            met.append(candidate)
        }
        return met[...]
    }
}
