// SPDX-License-Identifier: Apache-2.0

/// From an address to a number, by flattened prefixes: ranges that do not overlap, each with the number of the longest prefix around it.
///
/// Ranges are of 64-bit numbers: IPv4 addresses in the upper half of one, and the upper halves of IPv6 addresses. Where a prefix is
/// longer than /64, the lower half has ranges of its own. To find a range, a node cuts the space into cells of equal size, about as many as
/// there are ranges; a cell with more than `cellSize` of them begins another node.
package struct AddressIndex: Sendable {
    /// Where ranges begin, ascending within each space. Behind each space stand `cellSize` more, so that reading ahead stays within it.
    @usableFromInline var starts: [UInt64] = []
    /// What is in the range: its number; or with `marker`, which cell begins the space of the lower half.
    @usableFromInline var values: [UInt32] = []
    /// A range, the first that may be in the cell; or with `marker` a node.
    @usableFromInline var cells: [UInt32] = []
    @usableFromInline var nodes: [Node] = []
    @usableFromInline var ipv4: UInt32 = 0
    @usableFromInline var ipv6: UInt32 = 0

    @usableFromInline struct Node: Sendable {
        /// Where the second cell's ranges could begin at the earliest: what is below is in the first cell.
        @usableFromInline let first: UInt64
        /// The size of a cell, as a power of two.
        @usableFromInline let shift: UInt64
        /// Its cells: the index of the first, and of the last counted from there.
        @usableFromInline let cells: Int
        @usableFromInline let last: UInt64
    }

    @usableFromInline static var marker: UInt32 { 1 << 31 }
    /// How many ranges may begin within a cell.
    @usableFromInline static var cellSize: Int { 4 }

    package init() {}

    /// The number of an address, in whatever form it is written.
    @inlinable package func value(for address: IPAddress) -> UInt32 {
        var (high, low) = (address.high, address.low)
        // As the address that policies speak of: that within NAT64 (RFC 6052 2.1), loopback for the unspecified one.
        let isNAT64 = high == 0x0064_ff9b_0000_0000 && low >> 32 == 0
        if isNAT64 || (high == 0 && low >> 32 == 0xffff) {
            let number = low << 32
            return value(of: number == 0 ? 0x7f00_0001 << 32 : number, in: ipv4)
        }
        if high | low == 0 { low = 1 }
        let value = value(of: high, in: ipv6)
        if value & Self.marker == 0 { return value }
        high = low
        return self.value(of: high, in: cells[Int(value & ~Self.marker)])
    }

    @inlinable @inline(__always) func value(of number: UInt64, in root: UInt32) -> UInt32 {
        var cell = root
        while cell & Self.marker != 0 {
            let node = nodes[Int(cell & ~Self.marker)]
            let distance = number < node.first ? 0 : (number &- node.first) >> node.shift
            cell = cells[node.cells &+ Int(truncatingIfNeeded: min(distance, node.last))]
        }
        // The ranges ascend, so those that begin at or before the number can be counted without a branch.
        let base = Int(cell)
        let ahead = starts.span.extracting(base + 1..<base + 1 + Self.cellSize)
        var range = base
        for index in 0..<Self.cellSize { range &+= ahead[index] <= number ? 1 : 0 }
        return values[range]
    }
}

// MARK: - Making one

extension AddressIndex {
    /// A range of numbers with what holds there unless a range within it says otherwise.
    package struct Nested {
        let first: UInt64
        let last: UInt64
        let value: UInt32

        package init(first: UInt64, last: UInt64, value: UInt32) {
            self.first = first
            self.last = last
            self.value = value
        }
    }

    /// `ranges` ascend by their first number, the wider first, and overlap only if one holds the other.
    package mutating func setIPv4(_ ranges: [Nested], background: UInt32) {
        ipv4 = addSpace(ranges, background: background)
    }

    package mutating func setIPv6(_ ranges: [Nested], background: UInt32) {
        ipv6 = addSpace(ranges, background: background)
    }

    /// The value for an upper half whose lower halves differ.
    package mutating func addLowerHalves(_ ranges: [Nested], background: UInt32) -> UInt32 {
        let root = addSpace(ranges, background: background)
        cells.append(root)
        return UInt32(cells.count - 1) | Self.marker
    }

    private mutating func addSpace(_ ranges: [Nested], background: UInt32) -> UInt32 {
        let begin = starts.count
        var open: [Nested] = []
        append(0, background, since: begin)
        for range in ranges {
            while let inner = open.last, inner.last < range.first { close(&open, inner, background, since: begin) }
            append(range.first, range.value, since: begin)
            open.append(range)
        }
        while let inner = open.last { close(&open, inner, background, since: begin) }
        let end = starts.count
        for _ in 0..<Self.cellSize {
            starts.append(.max)
            values.append(values[end - 1])
        }
        return makeCell(begin, end)
    }

    private mutating func close(_ open: inout [Nested], _ inner: Nested, _ background: UInt32, since begin: Int) {
        open.removeLast()
        if inner.last < .max { append(inner.last + 1, open.last?.value ?? background, since: begin) }
    }

    /// A later range that begins at the same place counts; one with the same value goes on.
    private mutating func append(_ start: UInt64, _ value: UInt32, since begin: Int) {
        if starts.count > begin, starts[starts.count - 1] == start {
            starts.removeLast()
            values.removeLast()
        }
        if starts.count > begin, values[values.count - 1] == value { return }
        starts.append(start)
        values.append(value)
    }

    /// The cell of the ranges from `begin` up to `end`, the first of which may begin before it.
    private mutating func makeCell(_ begin: Int, _ end: Int) -> UInt32 {
        let within = end - begin - 1
        guard within > Self.cellSize else { return UInt32(begin) }
        let first = starts[begin + 1]
        let spread = starts[end - 1] - first
        // Twice as many cells as ranges, so that most have few.
        let bits = Int.bitWidth - within.leadingZeroBitCount + 1
        let shift = UInt64(max(0, UInt64.bitWidth - spread.leadingZeroBitCount - bits))
        let node = nodes.count
        let last = spread >> shift
        nodes.append(Node(first: first, shift: shift, cells: cells.count, last: last))
        let firstCell = cells.count
        cells += repeatElement(0, count: Int(last) + 1)
        var next = begin + 1
        for cell in 0...Int(last) {
            let before = next - 1
            while next < end, (starts[next] - first) >> shift == UInt64(cell) { next += 1 }
            let made = makeCell(before, next)
            cells[firstCell + cell] = made
        }
        return UInt32(node) | Self.marker
    }
}
