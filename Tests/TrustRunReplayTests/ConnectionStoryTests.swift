// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunReplay

@Suite struct ConnectionStoryTests {
    private static let query = #"""
        {"schema":"trustrun.event.v1","time":"2026-01-31T23:59:58.000000000Z","type":"dns","host":"box","process":{"pid":7,"start_time":"x","name":"curl"},\#
        "dns":{"phase":"query","id":9,"name":"a.example","query_type":"A","transport":"udp","resolver":{"address":"10.0.0.53","port":53}}}
        """#
    private static let answer = query.replacing(#""phase":"query""#, with: #""phase":"answer""#)
        .replacing("23:59:58", with: "23:59:59")
        .replacing(#""id":9"#, with: #""id":9,"answers":[{"address":"192.0.2.7","ttl":60}]"#)
    private static let connect = #"""
        {"schema":"trustrun.event.v1","time":"2026-02-01T00:00:00.500000000Z","type":"connect","host":"box",\#
        "process":{"pid":7,"start_time":"x","name":"curl"},"connection":"1f.1","direction":"outbound","protocol":"tcp",\#
        "source":{"address":"10.0.0.2"},"destination":{"address":"192.0.2.7","port":443},"outcome":"failed","errno":"EPERM",\#
        "verdict":{"action":"block","enforced":true,"basis":"defaults","reason":"no rule matches","gate":"connect","generation":3,"policy":"p"}}
        """#

    private func story(_ lines: String..., id: String = "1f.1") throws -> ConnectionStory {
        var story = ConnectionStory(connection: id)
        let reader = RecordedEventReader()
        for line in lines { story.add(try reader.read(Array(line.utf8))) }
        return story
    }

    @Test func knowsTheQueryAndTheAnswerBehindAnAddress() throws {
        let chapter = try #require(try story(Self.query, Self.answer, Self.connect).chapters.first)
        let binding = try #require(chapter.binding)
        #expect(binding.name == "a.example")
        #expect(binding.askedAt == "2026-01-31T23:59:58.000000000Z")
        #expect(binding.answeredAt == "2026-01-31T23:59:59.000000000Z")
        #expect(binding.timeToLive == 60)
        #expect(chapter.events.first?.details.verdict?.gate == "connect")
        #expect(chapter.events.first?.details.verdict?.generation == 3)
    }

    @Test func takesOnlyWhatCameBefore() throws {
        #expect(try story(Self.connect, Self.query, Self.answer).chapters.first?.binding == nil)
        let unasked = Self.answer.replacing(#""id":9"#, with: #""unsolicited":true,"id":9"#)
        #expect(try story(unasked, Self.connect).chapters.first?.binding == nil)
    }

    @Test func prefersTheAnswerToTheSameProcess() throws {
        let other = Self.answer.replacing(#""pid":7"#, with: #""pid":8"#).replacing("a.example", with: "b.example")
        #expect(try story(Self.answer, other, Self.connect).chapters.first?.binding?.name == "a.example")
        #expect(try story(other, Self.connect).chapters.first?.binding?.name == "b.example")
    }

    @Test func keepsDestinationsThatShareAnIdApart() throws {
        let elsewhere = Self.connect.replacing("192.0.2.7", with: "192.0.2.8")
        #expect(try story(Self.connect, elsewhere, Self.connect).chapters.map(\.events.count) == [2, 1])
        #expect(try story(Self.connect, id: "1f.2").chapters.isEmpty)
    }

    @Test func readsTimes() {
        #expect(RecordedTime.nanoseconds(of: "1970-01-01T00:00:00.000000001Z") == 1)
        #expect(RecordedTime.nanoseconds(of: "2000-03-01T00:00:00.000000000Z") == 951_868_800_000_000_000)
        #expect(RecordedTime.nanoseconds(of: "2026-11-21T23:06:47.907713904Z") == 1_795_302_407_907_713_904)
        for text in ["", "2026-11-21", "2026-13-21T23:06:47.907713904Z", "2026-11-21T23:06:4x.907713904Z"] {
            #expect(RecordedTime.nanoseconds(of: text) == nil)
        }
        #expect(RecordedTime.text(ofDuration: 1_500_000_000) == "1.5 s")
        #expect(RecordedTime.text(ofDuration: 12_345_678) == "12.3 ms")
    }
}
