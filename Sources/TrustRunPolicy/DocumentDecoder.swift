// SPDX-License-Identifier: Apache-2.0
internal import Yams

/// Reads one document's tree of nodes strictly: the first thing that is not as it should be is an error with its place.
struct DocumentDecoder {
    let yaml: YAMLText
    /// Index into `Policy.documents`.
    let index: Int
    /// The folder that relative paths in `inherit` start from; nil in a preset, which inherits presets alone.
    let folder: String?
    /// The values of a preset's parameters; nil in a file, which has none.
    let parameters: PresetArguments?

    /// For a document beside policies, in a file.
    static func ofFile(_ path: String) throws(PolicyError) -> DocumentDecoder {
        do throws(ReferenceError) {
            let folder = try PolicyReference(path).folder
            return DocumentDecoder(yaml: YAMLText(label: path), index: 0, folder: folder, parameters: nil)
        } catch {
            throw PolicyError(label: path, message: error.message)
        }
    }

    static let maximumTextByteCount = 4096
    static let maximumNameByteCount = 128
    static let keys = [
        "name", "description", "capture_level", "inherit", "rules", "resolvers", "dns", "ech", "inbound",
        "binding_grace", "unix_sockets", "content", "defaults",
    ]

    func document(_ root: Node) throws(PolicyError) -> PolicyDocument {
        let keys = parameters == nil ? Self.keys : Self.keys + ["parameters"]
        let members = try members(of: root, "a policy", keys: keys)
        var document = PolicyDocument()
        if let node = members["name"] {
            document.name = try text(node, "the policy's name", maximum: Self.maximumNameByteCount)
        }
        if let node = members["description"] { document.description = try text(node, "a description") }
        if let node = members["inherit"] {
            for entry in try elements(node, "files and presets") { document.inherit.append(try inheritance(entry)) }
        }
        if let node = members["rules"] {
            for (number, rule) in try list(node, "rules").enumerated() {
                guard let rule = try self.rule(rule, number: number + 1) else { continue }
                document.rules.append(rule)
            }
        }
        document.settings = try settings(members)
        return document
    }

    private func inheritance(_ node: Node) throws(PolicyError) -> PolicyDocument.Inheritance {
        let text = try text(node, "a file or preset:NAME")
        do throws(ReferenceError) {
            let reference = try PolicyReference(text, relativeTo: folder ?? "")
            if case .file = reference, folder == nil { throw ReferenceError(message: "a file; expected preset:NAME") }
            return PolicyDocument.Inheritance(reference: reference, origin: origin(node))
        } catch {
            throw yaml.error(node.mark, error.message)
        }
    }

    /// What `PolicyLoader.load` takes: a file, from this one's folder, or a preset.
    func reference(_ node: Node) throws(PolicyError) -> String {
        let text = try text(node, "a policy file or preset:NAME")
        do throws(ReferenceError) {
            switch try PolicyReference(text, relativeTo: folder ?? "") {
            case .file(let path): return path
            case .preset(let preset): return preset.text
            }
        } catch {
            throw yaml.error(node.mark, error.message)
        }
    }

    func origin(_ node: Node) -> Origin {
        Origin(document: index, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}

// MARK: - Shapes

extension DocumentDecoder {
    /// The values of a mapping by their keys, each of which is one of `keys`.
    func members(of node: Node, _ what: String, keys: [String]) throws(PolicyError) -> [String: Node] {
        let known = keys.joined(separator: ", ")
        guard case .mapping(let mapping) = node else {
            throw yaml.error(
                node.mark, "\(Self.kind(of: node)); expected \(what), a mapping with keys such as \(known)")
        }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw yaml.error(key.mark, "\(Self.kind(of: key)) as a key; expected one of \(known)")
            }
            guard keys.contains(scalar.string) else {
                throw yaml.error(key.mark, "unknown key `\(scalar.string)` in \(what); expected one of \(known)")
            }
            members[scalar.string] = value
        }
        return members
    }

    /// A list.
    func list(_ node: Node, _ what: String) throws(PolicyError) -> [Node] {
        guard case .sequence(let sequence) = node else {
            throw yaml.error(node.mark, "\(Self.kind(of: node)); expected a list of \(what)")
        }
        return Array(sequence)
    }

    /// The elements of a list that is not empty, or a text as the only one.
    func elements(_ node: Node, _ what: String) throws(PolicyError) -> [Node] {
        guard case .scalar = node else {
            let elements = try list(node, what)
            guard !elements.isEmpty else { throw yaml.error(node.mark, "an empty list; expected \(what)") }
            return elements
        }
        return [node]
    }

    /// A text that is not empty, in quotes or not.
    func text(_ node: Node, _ what: String, maximum: Int = maximumTextByteCount) throws(PolicyError) -> String {
        guard case .scalar(let scalar) = node else {
            throw yaml.error(node.mark, "\(Self.kind(of: node)); expected \(what)")
        }
        let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
        // Block scalars end with line feeds that nobody means.
        let end = scalar.string.lastIndex { character in character != "\n" }
        let text = end.map { end in String(scalar.string[...end]) } ?? ""
        guard !isNull, !text.isEmpty else { throw yaml.error(node.mark, "nothing; expected \(what)") }
        guard text.utf8.count <= maximum else {
            throw yaml.error(node.mark, "a text of \(text.utf8.count) bytes; expected at most \(maximum)")
        }
        guard !text.unicodeScalars.contains(where: Self.isControl) else {
            throw yaml.error(node.mark, "a control character; expected \(what)")
        }
        return text
    }

    /// A word of a few.
    func word<Value: RawRepresentable & CaseIterable>(_ node: Node, _ what: String) throws(PolicyError) -> Value
    where Value.RawValue == String {
        let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
        let text = try text(node, "\(what): \(words)")
        guard let value = Value(rawValue: text) else {
            throw yaml.error(node.mark, "unknown \(what) `\(text)`; expected one of \(words)")
        }
        return value
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
    }

    static func kind(of node: Node) -> String {
        switch node {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let scalar): return scalar.string.isEmpty ? "nothing" : "a text"
        case .alias: return "an alias"
        }
    }
}
