// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Whoever started the agent as a service (sd_notify(3)).
enum ServiceManager {
    /// Tells that what is to be held is held: services that are ordered behind this one may start. Without a service manager it does nothing.
    static func tellReady() {
        guard let name = unsafe getenv("NOTIFY_SOCKET") else { return }
        var path = Array(unsafe String(cString: name).utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.count > 1, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract name begins with a zero.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in unsafe bytes.copyBytes(from: path) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let message = Array("READY=1".utf8)
        unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, size)
            }
        }
    }
}
