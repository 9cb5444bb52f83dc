// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A random but possible history of a machine, as records: each connection is begun before it ends, and each process before
/// it acts.
package struct Scenario {
    private enum Stage {
        case begun, established
    }

    private struct Connection {
        var stage: Stage
        var owner: TaskFields
        var ends: EndpointFields
    }

    private static let names = ["a.example", "b.example", "www.c.example", "d.test"]

    private var generator: SeededGenerator
    private var tasks: [TaskFields] = [TaskFields(1, startTime: 1, comm: "init")]
    private var connections: [UInt64: Connection] = [:]
    private var idle: [UInt64] = []
    private var flows: Set<UInt64> = []
    private var nextCookie: UInt64 = 1
    private var nextPID: UInt32 = 2
    /// Nanoseconds since boot.
    package private(set) var time: UInt64 = 1_000_000_000_000

    package init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// The next record; a few of them advance the clock by seconds.
    package mutating func next() -> [UInt8] {
        time += UInt64.random(in: 1...2_000_000, using: &generator)
        if generator.isOne(in: 50) { time += UInt64.random(in: 0...3_000_000_000, using: &generator) }
        if connections.count > 60 { return close() }
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: return fork()
        case 1: return RecordBuilder.exec(task(), arguments: ["x", "y"], at: time)
        case 2: return exit()
        case 3: return RecordBuilder.cgroup(UInt64.random(in: 1...9, using: &generator), path: "/g", at: time)
        case 4...8: return connect()
        case 9, 10: return establish()
        case 11, 12: return close()
        case 13: return accept()
        case 14: return udp()
        case 15, 16: return lookup()
        case 17, 18: return hello()
        default:
            return RecordBuilder.serverName(task(), Self.names.randomElement(using: &generator) ?? "", at: time)
        }
    }

    private mutating func task() -> TaskFields {
        tasks.randomElement(using: &generator) ?? .void
    }

    private mutating func ends(_ transport: TransportProtocol = .tcp) -> EndpointFields {
        EndpointFields(transport: transport).to(UInt8.random(in: 1...6, using: &generator))
    }

    private mutating func cookie() -> UInt64 {
        nextCookie += 1
        return nextCookie
    }

    private mutating func fork() -> [UInt8] {
        var child = task()
        let parent = child
        nextPID = nextPID > 60 ? 2 : nextPID + 1
        child.tgid = nextPID
        child.startTime = time
        child.cgroup = UInt64.random(in: 0...9, using: &generator)
        tasks.removeAll { task in task.tgid == child.tgid }
        tasks.append(child)
        return RecordBuilder.fork(child, parent: parent, at: time)
    }

    private mutating func exit() -> [UInt8] {
        guard tasks.count > 4 else { return fork() }
        return RecordBuilder.exit(tasks.remove(at: Int.random(in: 1..<tasks.count, using: &generator)), at: time)
    }

    private mutating func connect() -> [UInt8] {
        let isAgain = generator.isOne(in: 3) && !idle.isEmpty
        let cookie = isAgain ? idle.removeLast() : cookie()
        let connection = Connection(stage: .begun, owner: task(), ends: ends())
        connections[cookie] = connection
        return RecordBuilder.connect(connection.owner, cookie: cookie, connection.ends, at: time)
    }

    private mutating func establish() -> [UInt8] {
        let waiting = connections.filter { entry in entry.value.stage == .begun }.keys.sorted()
        guard let cookie = waiting.randomElement(using: &generator) else { return connect() }
        connections[cookie]?.stage = .established
        return RecordBuilder.established(cookie: cookie, connections[cookie]?.ends ?? EndpointFields(), at: time)
    }

    private mutating func close() -> [UInt8] {
        guard let cookie = connections.keys.sorted().randomElement(using: &generator),
            let connection = connections.removeValue(forKey: cookie)
        else { return connect() }
        let isAlive = generator.isOne(in: 2)
        if isAlive { idle.append(cookie) }
        let errors: [UInt32] = connection.stage == .begun ? [0, 110, 111, 113] : [0]
        let end = EndFields(
            oldState: connection.stage == .begun ? 2 : 1, error: errors.randomElement(using: &generator) ?? 0,
            acknowledged: UInt64.random(in: 0...9, using: &generator))
        return RecordBuilder.close(
            cookie: cookie, socket: cookie << 8, connection.ends, end, flags: isAlive ? .alive : [], at: time)
    }

    private mutating func accept() -> [UInt8] {
        let ends = EndpointFields(localPort: 443, remotePort: 50000)
        if generator.isOne(in: 4) { return RecordBuilder.listen(task(), socket: 5, ends, at: time) }
        let cookie = cookie()
        let owner = task()
        connections[cookie] = Connection(stage: .established, owner: owner, ends: ends)
        return RecordBuilder.accept(generator.isOne(in: 2) ? owner : nil, cookie: cookie, ends, at: time)
    }

    private mutating func udp() -> [UInt8] {
        if flows.count > 20 || generator.isOne(in: 3), let cookie = flows.sorted().randomElement(using: &generator) {
            flows.remove(cookie)
            return RecordBuilder.udpClose(cookie: cookie, at: time)
        }
        let known = flows.sorted().randomElement(using: &generator)
        let isKnown = generator.isOne(in: 2)
        let cookie = isKnown ? known ?? cookie() : cookie()
        flows.insert(cookie)
        return RecordBuilder.udpFlow(
            task(), cookie: cookie, ends(.udp), flags: generator.isOne(in: 3) ? .inbound : [], at: time)
    }

    private mutating func lookup() -> [UInt8] {
        let name = Self.names.randomElement(using: &generator) ?? ""
        let id = Int.random(in: 0..<3, using: &generator)
        let socket = 1 << 40 + UInt64.random(in: 0..<3, using: &generator)
        if generator.isOne(in: 2) {
            return RecordBuilder.dns(
                task(), cookie: socket, flags: .egress, payload: WireBytes.query(name, id: id), at: time)
        }
        let address: [UInt8] = [192, 0, 2, UInt8.random(in: 1...6, using: &generator)]
        let answer = WireBytes.answer(name, id: id, addresses: [address])
        return RecordBuilder.dns(.void, cookie: socket, .resolver(), flags: .noTask, payload: answer, at: time)
    }

    private mutating func hello() -> [UInt8] {
        guard let cookie = connections.keys.sorted().randomElement(using: &generator),
            let connection = connections[cookie]
        else { return connect() }
        let bytes = WireBytes.clientHello(Self.names.randomElement(using: &generator))
        let cut = generator.isOne(in: 3) ? Int.random(in: 0...bytes.count, using: &generator) : 0
        let part = generator.isOne(in: 2) ? Array(bytes[cut...]) : Array(bytes.prefix(max(cut, 1)))
        return RecordBuilder.hello(
            connection.owner, cookie: cookie, connection.ends, offset: UInt32(part.count == bytes.count ? 0 : cut),
            payload: part, at: time)
    }
}
