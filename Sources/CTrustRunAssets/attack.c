// SPDX-License-Identifier: Apache-2.0
#include "tr_assets.h"

/* The attempts that `attack` makes, as the tests make them; Tests/check.sh compares the list with Tests/Bypass. */
static const unsigned char bypass_attempts_py[] = {
#embed "../../Tests/Bypass/attempts.py"
};
static const unsigned char bypass_canary_py[] = {
#embed "../../Tests/Bypass/canary.py"
};
static const unsigned char bypass_client_py[] = {
#embed "../../Tests/Bypass/client.py"
};
static const unsigned char bypass_helper_py[] = {
#embed "../../Tests/Bypass/helper.py"
};
static const unsigned char bypass_names_py[] = {
#embed "../../Tests/Bypass/names.py"
};
static const unsigned char bypass_resolver_py[] = {
#embed "../../Tests/Bypass/resolver.py"
};
static const unsigned char bypass_run_py[] = {
#embed "../../Tests/Bypass/run.py"
};
static const unsigned char bypass_server_names_py[] = {
#embed "../../Tests/Bypass/server_names.py"
};
static const unsigned char bypass_sessions_py[] = {
#embed "../../Tests/Bypass/sessions.py"
};
static const unsigned char bypass_ways_dns_py[] = {
#embed "../../Tests/Bypass/ways_dns.py"
};
static const unsigned char bypass_ways_handed_py[] = {
#embed "../../Tests/Bypass/ways_handed.py"
};
static const unsigned char bypass_ways_inet_py[] = {
#embed "../../Tests/Bypass/ways_inet.py"
};
static const unsigned char bypass_ways_kinds_py[] = {
#embed "../../Tests/Bypass/ways_kinds.py"
};
static const unsigned char bypass_ways_options_py[] = {
#embed "../../Tests/Bypass/ways_options.py"
};
static const unsigned char bypass_ways_process_py[] = {
#embed "../../Tests/Bypass/ways_process.py"
};
static const unsigned char bypass_ways_tls_py[] = {
#embed "../../Tests/Bypass/ways_tls.py"
};
static const unsigned char bypass_world_py[] = {
#embed "../../Tests/Bypass/world.py"
};
static const unsigned char kernel_cgroups_py[] = {
#embed "../../Tests/Kernel/cgroups.py"
};
static const unsigned char kernel_children_py[] = {
#embed "../../Tests/Kernel/children.py"
};
static const unsigned char kernel_cleanup_py[] = {
#embed "../../Tests/Kernel/cleanup.py"
};
static const unsigned char kernel_client_hello_py[] = {
#embed "../../Tests/Kernel/client_hello.py"
};
static const unsigned char kernel_clients_py[] = {
#embed "../../Tests/Kernel/clients.py"
};
static const unsigned char kernel_dns_packets_py[] = {
#embed "../../Tests/Kernel/dns_packets.py"
};
static const unsigned char kernel_expect_py[] = {
#embed "../../Tests/Kernel/expect.py"
};
static const unsigned char kernel_netns_py[] = {
#embed "../../Tests/Kernel/netns.py"
};
static const unsigned char kernel_scopes_py[] = {
#embed "../../Tests/Kernel/scopes.py"
};
static const unsigned char kernel_servers_py[] = {
#embed "../../Tests/Kernel/servers.py"
};
static const unsigned char kernel_settings_py[] = {
#embed "../../Tests/Kernel/settings.py"
};
static const unsigned char kernel_endpoint_h[] = {
#embed "../../Tests/Kernel/workloads/endpoint.h"
};
static const unsigned char io_uring_send[] = {
#embed "../../Tests/Kernel/workloads/io_uring_send.c"
};
static const unsigned char kernel_ring_h[] = {
#embed "../../Tests/Kernel/workloads/ring.h"
};
static const unsigned char udp_turn[] = {
#embed "../../Tests/Kernel/workloads/udp_turn.c"
};

static const struct tr_asset files[] = {
	{ "Bypass/attempts.py", bypass_attempts_py, sizeof(bypass_attempts_py) },
	{ "Bypass/canary.py", bypass_canary_py, sizeof(bypass_canary_py) },
	{ "Bypass/client.py", bypass_client_py, sizeof(bypass_client_py) },
	{ "Bypass/helper.py", bypass_helper_py, sizeof(bypass_helper_py) },
	{ "Bypass/names.py", bypass_names_py, sizeof(bypass_names_py) },
	{ "Bypass/resolver.py", bypass_resolver_py, sizeof(bypass_resolver_py) },
	{ "Bypass/run.py", bypass_run_py, sizeof(bypass_run_py) },
	{ "Bypass/server_names.py", bypass_server_names_py, sizeof(bypass_server_names_py) },
	{ "Bypass/sessions.py", bypass_sessions_py, sizeof(bypass_sessions_py) },
	{ "Bypass/ways_dns.py", bypass_ways_dns_py, sizeof(bypass_ways_dns_py) },
	{ "Bypass/ways_handed.py", bypass_ways_handed_py, sizeof(bypass_ways_handed_py) },
	{ "Bypass/ways_inet.py", bypass_ways_inet_py, sizeof(bypass_ways_inet_py) },
	{ "Bypass/ways_kinds.py", bypass_ways_kinds_py, sizeof(bypass_ways_kinds_py) },
	{ "Bypass/ways_options.py", bypass_ways_options_py, sizeof(bypass_ways_options_py) },
	{ "Bypass/ways_process.py", bypass_ways_process_py, sizeof(bypass_ways_process_py) },
	{ "Bypass/ways_tls.py", bypass_ways_tls_py, sizeof(bypass_ways_tls_py) },
	{ "Bypass/world.py", bypass_world_py, sizeof(bypass_world_py) },
	{ "Kernel/cgroups.py", kernel_cgroups_py, sizeof(kernel_cgroups_py) },
	{ "Kernel/children.py", kernel_children_py, sizeof(kernel_children_py) },
	{ "Kernel/cleanup.py", kernel_cleanup_py, sizeof(kernel_cleanup_py) },
	{ "Kernel/client_hello.py", kernel_client_hello_py, sizeof(kernel_client_hello_py) },
	{ "Kernel/clients.py", kernel_clients_py, sizeof(kernel_clients_py) },
	{ "Kernel/dns_packets.py", kernel_dns_packets_py, sizeof(kernel_dns_packets_py) },
	{ "Kernel/expect.py", kernel_expect_py, sizeof(kernel_expect_py) },
	{ "Kernel/netns.py", kernel_netns_py, sizeof(kernel_netns_py) },
	{ "Kernel/scopes.py", kernel_scopes_py, sizeof(kernel_scopes_py) },
	{ "Kernel/servers.py", kernel_servers_py, sizeof(kernel_servers_py) },
	{ "Kernel/settings.py", kernel_settings_py, sizeof(kernel_settings_py) },
	{ "Kernel/workloads/endpoint.h", kernel_endpoint_h, sizeof(kernel_endpoint_h) },
	{ "Kernel/workloads/io_uring_send.c", io_uring_send, sizeof(io_uring_send) },
	{ "Kernel/workloads/ring.h", kernel_ring_h, sizeof(kernel_ring_h) },
	{ "Kernel/workloads/udp_turn.c", udp_turn, sizeof(udp_turn) },
};

const struct tr_asset *tr_attack_file(size_t index)
{
	return index < sizeof(files) / sizeof(files[0]) ? &files[index] : NULL;
}
