// SPDX-License-Identifier: Apache-2.0

/// Where the fields of ELF's structures are, in bytes from their start (elf.h), and how wide an address is.
struct ELFLayout {
    let is64Bit: Bool

    var fileHeader: Int { is64Bit ? 64 : 52 }
    var programHeaders: Int { is64Bit ? 32 : 28 }
    var sectionHeaders: Int { is64Bit ? 40 : 32 }
    /// e_phentsize; e_phnum, e_shentsize, e_shnum and e_shstrndx follow, 16 bits each.
    var programHeaderSize: Int { is64Bit ? 54 : 42 }

    var segment: Int { is64Bit ? 56 : 32 }
    var segmentFlags: Int { is64Bit ? 4 : 24 }
    var segmentOffset: Int { is64Bit ? 8 : 4 }
    var segmentAddress: Int { is64Bit ? 16 : 8 }
    var segmentFileSize: Int { is64Bit ? 32 : 16 }

    var section: Int { is64Bit ? 64 : 40 }
    var sectionFlags: Int { 8 }
    var sectionOffset: Int { is64Bit ? 24 : 16 }
    var sectionSize: Int { is64Bit ? 32 : 20 }
    var sectionLink: Int { is64Bit ? 40 : 24 }

    var symbol: Int { is64Bit ? 24 : 16 }
    var symbolInfo: Int { is64Bit ? 4 : 12 }
    var symbolSection: Int { is64Bit ? 6 : 14 }
    var symbolValue: Int { is64Bit ? 8 : 4 }

    /// Reads an address, offset or size; nil beyond the end of `bytes`.
    func word(_ bytes: [UInt8], at offset: Int) -> UInt64? {
        is64Bit ? bytes.uint64(at: offset) : bytes.uint32(at: offset).map(UInt64.init)
    }
}

extension [UInt8] {
    /// The byte at `offset`; nil beyond the end.
    func uint8(at offset: Int) -> UInt8? {
        offset >= 0 && offset < count ? self[offset] : nil
    }

    /// The little-endian number at `offset`; nil beyond the end.
    func uint16(at offset: Int) -> UInt16? {
        guard offset >= 0, offset <= count - 2 else { return nil }
        return UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
    }

    /// The little-endian number at `offset`; nil beyond the end.
    func uint32(at offset: Int) -> UInt32? {
        guard offset >= 0, offset <= count - 4 else { return nil }
        return UInt32(self[offset]) | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2]) << 16
            | UInt32(self[offset + 3]) << 24
    }

    /// The little-endian number at `offset`; nil beyond the end.
    func uint64(at offset: Int) -> UInt64? {
        guard let low = uint32(at: offset), let high = uint32(at: offset + 4) else { return nil }
        return UInt64(low) | UInt64(high) << 32
    }

    /// The text from `offset` up to the next NUL; nil without one.
    func text(at offset: Int) -> String? {
        guard offset >= 0, offset < count, let end = self[offset...].firstIndex(of: 0) else { return nil }
        return String(decoding: self[offset..<end], as: UTF8.self)
    }
}
