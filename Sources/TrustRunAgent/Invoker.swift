// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// Who called sudo(8) to start the agent.
struct Invoker {
    let user: tr_user

    /// nil: nobody did, or root.
    static func find() throws(AgentError) -> Invoker? {
        guard geteuid() == 0, let uid = number("SUDO_UID"), let gid = number("SUDO_GID"), uid != 0 else { return nil }
        var user = tr_user()
        let result = unsafe tr_user_find(uid, gid, &user)
        guard result == 0 else {
            throw AgentError(
                .operatingSystem, "user \(uid), who called sudo, is not in the user database: \(ErrorText.of(-result))")
        }
        return Invoker(user: user)
    }

    private static func number(_ variable: String) -> UInt32? {
        guard let value = unsafe getenv(variable) else { return nil }
        return UInt32(unsafe String(cString: value))
    }
}

/// The system's words for an error number.
enum ErrorText {
    static func of(_ errorNumber: Int32) -> String { unsafe String(cString: strerror(errorNumber)) }
}
