// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import TrustRunEvents

/// Prefixes of IPv4 on their way into ranges that do not overlap, each with the list of the longest prefix around it; as `tr_ipv4_range` says.
struct AddressRanges {
    private var prefixes: [NestedRange] = []

    /// The bits of `address` behind the first `length` are zero. No prefix is added twice.
    mutating func add(_ address: UInt32, length: Int, list: UInt32) {
        prefixes.append(
            NestedRange(first: address, last: address | UInt32(UInt64(UInt32.max) >> length), value: list))
    }

    /// The cells, then the ranges; what no prefix holds has list 0.
    var table: [tr_ipv4_range] {
        let ranges = makeRanges()
        var table: [tr_ipv4_range] = []
        table.reserveCapacity(Int(TR_IPV4_CELLS) + ranges.count)
        var next = 0
        for cell in 0..<UInt32(TR_IPV4_CELLS) {
            let first = cell << TR_IPV4_CELL_SHIFT
            let last = first | (1 << TR_IPV4_CELL_SHIFT - 1)
            while next < ranges.count, ranges[next].first <= first { next += 1 }
            let begin = next
            while next < ranges.count, ranges[next].first <= last { next += 1 }
            // The first range begins with the first cell: there is one before.
            table.append(tr_ipv4_range(first: UInt32(TR_IPV4_CELLS) + UInt32(begin) - 1, list: UInt32(next - begin)))
        }
        return table + ranges
    }

    private func makeRanges() -> [tr_ipv4_range] {
        var flat = FlatRanges()
        // Wider ones before those within them.
        let sorted = prefixes.sorted { left, right in
            left.first != right.first ? left.first < right.first : left.last > right.last
        }
        flat.flatten(sorted, background: 0)
        return flat.ranges.map { range in tr_ipv4_range(first: range.first, list: range.value) }
    }
}
