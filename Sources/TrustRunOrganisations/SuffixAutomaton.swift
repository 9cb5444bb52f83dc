// SPDX-License-Identifier: Apache-2.0

/// Reads a deterministic acyclic finite state automaton of suffixes, in the form that psl-make-dafsa(1) writes.
///
/// After a line of 16 bytes comes the root's list of children: distances, each from the one before, in one to three bytes whose first tells the length in
/// bits 5 and 6 and the end of the list in bit 7. A child is a run of characters that ends in one of two ways: the last has bit 7 set and
/// the list of its own children follows, or a byte 0x80 to 0x8f follows, the flags of the name that ends here; such a run may be empty. Outside of ASCII, characters follow 0x1f, which no name in A-labels has.
struct SuffixAutomaton: ~Escapable {
    /// What the list says of a name.
    struct Entry: Equatable {
        let flags: UInt8

        /// The list has `!name`.
        var isException: Bool { flags & 1 != 0 }
        /// The list has `*.name`.
        var isWildcard: Bool { flags & 2 != 0 }
        var section: PublicSuffixes.Section { flags & 8 != 0 ? .company : .registry }
    }

    private static let headerLength = 16
    private static let depthMax = 128

    private let bytes: Span<UInt8>

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// A walk through one list of children.
    private struct Children {
        var next: Int
        var child: Int
        var isAtEnd = false
    }

    func entry(for name: Span<UInt8>) -> Entry? {
        var children = Children(next: Self.headerLength, child: Self.headerLength)
        var matched = 0
        while advance(&children) {
            if let entry = flags(at: children.child) {
                guard matched < name.count else { return entry }
                continue
            }
            guard matched < name.count, byte(at: children.child) & 0x7f == name[matched] else { continue }
            // Children begin with different characters: it is this one or none.
            switch follow(children.child, along: name, from: &matched) {
            case .children(let start): children = Children(next: start, child: start)
            case .entry(let entry): return entry
            case .nothing: return nil
            }
        }
        return nil
    }

    /// What a run of characters leads to.
    private enum End {
        case children(at: Int)
        case entry(Entry)
        case nothing
    }

    private func follow(_ start: Int, along name: Span<UInt8>, from matched: inout Int) -> End {
        var place = start
        while place < bytes.count {
            if let entry = flags(at: place) { return matched == name.count ? .entry(entry) : .nothing }
            let character = bytes[place]
            guard matched < name.count, character & 0x7f == name[matched] else { return .nothing }
            matched += 1
            place += 1
            if character & 0x80 != 0 { return .children(at: place) }
        }
        return .nothing
    }

    /// Calls `body` with every name and what the list says of it.
    func forEachEntry(_ body: (_ name: [UInt8], _ entry: Entry) -> Void) {
        var name: [UInt8] = []
        visit(childrenAt: Self.headerLength, &name, depth: 0, body)
    }

    private func visit(childrenAt start: Int, _ name: inout [UInt8], depth: Int, _ body: ([UInt8], Entry) -> Void) {
        guard depth < Self.depthMax else { return }
        var children = Children(next: start, child: start)
        let length = name.count
        while advance(&children) {
            switch spell(children.child, into: &name) {
            case .children(let start): visit(childrenAt: start, &name, depth: depth + 1, body)
            case .entry(let entry): body(name, entry)
            case .nothing: break
            }
            name.removeSubrange(length...)
        }
    }

    private func spell(_ start: Int, into name: inout [UInt8]) -> End {
        for place in start..<max(start, bytes.count) {
            if let entry = flags(at: place) { return .entry(entry) }
            name.append(bytes[place] & 0x7f)
            if bytes[place] & 0x80 != 0 { return .children(at: place + 1) }
        }
        return .nothing
    }

    /// Goes to the next child; false if there is none.
    private func advance(_ children: inout Children) -> Bool {
        guard !children.isAtEnd, children.next < bytes.count else { return false }
        let first = byte(at: children.next)
        let distance: Int
        switch first & 0x60 {
        case 0x60:
            distance =
                Int(first & 0x1f) << 16 | Int(byte(at: children.next + 1)) << 8 | Int(byte(at: children.next + 2))
            children.next += 3
        case 0x40:
            distance = Int(first & 0x1f) << 8 | Int(byte(at: children.next + 1))
            children.next += 2
        default:
            distance = Int(first & 0x3f)
            children.next += 1
        }
        children.child += distance
        children.isAtEnd = first & 0x80 != 0
        return true
    }

    private func flags(at place: Int) -> Entry? {
        let flags = byte(at: place)
        return flags & 0xf0 == 0x80 ? Entry(flags: flags & 0x0f) : nil
    }

    /// Zero behind the end, which stands for nothing.
    private func byte(at place: Int) -> UInt8 {
        bytes.indices.contains(place) ? bytes[place] : 0
    }
}
