// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// What we keep of a DNS query or answer (RFC 1035 4).
package struct DNSMessage: Sendable {
    /// An address that the answer gives for the queried name, through CNAMEs or not.
    package struct Answer: Hashable, Sendable {
        /// The address.
        package var address: IPAddress
        /// The shortest time to live of the record and the CNAMEs that lead to it.
        package var timeToLiveSeconds: UInt32
    }

    /// The most addresses kept of one message.
    package static let maximumAnswers = 64
    /// The size of the header (RFC 1035 4.1.1).
    package static let headerByteCount = 12

    /// The number that pairs query and answer.
    package let id: UInt16
    private let flags: UInt16
    /// The number of questions.
    package let questionCount: Int
    /// The first question.
    package private(set) var question: DNSQuestion?
    /// The response code, with its upper bits if the message has EDNS.
    package private(set) var responseCode: DNSResponseCode
    /// Whether there is an OPT record (RFC 6891 6.1).
    package private(set) var hasEDNS = false
    /// The number of bytes behind the message.
    package private(set) var trailingByteCount = 0
    /// The number of addresses left out because `answers` was full.
    package private(set) var answersDropped = 0
    private var answerStorage = InlineArray<64, Answer>(
        repeating: Answer(address: IPAddress(high: 0, low: 0), timeToLiveSeconds: 0))
    private var answerCount = 0
    private var aliasStarts = InlineArray<16, UInt16>(repeating: 0)
    /// The number of CNAMEs followed from the queried name.
    package private(set) var aliasCount = 0

    /// Decodes a UDP payload, or a TCP message without its length.
    package init(_ message: RawSpan) throws(DecodeError) {
        guard message.byteCount <= Int(UInt16.max) else { throw .tooLong }
        var reader = ByteReader(message)
        id = try reader.uint16()
        flags = try reader.uint16()
        responseCode = DNSResponseCode(rawValue: flags & 0xf)
        questionCount = Int(try reader.uint16())
        let answerRecordCount = Int(try reader.uint16())
        let authorityRecordCount = Int(try reader.uint16())
        let additionalRecordCount = Int(try reader.uint16())

        let questionName = try readQuestions(from: &reader)
        let answersStart = reader.offset
        var chain = DNSAliasChain(from: questionName ?? .none)
        for _ in 0..<answerRecordCount {
            let record = try DNSRecord(from: &reader)
            if let target = try record.aliasTarget(in: message) { chain.add(record, target: target) }
            _ = try record.address(in: message)
        }
        for _ in 0..<authorityRecordCount { _ = try DNSRecord(from: &reader) }
        for _ in 0..<additionalRecordCount { try readAdditional(DNSRecord(from: &reader)) }
        trailingByteCount = reader.remaining

        guard isResponse, opcode == 0, questionCount == 1, question?.recordClass == DNSQuestion.internetClass else {
            return
        }
        try chain.follow(in: message)
        keepAliases(of: chain)
        // What comes with a failure is no answer to the question.
        guard responseCode == .noError else { return }
        var answers = ByteReader(message)
        try answers.skip(answersStart)
        try keepAddresses(from: &answers, recordCount: answerRecordCount, chain: chain)
    }

    /// Whether this is an answer.
    package var isResponse: Bool { flags & 0x8000 != 0 }

    /// The kind of query, 0 for an ordinary one.
    package var opcode: UInt8 { UInt8(flags >> 11 & 0xf) }

    /// Whether the message was cut to fit its transport.
    package var isTruncated: Bool { flags & 0x0200 != 0 }

    /// The addresses that belong to the queried name; none if the response code is not NOERROR.
    package var answers: Span<Answer> {
        @_lifetime(borrow self)
        borrowing get { answerStorage.span.extracting(first: answerCount) }
    }

    /// The host name that the CNAME at `index` leads to, out of the bytes that this message was decoded from.
    package func alias(_ index: Int, in message: RawSpan) -> DomainName? {
        guard (0..<aliasCount).contains(index) else { return nil }
        return try? DNSName.hostName(at: Int(aliasStarts[index]), in: message)
    }

    private mutating func readQuestions(from reader: inout ByteReader) throws(DecodeError) -> DNSName? {
        var first: DNSName?
        for _ in 0..<questionCount {
            let name = try DNSName(from: &reader)
            if first == nil {
                question = try DNSQuestion(named: name, from: &reader)
                first = name
            } else {
                try reader.skip(4)
            }
        }
        return first
    }

    private mutating func readAdditional(_ record: DNSRecord) throws(DecodeError) {
        guard record.type == .opt else { return }
        guard !hasEDNS else { throw .duplicate }  // RFC 6891 6.1.1
        hasEDNS = true
        let upperBits = UInt16(record.timeToLiveField >> 24)
        responseCode = DNSResponseCode(rawValue: upperBits << 4 | flags & 0xf)
    }

    private mutating func keepAliases(of chain: DNSAliasChain) {
        aliasCount = chain.aliasCount
        for index in 0..<aliasCount { aliasStarts[index] = chain.aliasStart(index) }
    }

    private mutating func keepAddresses(
        from reader: inout ByteReader, recordCount: Int, chain: DNSAliasChain
    ) throws(DecodeError) {
        for _ in 0..<recordCount {
            let record = try DNSRecord(from: &reader)
            guard let address = try record.address(in: reader.bytes),
                let lifetime = try chain.lifetime(ofOwner: record.owner, in: reader.bytes)
            else { continue }
            guard answerCount < Self.maximumAnswers else {
                answersDropped += 1
                continue
            }
            let seconds = min(lifetime, record.timeToLiveSeconds)
            answerStorage[answerCount] = Answer(address: address, timeToLiveSeconds: seconds)
            answerCount += 1
        }
    }
}
