// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The sockets of one network namespace by inode number, from the tables in /proc/PID/net.
struct SocketTable {
    /// nil: a socket that reaches nobody beyond this machine (unix, netlink).
    private(set) var sockets: [UInt64: HeldSocket?] = [:]

    /// - Parameter folder: `/proc/PID/net` of a task in the namespace.
    init(folder: String) {
        for (name, kind) in [
            ("tcp", HeldSocket.Kind.tcp), ("tcp6", .tcp), ("udp", .udp), ("udp6", .udp), ("udplite", .unknown),
            ("udplite6", .unknown), ("raw", .raw), ("raw6", .raw), ("icmp", .raw), ("icmp6", .raw),
        ] {
            addInternet(ProcFile.read("\(folder)/\(name)") ?? "", kind)
        }
        add(ProcFile.read("\(folder)/packet") ?? "", inodeAt: 8) { inode in
            HeldSocket(inode: inode, kind: .packet, state: .unconnected, local: nil, peer: nil)
        }
        add(ProcFile.read("\(folder)/unix") ?? "", inodeAt: 6) { _ in nil }
        add(ProcFile.read("\(folder)/netlink") ?? "", inodeAt: 9) { _ in nil }
    }

    init() {}

    /// A table of the form that proc_net_tcp.rst of the kernel's documentation describes.
    mutating func addInternet(_ text: String, _ kind: HeldSocket.Kind) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, let inode = UInt64(fields[9]), inode != 0 else { continue }
            let peer = Self.endpoint(fields[2])
            // TCP_LISTEN; a socket without a peer has the port 0 there.
            let state: HeldSocket.State =
                fields[3] == "0A" && kind == .tcp ? .listening : (peer?.port ?? 0) == 0 ? .unconnected : .connected
            sockets[inode] = HeldSocket(
                inode: inode, kind: kind, state: state, local: Self.endpoint(fields[1]),
                peer: state == .connected ? peer : nil)
        }
    }

    private mutating func add(_ text: String, inodeAt place: Int, _ socket: (UInt64) -> HeldSocket?) {
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > place, let inode = UInt64(fields[place]) else { continue }
            sockets[inode] = .some(socket(inode))
        }
    }

    /// `0100007F:1F90`: the address as words of this machine, the port as a number.
    static func endpoint(_ field: Substring) -> Endpoint? {
        let parts = field.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
        let digits = Array(parts[0])
        var words: [UInt32] = []
        for start in stride(from: 0, to: digits.count, by: 8) {
            guard start + 8 <= digits.count, let word = UInt32(String(digits[start..<(start + 8)]), radix: 16) else {
                return nil
            }
            words.append(UInt32(bigEndian: word))
        }
        switch words.count {
        case 1: return Endpoint(address: IPAddress(ipv4: words[0]), port: port)
        case 4:
            let high = UInt64(words[0]) << 32 | UInt64(words[1])
            return Endpoint(
                address: IPAddress(high: high, low: UInt64(words[2]) << 32 | UInt64(words[3])), port: port)
        default: return nil
        }
    }
}
