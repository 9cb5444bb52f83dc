// SPDX-License-Identifier: Apache-2.0

import Glibc
import TrustRunInventory

/// A small ELF file, built field by field: a symbol table, its names, constants and the sections' names.
struct ELFFixture {
    struct Symbol {
        var name: String
        var info: UInt8 = 0x12  // STB_GLOBAL, STT_FUNC
        var section: UInt16 = 1
    }

    var is64Bit = true
    var machine: UInt16 = 62  // EM_X86_64
    var isDynamic = true
    var symbols: [Symbol] = []
    var constants = ""
    var constantsSection = ".rodata"
    /// Where the segment of the code ends, from its start.
    var codeSize: UInt64 = 0x100

    /// Every symbol's function, in the file.
    static let functionOffset: UInt64 = 0x840

    func bytes() -> [UInt8] {
        var names: [UInt8] = [0]
        var table = [UInt8](repeating: 0, count: is64Bit ? 24 : 16)
        for symbol in symbols {
            let name = number(UInt64(names.count), 4)
            names += Array(symbol.name.utf8) + [0]
            let rest = [symbol.info, 0] + number(UInt64(symbol.section), 2)
            let value = number(0x1000, width)
            let size = number(16, width)
            table += is64Bit ? name + rest + value + size : name + value + size + rest
        }
        let sectionNames = ["", isDynamic ? ".dynsym" : ".symtab", ".dynstr", constantsSection, ".shstrtab"]
        let sectionNameBytes = sectionNames.flatMap { (name: String) -> [UInt8] in Array(name.utf8) + [0] }
        let parts: [[UInt8]] = [[], table, names, Array(constants.utf8) + [0], sectionNameBytes]
        let types: [UInt64] = [0, isDynamic ? 11 : 2, 3, 1, 3]
        let headerSize = is64Bit ? 64 : 52
        var body = segments()
        var sections: [UInt8] = []
        for (index, part) in parts.enumerated() {
            let name = sectionNames[..<index].map { $0.utf8.count + 1 }.reduce(0, +)
            sections += number(UInt64(name), 4) + number(types[index], 4)  // sh_name, sh_type
            sections += number(index == 3 ? 2 : 0, width) + number(0, width)  // sh_flags, sh_addr
            sections += number(UInt64(headerSize + body.count), width)  // sh_offset
            sections += number(UInt64(part.count), width)  // sh_size
            sections += number(index == 1 ? 2 : 0, 4) + number(0, 4)  // sh_link, sh_info
            sections += number(1, width) + number(0, width)  // sh_addralign, sh_entsize
            body += part
        }
        return header(sectionsAt: headerSize + body.count, sectionCount: parts.count) + body + sections
    }

    private var width: Int { is64Bit ? 8 : 4 }

    private func header(sectionsAt: Int, sectionCount: Int) -> [UInt8] {
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64Bit ? 2 : 1, 1, 1, 0] + number(0, 8)  // e_ident
        header += number(3, 2) + number(UInt64(machine), 2) + number(1, 4)  // e_type, e_machine, e_version
        header += number(0, width)  // e_entry
        header += number(is64Bit ? 64 : 52, width) + number(UInt64(sectionsAt), width)  // e_phoff, e_shoff
        header += number(0, 4) + number(is64Bit ? 64 : 52, 2)  // e_flags, e_ehsize
        header += number(is64Bit ? 56 : 32, 2) + number(2, 2)  // e_phentsize, e_phnum
        header += number(is64Bit ? 64 : 40, 2) + number(UInt64(sectionCount), 2)  // e_shentsize, e_shnum
        return header + number(UInt64(sectionCount - 1), 2)  // e_shstrndx
    }

    /// PT_DYNAMIC or PT_LOAD for the data, and PT_LOAD for the code.
    private func segments() -> [UInt8] {
        segment(type: isDynamic ? 2 : 1, flags: 4, offset: 0, address: 0, size: 0)
            + segment(type: 1, flags: 5, offset: 0x800, address: 0xfc0, size: codeSize)
    }

    private func segment(type: UInt64, flags: UInt64, offset: UInt64, address: UInt64, size: UInt64) -> [UInt8] {
        let places = [offset, address, address, size, size].flatMap { number($0, width) }
        return is64Bit
            ? number(type, 4) + number(flags, 4) + places + number(0, 8)
            : number(type, 4) + places + number(flags, 4) + number(0, 4)
    }

    private func number(_ value: UInt64, _ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
}

/// A descriptor of a nameless file that holds `bytes`.
func descriptor(of bytes: [UInt8]) -> CInt {
    var template = Array("/tmp/trustrun-elf-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    unlink(template)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    return descriptor
}

/// Opens an ELF file that holds `bytes`.
func elf(_ bytes: [UInt8]) throws -> ELFSymbols {
    guard let symbols = ELFSymbols(owning: descriptor(of: bytes)) else { throw Failure(call: "ELFSymbols") }
    return symbols
}

/// Puts each question that there is to a file; what comes out is not looked at.
func questionAll(_ bytes: [UInt8]) {
    guard let symbols = ELFSymbols(owning: descriptor(of: bytes)) else { return }
    _ = (symbols.definesFunction("SSL_ctrl"), symbols.codeOffset(ofFunction: "SSL_ctrl"))
    _ = (symbols.isGo, symbols.isStatic, symbols.isStripped, symbols.isNative, symbols.goVersion)
    _ = CarriedTLS(symbols)
}
