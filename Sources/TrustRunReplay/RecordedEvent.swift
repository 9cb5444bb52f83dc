// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// One line of a recorded stream, as far as it is needed to judge it again.
package struct RecordedEvent {
    /// The line without its end, as it was recorded.
    package let line: [UInt8]
    /// Its `type`: one that this version does not know is none of `EventType`.
    package let type: EventType?
    /// Its `time`, as it was written.
    package let time: String
    /// The connection that it tells of; nil for other events.
    package let connection: ConnectionEvent?
    /// Its id, as it was written.
    package let connectionID: String?
    /// The executable's path; empty if it is not known.
    package let executable: String
    /// The verdict that it was recorded with.
    package let recorded: RecordedVerdict?
    /// What the summary of a last line says was lost.
    package let lost: UInt64?
    /// Who gave the answer that it tells of, on port 53.
    package let answeringResolver: IPAddress?
    /// What a first line says of the resolvers that the recording machine trusted.
    package let resolvers: [IPAddress]?

    /// What people ask of it besides.
    package let details: RecordedDetails

    /// Nothing more will be told of the connection.
    package var endsConnection: Bool {
        guard connectionID != nil, type != .close else { return true }
        return connection?.outcome?.isOver ?? false
    }

    package struct RecordedVerdict: Hashable, Sendable {
        package let action: PolicyAction
        package let rule: String?

        package init(action: PolicyAction, rule: String?) {
            self.action = action
            self.rule = rule
        }
    }
}

/// Why a line is no event.
package struct RecordedEventError: Error, CustomStringConvertible {
    package let description: String
}
