// SPDX-License-Identifier: Apache-2.0

/// A control group of the v2 hierarchy. Owned by the pipeline's thread.
package final class CgroupIdentity {
    /// Its inode number, which is the kernel's id of it.
    package let id: UInt64
    /// Its path from the root of the hierarchy, raw bytes; empty if it was gone before it could be read.
    package var path: [UInt8]
    package var container: ContainerIdentity?
    /// The form in which a sink writes this group and its container; the sink fills it.
    package var encoded: [UInt8] {
        get { unsafe Array(text.bytes) }
        set { text.keep(newValue.span) }
    }
    /// Where that form is.
    package let text = KeptText()

    package init(id: UInt64, path: [UInt8], container: ContainerIdentity?) {
        self.id = id
        self.path = path
        self.container = container
    }
}

/// A container, as the path of its control group names it.
package struct ContainerIdentity: Hashable, Sendable {
    package enum Runtime: String, Sendable, CaseIterable {
        case docker
        case containerd
        case crio = "cri-o"
        case podman
    }

    /// 64 hexadecimal digits.
    package var id: String
    package var runtime: Runtime
    /// The Kubernetes pod, with hyphens.
    package var podUID: String?

    package init(id: String, runtime: Runtime, podUID: String?) {
        self.id = id
        self.runtime = runtime
        self.podUID = podUID
    }
}
