// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunInventory

@Suite struct CarriedTLSTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var constants: String
        var function = "main"
        var name: String?
    }

    static let cases = [
        Case(testDescription: "none", constants: "nothing", name: nil),
        Case(testDescription: "user of a shared library", constants: "built with OpenSSL 3.0.15 3 Sep 2024", name: nil),
        Case(testDescription: "word only", constants: "rustls BoringSSL LibreSSL 3.8.2", name: nil),
        Case(testDescription: "rustls", constants: "\(label) /rustls-0.23/src/ boringssl/", name: "rustls"),
        Case(testDescription: "BoringSSL", constants: "\(label) third_party/boringssl/src", name: "boringssl"),
        Case(
            testDescription: "OpenSSL, stripped",
            constants: "\(label) OpenSSL 3.0 is here OpenSSL 3.0.15 3 Sep 2024",
            name: "openssl (OpenSSL 3.0.15)"
        ),
        Case(
            testDescription: "OpenSSL with its symbols",
            constants: "\(label) OpenSSL 1.1.1w  11 Sep 2023",
            function: "SSL_ctrl",
            name: "openssl (OpenSSL 1.1.1w)"
        ),
        Case(
            testDescription: "rustls and OpenSSL",
            constants: "\(label) rustls",
            function: "SSL_ctrl",
            name: "rustls and openssl"
        ),
        Case(
            testDescription: "OpenSSL 1.0",
            constants: "TLSv1 part of OpenSSL 1.0.2u  20 Dec 2019",
            name: "openssl (OpenSSL 1.0.2u)"
        ),
        Case(testDescription: "LibreSSL", constants: "\(label) LibreSSL 3.8.2", name: "libressl (LibreSSL 3.8.2)"),
        Case(testDescription: "mbedTLS", constants: "c hs traffic Mbed TLS 3.6.2", name: "mbedtls (Mbed TLS 3.6.2)"),
        Case(testDescription: "unknown", constants: "xx c hs traffic", name: "unknown"),
    ]

    private static let label = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"

    @Test(arguments: cases)
    func tellsTheStack(of sample: Case) throws {
        let fixture = ELFFixture(
            machine: nativeMachine,
            isDynamic: false,
            symbols: [.init(name: sample.function)],
            constants: sample.constants
        )
        let symbols = try elf(fixture.bytes())
        let tls = CarriedTLS(symbols)
        #expect(tls?.name == sample.name)
    }

    @Test func findsTextsAcrossTheBuffersEnd() throws {
        for padding in stride(from: (256 << 10) - 40, through: (256 << 10) + 8, by: 1) {
            let constants = String(repeating: "x", count: padding) + Self.label
            let fixture = ELFFixture(constants: constants)
            let symbols = try elf(fixture.bytes())
            let tls = CarriedTLS(symbols)
            #expect(tls?.stacks == [.unknown], "\(padding)")
        }
    }

    @Test(arguments: [".gopclntab", ".data.rel.ro.gopclntab"])
    func seesGo(section: String) throws {
        let fixture = ELFFixture(constants: "x crypto/tls.(*Conn).clientHandshake y", constantsSection: section)
        let symbols = try elf(fixture.bytes())
        let tls = CarriedTLS(symbols)
        #expect(tls?.stacks == [.go])
        let other = ELFFixture(constants: "net/http.Get CLIENT_HANDSHAKE_TRAFFIC_SECRET", constantsSection: section)
        let without = try elf(other.bytes())
        let isTLS = CarriedTLS(without) != nil
        #expect(!isTLS)
    }

    @Test func bearsAnyProgramThatRuns() {
        for program in ProgramScan.run() {
            #expect(!program.path.isEmpty && !program.pids.isEmpty)
        }
    }

    private var nativeMachine: UInt16 {
        #if arch(arm64)
            183
        #else
            62
        #endif
    }
}
