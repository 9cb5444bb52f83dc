// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement

/// Prefixes of IPv4 on their way into ranges that do not overlap, each with the list of the longest prefix around it; as `tr_ipv4_range` says.
struct AddressRanges {
    private struct Prefix {
        let first: UInt32
        let last: UInt32
        let list: UInt32
    }

    private var prefixes: [Prefix] = []

    /// The bits of `address` behind the first `length` are zero. No prefix is added twice.
    mutating func add(_ address: UInt32, length: Int, list: UInt32) {
        prefixes.append(Prefix(first: address, last: address | UInt32(UInt64(UInt32.max) >> length), list: list))
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
        var ranges = [tr_ipv4_range(first: 0, list: 0)]
        var open: [Prefix] = []

        func append(_ first: UInt32, _ list: UInt32) {
            // A longer prefix that begins at the same place.
            if let last = ranges.last, last.first == first { ranges.removeLast() }
            if let last = ranges.last, last.list == list { return }
            ranges.append(tr_ipv4_range(first: first, list: list))
        }
        func close(_ inner: Prefix) {
            open.removeLast()
            if inner.last < .max { append(inner.last + 1, open.last?.list ?? 0) }
        }
        // Wider ones before those within them.
        let sorted = prefixes.sorted { left, right in
            left.first != right.first ? left.first < right.first : left.last > right.last
        }
        for prefix in sorted {
            while let inner = open.last, inner.last < prefix.first { close(inner) }
            append(prefix.first, prefix.list)
            open.append(prefix)
        }
        while let inner = open.last { close(inner) }
        return ranges
    }
}
