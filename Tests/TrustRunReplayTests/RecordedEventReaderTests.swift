// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunReplay
import TrustRunTestSupport

@Suite struct RecordedEventReaderTests {
    static let connect = #"""
        {"schema":"trustrun.event.v1","time":"2026-01-31T23:59:59.000000007Z","type":"connect","host":"box",\#
        "process":{"pid":7,"start_time":"x","executable":"/usr/bin/curl"},"connection":"1f.1","direction":"outbound",\#
        "protocol":"udp","source":{"address":"10.0.0.2","port":40000},"destination":{"address":"2001:db8::1","port":443,\#
        "name":"a.example","name_source":"dns"},"network_namespace":1,"outcome":"refused",\#
        "verdict":{"action":"block","enforced":false,"rule":"p.yaml#1"}}
        """#

    private func read(_ text: String) throws(RecordedEventError) -> RecordedEvent {
        try RecordedEventReader().read(Array(text.utf8))
    }

    @Test func readsAConnection() throws {
        let event = try read(Self.connect)
        #expect(event.type == .connect)
        #expect(event.connectionID == "1f.1")
        #expect(event.executable == "/usr/bin/curl")
        #expect(event.recorded == .init(action: .block, rule: "p.yaml#1"))
        #expect(event.endsConnection)
        let connection = try #require(event.connection)
        #expect(connection.transport == .udp)
        #expect(connection.destination == Endpoint(address: try #require(IPAddress(text: "2001:db8::1")), port: 443))
        #expect(connection.names.name.map { String(decoding: $0.bytes, as: UTF8.self) } == "a.example")
    }

    @Test(arguments: [
        (#""direction":"outbound""#, #""direction":"sideways""#, "`sideways` is no direction"),
        (#""protocol":"udp""#, #""protocol":"sctp""#, "`sctp` is no protocol"),
    ]) func refusesWordsThatItDoesNotKnow(known: String, unknown: String, words: String) throws {
        let error = #expect(throws: RecordedEventError.self) { try read(Self.connect.replacing(known, with: unknown)) }
        #expect(error?.description.hasPrefix(words) == true)
    }

    @Test func readsSeveralNames() throws {
        let text = Self.connect.replacing(#""name":"a.example""#, with: #""names":["a.example","b.example"]"#)
        let names = try #require(try read(text).connection).names
        #expect(names.candidates.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a.example", "b.example"])
    }

    @Test func readsTheBytesOfAClose() throws {
        let udp = Self.connect.replacing(#""outcome":"refused""#, with: #""bytes":{"sent":5,"received":6}"#)
        guard case .udp(sent: 5, received: 6) = try read(udp).connection?.bytes else {
            Issue.record("not what was sent")
            return
        }
        let tcp = udp.replacing(#""sent":5"#, with: #""acknowledged":7,"unacknowledged":8"#)
        guard case .tcp(acknowledged: 7, unacknowledged: 8, received: 6) = try read(tcp).connection?.bytes else {
            Issue.record("not what was acknowledged")
            return
        }
        #expect(try read(Self.connect).connection?.bytes == nil)
    }

    @Test(arguments: [
        (#""phase":"answer","resolver":{"address":"10.0.0.53","port":53}"#, "10.0.0.53"),
        (#""phase":"query","resolver":{"address":"10.0.0.53","port":53}"#, nil),
        (#""phase":"answer","unsolicited":true,"resolver":{"address":"10.0.0.53","port":53}"#, nil),
        (#""phase":"answer","resolver":{"address":"10.0.0.53","port":5353}"#, nil), (#""phase":"answer""#, nil),
    ]) func tellsWhoAnswered(message: String, resolver: String?) throws {
        let event = try read(#"{"schema":"trustrun.event.v1","time":"x","type":"dns","dns":{\#(message)}}"#)
        #expect(event.answeringResolver?.description == resolver)
    }

    @Test func keepsATypeThatItDoesNotKnow() throws {
        let event = try read(#"{"schema":"trustrun.event.v1","time":"x","type":"content"}"#)
        #expect(event.type == nil)
        #expect(event.connection == nil)
    }

    @Test(arguments: [
        ("", "not valid JSON"), ("[]", "not a JSON object"), ("{", "not valid JSON"), (#"{"type":"x"}"#, "`schema`"),
        (#"{"schema":"trustrun.event.v2","type":"x","time":"x"}"#, "schema trustrun.event.v2"),
        (connect.replacing("2001:db8::1", with: "2001:db8"), "is no address"),
        (connect.replacing("a.example", with: "a example"), "is no host name"),
        (connect.replacing(#""block""#, with: #""deny""#), "`deny` is no action"),
        (connect.replacing("443", with: "65536"), "not valid JSON"),
        (connect.replacing("443", with: "\"443\""), "`destination.port` has the wrong type"),
    ])
    func saysWhatIsWrong(_ text: String, _ words: String) {
        #expect {
            try read(text)
        } throws: { error in
            "\(error)".contains(words)
        }
    }

    @Test func neverTrapsOnAnyBytes() {
        var generator = SeededGenerator(seed: 0x3e57)
        let whole = Array(Self.connect.utf8)
        let reader = RecordedEventReader()
        for length in 0..<whole.count { _ = try? reader.read(Array(whole[..<length])) }
        for _ in 0..<5_000 {
            var text = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                text[Int.random(in: 0..<text.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let event = try? reader.read(text) else { continue }
            _ = TopLevelMember.replacing("verdict", with: Array(",\"verdict\":{}".utf8), in: event.line)
        }
    }
}
