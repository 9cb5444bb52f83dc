// SPDX-License-Identifier: Apache-2.0

/// What the parts of a program or library tell about the code in it.
///
/// The file may be anybody's: each offset is checked, each table is read up to a limit, and what does not make sense is
/// taken for not there.
package struct ELFSymbols: ~Copyable {
    let file: ReadableFile
    let header: ELFHeader

    static let chunk = 256 << 10
    /// Chromium's symbols, the largest known, are below it.
    private static let maximumTable: UInt64 = 256 << 20
    /// The most places at which one name may be found among the names.
    private static let maximumPlaces = 64

    /// Opens the file; nil if it is not a little-endian ELF executable or library.
    package init?(path: String) {
        guard let file = ReadableFile(path: path) else { return nil }
        self.init(file)
    }

    /// Takes over an open descriptor; nil, and closed, if it is not a little-endian ELF executable or library.
    package init?(owning descriptor: CInt) {
        guard let file = ReadableFile(owning: descriptor) else { return nil }
        self.init(file)
    }

    private init?(_ file: consuming ReadableFile) {
        guard let header = ELFHeader(file) else { return nil }
        self.file = file
        self.header = header
    }

    package var key: FileKey { file.key }

    /// Whether the code is for this machine: a probe reads arguments from its registers.
    package var isNative: Bool {
        #if arch(x86_64)
            header.layout.is64Bit && header.machine == 62  // EM_X86_64
        #elseif arch(arm64)
            header.layout.is64Bit && header.machine == 183  // EM_AARCH64
        #else
            false
        #endif
    }

    /// Whether only the names that other files need were left in it.
    package var isStripped: Bool { !header.sections.contains { $0.type == ELFSection.symbols } }

    /// Whether it runs without a dynamic linker.
    package var isStatic: Bool {
        !header.segments.contains { $0.type == ELFSegment.interpreter || $0.type == ELFSegment.dynamic }
    }

    /// Whether Go's linker made it; what it leaves behind survives stripping.
    package var isGo: Bool { header.sections.contains { $0.name == ".go.buildinfo" || Self.isLineTable($0) } }

    static func isLineTable(_ section: ELFSection) -> Bool { section.name.hasSuffix(".gopclntab") }

    /// Whether a function of that name is defined in a section's symbol table.
    package func definesFunction(_ name: String) -> Bool { address(ofFunction: name) != nil }

    /// Where in the file a function's code begins, for a probe; nil if no symbol tells.
    ///
    /// libbpf could look for it as well, but trusts the file: a table of entries without a size ends the process there.
    package func codeOffset(ofFunction name: String) -> UInt64? {
        guard let address = address(ofFunction: name) else { return nil }
        for segment in header.segments {
            if let offset = segment.codeOffset(ofAddress: address) { return offset }
        }
        return nil
    }

    private func address(ofFunction name: String) -> UInt64? {
        for type in [ELFSection.dynamicSymbols, ELFSection.symbols] {
            guard let table = header.sections.first(where: { $0.type == type }),
                header.sections.indices.contains(table.link)
            else { continue }
            let places = places(of: Array(name.utf8) + [0], in: header.sections[table.link])
            if !places.isEmpty, let address = addressOfFunction(namedAt: places, in: table) { return address }
        }
        return nil
    }

    /// Where a name is among the names; it may be the end of a longer one.
    private func places(of name: [UInt8], in section: ELFSection) -> Set<UInt32> {
        var places: Set<UInt32> = []
        let range = Range(section, upTo: Self.maximumTable)
        forEachMatch(of: ByteSearch([name]), in: range) { _, place in
            places.insert(UInt32(truncatingIfNeeded: place - range.lowerBound))
            return places.count < Self.maximumPlaces
        }
        return places
    }

    private func addressOfFunction(namedAt places: Set<UInt32>, in table: ELFSection) -> UInt64? {
        let layout = header.layout
        let range = Range(table, upTo: Self.maximumTable)
        var buffer = [UInt8](repeating: 0, count: Self.chunk - Self.chunk % layout.symbol)
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(file.read(at: position, into: &buffer), Int(range.upperBound - position))
            for start in stride(from: 0, to: count - count % layout.symbol, by: layout.symbol) {
                guard let name = buffer.uint32(at: start), places.contains(name) else { continue }
                // STT_FUNC, and neither SHN_UNDEF nor a value that stands for nothing.
                if let info = buffer.uint8(at: start + layout.symbolInfo), info & 0xf == 2,
                    let section = buffer.uint16(at: start + layout.symbolSection), section != 0,
                    let value = layout.word(buffer, at: start + layout.symbolValue), value != 0
                {
                    return value
                }
            }
            guard count == buffer.count else { break }
            position += UInt64(count)
        }
        return nil
    }
}

extension Range<UInt64> {
    /// The bytes of a section, cut at `limit` and at the end of the address space.
    init(_ section: ELFSection, upTo limit: UInt64) {
        let byteCount = Swift.min(section.byteCount, limit, UInt64.max - section.offset)
        self = section.offset..<section.offset + byteCount
    }
}
