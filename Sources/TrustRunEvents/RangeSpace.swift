// SPDX-License-Identifier: Apache-2.0

/// Numbers cut into ranges, each with a value. There may be several spaces in one, each with a root of its own.
///
/// To find a range, a node cuts what it covers into cells of equal size, about twice as many as there are ranges; a cell with more than
/// `cellSize` of them begins another node.
struct RangeSpace<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    struct Range {
        let first: Number
        let value: UInt32
    }

    private struct Node {
        /// Where the second range begins: what is below is in the first cell.
        let first: Number
        /// The size of a cell, as a power of two.
        let shift: Number
        /// The last cell, counted from the first.
        let last: Number
        let firstCell: UInt32
    }

    /// Ascending within each space. Behind each space stand `cellSize` more, so that reading ahead stays within it.
    private var ranges: [Range] = []
    /// A range, the first that may be in the cell; or with `marker` a node.
    private var cells: [UInt32] = []
    private var nodes: [Node] = []

    private static var marker: UInt32 { 1 << 31 }
    /// How many ranges may begin within a cell.
    private static var cellSize: Int { 4 }

    /// The value of a number in the space that begins at a root.
    @inline(__always) func value(of number: Number, in root: UInt32) -> UInt32 {
        var cell = root
        while cell & Self.marker != 0 {
            let node = nodes[Int(cell & ~Self.marker)]
            let distance = (Swift.max(number, node.first) &- node.first) &>> node.shift
            cell = cells[Int(node.firstCell) &+ Int(truncatingIfNeeded: Swift.min(distance, node.last))]
        }
        // The ranges ascend, so those that begin at or before the number can be counted without a branch.
        let ahead = ranges.span.extracting(Int(cell)..<Int(cell) + 1 + Self.cellSize)
        var range = 0
        for index in 1...Self.cellSize { range &+= ahead[index].first <= number ? 1 : 0 }
        return ahead[range].value
    }
}

// MARK: - Making one

extension RangeSpace {
    /// A range of numbers with what holds there unless a range within it says otherwise.
    struct Nested {
        let first: Number
        let last: Number
        let value: UInt32
    }

    /// Adds a space; returns its root. `nested` ascend by their first number, the wider first, and overlap only if one holds the other;
    /// what none of them holds has the value `background`.
    mutating func add(_ nested: [Nested], background: UInt32) -> UInt32 {
        let begin = ranges.count
        var open: [Nested] = []
        append(0, background, since: begin)
        for range in nested {
            while let inner = open.last, inner.last < range.first { close(&open, inner, background, since: begin) }
            append(range.first, range.value, since: begin)
            open.append(range)
        }
        while let inner = open.last { close(&open, inner, background, since: begin) }
        let end = ranges.count
        ranges += repeatElement(Range(first: .max, value: ranges[end - 1].value), count: Self.cellSize)
        return makeCell(begin, end, isRoot: true)
    }

    private mutating func close(_ open: inout [Nested], _ inner: Nested, _ background: UInt32, since begin: Int) {
        open.removeLast()
        if inner.last < .max { append(inner.last + 1, open.last?.value ?? background, since: begin) }
    }

    /// A later range that begins at the same place counts; one with the same value goes on.
    private mutating func append(_ first: Number, _ value: UInt32, since begin: Int) {
        if ranges.count > begin, ranges[ranges.count - 1].first == first { ranges.removeLast() }
        if ranges.count > begin, ranges[ranges.count - 1].value == value { return }
        ranges.append(Range(first: first, value: value))
    }

    /// The cell of the ranges from `begin` up to `end`, the first of which may begin before it.
    private mutating func makeCell(_ begin: Int, _ end: Int, isRoot: Bool) -> UInt32 {
        let within = end - begin - 1
        guard within > Self.cellSize else { return UInt32(begin) }
        let first = ranges[begin + 1].first
        let spread = ranges[end - 1].first - first
        // Twice as many cells as ranges, so that most have few; more in the root, so that few need another node.
        let size = Int.bitWidth - within.leadingZeroBitCount
        let bits = isRoot ? max(size + 2, min(size + 5, 16)) : size + 1
        let shift = Number(max(0, Number.bitWidth - spread.leadingZeroBitCount - bits))
        let (node, firstCell) = (nodes.count, cells.count)
        let last = spread >> shift
        nodes.append(Node(first: first, shift: shift, last: last, firstCell: UInt32(firstCell)))
        cells += repeatElement(0, count: Int(last) + 1)
        var next = begin + 1
        for cell in 0...Int(last) {
            let before = next - 1
            while next < end, Int((ranges[next].first - first) >> shift) == cell { next += 1 }
            let made = makeCell(before, next, isRoot: false)
            cells[firstCell + cell] = made
        }
        return UInt32(node) | Self.marker
    }
}
