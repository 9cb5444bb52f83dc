// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import TrustRunEvents

/// This machine, in uname(2)'s words.
package enum SystemFacts {
    package static var hostName: String { (ProcFile.read("/proc/sys/kernel/hostname") ?? "").trimmingNewline }
    /// The resolvers that programs ask, by resolv.conf(5).
    package static var resolvers: [IPAddress] { resolvers(in: ProcFile.read("/etc/resolv.conf") ?? "") }

    /// This process' own network namespace: its inode number of nsfs.
    package static var networkNamespaces: [UInt32] {
        var facts = stat()
        guard unsafe stat("/proc/self/ns/net", &facts) == 0 else { return [] }
        return [UInt32(truncatingIfNeeded: facts.st_ino)]
    }

    static func resolvers(in configuration: String) -> [IPAddress] {
        configuration.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            // A link-local resolver has its interface behind the address.
            return IPAddress(text: String(words[1].prefix { character in character != "%" }))
        }
    }

    package static var kernelRelease: String { (ProcFile.read("/proc/sys/kernel/osrelease") ?? "").trimmingNewline }
}

/// The agent's own version.
package enum AgentVersion {
    package static let text = "0.1.0"
}

extension String {
    fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
