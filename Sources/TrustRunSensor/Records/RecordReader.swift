// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// Reads a record's fields at their offsets in the C structs; every read is checked against the bytes that are there.
struct RecordReader: ~Escapable {
    let bytes: RawSpan

    /// Where the fields that records share lie, as `tr_record.h` lays them out.
    enum Layout {
        static let headerSize = 16
        static let taskSize = 48
        static let endpointsSize = 40
    }

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) throws(RecordError) {
        self.bytes = bytes
        guard bytes.byteCount >= Layout.headerSize else { throw .truncated }
        guard try Int(load(UInt32.self, at: 4)) == bytes.byteCount else { throw .truncated }
    }

    /// Reads bytes that are known to hold a header with their number.
    @inline(always)
    @_lifetime(copy bytes)
    init(checked bytes: RawSpan) {
        self.bytes = bytes
    }

    /// Reads a number in the machine's byte order.
    @inline(always)
    func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at offset: Int
    ) throws(RecordError) -> Number {
        guard offset >= 0, bytes.byteCount - offset >= MemoryLayout<Number>.size else { throw .truncated }
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self)
    }

    var kind: UInt16 { unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt16.self) }
    var flags: SensorEvent.Flags {
        SensorEvent.Flags(rawValue: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
    var time: UInt64 { unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self) }

    /// The bytes from `offset` on, `count` of them.
    @_lifetime(copy self)
    func payload(at offset: Int, count: Int) throws(RecordError) -> RawSpan {
        guard offset >= 0, count >= 0, offset <= bytes.byteCount, count <= bytes.byteCount - offset else {
            throw .truncated
        }
        return bytes.extracting(offset..<(offset + count))
    }

    @inline(always)
    func processKey(tgidAt tgid: Int, startTimeAt startTime: Int) throws(RecordError) -> ProcessKey {
        try ProcessKey(tgid: load(UInt32.self, at: tgid), startTime: load(UInt64.self, at: startTime))
    }

    @inline(always)
    func task(at offset: Int) throws(RecordError) -> TaskFacts {
        guard bytes.byteCount - offset >= Layout.taskSize else { throw .truncated }
        return try TaskFacts(
            key: processKey(tgidAt: offset + 16, startTimeAt: offset),
            user: load(UInt32.self, at: offset + 20),
            group: load(UInt32.self, at: offset + 24),
            cgroupID: load(UInt64.self, at: offset + 8),
            comm: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset + 32, as: InlineArray<16, UInt8>.self)
        )
    }

    @inline(always)
    func networkNamespace(at offset: Int) throws(RecordError) -> UInt32 {
        try load(UInt32.self, at: offset)
    }

    /// The local and the remote end, and the transport.
    @inline(always)
    func endpoints(at offset: Int) throws(RecordError) -> (local: Endpoint, remote: Endpoint, transport: UInt8) {
        guard bytes.byteCount - offset >= Layout.endpointsSize else { throw .truncated }
        let family = try load(UInt8.self, at: offset + 36)
        guard family == 4 || family == 6 else { throw .badField }
        return try (
            Endpoint(
                address: address(at: offset, family: family),
                port: UInt16(bigEndian: load(UInt16.self, at: offset + 32))
            ),
            Endpoint(
                address: address(at: offset + 16, family: family),
                port: UInt16(bigEndian: load(UInt16.self, at: offset + 34))
            ),
            load(UInt8.self, at: offset + 37)
        )
    }

    /// 16 bytes in network order, IPv4 as the mapped form.
    @inline(always)
    func plainAddress(at offset: Int) throws(RecordError) -> IPAddress {
        try IPAddress(
            high: UInt64(bigEndian: load(UInt64.self, at: offset)),
            low: UInt64(bigEndian: load(UInt64.self, at: offset + 8))
        )
    }

    @inline(always)
    private func address(at offset: Int, family: UInt8) throws(RecordError) -> IPAddress {
        if family == 4 { return try IPAddress(ipv4: UInt32(bigEndian: load(UInt32.self, at: offset))) }
        return try IPAddress(
            high: UInt64(bigEndian: load(UInt64.self, at: offset)),
            low: UInt64(bigEndian: load(UInt64.self, at: offset + 8))
        )
    }
}
