// SPDX-License-Identifier: Apache-2.0

/// The symbolic names of signals (include/uapi/asm-generic/signal.h).
enum SignalNumber {
    private static let names: [StaticString] = [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",
        "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
        "SIGPWR", "SIGSYS",
    ]
    /// What glibc calls SIGRTMIN: it keeps the kernel's first two real-time signals for itself.
    private static let firstRealTime: UInt32 = 34

    /// Writes the name: `SIGKILL`, `SIGRTMIN+1`.
    static func append(_ number: UInt32, to buffer: inout OutputBuffer) {
        if number > 0, number < names.count {
            buffer.append(names[Int(number)])
        } else if number >= firstRealTime {
            buffer.append("SIGRTMIN")
            guard number > firstRealTime else { return }
            buffer.append(byte: UInt8(ascii: "+"))
            buffer.append(decimal: UInt64(number - firstRealTime))
        } else {
            buffer.append("SIG")
            buffer.append(decimal: UInt64(number))
        }
    }
}
