// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// Writes each thing as one line; the answer is false if the line did not fit, and then nothing of it is left.
package protocol EventEncoder: AnyObject {
    func encode(_ event: EnrichedEvent, into buffer: inout OutputBuffer) -> Bool
    /// The same for a connection's events, without an `EnrichedEvent` around them; the report is lent and stays as it is.
    func encode(
        _ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook,
        into buffer: inout OutputBuffer
    ) -> Bool
    func encode(_ start: SessionStart, into buffer: inout OutputBuffer) -> Bool
    func encode(_ summary: SessionSummary, into buffer: inout OutputBuffer) -> Bool
    func encode(_ event: EnforcementEvent, into buffer: inout OutputBuffer) -> Bool
    func encode(losses: [LossEntry], time: UInt64, into buffer: inout OutputBuffer) -> Bool
}

extension EventEncoder {
    package func encode(
        _ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook,
        into buffer: inout OutputBuffer
    ) -> Bool {
        encode(EnrichedEvent(phase, report, time: time, hook: hook), into: &buffer)
    }
}
