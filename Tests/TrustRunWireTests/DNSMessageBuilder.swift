// SPDX-License-Identifier: Apache-2.0

/// Writes DNS messages for tests, names uncompressed unless given as bytes.
struct DNSMessageBuilder {
    var id = 0x1234
    var flags = 0x8180  // answer, recursion desired and available
    private(set) var questions: [[UInt8]] = []
    private(set) var answers: [[UInt8]] = []
    private(set) var authority: [[UInt8]] = []
    private(set) var additional: [[UInt8]] = []

    init(_ name: String, type: Int = 1, flags: Int = 0x8180) {
        self.flags = flags
        addQuestion(Self.name(name), type: type)
    }

    init(flags: Int) {
        self.flags = flags
    }

    /// A name on the wire.
    static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { vector(Array($0.utf8), lengthBytes: 1) } + [0]
    }

    static func record(_ owner: [UInt8], type: Int, class: Int = 1, ttl: Int, data: [UInt8]) -> [UInt8] {
        owner + bigEndian(type, byteCount: 2) + bigEndian(`class`, byteCount: 2) + bigEndian(ttl, byteCount: 4)
            + vector(data, lengthBytes: 2)
    }

    mutating func addQuestion(_ name: [UInt8], type: Int = 1, class: Int = 1) {
        questions.append(name + bigEndian(type, byteCount: 2) + bigEndian(`class`, byteCount: 2))
    }

    mutating func add(_ record: [UInt8]) {
        answers.append(record)
    }

    mutating func addAddress(_ owner: String, _ address: [UInt8], ttl: Int = 300) {
        add(Self.record(Self.name(owner), type: address.count == 4 ? 1 : 28, ttl: ttl, data: address))
    }

    mutating func addAlias(_ owner: String, _ target: String, ttl: Int = 300) {
        add(Self.record(Self.name(owner), type: 5, ttl: ttl, data: Self.name(target)))
    }

    mutating func addAuthority(_ owner: String) {
        authority.append(
            Self.record(Self.name(owner), type: 6, ttl: 60, data: hex("00 00") + Array(repeating: 0, count: 20)))
    }

    mutating func addOPT(ttl: Int = 0) {
        additional.append(Self.record([0], type: 41, class: 1232, ttl: ttl, data: []))
    }

    var bytes: [UInt8] {
        let sections = [questions, answers, authority, additional]
        return bigEndian(id, byteCount: 2) + bigEndian(flags, byteCount: 2)
            + sections.flatMap { bigEndian($0.count, byteCount: 2) } + sections.flatMap { $0.flatMap { $0 } }
    }
}
