// SPDX-License-Identifier: Apache-2.0

internal import TrustRunEvents

/// One resource record, its data left in the message (RFC 1035 4.1.3).
struct DNSRecord: Sendable {
    /// The record's own name.
    let owner: DNSName
    /// The type of the data.
    let type: DNSRecordType
    /// The class; the payload size in an OPT record (RFC 6891 6.1.2).
    let recordClass: UInt16
    /// The four bytes after the class as they are; flags in an OPT record (RFC 6891 6.1.3).
    let timeToLiveField: UInt32
    /// Where the data is in the message.
    let data: Range<Int>

    /// Reads a record and moves past it.
    init(from reader: inout ByteReader) throws(DecodeError) {
        owner = try DNSName(from: &reader)
        type = DNSRecordType(rawValue: try reader.uint16())
        recordClass = try reader.uint16()
        timeToLiveField = try reader.uint32()
        let count = Int(try reader.uint16())
        data = reader.offset..<(reader.offset + count)
        try reader.skip(count)
    }

    /// The seconds to live, zero if the top bit is set (RFC 2181 8).
    var timeToLiveSeconds: UInt32 {
        timeToLiveField > UInt32(Int32.max) ? 0 : timeToLiveField
    }

    /// The address of an Internet A (RFC 1035 3.4.1) or AAAA record (RFC 3596 2.2); nil for other records.
    func address(in message: RawSpan) throws(DecodeError) -> IPAddress? {
        guard recordClass == DNSQuestion.internetClass, type == .a || type == .aaaa else { return nil }
        guard data.count == (type == .a ? 4 : 16) else { throw .badLength }
        var reader = ByteReader(message)
        try reader.skip(data.lowerBound)
        if type == .a { return IPAddress(ipv4: try reader.uint32()) }
        let high = UInt64(try reader.uint32()) << 32 | UInt64(try reader.uint32())
        let low = UInt64(try reader.uint32()) << 32 | UInt64(try reader.uint32())
        return IPAddress(high: high, low: low)
    }

    /// The target of an Internet CNAME record (RFC 1035 3.3.1); nil for other records.
    func aliasTarget(in message: RawSpan) throws(DecodeError) -> DNSName? {
        guard recordClass == DNSQuestion.internetClass, type == .cname else { return nil }
        var reader = ByteReader(message)
        try reader.skip(data.lowerBound)
        let target = try DNSName(from: &reader)
        guard reader.offset == data.upperBound else { throw .badLength }
        return target
    }
}
