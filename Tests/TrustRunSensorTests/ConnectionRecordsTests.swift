// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSensor
import TrustRunTestSupport

/// Records that are read into a step say the same as those that are read into an event.
@Suite struct ConnectionRecordsTests {
    private static let kinds: [RecordKind] = [.connect, .established, .close]
    private static let samples = RecordDecoderHostileTests.samples

    private func agree(_ step: ConnectionStep, _ event: borrowing SensorEvent) -> Bool {
        guard step.time == event.time, step.flags == event.flags else { return false }
        switch (step.kind, event.body) {
        case (.connect, .connect(let facts)):
            return agree(step.facts, facts) && agree(step.facts.task, facts.task)
                && step.facts.errorNumber == facts.errorNumber
        case (.established, .established(let facts)): return agree(step.facts, facts)
        case (.close, .close(let facts, let end)): return agree(step.facts, facts) && agree(step.end, end)
        default: return false
        }
    }

    private func agree(_ one: SocketFacts, _ other: SocketFacts) -> Bool {
        one.cookie == other.cookie && one.socket == other.socket && one.networkNamespace == other.networkNamespace
            && one.transport == other.transport && one.local == other.local && one.remote == other.remote
    }

    private func agree(_ one: TaskFacts, _ other: TaskFacts) -> Bool {
        one.key == other.key && one.user == other.user && one.group == other.group && one.cgroupID == other.cgroupID
            && (0..<16).allSatisfy { index in one.comm[index] == other.comm[index] }
    }

    private func agree(_ one: CloseFacts, _ other: CloseFacts) -> Bool {
        one.oldState == other.oldState && one.errorNumber == other.errorNumber
            && one.acknowledged == other.acknowledged && one.unacknowledged == other.unacknowledged
            && one.received == other.received
    }

    @Test func leavesOtherKindsAlone() throws {
        var step = ConnectionStep()
        for sample in Self.samples {
            let isStep = try RecordDecoder.decode(sample.bytes.span.bytes, into: &step)
            #expect(isStep == Self.kinds.contains(sample.kind), "\(sample.kind)")
        }
    }

    @Test(arguments: kinds) func refusesEveryTruncation(kind: RecordKind) throws {
        let sample = try #require(Self.samples.first { $0.kind == kind })
        var step = ConnectionStep()
        for count in 0..<sample.bytes.count {
            var bytes = Array(sample.bytes.prefix(count))
            #expect(throws: RecordError.truncated) { try RecordDecoder.decode(bytes.span.bytes, into: &step) }
            guard count < sample.needed else { continue }
            bytes.fixRecordSize()
            #expect(throws: RecordError.truncated) { try RecordDecoder.decode(bytes.span.bytes, into: &step) }
        }
    }

    /// The step is never made anew, as in the pipeline.
    @Test(arguments: [UInt64(7), 0xdec0de]) func agreesWithEvents(seed: UInt64) {
        print("record seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let samples = Self.samples.filter { sample in Self.kinds.contains(sample.kind) }
        var step = ConnectionStep()
        var decoded = 0
        for round in 0..<50_000 {
            var bytes = generator.mutatedRecord(samples[round % samples.count].bytes)
            if round.isMultiple(of: 2) { bytes.fixRecordSize() }
            guard let isStep = try? RecordDecoder.decode(bytes.span.bytes, into: &step) else {
                #expect((try? RecordDecoder.decode(bytes.span.bytes)) == nil)
                continue
            }
            guard isStep else { continue }
            guard let event = try? RecordDecoder.decode(bytes.span.bytes) else {
                Issue.record("round \(round): a step but no event")
                continue
            }
            decoded += 1
            if !agree(step, event) { Issue.record("round \(round): another step than event") }
        }
        #expect(decoded > 1000)
    }
}
