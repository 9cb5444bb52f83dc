// SPDX-License-Identifier: Apache-2.0
internal import Yams

/// Makes one policy of documents: files, presets, and what they inherit.
package enum PolicyLoader {
    /// How many documents may inherit each other in a row.
    package static let maximumDepth = 32
    package static let maximumDocumentCount = 256
    /// How long a document may be.
    package static let maximumByteCount = YAMLText.maximumByteCount

    /// Loads what a command line names: files and `preset:NAME(parameter=value,...)`. The first is the policy; the others are as if it
    /// inherited them after its own `inherit`.
    ///
    /// Relative paths within a document start at that document's folder. `read` gives the bytes of a file.
    package static func load(
        _ references: [String], presets: PresetCatalog = .shipped,
        read: @escaping (_ path: String) throws(PolicyReadFailure) -> [UInt8]
    ) throws(PolicyError) -> Policy {
        var resolution = PolicyResolution(presets: presets, read: read)
        var parsed: [(PolicyReference, PolicyResolution.Place)] = []
        for text in references {
            do {
                parsed.append((try PolicyReference(text), .commandLine))
            } catch {
                throw PolicyError(label: "policy", message: error.message)
            }
        }
        guard let (root, place) = parsed.first else {
            throw PolicyError(label: "policy", message: "no policy is named; expected a file or preset:NAME")
        }
        try resolution.visit(root, from: place, followedBy: Array(parsed.dropFirst()))
        return try resolution.policy()
    }
}

/// The documents that were found so far, depth first.
struct PolicyResolution {
    /// What names a document.
    enum Place {
        case commandLine
        case entry(label: String, Origin)
    }

    let presets: PresetCatalog
    let read: (_ path: String) throws(PolicyReadFailure) -> [UInt8]
    private var references: [PolicyReference] = []
    private var documents: [PolicyDocument] = []
    private var known: Set<PolicyReference> = []
    /// From the root to the document that is being read.
    private var chain: [PolicyReference] = []

    init(presets: PresetCatalog, read: @escaping (_ path: String) throws(PolicyReadFailure) -> [UInt8]) {
        self.presets = presets
        self.read = read
    }

    /// Reads a document and what it inherits, `others` at the end.
    mutating func visit(
        _ reference: PolicyReference, from place: Place, followedBy others: [(PolicyReference, Place)] = []
    ) throws(PolicyError) {
        if let start = chain.firstIndex(of: reference) {
            let names = (chain[start...] + [reference]).map(\.label).joined(separator: " -> ")
            throw error(place, reference, "circular inheritance: \(names); expected documents that do not lead back")
        }
        guard known.insert(reference).inserted else { return }
        guard chain.count < PolicyLoader.maximumDepth, documents.count < PolicyLoader.maximumDocumentCount else {
            throw error(
                place, reference,
                """
                too many documents; expected at most \(PolicyLoader.maximumDocumentCount), \(PolicyLoader.maximumDepth) of them in a row
                """)
        }
        let document = try document(reference, from: place)
        references.append(reference)
        documents.append(document)
        chain.append(reference)
        for entry in document.inherit {
            try visit(entry.reference, from: .entry(label: reference.label, entry.origin))
        }
        for (reference, place) in others { try visit(reference, from: place) }
        chain.removeLast()
    }

    private func document(_ reference: PolicyReference, from place: Place) throws(PolicyError) -> PolicyDocument {
        let yaml = YAMLText(label: reference.label)
        switch reference {
        case .file(let path):
            let bytes: [UInt8]
            do {
                bytes = try read(path)
            } catch {
                // Where the place is the file itself, its name is said already.
                let subject = if case .entry = place { "\(path) " } else { "" }
                throw self.error(place, reference, "\(subject)cannot be read: \(error.reason)", kind: .unreadable)
            }
            let decoder = DocumentDecoder(yaml: yaml, index: documents.count, folder: reference.folder, parameters: nil)
            return try decoder.document(yaml.root(of: bytes))
        case .preset(let preset):
            guard let bytes = presets.documents[preset.name] else {
                let names = presets.names.joined(separator: ", ")
                throw error(place, reference, "there is no preset \(preset.name); expected one of \(names)")
            }
            let root = try yaml.root(of: bytes)
            let declared = try DocumentDecoder.parameters(root, in: yaml)
            let arguments = try arguments(preset, declared, from: place)
            return try DocumentDecoder(yaml: yaml, index: documents.count, folder: nil, parameters: arguments).document(
                root)
        }
    }

    private func arguments(
        _ preset: PresetReference, _ declared: [PresetParameter], from place: Place
    ) throws(PolicyError) -> PresetArguments {
        let reference = PolicyReference.preset(preset)
        let names = declared.map(\.name).joined(separator: ", ")
        for name in preset.parameters.keys.sorted()
        where !declared.contains(where: { parameter in parameter.name == name }) {
            throw error(
                place, reference,
                "preset \(preset.name) has no parameter `\(name)`; expected \(names.isEmpty ? "none" : "one of \(names)")"
            )
        }
        var values: [String: [String]] = [:]
        for parameter in declared {
            guard let text = preset.parameters[parameter.name] else {
                guard !parameter.isRequired else {
                    throw error(
                        place, reference,
                        """
                        preset \(preset.name) needs the parameter `\(parameter.name)`; \
                        expected preset:\(preset.name)(\(parameter.name)=\(parameter.example))
                        """)
                }
                continue
            }
            guard let some = parameter.values(in: text) else {
                throw error(
                    place, reference,
                    "parameter \(parameter.name) of preset \(preset.name) is `\(text)`; expected \(parameter.kind.text)"
                )
            }
            values[parameter.name] = some
        }
        return PresetArguments(declared: declared, values: values)
    }

    private func error(
        _ place: Place, _ reference: PolicyReference, _ message: String, kind: PolicyError.Kind = .invalid
    ) -> PolicyError {
        switch place {
        case .commandLine: PolicyError(kind, label: reference.label, message: message)
        case .entry(let label, let origin):
            PolicyError(kind, label: label, line: origin.line, column: origin.column, message: message)
        }
    }
}

extension PolicyResolution {
    /// What the documents say together.
    func policy() throws(PolicyError) -> Policy {
        let labels = PolicyLabels(references)
        var rules: [Rule] = []
        var settings = PolicySettings()
        for (index, document) in documents.enumerated() {
            for var rule in document.rules {
                rule.id = labels.short[index] + rule.id
                rules.append(rule)
            }
            settings.add(document.settings)
        }
        if let content = settings.content.first, settings.captureLevel.value == .metadata {
            throw PolicyError(
                label: labels.long[content.origin.document], line: content.origin.line, column: content.origin.column,
                message: "a content rule without capture; expected `capture_level: headers` or `capture_level: full`")
        }
        let described = documents.enumerated().map { index, document in
            Policy.Document(
                label: labels.long[index], name: document.name ?? references[index].defaultName,
                description: document.description, preset: references[index].preset)
        }
        return Policy(
            name: described[0].name, description: described[0].description, rules: rules, settings: settings,
            documents: described)
    }
}

extension PolicySettings {
    /// Takes over what `other` states and nothing before did.
    fileprivate mutating func add(_ other: PolicySettings) {
        Self.add(other.defaultAction, to: &defaultAction)
        Self.add(other.captureLevel, to: &captureLevel)
        Self.add(other.dns, to: &dns)
        Self.add(other.inbound, to: &inbound)
        Self.add(other.ech, to: &ech)
        Self.add(other.bindingGraceSeconds, to: &bindingGraceSeconds)
        Self.add(other.resolvers, to: &resolvers)
        Self.add(other.unixSockets, to: &unixSockets)
        content += other.content
    }

    private static func add<Value>(_ other: Setting<Value>, to setting: inout Setting<Value>) {
        if setting.origin == nil, other.origin != nil { setting = other }
    }
}
