// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
package import TrustRunSinks

extension DoctorReport {
    /// The report for people; paths come from the machine, so what is not printable is escaped.
    package func writeText(to buffer: inout OutputBuffer) {
        line("status", status.word, &buffer)
        line("kernel", kernel, &buffer)
        line("type information (BTF)", hasBTF ? "yes" : "no: needs CONFIG_DEBUG_INFO_BTF=y", &buffer)
        line("cgroup v2", cgroupMount ?? "not mounted", &buffer)
        if let failure { line("failure", failure, &buffer) }
        heading("What is seen, and by which hook", capabilities.isEmpty, &buffer)
        for capability in capabilities {
            line("  \(capability.name)", capability.hook ?? "NOT SEEN", &buffer)
            if !capability.tried.isEmpty { line("", "better hooks: \(capability.tried)", &buffer) }
        }
        heading("What a command of `run --enforce` is held by", means.isEmpty, &buffer)
        for part in means {
            line("  \(part.name)", part.source ?? "NOT HERE", &buffer)
            if let missing = part.missing { line("", missing, &buffer) }
        }
        heading("TLS libraries: how the names of their connections are known", libraries.isEmpty, &buffer)
        for library in libraries { user(library, &buffer) }
        heading("Running programs that carry their own TLS", programs.isEmpty, &buffer)
        for program in programs { user(program, &buffer) }
        heading("Notes", notes.isEmpty, &buffer)
        for note in notes { line("  -", note, &buffer) }
    }

    private func heading(_ text: String, _ isEmpty: Bool, _ buffer: inout OutputBuffer) {
        guard !isEmpty else { return }
        buffer.append(byte: UInt8(ascii: "\n"))
        buffer.append(printable: text)
        buffer.append(byte: UInt8(ascii: "\n"))
    }

    private func user(_ user: TLSUser, _ buffer: inout OutputBuffer) {
        line("  \(user.stack) \(user.version ?? "")", user.path, &buffer)
        let pids = user.pids.isEmpty ? "" : ", used by \(user.pids.map(String.init).joined(separator: " "))"
        line("", "server name: \(user.serverName)\(user.reason.map { reason in " (\(reason))" } ?? "")\(pids)", &buffer)
    }

    private func line(_ label: String, _ text: String, _ buffer: inout OutputBuffer) {
        buffer.append(printable: label)
        buffer.append(repeating: UInt8(ascii: " "), count: max(1, 26 - label.utf8.count))
        buffer.append(printable: text)
        buffer.append(byte: UInt8(ascii: "\n"))
    }
}
