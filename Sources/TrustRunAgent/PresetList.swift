// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy
internal import TrustRunSinks

/// The presets that the agent carries.
struct PresetList {
    let presets: [PresetDescription]

    var text: String {
        var text = ""
        for preset in presets {
            let description = preset.text.description ?? ""
            text += "\(preset.shortestExample)\n    \(description)\n"
            for parameter in preset.parameters {
                let need = parameter.isRequired ? "required" : "optional"
                text += "    \(parameter.name) (\(need), such as \(parameter.example)): \(parameter.description)\n"
            }
            for source in preset.sources { text += "    source: \(source)\n" }
            text += "\n"
        }
        return text
    }

    /// One object on one line.
    func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy-presets.v1")
        buffer.append(list: "presets", presets) { preset, buffer in
            buffer.append("{")
            buffer.append(member: "name", preset.text.name)
            buffer.append(member: "description", ifAny: preset.text.description)
            buffer.append(member: "reference", preset.shortestExample)
            buffer.append(member: "rules", preset.ruleCount)
            buffer.append(list: "parameters", preset.parameters) { parameter, buffer in
                buffer.append("{")
                buffer.append(member: "name", parameter.name)
                buffer.append(member: "description", parameter.description)
                buffer.append(member: "required", parameter.isRequired)
                buffer.append(member: "kind", parameter.kind.rawValue)
                buffer.append(member: "example", parameter.example)
                buffer.append("}")
            }
            buffer.append(list: "sources", preset.sources)
            buffer.append("}")
        }
        buffer.append("}\n")
    }
}
