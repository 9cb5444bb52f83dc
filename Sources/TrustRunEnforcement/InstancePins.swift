// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc

/// Where the gates of one instance are pinned, so that they hold without an agent. Its name is that of its folder and of its lock.
package struct InstancePins: Sendable, Equatable {
    package let name: String
    let folder: String

    /// What an instance is called: letters, digits, `-` and `_`.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count < 200
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// Those of a new instance; mounts a BPF file system if the machine has none.
    package init(forNew name: String) throws(EnforcementError) {
        guard let root = try Self.root(makes: true) else {
            throw EnforcementError("find a BPF file system", result: -ENOENT)
        }
        self.init(name: name, root: root)
    }

    private init(name: String, root: String) {
        self.name = name
        folder = "\(root)/\(name)"
    }

    /// All that are pinned, by name; none where no BPF file system is mounted.
    package static func all() throws(EnforcementError) -> [InstancePins] {
        guard let root = try root(makes: false), let directory = unsafe opendir(root) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            if isName(name) { names.append(name) }
        }
        return names.sorted().map { name in InstancePins(name: name, root: root) }
    }

    /// Whether its folder is there.
    package var isThere: Bool { unsafe access(folder, F_OK) == 0 }

    /// Whether anything is pinned.
    package var isBegun: Bool { unsafe access(folder + "/instance", F_OK) == 0 }

    /// What the agent that made them left for others; throws for what an agent of another version made.
    package func facts() throws(EnforcementError) -> InstanceFacts {
        var raw = tr_instance()
        let result = unsafe tr_instance_read(folder, &raw)
        guard result != -EPROTO else { throw Self.foreign(name) }
        guard result == 0 else { throw EnforcementError("read the instance \(name)", result: result) }
        return InstanceFacts(raw)
    }

    func write(_ facts: InstanceFacts) throws(EnforcementError) {
        var raw = facts.raw
        let result = unsafe tr_instance_write(folder, &raw)
        guard result == 0 else { throw EnforcementError("note the state of the instance \(name)", result: result) }
    }

    /// Removes the pins: the gates go, unless an agent holds them.
    package func remove() throws(EnforcementError) {
        let result = unsafe tr_pins_remove(folder)
        guard result == 0 || result == -ENOENT else {
            throw EnforcementError("remove the pins of \(name) at \(folder)", result: result)
        }
    }

    /// Takes the gates off their scope, and removes the pins: nothing is held any more then.
    package func release() throws(EnforcementError) {
        let result = unsafe tr_pins_release(folder)
        guard result == 0 || result == -ENOENT else {
            throw EnforcementError("release \(name), pinned at \(folder)", result: result)
        }
    }

    static func foreign(_ name: String) -> EnforcementError {
        EnforcementError(
            "the instance \(name) was made by another version of the agent, whose maps this one does not know; "
                + "end it with that version, or remove it with: trustrun-agent release \(name)")
    }

    private static func root(makes: Bool) throws(EnforcementError) -> String? {
        var path = [CChar](repeating: 0, count: Int(TR_MAX_PIN_PATH))
        let result = unsafe path.withUnsafeMutableBufferPointer { path in
            guard let first = path.baseAddress else { return Int32(-1) }
            return unsafe tr_pins_find(first, makes ? 1 : 0)
        }
        if result == -ENOENT { return nil }
        let text = String(decoding: path.prefix { byte in byte != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard result == 0 else {
            throw EnforcementError(
                result == -EPERM
                    ? "\(text.isEmpty ? "the BPF file system" : text) is not a folder that root alone can use; remove it"
                    : "could not find or mount a BPF file system: \(unsafe String(cString: strerror(-result)))")
        }
        return text
    }
}
