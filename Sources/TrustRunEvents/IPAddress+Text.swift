// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// Reads an address in text: dotted decimal without leading zeros, or the forms of RFC 4291 2.2; nil for anything else, zone ids
    /// included.
    package init?(text: String) {
        self.init(ascii: text.utf8.span)
    }

    /// The same for bytes.
    package init?(ascii text: Span<UInt8>) {
        // The longest: eight groups of four, or six groups and an IPv4 address.
        guard text.count <= 45 else { return nil }
        for index in text.indices where text[index] == UInt8(ascii: ":") {
            self.init(ipv6: text)
            return
        }
        guard let ipv4 = Self.dottedDecimal(text, from: 0) else { return nil }
        self.init(ipv4: ipv4)
    }

    private init?(ipv6 text: Span<UInt8>) {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        /// How many groups stand before `::`.
        var gap: Int?
        var index = 0
        if text.count >= 2, text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index = 2
        }
        while index < text.count {
            guard count < 8 else { return nil }
            if count <= 6, let ipv4 = Self.dottedDecimal(text, from: index) {
                groups[count] = UInt16(ipv4 >> 16)
                groups[count + 1] = UInt16(ipv4 & 0xffff)
                count += 2
                break
            }
            guard let (group, end) = Self.hexGroup(text, from: index) else { return nil }
            groups[count] = group
            count += 1
            index = end
            guard index < text.count else { break }
            // A colon follows a group; two are the gap, and one alone cannot be the end.
            guard text[index] == UInt8(ascii: ":"), index + 1 < text.count else { return nil }
            index += 1
            if text[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        self.init(groups, count: count, gap: gap ?? count)
    }

    private init(_ groups: InlineArray<8, UInt16>, count: Int, gap: Int) {
        var halves = InlineArray<2, UInt64>(repeating: 0)
        for index in 0..<count {
            let place = index < gap ? index : index + 8 - count
            halves[place >> 2] |= UInt64(groups[index]) << UInt64(48 - 16 * (place & 3))
        }
        self.init(high: halves[0], low: halves[1])
    }

    /// One to four hexadecimal digits and where they end.
    private static func hexGroup(_ text: Span<UInt8>, from start: Int) -> (UInt16, end: Int)? {
        var value: UInt32 = 0
        var index = start
        while index < text.count, let digit = hexDigit(text[index]) {
            value = value << 4 | UInt32(digit)
            index += 1
            guard index - start <= 4 else { return nil }
        }
        return index > start ? (UInt16(truncatingIfNeeded: value), index) : nil
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Four numbers of at most 255 with dots between, from `start` to the end of the text.
    private static func dottedDecimal(_ text: Span<UInt8>, from start: Int) -> UInt32? {
        var value: UInt32 = 0
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
                index += 1
            }
            let first = index
            var number: UInt32 = 0
            while index < text.count, index - first < 3, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) {
                number = number * 10 + UInt32(text[index] - UInt8(ascii: "0"))
                index += 1
            }
            // A leading zero is octal for some readers of addresses, and an error here.
            guard index > first, number <= 255, index == first + 1 || text[first] != UInt8(ascii: "0") else {
                return nil
            }
            value = value << 8 | number
        }
        return index == text.count ? value : nil
    }
}
