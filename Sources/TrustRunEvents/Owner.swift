// SPDX-License-Identifier: Apache-2.0

/// Whose a connection is: a process in the group it was in, as far as they are known. One reference to count where there would be two, and nothing
/// in it changes: a process that records describe anew gets a new one.
package final class Owner {
    package let process: ProcessIdentity?
    package let cgroup: CgroupIdentity?
    /// What records say of the process, to compare with the next.
    package let startTime: UInt64
    package let user: UInt32
    package let group: UInt32
    package let cgroupID: UInt64

    package init(process: ProcessIdentity?, cgroup: CgroupIdentity?) {
        self.process = process
        self.cgroup = cgroup
        startTime = process?.key.startTime ?? 0
        user = process?.user ?? 0
        group = process?.group ?? 0
        cgroupID = cgroup?.id ?? 0
    }

    /// Whether the process or an ancestor has answers that name addresses.
    package var hasBinder: Bool { process?.hasBinder ?? false }
}
