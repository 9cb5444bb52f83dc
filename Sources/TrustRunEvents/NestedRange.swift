// SPDX-License-Identifier: Apache-2.0

/// A range of numbers with what holds there unless a range within it says otherwise.
package struct NestedRange {
    package let first: UInt32
    package let last: UInt32
    package let value: UInt32

    package init(first: UInt32, last: UInt32, value: UInt32) {
        self.first = first
        self.last = last
        self.value = value
    }
}

/// Ranges that cover all numbers and do not overlap, ascending: each goes up to where the next one begins, and says something else.
package struct FlatRanges {
    package struct Range {
        package let first: UInt32
        package let value: UInt32
    }

    package private(set) var ranges: [Range] = []
    private var open: [NestedRange] = []

    package init() {}

    /// What `nested` comes to, in place of what was there. They ascend by their first number, the wider first, and overlap only if one holds
    /// the other; of two that are the same the later one counts. What none of them holds has the value `background`.
    package mutating func flatten(_ nested: some Sequence<NestedRange>, background: UInt32) {
        ranges.removeAll(keepingCapacity: true)
        append(0, background)
        for range in nested {
            while let inner = open.last, inner.last < range.first { close(inner, background) }
            append(range.first, range.value)
            open.append(range)
        }
        while let inner = open.last { close(inner, background) }
    }

    private mutating func close(_ inner: NestedRange, _ background: UInt32) {
        open.removeLast()
        if inner.last < .max { append(inner.last + 1, open.last?.value ?? background) }
    }

    /// A later range that begins at the same place counts; one with the same value goes on.
    private mutating func append(_ first: UInt32, _ value: UInt32) {
        if let last = ranges.last, last.first == first { ranges.removeLast() }
        if let last = ranges.last, last.value == value { return }
        ranges.append(Range(first: first, value: value))
    }
}
