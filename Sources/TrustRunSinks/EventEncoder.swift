// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// Writes each thing as one line; the answer is false if the line did not fit, and then nothing of it is left.
package protocol EventEncoder: AnyObject {
    func encode(_ event: EnrichedEvent, into buffer: inout OutputBuffer) -> Bool
    /// The same for a connection's events, without an `EnrichedEvent` around them.
    func encode(
        _ phase: ConnectionPhase, _ connection: borrowing ConnectionEvent, time: UInt64, process: ProcessIdentity?,
        cgroup: CgroupIdentity?, hook: StaticHook,
        into buffer: inout OutputBuffer
    ) -> Bool
    func encode(_ start: SessionStart, into buffer: inout OutputBuffer) -> Bool
    func encode(_ summary: SessionSummary, into buffer: inout OutputBuffer) -> Bool
    func encode(losses: [LossEntry], time: UInt64, into buffer: inout OutputBuffer) -> Bool
}

extension EventEncoder {
    package func encode(
        _ phase: ConnectionPhase, _ connection: borrowing ConnectionEvent, time: UInt64, process: ProcessIdentity?,
        cgroup: CgroupIdentity?, hook: StaticHook,
        into buffer: inout OutputBuffer
    ) -> Bool {
        encode(
            EnrichedEvent(phase, copy connection, time: time, process: process, cgroup: cgroup, hook: hook),
            into: &buffer
        )
    }
}
