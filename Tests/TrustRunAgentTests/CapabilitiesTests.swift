// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TrustRunAgent

@Suite struct CapabilitiesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let effective: UInt64
        let missing: [String]
        var testDescription: String { label }
    }

    static let cases = [
        Case(label: "root", effective: 0x1ff_ffff_ffff, missing: []),
        Case(label: "nobody", effective: 0, missing: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"]),
        Case(label: "just enough", effective: 1 << 39 | 1 << 38 | 1 << 12, missing: []),
        Case(label: "administrator", effective: 1 << 21 | 1 << 12, missing: []),
        Case(label: "administrator without the network", effective: 1 << 21, missing: ["CAP_NET_ADMIN"]),
        Case(label: "without CAP_PERFMON", effective: 1 << 39 | 1 << 12, missing: ["CAP_PERFMON"]),
        Case(label: "without CAP_BPF", effective: 1 << 38 | 1 << 12, missing: ["CAP_BPF"]),
    ]

    @Test(arguments: cases) func findsWhatIsMissing(_ row: Case) {
        let digits = String(row.effective, radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.count) + digits
        // What is permitted or inherited does not count.
        let status =
            "Name:\tx\nCapInh:\tffffffffffffffff\nCapPrm:\tffffffffffffffff\nCapEff:\t\(padded)\n"
            + "CapBnd:\tffffffffffffffff\n"
        #expect(Capabilities.missing(status: status) == row.missing)
    }

    /// What cannot be read is left for the kernel to refuse.
    @Test(arguments: ["", "Name:\tx\n", "CapEff:\n", "CapEff:\tzz\n"]) func assumesNothing(status: String) {
        #expect(Capabilities.missing(status: status) == [])
    }
}
