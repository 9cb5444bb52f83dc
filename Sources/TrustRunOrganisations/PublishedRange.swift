// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A prefix that somebody published.
struct PublishedRange {
    let address: IPAddress
    let length: Int
    /// The organisation's number.
    let number: UInt8

    /// nil if the prefix is longer than its addresses, or its address has bits behind the prefix.
    init?(_ address: IPAddress, length: Int, number: UInt8) {
        guard (0...(address.isIPv4 ? 32 : 128)).contains(length) else { return nil }
        self.address = address
        self.length = length
        self.number = number
        let isLong = !address.isIPv4 && length > 64
        guard (isLong ? address.low : half) & span == 0, isLong || address.isIPv4 || address.low == 0 else {
            return nil
        }
    }

    /// The half of the address that ranges of an `AddressIndex` are made of, for a prefix of /64 at most.
    private var half: UInt64 { address.isIPv4 ? address.low << 32 : address.high }

    /// The bits of a half behind the prefix.
    private var span: UInt64 {
        let bits = length > 64 ? length - 64 : length
        return bits == 64 ? 0 : UInt64.max >> UInt64(bits)
    }

    fileprivate var upper: AddressIndexMaker.Nested {
        AddressIndexMaker.Nested(first: half, last: half | span, value: UInt32(number))
    }

    fileprivate var lower: AddressIndexMaker.Nested {
        AddressIndexMaker.Nested(first: address.low, last: address.low | span, value: UInt32(number))
    }

    fileprivate func contains(_ half: UInt64) -> Bool { self.half <= half && half <= self.half | span }

    /// Whether it comes first where each range is followed by those inside of it, and of equal ones the last one counts.
    fileprivate func precedes(_ other: PublishedRange) -> Bool {
        if address.high != other.address.high { return address.high < other.address.high }
        if address.low != other.address.low { return address.low < other.address.low }
        return length != other.length ? length < other.length : number > other.number
    }
}

extension AddressIndex {
    /// From an address to the number of the smallest range around it, 0 if there is none.
    init(_ ranges: [PublishedRange]) {
        var maker = AddressIndexMaker()
        let sorted = ranges.sorted { left, right in left.precedes(right) }
        maker.setIPv4(sorted.filter(\.address.isIPv4).map(\.upper), background: 0)
        maker.setIPv6(maker.makeUpper(sorted.filter(\.address.isIPv6)[...]), background: 0)
        self = maker.finish()
    }
}

extension AddressIndexMaker {
    /// Prefixes longer than /64 that share their upper half become ranges of the lower one.
    fileprivate mutating func makeUpper(_ sorted: ArraySlice<PublishedRange>) -> [Nested] {
        var rest = sorted
        var ranges: [Nested] = []
        var around: [PublishedRange] = []
        while let range = rest.popFirst() {
            while let outer = around.last, !outer.contains(range.address.high) { around.removeLast() }
            guard range.length > 64 else {
                ranges.append(range.upper)
                around.append(range)
                continue
            }
            let high = range.address.high
            var lower = [range.lower]
            while let next = rest.first, next.address.high == high, next.length > 64 {
                lower.append(next.lower)
                rest.removeFirst()
            }
            let value = addLowerHalves(lower, background: UInt32(around.last?.number ?? 0))
            ranges.append(Nested(first: high, last: high, value: value))
        }
        return ranges
    }
}
