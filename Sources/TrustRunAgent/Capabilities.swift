// SPDX-License-Identifier: Apache-2.0

/// What this process may do (capabilities(7)).
package enum Capabilities {
    /// The capabilities that the sensor needs, with their bits.
    private static let needed: [(name: String, bit: UInt64)] = [
        ("CAP_BPF", 39), ("CAP_PERFMON", 38), ("CAP_NET_ADMIN", 12),
    ]
    private static let systemAdministration: UInt64 = 21

    /// The names of those that are missing; CAP_SYS_ADMIN stands for the first two.
    package static func missing() -> [String] {
        guard let status = ProcFile.read("/proc/self/status") else { return [] }
        return missing(status: status)
    }

    static func missing(status: String) -> [String] {
        let line = status.split(separator: "\n").first { line in line.hasPrefix("CapEff:") }
        guard let digits = line?.split(separator: "\t").last, let effective = UInt64(digits, radix: 16) else {
            return []
        }
        let isAdministrator = effective >> systemAdministration & 1 == 1
        return needed.filter { capability in
            effective >> capability.bit & 1 == 0 && !(isAdministrator && capability.bit >= 38)
        }.map(\.name)
    }
}
