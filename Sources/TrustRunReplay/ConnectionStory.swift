// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What a recording tells of one connection: its events, and the answer that gave its address a name.
package struct ConnectionStory {
    /// A DNS answer with its query.
    package struct Binding: Sendable {
        package var name: String
        package var answer: RecordedDetails.Lookup
        package var answeredAt: String
        /// As it was written; nil: the recording does not have the query.
        package var askedAt: String?
        package var process: RecordedDetails.Process?
        /// Of the address, in seconds.
        package var timeToLive: UInt64
    }

    /// Those of one destination, in the order in which they came.
    package struct Chapter {
        package var events: [RecordedEvent]
        /// What was known of the address when the first of them happened, the latest answer to the same process first of all.
        package var binding: Binding?
    }

    /// Addresses and queries that are remembered, at most.
    private static let remembered = 65536
    /// Events that are kept of one connection, at most.
    private static let eventsMax = 1024

    private struct Asker: Hashable {
        var process: RecordedDetails.Process?
        var name: String
        var type: String
        var id: UInt16
    }

    private let id: String
    /// By address; the last is the latest, and there is one of each process.
    private var bindings: [String: [Binding]] = [:]
    private var queries: [Asker: String] = [:]
    /// Mostly one: refused datagrams of one socket share an id.
    package private(set) var chapters: [Chapter] = []

    /// `connection`: its id, as it was written.
    package init(connection id: String) {
        self.id = id
    }

    package mutating func add(_ event: RecordedEvent) {
        if let lookup = event.details.lookup { add(lookup, of: event) }
        guard event.connectionID == id, let connection = event.connection else { return }
        let peer = connection.direction == .outbound ? connection.destination : connection.source
        let place = chapters.firstIndex { chapter in
            chapter.events.first?.connection.map { first in
                (first.direction == .outbound ? first.destination : first.source) == peer
            } ?? false
        }
        if let place {
            if chapters[place].events.count < Self.eventsMax { chapters[place].events.append(event) }
        } else {
            chapters.append(
                Chapter(events: [event], binding: binding(of: "\(peer.address)", for: event.details.process)))
        }
    }

    private mutating func add(_ lookup: RecordedDetails.Lookup, of event: RecordedEvent) {
        let process = event.details.process
        let asker = Asker(process: process, name: lookup.name, type: lookup.type, id: lookup.id)
        guard lookup.isAnswer else {
            if queries.count >= Self.remembered { queries.removeAll() }
            return queries[asker] = event.time
        }
        let askedAt = queries.removeValue(forKey: asker)
        if bindings.count >= Self.remembered { bindings.removeAll() }
        for answer in lookup.answers {
            let binding = Binding(
                name: lookup.name, answer: lookup, answeredAt: event.time, askedAt: askedAt, process: process,
                timeToLive: answer.timeToLiveSeconds)
            bindings[answer.address, default: []].removeAll { old in old.process == process || old.name == lookup.name }
            bindings[answer.address, default: []].append(binding)
        }
    }

    private func binding(of address: String, for process: RecordedDetails.Process?) -> Binding? {
        let known = bindings[address] ?? []
        return known.last { binding in binding.process == process } ?? known.last
    }
}
