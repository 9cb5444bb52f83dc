// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// This machine, in uname(2)'s words.
package enum SystemFacts {
    package static var hostName: String { (ProcFile.read("/proc/sys/kernel/hostname") ?? "").trimmingNewline }
    package static var kernelRelease: String { (ProcFile.read("/proc/sys/kernel/osrelease") ?? "").trimmingNewline }
}

/// The agent's own version.
package enum AgentVersion {
    package static let text = "0.1.0"
}

extension String {
    fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
