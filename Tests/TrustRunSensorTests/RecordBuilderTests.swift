// SPDX-License-Identifier: Apache-2.0

import CTrustRunSensor
import Testing
import TrustRunEvents
import TrustRunTestSupport

/// The byte-by-byte records of the other tests are what the C structs hold.
@Suite struct RecordBuilderTests {
    static let time: UInt64 = 0x0102_0304_0506_0708
    static let task: TaskFields = {
        var task = TaskFields(4242, startTime: 0x1112_1314_1516_1718, comm: "a-long-comm-name")
        task.cgroup = 0x2122_2324_2526_2728
        task.user = 0x3132_3334
        task.group = 0x4142_4344
        task.networkNamespace = 0x5152_5354
        return task
    }()
    static let parent = TaskFields(17, startTime: 0x6162_6364_6566_6768)
    static let ends: EndpointFields = {
        var ends = EndpointFields(
            localAddress: Array(1...16), localPort: 0x0102, remoteAddress: Array(101...116), remotePort: 0x0304,
            transport: .udp)
        ends.error = 0x0506
        return ends
    }()
    static let cookie: UInt64 = 0x7172_7374_7576_7778
    static let address: UInt64 = 0xffff_8881_0000_1000

    @Test func writesProcessRecords() {
        var fork = tr_fork_record()
        fork.header = CRecords.header(TR_RECORD_FORK, .kernelThread, at: Self.time)
        fork.task = CRecords.task(Self.task)
        fork.parent_start_time = Self.parent.startTime
        fork.parent_tgid = Self.parent.tgid
        #expect(
            CRecords.bytes(of: fork)
                == RecordBuilder.fork(Self.task, parent: Self.parent, flags: .kernelThread, at: Self.time))
        var exec = tr_exec_record()
        exec.header = CRecords.header(TR_RECORD_EXEC, .truncated, at: Self.time)
        exec.task = CRecords.task(Self.task)
        exec.parent_start_time = Self.parent.startTime
        exec.parent_tgid = Self.parent.tgid
        exec.path_size = 7
        exec.arguments_size = 6
        #expect(
            CRecords.bytes(of: exec, then: Array("sh\0bin\0sh\0-c\0".utf8))
                == RecordBuilder.exec(
                    Self.task, parent: Self.parent, path: "/bin/sh", arguments: ["sh", "-c"], flags: .truncated,
                    at: Self.time))
        var exit = tr_exit_record()
        exit.header = CRecords.header(TR_RECORD_EXIT, [], at: Self.time)
        exit.task = CRecords.task(Self.task)
        exit.code = 0x0102
        #expect(CRecords.bytes(of: exit) == RecordBuilder.exit(Self.task, waitStatus: 0x0102, at: Self.time))
        var group = tr_cgroup_record()
        group.header = CRecords.header(TR_RECORD_CGROUP, .removed, at: Self.time)
        group.id = Self.address
        group.path_size = 3
        #expect(
            CRecords.bytes(of: group, then: Array("/ab".utf8))
                == RecordBuilder.cgroup(Self.address, path: "/ab", flags: .removed, at: Self.time))
    }

    @Test func writesConnectionRecords() {
        var connect = tr_connect_record()
        connect.header = CRecords.header(TR_RECORD_CONNECT, [], at: Self.time)
        connect.task = CRecords.task(Self.task)
        connect.cookie = Self.cookie
        connect.endpoints = CRecords.endpoints(Self.ends)
        #expect(
            CRecords.bytes(of: connect)
                == RecordBuilder.connect(Self.task, cookie: Self.cookie, Self.ends, at: Self.time))
        var accept = tr_accept_record()
        accept.header = CRecords.header(TR_RECORD_ACCEPT, .inbound, at: Self.time)
        accept.task = CRecords.task(Self.task)
        accept.cookie = Self.cookie
        accept.endpoints = CRecords.endpoints(Self.ends)
        #expect(
            CRecords.bytes(of: accept)
                == RecordBuilder.accept(Self.task, cookie: Self.cookie, Self.ends, at: Self.time))
        var established = tr_established_record()
        established.header = CRecords.header(TR_RECORD_ESTABLISHED, [], at: Self.time)
        established.cookie = Self.cookie
        established.endpoints = CRecords.endpoints(Self.ends)
        established.netns = 0x0a0b_0c0d
        #expect(
            CRecords.bytes(of: established)
                == RecordBuilder.established(
                    cookie: Self.cookie, Self.ends, networkNamespace: 0x0a0b_0c0d, at: Self.time))
        var close = tr_close_record()
        close.header = CRecords.header(TR_RECORD_CLOSE, .alive, at: Self.time)
        close.cookie = Self.cookie
        close.socket = Self.address
        close.endpoints = CRecords.endpoints(Self.ends)
        close.netns = 0x0a0b_0c0d
        close.old_state = 2
        close.error = 111
        close.bytes_acknowledged = 1 << 40
        close.bytes_unacknowledged = 1 << 41
        close.bytes_received = 1 << 42
        let end = EndFields(
            oldState: 2, error: 111, acknowledged: 1 << 40, unacknowledged: 1 << 41, received: 1 << 42)
        #expect(
            CRecords.bytes(of: close)
                == RecordBuilder.close(
                    cookie: Self.cookie, socket: Self.address, Self.ends, networkNamespace: 0x0a0b_0c0d, end,
                    flags: .alive, at: Self.time))
    }

    @Test func writesSocketAndFlowRecords() {
        var socket = tr_socket_record()
        socket.header = CRecords.header(TR_RECORD_SOCKET, .existing, at: Self.time)
        socket.task = CRecords.task(Self.task)
        socket.cookie = Self.cookie
        socket.socket = Self.address
        socket.endpoints = CRecords.endpoints(Self.ends)
        socket.state = 7
        #expect(
            CRecords.bytes(of: socket)
                == RecordBuilder.socket(
                    Self.task, cookie: Self.cookie, socket: Self.address, Self.ends, state: 7, at: Self.time))
        socket.header = CRecords.header(TR_RECORD_LISTEN, [], at: Self.time)
        socket.state = 10
        #expect(
            CRecords.bytes(of: socket)
                == RecordBuilder.listen(
                    Self.task, cookie: Self.cookie, socket: Self.address, Self.ends, at: Self.time))
        var flow = tr_udp_flow_record()
        flow.header = CRecords.header(TR_RECORD_UDP_FLOW, .quic, at: Self.time)
        flow.task = CRecords.task(Self.task)
        flow.cookie = Self.cookie
        flow.endpoints = CRecords.endpoints(Self.ends)
        #expect(
            CRecords.bytes(of: flow)
                == RecordBuilder.udpFlow(Self.task, cookie: Self.cookie, Self.ends, flags: .quic, at: Self.time))
        var close = tr_udp_close_record()
        close.header = CRecords.header(TR_RECORD_UDP_CLOSE, [], at: Self.time)
        close.cookie = Self.cookie
        #expect(CRecords.bytes(of: close) == RecordBuilder.udpClose(cookie: Self.cookie, at: Self.time))
    }

    @Test func writesNameRecords() {
        var dns = tr_dns_record()
        dns.header = CRecords.header(TR_RECORD_DNS, [.tcp, .syn], at: Self.time)
        dns.task = CRecords.task(Self.task)
        dns.cookie = Self.cookie
        dns.endpoints = CRecords.endpoints(Self.ends)
        dns.sequence = 0xfedc_ba98
        dns.payload_size = 3
        #expect(
            CRecords.bytes(of: dns, then: [1, 2, 3])
                == RecordBuilder.dns(
                    Self.task, cookie: Self.cookie, Self.ends, flags: [.tcp, .syn], sequence: 0xfedc_ba98,
                    payload: [1, 2, 3],
                    at: Self.time))
        var hello = tr_hello_record()
        hello.header = CRecords.header(TR_RECORD_HELLO, [], at: Self.time)
        hello.task = CRecords.task(Self.task)
        hello.cookie = Self.cookie
        hello.endpoints = CRecords.endpoints(Self.ends)
        hello.offset = 1448
        hello.payload_size = 3
        hello.socket = Self.address
        #expect(
            CRecords.bytes(of: hello, then: [1, 2, 3])
                == RecordBuilder.hello(
                    Self.task, cookie: Self.cookie, socket: Self.address, Self.ends, offset: 1448,
                    payload: [1, 2, 3], at: Self.time))
        var name = tr_ssl_name_record()
        name.header = CRecords.header(TR_RECORD_SSL_NAME, [], at: Self.time)
        name.task = CRecords.task(Self.task)
        name.ssl = Self.address
        name.name_size = 9
        CRecords.copy(Array("a.example".utf8), into: &name.name)
        #expect(
            CRecords.bytes(of: name)
                == RecordBuilder.serverName(Self.task, "a.example", ssl: Self.address, at: Self.time))
    }
}
