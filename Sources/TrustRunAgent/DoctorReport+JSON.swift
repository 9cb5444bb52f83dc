// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
package import TrustRunSinks

extension DoctorReport {
    /// The report as one JSON object on one line.
    package func writeJSON(to buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "schema", "trustrun.doctor.v1")
        buffer.append(member: "version", AgentVersion.text)
        buffer.append(member: "status", status.word)
        buffer.append(member: "kernel", kernel)
        buffer.append(member: "btf", hasBTF)
        buffer.append(member: "cgroup2", ifAny: cgroupMount)
        buffer.append(member: "failure", ifAny: failure)
        buffer.append(list: "capabilities", capabilities) { capability, buffer in
            buffer.append("{")
            buffer.append(member: "name", capability.name)
            buffer.append(member: "hook", ifAny: capability.hook)
            if !capability.tried.isEmpty { buffer.append(member: "tried", capability.tried) }
            buffer.append("}")
        }
        buffer.append(list: "enforcement", means) { part, buffer in
            buffer.append("{")
            buffer.append(member: "name", part.name)
            buffer.append(member: "means", ifAny: part.source)
            buffer.append(member: "missing", ifAny: part.missing)
            buffer.append("}")
        }
        buffer.append(list: "libraries", libraries) { user, buffer in tlsUser(user, &buffer) }
        buffer.append(list: "programs", programs) { user, buffer in tlsUser(user, &buffer) }
        buffer.append(list: "notes", notes)
        buffer.append("}\n")
    }

    private func tlsUser(_ user: TLSUser, _ buffer: inout OutputBuffer) {
        buffer.append("{")
        buffer.append(member: "path", user.path)
        buffer.append(member: "stack", user.stack)
        buffer.append(member: "version", ifAny: user.version)
        buffer.append(list: "pids", user.pids) { pid, buffer in buffer.append(decimal: UInt64(pid)) }
        buffer.append(member: "server_name", user.serverName)
        buffer.append(member: "reason", ifAny: user.reason)
        buffer.append(member: "plaintext", "not captured")
        buffer.append("}")
    }
}
