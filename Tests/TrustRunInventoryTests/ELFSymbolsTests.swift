// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunInventory
import TrustRunTestSupport

@Suite struct ELFSymbolsTests {
    @Test(arguments: [true, false], [true, false])
    func findsDefinedFunctions(is64Bit: Bool, isDynamic: Bool) throws {
        let fixture = ELFFixture(
            is64Bit: is64Bit,
            isDynamic: isDynamic,
            symbols: [
                .init(name: "SSL_new"), .init(name: "BIO_SSL_ctrl"), .init(name: "SSL_ctrl"),
                .init(name: "imported", section: 0), .init(name: "variable", info: 0x11),
            ]
        )
        let symbols = try elf(fixture.bytes())
        let found = ["SSL_new", "SSL_ctrl", "imported", "variable", "SSL_ctr", "SSL_free"].map {
            symbols.definesFunction($0)
        }
        let traits = [symbols.isStripped, symbols.isStatic, symbols.isNative]
        #expect(found == [true, true, false, false, false, false])
        #expect(traits == [isDynamic, !isDynamic, is64Bit && isX86])
    }

    @Test(arguments: [true, false]) func findsWhereTheCodeIsInTheFile(is64Bit: Bool) throws {
        let fixture = ELFFixture(is64Bit: is64Bit, symbols: [.init(name: "SSL_ctrl")])
        let symbols = try elf(fixture.bytes())
        let found = ["SSL_ctrl", "SSL_new"].map { symbols.codeOffset(ofFunction: $0) }
        #expect(found == [ELFFixture.functionOffset, nil])
    }

    /// The symbol's address is that of the first byte behind the code.
    @Test func findsNoCodeOutsideOfIt() throws {
        let fixture = ELFFixture(symbols: [.init(name: "SSL_ctrl")], codeSize: 0x40)
        let symbols = try elf(fixture.bytes())
        let found = symbols.codeOffset(ofFunction: "SSL_ctrl")
        #expect(found == nil)
    }

    @Test func findsNoNameInTheMiddleOfAnother() throws {
        let fixture = ELFFixture(symbols: [.init(name: "my_SSL_ctrl"), .init(name: "SSL_ctrl_of_mine")])
        let symbols = try elf(fixture.bytes())
        let isFound = symbols.definesFunction("SSL_ctrl")
        #expect(!isFound)
    }

    @Test func findsNamesInTablesLargerThanTheBuffer() throws {
        var fixture = ELFFixture(symbols: (0..<40_000).map { .init(name: "function_\($0)") })
        fixture.symbols.append(.init(name: "SSL_ctrl"))
        let symbols = try elf(fixture.bytes())
        let found = ["SSL_ctrl", "function_0", "function_39999", "function_40000"].map { symbols.definesFunction($0) }
        #expect(found == [true, true, true, false])
    }

    @Test(arguments: [
        [], Array("#!/bin/sh\n".utf8), [0x7f, 0x45, 0x4c, 0x46], [UInt8](repeating: 0xff, count: 4096),
    ])
    func refusesOtherFiles(bytes: [UInt8]) {
        let isELF = ELFSymbols(owning: descriptor(of: bytes)) != nil
        #expect(!isELF)
    }

    @Test(arguments: ["/", "/dev/null", "/no/such/file", "/proc/self/fd"])
    func refusesWhatIsNoFile(path: String) {
        let isELF = ELFSymbols(path: path) != nil
        #expect(!isELF)
    }

    @Test(arguments: [true, false])
    func bearsFilesCutAnywhere(is64Bit: Bool) {
        let bytes = fixture(is64Bit: is64Bit).bytes()
        for count in 0...bytes.count { questionAll(Array(bytes[..<count])) }
    }

    @Test(arguments: [true, false])
    func bearsAnyBytes(is64Bit: Bool) {
        var generator = SeededGenerator(seed: 0x5eed)
        let bytes = fixture(is64Bit: is64Bit).bytes()
        for _ in 0..<20_000 { questionAll(generator.mutated(bytes)) }
    }

    @Test(arguments: [true, false])
    func bearsExtremeNumbersInEachField(is64Bit: Bool) {
        let bytes = fixture(is64Bit: is64Bit).bytes()
        for place in 4..<bytes.count {
            for width in [1, 2, 4, 8] where place + width <= bytes.count {
                for value: UInt8 in [0x00, 0x7f, 0xff] {
                    var changed = bytes
                    for index in place..<(place + width) { changed[index] = value }
                    questionAll(changed)
                }
            }
        }
    }

    private func fixture(is64Bit: Bool) -> ELFFixture {
        ELFFixture(
            is64Bit: is64Bit,
            symbols: [.init(name: "SSL_new"), .init(name: "SSL_ctrl")],
            constants: "CLIENT_HANDSHAKE_TRAFFIC_SECRET OpenSSL 3.0.15 "
        )
    }

    private var isX86: Bool {
        #if arch(x86_64)
            true
        #else
            false
        #endif
    }
}
