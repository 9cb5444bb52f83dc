// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The address patterns of a policy on their way into an `AddressIndex`.
struct AddressEntries {
    /// A pattern, as the number that its prefix begins with: an IPv4 address in the upper half of `high`.
    fileprivate struct Entry {
        let high: UInt64
        let low: UInt64
        let length: Int
        let rule: Int

        /// Wider prefixes before those within them, then the order of rules.
        static func precedes(_ left: Entry, _ right: Entry) -> Bool {
            if left.high != right.high { return left.high < right.high }
            if left.low != right.low { return left.low < right.low }
            return left.length != right.length ? left.length < right.length : left.rule < right.rule
        }

        func isSamePrefix(as other: Entry) -> Bool {
            high == other.high && low == other.low && length == other.length
        }

        func contains(_ other: Entry) -> Bool {
            guard length <= other.length else { return false }
            let upper = (high ^ other.high) >> UInt64(64 - min(length, 64))
            return upper == 0 && (length <= 64 || (low ^ other.low) >> UInt64(128 - length) == 0)
        }
    }

    /// A distinct prefix with its pushed-down list, the value that stands for it in the index, and that of the next wider one.
    fileprivate struct Prefix {
        let entry: Entry
        let list: UInt32
        let value: UInt32
        let wider: UInt32
    }

    private var ipv4: [Entry] = []
    private var ipv6: [Entry] = []

    mutating func add(_ network: IPNetwork, rule: Int) {
        let address = network.address
        if let number = address.ipv4 {
            ipv4.append(Entry(high: UInt64(number) << 32, low: 0, length: network.length, rule: rule))
        } else {
            ipv6.append(Entry(high: address.high, low: address.low, length: network.length, rule: rule))
        }
    }

    /// Fills the index; returns every distinct prefix with its list.
    mutating func compile(
        _ index: inout AddressIndexMaker, _ maker: inout CandidateMaker
    ) throws(PolicyLimitError) -> [AddressKey] {
        var keys: [AddressKey] = []
        let four = try Self.pushDown(&ipv4, &maker)
        index.setIPv4(four.map(Self.upperRange), background: maker.value(of: CandidateLists.empty))
        for prefix in four {
            keys.append(prefix, IPAddress(ipv4: UInt32(truncatingIfNeeded: prefix.entry.high >> 32)))
        }
        let six = try Self.pushDown(&ipv6, &maker)
        index.setIPv6(Self.upperRanges(six, &index), background: maker.value(of: CandidateLists.empty))
        for prefix in six {
            keys.append(prefix, IPAddress(high: prefix.entry.high, low: prefix.entry.low))
        }
        return keys
    }

    /// Gives each distinct prefix the list of its rules and, behind them, of the wider prefixes around it.
    private static func pushDown(
        _ entries: inout [Entry], _ maker: inout CandidateMaker
    ) throws(PolicyLimitError) -> [Prefix] {
        entries.sort(by: Entry.precedes)
        var prefixes: [Prefix] = []
        prefixes.reserveCapacity(entries.count)
        var around: [Prefix] = []
        var rules: [CandidateMaker.Entry] = []
        var next = 0
        while next < entries.count {
            let entry = entries[next]
            rules.removeAll(keepingCapacity: true)
            while next < entries.count, entries[next].isSamePrefix(as: entry) {
                rules.append(CandidateMaker.Entry(rule: entries[next].rule))
                next += 1
            }
            while let last = around.last, !last.entry.contains(entry) { around.removeLast() }
            let wider = around.last?.list ?? CandidateLists.empty
            let list = try maker.makeList(rules, .address(isWholeFamily: entry.length == 0), before: wider)
            let prefix = Prefix(
                entry: entry, list: list, value: maker.value(of: list), wider: maker.value(of: wider))
            prefixes.append(prefix)
            around.append(prefix)
        }
        return prefixes
    }

    /// The ranges of upper halves; each group of prefixes longer than /64 with one upper half becomes a space of lower halves.
    private static func upperRanges(_ prefixes: [Prefix], _ index: inout AddressIndexMaker) -> [AddressIndexMaker
        .Nested]
    {
        var ranges: [AddressIndexMaker.Nested] = []
        ranges.reserveCapacity(prefixes.count)
        var next = 0
        while next < prefixes.count {
            let prefix = prefixes[next]
            next += 1
            guard prefix.entry.length > 64 else {
                ranges.append(upperRange(prefix))
                continue
            }
            let high = prefix.entry.high
            var lower = [lowerRange(prefix)]
            // Those of /64 and shorter with this upper half come before.
            while next < prefixes.count, prefixes[next].entry.high == high {
                lower.append(lowerRange(prefixes[next]))
                next += 1
            }
            let value = index.addLowerHalves(lower, background: prefix.wider)
            ranges.append(AddressIndexMaker.Nested(first: high, last: high, value: value))
        }
        return ranges
    }

    private static func upperRange(_ prefix: Prefix) -> AddressIndexMaker.Nested {
        let first = prefix.entry.high
        return AddressIndexMaker.Nested(
            first: first, last: first | UInt64.max >> UInt64(prefix.entry.length), value: prefix.value
        )
    }

    private static func lowerRange(_ prefix: Prefix) -> AddressIndexMaker.Nested {
        let first = prefix.entry.low
        return AddressIndexMaker.Nested(
            first: first, last: first | UInt64.max >> UInt64(prefix.entry.length - 64), value: prefix.value
        )
    }
}

extension [AddressKey] {
    fileprivate mutating func append(_ prefix: AddressEntries.Prefix, _ address: IPAddress) {
        guard let network = IPNetwork(address, length: prefix.entry.length) else { return }
        append(AddressKey(network, prefix.list))
    }
}
