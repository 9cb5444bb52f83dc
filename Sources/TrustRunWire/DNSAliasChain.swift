// SPDX-License-Identifier: Apache-2.0

/// The queried name and the names that the CNAMEs of the same answer make of it (RFC 1034 3.6.2).
struct DNSAliasChain {
    /// The most CNAMEs followed.
    static let maximumAliases = 16
    /// The most CNAMEs of an answer looked at.
    private static let maximumLinks = 64

    private struct Link {
        var owner = DNSName.none
        var target = DNSName.none
        var timeToLiveSeconds: UInt32 = 0
    }

    private var links = InlineArray<64, Link>(repeating: Link())
    private var linkCount = 0
    private var names = InlineArray<17, DNSName>(repeating: .none)
    private var lifetimes = InlineArray<17, UInt32>(repeating: .max)
    private var nameCount = 1

    init(from question: DNSName) {
        names[0] = question
    }

    /// The number of CNAME targets reached.
    var aliasCount: Int { nameCount - 1 }

    /// Where a CNAME target is in the message, in the order of the chain.
    func aliasStart(_ index: Int) -> UInt16 { names[index + 1].start }

    /// Remembers a CNAME of the answer.
    mutating func add(_ record: DNSRecord, target: DNSName) {
        guard linkCount < Self.maximumLinks else { return }
        links[linkCount] = Link(owner: record.owner, target: target, timeToLiveSeconds: record.timeToLiveSeconds)
        linkCount += 1
    }

    /// Follows the CNAMEs from the queried name, until there is none, one leads back, or the chain is too long.
    mutating func follow(in message: RawSpan) throws(DecodeError) {
        while aliasCount < Self.maximumAliases {
            guard let link = try link(from: names[nameCount - 1], in: message),
                try lifetime(ofOwner: link.target, in: message) == nil
            else { return }
            names[nameCount] = link.target
            lifetimes[nameCount] = min(lifetimes[nameCount - 1], link.timeToLiveSeconds)
            nameCount += 1
        }
    }

    /// The shortest time to live on the way from the queried name to `owner`; nil if no way leads there.
    func lifetime(ofOwner owner: DNSName, in message: RawSpan) throws(DecodeError) -> UInt32? {
        for index in 0..<nameCount where try names[index].isEqual(to: owner, in: message) {
            return lifetimes[index]
        }
        return nil
    }

    // A name has one CNAME at most (RFC 2181 10.1), so the first one stands.
    private func link(from owner: DNSName, in message: RawSpan) throws(DecodeError) -> Link? {
        for index in 0..<linkCount where try links[index].owner.isEqual(to: owner, in: message) {
            return links[index]
        }
        return nil
    }
}
