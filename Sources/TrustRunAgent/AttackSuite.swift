// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunAssets
internal import Glibc

/// Tries every known way around the gates on this machine, in network namespaces of its own: the attempts that the tests make, which this binary
/// carries. They are Python's, since they make calls that no library has.
package enum AttackSuite {
    private static let interpreters = ["/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"]

    package struct Options {
        /// A policy's file or preset; nil: one of the suite's own.
        package var policy: String?
        /// Only attempts whose names contain this.
        package var pattern = ""
        package var asJSON = false
        package var isVerbose = false
        /// Known ways out count too.
        package var isStrict = false

        package init() {}
    }

    /// Becomes the suite: it returns only if that fails.
    package static func run(_ options: Options) throws(AgentError) {
        guard geteuid() == 0 else {
            throw AgentError(
                .notPermitted, "attack makes network namespaces and scopes, and needs root: run it with sudo")
        }
        guard let python = interpreters.first(where: { path in unsafe access(path, X_OK) == 0 }) else {
            throw AgentError(.unavailable, "attack needs Python 3.9 or later at /usr/bin/python3: install python3")
        }
        if let policy = options.policy { _ = try PolicyFiles.loadOrFail([policy]) }
        let folder = try makeFolder()
        set("TRUSTRUN_AGENT", try ownPath())
        set("TRUSTRUN_WORKLOADS", folder + "/workloads")
        set("TRUSTRUN_ATTACK_FOLDER", folder)
        set("TRUSTRUN_PYTHON", python)
        if let policy = options.policy { set("TRUSTRUN_ATTACK_POLICY", absolute(policy)) }
        // Nothing of the caller's environment or home is run as root.
        var words = [python, "-BEs", folder + "/Bypass/run.py"]
        if !options.pattern.isEmpty { words += ["-k", options.pattern] }
        if options.asJSON { words.append("--json") }
        if options.isVerbose { words.append("-v") }
        if options.isStrict { words.append("--strict") }
        let error = become(python, words)
        throw AgentError(.operatingSystem, "\(python) cannot be run: \(ErrorText.of(error))")
    }

    /// Everybody may read it: attempts are made by an ordinary user too. The suite removes it.
    private static func makeFolder() throws(AgentError) -> String {
        var template = Array("/tmp/trustrun-attack-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw failure("a folder in /tmp cannot be made") }
        let folder = String(decoding: template.dropLast().map { byte in UInt8(bitPattern: byte) }, as: UTF8.self)
        for path in ["", "/Bypass", "/Kernel", "/Kernel/workloads", "/workloads"].map({ name in folder + name }) {
            let made = path == folder ? 0 : unsafe mkdir(path, 0o755)
            guard made == 0, unsafe chmod(path, 0o755) == 0 else { throw failure("\(path) cannot be made") }
        }
        var index = 0
        while let file = unsafe tr_attack_file(index) {
            let bytes = unsafe UnsafeBufferPointer(start: file.pointee.bytes, count: file.pointee.size)
            try unsafe write(bytes, to: folder + "/" + String(cString: file.pointee.name))
            index += 1
        }
        return folder
    }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to path: String) throws(AgentError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("\(path) cannot be made") }
        defer { close(file) }
        guard unsafe Glibc.write(file, bytes.baseAddress, bytes.count) == bytes.count, fchmod(file, 0o644) == 0 else {
            throw failure("\(path) cannot be written")
        }
    }

    private static func ownPath() throws(AgentError) -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = unsafe bytes.bindMemory(to: CChar.self).baseAddress else { return -1 }
            return unsafe readlink("/proc/self/exe", start, bytes.count)
        }
        guard count > 0 else { throw failure("/proc/self/exe cannot be read") }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// Presets have no path.
    private static func absolute(_ reference: String) -> String {
        guard !reference.hasPrefix("preset:"), !reference.hasPrefix("/") else { return reference }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard let folder = unsafe getcwd(&buffer, buffer.count) else { return reference }
        return unsafe String(cString: folder) + "/" + reference
    }

    private static func become(_ path: String, _ words: [String]) -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { word in unsafe strdup(word) }
        unsafe arguments.append(nil)
        _ = unsafe execv(path, arguments)
        return errno
    }

    private static func set(_ name: String, _ value: String) { unsafe setenv(name, value, 1) }

    private static func failure(_ what: String) -> AgentError {
        AgentError(.operatingSystem, "\(what): \(ErrorText.of(errno))")
    }
}
