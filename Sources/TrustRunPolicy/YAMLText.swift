// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunYAML
internal import Yams

/// The text of one document and its tree of nodes, each with its line and column.
///
/// What could make a small text large is refused: anchors and aliases (and with them merge keys), tags, deep nesting.
struct YAMLText {
    static let maximumByteCount = 1 << 20
    static let maximumDepth = 12
    /// Yams hashes a key that is a collection once for each level of it, so that a deep one costs a minute in a text of this length.
    private static let parserDepthLimit: Void = tr_yaml_limit_depth(20)

    let label: String

    func root(of bytes: [UInt8]) throws(PolicyError) -> Node {
        guard bytes.count <= Self.maximumByteCount else {
            throw error(1, 1, "\(bytes.count) bytes; expected at most \(Self.maximumByteCount)")
        }
        try checkCharacters(bytes)
        if Self.hasWord(after: UInt8(ascii: "&"), in: bytes), Self.hasWord(after: UInt8(ascii: "*"), in: bytes) {
            // A parser that expands aliases may never come back, so anchors are looked for where no alias is.
            _ = try compose(Self.withoutAliases(bytes))
        }
        guard let root = try compose(bytes) else {
            throw error(1, 1, "the document is empty; expected keys such as `name` and `rules`")
        }
        return root
    }

    func error(_ line: Int, _ column: Int, _ message: String) -> PolicyError {
        PolicyError(label: label, line: line, column: column, message: message)
    }

    func error(_ mark: Mark?, _ message: String) -> PolicyError {
        error(mark?.line ?? 1, mark?.column ?? 1, message)
    }

    private func compose(_ bytes: [UInt8]) throws(PolicyError) -> Node? {
        Self.parserDepthLimit
        do {
            // Without rules every scalar is a text, read by whoever knows what it should be.
            let parser = try Parser(yaml: String(decoding: bytes, as: UTF8.self), resolver: .basic, encoding: .utf8)
            // The parser owns the anchors, so it lives until they were looked for.
            let root = try parser.singleRoot()
            if let root { try check(root, depth: 0) }
            return withExtendedLifetime(parser) { root }
        } catch let error as PolicyError {
            throw error
        } catch let error as YamlError {
            throw self.error(for: error)
        } catch {
            throw self.error(1, 1, "no YAML: \(error)")
        }
    }

    private func check(_ node: Node, depth: Int) throws(PolicyError) {
        guard node.anchor == nil else {
            throw error(node.mark, "an anchor (&name); expected none, anchors and aliases are not read")
        }
        guard depth <= Self.maximumDepth else {
            throw error(node.mark, Self.depthMessage)
        }
        let plainTag: String
        let tag: String
        switch node {
        case .scalar(let scalar): (plainTag, tag) = ("tag:yaml.org,2002:str", scalar.tag.rawValue)
        case .sequence(let sequence): (plainTag, tag) = ("tag:yaml.org,2002:seq", sequence.tag.rawValue)
        case .mapping(let mapping): (plainTag, tag) = ("tag:yaml.org,2002:map", mapping.tag.rawValue)
        case .alias: throw error(node.mark, "an alias; expected none, anchors and aliases are not read")
        }
        guard tag.isEmpty || tag == plainTag else {
            throw error(node.mark, "tag \(tag); expected none, tags are not read")
        }
        if case .sequence(let sequence) = node {
            for element in sequence { try check(element, depth: depth + 1) }
        }
        if case .mapping(let mapping) = node {
            for (key, value) in mapping {
                try check(key, depth: depth + 1)
                try check(value, depth: depth + 1)
            }
        }
    }
}

extension YAMLText {
    private func error(for error: YamlError) -> PolicyError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if context?.text.contains("alias") == true || problem.contains("alias") {
                return self.error(
                    context?.mark ?? mark, "an alias (*name); expected a text, in quotes if it begins with `*`")
            }
            if problem.contains("nesting level") { return self.error(mark, Self.depthMessage) }
            if problem.contains("another document") {
                return self.error(mark, "a second document begins; expected one document in a file")
            }
            return self.error(mark, "no YAML: \(context.map { context in context.text + ", " } ?? "")\(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return self.error(
                context.mark,
                "key `\(duplicates.first ?? "")` stands here and again further down; expected it once")
        case .memory:
            return self.error(1, 1, Self.depthMessage)
        case .reader(let problem, _, _, _):
            return self.error(1, 1, "no YAML: \(problem)")
        default:
            return self.error(1, 1, "no YAML")
        }
    }

    private static var depthMessage: String { "nested too deeply; expected at most \(maximumDepth) levels" }

    /// What YAML 1.1 5.1 lets a text hold, in UTF-8.
    private func checkCharacters(_ bytes: [UInt8]) throws(PolicyError) {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var (line, column) = (1, 1)
        var isFirst = true
        while true {
            switch decoder.decode(&iterator) {
            case .emptyInput:
                return
            case .error:
                throw error(line, column, "bytes that are not UTF-8; expected UTF-8 text")
            case .scalarValue(let scalar):
                guard Self.isAllowed(scalar) || isFirst && scalar == "\u{feff}" else {
                    let code = String(scalar.value, radix: 16)
                    throw error(line, column, "control character U+\(code); expected text")
                }
                isFirst = false
                (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
            }
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x0d, 0x20...0x7e, 0x85, 0xa0...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x1_0000...0x10_ffff:
            true
        default: false
        }
    }

    /// Whether `mark` stands before a character that anchors' names are made of. Too often true, in texts and comments, never too rarely.
    private static func hasWord(after mark: UInt8, in bytes: [UInt8]) -> Bool {
        bytes.indices.contains { index in bytes[index] == mark && isWord(in: bytes, at: index + 1) }
    }

    private static func withoutAliases(_ bytes: [UInt8]) -> [UInt8] {
        var copy = bytes
        for index in bytes.indices where bytes[index] == UInt8(ascii: "*") && isWord(in: bytes, at: index + 1) {
            copy[index] = UInt8(ascii: "x")
        }
        return copy
    }

    private static func isWord(in bytes: [UInt8], at index: Int) -> Bool {
        guard index < bytes.count else { return false }
        return switch bytes[index] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
