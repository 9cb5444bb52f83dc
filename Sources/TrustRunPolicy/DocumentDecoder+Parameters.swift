// SPDX-License-Identifier: Apache-2.0
internal import Yams

// What only presets have: parameters, and placeholders for them.
extension DocumentDecoder {
    /// The parameters that a preset's root declares, in its order.
    static func parameters(_ root: Node, in yaml: YAMLText) throws(PolicyError) -> [PresetParameter] {
        guard case .mapping(let mapping) = root, let node = mapping["parameters"] else { return [] }
        let decoder = DocumentDecoder(yaml: yaml, index: 0, folder: nil, parameters: nil)
        guard case .mapping(let declarations) = node else {
            throw yaml.error(node.mark, "\(kind(of: node)); expected a mapping of parameters")
        }
        var parameters: [PresetParameter] = []
        for (key, value) in declarations { parameters.append(try decoder.parameter(key, value)) }
        return parameters
    }

    private func parameter(_ key: Node, _ node: Node) throws(PolicyError) -> PresetParameter {
        let name = try text(key, "a parameter's name", maximum: 64)
        guard name.utf8.allSatisfy(Self.isParameterByte) else {
            throw yaml.error(key.mark, "parameter `\(name)`; expected lower-case letters, digits and underscores")
        }
        let members = try members(of: node, "a parameter", keys: ["description", "required", "kind", "example"])
        guard let description = members["description"], let required = members["required"],
            let example = members["example"]
        else {
            throw yaml.error(
                node.mark, "a parameter without `description`, `required` or `example`; expected all three")
        }
        var kind = PresetParameter.Kind.label
        if let node = members["kind"] { kind = try word(node, "kind") }
        let isRequired: Truth = try word(required, "required")
        let parameter = PresetParameter(
            name: name, description: try text(description, "a description"), isRequired: isRequired == .true,
            kind: kind,
            example: try text(example, "an example"))
        guard parameter.values(in: parameter.example) != nil else {
            throw yaml.error(example.mark, "example `\(parameter.example)`; expected \(kind.text)")
        }
        return parameter
    }

    private enum Truth: String, CaseIterable {
        case `true`, `false`
    }

    private static func isParameterByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Whether every parameter that a rule needs is set.
    func isMet(_ needs: Node) throws(PolicyError) -> Bool {
        var isMet = true
        for element in try elements(needs, "names of parameters") {
            let name = try text(element, "the name of a parameter")
            guard let parameters, parameters.declaration(name) != nil else {
                throw yaml.error(element.mark, "unknown parameter `\(name)`; expected one that `parameters` declares")
            }
            if parameters.values[name] == nil { isMet = false }
        }
        return isMet
    }

    /// A text, in a preset with each `{parameter}` replaced: one text for each value.
    func expanded(_ node: Node, _ what: String) throws(PolicyError) -> [String] {
        let text = try text(node, what)
        guard let parameters else { return [text] }
        var texts = [""]
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw yaml.error(node.mark, "a `{` without `}`; expected {parameter}")
            }
            let name = String(rest[rest.index(after: open)..<close])
            guard let values = parameters.values[name] else {
                throw yaml.error(
                    node.mark,
                    "placeholder {\(name)} has no value; expected a required parameter, or one that `needs` names")
            }
            let before = rest[..<open]
            guard texts.count * values.count <= PresetArguments.maximumExpansion else {
                throw yaml.error(
                    node.mark, "too many values; expected at most \(PresetArguments.maximumExpansion) from one text")
            }
            texts = texts.flatMap { text in values.map { value in text + before + value } }
            rest = rest[rest.index(after: close)...]
        }
        return texts.map { text in text + rest }
    }
}
