// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSinks

@Suite struct TextEncoderTests {
    /// The line after its local time.
    private static func line(_ event: EnrichedEvent, isColoured: Bool = false) -> String {
        let text = Samples.text { buffer in
            let isWritten = TextEncoder(isColoured: isColoured).encode(event, into: &buffer)
            #expect(isWritten)
        }
        return isColoured ? text : String(text.dropFirst(13))
    }

    @Test func writesLocalTime() {
        let text = Samples.text { buffer in
            _ = TextEncoder(isColoured: false).encode(Samples.event(.exec, hook: .exec), into: &buffer)
        }
        let hour = Int(text.prefix(2))
        #expect(hour.map((0..<24).contains) == true)
        #expect(text.dropFirst(5).prefix(8) == ":59.000 ")
    }

    @Test func writesConnections() throws {
        var connection = Samples.connection(DestinationNames(name: try Samples.host("example.test"), source: .dns))
        connection.outcome = .established
        connection.durationNanoseconds = 12_345_678
        #expect(
            Self.line(
                Samples.event(
                    .connect(connection), hook: .connect, process: Samples.process(), cgroup: Samples.cgroup()))
                == "connect   curl[100]                → example.test (93.184.216.34):443  established  12.3 ms"
                + "  docker:0123456789ab\n")
        connection.names = DestinationNames(candidates: [try Samples.host("a.test"), try Samples.host("b.test")])
        connection.outcome = nil
        connection.durationNanoseconds = 192_000_000_000
        connection.bytes = .tcp(acknowledged: 1536, unacknowledged: 5, received: 3 << 20)
        #expect(
            Self.line(Samples.event(.close(connection), hook: .close))
                == "close     -                        → a.test|b.test (93.184.216.34):443  3m12s"
                + "  ↑ 1.5 KiB (+ 5 B unacknowledged) ↓ 3.0 MiB\n")
        connection = Samples.connection()
        connection.destination = Samples.resolver
        connection.outcome = .unreachable
        connection.errorNumber = 101
        #expect(
            Self.line(Samples.event(.connect(connection), hook: .connect))
                == "connect   -                        → [2001:db8::35]:53  unreachable ENETUNREACH\n")
        connection.direction = .inbound
        connection.outcome = nil
        connection.errorNumber = 0
        connection.transport = .udp
        #expect(
            Self.line(Samples.event(.accept(connection), hook: .accept))
                == "accept    -                        ← 10.0.0.2:40000 at [2001:db8::35]:53  udp\n")
    }

    @Test func writesNames() throws {
        var answer = DNSEvent(
            isAnswer: true, id: 1, name: try Samples.host("example.test"), queryType: 1, transport: .udp,
            resolver: Samples.resolver)
        answer.answers = [1, 2].map {
            DNSEvent.Answer(address: IPAddress(ipv4: 0x0a00_0000 + $0), timeToLiveSeconds: 1)
        }
        #expect(
            Self.line(Samples.event(.dns(answer), hook: .dns)).hasSuffix(
                " A example.test -> 10.0.0.1, 10.0.0.2\n"))
        answer.answers = []
        answer.responseCode = 3
        #expect(Self.line(Samples.event(.dns(answer), hook: .dns)).hasSuffix(" A example.test -> NXDOMAIN\n"))
        answer.isAnswer = false
        #expect(
            Self.line(Samples.event(.dns(answer), hook: .dns)).hasSuffix(
                " ? A example.test @ [2001:db8::35]:53\n"))
        var name = ServerNameEvent(name: try Samples.host("a.test"), isOnWire: true, isFromLibrary: false)
        name.applicationProtocols = [Array("h2".utf8)]
        #expect(Self.line(Samples.event(.sni(name), hook: .clientHello)).hasSuffix(" a.test  wire  h2\n"))
    }

    @Test func writesWhatBecomesOfEnforcement() {
        let event = EnforcementEvent(
            time: 0, state: .degraded, scope: "/a.slice", policy: "clinic", generation: 1, reason: "no room")
        let text = Samples.text { buffer in
            _ = TextEncoder(isColoured: false).encode(event, into: &buffer)
        }
        #expect(text.dropFirst(13) == "enforcement degraded: clinic in /a.slice: no room\n")
    }

    @Test func showsHostileBytesAsText() {
        let hostile = "\u{1b}[2J\0\u{7f}\u{9b}31m\0\r\n\0a b\0\0\u{202e}x\0größe\0c:\\x1b\0"
        let process = Samples.process(name: "\u{1b}]0;x\u{7}", arguments: hostile)
        process.arguments += [0xff, 0x9b, 0]
        let line = Self.line(Samples.event(.exec, hook: .exec, process: process))
        #expect(
            line == #"exec      \x1b]0;x\x07[100]       "# + #" \x1b[2J \x7f\xc2\x9b31m \x0d\x0a 'a b' '' "#
                + #"\xe2\x80\xaex größe c:\\x1b \xff\x9b"# + "\n")
        #expect(line.utf8.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7f })
    }

    @Test func coloursOnlyIfAsked() {
        let losses = [LossEntry(stage: .output, record: "dns\u{1b}", count: 3)]
        let coloured = Samples.text { _ = TextEncoder(isColoured: true).encode(losses: losses, time: 0, into: &$0) }
        #expect(coloured.hasSuffix("\u{1b}[31mloss\u{1b}[0m      \u{1b}[31m3 dns\\x1b lost (output)\u{1b}[0m\n"))
        let plain = Samples.text { _ = TextEncoder(isColoured: false).encode(losses: losses, time: 0, into: &$0) }
        #expect(plain.dropFirst(13) == "loss      3 dns\\x1b lost (output)\n")
    }

    @Test func writesSession() {
        let start = SessionStart(
            time: 0, version: "1.0", kernel: "6.18",
            capabilities: [SessionStart.Capability(name: "sni", hook: nil, tried: "no BTF")])
        let text = Samples.text { _ = TextEncoder(isColoured: false).encode(start, into: &$0) }
        #expect(text.dropFirst(13) == "session   started: version 1.0, kernel 6.18, no sni (no BTF)\n")
        let summary = SessionSummary(
            time: 0, durationNanoseconds: 1_500_000_000, reason: .count, events: [2, 3, 0, 0, 0, 0, 1, 0, 0], lost: 0)
        let end = Samples.text { _ = TextEncoder(isColoured: false).encode(summary, into: &$0) }
        #expect(end.dropFirst(13) == "session   ended (count) after 1.5 s, 3 connect, 1 exec, 0 lost\n")
    }

    @Test(
        arguments: [
            (999, "999 ns"), (1_500, "1.5 us"), (59_999_999_999, "59.9 s"), (60_000_000_000, "1m00s"),
            (7_500_000_000_000, "2h05m"), (356_400_000_000_000, "4d03h"),
        ] as [(UInt64, String)])
    func writesDurations(nanoseconds: UInt64, text: String) {
        let exit = ExitEvent(waitStatus: 0x100, durationNanoseconds: nanoseconds)
        #expect(Self.line(Samples.event(.exit(exit), hook: .exit)).hasSuffix(" code 1  \(text)\n"))
    }
}
