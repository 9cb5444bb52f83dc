// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What is wrong with a table's text.
package struct OrganisationTableError: Error, Equatable {
    package let line: Int
    package let message: String
}

extension OrganisationTable {
    /// Reads a table: `organisation NAME`, `source URL` and `date YYYY-MM-DD`, then the organisation's prefixes, each on a line of its own; `#`
    /// begins a comment.
    package init(parsing text: Span<UInt8>) throws(OrganisationTableError) {
        var reader = OrganisationReader()
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
            try reader.read(text.extracting(start..<end))
            start = end + 1
        }
        try reader.finish()
        self.init(organisations: reader.organisations, ranges: reader.ranges)
    }
}

private struct OrganisationReader {
    private(set) var organisations: [Organisation] = []
    private(set) var ranges: [PublishedRange] = []
    private var name: String?
    private var hasSource = false
    private var line = 0

    mutating func read(_ text: Span<UInt8>) throws(OrganisationTableError) {
        line += 1
        guard !text.isEmpty, text[0] != UInt8(ascii: "#") else { return }
        if let name = Self.value(of: "organisation ", in: text) {
            try finish()
            guard organisations.count < OrganisationTable.organisationsMax else {
                throw error("too many organisations")
            }
            self.name = name
            hasSource = false
        } else if Self.value(of: "source ", in: text) != nil {
            hasSource = true
        } else if let date = Self.value(of: "date ", in: text) {
            guard let name, hasSource else { throw error("a date belongs behind an organisation and its source") }
            organisations.append(Organisation(name: name, source: "published ranges \(date)"))
            self.name = nil
        } else {
            try readRange(text)
        }
    }

    private mutating func readRange(_ text: Span<UInt8>) throws(OrganisationTableError) {
        guard name == nil, let number = UInt8(exactly: organisations.count), number > 0 else {
            throw error("a prefix belongs behind an organisation, its source and its date")
        }
        var slash = 0
        while slash < text.count, text[slash] != UInt8(ascii: "/") { slash += 1 }
        guard let address = IPAddress(ascii: text.extracting(..<slash)), slash < text.count,
            let length = Self.number(text.extracting((slash + 1)...)),
            let range = PublishedRange(address, length: length, number: number)
        else { throw error("not a prefix") }
        ranges.append(range)
    }

    func finish() throws(OrganisationTableError) {
        if name != nil { throw error("an organisation without its date") }
    }

    private func error(_ message: String) -> OrganisationTableError {
        OrganisationTableError(line: line, message: message)
    }

    private static func value(of key: StaticString, in line: Span<UInt8>) -> String? {
        guard line.count > key.utf8CodeUnitCount else { return nil }
        let text = unsafe line.withUnsafeBytes { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
        return text.hasPrefix("\(key)") ? String(text.dropFirst(key.utf8CodeUnitCount)) : nil
    }

    private static func number(_ digits: Span<UInt8>) -> Int? {
        guard (1...3).contains(digits.count) else { return nil }
        var value = 0
        for index in digits.indices {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digits[index]) else { return nil }
            value = value * 10 + Int(digits[index] - UInt8(ascii: "0"))
        }
        return value
    }
}
