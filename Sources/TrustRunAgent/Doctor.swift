// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEvents
internal import TrustRunInventory
internal import TrustRunSensor
internal import TrustRunSinks

/// Finds out what the agent can see here, by loading and attaching everything once.
package enum Doctor {
    package static func examine(firstHook: String?) -> DoctorReport {
        var report = DoctorReport()
        report.hasBTF = unsafe access("/sys/kernel/btf/vmlinux", R_OK) == 0
        report.cgroupMount = CgroupHierarchy.find()?.mountPoint
        if report.cgroupMount == nil {
            report.notes.append(
                "no cgroup v2 mount: DNS, server names and UDP by packet are not seen; mount -t cgroup2 none /sys/fs/cgroup"
            )
        }
        do {
            let sensor = try SensorStart.open(firstHook: firstHook)
            report.capabilities = sensor.capabilities.map { capability in
                SessionStart.Capability(name: capability.name, hook: capability.hook, tried: capability.tried)
            }
            report.means = means()
            report.libraries = libraries(sensor)
        } catch {
            report.failure = error.message
            return report
        }
        report.programs = ProgramScan.run().map { program in
            DoctorReport.TLSUser(
                path: program.path,
                stack: program.tls.name,
                version: program.tls.version,
                pids: program.pids,
                serverName: ServerNameEvidence.wire.rawValue,
                reason: program.isStripped ? "stripped: nothing inside can be hooked" : "carries its own TLS"
            )
        }
        report.notes += openings(mounts: ProcFile.read("/proc/self/mountinfo") ?? "")
        report.notes += resolverNotes()
        report.notes.append("plaintext is not captured: no program's requests are read")
        return report
    }

    private static func libraries(_ sensor: borrowing Sensor) -> [DoctorReport.TLSUser] {
        LibraryScan.inventory().map { used in
            let library = used.library
            var user = DoctorReport.TLSUser(
                path: library.path,
                stack: library.stack.rawValue,
                version: library.version,
                pids: Array(used.pids.prefix(8)),
                serverName: ServerNameEvidence.wire.rawValue
            )
            guard library.canHookSSLCtrl, let offset = library.sslCtrlOffset else {
                user.reason = library.sslCtrlOffset != nil ? "not this machine's instruction set" : "it has no SSL_ctrl"
                return user
            }
            do {
                try sensor.attachLibssl(path: library.path, sslCtrlOffset: offset)
                user.serverName = library.serverNameEvidence.rawValue
            } catch {
                user.reason = "\(error)"
            }
            return user
        }
    }

    /// Look-ups that go to a daemon over a unix socket are no packets of the process that asks.
    private static func resolverNotes() -> [String] {
        let daemons = [
            ("nscd", "/run/nscd/socket"), ("systemd-resolved", "/run/systemd/resolve/io.systemd.Resolve"),
            ("sssd", "/var/lib/sss/pipes/nss"),
        ]
        return daemons.filter { daemon in unsafe access(daemon.1, F_OK) == 0 }.map { daemon in
            "\(daemon.0) answers name look-ups over \(daemon.1): those are seen as that daemon's and name nothing else"
        }
    }
}

extension DoctorReport {
    /// Writes the report to stdout.
    package func write(asJSON: Bool) {
        // Whoever closed stdout does not want to know.
        try? StandardOutput.write { buffer in
            if asJSON {
                writeJSON(to: &buffer)
            } else {
                writeText(to: &buffer)
            }
        }
    }
}
