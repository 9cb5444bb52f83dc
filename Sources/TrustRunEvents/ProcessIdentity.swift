// SPDX-License-Identifier: Apache-2.0

/// What names a process for ever: a pid is reused, a pid with its start time is not.
package struct ProcessKey: Hashable, Sendable {
    /// The process id: the tgid of its threads.
    package var tgid: UInt32
    /// When the thread group's leader started, in nanoseconds since boot.
    package var startTime: UInt64

    package init(tgid: UInt32, startTime: UInt64) {
        self.tgid = tgid
        self.startTime = startTime
    }
}

/// Who: one image of one process, as the kernel described it at fork and exec. Owned by the pipeline's thread.
package final class ProcessIdentity {
    package let key: ProcessKey
    /// Who started it; nil where that process was gone before anybody looked, or is too far up to be kept.
    package var parent: ProcessIdentity? {
        get { unsafe storedParent }
        set { unsafe storedParent = newValue }
    }
    package let parentTgid: UInt32
    package var user: UInt32 {
        get { unsafe storedUser }
        set { unsafe storedUser = newValue }
    }
    package var group: UInt32 {
        get { unsafe storedGroup }
        set { unsafe storedGroup = newValue }
    }
    /// The kernel's comm of the thread group's leader, raw bytes.
    package let name: [UInt8]
    /// The executable's path as in its own mount namespace, raw bytes; empty for kernel threads or if it is not known.
    package let executable: [UInt8]
    /// What exec was given, each argument ended by NUL; kept only until the `exec` event is written.
    package var arguments: [UInt8] = []
    package var areArgumentsTruncated = false
    package var cgroup: CgroupIdentity? {
        get { unsafe storedCgroup }
        set { unsafe storedCgroup = newValue }
    }
    /// It ran before the agent did.
    package let isExisting: Bool
    package let isKernelThread: Bool
    /// The names that it looked up; shared by the images of one process.
    package var bindings: NameBindings? {
        get { unsafe storedBindings }
        set { unsafe storedBindings = newValue }
    }
    /// Which of the policy's globs the executable matches, a bit each; the judge fills it.
    package var executableBits: InlineArray<4, UInt64>? {
        get { unsafe storedExecutableBits }
        set { unsafe storedExecutableBits = newValue }
    }
    /// The form in which a sink writes this process; the sink fills it, whoever changes the process empties it.
    package var encoded: [UInt8] {
        get { unsafe Array(text.bytes) }
        set { text.keep(newValue.span) }
    }

    // What changes is read for every event; unchecked is sound, since no access to it calls anything.
    @exclusivity(unchecked) private var storedParent: ProcessIdentity?
    @exclusivity(unchecked) private var storedUser: UInt32
    @exclusivity(unchecked) private var storedGroup: UInt32
    @exclusivity(unchecked) private var storedCgroup: CgroupIdentity?
    @exclusivity(unchecked) private var storedBindings: NameBindings?
    @exclusivity(unchecked) private var storedExecutableBits: InlineArray<4, UInt64>?
    /// Where that form is.
    package let text = KeptText()

    package init(
        key: ProcessKey,
        parent: ProcessIdentity?,
        parentTgid: UInt32,
        user: UInt32,
        group: UInt32,
        name: [UInt8],
        executable: [UInt8],
        cgroup: CgroupIdentity?,
        isExisting: Bool = false,
        isKernelThread: Bool = false
    ) {
        self.key = key
        unsafe storedParent = parent
        self.parentTgid = parentTgid
        unsafe storedUser = user
        unsafe storedGroup = group
        self.name = name
        self.executable = executable
        unsafe storedCgroup = cgroup
        self.isExisting = isExisting
        self.isKernelThread = isKernelThread
    }

    /// Whether this process or an ancestor has answers that name addresses.
    var hasBinder: Bool {
        // A process keeps its ancestors, so none needs to be held on the way up.
        var next: Unmanaged<ProcessIdentity>? = unsafe .passUnretained(self)
        while let current = unsafe next {
            if unsafe current._withUnsafeGuaranteedRef({ process in process.bindings != nil }) { return true }
            unsafe next = current._withUnsafeGuaranteedRef { process in unsafe process.unmanagedParent }
        }
        return false
    }

    /// Who names the addresses that this process uses: itself or the nearest ancestor with answers.
    package var nearestBinder: ProcessIdentity? {
        var next: ProcessIdentity? = self
        while let current = next {
            if current.bindings != nil { return current }
            next = current.parent
        }
        return nil
    }

    private var unmanagedParent: Unmanaged<ProcessIdentity>? {
        guard let parent else { return nil }
        return unsafe .passUnretained(parent)
    }
}
