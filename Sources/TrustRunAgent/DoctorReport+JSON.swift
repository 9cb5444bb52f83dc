// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
package import TrustRunSinks

extension DoctorReport {
    /// The report as one JSON object on one line.
    package func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{\"schema\":\"trustrun.doctor.v1\",\"version\":")
        buffer.append(jsonString: AgentVersion.text)
        member("status", status.word, &buffer)
        member("kernel", kernel, &buffer)
        buffer.append(hasBTF ? ",\"btf\":true" : ",\"btf\":false")
        if let cgroupMount { member("cgroup2", cgroupMount, &buffer) }
        if let failure { member("failure", failure, &buffer) }
        list("capabilities", capabilities, &buffer) { capability, buffer in
            buffer.append("{\"name\":")
            buffer.append(jsonString: capability.name)
            if let hook = capability.hook { member("hook", hook, &buffer) }
            if !capability.tried.isEmpty { member("tried", capability.tried, &buffer) }
            buffer.append("}")
        }
        list("libraries", libraries, &buffer) { user, buffer in tlsUser(user, &buffer) }
        list("programs", programs, &buffer) { user, buffer in tlsUser(user, &buffer) }
        list("notes", notes, &buffer) { note, buffer in buffer.append(jsonString: note) }
        buffer.append("}\n")
    }

    private func tlsUser(_ user: TLSUser, _ buffer: inout OutputBuffer) {
        buffer.append("{\"path\":")
        buffer.append(jsonString: user.path)
        member("stack", user.stack, &buffer)
        if let version = user.version { member("version", version, &buffer) }
        list("pids", user.pids, &buffer) { pid, buffer in buffer.append(decimal: UInt64(pid)) }
        member("server_name", user.serverName, &buffer)
        if let reason = user.reason { member("reason", reason, &buffer) }
        buffer.append(",\"plaintext\":\"not captured\"}")
    }

    private func member(_ key: String, _ value: String, _ buffer: inout OutputBuffer) {
        buffer.append(",")
        buffer.append(jsonString: key)
        buffer.append(":")
        buffer.append(jsonString: value)
    }

    private func list<Element>(
        _ key: String, _ elements: [Element], _ buffer: inout OutputBuffer,
        _ write: (Element, inout OutputBuffer) -> Void
    ) {
        buffer.append(",")
        buffer.append(jsonString: key)
        buffer.append(":[")
        for (index, element) in elements.enumerated() {
            if index > 0 { buffer.append(",") }
            write(element, &buffer)
        }
        buffer.append("]")
    }
}
