// SPDX-License-Identifier: Apache-2.0

/// Makes a `RangeTable` of nested ranges.
struct RangeTableMaker {
    /// A range of numbers with what holds there unless a range within it says otherwise.
    struct Nested {
        let first: UInt32
        let last: UInt32
        let value: UInt32
    }

    private struct Range {
        let first: UInt32
        let value: UInt32
    }

    private var nodes: [RangeTable.Node] = []
    private var cells: [UInt32] = []
    private var leaves: [RangeTable.Leaf] = []
    /// The leaf of each value that is alone in one.
    private var plainLeaves: [UInt32: UInt32] = [:]
    /// Those of the space that is being added, ascending.
    private var ranges: [Range] = []

    /// Adds a space; returns its number. `nested` ascend by their first number, the wider first, and overlap only if one holds the other;
    /// what none of them holds has the value `background`. A large one takes more memory, so that fewer steps lead to a value.
    mutating func add(_ nested: [Nested], background: UInt32, isLarge: Bool) -> UInt32 {
        ranges.removeAll(keepingCapacity: true)
        var open: [Nested] = []
        append(0, background)
        for range in nested {
            while let inner = open.last, inner.last < range.first { close(&open, inner, background) }
            append(range.first, range.value)
            open.append(range)
        }
        while let inner = open.last { close(&open, inner, background) }
        return makeNode(0, ranges.count, isLarge: isLarge)
    }

    func finish() -> RangeTable {
        RangeTable(nodes: nodes, cells: cells, leaves: leaves)
    }

    private mutating func close(_ open: inout [Nested], _ inner: Nested, _ background: UInt32) {
        open.removeLast()
        if inner.last < .max { append(inner.last + 1, open.last?.value ?? background) }
    }

    /// A later range that begins at the same place counts; one with the same value goes on.
    private mutating func append(_ first: UInt32, _ value: UInt32) {
        if let last = ranges.last, last.first == first { ranges.removeLast() }
        if let last = ranges.last, last.value == value { return }
        ranges.append(Range(first: first, value: value))
    }

    /// The node of the ranges from `begin` up to `end`, the first of which may begin before it.
    private mutating func makeNode(_ begin: Int, _ end: Int, isLarge: Bool) -> UInt32 {
        let (node, firstCell, within) = (nodes.count, cells.count, end - begin - 1)
        guard within > RangeTable.leafSize else {
            nodes.append(RangeTable.Node(first: 0, shift: 0, last: 0, firstCell: UInt32(firstCell)))
            let leaf = makeLeaf(begin, end)
            cells.append(leaf)
            return UInt32(node)
        }
        let first = ranges[begin + 1].first
        let spread = ranges[end - 1].first - first
        let shift = cellShift(begin + 1, end, isLarge: isLarge)
        let last = spread >> shift
        nodes.append(RangeTable.Node(first: first, shift: shift, last: last, firstCell: UInt32(firstCell)))
        cells += repeatElement(0, count: Int(last) + 1)
        var next = begin + 1
        for cell in 0...Int(last) {
            let before = next - 1
            while next < end, Int((ranges[next].first - first) >> shift) == cell { next += 1 }
            let made = makeCell(before, next)
            cells[firstCell + cell] = made
        }
        return UInt32(node)
    }

    /// The size of a node's cells, as a power of two: the largest with which nearly all ranges begin in leaves, within bounds of memory.
    private func cellShift(_ begin: Int, _ end: Int, isLarge: Bool) -> UInt32 {
        let first = ranges[begin].first
        let spread = UInt32.bitWidth - (ranges[end - 1].first - first).leadingZeroBitCount
        let size = Int.bitWidth - (end - begin).leadingZeroBitCount
        let most = isLarge ? max(size + 2, 18) : size + 2
        for bits in size..<most {
            let shift = max(0, spread - bits)
            var (cell, inCell, crowded) = (UInt32(0), 0, 0)
            for range in ranges[begin..<end] {
                let its = (range.first - first) >> UInt32(shift)
                inCell = its == cell ? inCell + 1 : 1
                cell = its
                if inCell > RangeTable.leafSize { crowded += inCell == RangeTable.leafSize + 1 ? inCell : 1 }
            }
            if crowded * 64 <= end - begin { return UInt32(shift) }
        }
        return UInt32(max(0, spread - most))
    }

    private mutating func makeCell(_ begin: Int, _ end: Int) -> UInt32 {
        guard end - begin - 1 > RangeTable.leafSize else { return makeLeaf(begin, end) }
        return makeNode(begin, end, isLarge: false) | RangeTable.marker
    }

    private mutating func makeLeaf(_ begin: Int, _ end: Int) -> UInt32 {
        let isPlain = end - begin == 1
        if isPlain, let leaf = plainLeaves[ranges[begin].value] { return leaf }
        let leaf = UInt32(leaves.count)
        if isPlain { plainLeaves[ranges[begin].value] = leaf }
        // No number is greater than the last one, so places that no range takes are not counted.
        var bounds = SIMD8<UInt32>(repeating: .max)
        var values = SIMD8<UInt32>(repeating: ranges[begin].value)
        for place in 1..<end - begin {
            bounds[place - 1] = ranges[begin + place].first - 1
            values[place] = ranges[begin + place].value
        }
        leaves.append(RangeTable.Leaf(bounds: bounds, values: values))
        return leaf
    }
}
