// SPDX-License-Identifier: Apache-2.0

/// Makes an `AddressIndex` of prefixes.
package struct AddressIndexMaker {
    /// The numbers of a prefix, within one half of an IPv6 address, with what holds there unless a prefix within it says otherwise; an IPv4
    /// address stands in the upper 32 bits.
    package struct Nested {
        let first: UInt64
        let last: UInt64
        let value: UInt32

        /// `value` is less than 2^31, or from `addLowerHalves`.
        package init(first: UInt64, last: UInt64, value: UInt32) {
            self.first = first
            self.last = last
            self.value = value
        }

        fileprivate var upperPart: UInt32 { UInt32(truncatingIfNeeded: first >> 32) }

        /// Whether the prefix ends within the upper 32 bits.
        fileprivate var isShort: Bool { first ^ last >= 0xffff_ffff }

        fileprivate var inUpperPart: NestedRange {
            NestedRange(first: upperPart, last: UInt32(truncatingIfNeeded: last >> 32), value: value)
        }

        fileprivate var inLowerPart: NestedRange {
            NestedRange(
                first: UInt32(truncatingIfNeeded: first), last: UInt32(truncatingIfNeeded: last), value: value)
        }
    }

    private var maker = RangeTableMaker()
    private var ipv4: UInt32 = 0
    private var ipv6: UInt32 = 0

    /// Of an index in which each address has the number 0.
    package init() {
        ipv4 = maker.add([], background: 0, isLarge: false)
        ipv6 = ipv4
    }

    /// `ranges` ascend by their first number, the wider first.
    package mutating func setIPv4(_ ranges: [Nested], background: UInt32) {
        ipv4 = maker.add(ranges.map(\.inUpperPart), background: background, isLarge: true)
    }

    package mutating func setIPv6(_ ranges: [Nested], background: UInt32) {
        ipv6 = add(ranges, background: background) { maker, space, part in
            maker.set(space, of: part)
            return nil
        }
    }

    /// The value for an upper half whose lower halves differ.
    package mutating func addLowerHalves(_ ranges: [Nested], background: UInt32) -> UInt32 {
        let space = add(ranges, background: background) { _, space, _ in space | RangeTable.marker }
        return space | RangeTable.marker
    }

    package func finish() -> AddressIndex {
        AddressIndex(table: maker.finish(), ipv4: ipv4, ipv6: ipv6)
    }

    /// A space of the upper 32 bits; and for each number of these with longer prefixes, one of the lower 32 bits, for which `keep` gives the
    /// value of that number, if it has one.
    private mutating func add(
        _ ranges: [Nested], background: UInt32, keep: (inout RangeTableMaker, UInt32, UInt32) -> UInt32?
    ) -> UInt32 {
        var upper: [NestedRange] = []
        var lower: [NestedRange] = []
        var around: [Nested] = []
        var next = 0
        while next < ranges.count {
            let range = ranges[next]
            while let outer = around.last, outer.last < range.first { around.removeLast() }
            if range.isShort {
                upper.append(range.inUpperPart)
                around.append(range)
                next += 1
                continue
            }
            lower.removeAll(keepingCapacity: true)
            // Those that end within the upper 32 bits come before.
            while next < ranges.count, ranges[next].upperPart == range.upperPart {
                lower.append(ranges[next].inLowerPart)
                next += 1
            }
            let space = maker.add(lower, background: around.last?.value ?? background, isLarge: false)
            guard let value = keep(&maker, space, range.upperPart) else { continue }
            upper.append(NestedRange(first: range.upperPart, last: range.upperPart, value: value))
        }
        return maker.add(upper, background: background, isLarge: false)
    }
}
