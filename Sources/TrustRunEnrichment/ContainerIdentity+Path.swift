// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension ContainerIdentity {
    private static let idLength = 64

    /// The prefixes that runtimes give to the scope of a container under the systemd cgroup driver.
    private static let scopes: [(prefix: String, runtime: Runtime)] = [
        ("docker-", .docker), ("cri-containerd-", .containerd), ("crio-conmon-", .crio), ("crio-", .crio),
        ("libpod-conmon-", .podman), ("libpod-", .podman),
    ]

    /// The directories that hold a container's group under the cgroupfs driver.
    private static let parents: [(name: String, runtime: Runtime)] = [
        ("docker", .docker), ("crio", .crio), ("libpod_parent", .podman), ("libpod", .podman),
    ]

    /// The container whose group, or one above it, has this path; nil if the path names none.
    package init?(cgroupPath: [UInt8]) {
        var pod: String?
        var isBelowKubernetes = false
        var previous = ""
        var found: ContainerIdentity?
        for piece in cgroupPath.split(separator: UInt8(ascii: "/")) {
            let name = String(decoding: piece, as: UTF8.self)
            if Self.isKubernetes(name) { isBelowKubernetes = true }
            if isBelowKubernetes, let uid = Self.podUID(name) { pod = uid }
            if let container = Self.container(name, in: previous, isBelowKubernetes: isBelowKubernetes) {
                found = ContainerIdentity(id: container.id, runtime: container.runtime, podUID: pod)
            }
            previous = name
        }
        guard let found else { return nil }
        self = found
    }

    private static func container(
        _ name: String, in parent: String, isBelowKubernetes: Bool
    ) -> (id: String, runtime: Runtime)? {
        if name.hasSuffix(".scope") {
            for (prefix, runtime) in scopes where name.hasPrefix(prefix) {
                let id = String(name.dropFirst(prefix.count).dropLast(".scope".count))
                return isID(id) ? (id, runtime) : nil
            }
            return nil
        }
        guard isID(name) else {
            for (prefix, runtime) in scopes where name.hasPrefix(prefix) {
                let id = String(name.dropFirst(prefix.count))
                if isID(id) { return (id, runtime) }
            }
            return nil
        }
        if let known = parents.first(where: { known in known.name == parent }) { return (name, known.runtime) }
        // Below Kubernetes with the cgroupfs driver the bare id is containerd's.
        return isBelowKubernetes && podUID(parent) != nil ? (name, .containerd) : nil
    }

    /// `kubepods`, or with the names of the groups above it in front, as systemd spells slices.
    private static func isKubernetes(_ name: String) -> Bool {
        name.hasPrefix("kubepods") || name.split(separator: "-").contains { part in part.hasPrefix("kubepods") }
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == idLength && text.utf8.allSatisfy { byte in isHexadecimal(byte) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// The uid in `pod<uid>` or `kubepods-<class>-pod<uid with underscores>.slice`.
    private static func podUID(_ name: String) -> String? {
        let bare = name.hasSuffix(".slice") ? String(name.dropLast(".slice".count)) : name
        let tail: Substring
        if bare.hasPrefix("pod") {
            tail = bare.dropFirst(3)
        } else if isKubernetes(bare), let last = bare.split(separator: "-").last, last.hasPrefix("pod") {
            tail = last.dropFirst(3)
        } else {
            return nil
        }
        let uid = String(tail.map { character in character == "_" ? "-" : character })
        let isPlain = uid.utf8.allSatisfy { byte in isHexadecimal(byte) || byte == UInt8(ascii: "-") }
        return isPlain && uid.utf8.count >= 32 ? uid : nil
    }
}
