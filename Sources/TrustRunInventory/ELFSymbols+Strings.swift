// SPDX-License-Identifier: Apache-2.0

extension ELFSymbols {
    /// The most constants that are searched for texts.
    private static let maximumConstants: UInt64 = 96 << 20
    private static let maximumRefused = 64

    /// For each text the place of its first occurrence among the constants; nil if it is not there.
    ///
    /// - Parameter isWanted: Asked of a text's index and place; the first few occurrences of each that it refuses are
    ///   passed over.
    func firstPlaces(of texts: [String], where isWanted: (Int, UInt64) -> Bool = { _, _ in true }) -> [UInt64?] {
        firstPlaces(of: texts, in: constants, where: isWanted)
    }

    /// Whether `text` is in Go's table of functions, which survives stripping.
    func lineTableContains(_ text: String) -> Bool {
        var sections = header.sections.filter(Self.isLineTable)
        if sections.isEmpty {  // lld lays it among the constants
            sections = header.sections.filter { $0.name.hasPrefix(".rodata") || $0.name.hasPrefix(".data.rel.ro") }
        }
        let tables = sections.map { Range($0, upTo: Self.maximumConstants) }
        return firstPlaces(of: [text], in: tables, where: { _, _ in true })[0] != nil
    }

    private func firstPlaces(
        of texts: [String],
        in ranges: [Range<UInt64>],
        where isWanted: (Int, UInt64) -> Bool
    ) -> [UInt64?] {
        var places = [UInt64?](repeating: nil, count: texts.count)
        var refused = [Int](repeating: 0, count: texts.count)
        var missing = texts.count
        var budget = Self.maximumConstants
        let search = ByteSearch(texts.map { Array($0.utf8) })
        for range in ranges where missing > 0 && budget > 0 {
            let searched = range.lowerBound..<range.lowerBound + min(UInt64(range.count), budget)
            budget -= UInt64(searched.count)
            forEachMatch(of: search, in: searched) { index, place in
                guard places[index] == nil, refused[index] < Self.maximumRefused else { return true }
                guard isWanted(index, place) else {
                    refused[index] += 1
                    return true
                }
                places[index] = place
                missing -= 1
                return missing > 0
            }
        }
        return places
    }

    /// The printable ASCII at a place, `limit` bytes at most.
    func text(at place: UInt64, limit: Int) -> String {
        String(decoding: file.read(at: place, count: limit).prefix { (0x20..<0x7f).contains($0) }, as: UTF8.self)
    }

    /// The Go version that built it, such as "go1.24.1" (debug/buildinfo, since Go 1.18).
    package var goVersion: String? {
        guard let section = header.sections.first(where: { $0.name == ".go.buildinfo" }) else { return nil }
        let bytes = file.read(at: section.offset, count: 96)
        let inlineStrings: UInt8 = 2
        guard let flags = bytes.uint8(at: 15), flags & inlineStrings != 0, let count = bytes.uint8(at: 32), count < 64
        else { return nil }
        let version = text(at: section.offset + 33, limit: Int(count))
        return version.hasPrefix("go") ? version : nil
    }

    /// Where read-only data are: by the sections or, where they were cut off, by the segments.
    private var constants: [Range<UInt64>] {
        let sections = header.sections.filter {
            $0.type != ELFSection.empty && $0.flags & ELFSection.allocated != 0
                && ($0.name.hasPrefix(".rodata") || $0.name.hasPrefix(".lrodata"))
        }
        if !sections.isEmpty { return sections.map { Range($0, upTo: Self.maximumConstants) } }
        return header.segments.filter { $0.type == ELFSegment.load && $0.flags & ELFSegment.executable == 0 }.map {
            let byteCount = min($0.byteCount, Self.maximumConstants, UInt64.max - $0.offset)
            return $0.offset..<$0.offset + byteCount
        }
    }

    /// Calls `found` with a needle's index and its place in the file, until it answers false.
    func forEachMatch(of search: ByteSearch, in range: Range<UInt64>, _ found: (Int, UInt64) -> Bool) {
        let overlap = max(0, search.longest - 1)
        var buffer = [UInt8](repeating: 0, count: Self.chunk + overlap)
        var position = range.lowerBound
        var isWanted = true
        while position < range.upperBound, isWanted {
            let count = min(file.read(at: position, into: &buffer), Int(clamping: range.upperBound - position))
            let isLast = count < buffer.count
            search.forEachMatch(in: buffer.span.extracting(..<count)) { index, start in
                guard isLast || start < Self.chunk else { return false }  // the next chunk begins with it
                isWanted = found(index, position + UInt64(start))
                return isWanted
            }
            guard !isLast else { return }
            position += UInt64(Self.chunk)
        }
    }
}
