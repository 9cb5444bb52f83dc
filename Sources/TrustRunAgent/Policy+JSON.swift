// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunPolicy
internal import TrustRunSinks

extension Policy {
    /// Everything that applies, with where each part was stated, as one object on one line.
    func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.policy.v1")
        buffer.append(member: "name", name)
        buffer.append(member: "description", ifAny: description)
        buffer.append(list: "documents", documents) { document, buffer in
            buffer.append("{")
            buffer.append(member: "label", document.label)
            buffer.append(member: "name", document.name)
            buffer.append(member: "description", ifAny: document.description)
            if let preset = document.preset {
                buffer.append(object: "parameters") { buffer in
                    for (name, value) in preset.parameters.sorted(by: { left, right in left.key < right.key }) {
                        buffer.append(member: name, value)
                    }
                }
            }
            buffer.append("}")
        }
        buffer.append(object: "settings") { buffer in write(settings, to: &buffer) }
        buffer.append(list: "rules", rules) { rule, buffer in write(rule, to: &buffer) }
        buffer.append(list: "content", settings.content) { rule, buffer in write(rule, to: &buffer) }
        buffer.append("}\n")
    }

    private func write(_ settings: PolicySettings, to buffer: inout OutputBuffer) {
        write("default", "\(settings.defaultAction.value.text)", settings.defaultAction.origin, to: &buffer)
        write("capture_level", settings.captureLevel.value.rawValue, settings.captureLevel.origin, to: &buffer)
        write("dns", settings.nameLookup.rawValue, settings.dns.origin, to: &buffer)
        write("ech", settings.ech.value.rawValue, settings.ech.origin, to: &buffer)
        write("inbound", settings.inbound.value.rawValue, settings.inbound.origin, to: &buffer)
        buffer.append(object: "binding_grace") { buffer in
            buffer.append(member: "seconds", Int(settings.bindingGraceSeconds.value))
            write(settings.bindingGraceSeconds.origin, to: &buffer)
        }
        write("resolvers", settings.resolvers.value?.map(\.description), settings.resolvers.origin, to: &buffer)
        write("unix_sockets", settings.unixSockets.value?.map(\.text), settings.unixSockets.origin, to: &buffer)
    }

    private func write(_ key: String, _ value: String, _ origin: Origin?, to buffer: inout OutputBuffer) {
        buffer.append(object: key) { buffer in
            buffer.append(member: "value", value)
            write(origin, to: &buffer)
        }
    }

    private func write(_ key: String, _ values: [String]?, _ origin: Origin?, to buffer: inout OutputBuffer) {
        guard let values else { return }
        buffer.append(object: key) { buffer in
            buffer.append(list: "value", values)
            write(origin, to: &buffer)
        }
    }

    private func write(_ rule: Rule, to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "id", rule.id)
        buffer.append(list: "match", rule.patterns.map(\.text))
        if let ports = rule.ports { buffer.append(list: "ports", ports.map(\.portText)) }
        if let transport = rule.transport { buffer.append(member: "protocol", "\(transport.policyWord)") }
        buffer.append(member: "process", ifAny: rule.process?.text)
        buffer.append(member: "verify", rule.verify.rawValue)
        buffer.append(member: "action", "\(rule.action.text)")
        buffer.append(member: "reason", ifAny: rule.reason)
        buffer.append(member: "source", ifAny: rule.source)
        buffer.append(member: "checked", ifAny: rule.checked)
        write(rule.origin, to: &buffer)
        buffer.append("}")
    }

    private func write(_ rule: ContentRule, to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(list: "finding", rule.findings)
        buffer.append(member: "destination", rule.isNotAllowedOnly ? "not-allowed" : "any")
        buffer.append(member: "action", "\(rule.action.text)")
        buffer.append(member: "reason", ifAny: rule.reason)
        write(rule.origin, to: &buffer)
        buffer.append("}")
    }

    /// Where something was stated; nothing for a default.
    private func write(_ origin: Origin?, to buffer: inout OutputBuffer) {
        guard let origin, documents.indices.contains(origin.document) else { return }
        buffer.append(object: "origin") { buffer in
            buffer.append(member: "document", documents[origin.document].label)
            buffer.append(member: "line", origin.line)
            buffer.append(member: "column", origin.column)
        }
    }
}
