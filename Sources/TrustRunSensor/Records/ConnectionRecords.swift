// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The records that nearly all are, read field by field into a step that is there already.
extension RecordDecoder {
    @inline(always)
    static func readConnect(_ bytes: RawSpan, into step: inout ConnectionStep) throws(RecordError) {
        let record = try RecordReader(bytes, size: 112)
        step.kind = .connect
        try record.readHeader(into: &step)
        try record.readTask(at: 16, into: &step.facts.task)
        step.facts.networkNamespace = try record.load(UInt32.self, at: 44)
        step.facts.cookie = try record.load(UInt64.self, at: 64)
        step.facts.socket = 0
        try record.readEndpoints(at: 72, into: &step.facts)
        step.facts.errorNumber = try record.load(UInt16.self, at: 110)
    }

    @inline(always)
    static func readEstablished(_ bytes: RawSpan, into step: inout ConnectionStep) throws(RecordError) {
        let record = try RecordReader(bytes, size: 68)
        step.kind = .established
        try record.readHeader(into: &step)
        step.facts.cookie = try record.load(UInt64.self, at: 16)
        step.facts.socket = 0
        try record.readEndpoints(at: 24, into: &step.facts)
        step.facts.networkNamespace = try record.load(UInt32.self, at: 64)
    }

    @inline(always)
    static func readClose(_ bytes: RawSpan, into step: inout ConnectionStep) throws(RecordError) {
        let record = try RecordReader(bytes, size: 112)
        step.kind = .close
        try record.readHeader(into: &step)
        step.facts.cookie = try record.load(UInt64.self, at: 16)
        step.facts.socket = try record.load(UInt64.self, at: 24)
        try record.readEndpoints(at: 32, into: &step.facts)
        step.facts.networkNamespace = try record.load(UInt32.self, at: 72)
        step.end.oldState = try record.load(UInt32.self, at: 76)
        step.end.errorNumber = try record.load(UInt32.self, at: 80)
        step.end.acknowledged = try record.load(UInt64.self, at: 88)
        step.end.unacknowledged = try record.load(UInt64.self, at: 96)
        step.end.received = try record.load(UInt64.self, at: 104)
    }
}

extension RecordReader {
    /// Reads a record of at least `size` bytes, and no more of it than these: the one check here makes those of the single fields vanish.
    @inline(always)
    @_lifetime(copy bytes)
    fileprivate init(_ bytes: RawSpan, size: Int) throws(RecordError) {
        guard bytes.byteCount >= size,
            unsafe Int(bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self)) == bytes.byteCount
        else { throw .truncated }
        self.init(checked: bytes.extracting(first: size))
    }

    @inline(always)
    fileprivate func readHeader(into step: inout ConnectionStep) throws(RecordError) {
        step.flags.rawValue = try load(UInt16.self, at: 2)
        step.time = try load(UInt64.self, at: 8)
    }

    @inline(always)
    fileprivate func readTask(at offset: Int, into task: inout TaskFacts) throws(RecordError) {
        guard bytes.byteCount - offset >= Layout.taskSize else { throw .truncated }
        task.key.startTime = try load(UInt64.self, at: offset)
        task.cgroupID = try load(UInt64.self, at: offset + 8)
        task.key.tgid = try load(UInt32.self, at: offset + 16)
        task.user = try load(UInt32.self, at: offset + 20)
        task.group = try load(UInt32.self, at: offset + 24)
        task.comm = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset + 32, as: InlineArray<16, UInt8>.self)
    }

    @inline(always)
    fileprivate func readEndpoints(at offset: Int, into facts: inout SocketFacts) throws(RecordError) {
        let family = try load(UInt8.self, at: offset + 36)
        guard family == 4 || family == 6 else { throw .badField }
        try readAddress(at: offset, isIPv4: family == 4, into: &facts.local.address)
        try readAddress(at: offset + 16, isIPv4: family == 4, into: &facts.remote.address)
        facts.local.port = try UInt16(bigEndian: load(UInt16.self, at: offset + 32))
        facts.remote.port = try UInt16(bigEndian: load(UInt16.self, at: offset + 34))
        facts.transport = try load(UInt8.self, at: offset + 37)
    }

    @inline(always)
    private func readAddress(at offset: Int, isIPv4: Bool, into address: inout IPAddress) throws(RecordError) {
        let high = try UInt64(bigEndian: load(UInt64.self, at: offset))
        let low = try UInt64(bigEndian: load(UInt64.self, at: offset + 8))
        // An IPv4 address stands in the first four bytes; here it is the mapped form, as `IPAddress` has it.
        address.high = isIPv4 ? 0 : high
        address.low = isIPv4 ? 0xffff_0000_0000 | high >> 32 : low
    }
}
