// SPDX-License-Identifier: Apache-2.0
/// What `monitor` was asked to do.
package struct MonitorConfiguration: Sendable {
    package enum Format: String, Sendable, CaseIterable {
        case jsonl, text
    }

    package var format = Format.jsonl
    package var filter = EventFilter()
    package var durationNanoseconds: UInt64?
    package var eventLimit: UInt64?
    /// "fentry", "kprobe" or "state": where the ladders of hooks begin; nil: at their top.
    package var firstHook: String?
    /// What judges the connections: files and presets, as `PolicyFiles` reads them; none: nothing does.
    package var policy: [String] = []

    /// The session ends with this process; nil: with none.
    package var process: Int32?

    package init() {}
}
