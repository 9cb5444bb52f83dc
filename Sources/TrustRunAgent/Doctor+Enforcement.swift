// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement

extension Doctor {
    /// What can be enforced here: by loading the gates, which hold nothing, and asking for what contains a command.
    static func means() -> [DoctorReport.Means] {
        var means: [DoctorReport.Means] = []
        do {
            let gates = try EnforcedScope(
                tells: false, namespaces: ResolverNamespaces(inodes: SystemFacts.networkNamespaces))
            means.append(DoctorReport.Means("gates", by: "cgroup programs at calls and packets"))
            means.append(
                gates.canKill
                    ? DoctorReport.Means("kill", by: "signals of BPF programs")
                    : DoctorReport.Means(
                        "kill",
                        missing:
                            "neither programs of control groups nor of traced functions may signal: no policy that kills"
                    ))
            means.append(
                gates.canRefuseHandover()
                    ? DoctorReport.Means(
                        "handover",
                        by:
                            "fmod_ret/security_file_receive, security_socket_create, security_ptrace_access_check, security_unix_stream_connect, security_unix_may_send, security_file_ioctl"
                    )
                    : DoctorReport.Means("handover", missing: EnforcedScope.openHandover))
        } catch {
            means.append(DoctorReport.Means("gates", missing: error.message))
        }
        return means
            + Confinement().parts.map { part in
                part.isThere
                    ? DoctorReport.Means(part.name, by: part.source)
                    : DoctorReport.Means(part.name, missing: part.meaning)
            }
    }

    /// Ways past the gates that are open on this machine, beside those that always are.
    static func openings(mounts text: String) -> [String] {
        let isOld = SystemFacts.kernelRelease.split(separator: ".").prefix(2).compactMap { part in Int(part) }
            .lexicographicallyPrecedes([5, 15])
        let isMounted = text.split(separator: "\n").contains { line in
            let options = line.split(separator: " ").last?.split(separator: ",") ?? []
            return line.contains(" - cgroup ") && (options.contains("net_cls") || options.contains("net_prio"))
        }
        guard isOld && isMounted else { return [] }
        return [
            "net_cls or net_prio is mounted: before Linux 5.15, once a group of theirs is in use, gates do not see sockets that are made; unmount them before enforcing"
        ]
    }
}
