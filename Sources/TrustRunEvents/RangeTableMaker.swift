// SPDX-License-Identifier: Apache-2.0

/// Makes a `RangeTable` of nested ranges.
struct RangeTableMaker {
    private var nodes: [RangeTable.Node] = []
    private var cells: [UInt32] = []
    private var leaves: [RangeTable.Leaf] = []
    /// The leaf of each value that is alone in one.
    private var plainLeaves: [UInt32: UInt32] = [:]
    /// Those of the space that is being added.
    private var flat = FlatRanges()
    /// The node of each number that has a space.
    private var spaces: [(key: UInt32, node: UInt32)] = []

    private var ranges: [FlatRanges.Range] { flat.ranges }

    /// Adds a space of what `FlatRanges` makes of `nested`; returns its number. A large one takes more memory, so that fewer steps lead to a
    /// value.
    mutating func add(_ nested: [NestedRange], background: UInt32, isLarge: Bool) -> UInt32 {
        flat.flatten(nested, background: background)
        return makeNode(0, ranges.count, isLarge: isLarge)
    }

    /// Makes a space the one of a number that has none.
    mutating func set(_ space: UInt32, of key: UInt32) {
        spaces.append((key, space))
    }

    func finish() -> RangeTable {
        RangeTable(nodes: nodes, cells: cells, leaves: leaves, buckets: buckets)
    }

    /// At least four times as many as there are keys, so that nearly each is where it is looked for first.
    private var buckets: [RangeTable.Bucket] {
        let count = 1 << (Int.bitWidth - (4 * spaces.count).leadingZeroBitCount)
        let nobody = RangeTable.Bucket(key: 0, node: nodes[0])
        var buckets = [RangeTable.Bucket](repeating: nobody, count: count)
        for (key, node) in spaces {
            var place = RangeTable.place(of: key, among: count)
            while buckets[place].key != 0 { place = (place + 1) & (count - 1) }
            buckets[place] = RangeTable.Bucket(key: RangeTable.Bucket.used | UInt64(key), node: nodes[Int(node)])
        }
        return buckets
    }

    /// The node of the ranges from `begin` up to `end`, the first of which may begin before it.
    private mutating func makeNode(_ begin: Int, _ end: Int, isLarge: Bool) -> UInt32 {
        let (node, firstCell) = (nodes.count, cells.count)
        guard end - begin > 1 else {
            nodes.append(RangeTable.Node(first: 0, last: 0, shift: 0, firstCell: UInt32(firstCell)))
            let leaf = makeLeaf(begin, end, from: 0)
            cells.append(leaf)
            return UInt32(node)
        }
        let shift = cellShift(begin + 1, end, isLarge: isLarge)
        let first = (ranges[begin + 1].first - 1) & ~(1 << shift - 1)
        let last = ranges[end - 1].first - first
        nodes.append(RangeTable.Node(first: first, last: last, shift: shift, firstCell: UInt32(firstCell)))
        cells += repeatElement(0, count: Int(last >> shift) + 1)
        var next = begin + 1
        for cell in 0...Int(last >> shift) {
            let start = first + UInt32(cell) << shift
            if next < end, ranges[next].first == start { next += 1 }
            let before = next - 1
            while next < end, (ranges[next].first - first) >> shift == UInt32(cell) { next += 1 }
            let made = makeCell(before, next, from: start)
            cells[firstCell + cell] = made
        }
        return UInt32(node)
    }

    /// The size of a node's cells, as a power of two: the largest with which nearly all ranges begin in leaves, within bounds of memory.
    private func cellShift(_ begin: Int, _ end: Int, isLarge: Bool) -> UInt32 {
        let spread = UInt32.bitWidth - (ranges[end - 1].first - ranges[begin].first).leadingZeroBitCount
        let size = Int.bitWidth - (end - begin).leadingZeroBitCount
        let most = isLarge ? max(size + 2, 18) : size + 2
        for bits in size..<most {
            let shift = UInt32(min(max(0, spread - bits), Int(RangeTable.shiftMax)))
            var (cell, inCell, crowded) = (UInt32(0), 0, 0)
            for range in ranges[begin..<end] where range.first & (1 << shift - 1) != 0 {
                inCell = range.first >> shift == cell ? inCell + 1 : 1
                cell = range.first >> shift
                if inCell > RangeTable.leafSize { crowded += inCell == RangeTable.leafSize + 1 ? inCell : 1 }
            }
            if crowded * 64 <= end - begin { return shift }
        }
        return UInt32(min(max(0, spread - most), Int(RangeTable.shiftMax)))
    }

    private mutating func makeCell(_ begin: Int, _ end: Int, from start: UInt32) -> UInt32 {
        guard end - begin - 1 > RangeTable.leafSize else { return makeLeaf(begin, end, from: start) }
        return makeNode(begin, end, isLarge: false) | RangeTable.marker
    }

    /// Of the ranges from `begin` up to `end`, the first of which holds the number `start`.
    private mutating func makeLeaf(_ begin: Int, _ end: Int, from start: UInt32) -> UInt32 {
        let isPlain = end - begin == 1
        if isPlain, let leaf = plainLeaves[ranges[begin].value] { return leaf }
        let leaf = UInt32(leaves.count)
        if isPlain { plainLeaves[ranges[begin].value] = leaf }
        var bounds = SIMD8<UInt32>(repeating: RangeTable.boundMax)
        var values = SIMD8<UInt32>(repeating: ranges[begin].value)
        for place in 1..<end - begin {
            bounds[place - 1] = ranges[begin + place].first - start - 1
            values[place] = ranges[begin + place].value
        }
        leaves.append(RangeTable.Leaf(bounds: bounds, values: values))
        return leaf
    }
}
