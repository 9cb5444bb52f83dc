// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// A command that the agent starts and waits for, with all that descends from it.
@safe final class CommandProcess {
    private var command = tr_command()
    private var isReleased = false
    /// As in wait(2); nil while it runs.
    private(set) var status: Int32?
    private let name: String

    /// Makes the process, which waits until it is released. A confined one has no capability and can gain none, and no descriptors but the
    /// first three; lookups of names go by DNS. With a terminal it has that one, in a session of its own.
    init(_ arguments: [String], as invoker: Invoker?, confinement: Confinement? = nil, terminal: CommandTerminal? = nil)
        throws(AgentError)
    {
        name = arguments.first ?? ""
        // Whoever starts the agent may have children's ends ignored, and then nobody learns the command's status.
        Glibc.signal(SIGCHLD, SIG_DFL)
        var words = unsafe arguments.map { argument in unsafe strdup(argument) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { word in unsafe free(word) } }
        var result = tr_adopt_orphans()
        if result == 0 { result = unsafe Self.start(&command, words, invoker, confinement, terminal) }
        guard result == 0 else {
            throw AgentError(.operatingSystem, "could not start \(name): \(ErrorText.of(-result))")
        }
    }

    private static func start(
        _ command: inout tr_command, _ words: [UnsafeMutablePointer<CChar>?], _ invoker: Invoker?,
        _ confinement: Confinement?, _ terminal: CommandTerminal?
    ) -> Int32 {
        var user = invoker?.user ?? tr_user()
        var means = confinement?.means ?? tr_confinement()
        return unsafe withUnsafePointer(to: &user) { user in
            unsafe withUnsafePointer(to: &means) { means in
                unsafe tr_command_start(
                    &command, words, invoker == nil ? nil : user, confinement == nil ? nil : means,
                    terminal?.ends)
            }
        }
    }

    deinit {
        if !isReleased {
            close(command.gate)
            close(command.failure)
        }
    }

    var pid: UInt32 { UInt32(bitPattern: command.pid) }

    /// Lets the command go.
    func release() throws(AgentError) {
        isReleased = true
        let errorNumber = unsafe tr_command_release(&command)
        guard errorNumber >= 0 else {
            throw AgentError(.operatingSystem, "could not start \(name): \(ErrorText.of(-errorNumber))")
        }
        guard errorNumber == 0 else {
            throw AgentError(
                errorNumber == ENOENT ? .notFound : .notExecutable,
                "\(name) cannot be run: \(ErrorText.of(errorNumber))")
        }
    }

    /// Takes note of what ended; true if the command and all its descendants did.
    func isOver() -> Bool {
        while true {
            var ended: Int32 = 0
            let pid = unsafe waitpid(-1, &ended, WNOHANG)
            if pid == command.pid { status = ended }
            if pid == 0 || (pid < 0 && errno == EINTR) { return false }
            if pid < 0 { return true }
        }
    }

    func send(signal: Int32) {
        if status == nil { kill(command.pid, signal) }
    }

    /// How it ended, as a shell has it: its own status, or 128 and the number of the signal; 125 if it is not known.
    var exitStatus: Int32 {
        guard let status else { return 125 }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    /// How it ended, for people.
    var ending: String {
        guard let status else { return "\(name) still runs" }
        let signal = status & 0x7f
        return signal == 0 ? "\(name) ended with status \(status >> 8 & 0xff)" : "\(name) was ended by signal \(signal)"
    }
}
