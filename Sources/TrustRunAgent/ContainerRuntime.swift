// SPDX-License-Identifier: Apache-2.0

/// Programs that start others outside of the group that they are in, or cannot start them in it: under `run` they would not be held, or fail without
/// saying why.
enum ContainerRuntime {
    /// They ask a daemon.
    private static let clients: Set = [
        "crictl", "ctr", "docker", "docker-compose", "lxc", "machinectl", "nerdctl", "systemd-run",
    ]
    /// They need privileges that `run` takes for good.
    private static let builders: Set = ["buildah", "crun", "podman", "runc"]

    /// Throws for a command that is one, by its name.
    static func check(_ words: [String]) throws(AgentError) {
        guard let name = words.first?.split(separator: "/").last.map(String.init) else { return }
        let what: String
        if clients.contains(name) {
            what =
                "\(name) has a daemon start its programs, outside of the scope that `run` makes, so nothing would hold them"
        } else if builders.contains(name) {
            what =
                "\(name) needs namespaces and users that `run` takes from its command, so it cannot start anything in the scope"
        } else {
            return
        }
        throw AgentError(
            .notEnforced,
            what
                + "; start the container first, and hold its own group: trustrun-agent monitor --enforce --policy FILE --scope PATH "
                + "(its path: cat /proc/PID/cgroup)")
    }
}
