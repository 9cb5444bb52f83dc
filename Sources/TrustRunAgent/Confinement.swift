// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc
internal import TrustRunEvents

/// What keeps a command from the ways out that the gates do not see, as far as this kernel has it.
struct Confinement {
    let means: tr_confinement
    /// There is a terminal, but others may use it as well.
    private let sharesTerminal: Bool

    /// Of a command that gets this process's standard input.
    init(asRoot isRoot: Bool = false) {
        var means = tr_confinement_find()
        means.is_root = isRoot ? 1 : 0
        self.means = means
        sharesTerminal = isatty(STDIN_FILENO) == 1 && tr_terminal_is_ours() == 0
    }

    private var isRoot: Bool { means.is_root != 0 }

    /// A part of what contains a command.
    struct Part {
        let name: String
        let isThere: Bool
        /// What it rests on where it is there.
        let source: String
        /// What it is and what is open without it.
        let meaning: String
    }

    var parts: [Part] {
        [
            Part(
                name: "landlock", isThere: means.landlock > 0, source: "Landlock, version \(means.landlock)",
                meaning:
                    "Landlock (since Linux 5.19): memory of other processes of the user in /proc is as the kernel has it"
            ),
            Part(
                name: "landlock_scopes", isThere: tr_confinement_scopes(means) != 0, source: "Landlock's scopes",
                meaning:
                    "Landlock's scopes (since Linux 6.12): signals reach other processes of the user, and abstract unix sockets do where handover is missing too"
            ),
            Part(
                name: "seccomp", isThere: means.has_filter != 0, source: "seccomp filters",
                meaning: "seccomp filters: sockets that are not internet ones are not refused"),
        ]
    }

    private var gaps: [Part] {
        let terminal = Part(
            name: "pty", isThere: !sharesTerminal, source: "",
            meaning: "a terminal of its own, since yours is not both its input and output, or it is in the background")
        return (parts + [terminal]).filter { part in !part.isThere }
    }

    var facts: SessionStart.Containment {
        let missing = gaps.map(\.name)
        return SessionStart.Containment(
            level: isRoot ? .bestEffort : missing.isEmpty ? .full : .partial, missing: missing)
    }

    /// Lines for whoever runs the command; none if nothing is missing.
    var report: [String] {
        (isRoot ? ["contained as well as uid 0 can be: its files lead out of the scope (--as-root)"] : [])
            + gaps.map { gap in "contained without \(gap.meaning)" }
    }
}
