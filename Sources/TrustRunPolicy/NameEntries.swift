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
        var table = NameTable(capacity: patterns.count)
        /// By the number of the key.
        var entries: [[Entry]] = []
        for (pattern, rule) in patterns {
            let text = pattern.text.utf8.span
            let isExact = pattern.shape == .exact
            let key = isExact ? text : Self.literalEnd(of: text)
            let entry = Entry(rule: rule, glob: knownGlobs[pattern] ?? 0, literalBytes: pattern.literalBytes)
            if key.isEmpty {
                root.append(entry)
            } else {
                let number = Int(table.insert(key, isExact: isExact))
                if number == entries.count { entries.append([entry]) } else { entries[number].append(entry) }
            }
        }
        let rootList = try maker.makeList(Self.ordered(root), .name)
        // Until all lists are there, the table's values are the numbers of keys.
        let index = NameIndex(table: table, root: .max)
        var lists = [UInt32](repeating: rootList, count: entries.count)
        // Ends before names, shorter ones first: what a key lies within comes before it.
        for entry in table.entries.sorted(by: Self.precedes) {
            let around = index.list(for: index.table.key(entry), isInside: true)
            lists[Int(entry.value)] = try maker.makeList(
                Self.ordered(entries[Int(entry.value)]), .name, before: around == .max ? rootList : lists[Int(around)]
            ) { glob in
                // Of a name that is known, every glob is decided.
                entry.isExact ? globs[Int(glob) - 1].matches(index.table.key(entry)) ? 0 : nil : glob
            }
        }
        table.replaceValues(lists)
        return NameIndex(table: table, root: rootList)
    }

    private static func precedes(_ left: NameTable.Entry, _ right: NameTable.Entry) -> Bool {
        left.isExact != right.isExact ? right.isExact : left.count < right.count
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
        let sorted =
            entries.count == 1
            ? entries
            : entries.sorted { left, right in
                left.literalBytes != right.literalBytes
                    ? left.literalBytes > right.literalBytes : left.rule < right.rule
            }
        return sorted.map { entry in CandidateMaker.Entry(rule: entry.rule, glob: entry.glob) }
    }
}
