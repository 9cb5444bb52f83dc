// SPDX-License-Identifier: Apache-2.0
internal import Yams

/// What a preset says of itself.
package struct PresetDescription: Sendable {
    package var text: Policy.Document
    package var parameters: [PresetParameter]
    package var ruleCount: Int
    /// The pages that its rules rest on, each once, in their order.
    package var sources: [String]

    /// How to name it, with the example of each of its parameters: `preset:NAME(resource=contoso)`.
    package var example: String { PresetReference(text.name, parameters: parameters).text }

    /// The same with the parameters that it needs alone.
    package var shortestExample: String {
        PresetReference(text.name, parameters: parameters.filter(\.isRequired)).text
    }
}

extension PresetReference {
    fileprivate init(_ name: String, parameters: [PresetParameter]) {
        self.name = name
        self.parameters = [:]
        for parameter in parameters { self.parameters[parameter.name] = parameter.example }
    }
}

extension PresetCatalog {
    /// What a preset says of itself, its rules counted with every parameter set.
    package func description(of name: String) throws(PolicyError) -> PresetDescription {
        guard let bytes = documents[name] else {
            throw PolicyError(label: PresetReference.prefix + name, message: "there is no such preset")
        }
        let yaml = YAMLText(label: PresetReference.prefix + name)
        let root = try yaml.root(of: bytes)
        let parameters = try DocumentDecoder.parameters(root, in: yaml)
        var values: [String: [String]] = [:]
        for parameter in parameters { values[parameter.name] = parameter.values(in: parameter.example) }
        let arguments = PresetArguments(declared: parameters, values: values)
        let document = try DocumentDecoder(yaml: yaml, index: 0, folder: nil, parameters: arguments).document(root)
        var sources: [String] = []
        for case let source? in document.rules.map(\.source) where !sources.contains(source) { sources.append(source) }
        return PresetDescription(
            text: Policy.Document(label: yaml.label, name: name, description: document.description),
            parameters: parameters, ruleCount: document.rules.count, sources: sources)
    }
}
