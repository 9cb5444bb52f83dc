// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunTestSupport

@Suite struct ProcessTests {
    private let bench = EnrichmentBench()
    private let shell = TaskFields(10, startTime: 5, comm: "bash")
    private let child = TaskFields(20, startTime: 6, comm: "bash")

    @Test func inheritsTheImageAtForkAndReplacesItAtExec() throws {
        try bench.feed(RecordBuilder.exec(shell, path: "/usr/bin/bash", at: at(0)))
        try bench.feed(RecordBuilder.fork(child, parent: shell, at: at(1)))
        let forked = try #require(try bench.events(RecordBuilder.connect(child, cookie: 1, at: at(1)), end(1)).first)
        #expect(forked.process?.executableText == "/usr/bin/bash")
        #expect(forked.process?.ancestorPIDs == [10])
        #expect(forked.process?.parentTgid == 10)
        var curl = child
        curl.comm = "curl"
        let executed = try #require(
            try bench.events(RecordBuilder.exec(curl, parent: shell, path: "/usr/bin/curl", at: at(2))).first)
        #expect(executed.type == .exec)
        #expect(executed.process?.executableText == "/usr/bin/curl")
        #expect(executed.process?.nameText == "curl")
        #expect(executed.process?.parent?.nameText == "bash")
    }

    private func end(_ cookie: UInt64) -> [UInt8] {
        RecordBuilder.close(cookie: cookie, EndpointFields(), EndFields(oldState: 2, error: 111), at: at(1, 1))
    }

    @Test func tellsArgumentsOnceAndWhetherTheyWereCut() throws {
        try bench.feed(
            RecordBuilder.exec(shell, arguments: ["bash", "-c", "a b"], flags: .truncated, at: at(0)),
            RecordBuilder.exit(shell, waitStatus: 3 << 8, at: at(2)))
        let entries = bench.receiver.entries
        #expect(entries.map(\.arguments) == [["bash", "-c", "a b"], []])
        #expect(entries[0].areArgumentsTruncated)
    }

    @Test func countsTheLifeOfAProcess() throws {
        let exit = try #require(try bench.events(RecordBuilder.exit(shell, waitStatus: 9, at: at(3))).first)
        guard case .exit(let told) = exit.body else { throw Missing() }
        #expect(told.waitStatus == 9)
        #expect(told.durationNanoseconds == at(3) - 5)
        #expect(exit.time == at(3) + EnrichmentBench.bootOffset)
    }

    @Test func listsProcessesThatRanBeforeWithoutTellingOfThem() throws {
        let kernel = TaskFields(2, startTime: 1, comm: "kthreadd")
        #expect(
            try bench.events(
                RecordBuilder.exec(kernel, path: "", flags: [.existing, .kernelThread], at: at(0)),
                RecordBuilder.exec(child, parent: shell, flags: .existing, at: at(0)),
                RecordBuilder.exec(shell, parent: TaskFields(1), flags: .existing, at: at(0))
            ).isEmpty)
        bench.enricher.linkExistingParents([(child.key, shell.key), (kernel.key, kernel.key)])
        let events = try bench.events(RecordBuilder.exit(child, at: at(1)), RecordBuilder.exit(kernel, at: at(1)))
        #expect(events[0].process?.isExisting == true)
        #expect(events[0].process?.ancestorPIDs == [10])
        #expect(events[1].process?.isKernelThread == true)
        #expect(events[1].process?.executable == [])
    }

    @Test func tellsReusedPIDsApart() throws {
        try bench.feed(
            RecordBuilder.exec(child, path: "/old", at: at(0)), RecordBuilder.connect(child, cookie: 1, at: at(0)))
        let again = TaskFields(20, startTime: 7, comm: "new")
        try bench.feed(RecordBuilder.exit(child, at: at(1)), RecordBuilder.fork(again, parent: shell, at: at(1, 1)))
        let events = try bench.events(
            RecordBuilder.connect(again, cookie: 2, at: at(1, 2)), RecordBuilder.established(cookie: 2, at: at(1, 3)),
            RecordBuilder.established(cookie: 1, at: at(1, 4)))
        #expect(events.map { $0.process?.key.startTime } == [7, 6])
        #expect(events[0].process?.executable == [])
        // What ended is let go, and the process that has its pid now is not.
        _ = bench.tick(at: at(10))
        let later = try bench.events(RecordBuilder.exit(again, at: at(11)))
        #expect(later[0].process === events[0].process)
    }

    @Test func namesAProcessThatEndedForAWhile() throws {
        try bench.feed(RecordBuilder.exec(child, path: "/usr/bin/dig", at: at(0)), RecordBuilder.exit(child, at: at(1)))
        _ = bench.tick(at: at(2))
        try bench.feed(RecordBuilder.connect(child, cookie: 1, at: at(1)))
        let late = try bench.events(RecordBuilder.established(cookie: 1, at: at(2)))
        #expect(late.first?.process?.executableText == "/usr/bin/dig")
        _ = bench.tick(at: at(4))
        try bench.feed(RecordBuilder.connect(child, cookie: 2, at: at(4)))
        let tooLate = try bench.events(RecordBuilder.established(cookie: 2, at: at(4)))
        #expect(tooLate.first?.process?.executable == [])
    }

    @Test func namesAProcessWhoseForkWasLostFromTheRecordAlone() throws {
        try bench.feed(RecordBuilder.connect(child, cookie: 1, at: at(0)))
        let event = try #require(try bench.events(RecordBuilder.established(cookie: 1, at: at(0, 5))).first)
        #expect(event.process?.key == child.key)
        #expect(event.process?.nameText == "bash")
        #expect(event.process?.parent == nil)
        #expect(event.process?.parentTgid == 0)
        #expect(event.process?.executable == [])
        // Its exec tells the rest.
        try bench.feed(RecordBuilder.exec(shell, path: "/usr/bin/bash", at: at(1)))
        let told = try bench.events(RecordBuilder.exec(child, parent: shell, path: "/usr/bin/curl", at: at(1)))
        #expect(told.first?.process?.ancestorPIDs == [10])
    }

    /// Processes that each fork the next and end.
    @Test func cutsChainsAt32Ancestors() throws {
        try bench.feed(RecordBuilder.exec(TaskFields(100, startTime: 100), at: at(0)))
        for pid in UInt32(101)...200 {
            let parent = TaskFields(pid - 1, startTime: UInt64(pid - 1))
            let time = at(UInt64(pid) * 10)
            try bench.feed(
                RecordBuilder.fork(TaskFields(pid, startTime: UInt64(pid)), parent: parent, at: time),
                RecordBuilder.exit(parent, at: time))
            _ = bench.tick(at: time + 5 * EnrichmentBench.second)
        }
        let last = try bench.events(RecordBuilder.exit(TaskFields(200, startTime: 200), at: at(3000)))
        #expect(last.first?.process?.ancestorPIDs == Array((168...199).reversed()))
    }

    @Test func takesOverUserAndGroup() throws {
        try bench.feed(RecordBuilder.exec(shell, at: at(0)))
        var other = shell
        other.user = 0
        other.group = 7
        let event = try #require(try bench.events(RecordBuilder.exit(other, at: at(1))).first)
        #expect(event.process?.user == 0)
        #expect(event.process?.group == 7)
    }

    @Test func survivesTheEndOfTime() async {
        await #expect(processExitsWith: .success) {
            let bench = EnrichmentBench()
            try bench.feed(RecordBuilder.exit(TaskFields(10), at: .max))
            _ = bench.tick(at: .max)
            _ = bench.tick(at: 0)
        }
    }

    @Test func readsPaths() throws {
        for path in ["/a", "/usr/lib/x y/\u{1}", "/memfd:x (deleted)", ""] {
            let event = try bench.events(RecordBuilder.exec(shell, path: path, at: at(0)))
            #expect(event.first?.process?.executableText == path)
        }
    }
}

struct Missing: Error {}
