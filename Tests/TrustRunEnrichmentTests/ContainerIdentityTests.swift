// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents

@Suite struct ContainerIdentityTests {
    static let id = String(repeating: "0123456789abcdef", count: 4)
    static let other = String(repeating: "fedcba9876543210", count: 4)
    static let pod = "2f4a1c5e-8b7d-4e6f-9a0b-1c2d3e4f5a6b"
    static let slicedPod = "2f4a1c5e_8b7d_4e6f_9a0b_1c2d3e4f5a6b"

    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let path: String
        let runtime: ContainerIdentity.Runtime
        var id = ContainerIdentityTests.id
        var podUID: String?
        var testDescription: String { label }
    }

    static let containers = [
        Case(label: "docker, systemd", path: "/system.slice/docker-\(id).scope", runtime: .docker),
        Case(label: "docker, cgroupfs", path: "/docker/\(id)", runtime: .docker),
        Case(
            label: "docker, rootless",
            path: "/user.slice/user-1000.slice/user@1000.service/app.slice/docker-\(id).scope", runtime: .docker),
        Case(label: "docker, cgroup of its own inside", path: "/docker/\(id)/init.scope", runtime: .docker),
        Case(
            label: "docker in docker", path: "/docker/\(other)/docker/\(id)", runtime: .docker),
        Case(
            label: "containerd, systemd, burstable",
            path: "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(slicedPod).slice/"
                + "cri-containerd-\(id).scope",
            runtime: .containerd, podUID: pod),
        Case(
            label: "containerd, systemd, guaranteed",
            path: "/kubepods.slice/kubepods-pod\(slicedPod).slice/cri-containerd-\(id).scope", runtime: .containerd,
            podUID: pod),
        Case(
            label: "containerd, cgroupfs", path: "/kubepods/besteffort/pod\(pod)/\(id)", runtime: .containerd,
            podUID: pod),
        Case(
            label: "static pod", path: "/kubepods/burstable/pod\(String(id.prefix(32)))/\(id)", runtime: .containerd,
            podUID: String(id.prefix(32))),
        Case(
            label: "cri-o, systemd",
            path: "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(slicedPod).slice/"
                + "crio-\(id).scope",
            runtime: .crio, podUID: pod),
        Case(
            label: "cri-o, cgroupfs", path: "/kubepods/burstable/pod\(pod)/crio-\(id)", runtime: .crio, podUID: pod),
        Case(
            label: "cri-o, inside the scope",
            path: "/kubepods.slice/kubepods-pod\(slicedPod).slice/crio-\(id).scope/container", runtime: .crio,
            podUID: pod),
        Case(label: "podman, systemd", path: "/machine.slice/libpod-\(id).scope/container", runtime: .podman),
        Case(label: "podman, cgroupfs", path: "/libpod_parent/libpod-\(id)", runtime: .podman),
        Case(
            label: "podman, rootless",
            path: "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope/container",
            runtime: .podman),
        Case(
            label: "a pod in a container",
            path: "/docker/\(other)/kubepods.slice/kubepods-pod\(slicedPod).slice/cri-containerd-\(id).scope",
            runtime: .containerd, podUID: pod),
        // kubelet --cgroup-root=/kubelet, as kind runs it
        Case(
            label: "containerd below another root",
            path: "/docker/\(other)/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                + "kubelet-kubepods-burstable-pod\(slicedPod).slice/cri-containerd-\(id).scope",
            runtime: .containerd, podUID: pod),
        Case(
            label: "cgroupfs below another root", path: "/docker/\(other)/kubelet/kubepods/burstable/pod\(pod)/\(id)",
            runtime: .containerd, podUID: pod),
    ]

    @Test(arguments: containers) func names(_ row: Case) throws {
        let found = try #require(ContainerIdentity(cgroupPath: Array(row.path.utf8)))
        #expect(found.id == row.id)
        #expect(found.runtime == row.runtime)
        #expect(found.podUID == row.podUID)
    }

    static let none = [
        "", "/", "//", "/init.scope", "/system.slice/docker.service", "/user.slice/user-1000.slice/session-2.scope",
        "/docker", "/docker/", "/docker/buildx", "/\(id)", "/system.slice/\(id)", "/docker/\(id.dropLast())",
        "/docker/\(id)0", "/docker/\(id.uppercased())", "/system.slice/docker-\(id).service",
        "/system.slice/docker-\(id.dropLast()).scope", "/system.slice/docker-.scope",
        "/system.slice/mydocker-\(id).scope",
        "/kubepods/\(id)", "/kubepods/burstable/pod/\(id)",
        "/kubepods/burstable/podzzzz/\(id)", "/besteffort/pod\(pod)/\(id)", "/docker/x/\(id)",
        "/docker/\(String(repeating: "é", count: 32))", "/docker-\(id).scope.scope", "docker-", ".scope", "/pod",
        "/kubepods",
        "/kubepods-.slice", "/kubepods-pod.slice",
    ]

    @Test(arguments: none) func namesNothing(path: String) {
        #expect(ContainerIdentity(cgroupPath: Array(path.utf8)) == nil)
    }

    @Test func readsBytesThatAreNoText() {
        #expect(ContainerIdentity(cgroupPath: [0x2f, 0xff, 0xfe, 0x2f, 0x80]) == nil)
        #expect(ContainerIdentity(cgroupPath: Array(repeating: 0x2f, count: 4096)) == nil)
        let path = [0x2f, 0xff] + Array("/docker/\(Self.id)".utf8)
        #expect(ContainerIdentity(cgroupPath: path)?.id == Self.id)
    }
}
