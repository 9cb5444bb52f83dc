// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TrustRunEvents
import TrustRunSinks

@Suite(.serialized, .timeLimit(.minutes(1))) struct EventWriterTests {
    @Test func writesWholeSession() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        #expect(writer.write(SessionStart(time: 0, version: "1", kernel: "6", capabilities: [])))
        for _ in 0..<3 { writer.write(Samples.event(.connect(Samples.connection()), hook: .connect)) }
        writer.flush()
        writer.write(losses: [LossEntry(stage: .kernel, record: "dns", count: 2)], time: 1)
        #expect(writer.finish(Self.summary, timeoutMilliseconds: 5000))
        pipe.closeWriteEnd()
        let lines = pipe.readLines()
        #expect(try lines.map(Self.type) == ["session", "connect", "connect", "connect", "loss", "session"])
        #expect(lines.last?.contains(#""session":2,"connect":3,"#) == true)
        #expect(lines.last?.contains(#""loss":1,"enforcement":0,"total":6}"#) == true)
        #expect(!writer.isReaderGone)
        #expect(writer.totalDrops == 0)
    }

    @Test func dropsAndCountsWhileReaderStalls() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        let events = 60_000
        let started = ContinuousClock.now
        for index in 0..<events {
            writer.write(Samples.event(.connect(Samples.connection()), hook: .connect, process: Samples.process()))
            if index % 1000 == 0 { writer.flush() }
        }
        #expect(ContinuousClock.now - started < .seconds(30))
        let dropped = writer.totalDrops
        #expect(dropped > 0)
        let drops = writer.takeDrops()
        #expect(drops.map(\.record) == ["connect"] && drops.first?.stage == .output)
        #expect(drops.first?.count == dropped)
        #expect(writer.takeDrops().isEmpty)
        writer.write(losses: drops, time: 1)
        writer.write(losses: [LossEntry(stage: .kernel, record: "dns", count: 1)], time: 2)
        #expect(writer.linesWritten[EventType.loss.position] == 0)

        let reader = pipe.startReader()
        #expect(writer.finish(Self.summary, timeoutMilliseconds: 30_000))
        pipe.closeWriteEnd()
        let lines = reader.lines()
        let types = try lines.map(Self.type)
        #expect(types.count(where: { $0 == "connect" }) == events - Int(dropped))
        #expect(types.suffix(2) == ["loss", "session"])
        #expect(lines.dropLast().last?.contains(#""record":"connect","count":\#(dropped)},{"stage":"kernel""#) == true)
        #expect(lines.last?.contains(#""total":\#(lines.count)}"#) == true)
    }

    @Test func keepsFillingOneBufferWhileWriterIsBehind() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        for _ in 0..<2000 {
            writer.write(Samples.event(.connect(Samples.connection()), hook: .connect))
            writer.flush()
        }
        #expect(writer.totalDrops == 0)
        let reader = pipe.startReader()
        #expect(writer.finish(Self.summary, timeoutMilliseconds: 5000))
        pipe.closeWriteEnd()
        #expect(reader.lines().count == 2001)
    }

    @Test func finishGivesUpOnReaderThatNeverReads() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        for _ in 0..<1000 { writer.write(Samples.event(.connect(Samples.connection()), hook: .connect)) }
        let started = ContinuousClock.now
        #expect(!writer.finish(Self.summary, timeoutMilliseconds: 100))
        #expect((.milliseconds(90) ..< .seconds(5)).contains(ContinuousClock.now - started))
        pipe.closeReadEnd()
        // The thread that is left may still write to the pipes' descriptors; another test's must not have their numbers.
        #expect(pipe.waitUntilGone(milliseconds: 5000))
    }

    @Test func noticesThatReaderIsGone() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        pipe.closeReadEnd()
        writer.write(Samples.event(.connect(Samples.connection()), hook: .connect))
        writer.flush()
        #expect(pipe.waitUntilGone(milliseconds: 5000))
        #expect(writer.isReaderGone)
        for _ in 0..<50_000 { writer.write(Samples.event(.connect(Samples.connection()), hook: .connect)) }
        #expect(writer.finish(Self.summary, timeoutMilliseconds: 5000))
    }

    @Test func writesLongLineIntoEmptyBuffer() throws {
        let pipe = try TestPipe()
        let writer = try pipe.makeWriter()
        let reader = pipe.startReader()
        let long = Samples.process(arguments: String(repeating: "\u{1}", count: 20_000) + "\0")
        let endless = Samples.process(arguments: String(repeating: "\u{1}", count: 50_000) + "\0")
        for _ in 0..<400 { writer.write(Samples.event(.connect(Samples.connection()), hook: .connect)) }
        writer.write(Samples.event(.exec, hook: .exec, process: long))
        writer.write(Samples.event(.exec, hook: .exec, process: endless))
        writer.write(Samples.event(.exec, hook: .exec, process: Samples.process()))
        #expect(writer.finish(Self.summary, timeoutMilliseconds: 5000))
        pipe.closeWriteEnd()
        let types = try reader.lines().map(Self.type)
        #expect(types.suffix(4) == ["exec", "exec", "loss", "session"])
        #expect(types.count == 404)
        #expect(writer.totalDrops == 1)
    }

    @Test func countsTypesInTheirOrder() {
        #expect(EventType.allCases.map(\.position) == Array(EventType.allCases.indices))
    }

    private static let summary = SessionSummary(
        time: Samples.time, durationNanoseconds: 1, reason: .duration, events: [], lost: 0)

    private static func type(of line: String) throws -> String {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(object?["type"] as? String)
    }
}
