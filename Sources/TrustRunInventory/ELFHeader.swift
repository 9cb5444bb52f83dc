// SPDX-License-Identifier: Apache-2.0

/// A range of bytes in an ELF file that its headers describe.
struct ELFSection {
    var name = ""
    var type: UInt32
    var flags: UInt64
    var offset: UInt64
    var byteCount: UInt64
    /// The index of the section that holds this one's names.
    var link = 0

    static let symbols: UInt32 = 2  // SHT_SYMTAB
    static let empty: UInt32 = 8  // SHT_NOBITS
    static let dynamicSymbols: UInt32 = 11  // SHT_DYNSYM
    static let allocated: UInt64 = 2  // SHF_ALLOC
    static let executable: UInt64 = 4  // SHF_EXECINSTR
}

/// A range of bytes in an ELF file that is mapped to run it.
struct ELFSegment {
    var type: UInt32
    var flags: UInt32
    var offset: UInt64
    var address: UInt64
    var byteCount: UInt64

    /// Where in the file the code at an address is; nil if this is no code or the address is elsewhere.
    func codeOffset(ofAddress value: UInt64) -> UInt64? {
        guard type == Self.load, flags & Self.executable != 0, value >= address, value - address < byteCount else {
            return nil
        }
        let (sum, overflow) = offset.addingReportingOverflow(value - address)
        return overflow ? nil : sum
    }

    static let load: UInt32 = 1  // PT_LOAD
    static let dynamic: UInt32 = 2  // PT_DYNAMIC
    static let interpreter: UInt32 = 3  // PT_INTERP
    static let executable: UInt32 = 1  // PF_X
}

/// The headers of a little-endian ELF file. What they say is a claim: nothing of it was held against the file.
struct ELFHeader {
    let layout: ELFLayout
    let machine: UInt16
    let segments: [ELFSegment]
    let sections: [ELFSection]

    /// More headers than this no program has; beyond it they are taken for none.
    private static let maximumSegments = 512
    private static let maximumSections = 8192
    private static let maximumNames: UInt64 = 1 << 20

    /// Reads the headers; nil unless the file is a little-endian executable or library.
    init?(_ file: borrowing ReadableFile) {
        let header = file.read(at: 0, count: 64)
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]), let width = header.uint8(at: 4), (1...2).contains(width),
            header.uint8(at: 5) == 1, let type = header.uint16(at: 16), (2...3).contains(type),
            let machine = header.uint16(at: 18)
        else { return nil }
        let layout = ELFLayout(is64Bit: width == 2)
        guard header.count >= layout.fileHeader else { return nil }
        self.layout = layout
        self.machine = machine
        segments = Self.segments(file, header, layout)
        sections = Self.sections(file, header, layout)
    }

    private static func segments(
        _ file: borrowing ReadableFile,
        _ header: [UInt8],
        _ layout: ELFLayout
    ) -> [ELFSegment] {
        let place = layout.programHeaderSize
        guard let offset = layout.word(header, at: layout.programHeaders),
            let size = header.uint16(at: place), Int(size) == layout.segment,
            let count = header.uint16(at: place + 2), Int(count) <= maximumSegments
        else { return [] }
        let table = file.read(at: offset, count: Int(count) * layout.segment)
        return stride(from: 0, to: table.count, by: layout.segment).compactMap { start in
            guard let type = table.uint32(at: start), let flags = table.uint32(at: start + layout.segmentFlags),
                let offset = layout.word(table, at: start + layout.segmentOffset),
                let address = layout.word(table, at: start + layout.segmentAddress),
                let byteCount = layout.word(table, at: start + layout.segmentFileSize)
            else { return nil }
            return ELFSegment(type: type, flags: flags, offset: offset, address: address, byteCount: byteCount)
        }
    }

    private static func sections(
        _ file: borrowing ReadableFile,
        _ header: [UInt8],
        _ layout: ELFLayout
    ) -> [ELFSection] {
        let place = layout.programHeaderSize + 4
        guard let offset = layout.word(header, at: layout.sectionHeaders),
            let size = header.uint16(at: place), Int(size) == layout.section,
            let count = header.uint16(at: place + 2), Int(count) <= maximumSections,
            let namesIndex = header.uint16(at: place + 4)
        else { return [] }
        let table = file.read(at: offset, count: Int(count) * layout.section)
        var nameOffsets: [Int] = []
        var sections: [ELFSection] = []
        for start in stride(from: 0, to: table.count, by: layout.section) {
            guard let name = table.uint32(at: start), let type = table.uint32(at: start + 4),
                let flags = layout.word(table, at: start + layout.sectionFlags),
                let offset = layout.word(table, at: start + layout.sectionOffset),
                let byteCount = layout.word(table, at: start + layout.sectionSize),
                let link = table.uint32(at: start + layout.sectionLink)
            else { break }
            nameOffsets.append(Int(name))
            sections.append(
                ELFSection(type: type, flags: flags, offset: offset, byteCount: byteCount, link: Int(link))
            )
        }
        guard sections.indices.contains(Int(namesIndex)) else { return sections }
        let section = sections[Int(namesIndex)]
        let names = file.read(at: section.offset, count: Int(min(section.byteCount, maximumNames)))
        for index in sections.indices { sections[index].name = names.text(at: nameOffsets[index]) ?? "" }
        return sections
    }
}
