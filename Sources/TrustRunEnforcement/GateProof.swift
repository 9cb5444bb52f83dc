// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc
internal import TrustRunEvents

/// The proof that the gates hold: what a process of the scope gets, and what the kernel counted of it.
enum GateProof {
    /// What is tried, in the words of a report, by `tr_attempt`.
    private static let attempts = [
        "connect() of TCP over IPv4", "sendto() of UDP over IPv4", "send() of connected UDP over IPv4",
        "connect() of TCP over IPv6", "sendto() of UDP over IPv6", "a raw socket", "the option IP_OPTIONS",
        "bind() to port 53", "connect() of a socket that was made outside",
    ]

    /// The error number of each attempt; 0: it was let through.
    static func attempt(at probe: ProbeDestination, inDirectory descriptor: Int32) throws(EnforcementError) -> [Int32] {
        var destination = tr_probe()
        destination.ipv4 = probe.ipv4.ipv4 ?? 0
        unsafe withUnsafeMutableBytes(of: &destination.ipv6) { bytes in unsafe probe.ipv6.store(in: bytes) }
        destination.port = probe.port
        var errors = [Int32](repeating: 0, count: attempts.count)
        let result = unsafe errors.withUnsafeMutableBufferPointer { errors in
            guard let first = errors.baseAddress else { return Int32(-1) }
            return unsafe tr_probe_scope(descriptor, &destination, first)
        }
        guard result == 0 else { throw EnforcementError("try the gates from within the scope", result: result) }
        return errors
    }

    /// Whether an attempt did not come as far as a gate, for want of memory or descriptors.
    static func isShortage(_ error: Int32) -> Bool { [ENOMEM, ENOBUFS, EMFILE, ENFILE].contains(error) }

    /// Whether what refused the socket that was made outside is what stands at the root of the hierarchy. It is of the scope where the
    /// agent is, and the connect gate's then.
    static func wasRefusedAtTheRoot(_ errors: [Int32], _ probe: ProbeDestination, _ outcomes: [GateOutcome]) -> Bool {
        errors[Int(TR_TRY_BROUGHT.rawValue)] == EPERM && counted(.connect, probe.ipv4, probe, outcomes) < 2
    }

    /// `brought`: how many sockets that were made outside the proofs before had refused at the root.
    static func check(
        _ errors: [Int32], _ probe: ProbeDestination, _ outcomes: [GateOutcome], brought: UInt64
    ) throws(EnforcementError) {
        let hasIPv6 = errors[Int(TR_TRY_CONNECT6.rawValue)] != EAFNOSUPPORT
        for (index, error) in errors.enumerated() where error != EPERM {
            let isIPv6 = index == Int(TR_TRY_CONNECT6.rawValue) || index == Int(TR_TRY_SENDTO6.rawValue)
            if isIPv6, error == EAFNOSUPPORT { continue }
            throw EnforcementError(
                "the gates do not hold: \(attempts[index]) was \(answer(error)) in the scope, not refused with EPERM")
        }
        let isAtTheRoot = wasRefusedAtTheRoot(errors, probe, outcomes)
        let expected: [(GateOutcome.Gate, IPAddress, UInt64)] =
            [(.connect, probe.ipv4, isAtTheRoot ? 1 : 2), (.datagram, probe.ipv4, 2)]
            + (hasIPv6 ? [(.connect, probe.ipv6, 1), (.datagram, probe.ipv6, 1)] : [])
        for (gate, address, count) in expected where counted(gate, address, probe, outcomes) != count {
            throw EnforcementError(
                "the gates refused the proof's attempts at \(address) and did not count them as they were made")
        }
        let atTheRoot = outcomes.filter(ProofCounts.isBroughtSocket).reduce(0) { sum, outcome in sum + outcome.count }
        if isAtTheRoot, atTheRoot <= brought {
            throw EnforcementError("a socket that was made outside was refused in the scope and not counted")
        }
    }

    private static func counted(
        _ gate: GateOutcome.Gate, _ address: IPAddress, _ probe: ProbeDestination, _ outcomes: [GateOutcome]
    ) -> UInt64 {
        outcomes.reduce(0) { sum, outcome in
            let isTheProofs =
                outcome.gate == gate && outcome.address == address && outcome.port == probe.port
                && outcome.basis == .probe
            return isTheProofs ? sum + outcome.count : sum
        }
    }

    private static func answer(_ error: Int32) -> String {
        error == 0 ? "let through" : "answered with \(unsafe String(cString: strerror(abs(error))))"
    }
}
