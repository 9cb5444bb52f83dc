// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
package import TrustRunEvents

/// Keeps every event that it gets, with what only holds while the event is delivered.
package final class RecordingReceiver: EventReceiver {
    package struct Entry {
        package var event: EnrichedEvent
        package var arguments: [String]
        package var areArgumentsTruncated: Bool
    }

    package private(set) var entries: [Entry] = []
    /// What a gate's decision is in words; nil: nobody asks.
    package var verdictOfRuling: ((GateRuling, HostName?) -> Verdict)?

    package init() {}

    package func verdict(of ruling: GateRuling, name: HostName?, owner: Owner?) -> Verdict? {
        verdictOfRuling?(ruling, name)
    }

    package func receive(_ event: inout EnrichedEvent) {
        let kept = copy event
        entries.append(
            Entry(
                event: kept,
                arguments: (kept.process?.arguments ?? []).split(separator: 0).map {
                    String(decoding: $0, as: UTF8.self)
                },
                areArgumentsTruncated: kept.process?.areArgumentsTruncated ?? false
            )
        )
    }

    package var events: [EnrichedEvent] { entries.map(\.event) }

    /// Hands over what came since the last call.
    package func take() -> [EnrichedEvent] {
        defer { entries = [] }
        return events
    }
}

/// Takes events and keeps nothing.
package final class NullReceiver: EventReceiver {
    package init() {}
    package func receive(_ event: inout EnrichedEvent) {}
}

/// Answers for the kernel's counts of UDP flows.
package final class FakeFlowCounts: FlowCounts {
    package struct Flow: Hashable {
        package var cookie: UInt64
        package var remote: Endpoint

        package init(cookie: UInt64, remote: Endpoint) {
            self.cookie = cookie
            self.remote = remote
        }
    }

    package var counts: [Flow: (sent: UInt64, received: UInt64)] = [:]

    package init() {}

    package func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        counts.removeValue(forKey: Flow(cookie: cookie, remote: remote))
    }
}
