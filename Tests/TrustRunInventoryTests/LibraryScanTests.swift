// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import TrustRunInventory

@Suite(.serialized) struct LibraryScanTests {
    @Test func readsTheSystemsLibrary() throws {
        guard let path = System.libssl else { return System.reportNoLibssl() }
        let library = try #require(TLSLibrary(path: path))
        #expect(library.canHookSSLCtrl)
        #expect(library.serverNameEvidence == .wireAndSSLCtrl)
        #expect(LibraryScan.libssl().contains { $0.key == library.key })
    }

    @Test func findsEachFileOfARootOnce() throws {
        let root = try TemporaryDirectory()
        try root.makeDirectories([
            "usr", "usr/lib", "usr/lib/x86_64-linux-gnu", "opt", "opt/product", "opt/product/lib",
        ])
        let library = ELFFixture(symbols: [.init(name: "SSL_ctrl")]).bytes()
        try root.write(library, to: "usr/lib/x86_64-linux-gnu/libssl.so.1.1.1")
        try root.write(
            ELFFixture(symbols: [.init(name: "SSL_set_tlsext_host_name")]).bytes(),
            to: "opt/product/lib/libssl.so"
        )
        try root.write(Array("no library".utf8), to: "usr/lib/libssl.so.9")
        // Absolute links are meant from that root, not from ours.
        try root.link("lib", to: "/usr/lib")
        try root.link("usr/lib/libssl.so.1.1", to: "/lib/x86_64-linux-gnu/libssl.so.1.1.1")
        try root.link("usr/lib/libssl.so", to: "../../../../usr/lib/libssl.so.1.1")
        try root.link("usr/lib/libssl.so.0", to: "libssl.so.0")
        try root.link("usr/lib/libssl.so.2", to: "/etc/passwd")
        try root.makeFIFO("usr/lib/libssl.so.8")
        let found = LibraryScan.libssl(inRoot: root.path)
        #expect(
            found.map { String($0.path.dropFirst(root.path.count)) }
                == ["/opt/product/lib/libssl.so", "/usr/lib/x86_64-linux-gnu/libssl.so.1.1.1"]
        )
        #expect(found.map(\.stack) == [.boringSSL, .openSSL])
        #expect(found.map { $0.sslCtrlOffset != nil } == [false, true])
        #expect(found.map(\.version) == [nil, "1.1.1"])
    }

    @Test func findsWhatThisProcessMaps() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/libssl.so.3"
        try directory.write(ELFFixture(symbols: [.init(name: "SSL_ctrl")]).bytes(), to: "libssl.so.3")
        let mapping = try #require(ExecutableMapping(path))
        defer { mapping.close() }
        let pid = UInt32(getpid())
        let mapped = try #require(LibraryScan.mappedLibraries(of: pid).first { $0.path == path })
        #expect(mapped.file == path)
        #expect(mapped.pid == pid)
        #expect(mapped.stack == .openSSL)
        #expect(LibraryScan.mappedLibraries().contains { $0.key == mapped.key && $0.pid == pid })
        #expect(LibraryScan.inventory().contains { $0.library.key == mapped.key && $0.pids == [pid] })
    }

    @Test(.enabled(if: geteuid() == 0, "map_files is root's"))
    func reachesALibraryWhoseFileWasReplaced() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/libssl.so.3"
        try directory.write(ELFFixture(symbols: [.init(name: "SSL_ctrl")]).bytes(), to: "libssl.so.3")
        let mapping = try #require(ExecutableMapping(path))
        defer { mapping.close() }
        unlink(path)
        try directory.write(ELFFixture().bytes(), to: "libssl.so.3")
        let mapped = try #require(
            LibraryScan.mappedLibraries(of: UInt32(getpid())).first { $0.path == path + " (deleted)" }
        )
        let library = try #require(mapped.library())
        #expect(library.key == mapped.key)
        #expect(library.sslCtrlOffset == ELFFixture.functionOffset)
        #expect(library.version == "3")
    }

    @Test func bearsProcessesThatAreGone() {
        let nobody: UInt32 = 4_194_305  // above PID_MAX_LIMIT of linux/threads.h
        #expect(LibraryScan.mappedLibraries(of: nobody).isEmpty)
        #expect(LibraryScan.mountNamespace(of: nobody) == nil)
        #expect(LibraryScan.resolve(pid: nobody, path: "/lib/libssl.so.3") == "/proc/4194305/root/lib/libssl.so.3")
        #expect(ProgramScan.program(pid: nobody) == nil)
    }

    @Test func leavesOwnPathsAsTheyAre() {
        let pid = UInt32(getpid())
        #expect(LibraryScan.mountNamespace(of: pid) != nil)
        #expect(LibraryScan.resolve(pid: pid, path: "/lib/libssl.so.3") == "/lib/libssl.so.3")
    }
}
