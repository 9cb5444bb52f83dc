// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

@Suite struct CgroupTests {
    private static let container = "/docker/\(ContainerIdentityTests.id)"
    private let bench = EnrichmentBench(cgroups: [(5, "/system.slice"), (6, CgroupTests.container)])

    private func exit(_ group: UInt64, pid: UInt32 = 10) throws -> EnrichedEvent {
        var task = TaskFields(pid)
        task.cgroup = group
        return try #require(try bench.events(RecordBuilder.exit(task, at: at(1))).first)
    }

    private func path(_ event: EnrichedEvent) -> String? {
        event.cgroup.map { String(decoding: $0.path, as: UTF8.self) }
    }

    @Test func knowsGroupsThatWereThere() throws {
        #expect(path(try exit(5)) == "/system.slice")
        let event = try exit(6)
        #expect(event.cgroup?.id == 6)
        #expect(event.cgroup?.container?.runtime == .docker)
    }

    @Test func followsAProcessToAnotherGroup() throws {
        #expect(path(try exit(5)) == "/system.slice")
        #expect(path(try exit(6)) == Self.container)
        #expect(try exit(0).cgroup == nil)
    }

    @Test func learnsGroupsThatAreMade() throws {
        try bench.feed(RecordBuilder.cgroup(9, path: "/new", at: at(0)))
        #expect(path(try exit(9)) == "/new")
    }

    @Test func keepsWhatARemovedGroupWasForThoseWhoWereInIt() throws {
        #expect(path(try exit(5)) == "/system.slice")
        try bench.feed(RecordBuilder.cgroup(5, path: "/system.slice", flags: .removed, at: at(1)))
        #expect(path(try exit(5)) == "/system.slice")
        let late = try exit(5, pid: 11)
        #expect(late.cgroup?.id == 5)
        #expect(path(late) == "")
    }

    /// At the start, processes are listed before the records that came meanwhile are read.
    @Test func learnsThePathOfAGroupThatAProcessIsInAlready() throws {
        #expect(path(try exit(9)) == "")
        try bench.feed(RecordBuilder.cgroup(9, path: Self.container, at: at(1)))
        let event = try exit(9)
        #expect(path(event) == Self.container)
        #expect(event.cgroup?.container?.runtime == .docker)
    }
}
