// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import TrustRunEvents

@testable import TrustRunAgent

@Suite struct ScopeInspectionTests {
    private static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0
           1: 0200000A:C350 0100000A:01BB 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1
           2: 0200000A:C351 0100000A:01BB 06 00000000:00000000 03:00001771 00000000     0        0 0 3 0

        """

    @Test func tablesTellConnectionsFromListeners() throws {
        var sockets = SocketTable()
        sockets.addInternet(Self.table, .tcp)
        // One without an inode is nobody's.
        #expect(sockets.sockets.count == 2)
        let listener = try #require(sockets.sockets[101] ?? nil)
        #expect(listener.state == .listening && listener.inode > 0 && listener.peer == nil)
        #expect(listener.local == Endpoint(address: IPAddress(ipv4: 0x7f00_0001), port: 8080))
        let connection = try #require(sockets.sockets[102] ?? nil)
        #expect(connection.state == .connected)
        #expect(connection.peer == Endpoint(address: IPAddress(ipv4: 0x0a00_0001), port: 443))
    }

    @Test func addressesAreWordsOfTheMachine() throws {
        let six = SocketTable.endpoint("B80D01FD00000000000000000100000A:0035")
        #expect(six == Endpoint(address: try #require(IPAddress(text: "fd01:db8::a00:1")), port: 53))
        for text in ["", "0100007F", "0100007F:", "01007F:0035", "0100007G:0035", "0100007F:10000"] {
            #expect(SocketTable.endpoint(text[...]) == nil, "\(text)")
        }
    }

    @Test func whatIsPermittedCounts() {
        let status = "Name:\tx\nCapInh:\t000001ffffffffff\nCapPrm:\t0000000000002000\nCapEff:\t0000008000000000\n"
        #expect(ScopeInspection.capabilities(status: status) == ["CAP_NET_RAW", "CAP_BPF"])
        #expect(ScopeInspection.capabilities(status: "CapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n") == [])
        #expect(ScopeInspection.capabilities(status: "CapPrm:\tx\n") == [])
    }

    /// In the place of a control group's directory: what is read of it is one file in each folder.
    @Test func findsTheSocketsOfThisProcess() throws {
        let folder = "/tmp/trustrun-inspection-\(getpid())-\(UInt32.random(in: .min ... .max))"
        #expect(mkdir(folder, 0o700) == 0 && mkdir(folder + "/below", 0o700) == 0)
        defer {
            for path in ["/below/cgroup.threads", "/cgroup.threads"] { unlink(folder + path) }
            rmdir(folder + "/below")
            rmdir(folder)
        }
        for (path, text) in [("/cgroup.threads", "4194304000\n"), ("/below/cgroup.threads", "\(getpid())\n")] {
            let file = open(folder + path, O_WRONLY | O_CREAT, 0o600)
            #expect(write(file, text, text.utf8.count) == text.utf8.count)
            close(file)
        }
        let before = ScopeInspection(folder: folder)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #expect(listen(listener, 1) == 0)
        var address = sockaddr()
        var size = socklen_t(MemoryLayout<sockaddr>.size)
        getsockname(listener, &address, &size)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let unbound = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        #expect(connect(client, &address, size) == 0)
        defer { for end in [listener, client, unbound] { close(end) } }
        let process = try #require(ScopeInspection(folder: folder).processes.first)
        #expect(process.pid == UInt32(getpid()) && process.networkNamespaces.count == 1)
        let made = process.sockets.filter { socket in before.processes.first?.sockets.contains(socket) == false }
        #expect(made.contains { $0.kind == .tcp && $0.state == .listening })
        #expect(made.contains { $0.kind == .tcp && $0.state == .connected && $0.peer?.address.isIPv4 == true })
        #expect(
            made.contains { $0.kind == .unknown }
                || before.processes.first?.sockets.contains { $0.kind == .unknown } == true)
        #expect(before.unreadable.isEmpty)
    }
}
