// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunWire

@Suite struct ByteReaderTests {
    @Test func readsNetworkOrder() throws {
        let bytes = hex("01 0203 040506 0708090a 02 0b0c 0001 0d")
        var reader = ByteReader(bytes.rawSpan)
        let numbers = [
            UInt32(try reader.uint8()), UInt32(try reader.uint16()), try reader.uint24(), try reader.uint32(),
        ]
        let counts = [try reader.vector8().byteCount, try reader.vector16().byteCount]
        let isAtEnd = reader.isAtEnd
        #expect(numbers == [0x01, 0x0203, 0x040506, 0x0708_090a])
        #expect(counts == [2, 1])
        #expect(isAtEnd)
    }

    @Test func staysInBounds() throws {
        let bytes = hex("0005 01")
        #expect(throws: DecodeError.truncated) {
            var reader = ByteReader(bytes.rawSpan)
            _ = try reader.uint32()
        }
        #expect(throws: DecodeError.truncated) {
            var reader = ByteReader(bytes.rawSpan)
            _ = try reader.vector16()
        }
        #expect(throws: DecodeError.truncated) {
            var reader = ByteReader(bytes.rawSpan)
            try reader.skip(-1)
        }
        #expect(throws: DecodeError.truncated) {
            var reader = ByteReader(bytes.rawSpan)
            try reader.skip(Int.max)
        }
    }
}
