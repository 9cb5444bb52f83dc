// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunWire

/// DNS queries that wait for their answer, and DNS over TCP on its way.
struct LookupTable {
    struct Query {
        var name: HostName?
        var type: UInt16
        var resolver: Endpoint
        var process: ProcessIdentity?
        var cgroup: CgroupIdentity?
        var time: UInt64

        init(_ event: DNSEvent, process: ProcessIdentity?, cgroup: CgroupIdentity?, time: UInt64) {
            name = event.name
            type = event.queryType
            resolver = event.resolver
            self.process = process
            self.cgroup = cgroup
            self.time = time
        }
    }

    private struct Key: Hashable {
        var cookie: UInt64
        var id: UInt16
    }

    private struct StreamKey: Hashable {
        var cookie: UInt64
        var isEgress: Bool
    }

    private static let capacity = 65536
    /// Queries of one socket with one id: more are the same question over and over.
    private static let capacityOfKey = 16
    private static let patienceNanoseconds: UInt64 = 60_000_000_000

    private var queries: [Key: [Query]] = [:]
    private var streams: [StreamKey: DNSStream] = [:]

    /// Keeps a query until its answer comes; false if too many wait already.
    mutating func add(_ query: Query, cookie: UInt64, id: UInt16) -> Bool {
        let key = Key(cookie: cookie, id: id)
        let waiting = queries[key]?.count ?? 0
        guard waiting > 0 || queries.count < Self.capacity else { return false }
        if waiting < Self.capacityOfKey { queries[key, default: []].append(query) }
        return true
    }

    /// Takes out the query of this socket that an answer fits: its id, name, type and resolver.
    mutating func take(cookie: UInt64, answer: DNSEvent) -> Query? {
        let key = Key(cookie: cookie, id: answer.id)
        guard var waiting = queries[key],
            let index = waiting.firstIndex(where: { query in
                query.name === answer.name && query.type == answer.queryType && query.resolver == answer.resolver
            })
        else { return nil }
        let query = waiting.remove(at: index)
        queries[key] = waiting.isEmpty ? nil : waiting
        return query
    }

    /// Forgets queries that nobody answered.
    mutating func sweep(at time: UInt64) {
        guard !queries.isEmpty else { return }
        for (key, waiting) in queries {
            let left = waiting.filter { query in query.time &+ Self.patienceNanoseconds > time }
            if left.count != waiting.count { queries[key] = left.isEmpty ? nil : left }
        }
    }

    /// One direction of a connection to port 53; nil if it is broken, or its beginning was not seen.
    mutating func takeStream(_ cookie: UInt64, isEgress: Bool, sequence: UInt32, isStart: Bool) -> DNSStream? {
        let key = StreamKey(cookie: cookie, isEgress: isEgress)
        if isStart { return DNSStream(next: sequence) }
        return streams.removeValue(forKey: key)
    }

    mutating func putStream(_ stream: DNSStream, _ cookie: UInt64, isEgress: Bool) {
        guard streams.count < Self.capacity else { return }
        streams[StreamKey(cookie: cookie, isEgress: isEgress)] = stream
    }

    mutating func breakStream(_ cookie: UInt64, isEgress: Bool) {
        streams[StreamKey(cookie: cookie, isEgress: isEgress)] = nil
    }

    mutating func closeStream(_ cookie: UInt64) {
        guard !streams.isEmpty else { return }
        breakStream(cookie, isEgress: true)
        breakStream(cookie, isEgress: false)
    }
}

/// One direction of DNS over TCP, in sequence order.
struct DNSStream {
    /// The sequence number of the next byte.
    private var next: UInt32
    var assembler = TCPDNSAssembler()

    init(next: UInt32) {
        self.next = next
    }

    /// Where the bytes that were not seen before begin in a segment; nil if some are missing in front of it.
    mutating func advance(sequence: UInt32, count: Int) -> Int? {
        let seen = Int32(bitPattern: next &- sequence)
        guard seen >= 0 else { return nil }
        guard Int(seen) < count else { return count }
        next = sequence &+ UInt32(count)
        return Int(seen)
    }
}
