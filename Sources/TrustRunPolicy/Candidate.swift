// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// What one rule says at a key of the compiled policy, and under which conditions: 16 bytes, with one range of ports each, so that a
/// kernel map can hold it as it is. A rule with several ranges has a candidate for each.
package struct Candidate: Sendable, Hashable {
    /// Index into `Policy.rules`.
    package var rule: UInt32
    /// 0 to 65535 without `.hasPorts`.
    package var firstPort: UInt16
    package var lastPort: UInt16
    /// 1 + index into `CompiledPolicy.processGlobs`; 0: any process, known or not.
    package var process: UInt16
    /// 1 + index into `CompiledPolicy.nameGlobs`, which the name must match too; 0: the key says all.
    package var glob: UInt16
    package var action: PolicyAction
    package var conditions: Conditions

    package struct Conditions: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Takes part for TCP.
        package static let tcp = Conditions(rawValue: 1)
        /// Takes part for UDP: not for a rule that permits by name, unless it says `protocol: udp` and `verify: address`.
        package static let udp = Conditions(rawValue: 2)
        /// The rule has ports: it takes no part if the port is not known, nor for who connects in.
        package static let hasPorts = Conditions(rawValue: 4)
        /// `verify: address`.
        package static let verifiesAddress = Conditions(rawValue: 8)
        /// The key is a prefix longer than /0, and the rule refuses: it decides before name rules.
        package static let precedesNames = Conditions(rawValue: 16)
        /// The last candidate of its list.
        package static let isLast = Conditions(rawValue: 32)
    }
}

/// What a candidate is held against: a destination without its address and name.
struct Approach {
    /// Of which conditions the candidate must have one.
    let transport: Candidate.Conditions
    /// Of which it must have none.
    let excluded: Candidate.Conditions
    let port: UInt16
    let executable: ExecutableClass

    @inline(__always) init(
        transport: TransportProtocol, port: UInt16?, executable: ExecutableClass, isInbound: Bool = false
    ) {
        switch transport {
        case .tcp: self.transport = .tcp
        case .udp: self.transport = .udp
        }
        excluded = port == nil || isInbound ? .hasPorts : []
        self.port = port ?? 0
        self.executable = executable
    }

    static let udpBit: UInt32 = 1 << 17
    /// The port, below a bit that is set if it is not known or does not count.
    static let portBits: UInt32 = 0x1ffff

    /// Transport and port, for a `Requirement`.
    @inline(__always) static func number(_ transport: TransportProtocol, _ port: UInt16?) -> UInt32 {
        let number = port.map(UInt32.init) ?? 1 << 16
        switch transport {
        case .tcp: return number
        case .udp: return number | udpBit
        }
    }

    @inline(__always) var number: UInt32 {
        UInt32(port) | (excluded.isEmpty ? 0 : 1 << 16) | (transport == .udp ? Self.udpBit : 0)
    }

    /// All bits set if transport and ports do not fit, else none. Without a branch, since what a destination meets cannot be foreseen.
    @inline(__always) func misfit(_ candidate: Candidate) -> Int {
        let conditions = candidate.conditions.rawValue
        let unmet = Int((~conditions & transport.rawValue) | (conditions & excluded.rawValue))
        // Negative outside of the range.
        let inRange = (Int(port) &- Int(candidate.firstPort)) | (Int(candidate.lastPort) &- Int(port))
        return (0 &- unmet | inRange) &>> 63
    }

    /// Whether the process fits.
    @inline(__always) func fitsProcess(_ candidate: Candidate) -> Bool {
        candidate.process == 0 || executable.contains(Int(candidate.process) - 1)
    }
}
