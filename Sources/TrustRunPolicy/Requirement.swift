// SPDX-License-Identifier: Apache-2.0

/// What a candidate without a process requires of a destination's transport and port, in the fewest instructions.
struct Requirement: Sendable, Equatable {
    /// Of the bits of `Approach.number` those that count.
    private let mask: UInt32
    private let first: UInt32
    /// From the first number that fits to the last.
    private let span: UInt32

    /// Nothing.
    init() { (mask, first, span) = (0, 0, 0) }

    /// nil if it takes part for no transport, or requires more than transport and ports.
    init?(_ candidate: Candidate) {
        guard candidate.process == 0, candidate.glob == 0 else { return nil }
        let transports = candidate.conditions.intersection([.tcp, .udp])
        guard !transports.isEmpty else { return nil }
        let isForBoth = transports == [.tcp, .udp]
        let hasPorts = candidate.conditions.contains(.hasPorts)
        mask = (isForBoth ? 0 : Approach.udpBit) | (hasPorts ? Approach.portBits : 0)
        first = (transports == .udp ? Approach.udpBit : 0) | (hasPorts ? UInt32(candidate.firstPort) : 0)
        span = hasPorts ? UInt32(candidate.lastPort) - UInt32(candidate.firstPort) : 0
    }

    @inline(__always) func isMet(by number: UInt32) -> Bool { number & mask &- first <= span }
}
