// SPDX-License-Identifier: Apache-2.0

/// Finds a member of a JSON object in its text, so that a line can be changed in one place and stays what it was everywhere else.
package enum TopLevelMember {
    /// Where the member stands, with the comma before it or, if it is the first, the one behind it; nil if there is none.
    ///
    /// The text must be an object that a parser has accepted; anything else gives some range or nil, never a trap.
    package static func range(of key: String, in text: [UInt8]) -> Range<Int>? {
        let wanted = Array("\"\(key)\"".utf8)
        var depth = 0
        var index = 0
        var separator: Int?
        var found: Int?
        var isKey = true
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0, let found { return found..<index }
            case UInt8(ascii: ",") where depth == 1:
                if let found { return found..<(text[found] == UInt8(ascii: ",") ? index : index + 1) }
                separator = index
                isKey = true
            case UInt8(ascii: ":") where depth == 1: isKey = false
            case UInt8(ascii: "\""):
                let end = endOfString(from: index, in: text)
                if depth == 1, isKey, found == nil, text[index..<end].elementsEqual(wanted) {
                    found = separator ?? index
                }
                index = end
                continue
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Behind the closing quote.
    private static func endOfString(from start: Int, in text: [UInt8]) -> Int {
        var index = start + 1
        while index < text.count, text[index] != UInt8(ascii: "\"") {
            index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, text.count)
    }

    /// The same object with the member removed, and `member`, which begins with a comma, put before its end.
    package static func replacing(_ key: String, with member: [UInt8], in text: [UInt8]) -> [UInt8] {
        var rest = text
        if let range = range(of: key, in: text) { rest.removeSubrange(range) }
        guard let end = rest.lastIndex(of: UInt8(ascii: "}")) else { return rest }
        rest.insert(contentsOf: member, at: end)
        return rest
    }
}
