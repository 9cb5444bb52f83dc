// SPDX-License-Identifier: Apache-2.0

/// What a command line or `inherit` names: a file, or a preset with its parameters.
package enum PolicyReference: Sendable, Hashable {
    /// A path, normalised as text: no `.`, no empty parts, `..` only in front.
    case file(String)
    case preset(PresetReference)

    /// `preset:NAME`, `preset:NAME(parameter=value,...)`, else a path, taken from `folder` if it is relative.
    package init(_ text: String, relativeTo folder: String = "") throws(ReferenceError) {
        if text.hasPrefix(PresetReference.prefix) {
            self = .preset(try PresetReference(text))
            return
        }
        guard !text.isEmpty, !text.contains("\0") else {
            throw ReferenceError(message: "an empty name; expected a file or preset:NAME")
        }
        guard !text.hasSuffix("/") else {
            throw ReferenceError(message: "\(text) is a folder; expected a file or preset:NAME")
        }
        self = .file(Self.normalised(text.hasPrefix("/") || folder.isEmpty ? text : folder + "/" + text))
    }

    /// What messages and `Policy.documents` call it.
    package var label: String {
        switch self {
        case .file(let path): path
        case .preset(let preset): PresetReference.prefix + preset.name
        }
    }

    /// Where paths in the document start: the file's folder, without a slash at the end; "" is the working directory.
    var folder: String {
        guard case .file(let path) = self, let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/." : String(path[..<slash])
    }

    private static func normalised(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !path.hasPrefix("/") {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + joined : joined.isEmpty ? "." : joined
    }
}

/// A reference that cannot be understood, in words for its writer.
package struct ReferenceError: Error {
    package var message: String
}

/// A preset and what its parameters are set to.
package struct PresetReference: Sendable, Hashable {
    static let prefix = "preset:"

    package var name: String
    /// As written: `a|b` for several values.
    package var parameters: [String: String]

    fileprivate init(_ text: String) throws(ReferenceError) {
        let rest = text.dropFirst(Self.prefix.count)
        let form = "expected preset:NAME or preset:NAME(parameter=value,...)"
        let name = rest.prefix { character in character != "(" }
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
            throw ReferenceError(message: "\"\(text)\" is no preset; \(form)")
        }
        self.name = String(name)
        parameters = [:]
        guard name.endIndex < rest.endIndex else { return }
        guard rest.hasSuffix(")") else {
            throw ReferenceError(message: "\"\(text)\" has no `)` at its end; \(form), in quotes if it stands in [...]")
        }
        for setting in rest[name.endIndex...].dropFirst().dropLast().split(
            separator: ",", omittingEmptySubsequences: false)
        {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(Self.trimmed(parts[0]))
            guard parts.count == 2, !key.isEmpty else {
                throw ReferenceError(message: "\"\(setting)\" is no parameter; \(form)")
            }
            guard parameters.updateValue(String(Self.trimmed(parts[1])), forKey: key) == nil else {
                throw ReferenceError(message: "parameter \(key) is set twice; expected it once")
            }
        }
    }

    /// `preset:NAME(a=x,b=y)`, the parameters in order of their names.
    package var text: String {
        guard !parameters.isEmpty else { return Self.prefix + name }
        let settings = parameters.sorted { left, right in left.key < right.key }.map { key, value in "\(key)=\(value)" }
        return "\(Self.prefix)\(name)(\(settings.joined(separator: ",")))"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
