// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

@testable import TrustRunAgent

@Suite struct EventFilterTests {
    private func process(_ pid: UInt32, parent: ProcessIdentity? = nil, parentPID: UInt32? = nil) -> ProcessIdentity {
        ProcessIdentity(
            key: ProcessKey(tgid: pid, startTime: UInt64(pid)), parent: parent,
            parentTgid: parentPID ?? parent?.key.tgid ?? 0, user: 0, group: 0, name: [], executable: [], cgroup: nil)
    }

    private func event(
        _ body: EnrichedEvent.Body = .exec, _ process: ProcessIdentity? = nil, cgroup: String? = nil
    ) -> EnrichedEvent {
        let group = cgroup.map { path in CgroupIdentity(id: 1, path: Array(path.utf8), container: nil) }
        return EnrichedEvent(time: 0, process: process, cgroup: group, hook: .exec, body: body)
    }

    private func connection() -> ConnectionEvent {
        let end = Endpoint(address: IPAddress(ipv4: 1), port: 1)
        return ConnectionEvent(
            id: ConnectionID(cookie: 1, generation: 1), direction: .outbound, transport: .tcp, source: end,
            destination: end, names: DestinationNames(), networkNamespace: 0)
    }

    private func all() -> [EnrichedEvent] {
        let end = Endpoint(address: IPAddress(ipv4: 1), port: 53)
        let dns = DNSEvent(isAnswer: false, id: 1, name: nil, queryType: 1, transport: .udp, resolver: end)
        let sni = ServerNameEvent(name: nil, isOnWire: true, isFromLibrary: false)
        return [
            event(.connect(connection())), event(.accept(connection())), event(.close(connection())), event(.dns(dns)),
            event(.sni(sni)), event(.exec), event(.exit(ExitEvent(waitStatus: 0, durationNanoseconds: 0))),
        ]
    }

    @Test func admitsEverythingUnlessAsked() {
        let filter = EventFilter()
        for event in all() { #expect(filter.admits(event)) }
    }

    @Test(arguments: EventType.allCases) func admitsTheTypesAskedFor(type: EventType) {
        let filter = EventFilter(types: [type])
        for event in all() { #expect(filter.admits(event) == (event.type == type)) }
        let others = EventFilter(types: Set(EventType.allCases).subtracting([type]))
        for event in all() { #expect(others.admits(event) == (event.type != type)) }
    }

    @Test func admitsNothingOfNoType() {
        let filter = EventFilter(types: [])
        for event in all() { #expect(!filter.admits(event)) }
    }

    @Test func admitsAProcessAndWhatDescendsFromIt() {
        let top = process(1)
        let watched = process(10, parent: top)
        let child = process(20, parent: watched)
        let grandchild = process(30, parent: child)
        let orphan = process(40, parentPID: 10)
        let filter = EventFilter(pid: 10)
        for inside in [watched, child, grandchild, orphan] { #expect(filter.admits(event(.exec, inside))) }
        for outside in [top, process(11, parent: top), process(100)] { #expect(!filter.admits(event(.exec, outside))) }
        #expect(!filter.admits(event()))
    }

    struct Glob: Sendable, CustomTestStringConvertible {
        let glob: String
        let path: String?
        let isAdmitted: Bool
        var testDescription: String { "\(glob) \(path ?? "-")" }
    }

    static let globs = [
        Glob(glob: "/system.slice/*", path: "/system.slice/ssh.service", isAdmitted: true),
        Glob(glob: "/system.slice/*", path: "/system.slice/a.slice/b.scope", isAdmitted: true),
        Glob(glob: "/system.slice/*", path: "/system.slice", isAdmitted: false),
        Glob(glob: "*docker*", path: "/docker/abc", isAdmitted: true), Glob(glob: "/", path: "/", isAdmitted: true),
        Glob(glob: "/a?c", path: "/abc", isAdmitted: true), Glob(glob: "/[ab]", path: "/c", isAdmitted: false),
        Glob(glob: "/a\\*", path: "/a*", isAdmitted: true), Glob(glob: "/a\\*", path: "/ab", isAdmitted: false),
        Glob(glob: "*", path: "/.hidden/x", isAdmitted: true), Glob(glob: "*", path: "", isAdmitted: false),
        Glob(glob: "*", path: nil, isAdmitted: false), Glob(glob: "", path: "/a", isAdmitted: false),
    ]

    @Test(arguments: globs) func matchesGroups(_ row: Glob) {
        #expect(EventFilter(cgroup: row.glob).admits(event(.exec, cgroup: row.path)) == row.isAdmitted)
    }

    @Test func demandsAllParts() {
        let filter = EventFilter(types: [.exec], cgroup: "/a", pid: 10)
        #expect(filter.admits(event(.exec, process(10), cgroup: "/a")))
        #expect(!filter.admits(event(.connect(connection()), process(10), cgroup: "/a")))
        #expect(!filter.admits(event(.exec, process(11), cgroup: "/a")))
        #expect(!filter.admits(event(.exec, process(10), cgroup: "/b")))
    }

    /// However deep the tree below it, a process stays in the session of the one that is watched.
    @Test func admitsDeepDescendants() throws {
        let bench = EnrichmentBench()
        try bench.feed(RecordBuilder.exec(TaskFields(100, startTime: 100), at: 1_000_000_000_000))
        for pid in UInt32(101)...150 {
            let parent = TaskFields(pid - 1, startTime: UInt64(pid - 1))
            let fork = RecordBuilder.fork(
                TaskFields(pid, startTime: UInt64(pid)), parent: parent, at: 1_000_000_000_000)
            try bench.feed(fork)
        }
        let filter = EventFilter(pid: 100)
        var lost: [UInt32] = []
        for pid in UInt32(100)...150 {
            let exit = RecordBuilder.exit(TaskFields(pid, startTime: UInt64(pid)), at: 1_000_000_000_001)
            let event = try #require(try bench.events(exit).first)
            if !filter.admits(event) { lost.append(pid) }
        }
        #expect(lost == [])
    }
}
