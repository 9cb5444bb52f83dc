// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunTestSupport
import TrustRunWire

@testable import TrustRunQUIC

/// ClientHellos in QUIC Initial packets.
@Suite struct QUICHelloReaderTests {
    private let reader = QUICHelloReader()
    private static let remote = Endpoint(address: IPAddress(ipv4: 0x0a00_0001), port: 443)

    /// Without the header of its record.
    private static func message(_ name: String = "a.example", padding: Int = 0) -> [UInt8] {
        Array(WireBytes.clientHello(name, protocols: ["h3"], padding: padding).dropFirst(5))
    }

    private func take(_ datagram: [UInt8], cookie: UInt64 = 1) -> String? {
        reader.take(datagram.span.bytes, cookie: cookie, remote: Self.remote)?.serverName?.description
    }

    @Test(arguments: [1, 2, 3, 4]) func readsVersions1And2(numberSize: Int) throws {
        let message = Self.message()
        for packets in [QUICPackets.v1, .v2] {
            let packet = try packets.packet(QUICPackets.crypto(message[...], at: 0), numberSize: numberSize)
            #expect(take(packet) == "a.example")
        }
    }

    @Test func readsPiecesInAnyOrder() throws {
        let message = Self.message(padding: 2500)
        let cuts = [0, 100, 1000, 1900, message.count]
        let frames = zip(cuts, cuts.dropFirst()).map { start, end in
            QUICPackets.crypto(message[start..<end], at: start)
        }
        for order in [[3, 1, 0, 2], [2, 3, 1, 0], [0, 1, 2, 3]] {
            let names = try order.enumerated().map { number, place in
                take(try QUICPackets.v1.packet([0x01] + frames[place] + [0], number: UInt32(number)))
            }
            #expect(names == [nil, nil, nil, "a.example"])
        }
    }

    @Test func readsPacketsThatShareADatagram() throws {
        let message = Self.message()
        let first = try QUICPackets.v1.packet(QUICPackets.crypto(message[..<50], at: 0), number: 0, size: 60)
        let acknowledgement: [UInt8] = [0x02, 0x05, 0x00, 0x01, 0x00, 0x01, 0x00]
        let second = try QUICPackets.v1.packet(
            acknowledgement + QUICPackets.crypto(message[50...], at: 50), number: 1, token: [1, 2, 3])
        #expect(take(first + second) == "a.example")
    }

    @Test func keepsTheKeysOfTheFirstPacket() throws {
        let message = Self.message()
        let first = try QUICPackets.v1.packet(QUICPackets.crypto(message[..<50], at: 0), number: 0)
        // Its connection id is the server's by now.
        let second = try QUICPackets.v1.packet(
            QUICPackets.crypto(message[50...], at: 50), number: 1, destination: [9, 9, 9])
        #expect(take(first) == nil)
        #expect(take(second, cookie: 2) == nil)
        #expect(take(second) == "a.example")
    }

    @Test func tellsOnceOfEachFlow() throws {
        let packet = try QUICPackets.v1.packet(QUICPackets.crypto(Self.message()[...], at: 0))
        #expect([take(packet), take(packet, cookie: 2)] == ["a.example", "a.example"])
    }

    @Test func refusesWhatIsNone() throws {
        let message = Self.message()
        let packet = try QUICPackets.v1.packet(QUICPackets.crypto(message[...], at: 0))
        for index in packet.indices {
            #expect(take(Array(packet[..<index])) == nil)
            var other = packet
            other[index] ^= 0x40
            #expect(take(other) == nil, "byte \(index)")
        }
        let frames: [[UInt8]] = [
            [0x06, 0x00, 0x7f, 0xff], [0x06, 0xff], QUICPackets.crypto([2, 0, 0, 0], at: 0),
            QUICPackets.crypto([1, 0xff, 0xff, 0xff], at: 0), [0x1c] + QUICPackets.crypto(message[...], at: 0),
            [0x06, 0xbf, 0xff, 0xff, 0xff, 0x01, 0x00],
            [0x02, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ]
        for (index, frame) in frames.enumerated() {
            #expect(take(try QUICPackets.v1.packet(frame), cookie: UInt64(100 + index)) == nil, "frames \(index)")
        }
    }

    @Test func countsWhatItCannotRead() throws {
        let message = Self.message()
        let packet = try QUICPackets.v1.packet(QUICPackets.crypto(message[...], at: 0))
        var closed = packet
        closed[packet.count - 1] ^= 1
        #expect(take(closed) == nil)
        #expect(take(Array(packet.dropLast())) == nil)
        #expect(take(try QUICPackets.v1.packet(QUICPackets.crypto([2, 0, 0, 0], at: 0))) == nil)
        #expect(reader.takeUnread() == 3)
        #expect(take(packet) == "a.example")
        // What the client acknowledges, to the id that the server chose; and no QUIC at all.
        #expect(take(try QUICPackets.v1.packet([0x02, 0, 0, 0, 0], number: 1, destination: [9, 9, 9])) == nil)
        #expect(take([0x40, 1, 2, 3], cookie: 2) == nil)
        #expect(reader.takeUnread() == 0)
    }

    @Test func countsWhatItForgets() throws {
        let message = Self.message()
        let begun = try QUICPackets.v1.packet(QUICPackets.crypto(message[..<50], at: 0))
        for cookie in 0..<1025 { #expect(take(begun, cookie: UInt64(cookie)) == nil) }
        #expect(reader.takeUnread() == 512)
    }

    @Test func remembersWhomItHearsOf() throws {
        let packet = try QUICPackets.v1.packet(QUICPackets.crypto(Self.message()[...], at: 0))
        let acknowledgement = try QUICPackets.v1.packet([0x02, 0, 0, 0, 0], number: 1, destination: [9, 9, 9])
        for cookie in 0..<2000 {
            #expect(take(packet, cookie: UInt64(cookie)) == "a.example")
            if cookie % 100 == 0 { #expect(take(acknowledgement, cookie: 0) == nil) }
        }
        #expect(reader.takeUnread() == 0)
    }

    @Test func takesAnyBytes() throws {
        var numbers = SeededGenerator(seed: 5)
        let packet = try QUICPackets.v1.packet(QUICPackets.crypto(Self.message()[...], at: 0))
        for round in 0..<3000 {
            _ = take(numbers.mutated(packet), cookie: UInt64(round))
            var stream = QUICCryptoStream()
            let frames =
                numbers.isOne(in: 2) ? numbers.bytes(maximumCount: 200) : numbers.mutated(Array(packet.prefix(200)))
            try? stream.take(frames: frames.span.bytes)
            _ = try? stream.hello()
        }
    }
}
