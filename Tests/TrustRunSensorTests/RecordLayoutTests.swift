// SPDX-License-Identifier: Apache-2.0

import CTrustRunSensor
import Testing
import TrustRunSensor

/// The offsets by which the decoder reads are those of the C structs.
@Suite struct RecordLayoutTests {
    struct Field: Sendable, CustomTestStringConvertible {
        let label: String
        let offset: Int?
        let expected: Int
        var testDescription: String { label }

        init(_ label: String, _ offset: Int?, _ expected: Int) {
            self.label = label
            self.offset = offset
            self.expected = expected
        }
    }

    static let sizes = [
        Field("header", MemoryLayout<tr_record_header>.size, 16), Field("task", MemoryLayout<tr_task>.size, 48),
        Field("endpoints", MemoryLayout<tr_endpoints>.size, 40), Field("fork", MemoryLayout<tr_fork_record>.size, 80),
        Field("exec", MemoryLayout<tr_exec_record>.size, 80), Field("exit", MemoryLayout<tr_exit_record>.size, 72),
        Field("cgroup", MemoryLayout<tr_cgroup_record>.size, 32),
        Field("connect", MemoryLayout<tr_connect_record>.size, 112),
        Field("established", MemoryLayout<tr_established_record>.size, 72),
        Field("accept", MemoryLayout<tr_accept_record>.size, 112),
        Field("close", MemoryLayout<tr_close_record>.size, 112),
        Field("socket", MemoryLayout<tr_socket_record>.size, 128),
        Field("udp flow", MemoryLayout<tr_udp_flow_record>.size, 112),
        Field("udp close", MemoryLayout<tr_udp_close_record>.size, 24),
        Field("dns", MemoryLayout<tr_dns_record>.size, 120), Field("hello", MemoryLayout<tr_hello_record>.size, 128),
        Field("ssl name", MemoryLayout<tr_ssl_name_record>.size, 336),
        Field("verdict", MemoryLayout<tr_verdict_record>.size, 128),
    ]

    static let shared = [
        Field("header.kind", MemoryLayout<tr_record_header>.offset(of: \.kind), 0),
        Field("header.flags", MemoryLayout<tr_record_header>.offset(of: \.flags), 2),
        Field("header.size", MemoryLayout<tr_record_header>.offset(of: \.size), 4),
        Field("header.time", MemoryLayout<tr_record_header>.offset(of: \.time), 8),
        Field("task.start_time", MemoryLayout<tr_task>.offset(of: \.start_time), 0),
        Field("task.cgroup", MemoryLayout<tr_task>.offset(of: \.cgroup), 8),
        Field("task.tgid", MemoryLayout<tr_task>.offset(of: \.tgid), 16),
        Field("task.uid", MemoryLayout<tr_task>.offset(of: \.uid), 20),
        Field("task.gid", MemoryLayout<tr_task>.offset(of: \.gid), 24),
        Field("task.netns", MemoryLayout<tr_task>.offset(of: \.netns), 28),
        Field("task.comm", MemoryLayout<tr_task>.offset(of: \.comm), 32),
        Field("endpoints.local", MemoryLayout<tr_endpoints>.offset(of: \.local), 0),
        Field("endpoints.remote", MemoryLayout<tr_endpoints>.offset(of: \.remote), 16),
        Field("endpoints.local_port", MemoryLayout<tr_endpoints>.offset(of: \.local_port), 32),
        Field("endpoints.remote_port", MemoryLayout<tr_endpoints>.offset(of: \.remote_port), 34),
        Field("endpoints.family", MemoryLayout<tr_endpoints>.offset(of: \.family), 36),
        Field("endpoints.protocol", MemoryLayout<tr_endpoints>.offset(of: \.protocol), 37),
        Field("endpoints.error", MemoryLayout<tr_endpoints>.offset(of: \.error), 38),
    ]

    static let process = [
        Field("fork.task", MemoryLayout<tr_fork_record>.offset(of: \.task), 16),
        Field("fork.parent_start_time", MemoryLayout<tr_fork_record>.offset(of: \.parent_start_time), 64),
        Field("fork.parent_tgid", MemoryLayout<tr_fork_record>.offset(of: \.parent_tgid), 72),
        Field("exec.task", MemoryLayout<tr_exec_record>.offset(of: \.task), 16),
        Field("exec.parent_start_time", MemoryLayout<tr_exec_record>.offset(of: \.parent_start_time), 64),
        Field("exec.parent_tgid", MemoryLayout<tr_exec_record>.offset(of: \.parent_tgid), 72),
        Field("exec.path_size", MemoryLayout<tr_exec_record>.offset(of: \.path_size), 76),
        Field("exec.arguments_size", MemoryLayout<tr_exec_record>.offset(of: \.arguments_size), 78),
        Field("exit.task", MemoryLayout<tr_exit_record>.offset(of: \.task), 16),
        Field("exit.code", MemoryLayout<tr_exit_record>.offset(of: \.code), 64),
        Field("cgroup.id", MemoryLayout<tr_cgroup_record>.offset(of: \.id), 16),
        Field("cgroup.path_size", MemoryLayout<tr_cgroup_record>.offset(of: \.path_size), 24),
    ]

    static let network = [
        Field("connect.task", MemoryLayout<tr_connect_record>.offset(of: \.task), 16),
        Field("connect.netns", MemoryLayout<tr_connect_record>.offset(of: \.task.netns), 44),
        Field("connect.cookie", MemoryLayout<tr_connect_record>.offset(of: \.cookie), 64),
        Field("connect.endpoints", MemoryLayout<tr_connect_record>.offset(of: \.endpoints), 72),
        Field("accept.task", MemoryLayout<tr_accept_record>.offset(of: \.task), 16),
        Field("accept.cookie", MemoryLayout<tr_accept_record>.offset(of: \.cookie), 64),
        Field("accept.endpoints", MemoryLayout<tr_accept_record>.offset(of: \.endpoints), 72),
        Field("established.cookie", MemoryLayout<tr_established_record>.offset(of: \.cookie), 16),
        Field("established.endpoints", MemoryLayout<tr_established_record>.offset(of: \.endpoints), 24),
        Field("established.netns", MemoryLayout<tr_established_record>.offset(of: \.netns), 64),
        Field("close.cookie", MemoryLayout<tr_close_record>.offset(of: \.cookie), 16),
        Field("close.socket", MemoryLayout<tr_close_record>.offset(of: \.socket), 24),
        Field("close.endpoints", MemoryLayout<tr_close_record>.offset(of: \.endpoints), 32),
        Field("close.netns", MemoryLayout<tr_close_record>.offset(of: \.netns), 72),
        Field("close.old_state", MemoryLayout<tr_close_record>.offset(of: \.old_state), 76),
        Field("close.error", MemoryLayout<tr_close_record>.offset(of: \.error), 80),
        Field("close.bytes_acknowledged", MemoryLayout<tr_close_record>.offset(of: \.bytes_acknowledged), 88),
        Field("close.bytes_unacknowledged", MemoryLayout<tr_close_record>.offset(of: \.bytes_unacknowledged), 96),
        Field("close.bytes_received", MemoryLayout<tr_close_record>.offset(of: \.bytes_received), 104),
        Field("socket.task", MemoryLayout<tr_socket_record>.offset(of: \.task), 16),
        Field("socket.cookie", MemoryLayout<tr_socket_record>.offset(of: \.cookie), 64),
        Field("socket.socket", MemoryLayout<tr_socket_record>.offset(of: \.socket), 72),
        Field("socket.endpoints", MemoryLayout<tr_socket_record>.offset(of: \.endpoints), 80),
        Field("socket.state", MemoryLayout<tr_socket_record>.offset(of: \.state), 120),
        Field("udp flow.task", MemoryLayout<tr_udp_flow_record>.offset(of: \.task), 16),
        Field("udp flow.cookie", MemoryLayout<tr_udp_flow_record>.offset(of: \.cookie), 64),
        Field("udp flow.endpoints", MemoryLayout<tr_udp_flow_record>.offset(of: \.endpoints), 72),
        Field("udp close.cookie", MemoryLayout<tr_udp_close_record>.offset(of: \.cookie), 16),
    ]

    static let names = [
        Field("dns.task", MemoryLayout<tr_dns_record>.offset(of: \.task), 16),
        Field("dns.cookie", MemoryLayout<tr_dns_record>.offset(of: \.cookie), 64),
        Field("dns.endpoints", MemoryLayout<tr_dns_record>.offset(of: \.endpoints), 72),
        Field("dns.sequence", MemoryLayout<tr_dns_record>.offset(of: \.sequence), 112),
        Field("dns.payload_size", MemoryLayout<tr_dns_record>.offset(of: \.payload_size), 116),
        Field("hello.task", MemoryLayout<tr_hello_record>.offset(of: \.task), 16),
        Field("hello.cookie", MemoryLayout<tr_hello_record>.offset(of: \.cookie), 64),
        Field("hello.endpoints", MemoryLayout<tr_hello_record>.offset(of: \.endpoints), 72),
        Field("hello.offset", MemoryLayout<tr_hello_record>.offset(of: \.offset), 112),
        Field("hello.payload_size", MemoryLayout<tr_hello_record>.offset(of: \.payload_size), 116),
        Field("hello.socket", MemoryLayout<tr_hello_record>.offset(of: \.socket), 120),
        Field("ssl name.task", MemoryLayout<tr_ssl_name_record>.offset(of: \.task), 16),
        Field("ssl name.name_size", MemoryLayout<tr_ssl_name_record>.offset(of: \.name_size), 72),
        Field("ssl name.name", MemoryLayout<tr_ssl_name_record>.offset(of: \.name), 80),
    ]

    static let quic = [
        Field("quic.cookie", MemoryLayout<tr_quic_record>.offset(of: \.cookie), 64),
        Field("quic.endpoints", MemoryLayout<tr_quic_record>.offset(of: \.endpoints), 72),
        Field("quic.payload_size", MemoryLayout<tr_quic_record>.offset(of: \.payload_size), 116),
        Field("quic", MemoryLayout<tr_quic_record>.size, 120),
    ]

    static let verdicts = [
        Field("verdict.task", MemoryLayout<tr_verdict_record>.offset(of: \.task), 16),
        Field("verdict.netns", MemoryLayout<tr_verdict_record>.offset(of: \.task.netns), 44),
        Field("verdict.cookie", MemoryLayout<tr_verdict_record>.offset(of: \.cookie), 64),
        Field("verdict.address", MemoryLayout<tr_verdict_record>.offset(of: \.address), 72),
        Field("verdict.own", MemoryLayout<tr_verdict_record>.offset(of: \.own), 88),
        Field("verdict.port", MemoryLayout<tr_verdict_record>.offset(of: \.port), 104),
        Field("verdict.protocol", MemoryLayout<tr_verdict_record>.offset(of: \.protocol), 106),
        Field("verdict.gate", MemoryLayout<tr_verdict_record>.offset(of: \.gate), 108),
        Field("verdict.action", MemoryLayout<tr_verdict_record>.offset(of: \.action), 109),
        Field("verdict.peer_port", MemoryLayout<tr_verdict_record>.offset(of: \.peer_port), 110),
        Field("verdict.rule", MemoryLayout<tr_verdict_record>.offset(of: \.rule), 112),
        Field("verdict.generation", MemoryLayout<tr_verdict_record>.offset(of: \.generation), 116),
        Field("verdict.name_size", MemoryLayout<tr_verdict_record>.offset(of: \.name_size), 120),
        Field("verdict.name", MemoryLayout<tr_named_verdict_record>.offset(of: \.name), 128),
    ]

    @Test(arguments: [sizes, shared, process, network, names, quic, verdicts]) func matches(_ fields: [Field]) {
        for field in fields { #expect(field.offset == field.expected, "\(field.label)") }
    }

    static let kinds: [(RecordKind, tr_record_kind)] = [
        (.fork, TR_RECORD_FORK), (.exec, TR_RECORD_EXEC), (.exit, TR_RECORD_EXIT), (.cgroup, TR_RECORD_CGROUP),
        (.connect, TR_RECORD_CONNECT), (.established, TR_RECORD_ESTABLISHED), (.accept, TR_RECORD_ACCEPT),
        (.close, TR_RECORD_CLOSE), (.listen, TR_RECORD_LISTEN), (.udpFlow, TR_RECORD_UDP_FLOW),
        (.udpClose, TR_RECORD_UDP_CLOSE), (.dns, TR_RECORD_DNS), (.hello, TR_RECORD_HELLO),
        (.serverName, TR_RECORD_SSL_NAME), (.socket, TR_RECORD_SOCKET),
        (.verdict, TR_RECORD_VERDICT), (.quic, TR_RECORD_QUIC),
    ]

    @Test func numbersKindsAsTheKernelSideDoes() {
        for (kind, number) in Self.kinds { #expect(UInt32(kind.rawValue) == number.rawValue, "\(kind)") }
        #expect(Set(Self.kinds.map(\.0)) == Set(RecordKind.allCases))
        #expect(RecordKind.allCases.count + 1 == Int(TR_RECORD_KINDS.rawValue))
        #expect(Sensor.recordKindCount == Int(TR_RECORD_KINDS.rawValue))
    }
}
